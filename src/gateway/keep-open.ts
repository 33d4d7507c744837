/**
 * Keeps a way to devices open: opens it, has it used until it ends, and opens it again, for ever. What
 * is absent or busy is a state and never ends anything; attempts spread out with full jitter, and a plug
 * that goes in does not wait for them.
 */
import { createBackoff } from "../kernel/backoff.ts";
import { Fault } from "../kernel/fault.ts";
import type { Chance, Clock } from "../ports.ts";
import type { DeviceState } from "./device-state.ts";
import { type Appears, watchForPlug } from "./plug.ts";

export type KeepOpenDeps<Way> = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly state: DeviceState;
  readonly open: () => Promise<Way>;
  /** Returns why it ended; also when `stop` is aborted. */
  readonly use: (way: Way, stop: AbortSignal) => Promise<string>;
  readonly close: (way: Way) => Promise<void>;
  readonly appears: Appears;
};

export type KeepOpenOptions = {
  /** As the fault of an absent device names it. */
  readonly path: string;
  readonly reopen: { readonly firstMs: number; readonly lastMs: number };
  /** What stayed open for so long was good: the next failure starts over. */
  readonly steadyMs: number;
};

export const REOPEN = { reopen: { firstMs: 250, lastMs: 5_000 }, steadyMs: 2_000 } as const;

/** Returns when `stop` is aborted. */
export async function keepOpen<Way>(
  { clock, chance, state, open, use, close, appears }: KeepOpenDeps<Way>,
  { path, reopen, steadyMs }: KeepOpenOptions,
  stop: AbortSignal,
): Promise<void> {
  const backoff = createBackoff(reopen, chance);
  while (!stop.aborted) {
    const plug = watchForPlug({ clock, appears }, path, stop);
    state.become("opening", "");
    const way = await attempt();
    if (way !== undefined) {
      const openedMs = clock.monotonicMs();
      state.become("open", "");
      const why = await use(way, stop);
      await close(way);
      if (clock.monotonicMs() - openedMs >= steadyMs) backoff.reset();
      if (!stop.aborted) state.become("absent", why);
    }
    if (!stop.aborted && (await plug.orWait(backoff.nextMs())) === "plug") backoff.reset();
    plug.end();
  }

  async function attempt(): Promise<Way | undefined> {
    try {
      return await open();
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      state.become(
        fault.detail.startsWith(`${path} is absent`) ? "absent" : "faulted",
        fault.message,
      );
      return undefined;
    }
  }
}
