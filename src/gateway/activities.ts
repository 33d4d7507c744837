/**
 * Activities by the name of what they are configured for. When the configuration changes, those that it
 * names as before go on without noticing; the others end, and only then what is new begins, since both
 * may want the same device, be they of one kind or of two.
 */
export type Activity = {
  /** Settles when it has ended; rejects when it broke. */
  readonly ended: Promise<void>;
  /** What is to be done after its end. */
  close?(why: Parting): Promise<void>;
};

/** `removed`: the configuration names it no more; `replaced`: it names it, and differently. */
export type Parting = "removed" | "replaced" | "stopped";

export type Change = {
  readonly started: readonly string[];
  readonly stopped: readonly string[];
};

export type Activities<Config, Running extends Activity> = {
  /** Settles when what is not named as before has ended; what is new begins when it is told to. */
  become(configs: readonly Config[]): Promise<Begin>;
  /** In the order of the configuration. */
  list(): readonly { readonly config: Config; readonly running: Running }[];
  /** Ends all of them, also those that are ending; nothing begins after this. */
  stop(): Promise<void>;
};

export type Begin = () => Change;

type Kept<Config, Running> = {
  readonly config: Config;
  readonly text: string;
  readonly running: Running;
  readonly halt: AbortController;
};

/** What is configured now begins at once, before this returns. */
export function startActivities<Config extends { readonly id: string }, Running extends Activity>(
  start: (config: Config, stop: AbortSignal) => Running,
  configs: readonly Config[],
  broke: (error: unknown) => void,
): Activities<Config, Running> {
  let kept: readonly Kept<Config, Running>[] = [];
  let leaves: Promise<unknown> = Promise.resolve();
  let stopped = false;

  const begin = (config: Config): Kept<Config, Running> => {
    const halt = new AbortController();
    const running = start(config, halt.signal);
    running.ended.catch(broke);
    return { config, text: JSON.stringify(config), running, halt };
  };

  const end = async ({ halt, running }: Kept<Config, Running>, why: Parting): Promise<void> => {
    halt.abort();
    await running.ended;
    await running.close?.(why);
  };

  kept = configs.map(begin);
  return {
    async become(next) {
      const before = new Map(kept.map((one) => [one.text, one]));
      const staying = new Set(next.flatMap((config) => before.get(JSON.stringify(config)) ?? []));
      const leaving = kept.filter((one) => !staying.has(one));
      kept = kept.filter((one) => staying.has(one));
      const named = new Set(next.map(({ id }) => id));
      leaves = Promise.all(
        leaving.map((one) => end(one, named.has(one.config.id) ? "replaced" : "removed")),
      );
      await leaves;
      return () => {
        const started: string[] = [];
        if (!stopped)
          kept = next.map((config) => {
            const same = before.get(JSON.stringify(config));
            if (same === undefined) started.push(config.id);
            return same ?? begin(config);
          });
        return { started, stopped: leaving.map(({ config }) => config.id) };
      };
    },
    list: () => kept,
    async stop() {
      stopped = true;
      await Promise.all([leaves, ...kept.map((one) => end(one, "stopped"))]);
    },
  };
}
