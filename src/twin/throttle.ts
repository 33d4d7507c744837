/**
 * Makes whoever guesses wait: after some failed tries the next is refused for a while, and for twice
 * as long after each further one, up to a limit.
 *
 * It counts in a fixed number of slots that keys fall into by a digest with a secret of this process:
 * whatever comes costs the same memory, known and unknown names are treated alike, and nobody can
 * choose whom to share a slot with.
 */
import type { Secrets } from "../ports.ts";

export type Throttle = {
  /** Milliseconds until the next try; 0: now. */
  waitMs(key: string, nowMs: number): number;
  /**
   * A try begins, and counts as failed until it succeeds, so that many at once get no more guesses
   * than one after the other. The returned function takes it back: nothing was tried.
   */
  begin(key: string, nowMs: number): () => void;
  succeed(key: string): void;
};

export type ThrottleLimits = {
  /** Tries that may fail without a wait. */
  readonly free: number;
  readonly waitMsMax: number;
  /** After so long without a try all is forgotten. */
  readonly forgetMs: number;
};

const SLOTS = 4_096;
const FIRST_WAIT_MS = 1_000;
const DOUBLINGS_MAX = 32;

export function createThrottle(
  secrets: Secrets,
  { free, waitMsMax, forgetMs }: ThrottleLimits,
): Throttle {
  const salt = secrets.mint();
  const failed = new Uint32Array(SLOTS);
  const lastMs = new Float64Array(SLOTS);
  const slotOf = (key: string) =>
    Buffer.from(secrets.digest(`${salt} ${key}`), "base64url").readUInt32BE(0) % SLOTS;

  function standing(slot: number, nowMs: number): { count: number; sinceMs: number } {
    const sinceMs = nowMs - (lastMs[slot] ?? 0);
    // A clock that was set back must not lock anybody out for as long as it went.
    const over = sinceMs > forgetMs || sinceMs < 0;
    return { count: over ? 0 : (failed[slot] ?? 0), sinceMs };
  }

  return {
    waitMs(key, nowMs) {
      const { count, sinceMs } = standing(slotOf(key), nowMs);
      if (count < free) return 0;
      const doublings = Math.min(count - free, DOUBLINGS_MAX);
      return Math.max(0, Math.min(waitMsMax, FIRST_WAIT_MS * 2 ** doublings) - sinceMs);
    },
    begin(key, nowMs) {
      const slot = slotOf(key);
      const beforeMs = lastMs[slot] ?? 0;
      failed[slot] = Math.min(standing(slot, nowMs).count + 1, free + DOUBLINGS_MAX);
      lastMs[slot] = nowMs;
      return () => {
        failed[slot] = Math.max(0, (failed[slot] ?? 0) - 1);
        // Unless another try has begun since.
        if (lastMs[slot] === nowMs) lastMs[slot] = beforeMs;
      };
    },
    succeed(key) {
      failed[slotOf(key)] = 0;
    },
  };
}
