/**
 * The conversation with an SSI scanner: what it sends is answered when it is on disk, and what we want
 * of it (tone, LED) goes one command at a time, each answered by the scanner before the next.
 *
 *   DECODE_DATA ─► keep ─► CMD_ACK ─► BEEP ─► (CMD_ACK) ─► LED_ON ─► (CMD_ACK)
 *               └► refused ─► CMD_NAK resend: it sends twice more, and then sounds its own error
 *   an order ─► BEEP | LED_ON | LED_OFF ─► done (CMD_ACK) | refused (CMD_NAK) | silent
 *
 * An order is sent again only when the scanner says that it did not arrive: without its word it may have
 * been obeyed, and a tone must not be heard twice.
 *
 * The good-read tone of the scanner itself must be switched off ("beep after good decode": no); the
 * BEEP is ours, so that it means "saved".
 *
 * Source: Symbol SE955 integration guide, chapter 10 (retries, NAK causes); Zebra 72E-40451.
 */
import { never } from "../../kernel/assert.ts";
import {
  type Delivery,
  type DeliveryEffect,
  type DeliveryInput,
  type DeliveryRules,
  deliver,
  dueMs as deliveryDueMs,
  type Verdict,
} from "./delivery.ts";
import {
  BEEP,
  CAUSE,
  decodeSsi,
  encodeSsi,
  ONE_LAMP,
  OPCODE,
  type SsiPacket,
} from "./ssi-packet.ts";
import { cutParts, noisePart, type Parts, takePart } from "./ssi-parts.ts";

export type SsiSession = {
  readonly delivery: Delivery;
  /** Commands that wait for their turn. */
  readonly queue: readonly Command[];
  /** The command that the scanner has not answered yet. */
  readonly sent: (Command & { readonly tries: number; readonly untilMs: number }) | undefined;
  /** Our LED is on, since the scan before was not in order. */
  readonly led: boolean;
  readonly parts: Parts | undefined;
};

type Command = {
  readonly opcode: number;
  readonly data: readonly number[];
  /** For the figures. */
  readonly says: string;
  /** Its number when it is an order; somebody waits to hear what came of it. */
  readonly order?: number;
};

export type Order = {
  readonly kind: "order";
  readonly number: number;
  readonly opcode: number;
  readonly data: readonly number[];
  readonly atMs: number;
};

export type Obeyed = {
  readonly kind: "obeyed";
  readonly number: number;
  readonly how: "done" | "refused" | "silent";
};

export type SsiRules = DeliveryRules & { readonly frameBytesMax: number };

export type SsiInput =
  | { readonly kind: "packet"; readonly bytes: Uint8Array; readonly atMs: number }
  | { readonly kind: "noise"; readonly atMs: number }
  /** Only while nothing else is under way. */
  | Order
  | Exclude<DeliveryInput, { readonly kind: "heard" }>;

export type SsiEffect =
  | Obeyed
  | Exclude<DeliveryEffect, { readonly kind: "answer" }>
  | { readonly kind: "write"; readonly bytes: Uint8Array; readonly says: string };

export type SsiMove = { readonly next: SsiSession; readonly effects: readonly SsiEffect[] };

/** Tones of two scans ago help nobody. */
const QUEUE_MAX = 4;
const TRIES_MAX = 2;
/** A scanner sends three times, and waits each time; then it has given a scan up. */
const GIVEN_UP = 4;

export function beginSsi(delivery: Delivery): SsiSession {
  return { delivery, queue: [], sent: undefined, led: false, parts: undefined };
}

/** No command of ours is under way. */
export function isQuiet({ queue, sent }: SsiSession): boolean {
  return sent === undefined && queue.length === 0;
}

export function dueMs({ delivery, sent }: SsiSession): number | undefined {
  const due = deliveryDueMs(delivery);
  if (sent === undefined || due === undefined) return sent?.untilMs ?? due;
  return Math.min(due, sent.untilMs);
}

export function converseSsi(state: SsiSession, input: SsiInput, rules: SsiRules): SsiMove {
  switch (input.kind) {
    case "packet":
      return packet(state, input.bytes, input.atMs, rules);
    case "noise":
      return {
        next: { ...state, parts: noisePart(state.parts) },
        effects: [nak(CAUSE.RESEND)],
      };
    case "order": {
      const { number: order, opcode, data, atMs } = input;
      return send(
        { ...state, queue: [{ opcode, data, says: "directive", order }] },
        [],
        atMs,
        rules,
      );
    }
    case "cut": {
      const { next } = deliver(state.delivery, input, rules);
      // The scanner that comes back knows nothing of our commands, and its LED is dark.
      return {
        next: { ...beginSsi(next), parts: cutParts(state.parts, input.atMs) },
        effects: obeyed(state, "silent"),
      };
    }
    case "due":
      return retry(passOn(state, input, rules), input.atMs, rules);
    case "stored":
    case "refused":
    case "verdict":
      return passOn(state, input, rules);
    default:
      return never(input);
  }
}

