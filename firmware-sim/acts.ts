/**
 * What people do, written down before anybody does it: acts with a scanner in hand, in jobs.
 *
 * A job is one chain of scans at one scanner. The same scenario and seed give the same jobs; only
 * the real time between them differs from run to run.
 */
import type { Label } from "./keys.ts";
import type { Prng, Range } from "./prng.ts";
import type { ScannerSpec, Suffix, Upsets } from "./scenario.ts";

/** The thing's new direct parent: a label, or the hands of a carrier. */
export type Move = { readonly thing: Label; readonly into: Label | { readonly carrier: string } };

export type Act = {
  readonly label: Label;
  /** Simulated time since the act before it. */
  readonly gapMs: number;
  readonly upset: Upset | undefined;
  /** What has become true in the world when this label was read. */
  readonly moves: readonly Move[];
};

/** What goes wrong while one label is read. */
export type Upset =
  /** The scanner reads the label a second time by itself. */
  | { readonly kind: "bounce"; readonly afterMs: number }
  /** The operator pulls the trigger again, unsure of the beep. Always in real time. */
  | { readonly kind: "double-read" }
  /** Bytes on the line before the label, outside any frame. */
  | { readonly kind: "noise"; readonly bytes: Uint8Array }
  /** The cable comes out after a part of the frame; no beep, so the operator reads the label again. */
  | { readonly kind: "unplug"; readonly share: number; readonly absentMs: number };

export type Job = {
  readonly scanner: string;
  /** Jobs of other scanners that must be over, because the same things were in their hands. */
  readonly after: readonly Job[];
  /** Simulated time since the day's first hour. */
  readonly startMs: number;
  readonly endMs: number;
  readonly acts: readonly Act[];
};

/** One reading of a label before chance has touched it. */
export type Step = { readonly label: Label; readonly moves?: readonly Move[] };

export type Station = {
  readonly scanner: ScannerSpec;
  /** Writes one more job for this station, not before its operator is free. */
  plan(after: readonly Job[], readyMs: number, steps: readonly Step[], haste: number): Job;
  freeMs(): number;
};

export type StationOptions = {
  readonly upsets: Upsets;
  readonly scanMs: Range;
  readonly pauseMs: Range;
};

export function createStation(scanner: ScannerSpec, prng: Prng, options: StationOptions): Station {
  let freeMs = 0;
  return {
    scanner,
    freeMs: () => freeMs,
    plan(after, readyMs, steps, haste) {
      const startMs = Math.max(readyMs, freeMs);
      const acts = steps.map(({ label, moves = [] }, at): Act => {
        const gapMs = prng.within(options.scanMs) / haste;
        const last = at === steps.length - 1;
        return {
          label,
          gapMs,
          moves,
          upset: drawUpset(prng, options.upsets, scanner.suffix, last),
        };
      });
      const endMs = startMs + acts.reduce((sum, { gapMs }) => sum + gapMs, 0);
      freeMs = endMs + prng.within(options.pauseMs) / haste;
      return { scanner: scanner.id, after, startMs, endMs, acts };
    },
  };
}

function drawUpset(prng: Prng, upsets: Upsets, suffix: Suffix, last: boolean): Upset | undefined {
  // Each chance is drawn whether it is used or not: one share changed leaves the others as they were.
  const [bounce, double, noise, unplug] = [prng.next(), prng.next(), prng.next(), prng.next()];
  if (unplug < upsets.unplugShare)
    return { kind: "unplug", share: prng.within([0.1, 0.95]), absentMs: prng.within([200, 1_200]) };
  if (bounce < upsets.bounceShare) return { kind: "bounce", afterMs: prng.within([20, 180]) };
  // Not at the end of a chain: there the second reading would begin a chain of its own.
  if (double < upsets.doubleReadShare && !last) return { kind: "double-read" };
  if (noise < upsets.noiseShare) return { kind: "noise", bytes: noiseBytes(prng, suffix) };
  return undefined;
}

/** Control characters and bytes beyond ASCII, but none that begins or ends a frame or looks like a key. */
const NOISE = [0x00, 0x01, 0x05, 0x07, 0x15, 0x1b, 0x7f, 0x80, 0xa5, 0xc3, 0xf0, 0xff];
const ENDS: Readonly<Record<Suffix, readonly number[]>> = {
  cr: [0x0d],
  lf: [0x0a],
  crlf: [0x0d, 0x0a],
  // Between ETX and STX a reader drops whatever comes, so noise there needs no end of its own.
  "stx-etx": [],
};

function noiseBytes(prng: Prng, suffix: Suffix): Uint8Array {
  const size = prng.below(6) + (suffix === "stx-etx" ? 1 : 0);
  return Uint8Array.of(...Array.from({ length: size }, () => prng.pick(NOISE)), ...ENDS[suffix]);
}
