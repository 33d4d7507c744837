/** A real twin process and real MQTT clients: what is taken in, what is not, and who hears what. */

import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import mqtt from "mqtt";
import protobuf from "protobufjs";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { evidenceSchema, openEvidence } from "../../src/store/evidence.ts";
import {
  connectGateway,
  event,
  type PretendedGateway,
  reading,
  scan,
} from "../support/pretended-gateway.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const folder = mkdtempSync(join(tmpdir(), "racktrace-"));
let twin: Program;
let broker: string;

beforeAll(async () => {
  const words = ["twin", "--data", folder, "--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  twin = await startProgram(words, folder);
  broker = String(twin.address["broker"]);
});
afterAll(async () => {
  await twin.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("batches in order are acknowledged up to their last event and stand in the evidence", async () => {
  const gateway = await connect("gw-order");
  await gateway.send({ firstSeq: 1, events: texts("a1", "a2") });
  await gateway.send({ firstSeq: 3, events: texts("a3") });

  await gateway.ack("scans", ({ through }) => through === 3);
  expect(await taken("gw-order")).toEqual(["1 a1", "2 a2", "3 a3"]);
});

test("a batch that comes again changes nothing and is acknowledged again", async () => {
  const gateway = await connect("gw-again");
  const events = texts("a1", "a2");
  await gateway.send({ events });
  await gateway.ack("scans", ({ through }) => through === 2);
  await gateway.send({ events });

  await gateway.ack("scans", ({ through, resend }) => through === 2 && !resend, 1);
  expect(await taken("gw-again")).toEqual(["1 a1", "2 a2"]);
});

test("a gap is asked for again, and closed when it comes", async () => {
  const gateway = await connect("gw-gap");
  await gateway.send({ firstSeq: 1, events: texts("a1") });
  await gateway.send({ firstSeq: 3, events: texts("a3") });
  await gateway.ack("scans", ({ through, resend }) => resend && through === 1);
  expect(await taken("gw-gap")).toEqual(["1 a1"]);

  await gateway.send({ firstSeq: 2, events: texts("a2", "a3") });

  await gateway.ack("scans", ({ through }) => through === 3);
  expect(await taken("gw-gap")).toEqual(["1 a1", "2 a2", "3 a3"]);
});

test("what the gateway no longer has is a hole, and the rest goes on behind it", async () => {
  const gateway = await connect("gw-hole");
  await gateway.send({ firstSeq: 5, goneThrough: 4, events: texts("a5") });

  await gateway.ack("scans", ({ through, resend }) => through === 5 && !resend);
  expect(await taken("gw-hole")).toEqual(["5 a5"]);
});

test("another event under a number already taken is kept beside it, and the new ones behind it are taken in", async () => {
  const gateway = await connect("gw-conflict");
  await gateway.send({ firstSeq: 1, events: texts("a1", "a2") });
  await gateway.send({ firstSeq: 2, events: texts("another", "a3") });

  await gateway.ack("scans", ({ through }) => through === 3);
  expect(await taken("gw-conflict")).toEqual(["1 a1", "2 a2", "3 a3"]);
  const { entries } = await ask("quarantine");
  const [conflict] = entries.filter(({ source }: Named) => source === "gw-conflict/scans/2");
  expect(conflict).toMatchObject({ reason: "id_conflict", times: 1 });
  expect(Buffer.from(conflict.bytes, "base64").includes("another")).toBe(true);
});

test("two different scans under one number are a discrepancy, and the first one holds", async () => {
  const gateway = await connect("gw-clash");
  await gateway.send({ events: [scan("]d22539521234000013CLASH1")] });
  const other = [scan("]d22539521234000013CLASH2"), scan("]d22539521234000013CLASH3")];
  await gateway.send({ events: other });
  await gateway.send({ events: other });
  await gateway.ack("scans", ({ through }) => through === 2);

  await until("it is found", async () => {
    const { open } = await ask("discrepancies");
    return open.some(
      ({ subject, kind }: Named) => kind === "id_conflict" && subject.includes("gw-clash"),
    );
  });
  const found = (await ask("search?q=CLASH")).results.map(({ key }: Named) => key);
  expect(found).toEqual(["253/9521234000013CLASH1", "253/9521234000013CLASH3"]);
});

test("an event that this release cannot read is kept, told of, and in nobody's way", async () => {
  const gateway = await connect("gw-odd");
  const odd = Uint8Array.of(0x08, 0x01, 0xa2, 0x06, 0x00);
  await gateway.send({ firstSeq: 1, events: [...texts("a1"), odd, ...texts("a3")] });

  await gateway.ack("scans", ({ through }) => through === 3);
  await until("it is told of", async () => {
    const { entries } = await ask("quarantine");
    return entries.some(
      ({ source, reason }: Named) => source === "gw-odd/scans/2" && reason === "not_understood",
    );
  });
  expect(await taken("gw-odd")).toEqual(["1 a1", "2 ?", "3 a3"]);
});

test("a batch that cannot be read, is too long, or is another gateway's is refused by name and kept", async () => {
  const gateway = await connect("gw-bad");
  const other = await connect("gw-good");
  await gateway.sendRaw("batch", Uint8Array.of(1, 2, 3));
  await gateway.sendRaw("batch", new Uint8Array(2 * 1024 * 1024));
  await gateway.sendRaw("batch", new Uint8Array(3 * 1024 * 1024));
  await gateway.sendRaw("batch", bomb("gw-bad"));
  await gateway.send({ gateway: "gw-good", events: texts("stolen") });

  await until("all five are refused", () => gateway.acks.length === 5);
  expect(gateway.acks.map(({ refused }) => refused.split(/[\d:;]/)[0]?.trim())).toEqual([
    "Batch cannot be decoded",
    "the batch has",
    "the batch has",
    "Batch.zstd cannot be unpacked",
    "the batch is of gw-good, sent by gw-bad",
  ]);
  const { entries } = await ask("quarantine");
  const sizes = entries
    .filter(({ source }: Named) => source === "gw-bad")
    .map(
      ({ reason, times, bytes }: Named) =>
        `${times} ${reason} ${Buffer.from(bytes, "base64").length}`,
    );
  // Of what is too large to be looked at its beginning is kept, once.
  expect(sizes).toContain("2 oversized 1024");
  expect(sizes).toContain("1 unreadable 3");

  await other.send({ events: texts("a1") });
  await other.ack("scans", ({ through }) => through === 1);
  expect(await taken("gw-good")).toEqual(["1 a1"]);
});

test("of a numbering with many holes all are counted and the newest are named, without delay", async () => {
  const data = join(folder, "holes");
  mkdirSync(data);
  makeHoles(data, 40_000);
  const words = ["twin", "--data", data, "--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  const other = await startProgram(words, data);
  onTestFinished(async () => void (await other.stop()));
  await ask("gateways", other);
  const beganMs = performance.now();
  const [{ lanes }] = await ask("gateways", other);
  // Each hole looked at once; once for each other one, it is several seconds.
  expect(performance.now() - beganMs).toBeLessThan(2_000);
  const { missing } = lanes[0];
  expect(missing).toMatchObject({ events: 40_000, holes: 40_000 });
  expect(missing.ranges).toHaveLength(20);
  expect(missing.ranges[0]).toMatchObject({ firstSeq: 80_000, lastSeq: 80_000 });
  expect((await ask("retention", other)).lost).toBe(40_000);
});

test("what is kept of refused batches is told in pages that are not large, each once", async () => {
  const gateway = await connect("gw-large");
  for (let n = 0; n < 12; n++) {
    const events = Array.from({ length: 24 }, () => randomBytes(40_000));
    await gateway.send({ gateway: `gw-other-${n}`, events });
  }
  await gateway.send({ events: [...texts("a1"), Uint8Array.of(0x08, 0x01, 0xa2, 0x06, 0x00)] });
  await until("one is not understood", async () => {
    const { entries } = await ask("quarantine?limit=1");
    return entries[0]?.source === "gw-large/scans/2";
  });

  const told: Named[] = [];
  let pages = 0;
  for (let cursor = ""; ; pages++) {
    const text = await read(`quarantine?limit=1000${cursor}`);
    expect(text.length).toBeLessThan(12 * 1024 * 1024);
    const { entries, next } = JSON.parse(text);
    told.push(...entries);
    if (next === null) break;
    cursor = `&cursor=${next}`;
  }
  expect(pages).toBeGreaterThan(0);
  const times = told.map(({ time }) => time);
  expect(times).toEqual(times.toSorted().reverse());
  const large = told.filter(({ source }) => source === "gw-large").map(({ bytes }) => bytes);
  expect([large.length, new Set(large).size]).toEqual([12, 12]);
  const { held } = await ask("quarantine");
  const odd = told.filter(({ reason }) => reason === "not_understood").length;
  expect(told.length).toBe(held + odd);
});

test("the evidence is told in pages that are not large, each event once", async () => {
  const readings = Array.from({ length: 8_000 }, () => ({ property: "", value: 0, unit: "" }));
  const events = Array.from({ length: 16 }, () => event({ kind: "sensor", readings }));
  const gateway = await connect("gw-many");
  for (const firstSeq of [1, 17, 33])
    await gateway.send({ epoch: "many", lane: "telemetry", firstSeq, events });
  await gateway.ack("many", ({ through }) => through === 48);

  const told: number[] = [];
  for (let after = 0; ; ) {
    const text = await read(`events?limit=5000&after=${after}`);
    expect(text.length).toBeLessThan(12 * 1024 * 1024);
    const page = JSON.parse(text) as { events: { gateway: string; seq: number }[]; next: number };
    if (page.events.length === 0) break;
    for (const { gateway, seq } of page.events) if (gateway === "gw-many") told.push(seq);
    after = page.next;
  }
  expect(told).toEqual(Array.from({ length: 48 }, (_, n) => n + 1));
});

test("a hello is answered for each numbering it names, also for one never heard of", async () => {
  const gateway = await connect("gw-hello");
  await gateway.send({ epoch: "known", events: texts("a1", "a2") });
  await gateway.ack("known", ({ through }) => through === 2);

  await gateway.hello(["known", "new"]);

  await gateway.ack("new", ({ through, refused }) => through === 0 && refused === "");
  await gateway.ack("known", ({ through }) => through === 2, 1);
});

test("a twin behind what a gateway was once acknowledged for asks for the rest again", async () => {
  const gateway = await connect("gw-behind");
  await gateway.send({ epoch: "scans", events: texts("a1", "a2") });
  await gateway.ack("scans", ({ through }) => through === 2);

  await gateway.hello(["scans"], 3);
  await gateway.ack("scans", ({ through, resend }) => through === 2 && !resend, 1);
  await gateway.hello(["scans"], 10);
  await gateway.ack("scans", ({ through, resend }) => through === 2 && resend);
});

test("the lanes of a gateway do not wait for each other", async () => {
  const gateway = await connect("gw-lanes");
  await gateway.send({ epoch: "t", lane: "telemetry", firstSeq: 2, events: [reading(20)] });
  await gateway.send({ epoch: "s", lane: "scan", firstSeq: 1, events: texts("a1") });

  await gateway.ack("t", ({ resend }) => resend);
  await gateway.ack("s", ({ through }) => through === 1);
});

test("a gateway speaks under its own name only, and hears nothing of others", async () => {
  const gateway = await connect("gw-own");
  for (const filter of ["racktrace/v1/gw-order/ack", "racktrace/v1/+/ack", "#", "$SYS/#"])
    await expect(gateway.client.subscribeAsync(filter)).rejects.toThrow();

  for (const topic of ["racktrace/v1/gw-order/batch", "racktrace/v1/gw-own/ack", "$SYS/x", "x"]) {
    const intruder = await connect("gw-intruder");
    const gone = new Promise<void>((resolve) => intruder.client.once("close", () => resolve()));
    intruder.client.publish(topic, "x", { qos: 1 });
    await gone;
  }
});

test("who bears no name of a gateway, or leaves a will, is not let in", async () => {
  const refusals = [
    { clientId: "twin" },
    { clientId: "GW 1" },
    {
      clientId: "gw-will",
      will: { topic: "racktrace/v1/gw-will/batch", payload: Buffer.from("x") },
    },
  ];
  for (const options of refusals)
    await expect(
      mqtt.connectAsync(broker, { ...options, reconnectPeriod: 0, connectTimeout: 5_000 }, false),
    ).rejects.toThrow();
});

test("a second connection of a gateway takes over from the first", async () => {
  const first = await connect("gw-twice");
  const gone = new Promise<void>((resolve) => first.client.once("close", () => resolve()));
  const second = await connect("gw-twice");
  await gone;

  await second.send({ events: texts("a1") });
  await second.ack("scans", ({ through }) => through === 1);
});

test("the same reading of a device is one, however often it is delivered under new numbers", async () => {
  const gateway = await connect("gw-series");
  const at = Date.now() - 1_000;
  const again = reading(21.5, { sourceTimeMs: at, device: "thermo-s" });
  await gateway.send({ epoch: "t", lane: "telemetry", firstSeq: 1, events: [again, again] });
  await gateway.send({ epoch: "t", lane: "telemetry", firstSeq: 3, events: [again] });
  await gateway.ack("t", ({ through }) => through === 3);

  await until("it is derived", async () =>
    (await ask("series")).some(({ device }: Named) => device === "thermo-s"),
  );
  const { buckets, unit } = await ask("series/data?device=thermo-s&property=temperature");
  expect(unit).toBe("Cel");
  expect(buckets).toMatchObject([{ count: 1, mean: 21.5 }]);
});

const connected: PretendedGateway[] = [];
afterAll(() => Promise.all(connected.map((gateway) => gateway.end())));

async function connect(name: string): Promise<PretendedGateway> {
  const gateway = await connectGateway(broker, name);
  connected.push(gateway);
  return gateway;
}

/** Events that are told apart by what they say. */
function texts(...said: readonly string[]): Uint8Array[] {
  return said.map((state) => event({ kind: "device-state", state, reason: "" }));
}

async function taken(gateway: string): Promise<readonly string[]> {
  const { events } = await ask("events?limit=5000");
  return events
    .filter((one: Named) => one.gateway === gateway)
    .map((one: Named) => `${one.seq} ${one.deviceState?.state ?? "?"}`);
}

/** A small message that would unpack to a gigabyte. Written from the .proto, field by field. */
function bomb(gateway: string): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(0x0a).string(gateway).uint32(0x12).string("bomb").uint32(0x18).int32(1);
  writer.uint32(0x20).uint64(1).uint32(0x60).uint32(1);
  writer.uint32(0x5a).bytes(zstdCompressSync(Buffer.alloc(256 * 1024 * 1024)));
  return writer.finish();
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of another program, checked by what is done with it
type Named = any;

async function ask(path: string, of = twin): Promise<Named> {
  return JSON.parse(await read(path, of));
}

async function read(path: string, of = twin): Promise<string> {
  const response = await fetch(`${of.address["http"]}/api/v1/${path}`, { headers: of.headers });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  return text;
}

/** Every second number of one numbering is gone. */
function makeHoles(data: string, count: number): void {
  const path = join(data, "evidence.db");
  const db = openDatabase(path, evidenceSchema, "durable");
  openEvidence(db, path);
  db.prepare("INSERT INTO numbering VALUES (1, 'gw-full-of-holes', 'e', 'scan', ?)").run(2 * count);
  db.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO hole SELECT 1, 2 * i, 2 * i, 'gone from the gateway', 1000 * i FROM n`,
  ).run(count);
  db.close();
}
