/**
 * Stays connected to a broker of somebody else, for as long as the gateway runs. What comes from there
 * goes the way of what devices publish here.
 */
import type { BrokerSource, Chance, Clock, Journal, OpenSource, Presence } from "../ports.ts";
import type { Serve } from "./directives.ts";
import { keepOpen } from "./keep-open.ts";
import { createPublishing } from "./publish-act.ts";
import type { Sensors } from "./sensors.ts";
import { hostPresence } from "./sparkplug-host.ts";

export type SourceConfig = Omit<BrokerSource, "presence"> & {
  readonly id: string;
  /** Our name as the host of Sparkplug's edge nodes there. */
  readonly sparkplugHost?: string;
};

export type SourceDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly sensors: Sensors;
  readonly open: OpenSource;
  /** Makes the broker able to do what the twin wants, also while it is away: that waits for it. */
  readonly serve: Serve;
};

/** A broker that restarts is asked by all its clients at once. */
const RECONNECT = { reopen: { firstMs: 500, lastMs: 30_000 }, steadyMs: 10_000 };

/** Returns when `stop` is aborted and what had come is stored and acknowledged. */
export async function runSource(
  deps: SourceDeps,
  source: SourceConfig,
  stop: AbortSignal,
): Promise<void> {
  const { journal, sensors, clock, serve } = deps;
  const publishing = createPublishing();
  const release = serve(source.id, publishing.act);
  await keepOpen(
    {
      ...deps,
      state: sensors.stateOf(source.id),
      open: () => deps.open({ ...source, presence: presenceOf(source, clock.nowMs()) }, stop),
      async use(session) {
        if (session.unsure.length > 0)
          journal.warn("source-best-effort", { source: source.id, topics: session.unsure });
        const leave = publishing.through(session.say);
        const enough = new AbortController();
        const end = () => enough.abort();
        stop.addEventListener("abort", end, { once: true });
        if (stop.aborted) end();
        const why = await Promise.race([session.gone, aborted(enough.signal)]);
        stop.removeEventListener("abort", end);
        leave();
        return why;
      },
      close: (session) => session.close(),
      appears: async (_url, enough) => void (await aborted(enough)),
    },
    { path: source.url, ...RECONNECT },
    stop,
  );
  release();
}

function presenceOf({ sparkplugHost }: SourceConfig, nowMs: number): Presence | undefined {
  return sparkplugHost === undefined ? undefined : hostPresence(sparkplugHost, nowMs);
}

function aborted(stop: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve("");
    stop.addEventListener("abort", () => resolve(""), { once: true });
  });
}
