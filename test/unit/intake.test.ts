/** What the gateway answers to messages of devices, between an outbox and a quarantine in memory. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { DecoderName } from "../../src/devices/decoders/convention.ts";
import { createIntake, type IntakeOptions, type Sift } from "../../src/gateway/intake.ts";
import type {
  Clock,
  Committed,
  DeviceMessage,
  NewEvent,
  OutboxPort,
  Put,
  Refusal,
} from "../../src/ports.ts";
import { openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { decodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedClock, rest } from "../support/pretended-clock.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";

const SENSORS: IntakeOptions = { mappings: [], decoders: [{ decoder: "zigbee2mqtt" }] };

describe("a message whose only value has no unit", () => {
  test("is acknowledged when the quarantine has it, and not before", async () => {
    const gateway = begin(SENSORS);
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2985}');
    await rest();
    expect(gateway.answers).toEqual([]);

    gateway.quarantineAnswers(true);
    await rest();
    expect(gateway.answers).toEqual(["ok"]);
  });

  test("is refused when the quarantine refuses it, and tried again when it comes again", async () => {
    const gateway = begin(SENSORS);
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2985}');
    gateway.quarantineAnswers(false);
    await rest();
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2985}');
    gateway.quarantineAnswers(true);
    await rest();

    expect(gateway.answers).toEqual(["full", "ok"]);
    expect(gateway.quarantined).toEqual(['{"voltage":2985}', '{"voltage":2985}']);
  });

  test("shares the answer of the first of its kind, of which one is kept", async () => {
    const gateway = begin(SENSORS);
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2985}');
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2975}');
    await rest();
    expect(gateway.answers).toEqual([]);
    gateway.quarantineAnswers(true);
    gateway.publish("zigbee2mqtt/tag", '{"voltage":2965}');
    await rest();

    expect(gateway.answers).toEqual(["ok", "ok", "ok"]);
    expect(gateway.quarantined).toEqual(['{"voltage":2985}']);
  });

  test.each<[DecoderName, string, string]>([
    ["ttn", "v3/a@t/devices/d/up", '{"uplink_message":{"decoded_payload":{"BatV":3.1}}}'],
    ["ttn", "v3/a@t/devices/d/up", '{"uplink_message":{"decoded_payload":{"door":"open"}}}'],
    ["chirpstack", "application/a/device/d/event/up", '{"object":{"BatV":3.1}}'],
    ["esphome", "hall/sensor/voltage/state", "3.1"],
    ["senml", "senml/hall", '[{"n":"hall/voltage","v":3.1}]'],
  ])("is one message in quarantine also from %s", async (decoder, topic, payload) => {
    const gateway = begin({ mappings: [], decoders: [{ decoder }] });
    for (const _times of [1, 2, 3]) gateway.publish(topic, payload);
    gateway.quarantineAnswers(true);
    await rest();

    expect(gateway.answers).toEqual(["ok", "ok", "ok"]);
    expect(gateway.quarantined).toEqual([payload]);
  });

  test("is kept itself when too many kinds are known to remember one more", async () => {
    const gateway = begin(SENSORS);
    for (let n = 0; n < 1024; n++) gateway.publish(`zigbee2mqtt/t${n}`, '{"voltage":1}');
    gateway.quarantineAnswers(true);
    await rest();
    gateway.publish("zigbee2mqtt/last", '{"voltage":2}');
    gateway.publish("zigbee2mqtt/last", '{"voltage":3}');
    gateway.quarantineAnswers(true);
    await rest();

    expect(gateway.quarantined.slice(1024)).toEqual(['{"voltage":2}', '{"voltage":3}']);
    expect(gateway.answers).toHaveLength(1026);
  });
});

test("a message of thousands of values with a long name is kept, with the first of the reasons", async () => {
  const gateway = begin(SENSORS);
  const values = Object.fromEntries(Array.from({ length: 6_000 }, (_, n) => [`k${n}`, 1]));
  gateway.publish("zigbee2mqtt/tag", JSON.stringify({ ["x".repeat(100_000)]: values, a: 1 }));
  gateway.quarantineAnswers(true);
  await rest();

  expect(gateway.answers).toEqual(["ok"]);
  expect(gateway.reasons[0]?.length).toBeLessThanOrEqual(1024);
  expect(gateway.reasons[0]).toMatch(/^no unit is known for "x+…".* and \d+ more$/);
});

test("a message of more than 16 MiB is nothing to come again for: of it the beginning is kept, and told", async () => {
  const gateway = begin(SENSORS);
  gateway.publish("zigbee2mqtt/tag", "x".repeat(16 * 1024 * 1024 + 1));
  gateway.quarantineAnswers(true);
  await rest();

  expect(gateway.answers).toEqual(["illegal"]);
  expect(gateway.quarantined).toEqual(["x".repeat(64 * 1024)]);
  expect(gateway.reasons[0]).toMatch(/^this is the beginning of 16777217 bytes; 16777216 are read/);
});

describe("a message of more readings than an event holds", () => {
  const names = Array.from(
    { length: 1_500 },
    (_, n) => `rack${n}_channel_temperature_of_this_cabinet`,
  );
  const records = names.map((n) => ({ n, v: 20 }));
  const pack = JSON.stringify([{ bn: "urn:dev:cabinet7:", bt: 1.7e9, bu: "Cel" }, ...records]);
  const PACKS: IntakeOptions = { mappings: [], decoders: [{ decoder: "senml" }] };

  test("is as many events as the twin can read, and each reading is in one of them", async () => {
    const gateway = begin(PACKS);
    gateway.publish("senml/cabinet7", pack);
    await rest();

    const events = gateway.puts.map(({ bytes }) => decodeEvent(bytes));
    const told = events.flatMap(({ body }) => (body.kind === "sensor" ? body.readings : []));
    expect(told.map(({ property }) => property)).toEqual(names);
    expect(new Set(events.map(({ sourceTimeMs }) => sourceTimeMs))).toEqual(new Set([1.7e12]));
    expect(gateway.answers).toEqual(["ok"]);
  });

  test("is known in all its parts when it comes again", async () => {
    const gateway = begin(PACKS);
    gateway.publish("senml/cabinet7", pack, { packetId: 7 });
    gateway.publish("senml/cabinet7", pack, { packetId: 7, dup: true });
    await rest();

    gateway.publish("senml/cabinet7", pack, { packetId: 7, dup: true });
    await rest();

    const origins = gateway.puts.map(({ origin }) => origin);
    expect(origins.length).toBeGreaterThan(1);
    expect(new Set(origins).size).toBe(origins.length);
    expect(gateway.answers).toEqual(["ok", "ok", "ok"]);
    expect(gateway.intake.counters.accepted).toBe(3 * origins.length);
  });
});

describe("a message marked with DUP", () => {
  const POWER: IntakeOptions = {
    mappings: [
      {
        topic: "dc1/+/power",
        device: "{1}",
        payload: "number",
        readings: [{ property: "power", unit: "W" }],
      },
    ],
  };
  const HOUR_MS = 3_600_000;
  /** More than the outbox looks for by what names them. */
  const MUCH = 17_000;

  test("is a reading of its own when the session before it was ended with DISCONNECT", async () => {
    const gateway = begin(POWER, { store: true });
    await gateway.says("21.5", { packetId: 1 });
    gateway.ends("said");
    await gateway.clock.advance(HOUR_MS);
    // The first try was lost with its connection.
    gateway.ends("broken");
    await gateway.says("21.5", { packetId: 1, dup: true });
    expect(gateway.stored()).toBe(2);
  });

  test("is the reading of a connection that broke, hours later too, but not days", async () => {
    const gateway = begin(POWER, { store: true });
    await gateway.says("21.5", { packetId: 1 });
    gateway.ends("broken");
    await gateway.clock.advance(23 * HOUR_MS);
    await gateway.says("21.5", { packetId: 1, dup: true });
    expect(gateway.stored()).toBe(1);

    gateway.ends("broken");
    await gateway.clock.advance(25 * HOUR_MS);
    await gateway.says("21.5", { packetId: 1, dup: true });
    expect(gateway.stored()).toBe(2);
  });

  test("is that of a DISCONNECT that came before the answer", async () => {
    const gateway = begin(POWER, { store: true, disk: "slow" });
    gateway.publish("dc1/s1/power", "1", { packetId: 1 });
    gateway.publish("dc1/s1/power", "2", { packetId: 2 });
    await rest();
    gateway.ends("said");
    gateway.diskAnswers();
    await rest();
    gateway.publish("dc1/s1/power", "2", { packetId: 2, dup: true });
    await rest();
    gateway.diskAnswers();
    await rest();
    expect(gateway.stored()).toBe(2);
  });

  test("is a reading of its own when the try before it was refused, whatever was stored before that", async () => {
    const gateway = begin(POWER, { store: true });
    await gateway.says("21.5", { packetId: 1 });
    gateway.ends("said");
    gateway.refuse("busy");
    await gateway.says("21.5", { packetId: 1 });
    gateway.ends("broken");
    gateway.refuse(undefined);
    await gateway.says("21.5", { packetId: 1, dup: true });
    expect(gateway.answers).toEqual(["ok", "busy", "ok"]);
    expect(gateway.stored()).toBe(2);
  });

  test("nor is it another when the one refused came in the same connection", async () => {
    const gateway = begin(POWER, { store: true });
    await gateway.says("21.5", { packetId: 1 });
    gateway.refuse("busy");
    await gateway.says("21.5", { packetId: 1 });
    gateway.ends("broken");
    gateway.refuse(undefined);
    await gateway.says("21.5", { packetId: 1, dup: true });
    expect(gateway.stored()).toBe(2);
  });

  test("is refused with the one it repeats when that does not get to disk, and then stored when it comes again", async () => {
    const gateway = begin(POWER, { store: true, disk: "slow" });
    gateway.refuse("failed");
    gateway.publish("dc1/s1/power", "1", { packetId: 1 });
    await rest();
    gateway.ends("broken");
    gateway.publish("dc1/s1/power", "1", { packetId: 1, dup: true });
    gateway.diskAnswers();
    await rest();
    expect(gateway.answers).toEqual(["failed", "failed"]);

    gateway.refuse(undefined);
    gateway.ends("broken");
    gateway.publish("dc1/s1/power", "1", { packetId: 1, dup: true });
    await rest();
    gateway.diskAnswers();
    await rest();
    expect(gateway.answers).toEqual(["failed", "failed", "ok"]);
    expect(gateway.stored()).toBe(1);
  });

  test("is known however much others said before the device came back", async () => {
    const gateway = begin(POWER, { store: true });
    await gateway.says("21.5", { packetId: 1 });
    gateway.ends("broken");
    await gateway.othersSay(MUCH);
    await gateway.says("21.5", { packetId: 1, dup: true });
    expect(gateway.answers).toEqual(["ok", "ok"]);
    expect(gateway.stored()).toBe(1 + MUCH);
  });

  test("is known when the gateway started anew, however much others said before and since", async () => {
    const before = begin(POWER, { store: true });
    await before.says("1", { packetId: 1 });
    // A line that was dead before the gateway was.
    await before.clock.advance(10_000);
    await before.says("2", { packetId: 2 });
    await before.othersSay(MUCH);
    const gateway = before.startsAnew();
    await gateway.othersSay(MUCH);
    await gateway.says("1", { packetId: 1, dup: true });
    await gateway.says("2", { packetId: 2, dup: true });
    expect(gateway.stored()).toBe(2 + 2 * MUCH);
  });

  test("is a reading of its own when the device had two minutes to repeat what was before", async () => {
    const before = begin(POWER, { store: true });
    await before.says("1", { packetId: 1 });
    const gateway = before.startsAnew();
    await gateway.says("2", { packetId: 2 });
    await gateway.clock.advance(120_001);
    // Now the first try is lost.
    gateway.ends("broken");
    await gateway.says("1", { packetId: 1, dup: true });
    expect(gateway.stored()).toBe(3);
  });

  test("is what was stored before the gateway started anew, for a day", async () => {
    const before = begin(POWER, { store: true });
    await before.says("21.5", { packetId: 1 });
    const gateway = before.startsAnew();
    await gateway.says("21.5", { packetId: 1, dup: true });
    expect(gateway.stored()).toBe(1);

    const later = gateway.startsAnew();
    await later.clock.advance(25 * HOUR_MS);
    await later.says("21.5", { packetId: 1, dup: true });
    expect(later.stored()).toBe(2);
  });
});

