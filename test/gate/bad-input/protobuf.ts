/**
 * Messages of the wire that were right and are no more, nesting bombs, and small messages of millions of empty
 * elements, read by every decoder there is.
 *
 * Always: a value or a WireError, in little time, and the heap comes back to where it was. What unpacks to much
 * is refused as fast as what does not: the twin has one writer for all gateways.
 *
 * Seen to fail when `wire/codec.ts` does not turn protobufjs's errors into WireError, and when it counts the events
 * of a batch after it has made them.
 */
import { zstdCompressSync } from "node:zlib";
import protobuf from "protobufjs";
import type { Prng } from "../../../firmware-sim/prng.ts";
import {
  BATCH_BYTES_MAX,
  BATCH_EVENTS_MAX,
  decodeAck,
  decodeDirectives,
  decodeEvent,
  decodeHello,
  decodeOffered,
  decodeVerdicts,
  EVENT_BYTES_MAX,
  encodeAck,
  encodeHello,
  encodeVerdicts,
  WireError,
} from "../../../src/wire/codec.ts";
import { batchOf, eventOf, eventsOf } from "../disk/evidence-payload.ts";
import { type Asked, brokenBy, type Found, type Gate, pause } from "../gate.ts";
import { HEAP_MB_MAX, heapMb, mutated, random } from "./mutate.ts";

export const gate: Gate = {
  name: "bad-input/protobuf",
  shows: "whatever bytes come as a message, they are read or refused with a reason",
  unit: "messages",
  full: 10_000_000,
  quick: 50_000,
  run,
};

const TURN = 5_000;
const ONE_MS_MAX = 250;
const BOMB_SHARE = 0.002;
const CROWD_SHARE = 0.001;
/** Of all decoders together, on the mean of all that were read: a machine that is busy else makes none fail. */
const CROWD_MS_MAX = 50;
const DECODERS = [
  ...[decodeEvent, decodeOffered, decodeHello, decodeAck, decodeVerdicts, decodeDirectives],
] as const;

async function run(asked: Asked): Promise<Found> {
  const chance = asked.chance("messages");
  const right = [
    eventOf("scans", 1),
    eventOf("telemetry", 2),
    batchOf("scans", 1, eventsOf("scans", 1, 5)),
    batchOf("telemetry", 1, eventsOf("telemetry", 1, 60)),
    encodeHello({
      gateway: "gw",
      numberings: [{ epoch: "e", lane: "scan", firstSeq: 1, lastSeq: 2 }],
    }),
    encodeAck({ epoch: "e", through: 7, resend: false, refused: "", twinTimeMs: 1 }),
    encodeVerdicts([{ epoch: "e", seq: 1, kind: "accepted", reason: "" }]),
  ];
  const broken: string[] = [];
  let [read, refused, slowestMs] = [0, 0, 0];
  const crowds = crowded();
  let [crowdsRead, crowdsMs] = [0, 0];
  for (const bytes of right) readAll(bytes);
  const baseMb = heapMb();
  for (let n = 1; n <= asked.size; n++) {
    const bytes = chance.chance(BOMB_SHARE) ? bomb(chance) : mutated(chance.pick(right), chance);
    const startedMs = performance.now();
    try {
      chance.pick(DECODERS)(bytes);
      read += 1;
    } catch (error) {
      refused += 1;
      if (!(error instanceof WireError))
        broken.push(`${(error as Error).stack?.slice(0, 300)} for ${hex(bytes)}`);
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedMs);
    if (chance.chance(CROWD_SHARE)) {
      const crowdMs = performance.now();
      readAll(chance.pick(crowds));
      crowdsMs += performance.now() - crowdMs;
      crowdsRead += 1;
    }
    if (n % TURN !== 0) continue;
    asked.done(n);
    await pause(0);
  }
  const grownMb = heapMb() - baseMb;
  const crowdMs = crowdsMs / Math.max(1, crowdsRead);
  return {
    figures: [
      { name: "read all the same", value: read, unit: "" },
      { name: "refused with a reason", value: refused, unit: "" },
      { name: "other errors", value: broken.length, unit: "", goal: "0" },
      { name: "slowest", value: slowestMs, unit: "ms" },
      { name: "crowds of empty elements", value: crowdsRead, unit: "" },
      { name: "one of them", value: crowdMs, unit: "ms", goal: `<= ${CROWD_MS_MAX}` },
      { name: "heap above base", value: grownMb, unit: "MB", goal: `<= ${HEAP_MB_MAX}` },
    ],
    broken: [
      ...brokenBy("messages that were neither read nor refused", broken),
      ...(grownMb > HEAP_MB_MAX ? [`the heap grew by ${grownMb.toFixed(1)} MB`] : []),
      ...(crowdMs > CROWD_MS_MAX
        ? [`a message of empty elements took ${Math.round(crowdMs)} ms`]
        : []),
      ...(slowestMs > ONE_MS_MAX * 20 ? [`one message took ${Math.round(slowestMs)} ms`] : []),
    ],
  };
}

function readAll(bytes: Uint8Array): void {
  for (const decode of DECODERS)
    try {
      decode(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
}

/** Groups within groups, fields within fields, and lengths that promise the moon. */
function bomb(chance: Prng): Uint8Array {
  const depth = chance.wholeWithin([100, 20_000]);
  switch (chance.below(3)) {
    case 0:
      return Buffer.alloc(depth, 0x0b);
    case 1: {
      let inner = random(chance);
      for (let n = 0; n < Math.min(depth, 400); n++)
        inner = Buffer.concat([Buffer.from([0x0a, ...varint(inner.length)]), inner]);
      return inner;
    }
    default:
      return Buffer.concat([Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), random(chance)]);
  }
}

/** Elements that say nothing take two bytes each: as many as a message has room for, in each repeated field. */
function crowded(): readonly Uint8Array[] {
  const empty = Uint8Array.of(0x0a, 0);
  const named = () => {
    const writer = protobuf.Writer.create().uint32(0x0a).string("gw").uint32(0x12).string("e");
    return writer.uint32(0x18).int32(1).uint32(0x20).uint64(1).uint32(0x60);
  };
  const zstd = zstdCompressSync(Buffer.alloc(4 * 1024 * 1024, empty));
  const plain = Buffer.alloc(BATCH_BYTES_MAX - 64, empty);
  const readings = Buffer.alloc(EVENT_BYTES_MAX - 64, empty);
  return [
    ...[1, BATCH_EVENTS_MAX].map((count) =>
      named().uint32(count).uint32(0x5a).bytes(zstd).finish(),
    ),
    named().uint32(1).uint32(0x52).bytes(plain).finish(),
    protobuf.Writer.create().uint32(0x5a).bytes(readings).finish(),
    Buffer.concat([Uint8Array.of(0x10, 1), Buffer.alloc(EVENT_BYTES_MAX - 64, "\x1a\x00")]),
  ];
}

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 64)).toString("hex");
}
