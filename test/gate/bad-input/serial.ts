/**
 * What a bad contact, a wrong baud rate or somebody else's device says to a scanner's line: noise between,
 * within and instead of frames, cut anywhere, and endless frames.
 *
 * Always: every deframer answers with frames no longer than allowed, or counts noise; each frame is read by
 * the barcode decoder or refused; nothing is thrown, and the heap comes back to where it was.
 *
 * Seen to fail when `devices/framing/held.ts` adds beyond its limit.
 */
import { decodeTyped } from "../../../src/barcode/decode.ts";
import { aimOf } from "../../../src/devices/framing/aim.ts";
import type { Deframer } from "../../../src/devices/framing/cut.ts";
import { createDeframer, type Framing } from "../../../src/devices/framing/deframer.ts";
import { type Asked, brokenBy, type Found, type Gate, pause } from "../gate.ts";
import { HEAP_MB_MAX, heapMb, mutated, random } from "./mutate.ts";

export const gate: Gate = {
  name: "bad-input/serial",
  shows: "whatever a line says, it is a frame within its limit or counted noise",
  unit: "frames",
  full: 10_000_000,
  quick: 150_000,
  run,
};

const TURN = 5_000;
const FRAME_BYTES_MAX = 256;
const ENDLESS_SHARE = 0.0005;
const ENDLESS_BYTES = 65_536;
const FRAMINGS: readonly Framing[] = [
  ...(["cr", "lf", "crlf", "any", "tab", "etx"] as const).map(
    (delimiter): Framing => ({ kind: "delimiter", delimiter }),
  ),
  { kind: "stx-etx" },
  { kind: "gap" },
  { kind: "length", bytes: 32 },
  { kind: "ssi" },
  { kind: "keys" },
];
const RIGHT = [
  "]d22539521234000013K0000001\r\n",
  "\u0002]C1010952123400001310ABC\u001d21XYZ\u0003",
  "]E09521234000013\t",
  "plain text of no standard\n",
].map((text) => Buffer.from(text, "latin1"));

async function run(asked: Asked): Promise<Found> {
  const chance = asked.chance("frames");
  const broken: string[] = [];
  const sums = { frames: 0, noise: 0, decoded: 0 };
  const baseMb = heapMb();
  let deframers = openAll();
  for (let n = 1; n <= asked.size; n++) {
    const chunk = chance.chance(ENDLESS_SHARE)
      ? Buffer.alloc(ENDLESS_BYTES, 0x41)
      : Buffer.concat([random(chance, 4), mutated(chance.pick(RIGHT), chance)]);
    const deframer = chance.pick(deframers);
    try {
      hear(deframer, chunk);
      if (chance.chance(0.1)) hear(deframer, undefined);
    } catch (error) {
      broken.push(
        `${(error as Error).stack?.slice(0, 300)} for ${chunk.toString("hex").slice(0, 120)}`,
      );
      deframers = openAll();
    }
    if (n % TURN !== 0) continue;
    asked.done(n);
    await pause(0);
  }
  for (const deframer of deframers) deframer.close();
  const grownMb = heapMb() - baseMb;
  return {
    figures: [
      { name: "frames", value: sums.frames, unit: "" },
      { name: "  that a standard knows", value: sums.decoded, unit: "" },
      { name: "cuts counted as noise", value: sums.noise, unit: "" },
      { name: "errors", value: broken.length, unit: "", goal: "0" },
      { name: "heap above base", value: grownMb, unit: "MB", goal: `<= ${HEAP_MB_MAX}` },
    ],
    broken: [
      ...brokenBy("inputs that were not survived", broken),
      ...(grownMb > HEAP_MB_MAX ? [`the heap grew by ${grownMb.toFixed(1)} MB`] : []),
      ...(sums.frames === 0 ? ["no frame was ever cut"] : []),
    ],
  };

  function hear(deframer: Deframer, chunk: Uint8Array | undefined): void {
    for (const cut of chunk === undefined ? deframer.quiet() : deframer.push(chunk)) {
      if (cut.kind !== "frame") {
        sums.noise += 1;
        continue;
      }
      sums.frames += 1;
      const { frame: bytes } = cut;
      if (bytes.length > FRAME_BYTES_MAX) throw new Error(`a frame of ${bytes.length} bytes`);
      const text = Buffer.from(bytes).toString("latin1");
      if (decodeTyped(text.slice(aimOf(bytes).length)).kind !== "unknown") sums.decoded += 1;
    }
  }
}

function openAll(): readonly Deframer[] {
  return FRAMINGS.map((framing) => createDeframer(framing, FRAME_BYTES_MAX));
}
