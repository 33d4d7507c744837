/**
 * The origins of a lane's last events, and the seq each of them got: at least `size` origins, at
 * most twice as many, in memory. The rows on disk outlive a kill -9, so it is filled from them.
 *
 * Two generations instead of one map that drops its oldest: a JavaScript map that loses its first
 * key at each step walks over the holes it has left.
 */
export type RetransmissionWindow = {
  seqOf(origin: bigint): number | undefined;
  /** The latest seq of an origin is the one that counts. */
  add(origin: bigint, seq: number): void;
};

export function createRetransmissionWindow(size: number): RetransmissionWindow {
  let young = new Map<bigint, number>();
  let old = new Map<bigint, number>();
  return {
    seqOf: (origin) => young.get(origin) ?? old.get(origin),
    add(origin, seq) {
      if (young.size >= size) {
        old = young;
        young = new Map();
      }
      young.set(origin, seq);
    },
  };
}