test("a message on which the gateway itself fails goes to quarantine, and the next one is read", async () => {
  const sift: Sift = {
    keep(_device, readings) {
      if (readings.some(({ value }) => value === 13)) throw new Error("unlucky");
      return readings;
    },
    failed: () => undefined,
  };
  const gateway = begin(SENSORS, { sift });
  gateway.publish("zigbee2mqtt/tag", '{"temperature":13}');
  gateway.publish("zigbee2mqtt/tag", '{"temperature":14}');
  gateway.quarantineAnswers(true);
  await rest();

  expect(gateway.answers).toEqual(["ok", "ok"]);
  expect(gateway.quarantined).toEqual(['{"temperature":13}']);
  expect(gateway.reasons).toEqual(["the gateway could not read it: Error: unlucky"]);
});

test("a reading beside a value without a unit does not wait for the quarantine", async () => {
  const gateway = begin(SENSORS);
  gateway.publish("zigbee2mqtt/tag", '{"battery":86,"voltage":2985}');
  await rest();
  expect(gateway.answers).toEqual(["ok"]);
});

test("what discovery said before a reload gives values after it their meaning", async () => {
  const decoders = [{ decoder: "homeassistant" }] as const;
  const gateway = begin({ mappings: [], decoders });
  gateway.publish(
    "homeassistant/sensor/hall/config",
    '{"stat_t":"hall/t","unit_of_meas":"°C","dev_cla":"temperature","dev":{"ids":"hall"}}',
  );
  gateway.intake.use({
    mappings: [],
    decoders: [...decoders, { decoder: "tasmota" }],
    sift: undefined,
  });
  gateway.publish("hall/t", "21.5");
  await rest();

  expect(gateway.quarantined).toEqual([]);
  expect(gateway.puts).toHaveLength(1);
});

