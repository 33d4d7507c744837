/**
 * The reply to one request, found in what a line delivers. A request is an RTU frame with its CRC, and
 * so is the reply, whatever carried it.
 *
 * A reply on a serial line has no length and no number of its own: it is known by slave, function, size
 * and CRC. That of a write repeats address and value, or address and quantity: one that repeats others
 * is late, or of a slave that wrote something else, and confirms nothing. Everything else on the line is
 * stepped over byte by byte: noise, our own echo, another slave's late reply. A reply in pieces is waited
 * for, and the caller's patience is the limit.
 */
import { fits, withCrc } from "./crc.ts";

/** What was heard instead of a reply, for the person who looks for the cause. */
export type Instead =
  | "nothing"
  | "noise"
  | "bad CRC"
  | "a reply cut short"
  | "a reply of another slave"
  | "a reply to another function"
  | "a reply of another size"
  | "a reply to another write"
  | "not Modbus TCP";

export type Listener = {
  /** The reply with its CRC once it is whole. */
  push(chunk: Uint8Array): Uint8Array | undefined;
  instead(): Instead;
  /** The line cannot be trusted any more: it has to be opened anew. */
  broken(): boolean;
};

/** Longest frame of a serial line; more than two of them is a babbling line, and old bytes go. */
const HELD_BYTES_MAX = 512;
const EXCEPTION_BYTES = 5;
const WRITE_BYTES = 8;
/** Of a write, in its request and in its reply: address, and value or quantity. */
const REPEATED_FIRST = 2;
const REPEATED_LAST = 5;

/** Whether a frame of the right slave, function and size can be the reply; reads repeat nothing. */
function repeats(request: Uint8Array, frame: Uint8Array): boolean {
  if (isRead(request[1]) || frame.length !== WRITE_BYTES) return true;
  for (let at = REPEATED_FIRST; at <= REPEATED_LAST; at++)
    if (frame[at] !== request[at]) return false;
  return true;
}

const isRead = (code = 0) => code <= 4;

/** Bytes of the reply to this request when it is no exception. */
export function replyBytes(request: Uint8Array): number {
  const [, code = 0, , , high = 0, low = 0] = request;
  const count = (high << 8) | low;
  if (code === 1 || code === 2) return 5 + Math.ceil(count / 8);
  if (code === 3 || code === 4) return 5 + 2 * count;
  return WRITE_BYTES;
}

/** A request as its carrier has it, with the ear for its reply. */
export function exchange(
  request: Uint8Array,
  transaction: number,
  { carrier, echoes }: { readonly carrier: "rtu" | "tcp"; readonly echoes: boolean },
): Listener & { readonly bytes: Uint8Array } {
  return carrier === "tcp"
    ? { bytes: asTcp(request, transaction), ...listenTcp(request, transaction) }
    : { bytes: request, ...listenRtu(request, echoes) };
}

/** `echoes`: the adapter hears what it sends. For reads it is found by itself; a write's echo looks like its reply. */
export function listenRtu(request: Uint8Array, echoes: boolean): Listener {
  const [unit = 0, code = 0] = request;
  const size = replyBytes(request);
  const reads = isRead(code);
  let held = new Uint8Array(0);
  let echo: "wanted" | "gone" = echoes || reads ? "wanted" : "gone";
  let badCrc = false;

  const sizeAt = (at: number): number | undefined => {
    if (held[at] !== unit) return undefined;
    if (held[at + 1] === (code | 0x80)) return EXCEPTION_BYTES;
    if (held[at + 1] !== code) return undefined;
    // The first byte after the function says how many follow.
    const counted = held[at + 2];
    return reads && counted !== undefined && counted !== size - 5 ? undefined : size;
  };

  return {
    push(chunk) {
      held = Uint8Array.of(...held, ...chunk).slice(-HELD_BYTES_MAX);
      if (echo === "wanted" && held.length >= request.length) {
        if (startsWith(held, request)) held = held.slice(request.length);
        echo = "gone";
      }
      for (let at = 0; at < held.length - 1; at++) {
        const length = sizeAt(at);
        if (length === undefined || at + length > held.length) continue;
        const frame = held.slice(at, at + length);
        if (!fits(frame)) badCrc = true;
        else if (repeats(request, frame)) return frame;
      }
      return undefined;
    },
    instead: () => insteadOf(held, { request, size, badCrc }),
    broken: () => false,
  };
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, at) => bytes[at] === byte);
}

