/**
 * Messages of the wire that were right and are no more, and nesting bombs, read by every decoder there is.
 *
 * Always: a value or a WireError, in little time, and the heap comes back to where it was.
 *
 * Seen to fail when `wire/codec.ts` does not turn protobufjs's errors into WireError.
 */
import type { Prng } from "../../../firmware-sim/prng.ts";
import {
  decodeAck,
  decodeBatch,
  decodeDirectives,
  decodeEvent,
  decodeHello,
  decodeVerdicts,
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
const DECODERS = [
  ...[decodeEvent, decodeBatch, decodeHello, decodeAck, decodeVerdicts, decodeDirectives],
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
    if (n % TURN !== 0) continue;
    asked.done(n);
    await pause(0);
  }
  const grownMb = heapMb() - baseMb;
  return {
    figures: [
      { name: "read all the same", value: read, unit: "" },
      { name: "refused with a reason", value: refused, unit: "" },
      { name: "other errors", value: broken.length, unit: "", goal: "0" },
      { name: "slowest", value: slowestMs, unit: "ms" },
      { name: "heap above base", value: grownMb, unit: "MB", goal: `<= ${HEAP_MB_MAX}` },
    ],
    broken: [
      ...brokenBy("messages that were neither read nor refused", broken),
      ...(grownMb > HEAP_MB_MAX ? [`the heap grew by ${grownMb.toFixed(1)} MB`] : []),
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

function varint(value: number): readonly number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, 64)).toString("hex");
}
