/**
 * Chance with a seed: the same seed gives the same world on every machine.
 *
 * Streams are named. Each actor draws from a stream of its own, so that one more draw of one actor
 * does not change the day of all the others.
 */
export type Range = readonly [number, number];

export type Prng = {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [0, end). */
  below(end: number): number;
  /** A number within the range. */
  within(range: Range): number;
  /** A whole number within the range, both ends included. */
  wholeWithin(range: Range): number;
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** An index, as often as its weight says. */
  weighted(weights: readonly number[]): number;
};

export function createPrng(seed: number, stream: string): Prng {
  const next = sfc32(`${seed}/${stream}`);
  const below = (end: number) => Math.floor(next() * end);
  return {
    next,
    below,
    within: ([low, high]) => low + next() * (high - low),
    wholeWithin: ([low, high]) => low + below(high - low + 1),
    chance: (share) => next() < share,
    pick<T>(items: readonly T[]) {
      if (items.length === 0) throw new RangeError("nothing to pick from");
      return items[below(items.length)] as T;
    },
    weighted(weights) {
      let left = next() * weights.reduce((sum, weight) => sum + weight, 0);
      for (const [index, weight] of weights.entries()) {
        left -= weight;
        if (left < 0) return index;
      }
      return weights.length - 1;
    },
  };
}

/** Chris Doty-Humphrey's sfc32 (PractRand), its state filled from the name. */
function sfc32(name: string): () => number {
  let [a, b, c, d] = [fnv1a(name, 1), fnv1a(name, 2), fnv1a(name, 3), 1];
  const step = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 15; round++) step();
  return step;
}

function fnv1a(text: string, salt: number): number {
  let hash = Math.imul(0x811c9dc5 ^ salt, 0x01000193);
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193);
  return hash | 0;
}
