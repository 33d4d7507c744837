/**
 * The conversation with a scanner that waits for an answer, as a table of moves. One scan at a time.
 *
 *   heard ─► keep ──┬─► stored ──► kept ─► (the twin) ─► judged       answerBy "commit"
 *                   │          └─► (the twin) ─────────► judged       answerBy "verdict"
 *                   └─► refused ─► refused
 *
 * Promises. Nothing good is said before the scan is on disk. Nothing at all is said once the scanner
 * has stopped waiting: it may be sending its next scan, and would take the answer for that one. A
 * scan that was not answered in time and comes again is the same scan, however often.
 *
 * Time comes in with each input and is monotonic.
 */
import { never } from "../../kernel/assert.ts";

/** `none`: the twin is away or slow, so the gateway decides: what is on disk is good. */
export type Verdict = "accepted" | "discrepancy" | "unknown" | "none";

export type Answer =
  /** On disk. */
  | { readonly kind: "kept" }
  /** Not on disk, and not going to be. */
  | { readonly kind: "refused" }
  /** On disk, and what the twin says of it. */
  | { readonly kind: "judged"; readonly verdict: Verdict };

export type DeliveryRules = {
  readonly timeoutMs: number;
  readonly answerBy: "commit" | "verdict";
  /** How long to wait for the twin; 0: not at all. */
  readonly verdictMs: number;
  /**
   * How a scanner repeats a scan whose answer it missed: `marked` as a repetition, unmarked when its
   * time is over, or `never` by itself.
   */
  readonly repeats: "marked" | "timed" | "never";
};

export type Delivery = {
  readonly number: number;
  readonly current: Current | undefined;
  /** The latest scan on disk. */
  readonly last: Last | undefined;
  /** Kept and told so; the twin's word on it is still to be passed on. */
  readonly judging: { readonly number: number; readonly untilMs: number } | undefined;
};

type Current = {
  readonly number: number;
  readonly frame: Uint8Array;
  readonly heardMs: number;
  /** Until when the twin's word is waited for; undefined while it is not on disk. */
  readonly untilMs: number | undefined;
  /** It has come before, so the twin has said what it has to say of it. */
  readonly again: boolean;
  /** The line it came on is gone, and with it whoever waits for the answer. */
  readonly gone: boolean;
};

export type Last = {
  readonly frame: Uint8Array;
  readonly heardMs: number;
  /** Undefined: it was not, or nobody knows whether the answer left. */
  readonly answeredMs: number | undefined;
  readonly verdict: Verdict | undefined;
};

/** Proof of the commit, as the outbox gives it. */
export type OnDisk = { readonly firstSeq: number; readonly lastSeq: number };

export type DeliveryInput =
  /** `again`: marked as a repetition; undefined where the protocol has no such mark. */
  | {
      readonly kind: "heard";
      readonly frame: Uint8Array;
      readonly again: boolean | undefined;
      readonly atMs: number;
    }
  | {
      readonly kind: "stored";
      readonly number: number;
      readonly commit: OnDisk;
      readonly atMs: number;
    }
  | { readonly kind: "refused"; readonly number: number; readonly atMs: number }
  | {
      readonly kind: "verdict";
      readonly number: number;
      readonly verdict: Verdict;
      readonly atMs: number;
    }
  | { readonly kind: "due"; readonly atMs: number }
  | { readonly kind: "cut"; readonly atMs: number };

export type DeliveryEffect =
  /** `again`: it is on disk already as far as we know; the outbox may recognise it. */
  | {
      readonly kind: "keep";
      readonly number: number;
      readonly frame: Uint8Array;
      readonly again: boolean;
    }
  | { readonly kind: "answer"; readonly answer: Answer }
  /** For the figures. */
  | { readonly kind: "note"; readonly what: "repeated" | "too-late" };

export type DeliveryMove = {
  readonly next: Delivery;
  readonly effects: readonly DeliveryEffect[];
};

/** How long after a break of the line or of this program a scan may come again unanswered. */
export const REPEAT_MS = 120_000;
/** An answer may still be on its way for so long; a line that breaks meanwhile may have swallowed it. */
const ON_ITS_WAY_MS = 250;
/** Share of the scanner's time-out that may pass until an answer leaves: the rest is its way. */
const IN_TIME = 0.9;
/** When an unmarked repetition comes, as shares of the time-out after the scan before it. */
const TIMED = [0.8, 1.3] as const;
/** A scanner tries twice more, and each try has the whole time-out. */
const MARKED = 4;

export function beginDelivery(last?: Last): Delivery {
  return { number: 0, current: undefined, last, judging: undefined };
}

/** When the next "due" is wanted. */
export function dueMs({ current, judging }: Delivery): number | undefined {
  return current?.untilMs ?? judging?.untilMs;
}

export function isBusy({ current, judging }: Delivery): boolean {
  return current !== undefined || judging !== undefined;
}

export function deliver(state: Delivery, input: DeliveryInput, rules: DeliveryRules): DeliveryMove {
  const { current } = state;
  switch (input.kind) {
    case "heard":
      return heard(state, input, rules);
    case "stored":
      if (current?.number !== input.number) return same(state);
      return stored(state, current, input.atMs, rules);
    case "refused":
      if (current?.number !== input.number) return same(state);
      return {
        next: { ...state, current: undefined },
        effects: [
          inTime(current, input.atMs, rules) ? answer({ kind: "refused" }) : note("too-late"),
        ],
      };
    case "verdict":
      return judged(state, input, rules);
    case "due":
      return due(state, input.atMs, rules);
    case "cut":
      return cut({ ...state, judging: undefined }, input.atMs);
    default:
      return never(input);
  }
}

