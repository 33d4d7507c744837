/**
 * The two brokers as a stranger meets them, for the statements of MQTT 3.1.1: the device door over the real
 * intake and outbox, the gateway door over a list. And what a client is made of: every byte is the test's own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { createIntake } from "../../src/gateway/intake.ts";
import { createClock } from "../../src/io/clock.ts";
import { openDeviceBroker } from "../../src/io/device-broker.ts";
import { openGatewayBroker } from "../../src/io/gateway-broker.ts";
import { OUTBOX_FILE, openOutboxThread } from "../../src/io/outbox-thread.ts";
import type { DeviceIntake } from "../../src/ports.ts";
import { openOutboxInspector, outboxLimits } from "../../src/store/outbox.ts";
import { decodeEvent } from "../../src/wire/codec.ts";
import {
  openRaw,
  PINGREQ,
  packet,
  publishPacket,
  type RawDevice,
  text,
  u16,
} from "../support/raw-mqtt.ts";

export type Door = {
  readonly kind: "devices" | "gateways";
  readonly port: number;
  /** What a client of this name may publish under. */
  topic(name: string): string;
  /** What it may subscribe to. */
  filter(name: string): string;
  /** Says it to whoever subscribed to `filter(name)`; devices only: to another topic, or to be retained. */
  say(name: string, payload: string, more?: { retain?: boolean; topic?: string }): void;
  /** What was published under `topic(name)` and counts, in order of arrival. */
  taken(name: string): readonly string[];
  /** The wills of a device that were heard. */
  wills(name: string): readonly string[];
  close(): Promise<void>;
};

/** A payload that cannot be kept just now. */
export const TOO_MUCH = "666";
const journal = { note() {}, warn() {}, error() {} };

