/**
 * The only place of the page that looks at the clock or sets a timer.
 *
 * The time of day is the twin's: each answer's Date header corrects the machine's own clock, so that
 * "3 minutes ago" is true on a phone whose clock is wrong.
 */
let offsetMs = 0;

/** Below this the header's whole seconds and the way of the answer explain the difference. */
const OFFSET_MS_MIN = 2_000;

export function learnTwinTime(date: string | null): void {
  const twinMs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(twinMs)) return;
  const differenceMs = twinMs - Date.now();
  offsetMs = Math.abs(differenceMs) < OFFSET_MS_MIN ? 0 : differenceMs;
}

/** The twin's time of day, as far as this page knows it. */
export function nowMs(): number {
  return Date.now() + offsetMs;
}

/** Calls `fn` once after `ms`; the returned function cancels. */
export function after(ms: number, fn: () => void): () => void {
  const timer = setTimeout(fn, ms);
  return () => clearTimeout(timer);
}

/** Calls `fn` every `ms`; the returned function ends it. */
export function every(ms: number, fn: () => void): () => void {
  const timer = setInterval(fn, ms);
  return () => clearInterval(timer);
}

/** Full jitter: many pages must not come back to a restarted twin in the same instant. */
export function backoffMs(tries: number, { firstMs = 500, mostMs = 5_000 } = {}): number {
  return Math.random() * Math.min(mostMs, firstMs * 2 ** tries) + 100;
}

/** This machine's own clock, right or wrong: what a gateway says of its scans. */
export function deviceMs(): number {
  return Date.now();
}

/** Since this page was opened. */
export function monotonicMs(): number {
  return performance.now();
}
