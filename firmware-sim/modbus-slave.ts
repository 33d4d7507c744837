/**
 * Pretended Modbus slaves, on a tty or a socket, from the vendor's side of the specification (MODBUS
 * Application Protocol 1.1b3, MODBUS over Serial Line 1.02, Messaging on TCP/IP 1.0b).
 *
 * Each slave answers from its tables, and each answer can be spoilt on its way out: late, cut, split,
 * flipped, echoed, doubled, from another slave, or not at all.
 */
import { createServer, type Socket } from "node:net";

export type Tables = {
  readonly coils?: Readonly<Record<number, boolean>>;
  readonly discretes?: Readonly<Record<number, boolean>>;
  readonly holdings?: Record<number, number>;
  readonly inputs?: Readonly<Record<number, number>>;
};

/** What goes out instead of a good answer: pieces with pauses before them. */
export type Spoilt = readonly { readonly afterMs: number; readonly bytes: Uint8Array }[];

export type Asked = {
  readonly slave: number;
  readonly code: number;
  /** As it came, with its CRC on a serial line, with its header on TCP. */
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
  /** How often anybody was asked before. */
  readonly count: number;
};

export type Bus = {
  readonly slaves: ReadonlyMap<number, Tables>;
  /** Undefined: the good answer, at once. */
  readonly spoil?: (asked: Asked) => Spoilt | undefined;
  /** Each request as it comes, for whoever watches. */
  readonly onAsked?: (asked: Asked) => void;
};

type Send = (bytes: Uint8Array) => void;

// Table-driven, from the appendix of the serial line guide: another way to the same sum.
const SUMS = Array.from({ length: 256 }, (_, index) => {
  let sum = index;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >> 1) ^ 0xa001 : sum >> 1;
  return sum;
});

export function checksum(bytes: Uint8Array): [low: number, high: number] {
  const sum = bytes.reduce((sum, byte) => (sum >> 8) ^ (SUMS[(sum ^ byte) & 0xff] ?? 0), 0xffff);
  return [sum & 0xff, sum >> 8];
}

export const summed = (bytes: Uint8Array): Uint8Array =>
  Uint8Array.of(...bytes, ...checksum(bytes));

/** An exception as a slave sends it. */
export const exception = (slave: number, code: number, number: number): Uint8Array =>
  Uint8Array.of(slave, code | 0x80, number);

/** Answers requests on a serial line; feed it what arrives. A request ends where its length says. */
export function createSerialBus(bus: Bus, send: Send): (chunk: Uint8Array) => void {
  let held = Buffer.alloc(0);
  let count = 0;
  return (chunk) => {
    held = Buffer.concat([held, chunk]);
    for (
      let size = requestSize(held);
      size !== undefined && held.length >= size;
      size = requestSize(held)
    ) {
      const request = Uint8Array.from(held.subarray(0, size));
      const pdu = request.subarray(0, -2);
      const [low, high] = checksum(pdu);
      if (request.at(-2) !== low || request.at(-1) !== high) {
        held = held.subarray(1);
        continue;
      }
      held = held.subarray(size);
      const answer = answerOf(bus, pdu);
      if (answer === undefined) continue;
      tell(
        bus,
        { request, answer: summed(answer), slave: pdu[0] ?? 0, code: pdu[1] ?? 0, count },
        send,
      );
      count += 1;
    }
  };
}

function requestSize(held: Uint8Array): number | undefined {
  if (held.length < 8) return undefined;
  const code = held[1] ?? 0;
  return code === 15 || code === 16 ? 9 + (held[6] ?? 0) : 8;
}

export type ModbusServer = { readonly port: number; close(): Promise<void> };

export async function openModbusTcp(bus: Bus): Promise<ModbusServer> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    let held = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 6 && held.length >= 6 + held.readUInt16BE(4)) {
        const size = 6 + held.readUInt16BE(4);
        const request = Uint8Array.from(held.subarray(0, size));
        held = held.subarray(size);
        const pdu = request.subarray(6);
        const answer = answerOf(bus, pdu);
        if (answer === undefined) continue;
        const head = [request[0] ?? 0, request[1] ?? 0, 0, 0, 0, answer.length];
        const asked = {
          request,
          answer: Uint8Array.of(...head, ...answer),
          slave: pdu[0] ?? 0,
          code: pdu[1] ?? 0,
          count,
        };
        tell(bus, asked, (bytes) => socket.write(bytes));
        count += 1;
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function tell(bus: Bus, asked: Asked, send: Send): void {
  bus.onAsked?.(asked);
  const pieces = bus.spoil?.(asked) ?? [{ afterMs: 0, bytes: asked.answer }];
  let afterMs = 0;
  for (const piece of pieces) {
    afterMs += piece.afterMs;
    if (afterMs === 0) send(piece.bytes);
    else setTimeout(send, afterMs, piece.bytes);
  }
}

/** Undefined: no such slave lives here, and nobody answers. */
function answerOf({ slaves }: Bus, pdu: Uint8Array): Uint8Array | undefined {
  const view = new DataView(pdu.buffer, pdu.byteOffset, pdu.byteLength);
  const slave = view.getUint8(0);
  const code = view.getUint8(1);
  const tables = slaves.get(slave);
  if (tables === undefined) return undefined;
  const address = view.getUint16(2);
  const count = view.getUint16(4);
  switch (code) {
    case 1:
      return bitsOf(slave, code, tables.coils ?? {}, { address, count });
    case 2:
      return bitsOf(slave, code, tables.discretes ?? {}, { address, count });
    case 3:
      return wordsOf(slave, code, tables.holdings ?? {}, { address, count });
    case 4:
      return wordsOf(slave, code, tables.inputs ?? {}, { address, count });
    case 6:
      if (tables.holdings?.[address] === undefined) return exception(slave, code, 2);
      tables.holdings[address] = count;
      return pdu.slice(0, 6);
    default:
      return exception(slave, code, 1);
  }
}

type Span = { readonly address: number; readonly count: number };

function wordsOf(
  slave: number,
  code: number,
  table: Readonly<Record<number, number>>,
  { address, count }: Span,
): Uint8Array {
  if (count < 1 || count > 125) return exception(slave, code, 3);
  const words = Array.from({ length: count }, (_, at) => table[address + at]);
  if (words.includes(undefined)) return exception(slave, code, 2);
  const bytes = words.flatMap((word = 0) => [(word >> 8) & 0xff, word & 0xff]);
  return Uint8Array.of(slave, code, bytes.length, ...bytes);
}

function bitsOf(
  slave: number,
  code: number,
  table: Readonly<Record<number, boolean>>,
  { address, count }: Span,
): Uint8Array {
  if (count < 1 || count > 2000) return exception(slave, code, 3);
  const bits = Array.from({ length: count }, (_, at) => table[address + at]);
  if (bits.includes(undefined)) return exception(slave, code, 2);
  const bytes = new Uint8Array(Math.ceil(count / 8));
  bits.forEach((bit, at) => {
    if (bit) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return Uint8Array.of(slave, code, bytes.length, ...bytes);
}
