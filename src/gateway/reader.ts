/**
 * Reads one opened line until it ends: bytes in, scans to the outbox. For scanners that wait for no
 * answer; those that do are served by converse.ts.
 *
 *   line ─► deframer ─► waiting ─► outbox.put          all that waits in one put
 *     ▲                    │
 *     └── nothing is read ◄┘ while WAITING_MAX scans wait
 *
 * The line is read while a scan is on its way to disk: silence that ends a scan is heard when it comes,
 * and not after the disk. A plain scanner cannot be asked to repeat, so a refused scan is kept here and
 * tried again; once WAITING_MAX wait, the bytes behind them wait in the tty, where silence between two
 * scans is not seen. A new configuration may take the line away, and is not to wait for the disk: what was
 * read and is not kept waits on by itself, until the gateway stops. Nothing is filtered: a double read is a
 * fact the twin judges.
 */
import type { Cut } from "../devices/framing/cut.ts";
import { createDeframer } from "../devices/framing/deframer.ts";
import { assert, never } from "../kernel/assert.ts";
import { createBackoff } from "../kernel/backoff.ts";
import type { ByteLine, Chance, Clock, Journal, NewEvent, OutboxPort, Refusal } from "../ports.ts";
import type { DeviceState } from "./device-state.ts";
import { startEnquiring } from "./enquire.ts";
import { createNoiseLog, gapMsOf, hear } from "./hear.ts";
import { createScanEvents } from "./scan-event.ts";
import { type ScannerActs, utter } from "./scanner-acts.ts";
import type { ScannerConfig } from "./scanner-config.ts";
import { createTone } from "./tone.ts";

export type ReaderDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
  readonly line: ByteLine;
  readonly state: DeviceState;
  readonly record: ScannerRecord;
  readonly unkept: Unkept;
  /** What the twin wants it to do. */
  readonly acts: Omit<ScannerActs, "act">;
};

/** Scans that were read and are not on disk when their line is left. */
export type Unkept = {
  /** No more tries: the gateway stops. */
  readonly over: AbortSignal;
  /** Settles when they are on disk or dropped. */
  hold(keeping: Promise<void>): void;
};

/** What happened, for the figures. */
export type ScannerRecord = {
  opened(): void;
  scans(count: number): void;
  noise(why: string, bytes: number): void;
  refused(why: Refusal): void;
  /** Scans that were read and could not be kept before the program had to stop. */
  dropped(count: number): void;
  /** What was said to the scanner. */
  answered(says: string): void;
  /** A scan came again, or its answer was ready when nobody waited any more or could not be told. */
  noted(what: "repeated" | "too-late"): void;
};

export type ReaderOptions = {
  readonly scanner: ScannerConfig;
  /** An open line without a byte for so long is worth a look: the device state becomes `silent`. */
  readonly silentMs: number;
  readonly retry: { readonly firstMs: number; readonly lastMs: number };
  /** Noise is journalled at most so often, with what came together meanwhile. */
  readonly noiseEveryMs: number;
};

/** Scans read and not on disk: a hand's work of more than a minute. */
const WAITING_MAX = 64;

/** Returns when the line ends, which it does when it is told to stop; the supervisor opens it again. */
export async function runReader(
  deps: ReaderDeps,
  options: ReaderOptions,
  stop: AbortSignal,
): Promise<void> {
  const { clock, outbox, journal, state, record, unkept, acts } = deps;
  const { scanner, silentMs } = options;
  const { settleMs } = scanner;
  const deframer = createDeframer(scanner.framing, scanner.frameBytesMax);
  const eventOf = createScanEvents(deps, scanner);
  const gapMs = gapMsOf(scanner.framing);
  const junk = (bytes: number) => tellNoise("settling", bytes);
  const tellNoise = createNoiseLog(deps, { scanner: scanner.id, everyMs: options.noiseEveryMs });

  let isLeft: () => void = () => undefined;
  const left = new Promise<void>((resolve) => {
    isLeft = resolve;
  });
  const leave = () => {
    isLeft();
    void deps.line.close();
  };
  stop.addEventListener("abort", leave, { once: true });
  if (stop.aborted) leave();
  const tone = createTone(deps, scanner.beep);
  const waiting: NewEvent[] = [];
  /** Until what waits is on disk or dropped; undefined: nothing does. */
  let keeping: Promise<void> | undefined;
  let ended = false;
  let obeying = false;
  acts.whenPut(() => void obey());
  void obey();
  const stopEnquiring = startEnquiring(deps, { ...scanner, mayAsk: () => keeping === undefined });

  for await (const heard of hear(deps, { gapMs, silentMs, settleMs, junk })) {
    switch (heard.kind) {
      case "bytes":
        state.become("open", "");
        await take(deframer.push(heard.bytes));
        break;
      case "quiet":
        await take(deframer.quiet());
        break;
      case "silent":
        state.become("silent", `nothing was heard for ${Math.round(silentMs / 60_000)} minutes`);
        break;
      default:
        never(heard);
    }
  }
  stopEnquiring();
  ended = true;
  acts.whenPut(() => undefined);
  await take(deframer.close());
  if (keeping !== undefined) await Promise.race([keeping, left]);
  stop.removeEventListener("abort", leave);
  if (keeping === undefined) return;
  if (unkept.over.aborted) await keeping;
  else unkept.hold(keeping);

  async function obey(): Promise<void> {
    if (obeying) return;
    obeying = true;
    while (!ended && !stop.aborted && acts.waits()) {
      const act = await acts.take();
      if (act === undefined) continue;
      if (ended || stop.aborted) {
        act.giveBack();
        break;
      }
      assert(act.work.kind === "bytes", "a plain scanner is told with characters");
      record.answered("directive");
      void utter(deps.line, act.work.bytes, act);
    }
    obeying = false;
  }

  /** Returns when the line may be read on. */
  async function take(cuts: readonly Cut[]): Promise<void> {
    for (const cut of cuts)
      if (cut.kind === "frame") waiting.push(eventOf.plain(cut.frame));
      else tellNoise(cut.why, cut.bytes);
    if (waiting.length > 0) keeping ??= keep();
    if (waiting.length >= WAITING_MAX) await Promise.race([keeping, left]);
  }

  async function keep(): Promise<void> {
    while (waiting.length > 0) {
      const events = waiting.splice(0);
      if (await store(events)) tone(events.length);
    }
    keeping = undefined;
  }

  async function store(events: readonly NewEvent[]): Promise<boolean> {
    const patience = createBackoff(options.retry, deps.chance);
    for (let attempt = 1; ; attempt++) {
      const put = await outbox.put("scan", events);
      if (put.ok) {
        record.scans(events.length);
        return true;
      }
      record.refused(put.why);
      const details = { scanner: scanner.id, why: put.why, scans: events.length };
      if (put.why === "stopping" || unkept.over.aborted) {
        record.dropped(events.length);
        journal.error("scans-dropped", details);
        return false;
      }
      if (attempt === 1) journal.warn("scans-wait", details);
      await clock.sleep(patience.nextMs(), unkept.over);
    }
  }
}
