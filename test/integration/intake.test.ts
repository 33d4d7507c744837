/** Devices on real MQTT, the real broker, intake and outbox, and now and then a real kill. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import Sqlite from "better-sqlite3";
import { connectAsync } from "mqtt";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Mapping } from "../../src/devices/mqtt-mapping/mapping.ts";
import { createIntake } from "../../src/gateway/intake.ts";
import { createClock } from "../../src/io/clock.ts";
import { type DeviceBrokerOptions, openDeviceBroker } from "../../src/io/device-broker.ts";
import { OUTBOX_FILE, openOutboxThread } from "../../src/io/outbox-thread.ts";
import { type OutboxLimits, openOutboxInspector, outboxLimits } from "../../src/store/outbox.ts";
import { decodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import {
  connectPacket,
  connectRaw,
  DISCONNECT,
  openRaw,
  PINGREQ,
  publishPacket,
  pubrel,
  type RawDevice,
  subscribe,
} from "../support/raw-mqtt.ts";
import { until } from "../support/until.ts";

const ROUNDS = 40;

describe("persist, then acknowledge", () => {
  test.each([
    [1, "puback"],
    [2, "pubrec"],
  ] as const)("QoS %i: no %s while the disk has not taken the reading", async (qos, ack) => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    const lock = gateway.lock();
    device.publish({ topic: "dc1/s1/power", payload: "5", qos, id: 9 });
    // The broker reads on and answers the ping, so it has had every chance to acknowledge.
    device.send(PINGREQ);
    expect(await device.next()).toMatchObject({ kind: "pingresp" });
    await until("the reading waits for the disk", () => gateway.outbox.figures.queued === 1);
    device.send(PINGREQ);
    expect(await device.next()).toMatchObject({ kind: "pingresp" });
    expect(gateway.readings()).toEqual([]);

    lock.release();

    expect(await device.next()).toMatchObject({ kind: ack, id: 9 });
    expect(gateway.readings()).toEqual([["s1", "power", 5, "W"]]);
  });

  test("an ordinary client library gets its acknowledgement after the commit, too", async () => {
    const gateway = await start();
    const client = await connectAsync(`mqtt://127.0.0.1:${gateway.port}`);
    onTestFinished(() => client.endAsync(true));
    const lock = gateway.lock();
    let acknowledged = false;
    const published = client.publishAsync("dc1/s1/power", "7", { qos: 1 }).then(() => {
      acknowledged = true;
    });
    await until("the reading waits for the disk", () => gateway.outbox.figures.queued === 1);
    expect(acknowledged).toBe(false);
    lock.release();
    await published;
    expect(gateway.readings()).toEqual([["s1", "power", 7, "W"]]);
  });

  test("acknowledgements leave in the order of arrival, whatever the messages are", async () => {
    const gateway = await start();
    const before = await connectRaw(gateway.port, { clientId: "before" });
    before.publish({ topic: "dc1/r/power", payload: "1", retain: true });
    await before.next();

    const device = await connectRaw(gateway.port, { clientId: "d1" });
    const messages = Array.from({ length: 700 }, (_, n) => {
      if (n % 70 === 3) return { topic: "dc1/r/power", payload: "1", id: n + 1, retain: true };
      if (n % 7 === 2) return { topic: "nobody/knows", payload: "?", id: n + 1 };
      return { topic: `dc1/s${n % 3}/power`, payload: `${n}`, id: n + 1 };
    });
    device.publish(...messages);
    await until("all are acknowledged", () => device.received.length === 701);

    const acks = device.received.slice(1);
    expect(acks.map(({ kind, id }) => `${kind} ${id}`)).toEqual(
      messages.map(({ id }) => `puback ${id}`),
    );
    expect(gateway.intake.counters).toMatchObject({ replays: 1, quarantined: 100 });
  });

  test("a QoS 2 message is one reading through its whole conversation", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1", clean: false });
    device.publish({ topic: "dc1/s1/power", payload: "5", qos: 2, id: 3 });
    expect(await device.next()).toMatchObject({ kind: "pubrec", id: 3 });
    device.socket.destroy();

    const back = await connectRaw(gateway.port, { clientId: "d1", clean: false });
    back.publish({ topic: "dc1/s1/power", payload: "5", qos: 2, id: 3, dup: true });
    expect(await back.next()).toMatchObject({ kind: "pubrec", id: 3 });
    back.send(pubrel(3));
    expect(await back.next()).toMatchObject({ kind: "pubcomp", id: 3 });
    expect(gateway.readings()).toHaveLength(1);
  });

  test("of QoS 2 messages whose PUBREL does not come, what they say is on disk and not in memory", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1", clean: false });
    const padded = `5${" ".repeat(60_000)}`;
    const begin = async (firstId: number, count: number) => {
      const ids = Array.from({ length: count }, (_, n) => firstId + n);
      const topic = "dc1/s1/power";
      device.publish(...ids.map((id) => ({ topic, payload: padded, qos: 2, id }) as const));
      for (const id of ids) expect(await device.next()).toMatchObject({ kind: "pubrec", id });
    };
    await begin(1, 20);
    const beforeBytes = bytesInBuffers();
    await begin(21, 80);
    await until(
      "the memory of the messages is given back",
      () => bytesInBuffers() - beforeBytes < (80 * padded.length) / 2,
    );

    device.send(pubrel(100));
    expect(await device.next()).toMatchObject({ kind: "pubcomp", id: 100 });
    device.publish({ topic: "dc1/s1/power", payload: padded, qos: 2, id: 99, dup: true });
    expect(await device.next()).toMatchObject({ kind: "pubrec", id: 99 });
    expect(gateway.readings()).toHaveLength(100);
  });

  test("closing takes no more, and acknowledges what was taken", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    const lock = gateway.lock();
    device.publish(...Array.from({ length: 500 }, (_, n) => power(n + 1)));
    await until("readings wait for the disk", () => gateway.outbox.figures.queued === 500);
    const closed = gateway.broker.close();
    device.publish(power(501));
    device.send(PINGREQ);
    lock.release();
    await closed;
    await device.ended();

    expect(device.received.filter(({ kind }) => kind === "puback")).toHaveLength(500);
    expect(gateway.readings()).toHaveLength(500);
  });
});

describe("sent twice", () => {
  test("a message repeated with DUP after a lost connection is one reading", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    device.publish({ topic: "dc1/s1/power", payload: "5", id: 7 });
    await until("it is stored", () => gateway.readings().length === 1);
    device.socket.destroy();

    const back = await connectRaw(gateway.port, { clientId: "d1" });
    back.publish({ topic: "dc1/s1/power", payload: "5", id: 7, dup: true });
    expect(await back.next()).toMatchObject({ kind: "puback", id: 7 });
    expect(gateway.readings()).toHaveLength(1);
    expect(gateway.intake.counters.retransmissions).toBe(1);
  });

  test("the same packet id and payload without DUP is a new reading", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    for (let n = 0; n < 3; n++) {
      device.publish({ topic: "dc1/s1/power", payload: "5", id: 7 });
      await device.next();
    }
    expect(gateway.readings()).toHaveLength(3);
  });

  test("a resumed session that forgets DUP after a broken connection still repeats one reading", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1", clean: false });
    device.publish({ topic: "dc1/s1/power", payload: "5", id: 7 });
    await until("it is stored", () => gateway.readings().length === 1);
    device.socket.destroy();

    const back = await connectRaw(gateway.port, { clientId: "d1", clean: false });
    back.publish({ topic: "dc1/s1/power", payload: "5", id: 7 });
    await back.next();
    expect(gateway.readings()).toHaveLength(1);

    back.publish({ topic: "dc1/s1/power", payload: "5", id: 7 });
    await back.next();
    expect(gateway.readings()).toHaveLength(2);
  });

  test("a device that is back before the end of its broken connection was told repeats one reading, too", async () => {
    const gateway = await start();
    const greeting = connectPacket({ clientId: "d1", clean: false });
    for (let n = 0; n < ROUNDS; n++) {
      const reading = publishPacket({ topic: "dc1/s1/power", payload: String(n), id: n + 1 });
      const device = openRaw(gateway.port);
      const back = openRaw(gateway.port);
      device.send(Buffer.concat([greeting, reading]));
      await device.next();
      await device.next();

      device.socket.destroy();
      back.send(Buffer.concat([greeting, reading]));
      await back.next();
      expect(await back.next()).toMatchObject({ kind: "puback", id: n + 1 });
      back.socket.destroy();
      await until("it is gone", () => gateway.broker.connections() === 0);
    }
    expect(gateway.readings()).toHaveLength(ROUNDS);
  });

  test("a sensor that wakes up, begins a clean session and says the same again means it", async () => {
    const gateway = await start();
    for (let n = 0; n < 3; n++) {
      const device = await connectRaw(gateway.port, { clientId: "d1", clean: true });
      device.publish({ topic: "dc1/s1/power", payload: "5", id: 1 });
      await device.next();
      device.socket.destroy();
    }
    expect(gateway.readings()).toHaveLength(3);
  });

  test("a resumed session that was ended with DISCONNECT repeats nothing", async () => {
    const gateway = await start();
    for (let n = 0; n < 3; n++) {
      const device = await connectRaw(gateway.port, { clientId: "d1", clean: false });
      device.publish({ topic: "dc1/s1/power", payload: "5", id: 1 });
      await device.next();
      device.send(DISCONNECT);
      await device.ended();
    }
    expect(gateway.readings()).toHaveLength(3);
  });

  test("DUP of something that never arrived is a reading", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    device.publish({ topic: "dc1/s1/power", payload: "5", id: 7, dup: true });
    await device.next();
    expect(gateway.readings()).toHaveLength(1);
  });

  test("another client's packet of the same id, topic and payload is another reading", async () => {
    const gateway = await start();
    for (const clientId of ["d1", "d2"]) {
      const device = await connectRaw(gateway.port, { clientId });
      device.publish({ topic: "dc1/s1/power", payload: "5", id: 7, dup: true });
      await device.next();
    }
    expect(gateway.readings()).toHaveLength(2);
  });

  test("a payload that carries its own id is known by it, from any client, without DUP", async () => {
    const gateway = await start();
    const payload = '{"id":"m-1","ts":1700000000000,"temperature":21.4,"humidity":44}';
    for (const [clientId, id] of [
      ["d1", 1],
      ["d2", 2],
      ["d1", 9],
    ] as const) {
      const device = await connectRaw(gateway.port, { clientId });
      device.publish({ topic: "dc1/s1/climate", payload, id });
      await device.next();
    }
    expect(gateway.readings()).toHaveLength(2);
  });

  test.each([
    { mark: "with DUP", dup: true, clean: true },
    { mark: "without DUP on a resumed session", dup: false, clean: false },
  ])(
    "a gateway killed between the commit and PUBACK stores the repetition once, $mark",
    async ({ dup, clean }) => {
      const folder = temporaryFolder();
      const mute = await program(folder, "mute");
      const device = await connectRaw(mute.port, { clientId: "d1", clean });
      device.publish({ topic: "dc1/s1/power", payload: "5", id: 7 });
      await until("it is on disk", () => mute.lines.includes("committed"));
      mute.child.kill("SIGKILL");
      await device.ended();
      expect(device.received).toHaveLength(1);

      const restarted = await program(folder, "");
      const back = await connectRaw(restarted.port, { clientId: "d1", clean });
      back.publish({ topic: "dc1/s1/power", payload: "5", id: 7, dup }, power(8));
      expect([await back.next(), await back.next()]).toMatchObject([
        { kind: "puback", id: 7 },
        { kind: "puback", id: 8 },
      ]);
      restarted.child.kill("SIGKILL");
      await once(restarted.child, "exit");

      expect(stored(folder)).toEqual([
        ["s1", "power", 5, "W"],
        ["s1", "power", 8, "W"],
      ]);
    },
  );
});

describe("what is no reading", () => {
  test("a retained message that a new session repeats is a replay; what differs is a reading", async () => {
    const gateway = await start();
    const say = async (device: RawDevice, payload: string, id: number) => {
      device.publish({ topic: "dc1/s1/power", payload, id, retain: true });
      expect(await device.next()).toMatchObject({ kind: "puback", id });
    };
    const first = await connectRaw(gateway.port, { clientId: "bridge" });
    await say(first, "5", 1);
    await say(first, "5", 2);
    const second = await connectRaw(gateway.port, { clientId: "bridge" });
    await say(second, "5", 1);
    await say(second, "5", 2);
    const third = await connectRaw(gateway.port, { clientId: "bridge" });
    await say(third, "6", 1);

    expect(gateway.readings().map(([, , value]) => value)).toEqual([5, 5, 5, 6]);
    expect(gateway.intake.counters.replays).toBe(1);
  });

  test("an empty retained message clears a topic and says nothing else", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    device.publish({ topic: "dc1/s1/power", payload: "", retain: true });
    expect(await device.next()).toMatchObject({ kind: "puback" });
    expect(gateway.readings()).toEqual([]);
    expect(gateway.quarantine()).toEqual([]);
  });

  test("a will is counted, and is neither a reading nor in quarantine", async () => {
    const gateway = await start();
    const will = { topic: "dc1/s1/power", payload: "0" };
    const device = await connectRaw(gateway.port, { clientId: "d1", will });
    device.publish({ topic: "dc1/s1/power", payload: "5" });
    await device.next();
    device.socket.destroy();
    await until("the will is set off", () => gateway.intake.counters.wills === 1);

    const polite = await connectRaw(gateway.port, { clientId: "d2", will });
    polite.send(DISCONNECT);
    await polite.ended();
    expect(gateway.intake.counters.wills).toBe(1);
    expect(gateway.readings()).toEqual([["s1", "power", 5, "W"]]);
    expect(gateway.quarantine()).toEqual([]);
  });
});

describe("what is not understood", () => {
  test("it is kept byte for byte with its reason, and acknowledged", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d 1" });
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n);
    device.publish(
      { topic: "nobody/knows", payload: bytes, id: 1 },
      { topic: "dc1/s1/climate", payload: bytes, id: 2 },
      { topic: "dc1/s1/climate", payload: "{", id: 3 },
      { topic: "dc1/s1/power", payload: "on", id: 4 },
    );
    await until("all are acknowledged", () => device.received.length === 5);
    expect(gateway.quarantine()).toEqual([
      ["mqtt://d%201/nobody/knows", "no mapping matches the topic", bytes],
      ["mqtt://d%201/dc1/s1/climate", "the payload is not UTF-8", bytes],
      ["mqtt://d%201/dc1/s1/climate", "the payload is not JSON", Uint8Array.of(0x7b)],
      ["mqtt://d%201/dc1/s1/power", "the payload is not a number", Uint8Array.of(0x6f, 0x6e)],
    ]);
    expect(gateway.readings()).toEqual([]);
  });
});

describe("refusals", () => {
  test("what cannot be kept is not acknowledged, nor what came after it; the old is kept", async () => {
    const gateway = await start({ limits: { quarantine: { rowsMax: 2, bytesMax: 1000 } } });
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    const unknown = [1, 2, 3].map((id) => ({ topic: "nobody/knows", payload: `${id}`, id }));
    device.publish(...unknown, power(4));
    await device.ended();
    expect(device.received.slice(1).map(({ id }) => id)).toEqual([1, 2]);
    expect(gateway.quarantine()).toHaveLength(2);

    const other = await connectRaw(gateway.port, { clientId: "d2" });
    other.publish(power(1));
    expect(await other.next()).toMatchObject({ kind: "puback" });
  });

  test("with QoS 0 nobody waits for an answer, and the connection lives", async () => {
    const gateway = await start({ limits: { quarantine: { rowsMax: 0, bytesMax: 0 } } });
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    device.publish({ topic: "nobody/knows", payload: "1", qos: 0 });
    device.publish({ topic: "dc1/s1/power", payload: "1", qos: 0 }, power(2));
    expect(await device.next()).toMatchObject({ kind: "puback", id: 2 });
    expect(gateway.readings()).toHaveLength(2);
    expect(gateway.intake.counters.refused).toBe(1);
  });

  test.each([
    ["$SYS/x", 1],
    ["a/+", 1],
    ["a/#", 1],
    ["a\u0001b", 1],
    ["a/".repeat(40), 1],
    ["dc1/s1/power", 0],
  ])("a publish to %j with packet id %i ends the connection", async (topic, id) => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    device.publish({ topic, payload: "5", id });
    await device.ended();
    expect(device.received).toHaveLength(1);
    expect(gateway.readings()).toEqual([]);
    expect(gateway.quarantine()).toEqual([]);
  });

  test("a packet that is too long ends the connection at its header", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    // PUBLISH of 200 MiB, of which nothing more than the length is ever sent.
    device.send(Uint8Array.of(0x32, 0x80, 0x80, 0x80, 0x64));
    await device.ended();

    const stranger = openRaw(gateway.port);
    stranger.send(Uint8Array.of(0x10, 0x80, 0x80, 0x80, 0x64));
    await stranger.ended();
  });

  test("a socket that says nothing is closed", async () => {
    const gateway = await start({ broker: { connectMs: 50 } });
    await openRaw(gateway.port).ended();
  });

  test("garbage instead of MQTT ends that connection and no other", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    const stranger = openRaw(gateway.port);
    stranger.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    await stranger.ended();
    device.publish(power(1));
    expect(await device.next()).toMatchObject({ kind: "puback" });
  });

  test("more connections than allowed are turned away", async () => {
    const gateway = await start({ broker: { connectionsMax: 2 } });
    await connectRaw(gateway.port, { clientId: "d1" });
    await connectRaw(gateway.port, { clientId: "d2" });
    await openRaw(gateway.port).ended();
  });

  test("devices hear what is meant for them, and nothing of each other", async () => {
    const gateway = await start();
    const device = await connectRaw(gateway.port, { clientId: "d1" });
    const granted = async (filter: string) => {
      device.send(subscribe(5, filter));
      return (await device.next()).code;
    };
    expect(await granted("racktrace/d1/#")).toBe(1);
    for (const filter of ["#", "dc1/#", "racktrace/d2/#", "racktrace/+/x", "$SYS/#"])
      expect(await granted(filter)).toBe(128);
    const plus = await connectRaw(gateway.port, { clientId: "+" });
    plus.send(subscribe(5, "racktrace/+/#"));
    expect(await plus.next()).toMatchObject({ kind: "suback", code: 128 });
  });

  test("a taken port is said to be taken", async () => {
    const gateway = await start();
    await expect(start({ broker: { port: gateway.port } })).rejects.toMatchObject({
      code: "PORT_TAKEN",
    });
  });
});

test("an event says what, when by whose clock, and from which start of the gateway", async () => {
  const gateway = await start();
  const device = await connectRaw(gateway.port, { clientId: "d1" });
  const payload = '{"id":"m-1","ts":1700000000123,"temperature":21.4,"humidity":44}';
  const beforeMs = Date.now();
  device.publish({ topic: "dc1/s1/climate", payload });
  await device.next();

  const [event] = gateway.events();
  expect(event).toMatchObject({
    boot: 1,
    sourceTimeMs: 1_700_000_000_123,
    device: "s1",
    clock: "unknown",
    body: {
      kind: "sensor",
      readings: [
        { property: "temperature", value: 21.4, unit: "Cel" },
        { property: "relative_humidity", value: 44, unit: "%" },
      ],
    },
  });
  expect(event?.gatewayTimeMs).toBeGreaterThanOrEqual(beforeMs);
  expect(event?.monotonicMs).toBeGreaterThan(0);
});

const mappings: readonly Mapping[] = [
  {
    topic: "dc1/+/climate",
    device: "{1}",
    payload: "json",
    time: { pointer: "/ts", unit: "ms" },
    id: "/id",
    readings: [
      { pointer: "/temperature", property: "temperature", unit: "Cel" },
      { pointer: "/humidity", property: "relative_humidity", unit: "%" },
    ],
  },
  {
    topic: "dc1/+/power",
    device: "{1}",
    payload: "number",
    readings: [{ property: "power", unit: "W" }],
  },
];

function bytesInBuffers(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().arrayBuffers;
}

function power(id: number) {
  return { topic: "dc1/s1/power", payload: `${id}`, id };
}

async function start(
  changes: { limits?: Partial<OutboxLimits>; broker?: Partial<DeviceBrokerOptions> } = {},
) {
  const folder = temporaryFolder();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const budgets = { bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 };
  const limits = { ...outboxLimits(budgets), ...changes.limits };
  const outbox = await openOutboxThread({ journal }, { folder, limits });
  onTestFinished(() => outbox.close());
  const intake = createIntake({ outbox, clock: createClock() }, { mappings });
  const broker = await openDeviceBroker(
    { intake, journal },
    {
      host: "127.0.0.1",
      port: 0,
      connectionsMax: 100,
      packetBytesMax: 65_536,
      connectMs: 5000,
      ...changes.broker,
    },
  );
  onTestFinished(() => broker.close());
  return {
    port: broker.port,
    outbox,
    intake,
    broker,
    readings: () => stored(folder),
    events: () => eventsOf(folder),
    quarantine: () =>
      inspect(folder, (inspector) =>
        [...inspector.quarantine(0)].map(({ source, reason, bytes }) => [
          source,
          reason,
          Uint8Array.from(bytes),
        ]),
      ),
    /** Keeps the outbox from writing until it is released. */
    lock() {
      const other = new Sqlite(join(folder, OUTBOX_FILE));
      other.exec("BEGIN IMMEDIATE");
      return {
        release() {
          other.exec("ROLLBACK");
          other.close();
        },
      };
    },
  };
}

function inspect<T>(
  folder: string,
  look: (inspector: ReturnType<typeof openOutboxInspector>) => T,
): T {
  const inspector = openOutboxInspector(join(folder, OUTBOX_FILE));
  try {
    return look(inspector);
  } finally {
    inspector.close();
  }
}

function eventsOf(folder: string) {
  return inspect(folder, (inspector) =>
    [...inspector.events("telemetry", 0)].map(({ bytes }) => decodeEvent(bytes)),
  );
}

function stored(folder: string) {
  return eventsOf(folder).flatMap(({ device, body }) =>
    body.kind === "sensor"
      ? body.readings.map(({ property, value, unit }) => [device, property, value, unit])
      : [],
  );
}

async function program(folder: string, mode: string) {
  const path = new URL("../support/intake-gateway.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [path, folder, mode], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  await until("the gateway says its port", () => lines.length > 0);
  return { child, lines, port: Number(lines[0]) };
}
