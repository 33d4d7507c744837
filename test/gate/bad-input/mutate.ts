/** Bytes that were right and are no more, and heaps that must come back to where they were. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Prng } from "../../../firmware-sim/prng.ts";

/** A few changes of the kinds that parsers stumble over. */
export function mutated(bytes: Uint8Array, chance: Prng): Uint8Array {
  let found = Buffer.from(bytes);
  for (let changes = chance.wholeWithin([1, 4]); changes > 0; changes--)
    found = mutateOnce(found, chance);
  return found;
}

const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x0a, 0x0d] as const;

function mutateOnce(bytes: Buffer<ArrayBuffer>, chance: Prng): Buffer<ArrayBuffer> {
  const at = chance.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + chance.wholeWithin([1, 8]));
  switch (chance.below(7)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), random(chance), bytes.subarray(at)]);
    case 4:
      if (at < bytes.length) bytes[at] = chance.pick(EDGES);
      return bytes;
    default:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.below(8));
      return bytes;
  }
}

export function random(chance: Prng, most = 16): Buffer<ArrayBuffer> {
  return Buffer.from(Array.from({ length: chance.below(most + 1) }, () => chance.below(256)));
}

/** In MB, after everything that nobody needs has gone. */
export function heapMb(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let n = 0; n < 3; n++) collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** Garbage that nobody needs is not counted; what grows with the number of inputs is. */
export const HEAP_MB_MAX = 8;