describe("with a sift that counts as kept what is not on disk yet", () => {
  const POWER: IntakeOptions = {
    mappings: [
      {
        topic: "dc1/+/power",
        device: "{1}",
        payload: "number",
        readings: [{ property: "power", unit: "W" }],
      },
    ],
  };

  test("a message repeated with DUP is not acknowledged before the first delivery is on disk", async () => {
    const gateway = begin(POWER, { sift: onlyChanges(), disk: "slow" });
    gateway.publish("dc1/s1/power", "5", { packetId: 7 });
    await rest();
    gateway.publish("dc1/s1/power", "5", { packetId: 7, dup: true });
    await rest();
    expect(gateway.answers).toEqual([]);

    gateway.diskAnswers();
    await rest();
    expect(gateway.answers).toEqual(["ok", "ok"]);
    expect(gateway.puts).toHaveLength(1);
  });

  test("nor one that a resumed session repeats without saying so", async () => {
    const gateway = begin(POWER, { sift: onlyChanges(), disk: "slow" });
    gateway.publish("dc1/s1/power", "5", { packetId: 7 });
    await rest();
    gateway.breaksAndResumes();
    gateway.publish("dc1/s1/power", "5", { packetId: 7 });
    await rest();
    expect(gateway.answers).toEqual([]);

    gateway.diskAnswers();
    await rest();
    expect(gateway.answers).toEqual(["ok", "ok"]);
    expect(gateway.puts).toHaveLength(1);
  });

  test("a value that did not change is not kept", async () => {
    const gateway = begin(POWER, { sift: onlyChanges() });
    gateway.publish("dc1/s1/power", "5");
    gateway.publish("dc1/s1/power", "5");
    await rest();
    expect(gateway.answers).toEqual(["ok", "ok"]);
    expect(gateway.puts).toHaveLength(1);
  });
});

