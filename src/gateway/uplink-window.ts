/**
 * One lane on its way to the twin: what was sent and not yet acknowledged, and what to do about each
 * acknowledgement. Decisions only; time comes in as an argument, and the shell is uplink.ts.
 *
 *     asking ──Ack──► streaming ──Ack{refused}──► held ──(the shell waits)──► asking
 *        └────────────────┴──── twin claims more than we ever sent ──► stopped
 *
 * An acknowledgement is cumulative, so a lost one costs nothing, and it alone allows a release.
 *
 * Going back: after a gap the twin asks for it once per batch that was already under way. One of
 * those is obeyed; the others are answered by the batch that is on its way again.
 */
import { assert } from "../kernel/assert.ts";

export type Ack = {
  readonly through: number;
  readonly resend: boolean;
  readonly refused: string;
};

export type WindowLimits = {
  /** Batches under way at once. */
  readonly batchesMax: number;
  /**
   * Acknowledgements slower than this narrow the window, so that a new scan finds a short queue in
   * front of it on a slow line.
   */
  readonly slowMs: number;
};

export type Phase = "asking" | "streaming" | "held" | "stopped";

export type Heard = {
  /** Everything up to here is on the twin's disk and may be deleted; undefined when nothing new is. */
  readonly release: number | undefined;
  /** From sending to acknowledgement, of the newest batch this acknowledges. */
  readonly delayMs: number | undefined;
  /** Whether the acknowledgement told anything new. */
  readonly moved: boolean;
  readonly finding: Finding | undefined;
};

export type Finding =
  | { readonly kind: "went-back"; readonly fromSeq: number }
  | { readonly kind: "refused"; readonly why: string }
  /** The twin has events of this numbering that we never gave: our file is an old copy. */
  | { readonly kind: "ahead"; readonly through: number; readonly lastSeq: number };

export type Window = {
  phase(): Phase;
  /** Whether another batch may be sent now. */
  hasRoom(): boolean;
  /** Batches under way. */
  underWay(): number;
  nextSeq(): number;
  sent(firstSeq: number, lastSeq: number, atMs: number): void;
  /** `lastSeq` is the highest seq this outbox ever gave. */
  heard(ack: Ack, lastSeq: number, atMs: number): Heard;
  /** A Hello goes out: the twin's answer says where to start. */
  ask(atMs: number): void;
  /** Something is due from the twin, and nothing has moved for `afterMs`. */
  isOverdue(atMs: number, afterMs: number): boolean;
};

type Flight = { readonly lastSeq: number; readonly sentAtMs: number };

const NOTHING: Heard = {
  release: undefined,
  delayMs: undefined,
  moved: false,
  finding: undefined,
};

export function createWindow(limits: WindowLimits): Window {
  let phase: Phase = "asking";
  let flights: readonly Flight[] = [];
  let depth = limits.batchesMax;
  let next = 1;
  let sentThrough = 0;
  let acked = 0;
  let wentBackTo: number | undefined;
  let movedAtMs = 0;

  function goBackTo(seq: number): void {
    next = seq;
    flights = [];
  }

  function land(through: number, atMs: number): number | undefined {
    const landed = flights.filter((flight) => flight.lastSeq <= through);
    flights = flights.filter((flight) => flight.lastSeq > through);
    const newest = landed.at(-1);
    if (newest === undefined) return undefined;
    const delayMs = atMs - newest.sentAtMs;
    depth =
      delayMs > limits.slowMs
        ? Math.max(1, Math.floor(depth / 2))
        : Math.min(limits.batchesMax, depth + 1);
    return delayMs;
  }

  /** The cumulative part of an acknowledgement: what it covers has landed. */
  function advance(through: number, atMs: number): Heard {
    if (through <= acked && phase !== "asking") return NOTHING;
    const delayMs = land(through, atMs);
    const release = through > acked ? through : undefined;
    acked = through;
    next = Math.max(next, through + 1);
    movedAtMs = atMs;
    return { release, delayMs, moved: true, finding: undefined };
  }

  return {
    phase: () => phase,
    hasRoom: () => phase === "streaming" && flights.length < depth,
    underWay: () => flights.length,
    nextSeq: () => next,

    sent(firstSeq, lastSeq, atMs) {
      assert(phase === "streaming", "a batch is sent only while streaming");
      assert(firstSeq >= next && lastSeq >= firstSeq, "batches are sent in order");
      if (flights.length === 0) movedAtMs = atMs;
      flights = [...flights, { lastSeq, sentAtMs: atMs }];
      next = lastSeq + 1;
      sentThrough = Math.max(sentThrough, lastSeq);
    },

    heard({ through, resend, refused }, lastSeq, atMs) {
      if (phase === "stopped") return NOTHING;
      const given = Math.max(lastSeq, sentThrough);
      if (through > given) {
        phase = "stopped";
        flights = [];
        return { ...NOTHING, finding: { kind: "ahead", through, lastSeq: given } };
      }

      const heard = advance(through, atMs);
      if (refused !== "") {
        const repeated = phase === "held";
        phase = "held";
        goBackTo(through + 1);
        return repeated ? heard : { ...heard, finding: { kind: "refused", why: refused } };
      }
      if (phase === "asking") {
        phase = "streaming";
        goBackTo(through + 1);
        return heard;
      }
      if (phase === "held" || !resend || wentBackTo === through + 1) return heard;
      wentBackTo = through + 1;
      goBackTo(through + 1);
      return { ...heard, finding: { kind: "went-back", fromSeq: through + 1 } };
    },

    ask(atMs) {
      if (phase === "stopped") return;
      phase = "asking";
      flights = [];
      wentBackTo = undefined;
      movedAtMs = atMs;
    },

    isOverdue: (atMs, afterMs) =>
      (phase === "asking" || (phase === "streaming" && flights.length > 0)) &&
      atMs - movedAtMs >= afterMs,
  };
}
