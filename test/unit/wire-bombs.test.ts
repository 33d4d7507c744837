/**
 * A message of some hundred bytes may unpack to millions of elements that say nothing. The twin's writer reads
 * what all gateways send: such a message is refused before anything is made of its elements.
 */
import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import {
  BATCH_BYTES_MAX,
  BATCH_EVENTS_MAX,
  decodeBatch,
  decodeEvent,
  decodeHello,
  decodeOffered,
  EVENT_BYTES_MAX,
  encodeBatch,
  encodeEvent,
  encodeHello,
  HELLO_NUMBERINGS_MAX,
  READINGS_MAX,
} from "../../src/wire/codec.ts";
import { workOf } from "../support/work.ts";

const MIB = 1024 * 1024;
/** Field 1, of no bytes: an event, of which 4 MiB are some hundred bytes of zstd. */
const EMPTY = Buffer.from([0x0a, 0x00]);
/** A field that says it has a byte, and has none. */
const CUT = Buffer.from([0x5a, 0x01]);

describe("is refused before its elements are made", () => {
  test.each([
    [
      "a batch of a compressed million of empty events that claims one",
      () => decodeBatch(batchOf(1, { zstd: zstdCompressSync(Buffer.alloc(4 * MIB, EMPTY)) })),
      /^Batch holds more than the 1 events that it claims$/,
    ],
    [
      "one that claims as many as a batch may hold",
      () =>
        decodeBatch(
          batchOf(BATCH_EVENTS_MAX, { zstd: zstdCompressSync(Buffer.alloc(4 * MIB, EMPTY)) }),
        ),
      /^Batch holds more than the 4096 events that it claims$/,
    ],
    [
      "one that is not compressed",
      () => decodeBatch(batchOf(1, { plain: [Buffer.alloc(BATCH_BYTES_MAX - 200, EMPTY)] })),
      /^Batch holds more than 4096 events$/,
    ],
    [
      "one whose body comes in many pieces",
      () => decodeBatch(batchOf(1, { plain: Array.from({ length: 5_000 }, () => EMPTY) })),
      /^Batch holds more than 4096 events$/,
    ],
    [
      "an event of tens of thousands of readings without a name",
      () => decodeEvent(eventOf(Buffer.alloc(EVENT_BYTES_MAX - 200, EMPTY))),
      /^Event holds more than 8192 readings$/,
    ],
    [
      "a batch of events that are full of readings without a name",
      () => decodeOffered(packed(256, eventOf(Buffer.alloc(16_000, EMPTY)))),
      /^Batch holds more elements than its bytes may bring$/,
    ],
    [
      "one of events that report nothing, thousands of times",
      () => decodeOffered(packed(60, Buffer.alloc(60_000, Uint8Array.of(0x5a, 0x00)))),
      /^Batch holds more elements than its bytes may bring$/,
    ],
    [
      "one of events that break off behind thousands of readings",
      () => decodeOffered(packed(256, Buffer.concat([eventOf(Buffer.alloc(16_000, EMPTY)), CUT]))),
      /^Batch holds more elements than its bytes may bring$/,
    ],
    [
      "one that is not compressed",
      () =>
        decodeOffered(batchOf(64, { plain: [eventsOf(64, eventOf(Buffer.alloc(16_000, EMPTY)))] })),
      /^Batch holds more elements than its bytes may bring$/,
    ],
    [
      "a hello of thousands of numberings",
      () => decodeHello(helloOf(12_000)),
      /^Hello names more than 16 numberings; a gateway has one for each lane$/,
    ],
  ])("%s", (_what, read, why) => {
    const { workMs } = workOf(() => {
      for (let n = 0; n < 20; n++) expect(read).toThrow(why);
    });
    // Making them took half a second each.
    expect(workMs).toBeLessThan(2_500);
  });
});

