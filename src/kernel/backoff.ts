/**
 * Waiting times between attempts: exponential with full jitter, so that a thousand gateways that
 * lost the same twin do not come back in the same second.
 *
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, variant "full jitter".
 */
export type BackoffOptions = { readonly firstMs: number; readonly lastMs: number };

export type Backoff = {
  /** The wait before the next attempt, in ms, within [0, min(lastMs, firstMs * 2^n)]. */
  nextMs(): number;
  /** An attempt succeeded: the next failure starts over. */
  reset(): void;
};

/** `chance` returns a number in [0, 1). */
export function createBackoff(options: BackoffOptions, chance: () => number): Backoff {
  let attempt = 0;
  return {
    nextMs() {
      const ceilingMs = Math.min(options.lastMs, options.firstMs * 2 ** Math.min(attempt, 30));
      attempt += 1;
      return Math.round(chance() * ceilingMs);
    },
    reset() {
      attempt = 0;
    },
  };
}