function packet(state: SsiSession, bytes: Uint8Array, atMs: number, rules: SsiRules): SsiMove {
  const heard = decodeSsi(bytes);
  switch (heard.opcode) {
    case OPCODE.DECODE_DATA:
      return decoded(state, heard, atMs, rules);
    case OPCODE.CMD_ACK:
      return send({ ...state, sent: undefined }, obeyed(state, "done"), atMs, rules);
    case OPCODE.CMD_NAK:
      return heard.data[0] === CAUSE.RESEND
        ? again({ next: state, effects: [] }, "refused", atMs, rules)
        : send({ ...state, sent: undefined }, obeyed(state, "refused"), atMs, rules);
    case OPCODE.EVENT:
      return { next: state, effects: [write(OPCODE.CMD_ACK, [], "ack-event")] };
    default:
      return { next: state, effects: [nak(CAUSE.BAD_CONTEXT)] };
  }
}

function decoded(state: SsiSession, heard: SsiPacket, atMs: number, rules: SsiRules): SsiMove {
  const limits = { bytesMax: rules.frameBytesMax, patienceMs: GIVEN_UP * rules.timeoutMs };
  const part = takePart(state.parts, heard, atMs, limits);
  const next = { ...state, parts: part.next };
  switch (part.heard.kind) {
    case "scan":
      return passOn(next, { ...part.heard, kind: "heard", atMs }, rules);
    case "part":
      // Received; nothing is kept of it, nor said of that, before the whole scan is there.
      return { next, effects: [write(OPCODE.CMD_ACK, [], "part")] };
    case "denied":
      return { next, effects: [nak(CAUSE.DENIED)] };
    default:
      return never(part.heard);
  }
}

function passOn(state: SsiSession, input: DeliveryInput, rules: DeliveryRules): SsiMove {
  const { next: delivery, effects: told } = deliver(state.delivery, input, rules);
  let next: SsiSession = { ...state, delivery };
  const effects: SsiEffect[] = [];
  const atMs = "atMs" in input ? input.atMs : 0;
  for (const effect of told) {
    if (effect.kind !== "answer") {
      effects.push(effect);
      continue;
    }
    const { answer } = effect;
    if (answer.kind === "kept") effects.push(write(OPCODE.CMD_ACK, [], "kept"));
    else if (answer.kind === "refused") effects.push(nak(CAUSE.RESEND, "refused"));
    else {
      const commands = commandsFor(answer.verdict, next.led);
      next = { ...next, led: isBad(answer.verdict) };
      const move = send({ ...next, queue: commands }, effects, atMs, rules);
      next = move.next;
      effects.splice(0, effects.length, ...move.effects);
    }
  }
  return { next, effects };
}

function isBad(verdict: Verdict): boolean {
  return verdict === "discrepancy" || verdict === "unknown";
}

function commandsFor(verdict: Verdict, led: boolean): readonly Command[] {
  const beep = (code: number): Command => ({ opcode: OPCODE.BEEP, data: [code], says: verdict });
  const light = (opcode: number): Command => ({ opcode, data: [ONE_LAMP], says: "lamp" });
  if (verdict === "discrepancy") return [beep(BEEP.THREE_LONG_LOW), light(OPCODE.LED_ON)];
  if (verdict === "unknown") return [beep(BEEP.TWO_SHORT_LOW), light(OPCODE.LED_ON)];
  return [beep(BEEP.ONE_SHORT_HIGH), ...(led ? [light(OPCODE.LED_OFF)] : [])];
}

/** Sends the next command, if none is under way. */
function send(
  state: SsiSession,
  before: readonly SsiEffect[],
  atMs: number,
  { timeoutMs }: DeliveryRules,
): SsiMove {
  const [command, ...rest] = state.queue.slice(-QUEUE_MAX);
  if (state.sent !== undefined || command === undefined) return { next: state, effects: before };
  return {
    next: { ...state, queue: rest, sent: { ...command, tries: 1, untilMs: atMs + timeoutMs } },
    effects: [...before, write(command.opcode, command.data, command.says)],
  };
}

/** A command without an answer is sent once more, marked; then it is given up. An order is not. */
function retry(move: SsiMove, atMs: number, rules: DeliveryRules): SsiMove {
  const { sent } = move.next;
  if (sent === undefined || atMs < sent.untilMs) return move;
  if (sent.order === undefined) return again(move, "silent", atMs, rules);
  const told = [...move.effects, ...obeyed(move.next, "silent")];
  return send({ ...move.next, sent: undefined }, told, atMs, rules);
}

function again(
  { next: state, effects }: SsiMove,
  why: Obeyed["how"],
  atMs: number,
  rules: DeliveryRules,
): SsiMove {
  const { sent } = state;
  if (sent === undefined) return { next: state, effects };
  if (sent.tries >= TRIES_MAX)
    return send({ ...state, sent: undefined }, [...effects, ...obeyed(state, why)], atMs, rules);
  const once = { ...sent, tries: sent.tries + 1, untilMs: atMs + rules.timeoutMs };
  return {
    next: { ...state, sent: once },
    effects: [
      ...effects,
      { kind: "write", bytes: encodeSsi(sent.opcode, sent.data, true), says: "again" },
    ],
  };
}

function obeyed({ sent }: SsiSession, how: Obeyed["how"]): readonly Obeyed[] {
  return sent?.order === undefined ? [] : [{ kind: "obeyed", number: sent.order, how }];
}

function nak(cause: number, says = "nak"): SsiEffect {
  return write(OPCODE.CMD_NAK, [cause], says);
}

function write(opcode: number, data: readonly number[], says: string): SsiEffect {
  return { kind: "write", bytes: encodeSsi(opcode, data), says };
}