describe("is read as ever", () => {
  test("a batch of as many events as it may hold, compressed or not", () => {
    const events = Array.from({ length: BATCH_EVENTS_MAX }, () => Uint8Array.of(0x08, 1));
    const plain = Buffer.alloc(4 * BATCH_EVENTS_MAX, Uint8Array.of(0x0a, 2, 0x08, 1));
    for (const body of [{ plain: [plain] }, { zstd: zstdCompressSync(plain) }])
      expect(decodeBatch(batchOf(BATCH_EVENTS_MAX, body)).events.map(bare)).toEqual(events);
  });

  test("an event that is full of the shortest readings there are", () => {
    const readings = Array.from({ length: READINGS_MAX - 16 }, () => ({
      ...{ property: "p", value: 0, unit: "1" },
    }));
    const event = encodeEvent({
      ...{ boot: 1, gatewayTimeMs: 1, monotonicMs: 1, clock: "synced", sourceTimeMs: undefined },
      ...{ device: "d", body: { kind: "sensor", readings } },
    });
    expect(event.length).toBeGreaterThan(EVENT_BYTES_MAX - 200);
    expect(decodeEvent(event).body).toEqual({ kind: "sensor", readings });
  });

  test.each([
    ["sends", 73],
    ["carries in a file", 219],
  ])("what a gateway %s of a device whose 400 registers say zero for ever", (_what, count) => {
    const events = Array.from({ length: count }, (_, n) => zeros(400, 1_000 * n));
    const message = encodeBatch({ ...BATCH, events });
    expect(events.length * 400).toBeGreaterThan(25 * message.length);
    expect(decodeOffered(message).events).toHaveLength(count);
  });

  test("256 KiB of a gateway, whatever they say: where they would be too few bytes they are not compressed", () => {
    const events = Array.from({ length: 16 }, () => eventOf(Buffer.alloc(16_300, EMPTY)));
    expect(decodeOffered(encodeBatch({ ...BATCH, events })).events).toHaveLength(16);
  });

  test("what was taken in once, whatever is in it", () => {
    const held = packed(256, eventOf(Buffer.alloc(16_000, EMPTY)));
    expect(decodeBatch(held).events).toHaveLength(256);
  });

  test("what is left to keep of one that was known in part: packed anew, it may be larger than what is offered", () => {
    const reading = Buffer.concat([Uint8Array.of(0x0a, 28, 0x0a, 26), Buffer.alloc(26, "r")]);
    const alike = Array(65).fill(eventOf(Buffer.alloc(60_000, reading)));
    const offered = encodeBatch({ ...BATCH, events: [randomBytes(60_000), ...alike] });
    const [, ...events] = decodeOffered(offered).events;
    const left = encodeBatch({ ...BATCH, firstSeq: 2, events });
    expect(left.length).toBeGreaterThan(BATCH_BYTES_MAX);
    expect(decodeBatch(left).events).toHaveLength(65);
    expect(() => decodeOffered(left)).toThrow(/^Batch has \d+ bytes; 1048576 are allowed$/);
  });

  test("a hello of as many numberings as it may name", () => {
    expect(decodeHello(helloOf(HELLO_NUMBERINGS_MAX)).numberings).toHaveLength(16);
  });
});

const BATCH = {
  ...({ gateway: "gw-1", epoch: "0123456789abcdef", lane: "telemetry", firstSeq: 1 } as const),
  ...{ goneThrough: 0, boot: 1, sentAtMs: 1, sentMonotonicMs: 1 },
};

function zeros(registers: number, afterMs: number): Uint8Array {
  const readings = Array.from({ length: registers }, (_, n) => ({
    ...{ property: n.toString(36), value: 0, unit: "1" },
  }));
  return encodeEvent({
    ...{ boot: 1, gatewayTimeMs: 1_700_000_000_000 + afterMs, monotonicMs: 1_000_000 + afterMs },
    ...{ clock: "synced", sourceTimeMs: undefined, device: "d" },
    body: { kind: "sensor", readings },
  });
}

function bare(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes);
}

/** Written from the .proto, field by field. */
function batchOf(
  count: number,
  body: { readonly zstd: Uint8Array } | { readonly plain: readonly Uint8Array[] },
): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(0x0a).string("gw-1").uint32(0x12).string("e").uint32(0x18).int32(1);
  writer.uint32(0x20).uint64(1).uint32(0x60).uint32(count);
  if ("zstd" in body) writer.uint32(0x5a).bytes(body.zstd);
  else for (const piece of body.plain) writer.uint32(0x52).bytes(piece);
  return writer.finish();
}

/** So many of one event, in some hundred bytes. */
function packed(count: number, event: Uint8Array): Uint8Array {
  return batchOf(count, { zstd: zstdCompressSync(eventsOf(count, event)) });
}

function eventsOf(count: number, event: Uint8Array): Uint8Array {
  const writer = protobuf.Writer.create();
  for (let n = 0; n < count; n++) writer.uint32(0x0a).bytes(event);
  return writer.finish();
}

function eventOf(readings: Uint8Array): Uint8Array {
  return protobuf.Writer.create().uint32(0x08).uint32(1).uint32(0x5a).bytes(readings).finish();
}

function helloOf(count: number): Uint8Array {
  const numbering = { epoch: "", lane: "scan", firstSeq: 0, lastSeq: 0 } as const;
  return encodeHello({
    gateway: "gw-1",
    numberings: Array.from({ length: count }, () => numbering),
  });
}
