/**
 * The conversation with an SSI scanner: what it sends is answered when it is on disk, and what we want
 * of it (tone, LED) goes one command at a time, each answered by the scanner before the next.
 *
 *   DECODE_DATA ─► keep ─► CMD_ACK ─► BEEP ─► (CMD_ACK) ─► LED_ON ─► (CMD_ACK)
 *               └► refused ─► CMD_NAK resend: it sends twice more, and then sounds its own error
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
import { BEEP, CAUSE, decodeSsi, encodeSsi, OPCODE } from "./ssi-packet.ts";

export type SsiSession = {
  readonly delivery: Delivery;
  /** Commands that wait for their turn. */
  readonly queue: readonly Command[];
  /** The command that the scanner has not answered yet. */
  readonly sent: (Command & { readonly tries: number; readonly untilMs: number }) | undefined;
  /** Our LED is on, since the scan before was not in order. */
  readonly led: boolean;
};

type Command = {
  readonly opcode: number;
  readonly data: readonly number[];
  /** For the figures. */
  readonly says: string;
};

export type SsiInput =
  | { readonly kind: "packet"; readonly bytes: Uint8Array; readonly atMs: number }
  | { readonly kind: "noise"; readonly atMs: number }
  | Exclude<DeliveryInput, { readonly kind: "heard" }>;

export type SsiEffect =
  | Exclude<DeliveryEffect, { readonly kind: "answer" }>
  | { readonly kind: "write"; readonly bytes: Uint8Array; readonly says: string };

export type SsiMove = { readonly next: SsiSession; readonly effects: readonly SsiEffect[] };

/** Tones of two scans ago help nobody. */
const QUEUE_MAX = 4;
const TRIES_MAX = 2;
const DECODE_LED = 0x01;

export function beginSsi(delivery: Delivery): SsiSession {
  return { delivery, queue: [], sent: undefined, led: false };
}

export function dueMs({ delivery, sent }: SsiSession): number | undefined {
  const due = deliveryDueMs(delivery);
  if (sent === undefined || due === undefined) return sent?.untilMs ?? due;
  return Math.min(due, sent.untilMs);
}

export function converseSsi(state: SsiSession, input: SsiInput, rules: DeliveryRules): SsiMove {
  switch (input.kind) {
    case "packet":
      return packet(state, input.bytes, input.atMs, rules);
    case "noise":
      return { next: state, effects: [nak(CAUSE.RESEND)] };
    case "cut": {
      const { next } = deliver(state.delivery, input, rules);
      // The scanner that comes back knows nothing of our commands, and its LED is dark.
      return { next: beginSsi(next), effects: [] };
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

function packet(state: SsiSession, bytes: Uint8Array, atMs: number, rules: DeliveryRules): SsiMove {
  const { opcode, again, more, data } = decodeSsi(bytes);
  switch (opcode) {
    case OPCODE.DECODE_DATA:
      // A scan in several packets is longer than any label of ours; half of it must not be kept.
      if (more || data.length < 2) return { next: state, effects: [nak(CAUSE.DENIED)] };
      return passOn(state, { kind: "heard", frame: data, again, atMs }, rules);
    case OPCODE.CMD_ACK:
      return send({ ...state, sent: undefined }, [], atMs, rules);
    case OPCODE.CMD_NAK:
      return data[0] === CAUSE.RESEND
        ? retry({ next: expired(state, atMs), effects: [] }, atMs, rules)
        : send({ ...state, sent: undefined }, [], atMs, rules);
    case OPCODE.EVENT:
      return { next: state, effects: [write(OPCODE.CMD_ACK, [], "ack-event")] };
    default:
      return { next: state, effects: [nak(CAUSE.BAD_CONTEXT)] };
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
  const light = (opcode: number): Command => ({ opcode, data: [DECODE_LED], says: "lamp" });
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

function expired(state: SsiSession, atMs: number): SsiSession {
  return { ...state, sent: state.sent && { ...state.sent, untilMs: atMs } };
}

/** A command without an answer is sent once more, marked; then it is given up. */
function retry({ next: state, effects }: SsiMove, atMs: number, rules: DeliveryRules): SsiMove {
  const { sent } = state;
  if (sent === undefined || atMs < sent.untilMs) return { next: state, effects };
  if (sent.tries >= TRIES_MAX) return send({ ...state, sent: undefined }, effects, atMs, rules);
  const again = { ...sent, tries: sent.tries + 1, untilMs: atMs + rules.timeoutMs };
  return {
    next: { ...state, sent: again },
    effects: [
      ...effects,
      { kind: "write", bytes: encodeSsi(sent.opcode, sent.data, true), says: "again" },
    ],
  };
}

function nak(cause: number, says = "nak"): SsiEffect {
  return write(OPCODE.CMD_NAK, [cause], says);
}

function write(opcode: number, data: readonly number[], says: string): SsiEffect {
  return { kind: "write", bytes: encodeSsi(opcode, data), says };
}
