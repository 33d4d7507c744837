/**
 * Reads one opened line until it ends: bytes in, scans to the outbox.
 *
 *   line ─► deframer ─► events ─► outbox.put          all that one chunk delivered in one put
 *     ▲                              │
 *     └──── nothing is read ◄────────┘ while the outbox refuses
 *
 * A plain scanner cannot be asked to repeat, so a refused scan is kept here and tried again while the
 * bytes behind it wait in the tty. Nothing is filtered: a double read is a fact the twin judges.
 */
import { aimOf } from "../devices/framing/aim.ts";
import type { Cut } from "../devices/framing/cut.ts";
import { createDeframer } from "../devices/framing/deframer.ts";
import { never } from "../kernel/assert.ts";
import { createBackoff } from "../kernel/backoff.ts";
import type { ByteLine, Chance, Clock, Journal, NewEvent, OutboxPort, Refusal } from "../ports.ts";
import { encodeEvent } from "../wire/codec.ts";
import type { ScannerConfig } from "./config.ts";
import type { DeviceState } from "./device-state.ts";

export type ReaderDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
  readonly line: ByteLine;
  readonly state: DeviceState;
  readonly record: ScannerRecord;
};

/** What happened, for the figures. */
export type ScannerRecord = {
  opened(): void;
  scans(count: number): void;
  noise(why: string, bytes: number): void;
  refused(why: Refusal): void;
  /** Scans that were read and could not be kept before the program had to stop. */
  dropped(count: number): void;
};

export type ReaderOptions = {
  readonly scanner: ScannerConfig;
  /** An open line without a byte for so long is worth a look: the device state becomes `silent`. */
  readonly silentMs: number;
  readonly retry: { readonly firstMs: number; readonly lastMs: number };
  /** Noise is journalled at most so often, with what came together meanwhile. */
  readonly noiseEveryMs: number;
};

/** Returns when the line ends; the supervisor decides when to open it again. */
export async function runReader(
  deps: ReaderDeps,
  options: ReaderOptions,
  stop: AbortSignal,
): Promise<void> {
  const { clock, outbox, journal, state, record } = deps;
  const { scanner, silentMs } = options;
  const deframer = createDeframer(scanner.framing, scanner.frameBytesMax);
  const gapMs = scanner.framing.kind === "gap" ? scanner.framing.gapMs : undefined;
  const tellNoise = createNoiseLog(deps, options);

  for await (const heard of hear(deps, { gapMs, silentMs })) {
    switch (heard.kind) {
      case "bytes":
        state.become("open", "");
        await keep(deframer.push(heard.bytes));
        break;
      case "quiet":
        await keep(deframer.quiet());
        break;
      case "silent":
        state.become("silent", `nothing was heard for ${Math.round(silentMs / 60_000)} minutes`);
        break;
      default:
        never(heard);
    }
  }
  await keep(deframer.close());

  async function keep(cuts: readonly Cut[]): Promise<void> {
    const events: NewEvent[] = [];
    for (const cut of cuts)
      if (cut.kind === "frame") events.push(asEvent(cut.frame));
      else tellNoise(cut.why, cut.bytes);
    if (events.length > 0) await store(events);
  }

  function asEvent(frame: Uint8Array): NewEvent {
    const bytes = encodeEvent({
      boot: outbox.state("scan").boot,
      gatewayTimeMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
      clock: clock.quality(),
      sourceTimeMs: undefined,
      device: scanner.id,
      body: {
        kind: "scan",
        raw: frame,
        framing: scanner.framing.kind,
        aim: scanner.aim ? aimOf(frame) : "",
        step: undefined,
        operator: undefined,
        documentMode: undefined,
      },
    });
    return { bytes, origin: undefined };
  }

  async function store(events: readonly NewEvent[]): Promise<void> {
    const patience = createBackoff(options.retry, deps.chance);
    for (let attempt = 1; ; attempt++) {
      const put = await outbox.put("scan", events);
      if (put.ok) return record.scans(events.length);
      record.refused(put.why);
      const details = { scanner: scanner.id, why: put.why, scans: events.length };
      if (put.why === "stopping" || stop.aborted) {
        record.dropped(events.length);
        return journal.error("scans-dropped", details);
      }
      if (attempt === 1) journal.warn("scans-wait", details);
      await clock.sleep(patience.nextMs(), stop);
    }
  }
}

type Heard =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "quiet" }
  | { readonly kind: "silent" };

/** What happens on the line, silence included. `quiet` comes once after bytes, `silent` once more. */
async function* hear(
  { line, clock }: { readonly line: ByteLine; readonly clock: Clock },
  { gapMs, silentMs }: { readonly gapMs: number | undefined; readonly silentMs: number },
): AsyncGenerator<Heard> {
  const chunks = line.read()[Symbol.asyncIterator]();
  for (let first = true; ; first = false) {
    const next = chunks.next();
    if (gapMs !== undefined && !first && !(await settlesWithin(next, gapMs, clock)))
      yield { kind: "quiet" };
    if (!(await settlesWithin(next, silentMs, clock))) yield { kind: "silent" };
    const { done, value } = await next;
    if (done) return;
    yield { kind: "bytes", bytes: value };
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

function createNoiseLog({ clock, journal, record }: ReaderDeps, options: ReaderOptions) {
  let untold = 0;
  let nextMs = Number.NEGATIVE_INFINITY;
  return (why: string, bytes: number): void => {
    record.noise(why, bytes);
    untold += bytes;
    if (clock.monotonicMs() < nextMs) return;
    journal.warn("line-noise", {
      scanner: options.scanner.id,
      why,
      bytes: untold,
      next: NOISE_NEXT,
    });
    untold = 0;
    nextMs = clock.monotonicMs() + options.noiseEveryMs;
  };
}

const NOISE_NEXT =
  "Check baudRate, parity, framing and frameBytesMax against the scanner's setting.";
