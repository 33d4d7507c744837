/**
 * Deliveries that are held, each known by its origin: so many, and then what was set longest ago makes way.
 *
 * Numbers side by side in memory of a fixed size, 33 bytes each: in a Map of objects they took 150, and a gateway
 * whose devices come and go filled it in the course of days, by 30 MB.
 */
import { assert } from "../kernel/assert.ts";
import { type Fate, STORED } from "./fate.ts";

export type Held = {
  readonly atMs: number;
  /** Without the mark they count only until a device is back that resumes, and not for long. */
  readonly unmarked: boolean;
  readonly fate: Fate;
};

export type HeldDeliveries = {
  get(origin: bigint): Held | undefined;
  set(origin: bigint, held: Held): void;
  delete(origin: bigint): void;
};

/** `max` is a power of two. */
export function createHeldDeliveries(max: number): HeldDeliveries {
  assert(max > 1 && (max & (max - 1)) === 0, "as many slots as there are values of some bits");
  const [origins, atMs, unmarked] = [
    new BigInt64Array(max),
    new Float64Array(max),
    new Uint8Array(max),
  ] as const;
  /** Of those that were not on disk when they were held, which are few. */
  const fates = new Map<number, Fate>();
  /** First slot of a chain, next in it, and neighbours by age; a slot is said by its number plus one, 0 is none. */
  const [heads, nexts] = [new Int32Array(max), new Int32Array(max)] as const;
  const [older, newer] = [new Int32Array(max), new Int32Array(max)] as const;
  let [oldest, newest, used, free] = [0, 0, 0, 0];

  const whole = new BigInt64Array(1);
  const halves = new Int32Array(whole.buffer);
  const bucketOf = (origin: bigint): number => {
    whole[0] = origin;
    return (halves[0] as number) & (max - 1);
  };

  const find = (origin: bigint): number => {
    let one = heads[bucketOf(origin)] as number;
    while (one !== 0 && origins[one - 1] !== origin) one = nexts[one - 1] as number;
    return one;
  };

  const unchain = (one: number): void => {
    const bucket = bucketOf(origins[one - 1] as bigint);
    const next = nexts[one - 1] as number;
    let before = heads[bucket] as number;
    if (before === one) {
      heads[bucket] = next;
      return;
    }
    while (nexts[before - 1] !== one) before = nexts[before - 1] as number;
    nexts[before - 1] = next;
  };

  const remove = (one: number): void => {
    unchain(one);
    const [before, after] = [older[one - 1] as number, newer[one - 1] as number];
    if (before === 0) oldest = after;
    else newer[before - 1] = after;
    if (after === 0) newest = before;
    else older[after - 1] = before;
    fates.delete(one);
    nexts[one - 1] = free;
    free = one;
  };

  const room = (): number => {
    if (free === 0 && used < max) {
      used += 1;
      return used;
    }
    if (free === 0) remove(oldest);
    const one = free;
    free = nexts[one - 1] as number;
    return one;
  };

  return {
    get(origin) {
      const one = find(origin);
      if (one === 0) return undefined;
      return {
        atMs: atMs[one - 1] as number,
        unmarked: unmarked[one - 1] === 1,
        fate: fates.get(one) ?? STORED,
      };
    },
    set(origin, held) {
      const known = find(origin);
      if (known !== 0) remove(known);
      const one = room();
      const bucket = bucketOf(origin);
      origins[one - 1] = origin;
      atMs[one - 1] = held.atMs;
      unmarked[one - 1] = held.unmarked ? 1 : 0;
      if (held.fate !== STORED) fates.set(one, held.fate);
      nexts[one - 1] = heads[bucket] as number;
      heads[bucket] = one;
      [older[one - 1], newer[one - 1]] = [newest, 0];
      if (newest === 0) oldest = one;
      else newer[newest - 1] = one;
      newest = one;
    },
    delete(origin) {
      const one = find(origin);
      if (one !== 0) remove(one);
    },
  };
}
