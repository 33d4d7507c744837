/**
 * A gate: one promise of reliability, tried so many times, judged by somebody who is not the product.
 *
 * It ends by itself, whatever its size. Its chance comes from one seed, so that a failure can be had
 * again; moments of real processes are not replayed to the microsecond, the choices are.
 */
import type { Prng } from "../../firmware-sim/prng.ts";
import type { Figure } from "../bench/figures.ts";

export type Gate = {
  /** Kind and name, such as `crash/power-cut`. */
  readonly name: string;
  /** The claim, in one line. */
  readonly shows: string;
  /** What is counted, in plural. */
  readonly unit: string;
  /** The size that the promise names, and the share of it that continuous integration runs. */
  readonly full: number;
  readonly quick: number;
  run(asked: Asked): Promise<Found>;
};

export type Asked = {
  readonly size: number;
  readonly seed: number;
  /** Empty, and gone afterwards unless the gate found something. */
  readonly folder: string;
  /** Chance of the seed; each name is a stream of its own. */
  chance(stream: string): Prng;
  /** So many of `size` are done. */
  done(count: number): void;
  /** A line for whoever watches. */
  say(line: string): void;
};

export type Found = {
  readonly figures: readonly Figure[];
  /** What did not hold, in sentences; none: the gate is passed. */
  readonly broken: readonly string[];
  /** Why it could not be tried on this machine: nothing was shown, and nothing is claimed. */
  readonly notRun?: string;
};

export const notRun = (why: string): Found => ({ figures: [], broken: [], notRun: why });

/** The first few are enough to look into; the count says how bad it is. */
export function brokenBy(what: string, ones: readonly unknown[], shown = 5): readonly string[] {
  if (ones.length === 0) return [];
  const first = ones.slice(0, shown).map((one) => (typeof one === "string" ? one : String(one)));
  return [`${ones.length} ${what}: ${first.join("; ")}${ones.length > shown ? "; ..." : ""}`];
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Load has a pace, and faults come at moments of the seed's choosing: this waits for no result. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
