/**
 * An MQTT 3.1.1 device whose every byte the test decides: packet ids, DUP, retransmissions, broken
 * packets. Written from the standard, so that it shares no misreading with the broker.
 */
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { until } from "./until.ts";

export type Received = {
  readonly kind: string;
  readonly id: number;
  readonly code: number;
  /** Of a publish. */
  readonly topic?: string;
  /** Of a suback. */
  readonly granted?: readonly number[];
  /** The first byte: kind and flags. */
  readonly head: number;
  /** What follows the fixed header. */
  readonly body: Buffer;
};

export type Publish = {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos?: 0 | 1 | 2;
  readonly id?: number;
  readonly dup?: boolean;
  readonly retain?: boolean;
};

export type Greeting = {
  readonly clientId: string;
  readonly clean?: boolean;
  readonly will?: { readonly topic: string; readonly payload: string };
  readonly username?: string;
  readonly password?: string;
};

export type RawDevice = {
  readonly socket: Socket;
  readonly received: readonly Received[];
  send(bytes: Uint8Array): void;
  publish(...messages: Publish[]): void;
  /** The next packet that was not asked for yet. */
  next(): Promise<Received>;
  /** Resolves when the broker has ended the connection. */
  ended(): Promise<void>;
};

const KINDS = ["", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp"].concat(
  ["subscribe", "suback", "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect"],
);

export const PINGREQ = Uint8Array.of(0xc0, 0);
export const DISCONNECT = Uint8Array.of(0xe0, 0);

export async function connectRaw(port: number, options: Greeting): Promise<RawDevice> {
  const device = openRaw(port);
  device.send(connectPacket(options));
  const { kind, code } = await device.next();
  if (kind !== "connack" || code !== 0) throw new Error(`${kind} ${code}`);
  return device;
}

/** A connection on which nothing has been said. */
export function openRaw(port: number): RawDevice {
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  onTestFinished(() => void socket.destroy());
  const received: Received[] = [];
  let rest = Buffer.alloc(0);
  let heard = 0;
  let over = false;
  socket.on("error", () => undefined);
  socket.on("close", () => {
    over = true;
  });
  socket.on("data", (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    for (let size = sizeOf(rest); size !== undefined && size <= rest.length; size = sizeOf(rest)) {
      received.push(read(rest.subarray(0, size)));
      rest = rest.subarray(size);
    }
  });
  return {
    socket,
    received,
    send: (bytes) => void socket.write(bytes),
    publish: (...messages) => void socket.write(Buffer.concat(messages.map(publishPacket))),
    async next() {
      const wanted = heard++;
      await until("a packet arrives", () => received.length > wanted || over);
      const packet = received[wanted];
      if (packet === undefined) throw new Error("the connection ended");
      return packet;
    },
    ended: () => until("the broker ends the connection", () => over),
  };
}

export function connectPacket({
  clientId,
  clean = true,
  will,
  username,
  password,
}: Greeting): Buffer {
  const who = [username, password].filter((each) => each !== undefined);
  const named = (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  const flags = (clean ? 2 : 0) | (will ? 4 : 0) | named;
  const body = [text("MQTT"), Uint8Array.of(4, flags, 0, 60), text(clientId)];
  if (will) body.push(text(will.topic), text(will.payload));
  return packet(0x10, ...body, ...who.map(text));
}

export function publishPacket(message: Publish): Buffer {
  const { topic, payload, qos = 1, id = 1, dup = false, retain = false } = message;
  const head = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  return packet(head, text(topic), qos === 0 ? Buffer.alloc(0) : u16(id), Buffer.from(payload));
}

export function pubrel(id: number): Buffer {
  return packet(0x62, u16(id));
}

export function subscribe(id: number, ...filters: readonly string[]): Buffer {
  const asked = filters.flatMap((filter) => [text(filter), Uint8Array.of(1)]);
  return packet(0x82, u16(id), ...asked);
}

/** Any packet, right or wrong. */
export function packet(head: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Uint8Array.of(head, ...length), body]);
}

/** Of the packet that begins here; undefined until that can be told. */
function sizeOf(bytes: Buffer): number | undefined {
  let length = 0;
  for (let at = 1; at < 5; at++) {
    const byte = bytes[at];
    if (byte === undefined) return undefined;
    length += (byte & 127) * 128 ** (at - 1);
    if (byte < 128) return 1 + at + length;
  }
  throw new Error("a length of more than four bytes");
}

function read(bytes: Buffer): Received {
  const head = bytes[0] ?? 0;
  const body = bytes.subarray(1 + bytes.subarray(1).findIndex((byte) => byte < 128) + 1);
  const kind = KINDS[head >> 4] ?? "";
  const packet = { kind, head, body };
  if (kind === "connack") return { ...packet, id: 0, code: body[1] ?? -1 };
  const id = body.length >= 2 ? body.readUInt16BE(0) : 0;
  const code = body[2] ?? 0;
  if (kind === "publish") return { ...packet, id, code, topic: `${body.subarray(2, 2 + id)}` };
  if (kind === "suback") return { ...packet, id, code, granted: [...body.subarray(2)] };
  return { ...packet, id, code };
}

export function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u16(bytes.length), bytes]);
}

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}