function heard(
  state: Delivery,
  { frame, again, atMs }: DeliveryInput & { kind: "heard" },
  rules: DeliveryRules,
): DeliveryMove {
  const { current, last } = state;
  if (current !== undefined && sameBytes(current.frame, frame))
    return {
      next: { ...state, current: { ...current, heardMs: atMs, gone: false } },
      effects: [note("repeated")],
    };
  // A scanner that sends another scan has given the one before it up: nobody waits for that answer.
  const number = state.number + 1;
  const known = last !== undefined && isRepeat(last, { frame, again, atMs }, rules);
  return {
    next: {
      ...state,
      number,
      current: { number, frame, heardMs: atMs, untilMs: undefined, again: known, gone: false },
      judging: undefined,
    },
    effects: [...(known ? [note("repeated")] : []), { kind: "keep", number, frame, again: known }],
  };
}

function isRepeat(
  last: Last,
  { frame, again, atMs }: { frame: Uint8Array; again: boolean | undefined; atMs: number },
  { repeats, timeoutMs }: DeliveryRules,
): boolean {
  if (!sameBytes(last.frame, frame)) return false;
  const sinceMs = atMs - last.heardMs;
  if (last.answeredMs === undefined) return sinceMs <= REPEAT_MS;
  switch (repeats) {
    case "marked":
      return again === true && sinceMs <= MARKED * timeoutMs;
    case "timed":
      return sinceMs >= TIMED[0] * timeoutMs && sinceMs <= TIMED[1] * timeoutMs;
    case "never":
      return false;
    default:
      return never(repeats);
  }
}

function stored(
  state: Delivery,
  current: Current,
  atMs: number,
  rules: DeliveryRules,
): DeliveryMove {
  const { frame, heardMs, number } = current;
  const verdict = current.again ? (state.last?.verdict ?? "none") : undefined;
  if (!inTime(current, atMs, rules)) return tooLate(state, current);
  const untilMs = atMs + rules.verdictMs;
  if (rules.answerBy === "commit") {
    const last: Last = { frame, heardMs, answeredMs: atMs, verdict };
    const next = { ...state, current: undefined, last };
    if (rules.verdictMs > 0 && verdict === undefined)
      return { next: { ...next, judging: { number, untilMs } }, effects: [answer(KEPT)] };
    const word = answer({ kind: "judged", verdict: verdict ?? "none" });
    return { next, effects: [answer(KEPT), word] };
  }
  if (rules.verdictMs === 0 || verdict !== undefined)
    return finish(state, current, verdict ?? "none", atMs);
  const lastMs = heardMs + IN_TIME * rules.timeoutMs;
  return {
    next: { ...state, current: { ...current, untilMs: Math.min(untilMs, lastMs) } },
    effects: [],
  };
}

function judged(
  state: Delivery,
  { number, verdict, atMs }: DeliveryInput & { kind: "verdict" },
  rules: DeliveryRules,
): DeliveryMove {
  const { current, judging, last } = state;
  if (judging?.number === number)
    return {
      next: { ...state, judging: undefined, last: last && { ...last, verdict } },
      effects: [answer({ kind: "judged", verdict })],
    };
  if (current?.number !== number || current.untilMs === undefined) return same(state);
  return inTime(current, atMs, rules)
    ? finish(state, current, verdict, atMs)
    : tooLate(state, current, verdict);
}

function due(state: Delivery, atMs: number, rules: DeliveryRules): DeliveryMove {
  const { current, judging } = state;
  const waiting = current?.untilMs === undefined ? judging : current;
  if (waiting?.untilMs === undefined || atMs < waiting.untilMs) return same(state);
  return judged(state, { kind: "verdict", number: waiting.number, verdict: "none", atMs }, rules);
}

/** On disk, and its answer leaves now. */
function finish(
  state: Delivery,
  { frame, heardMs }: Current,
  verdict: Verdict,
  atMs: number,
): DeliveryMove {
  const last: Last = { frame, heardMs, answeredMs: atMs, verdict };
  return {
    next: { ...state, current: undefined, last },
    effects: [answer({ kind: "judged", verdict })],
  };
}

/** On disk, and nobody waits to hear of it. */
function tooLate(state: Delivery, { frame, heardMs }: Current, verdict?: Verdict): DeliveryMove {
  const last: Last = { frame, heardMs, answeredMs: undefined, verdict };
  return { next: { ...state, current: undefined, last }, effects: [note("too-late")] };
}

/** What is on disk is remembered as unanswered; what is not is still on its way there. */
function cut(state: Delivery, atMs: number): DeliveryMove {
  const { current, last } = state;
  if (current === undefined) {
    const answeredMs = last?.answeredMs;
    const left = answeredMs === undefined || atMs - answeredMs > ON_ITS_WAY_MS;
    return same(left ? state : { ...state, last: last && { ...last, answeredMs: undefined } });
  }
  if (current.untilMs !== undefined) return tooLate(state, current);
  return same({ ...state, current: { ...current, gone: true } });
}

function inTime({ gone, heardMs }: Current, atMs: number, { timeoutMs }: DeliveryRules): boolean {
  return !gone && atMs - heardMs <= IN_TIME * timeoutMs;
}

const KEPT: Answer = { kind: "kept" };

function answer(said: Answer): DeliveryEffect {
  return { kind: "answer", answer: said };
}

function note(what: "repeated" | "too-late"): DeliveryEffect {
  return { kind: "note", what };
}

function same(next: Delivery): DeliveryMove {
  return { next, effects: [] };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