type Known = { readonly request: Uint8Array; readonly size: number; readonly badCrc: boolean };

function insteadOf(held: Uint8Array, { request, size, badCrc }: Known): Instead {
  const [unit, code = 0] = request;
  if (held.length === 0) return "nothing";
  for (let at = 0; at < held.length - 4; at++) {
    const frame = wholeAt(held, at);
    if (frame === undefined) continue;
    if (frame[0] !== unit) return "a reply of another slave";
    if ((frame[1] ?? 0) % 128 !== code) return "a reply to another function";
    const isWrite = !isRead(code) && frame.length === size;
    return isWrite ? "a reply to another write" : "a reply of another size";
  }
  if (badCrc) return "bad CRC";
  const at = held.findIndex(
    (byte, index) => byte === unit && (held[index + 1] ?? code) % 128 === code,
  );
  return at !== -1 && held.length - at < size ? "a reply cut short" : "noise";
}

/** A frame of anybody that begins here, recognised by its CRC. */
function wholeAt(held: Uint8Array, at: number): Uint8Array | undefined {
  for (const length of [5 + (held[at + 2] ?? 0), EXCEPTION_BYTES, WRITE_BYTES]) {
    const frame = held.slice(at, at + length);
    if (frame.length === length && fits(frame)) return frame;
  }
  return undefined;
}

const MBAP_BYTES = 6;
const TCP_LENGTH_MAX = 254;

/** A request as Modbus TCP carries it (Messaging on TCP/IP 1.0b, section 3.1.3): no CRC, a number instead. */
export function asTcp(request: Uint8Array, transaction: number): Uint8Array {
  const length = request.length - 2;
  return Uint8Array.of(
    transaction >>> 8,
    transaction & 0xff,
    0,
    0,
    length >>> 8,
    length & 0xff,
    ...request.subarray(0, -2),
  );
}

export function listenTcp(request: Uint8Array, transaction: number): Listener {
  const [unit = 0, code = 0] = request;
  const size = replyBytes(request);
  let held = new Uint8Array(0);
  let instead: Instead = "nothing";

  /** What the frame at the start comes to; undefined: it is not whole. */
  const take = (): Uint8Array | "stepped over" | undefined => {
    const [idHigh = 0, idLow = 0, protocolHigh, protocolLow, high = 0, low = 0] = held;
    const length = (high << 8) | low;
    if (protocolHigh !== 0 || protocolLow !== 0 || length < 2 || length > TCP_LENGTH_MAX) {
      instead = "not Modbus TCP";
      return undefined;
    }
    if (held.length < MBAP_BYTES + length) {
      instead = "a reply cut short";
      return undefined;
    }
    const pdu = held.subarray(MBAP_BYTES, MBAP_BYTES + length);
    held = held.subarray(MBAP_BYTES + length);
    // A reply that came too late for an earlier request.
    if (((idHigh << 8) | idLow) !== transaction) return "stepped over";
    const frame = withCrc(pdu);
    if (frame[0] !== unit) instead = "a reply of another slave";
    else if ((frame[1] ?? 0) % 128 !== code) instead = "a reply to another function";
    else if (
      frame[1] === code &&
      (frame.length !== size || (isRead(code) && frame[2] !== size - 5))
    )
      instead = "a reply of another size";
    else if (!repeats(request, frame)) instead = "a reply to another write";
    else return frame;
    return "stepped over";
  };

  /** A loop: a server may send thousands of old replies at once, more than a stack holds. */
  const next = (): Uint8Array | undefined => {
    while (held.length >= MBAP_BYTES) {
      const taken = take();
      if (taken !== "stepped over") return taken;
    }
    return undefined;
  };

  return {
    push(chunk) {
      if (instead === "not Modbus TCP") return undefined;
      held = Uint8Array.of(...held, ...chunk);
      return next();
    },
    instead: () => instead,
    // A stream that is out of step never finds its way back.
    broken: () => instead === "not Modbus TCP" || instead === "a reply cut short",
  };
}
