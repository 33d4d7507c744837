/**
 * One door to the protocols that want an answer: cuts of the line and what became of a scan go in,
 * bytes for the line and scans to keep come out. Deterministic: time is an argument.
 */
import { assert, never } from "../../kernel/assert.ts";
import type { Cut } from "../framing/cut.ts";
import { type AckNak, ackNakBytes, displayBytes, hostAckBytes } from "./answers.ts";
import {
  type Answer,
  beginDelivery,
  type DeliveryEffect,
  type DeliveryInput,
  type DeliveryRules,
  deliver,
  dueMs,
  isBusy,
  type Unanswered,
} from "./delivery.ts";
import {
  beginSsi,
  converseSsi,
  isQuiet,
  type Obeyed,
  type Order,
  type SsiInput,
  type SsiRules,
  dueMs as ssiDueMs,
} from "./ssi-session.ts";

export type ConversationInput =
  | { readonly kind: "cut-out"; readonly cut: Cut; readonly atMs: number }
  /** Of SSI only, and only while it is free. */
  | Order
  | Exclude<DeliveryInput, { readonly kind: "heard" }>;

export type ConversationEffect =
  | Obeyed
  | Exclude<DeliveryEffect, { readonly kind: "answer" }>
  /** `says`: for the figures. */
  | { readonly kind: "write"; readonly bytes: Uint8Array; readonly says: string };

export type Conversation = {
  step(input: ConversationInput): readonly ConversationEffect[];
  /** When the next "due" is wanted. */
  dueMs(): number | undefined;
  /** A scan is on its way to its answer, or to its tone. */
  isBusy(): boolean;
  /** Nor is a command: it can be told something else. */
  isFree(): boolean;
};

export type Style =
  | ({ readonly style: "ack-nak" } & AckNak)
  | { readonly style: "host-ack" }
  | { readonly style: "display" }
  /** Of a scan, however many packets it comes in. */
  | { readonly style: "ssi"; readonly frameBytesMax: number };

export type ConversationOptions = Style & {
  readonly timeoutMs: number;
  readonly verdictMs: number;
};

/** `before`: the scan that may have been kept and not answered before this program was started. */
export function createConversation(
  options: ConversationOptions,
  before?: Unanswered,
): Conversation {
  const rules = rulesOf(options);
  if (options.style === "ssi") return createSsiConversation({ ...rules, ...options }, before);
  const bytesOf = (answer: Answer) => {
    if (options.style === "ack-nak") return ackNakBytes(answer, options);
    return options.style === "display" ? displayBytes(answer) : hostAckBytes(answer);
  };
  let state = beginDelivery(before);

  return {
    step(input) {
      assert(input.kind !== "order", "only SSI has commands that are answered");
      if (input.kind === "cut-out" && input.cut.kind === "noise") return [];
      const move = deliver(state, asDelivery(input), rules);
      state = move.next;
      return move.effects.flatMap((effect): readonly ConversationEffect[] => {
        if (effect.kind !== "answer") return [effect];
        const bytes = bytesOf(effect.answer);
        return bytes === undefined ? [] : [{ kind: "write", bytes, says: saysOf(effect.answer) }];
      });
    },
    dueMs: () => dueMs(state),
    isBusy: () => isBusy(state),
    isFree: () => !isBusy(state),
  };
}

function createSsiConversation(rules: SsiRules, before: Unanswered | undefined): Conversation {
  let state = beginSsi(beginDelivery(before));
  return {
    step(input) {
      const heard = asSsi(input);
      if (heard === undefined) return [];
      const move = converseSsi(state, heard, rules);
      state = move.next;
      return move.effects;
    },
    dueMs: () => ssiDueMs(state),
    isBusy: () => isBusy(state.delivery),
    isFree: () => !isBusy(state.delivery) && isQuiet(state),
  };
}

function rulesOf(options: ConversationOptions): DeliveryRules {
  const { timeoutMs, verdictMs } = options;
  switch (options.style) {
    case "ssi":
      return { timeoutMs, verdictMs, answerBy: "commit", marks: true };
    case "host-ack":
    case "display":
      return { timeoutMs, verdictMs, answerBy: "verdict", marks: false };
    case "ack-nak": {
      const { warning } = options;
      const answerBy = warning?.when === "instead" ? "verdict" : "commit";
      // Without a character for it, the twin's word could not be passed on.
      const waitMs = warning === undefined ? 0 : verdictMs;
      return { timeoutMs, verdictMs: waitMs, answerBy, marks: false };
    }
    default:
      return never(options);
  }
}

function asDelivery(input: Exclude<ConversationInput, Order>): DeliveryInput {
  if (input.kind !== "cut-out") return input;
  assert(input.cut.kind === "frame", "noise is no scan");
  return { kind: "heard", frame: input.cut.frame, again: undefined, atMs: input.atMs };
}

function asSsi(input: ConversationInput): SsiInput | undefined {
  if (input.kind !== "cut-out") return input;
  const { cut, atMs } = input;
  if (cut.kind === "noise" && cut.why !== "checksum") return undefined;
  return cut.kind === "frame"
    ? { kind: "packet", bytes: cut.frame, atMs }
    : { kind: "noise", atMs };
}

function saysOf(answer: Answer): string {
  return answer.kind === "judged" ? answer.verdict : answer.kind;
}
