/**
 * The conversation with a scanner that waits for an answer, as a table of moves. One scan at a time.
 *
 *   heard ─► keep ──┬─► stored ──► kept ─► (the twin) ─► judged       answerBy "commit"
 *                   │          └─► (the twin) ─────────► judged       answerBy "verdict"
 *                   └─► refused ─► refused
 *
 * Promises. Nothing good is said before the scan is on disk. Nothing at all is said once the scanner
 * has stopped waiting: it may be sending its next scan, and would take the answer for that one. A
 * scan that was not answered in time and comes again is the same scan, however often, until another
 * is heard: whoever comes back to it behind that one may have carried the thing elsewhere meanwhile, and
 * whoever was answered may have missed it. Nobody but the scanner's operator knows: what may be a scan of its own
 * is kept as one, and said to be suspected.
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
  | {
      readonly kind: "judged";
      readonly verdict: Verdict;
      /** The twin's, when it has said one. */
      readonly reason?: string;
    };

export type DeliveryRules = {
  readonly timeoutMs: number;
  readonly answerBy: "commit" | "verdict";
  /** How long to wait for the twin; 0: not at all. */
  readonly verdictMs: number;
  /** A scan that the scanner sends again because it missed the answer is marked as a repetition. */
  readonly marks: boolean;
};

export type Delivery = {
  readonly number: number;
  readonly current: Current | undefined;
  /** Given up by the scanner, which sent another, while they were on their way to disk. */
  readonly abandoned: readonly Current[];
  /** The scan that was answered last. */
  readonly last: Answered | undefined;
  /** On disk, and the scanner was not told, or nobody knows whether it was. */
  readonly unanswered: readonly Untold[];
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

export type Unanswered = {
  readonly frame: Uint8Array;
  readonly heardMs: number;
  readonly verdict: Verdict | undefined;
};

type Untold = Unanswered & { readonly number: number };

type Answered = Untold & { readonly answeredMs: number };

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
      readonly reason?: string;
      readonly atMs: number;
    }
  | { readonly kind: "due"; readonly atMs: number }
  | { readonly kind: "cut"; readonly atMs: number };

