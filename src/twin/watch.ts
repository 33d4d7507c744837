/**
 * Asks from outside of the writer whether work waits while nothing moves. Shares no code with it: a
 * writer that hangs cannot say so itself.
 */
import type { Clock } from "../ports.ts";
import type { Standing } from "./ingest.ts";

export type Watch = {
  /** How long work has waited without any progress, in ms; 0 when all is well. */
  stalledMs(): number;
  close(): void;
};

export type WatchDeps = {
  readonly clock: Clock;
  readonly writer: { standing(): Standing; waiting(): number };
};

const LOOK_EVERY_MS = 1_000;

export function createWatch({ clock, writer }: WatchDeps): Watch {
  let seen = { latest: 0, reflected: 0, waiting: 0 };
  let movedMs = clock.monotonicMs();
  let cancel = () => {};

  function look(): void {
    const now = { ...writer.standing(), waiting: writer.waiting() };
    const idle = now.reflected === now.latest && now.waiting === 0;
    const moved = now.reflected !== seen.reflected || now.latest !== seen.latest;
    if (idle || moved || now.waiting < seen.waiting) movedMs = clock.monotonicMs();
    seen = now;
    cancel = clock.after(LOOK_EVERY_MS, look);
  }
  look();

  return {
    stalledMs() {
      const waitedMs = clock.monotonicMs() - movedMs;
      return waitedMs > 2 * LOOK_EVERY_MS ? waitedMs : 0;
    },
    close: () => cancel(),
  };
}
