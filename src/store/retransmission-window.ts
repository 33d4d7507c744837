/**
 * The origins of a lane's last rows, and the seq each of them got. In memory; the rows on disk outlive
 * a kill -9, so it is filled from them.
 *
 * Retransmissions are rare and readings are not: adding writes two numbers, and the index that makes
 * asking quick is there only while somebody asks.
 */
export type RetransmissionWindow = {
  /** The latest seq of an origin is the one that counts. */
  seqOf(origin: bigint): number | undefined;
  /** Rows come in order; `size` rows later this one is forgotten. */
  add(seq: number, origin: bigint | undefined): void;
};

export function createRetransmissionWindow(size: number): RetransmissionWindow {
  const slots = Math.max(1, size);
  const origins = new BigInt64Array(slots);
  /** 0 where the row has no origin. */
  const seqs = new Float64Array(slots);
  let index: Map<bigint, number> | undefined;
  let addedSinceAsked = 0;

  const build = (): Map<bigint, number> => {
    const built = new Map<bigint, number>();
    seqs.forEach((seq, at) => {
      const origin = origins[at] as bigint;
      if (seq > (built.get(origin) ?? 0)) built.set(origin, seq);
    });
    return built;
  };

  return {
    seqOf(origin) {
      addedSinceAsked = 0;
      index ??= build();
      return index.get(origin);
    },
    add(seq, origin) {
      const at = seq % slots;
      if (index !== undefined) {
        const forgotten = origins[at] as bigint;
        if (index.get(forgotten) === seqs[at]) index.delete(forgotten);
        if (origin !== undefined) index.set(origin, seq);
        addedSinceAsked += 1;
        if (addedSinceAsked > slots) index = undefined;
      }
      seqs[at] = origin === undefined ? 0 : seq;
      origins[at] = origin ?? 0n;
    },
  };
}