export async function openDevices(): Promise<Door> {
  const folder = mkdtempSync(join(tmpdir(), "racktrace-"));
  const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  const outbox = await openOutboxThread({ journal }, { folder, limits });
  const readings = [{ property: "power", unit: "W" }];
  const mapping = { topic: "dc1/+/power", device: "{1}", payload: "number" as const, readings };
  const intake = createIntake({ outbox, clock: createClock() }, { mappings: [mapping] });
  const wills: string[] = [];
  const watched: DeviceIntake = {
    open(identity, answer, say) {
      const session = intake.open(identity, answer, say);
      return {
        take(message, ticket) {
          const isTooMuch = Buffer.from(message.payload).toString() === TOO_MUCH;
          if (isTooMuch) answer(ticket, { ok: false, why: "failed" });
          else session.take(message, ticket);
        },
        end: session.end,
      };
    },
    will: (_client, topic, payload) => void wills.push(`${topic} ${Buffer.from(payload)}`),
  };
  const broker = await openDeviceBroker(
    { intake: watched, journal },
    {
      ...{ host: "127.0.0.1", port: 0, connectionsMax: 1_000, packetBytesMax: 256 * 1024 },
      ...{ connectMs: 5_000 },
    },
  );
  return {
    kind: "devices",
    port: broker.port,
    topic: (name) => `dc1/${name}/power`,
    filter: (name) => `racktrace/${name}/say`,
    say: (name, payload, { retain = false, topic = `racktrace/${name}/say` } = {}) =>
      broker.say(topic, Buffer.from(payload), retain),
    taken(name) {
      const inspector = openOutboxInspector(join(folder, OUTBOX_FILE));
      const events = [...inspector.events("telemetry", 0)].map(({ bytes }) => decodeEvent(bytes));
      inspector.close();
      return events.flatMap(({ device, body }) =>
        device === name && body.kind === "sensor" ? body.readings.map((one) => `${one.value}`) : [],
      );
    },
    wills: (name) => wills.filter((line) => line.startsWith(`dc1/${name}/`)),
    async close() {
      await broker.close();
      await outbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function openGateways(): Promise<Door> {
  const taken: string[] = [];
  const broker = await openGatewayBroker(
    {
      journal,
      async take({ gateway, message }) {
        if (Buffer.from(message).toString() === TOO_MUCH) throw new Error("not now");
        taken.push(`${gateway} ${Buffer.from(message)}`);
      },
    },
    { host: "127.0.0.1", port: 0, reserved: [] },
  );
  broker.admit();
  return {
    kind: "gateways",
    port: Number(new URL(broker.url).port),
    topic: (name) => `racktrace/v1/${name}/hello`,
    filter: (name) => `racktrace/v1/${name}/ack`,
    say: (name, payload) => broker.send(name, "ack", Buffer.from(payload)),
    taken: (name) =>
      taken
        .filter((line) => line.startsWith(`${name} `))
        .map((line) => line.slice(name.length + 1)),
    wills: () => [],
    close: broker.close,
  };
}

let names = 0;

export type Hello = {
  readonly name?: string;
  readonly clean?: boolean;
  readonly keepAlive?: number;
  readonly will?: { readonly topic: string; readonly payload: string; readonly qos?: number };
  readonly username?: string;
  readonly password?: string;
  /** Flags of CONNECT, where they are to contradict what follows. */
  readonly flags?: number;
  readonly protocol?: string;
  readonly level?: number;
};

/** A name that nobody had before. */
export const newName = (): string => `c${++names}`;

export function hello(how: Hello, ...behind: Uint8Array[]): Buffer {
  const { clean = true, keepAlive = 60, will, username, password, name = newName() } = how;
  const marks = [
    [0x02, clean],
    [0x04, will !== undefined],
    [(will?.qos ?? 0) << 3, true],
    [0x40, password !== undefined],
    [0x80, username !== undefined],
  ] as const;
  const flags = marks.reduce((all, [bit, set]) => (set ? all | bit : all), 0);
  const fields = [name, will?.topic, will?.payload, username, password];
  return packet(
    0x10,
    text(how.protocol ?? "MQTT"),
    Uint8Array.of(how.level ?? 4, how.flags ?? flags),
    u16(keepAlive),
    ...fields.filter((field) => field !== undefined).map(text),
    ...behind,
  );
}

export type Client = RawDevice & { readonly name: string; readonly wasKnown: boolean };

/** Comes and is let in. */
export async function come(door: Door, how: Hello = {}): Promise<Client> {
  const name = how.name ?? newName();
  const client = openRaw(door.port);
  client.send(hello({ ...how, name }));
  const answer = await client.next();
  expect(answer, "CONNACK").toMatchObject({ kind: "connack", code: 0 });
  return { ...client, name, wasKnown: answer.body[0] === 1 };
}

/** Whoever says this, known before or not, is let go without another word. */
export async function endsAt(door: Door, bytes: Uint8Array, how?: Hello): Promise<void> {
  const client = await come(door, how);
  client.send(bytes);
  await client.ended().catch((late) => {
    throw new Error(`${Buffer.from(bytes).toString("hex").slice(0, 80)}: ${late.message}`);
  });
  expect(client.received).toHaveLength(1);
}

/** Whoever begins so hears this return code, or nothing at all, and is let go. */
export async function turnedAway(door: Door, bytes: Uint8Array, code?: number): Promise<void> {
  const client = openRaw(door.port);
  client.send(bytes);
  await client.ended();
  const answers = client.received.map(({ kind, body }) => [kind, ...body]);
  expect(answers).toEqual(code === undefined ? [] : [["connack", 0, code]]);
}

/** The connection is alive, and whatever was sent before has been heard. */
export async function ping(client: RawDevice): Promise<void> {
  client.send(PINGREQ);
  expect(await client.next()).toMatchObject({ kind: "pingresp" });
}

/** Publishes what the door takes, and is told that it was. */
export async function tell(door: Door, client: Client, payload: string, id = 1): Promise<void> {
  client.send(publishPacket({ topic: door.topic(client.name), payload, id }));
  expect(await client.next()).toMatchObject({ kind: "puback", id });
}

export type Asked = readonly [filter: string | Uint8Array, qos: number];

export function asking(id: number, ...asked: readonly Asked[]): Buffer {
  return packet(0x82, u16(id), ...asked.flatMap(([filter, qos]) => [text(filter), byte(qos)]));
}

export function unasking(id: number, ...filters: readonly (string | Uint8Array)[]): Buffer {
  return packet(0xa2, u16(id), ...filters.map(text));
}

/** Subscribes to what is its own. */
export async function listen(door: Door, client: Client, qos = 1): Promise<void> {
  client.send(asking(7, [door.filter(client.name), qos]));
  expect(await client.next()).toMatchObject({ kind: "suback", id: 7, granted: [qos] });
}

/** The next packet, a PUBLISH, taken apart. */
export async function hear(client: RawDevice) {
  const { kind, head, body, topic = "" } = await client.next();
  expect(kind).toBe("publish");
  const qos = (head >> 1) & 3;
  const at = 2 + Buffer.byteLength(topic);
  const id = qos === 0 ? 0 : body.readUInt16BE(at);
  const payload = `${body.subarray(qos === 0 ? at : at + 2)}`;
  return { topic, payload, qos, id, dup: (head & 8) !== 0, retain: (head & 1) !== 0 };
}

export const puback = (id: number): Buffer => packet(0x40, u16(id));
export const byte = (value: number): Buffer => Buffer.of(value);