function onlyChanges(): Sift {
  const last = new Map<string, string>();
  return {
    keep(device, readings) {
      const now = JSON.stringify(readings);
      const isSame = last.get(device) === now;
      last.set(device, now);
      return isSame ? [] : readings;
    },
    failed(devices) {
      for (const device of devices) last.delete(device);
    },
  };
}

type Circumstances = {
  readonly sift?: Sift;
  readonly disk?: "slow";
  /** With the real store behind it, which may be one from before. */
  readonly store?: true | string;
};

function openStore(path: string, { nowMs }: Clock) {
  const limits = outboxLimits({ bytesMax: 2 ** 24, telemetryBytesMax: 2 ** 23 });
  const room = { ballastBytes: 0, freeBytesMin: 0 };
  return openOutbox({ path, nowMs }, { ...limits, room }).outbox;
}

function begin(options: IntakeOptions, { sift, disk, store }: Circumstances = {}) {
  const path = typeof store === "string" ? store : join(temporaryFolder(), "outbox.db");
  const clock = createPretendedClock();
  const real = store === undefined ? undefined : openStore(path, clock);
  let refusal: Refusal | undefined;
  const quarantined: string[] = [];
  const reasons: string[] = [];
  const puts: NewEvent[] = [];
  let waiting: ((put: Put) => void)[] = [];
  let written: (() => void)[] = [];
  const pretended = createPretendedOutbox();
  const outbox: OutboxPort = {
    ...pretended,
    state: (lane) => real?.state(lane) ?? pretended.state(lane),
    async put(lane, events) {
      puts.push(...events);
      const why = refusal;
      const put = why === undefined ? real?.flush([{ kind: "put", lane, events }]) : undefined;
      if (disk === "slow") await new Promise<void>((resolve) => written.push(resolve));
      if (why !== undefined) return { ok: false, why };
      return put?.ok && put.answers[0] ? put.answers[0] : pretended.put(lane, events);
    },
    quarantine: ({ bytes, reason }) =>
      new Promise((resolve) => {
        reasons.push(reason);
        quarantined.push(Buffer.from(bytes).toString());
        waiting.push(resolve);
      }),
  };
  const intake = createIntake({ outbox, clock, sift }, options);
  const answers: string[] = [];
  const connect = () =>
    intake.open({ clientId: "c", resumes: true }, (_ticket, taken) => {
      answers.push(taken.ok ? "ok" : taken.why);
    });
  let session = connect();
  let packetId = 0;
  return {
    intake,
    answers,
    quarantined,
    reasons,
    puts,
    publish(topic: string, text: string, more: Partial<DeviceMessage> = {}): void {
      packetId += 1;
      const payload = Buffer.from(text);
      const plain = { topic, payload, qos: 1, dup: false, retain: false, packetId } as const;
      session.take({ ...plain, ...more }, packetId);
    },
    async says(text: string, more: Partial<DeviceMessage>): Promise<void> {
      this.publish("dc1/s1/power", text, more);
      await rest();
    },
    async othersSay(count: number): Promise<void> {
      const other = intake.open({ clientId: "d", resumes: true }, () => undefined);
      for (let n = 1; n <= count; n++)
        other.take(
          {
            ...{ topic: "dc1/s2/power", payload: Buffer.from(`${n}`), packetId: n },
            ...{ qos: 1, dup: false, retain: false },
          },
          n,
        );
      await rest();
    },
    breaksAndResumes(): void {
      this.ends("broken");
    },
    /** And the device comes back. */
    ends(how: "said" | "broken"): void {
      session.end(how);
      session = connect();
    },
    refuse(why: Refusal | undefined): void {
      refusal = why;
    },
    startsAnew() {
      real?.close("abandoned");
      return begin(options, { store: path });
    },
    stored: () => real?.state("telemetry").lastSeq,
    clock,
    diskAnswers(): void {
      for (const answer of written) answer();
      written = [];
    },
    /** What waits for the quarantine is kept, or is not. */
    quarantineAnswers(kept: boolean): void {
      const commit = { firstSeq: 1, lastSeq: 1 } as Committed;
      for (const answer of waiting)
        answer(kept ? { ok: true, commit } : { ok: false, why: "full" });
      waiting = [];
    },
  };
}
