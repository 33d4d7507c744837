/**
 * Whether the twin holds what this outbox holds, where it has more than this process ever sent it. Pure.
 *
 * Mostly because the last process died before it heard so: then the newest of those events is the same here
 * and there, and so are all before it, as a file that goes back in time gives other events its numbers
 * again. Where it differs, the oldest ones are compared until the first that does: from there on the
 * events here are new to the twin, whatever their numbers.
 */
import type { Ack } from "../wire/codec.ts";

export type Range = { readonly firstSeq: number; readonly lastSeq: number };

export type Compared =
  | { readonly kind: "same" }
  /** From this number on what is held here was never sent. */
  | { readonly kind: "differs"; readonly fromSeq: number };

export type Comparison = {
  /** What to ask about next; undefined while an answer is due, and when there is nothing left to ask. */
  next(): Range | undefined;
  asked(): void;
  /** Undefined as long as it is not known. */
  heard(ack: Pick<Ack, "sameThrough" | "differsFrom">): Compared | undefined;
};

/**
 * `held`: what the twin may have of this outbox, not empty. It says that it has everything up to `through`. An
 * answer that comes late, to a question of before, tells the truth or is not about what is asked now.
 */
export function createComparison(through: number, held: Range): Comparison {
  let isNewest = through <= held.lastSeq;
  let at = isNewest ? through : held.firstSeq;
  let end = isNewest ? through : held.lastSeq;
  let isAsked = false;
  const isHere = (seq: number | undefined): seq is number =>
    seq !== undefined && seq >= at && seq <= end;

  return {
    next: () => (isAsked || at > end ? undefined : { firstSeq: at, lastSeq: end }),
    asked() {
      isAsked = true;
    },
    heard({ sameThrough, differsFrom }) {
      if (isHere(sameThrough)) {
        if (isNewest) return { kind: "same" };
        at = sameThrough + 1;
        isAsked = false;
      } else if (isHere(differsFrom)) {
        if (!isNewest) return { kind: "differs", fromSeq: differsFrom };
        isNewest = false;
        [at, end] = [held.firstSeq, through - 1];
        isAsked = false;
      }
      return at > end ? { kind: "differs", fromSeq: at } : undefined;
    },
  };
}
