/**
 * Up to where the twin is known to have what this outbox holds, and what it says beyond that until it is
 * compared. Pure.
 *
 * It has what it acknowledged, and gets what is sent to it. But where it is asked anew or refuses a batch, what
 * was only sent may be lost, and it may have others under those numbers: of a backlog that was carried there
 * before the disk went back. Beyond what was sent it may have events of the process before, or of a disk
 * that went back in time since.
 */
import type { Ack } from "../wire/codec.ts";
import { type Comparison, createComparison, type Range } from "./uplink-comparison.ts";

export type Known = {
  /** A Hello goes out; `acked` is what the twin acknowledged. */
  ask(acked: number): void;
  sent(lastSeq: number): void;
  /** Undefined: what it acknowledges is to be compared first, or is not yet found to be the same. */
  heard(ack: Ack, held: Range & { readonly acked: number }, atMs: number): Ack | undefined;
  comparing(): Comparing | undefined;
};

export type Comparing = {
  readonly answer: Ack;
  readonly comparison: Comparison;
  readonly movedAtMs: number;
};

export function createKnown(): Known {
  let sent = 0;
  let comparing: Comparing | undefined;

  function ask(acked: number): void {
    comparing = undefined;
    sent = Math.min(sent, acked);
  }

  return {
    ask,
    sent(lastSeq) {
      sent = Math.max(sent, lastSeq);
    },
    heard(ack, { acked, firstSeq, lastSeq }, atMs) {
      const isRefused = ack.refused !== "";
      if (isRefused) ask(acked);
      if (comparing !== undefined) {
        const { answer, comparison } = comparing;
        const isSame = comparison.heard(ack);
        comparing = isSame ? undefined : { answer, comparison, movedAtMs: atMs };
        if (!isSame) return undefined;
        sent = answer.through;
        return answer;
      }
      const through = Math.max(sent, firstSeq - 1);
      if (ack.compares !== true || ack.through <= through) return ack;
      if (isRefused) return { ...ack, through };
      const comparison = createComparison(ack.through, { firstSeq: through + 1, lastSeq });
      comparing = { answer: ack, comparison, movedAtMs: atMs };
      return undefined;
    },
    comparing: () => comparing,
  };
}
