/**
 * A message of some hundred bytes may unpack to millions of elements that say nothing. The twin's writer reads
 * what all gateways send: such a message is refused before anything is made of its elements.
 */
import { zstdCompressSync } from "node:zlib";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import {
  BATCH_BYTES_MAX,
  BATCH_EVENTS_MAX,
  decodeBatch,
  decodeEvent,
  decodeHello,
  EVENT_BYTES_MAX,
  encodeEvent,
  encodeHello,
  HELLO_NUMBERINGS_MAX,
  READINGS_MAX,
} from "../../src/wire/codec.ts";

const MIB = 1024 * 1024;
/** Field 1, of no bytes: an event, of which 4 MiB are some hundred bytes of zstd. */
const EMPTY = Buffer.from([0x0a, 0x00]);

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
      "a hello of thousands of numberings",
      () => decodeHello(helloOf(12_000)),
      /^Hello names more than 16 numberings; a gateway has one for each lane$/,
    ],
  ])("%s", (_what, read, why) => {
    const startedMs = performance.now();
    for (let n = 0; n < 20; n++) expect(read).toThrow(why);
    // Making them took half a second each.
    expect(performance.now() - startedMs).toBeLessThan(2_500);
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

  test("a hello of as many numberings as it may name", () => {
    expect(decodeHello(helloOf(HELLO_NUMBERINGS_MAX)).numberings).toHaveLength(16);
  });
});

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
