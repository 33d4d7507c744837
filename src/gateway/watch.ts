/**
 * Asks from outside of those who work whether work waits while nothing moves. Shares no code with them: a
 * writer that hangs, or an uplink that waits for what never comes, cannot say so itself.
 */
import type { Clock } from "../ports.ts";

export type Work = {
  /** Somebody waits for it. */
  waits(): boolean;
  /** Changes whenever it gets on. */
  mark(): number;
};

export type Watch = {
  /** How long this work has waited without getting on, in ms; 0 while it gets on or nothing waits. */
  stalledMs(work: Work): number;
  close(): void;
};

const LOOK_EVERY_MS = 1_000;

export function createWatch({ clock }: { readonly clock: Clock }, works: readonly Work[]): Watch {
  const seen = new Map(works.map((work) => [work, { mark: work.mark(), movedMs: 0 }]));
  let cancel = () => {};

  function look(): void {
    const nowMs = clock.monotonicMs();
    for (const [work, last] of seen) {
      const mark = work.mark();
      if (!work.waits() || mark !== last.mark) seen.set(work, { mark, movedMs: nowMs });
    }
    cancel = clock.after(LOOK_EVERY_MS, look);
  }
  for (const last of seen.values()) last.movedMs = clock.monotonicMs();
  look();

  return {
    stalledMs(work) {
      const last = seen.get(work);
      const waitedMs = last === undefined ? 0 : clock.monotonicMs() - last.movedMs;
      // Between two looks nothing is known.
      return waitedMs > 2 * LOOK_EVERY_MS ? waitedMs : 0;
    },
    close: () => cancel(),
  };
}
