/**
 * Whether the twin holds what this outbox holds, where it has more than it is known to have of it. Pure.
 *
 * Mostly because the last process died before it heard so: then the newest of those events is the same here
 * and there, and so are all before it, as a file that goes back in time gives other events its numbers
 * again. Where it differs, the oldest ones are compared until the first that does: from there on the
 * events here are new to the twin, whatever their numbers.
 */
import type { Ack } from "../wire/codec.ts";

export type Range = { readonly firstSeq: number; readonly lastSeq: number };

export type ComparisonStep =
  /** To be shown to the twin, or its beginning. */
  | ({ readonly kind: "show" } & Range)
  /** From this number on what is held here was never sent. */
  | { readonly kind: "differs"; readonly fromSeq: number };

export type Comparison = {
  /** What is to be done next; undefined while that is under way. */
  next(): ComparisonStep | undefined;
  begun(): void;
  /** Whether it is known by now that all of it is the same. */
  heard(ack: Pick<Ack, "sameThrough" | "differsFrom" | "goneFrom">): boolean;
};

/**
 * `held`: what the twin may have of this outbox; nothing, where it begins behind its end. It says that it has
 * everything up to `through`. An answer that comes late, to a question of before, tells the truth or is not about
 * what is asked now.
 */
export function createComparison(through: number, held: Range): Comparison {
  let isNewest = through <= held.lastSeq;
  let at = isNewest ? through : held.firstSeq;
  let end = isNewest ? through : held.lastSeq;
  /** What is held from here on up to `at` the twin has given up: it goes with what comes behind it. */
  let fromSeq = held.firstSeq;
  let isBegun = false;
  const isHere = (seq: number | undefined): seq is number =>
    seq !== undefined && seq >= at && seq <= end;

  return {
    next() {
      if (isBegun) return undefined;
      if (at > end) return { kind: "differs", fromSeq };
      return { kind: "show", firstSeq: at, lastSeq: end };
    },
    begun() {
      isBegun = true;
    },
    heard({ sameThrough, differsFrom, goneFrom = 0 }) {
      if (isHere(sameThrough)) {
        if (isNewest) return true;
        if (goneFrom !== at) fromSeq = goneFrom > at ? goneFrom : sameThrough + 1;
        at = sameThrough + 1;
      } else if (isHere(differsFrom)) {
        if (isNewest) [at, end] = [held.firstSeq, through - 1];
        else {
          if (differsFrom > at) fromSeq = differsFrom;
          at = end + 1;
        }
        isNewest = false;
      } else return false;
      isBegun = false;
      return false;
    },
  };
}
