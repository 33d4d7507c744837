/**
 * A Zebra/Symbol scanner that speaks the Simple Serial Interface, from the decoder's side.
 *
 * Source: Symbol SE955 integration guide, chapter 10: DECODE_DATA waits for CMD_ACK within the serial
 * response time-out and is sent twice more with the retransmit bit; NAK cause 1 asks for it again, 6
 * denies it; when all was in vain the decoder sounds LO-LO-LO-LO. Commands of the host are answered
 * with CMD_ACK, or CMD_NAK cause 1 (checksum), 2 (not understood) or 6 (no such beep).
 * Newer guides (DS9908, SSI Interface) name bit 1 of the status "continued packet": what does not fit into one
 * packet goes in several, each with its bar code type, and each is acknowledged before the next.
 * In low power mode what wakes it is lost, and so is what follows within 10 ms; a NUL between packets is
 * WAKEUP and is not answered (SE-923 integration guide).
 */
import {
  type AnsweredScanner,
  createExpectation,
  type DeviceLine,
  listen,
  type Outcome,
} from "./answered.ts";

const DECODER = 0x00;
const HOST = 0x04;
const TIMES_SENT_MAX = 3;
const CHECKSUM = 1;
const NOT_UNDERSTOOD = 2;
const DENIED = 6;
const WAKEUP = 0x00;
const WAKING_MS = 10;
/** Status bit 1. */
const MORE = 2;

type Reply = { readonly opcode: number; readonly data: readonly number[] };
const ACK: Reply = { opcode: 0xd0, data: [] };
const nak = (cause: number): Reply => ({ opcode: 0xd1, data: [cause] });

/** Table of beep codes; the numbers in between count beeps of one length and pitch. */
const BEEPS = ["short high", "short low", "long high", "long low"] as const;

/** Length, opcode, source, status, data, and the two's complement of their sum. */
export function ssiPacket(
  opcode: number,
  source: number,
  status: number,
  data: Uint8Array | readonly number[] = [],
): Uint8Array {
  const message = Uint8Array.of(4 + data.length, opcode, source, status, ...data);
  const sum = message.reduce((total, byte) => total + byte, 0);
  const complement = (0x10000 - (sum & 0xffff)) & 0xffff;
  return Uint8Array.of(...message, complement >>> 8, complement & 0xff);
}

export type SsiOptions = {
  readonly timeoutMs: number;
  /** Bar code type of what it reads: 0x0f GS1-128, 0xc1 GS1 DataMatrix, ... */
  readonly type: number;
  /** Characters of a label that one packet takes; 248 if left out. */
  readonly charactersMax?: number;
  /** After so long without a byte from the host it sleeps; left out: never. */
  readonly sleepsAfterMs?: number;
};

export type SsiScanner = AnsweredScanner & {
  /** The next packet loses a bit on the way. */
  corruptNext(): void;
  /** Does not answer the next commands of the host, though it obeys them. */
  keepMum(count: number): void;
  isAsleep(): boolean;
};

export function createSsiScanner(line: DeviceLine, options: SsiOptions): SsiScanner {
  const {
    timeoutMs,
    type,
    charactersMax = 248,
    sleepsAfterMs = Number.POSITIVE_INFINITY,
  } = options;
  const tones: string[] = [];
  const answer = createExpectation<"ack" | "deny" | "resend">();
  let lamp = false;
  let lose = 0;
  let corrupt = false;
  let mum = 0;
  let held = Buffer.alloc(0);
  let heardMs = performance.now();
  let awakeMs = heardMs;

  const stop = listen(line, (bytes) => {
    const nowMs = performance.now();
    if (nowMs - heardMs > sleepsAfterMs) awakeMs = nowMs + WAKING_MS;
    heardMs = nowMs;
    if (nowMs < awakeMs) return;
    held = Buffer.concat([held, bytes]);
    for (;;) {
      while (held[0] === WAKEUP) held = held.subarray(1);
      const [length = 0] = held;
      if (held.length < length + 2 || held.length < 6) return;
      const packet = held.subarray(0, length + 2);
      held = held.subarray(length + 2);
      hear(packet);
    }
  });

  function hear(packet: Buffer): void {
    const reply = replyTo(packet);
    if (reply === undefined) return;
    if (mum > 0) mum -= 1;
    else void line.write(ssiPacket(reply.opcode, DECODER, 0, reply.data));
  }

  /** Undefined: an answer is not answered. */
  function replyTo(packet: Buffer): Reply | undefined {
    const body = packet.subarray(0, -2);
    const [, opcode = 0, source = 0, status = 0] = body;
    const data = body.subarray(4);
    const right = ssiPacket(opcode, source, status, data);
    if (!right.every((byte, at) => byte === packet[at])) return nak(CHECKSUM);
    if (opcode === 0xd0 || opcode === 0xd1) {
      if (lose > 0) lose -= 1;
      else answer.say(opcode === 0xd0 ? "ack" : data[0] === CHECKSUM ? "resend" : "deny");
      return undefined;
    }
    if (source !== HOST) return nak(NOT_UNDERSTOOD);
    if (opcode === 0xe6) return beep(data[0] ?? 0xff);
    if (opcode !== 0xe7 && opcode !== 0xe8) return nak(NOT_UNDERSTOOD);
    lamp = opcode === 0xe7;
    return ACK;
  }

  function beep(code: number): Reply {
    const kind = BEEPS[Math.floor(code / 5)];
    if (kind === undefined) return nak(DENIED);
    tones.push(`${(code % 5) + 1} ${kind}`);
    return ACK;
  }

  return {
    tones,
    lamp: () => lamp,
    loseAnswers(count) {
      lose = count;
    },
    corruptNext() {
      corrupt = true;
    },
    keepMum(count) {
      mum = count;
    },
    isAsleep: () => performance.now() - heardMs > sleepsAfterMs,
    async scan(text): Promise<Outcome> {
      let sent = 0;
      for (let at = 0; at < text.length; at += charactersMax) {
        const piece = text.slice(at, at + charactersMax);
        const more = at + charactersMax < text.length ? MORE : 0;
        const outcome = await transmit(Buffer.from(piece, "latin1"), more);
        sent += outcome.sent;
        if (outcome.how === "error") return { how: "error", sent };
      }
      return { how: "acknowledged", sent };
    },
    close: stop,
  };

  async function transmit(piece: Uint8Array, more: number): Promise<Outcome> {
    for (let sent = 1; sent <= TIMES_SENT_MAX; sent++) {
      const packet = ssiPacket(0xf3, DECODER, more + (sent === 1 ? 0 : 1), [type, ...piece]);
      if (corrupt) packet[packet.length - 3] = (packet.at(-3) ?? 0) ^ 0x10;
      corrupt = false;
      const said = answer.within(timeoutMs);
      await line.write(packet);
      const how = await said;
      if (how === "ack") return { how: "acknowledged", sent };
      if (how === "deny") return { how: "error", sent };
    }
    tones.push("LO-LO-LO-LO");
    return { how: "error", sent: TIMES_SENT_MAX };
  }
}
