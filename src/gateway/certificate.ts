/**
 * Whether the gateway's certificate for the twin is about to end. It is renewed by itself when a third of its
 * time is over: one that is near its end has not been for months, and somebody has to see why.
 */
const DAY_MS = 86_400_000;
const NEAR_DAYS = 30;

/** In words, as long as there is time to do something about it, and after; undefined: all is well. */
export function endingOf(endsMs: number | undefined, nowMs: number): string | undefined {
  if (endsMs === undefined || endsMs - nowMs > NEAR_DAYS * DAY_MS) return undefined;
  const at = new Date(endsMs).toISOString().slice(0, 16);
  if (endsMs <= nowMs) return `the certificate for the twin has ended (${at}Z)`;
  const days = Math.floor((endsMs - nowMs) / DAY_MS);
  return `the certificate for the twin ends in ${days} ${days === 1 ? "day" : "days"} (${at}Z), and was not renewed`;
}

export const ENDING_CAUSE =
  "it renews itself while the twin is reached; the twin was away, or refused (journal: certificate-not-renewed)";
export const ENDING_NEXT =
  "bring the twin back, or enrol again: `racktrace twin enrol NAME` there, `racktrace gateway enrol` here";
