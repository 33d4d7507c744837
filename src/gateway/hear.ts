/** What happens on an opened line of a scanner, silence included, and what of it is worth a word. */
import type { FramingName } from "../devices/scanners/profile.ts";
import type { ByteLine, Clock, Journal } from "../ports.ts";

export type Heard =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "quiet" }
  | { readonly kind: "silent" };

/** Bytes of one packet, or of one scan of a known length, come in one go: behind a gap the rest never comes. */
const PACKET_GAP_MS = 50;

/** The silence that means something to this framing. */
export function gapMsOf(framing: FramingName): number | undefined {
  if (framing.kind === "gap") return framing.gapMs;
  return framing.kind === "ssi" || framing.kind === "length" ? PACKET_GAP_MS : undefined;
}

export type HearOptions = {
  readonly gapMs: number | undefined;
  readonly silentMs: number;
  /** What arrives so soon after the line was opened is handed to `junk`. */
  readonly settleMs: number;
  readonly junk: (bytes: number) => void;
};

/** `quiet` comes once after bytes, `silent` once more. */
export async function* hear(
  { line, clock }: { readonly line: ByteLine; readonly clock: Clock },
  { gapMs, silentMs, settleMs, junk }: HearOptions,
): AsyncGenerator<Heard> {
  const chunks = line.read()[Symbol.asyncIterator]();
  const settledMs = clock.monotonicMs() + settleMs;
  for (let first = true; ; first = false) {
    const next = chunks.next();
    if (gapMs !== undefined && !first && !(await settlesWithin(next, gapMs, clock)))
      yield { kind: "quiet" };
    if (!(await settlesWithin(next, silentMs, clock))) yield { kind: "silent" };
    const { done, value } = await next;
    if (done) return;
    if (clock.monotonicMs() < settledMs) junk(value.length);
    else yield { kind: "bytes", bytes: value };
  }
}

/**
 * Whether `work` settles within `ms`. After a busy moment the timer may come before bytes that
 * arrived in time, so what is ready to be read gets its turn once more before the answer is no.
 */
function settlesWithin(work: Promise<unknown>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    let cancel = clock.after(ms, () => {
      cancel = clock.after(1, () => resolve(false));
    });
    void work.then(() => {
      cancel();
      resolve(true);
    });
  });
}

export type NoiseLogDeps = {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly record: { noise(why: string, bytes: number): void };
};

export function createNoiseLog(
  { clock, journal, record }: NoiseLogDeps,
  { scanner, everyMs }: { readonly scanner: string; readonly everyMs: number },
) {
  let untold = 0;
  let nextMs = Number.NEGATIVE_INFINITY;
  return (why: string, bytes: number): void => {
    record.noise(why, bytes);
    untold += bytes;
    if (clock.monotonicMs() < nextMs) return;
    journal.warn("line-noise", { scanner, why, bytes: untold, next: NOISE_NEXT });
    untold = 0;
    nextMs = clock.monotonicMs() + everyMs;
  };
}

const NOISE_NEXT =
  "Check baudRate, parity, framing and frameBytesMax against the scanner's setting.";
