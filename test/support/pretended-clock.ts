/** A clock that stands still until it is told to go on. Timers fire in order, each at its time. */
import type { Clock } from "../../src/ports.ts";

export type PretendedClock = Clock & {
  /** Lets time pass, and everything that happens at each moment come to rest. */
  advance(ms: number): Promise<void>;
  /** Somebody sets the wall clock. */
  setWall(byMs: number): void;
};

/** Lets everything that can happen now happen. */
export const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createPretendedClock(startMs = Date.UTC(2024, 5, 3, 8)): PretendedClock {
  let elapsedMs = 0;
  let setMs = 0;
  let timers: readonly { readonly atMs: number; readonly fire: () => void }[] = [];

  function after(ms: number, fire: () => void): () => void {
    const timer = { atMs: elapsedMs + ms, fire };
    timers = [...timers, timer];
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  }

  return {
    nowMs: () => startMs + Math.floor(elapsedMs) + setMs,
    monotonicMs: () => elapsedMs,
    quality: () => "synced",
    after,
    sleep: (ms, stop) =>
      new Promise((resolve) => {
        if (stop.aborted) return resolve();
        const cancel = after(ms, resolve);
        stop.addEventListener("abort", () => {
          cancel();
          resolve();
        });
      }),
    setWall(byMs) {
      setMs += byMs;
    },
    async advance(ms) {
      const untilMs = elapsedMs + ms;
      await rest();
      for (;;) {
        const due = timers
          .filter(({ atMs }) => atMs <= untilMs)
          .reduce((a, b) => (a === undefined || b.atMs < a.atMs ? b : a), timers[0]);
        if (due === undefined || due.atMs > untilMs) break;
        timers = timers.filter((timer) => timer !== due);
        elapsedMs = Math.max(elapsedMs, due.atMs);
        due.fire();
        await rest();
      }
      elapsedMs = untilMs;
    },
  };
}