export type DeliveryEffect =
  /**
   * `again`: it is on disk already as far as we know; the outbox may recognise it. `suspected`: a scan of
   * its own that may be the one before it, sent again because the answer was lost.
   */
  | {
      readonly kind: "keep";
      readonly number: number;
      readonly frame: Uint8Array;
      readonly again: boolean;
      readonly suspected: boolean;
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
/** Scans that an operator who went on may come back to. */
const REMEMBERED_MAX = 8;
/** Whoever heard no answer scans again within so long. */
const HAND_MS = 5_000;
/** A scanner tries twice more, and each try has the whole time-out. */
const MARKED = 4;

export function beginDelivery(before?: Unanswered): Delivery {
  const unanswered = before === undefined ? [] : [{ ...before, number: 0 }];
  return {
    ...{ number: 0, current: undefined, last: undefined, judging: undefined },
    ...{ abandoned: [], unanswered },
  };
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
      if (current?.number !== input.number) return keptLate(state, input.number);
      return stored(state, current, input.atMs, rules);
    case "refused":
      if (current?.number !== input.number) return same(without(state, input.number));
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
  const { current } = state;
  if (current !== undefined && sameBytes(current.frame, frame))
    return {
      next: { ...state, current: { ...current, heardMs: atMs, gone: false } },
      effects: [note("repeated")],
    };
  // A scanner that sends another scan has given the one before it up: nobody waits for that answer.
  const left = abandon({ ...state, judging: undefined });
  const number = state.number + 1;
  const known = isRepeat(left, { frame, again, atMs }, rules);
  const suspected = !known && isSuspected(left, { frame, atMs }, rules);
  return {
    next: {
      ...stillTried(left, { number, frame, atMs }),
      number,
      current: { number, frame, heardMs: atMs, untilMs: undefined, again: known, gone: false },
    },
    effects: [
      ...(known ? [note("repeated")] : []),
      { kind: "keep", number, frame, again: known, suspected },
    ],
  };
}

function isRepeat(
  { number, last, unanswered }: Delivery,
  { frame, again, atMs }: { frame: Uint8Array; again: boolean | undefined; atMs: number },
  { marks, timeoutMs }: DeliveryRules,
): boolean {
  const open = unanswered.find((one) => sameBytes(one.frame, frame));
  if (open?.number === number && atMs - open.heardMs <= REPEAT_MS) return true;
  if (!marks || last === undefined || !sameBytes(last.frame, frame)) return false;
  return again === true && atMs - last.heardMs <= MARKED * timeoutMs;
}

/**
 * A hand that reads the same label on purpose cannot be told from one that heard no answer, nor an answer
 * that was heard from one that a busy machine or a bad cable swallowed, however prompt it left here.
 */
function isSuspected(
  { number, last, unanswered, abandoned }: Delivery,
  { frame, atMs }: { frame: Uint8Array; atMs: number },
  { timeoutMs }: DeliveryRules,
): boolean {
  const open = [...unanswered, ...abandoned].find((one) => sameBytes(one.frame, frame));
  if (open !== undefined && atMs - open.heardMs <= REPEAT_MS) return true;
  if (last?.number !== number || !sameBytes(last.frame, frame)) return false;
  return atMs - last.answeredMs <= timeoutMs + HAND_MS;
}

/** What is on disk is remembered as unanswered; what is not is still on its way there. */
function abandon(state: Delivery): Delivery {
  const { current, abandoned } = state;
  if (current === undefined) return state;
  const left = { ...state, current: undefined };
  if (current.untilMs !== undefined) return remember(left, current);
  return { ...left, abandoned: [...abandoned.slice(1 - REMEMBERED_MAX), current] };
}

function keptLate(state: Delivery, number: number): DeliveryMove {
  const kept = state.abandoned.find((one) => one.number === number);
  const next = without(state, number);
  return { next: kept === undefined ? next : remember(next, kept), effects: [] };
}

function without(state: Delivery, number: number): Delivery {
  return { ...state, abandoned: state.abandoned.filter((one) => one.number !== number) };
}

function remember(
  state: Delivery,
  { number, frame, heardMs }: Untold | Current,
  verdict?: Verdict,
): Delivery {
  const others = forget(state, frame).unanswered.slice(1 - REMEMBERED_MAX);
  return { ...state, unanswered: [...others, { number, frame, heardMs, verdict }] };
}

/** Whoever tries on still means the same scan: two minutes count from here, and nothing is between. */
function stillTried(
  state: Delivery,
  { number, frame, atMs }: { readonly number: number; frame: Uint8Array; atMs: number },
): Delivery {
  const open = state.unanswered.find((one) => sameBytes(one.frame, frame));
  if (open?.number !== state.number || atMs - open.heardMs > REPEAT_MS) return state;
  return remember(state, { ...open, number, heardMs: atMs }, open.verdict);
}

function forget(state: Delivery, frame: Uint8Array): Delivery {
  return { ...state, unanswered: state.unanswered.filter((one) => !sameBytes(one.frame, frame)) };
}

/** What the twin said of it when it came first. */
function knownVerdict({ last, unanswered }: Delivery, frame: Uint8Array): Verdict {
  const open = unanswered.find((one) => sameBytes(one.frame, frame));
  return (open ?? last)?.verdict ?? "none";
}

function stored(
  state: Delivery,
  current: Current,
  atMs: number,
  rules: DeliveryRules,
): DeliveryMove {
  const { frame, heardMs, number } = current;
  const verdict = current.again ? knownVerdict(state, frame) : undefined;
  if (!inTime(current, atMs, rules)) return tooLate(state, current);
  const untilMs = atMs + rules.verdictMs;
  if (rules.answerBy === "commit") {
    const last: Answered = { number, frame, heardMs, answeredMs: atMs, verdict };
    const next = { ...forget(state, frame), current: undefined, last };
    if (rules.verdictMs > 0 && verdict === undefined)
      return { next: { ...next, judging: { number, untilMs } }, effects: [answer(KEPT)] };
    return { next, effects: [answer(KEPT), answer(word(verdict ?? "none"))] };
  }
  if (rules.verdictMs === 0 || verdict !== undefined)
    return finish(state, current, word(verdict ?? "none"), atMs);
  const lastMs = heardMs + IN_TIME * rules.timeoutMs;
  return {
    next: { ...state, current: { ...current, untilMs: Math.min(untilMs, lastMs) } },
    effects: [],
  };
}

function judged(
  state: Delivery,
  { number, verdict, reason, atMs }: DeliveryInput & { kind: "verdict" },
  rules: DeliveryRules,
): DeliveryMove {
  const { current, judging, last } = state;
  if (judging?.number === number)
    return {
      next: { ...state, judging: undefined, last: last && { ...last, verdict } },
      effects: [answer(word(verdict, reason))],
    };
  if (current?.number !== number || current.untilMs === undefined) return same(state);
  return inTime(current, atMs, rules)
    ? finish(state, current, word(verdict, reason), atMs)
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
  { number, frame, heardMs }: Current,
  said: Answer & { readonly kind: "judged" },
  atMs: number,
): DeliveryMove {
  const last: Answered = { number, frame, heardMs, answeredMs: atMs, verdict: said.verdict };
  return {
    next: { ...forget(state, frame), current: undefined, last },
    effects: [answer(said)],
  };
}

function word(verdict: Verdict, reason?: string): Answer & { readonly kind: "judged" } {
  return { kind: "judged", verdict, ...(reason && { reason }) };
}

/** On disk, and nobody waits to hear of it. */
function tooLate(state: Delivery, current: Current, verdict?: Verdict): DeliveryMove {
  const next = remember({ ...state, current: undefined }, current, verdict);
  return { next, effects: [note("too-late")] };
}

/** The line is gone. An answer that has just left may have gone with it. */
function cut(state: Delivery, atMs: number): DeliveryMove {
  const { current, last } = state;
  if (current?.untilMs !== undefined) return tooLate(state, current);
  if (current !== undefined) return same({ ...state, current: { ...current, gone: true } });
  if (last === undefined || atMs - last.answeredMs > ON_ITS_WAY_MS) return same(state);
  return same(remember({ ...state, last: undefined }, last, last.verdict));
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
