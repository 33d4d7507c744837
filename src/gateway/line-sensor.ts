/**
 * Reads one instrument that sends lines of text: opens its line, cuts it, and tells what the lines say.
 *
 * Lines that say nothing (banners, prompts) are counted, and so are bytes that belong to no line. Lines that
 * should say something and do not are kept in quarantine, the first of each reason, and journalled with
 * what came together meanwhile. An instrument of which for a while nothing else is heard is faulted: its
 * baud rate differs, or its format is another.
 */
import type { Cut } from "../devices/framing/cut.ts";
import { createDeframer } from "../devices/framing/deframer.ts";
import { compileLine, type LineRule } from "../devices/lines/line-format.ts";
import type {
  ByteLine,
  Chance,
  Clock,
  Journal,
  OpenLine,
  OutboxPort,
  SerialSettings,
} from "../ports.ts";
import type { DeviceState } from "./device-state.ts";
import { keepOpen, REOPEN } from "./keep-open.ts";
import type { Appears } from "./plug.ts";
import type { Sensors } from "./sensors.ts";
import type { Telemetry } from "./telemetry.ts";

export type LineSensorConfig = SerialSettings &
  LineRule & { readonly id: string; readonly lineBytesMax: number };

export type LineSensorDeps = {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
  readonly open: OpenLine;
  readonly appears: Appears;
  readonly sensors: Sensors;
  readonly telemetry: Telemetry;
  readonly tally: LineTally;
};

/** What came over the line so far. The counters only grow. */
export type LineTally = {
  readings: number;
  /** Lines without any of the fields. */
  nothing: number;
  wrong: number;
  /** Of no line, or of one that is no text. */
  noiseBytes: number;
};

export function createLineTally(): LineTally {
  return { readings: 0, nothing: 0, wrong: 0, noiseBytes: 0 };
}

const WRONG_EVERY_MS = 60_000;
const REASONS_MAX = 16;
/** So long without a reading, while other things come, is not the beginning of one. */
const USELESS_MS = 60_000;
/** Fewer bytes than this are a plug going in. */
const USELESS_BYTES_MIN = 24;
/** A banner and some prompts are shorter. */
const USELESS_LINES_MIN = 10;
/** What an instrument sends is ASCII; a stray byte of another code must not hide the rest. */
const latin1 = new TextDecoder("latin1");

/** Returns when `stop` is aborted. */
export async function runLineSensor(
  deps: LineSensorDeps,
  sensor: LineSensorConfig,
  stop: AbortSignal,
): Promise<void> {
  const { id, path } = sensor;
  const { tally } = deps;
  const tell = createTeller(deps, sensor);
  const use = async (line: ByteLine): Promise<string> => {
    const close = () => void line.close();
    stop.addEventListener("abort", close, { once: true });
    if (stop.aborted) close();
    const deframer = createDeframer({ kind: "delimiter", delimiter: "any" }, sensor.lineBytesMax);
    const judge = createJudge(deps, state);
    const take = (cuts: readonly Cut[]): void => {
      for (const cut of cuts)
        if (cut.kind === "frame") tell(cut.frame);
        else tally.noiseBytes += cut.bytes;
    };
    for await (const chunk of line.read()) {
      take(deframer.push(chunk));
      judge();
    }
    take(deframer.close());
    stop.removeEventListener("abort", close);
    return `${path} was unplugged`;
  };
  const state = deps.sensors.stateOf(id);
  deps.sensors.expect(id);
  await keepOpen(
    { ...deps, state, open: () => deps.open(sensor, stop), use, close: (line) => line.close() },
    { path, ...REOPEN },
    stop,
  );
}

/** Says after each chunk whether the line is of any use, for as long as it is open. */
function createJudge(
  { clock, tally }: Pick<LineSensorDeps, "clock" | "tally">,
  state: DeviceState,
): () => void {
  let since = { ...tally, atMs: clock.monotonicMs() };
  let useless = false;
  let spoke = false;
  return () => {
    if (tally.readings > since.readings) {
      if (useless) state.become("open", "");
      since = { ...tally, atMs: clock.monotonicMs() };
      useless = false;
      spoke = true;
      return;
    }
    if (useless || clock.monotonicMs() - since.atMs < USELESS_MS) return;
    const bytes = tally.noiseBytes - since.noiseBytes;
    const lines = tally.nothing + tally.wrong - since.nothing - since.wrong;
    // One that spoke may say other things for long before it speaks again.
    useless = bytes >= USELESS_BYTES_MIN || (!spoke && lines >= USELESS_LINES_MIN);
    if (useless)
      state.become(
        "faulted",
        `no reading in what came: ${lines} lines, and ${bytes} bytes that are no text; baudRate, parity or format differ`,
      );
  };
}

/** At a wrong baud rate a line is full of what no instrument writes. */
function isText(frame: Uint8Array): boolean {
  const strange = frame.filter((byte) => (byte < 0x20 && byte !== 0x09) || byte > 0x7e).length;
  return strange * 4 <= frame.length;
}

function createTeller(
  { clock, journal, outbox, sensors, telemetry, tally }: LineSensorDeps,
  sensor: LineSensorConfig,
): (frame: Uint8Array) => void {
  const read = compileLine(sensor);
  const { id, path } = sensor;
  const reasons = new Set<string>();
  let wrong = 0;
  let nextMs = Number.NEGATIVE_INFINITY;

  const complain = (why: string, bytes: Uint8Array): void => {
    wrong += 1;
    if (!reasons.has(why) && reasons.size < REASONS_MAX) {
      reasons.add(why);
      const source = `line://${encodeURIComponent(id)}`;
      void outbox
        .quarantine({ source, reason: why, bytes, atMs: clock.nowMs() })
        // Not kept: the next one of its kind is the first.
        .then((put) => put.ok || reasons.delete(why));
    }
    if (clock.monotonicMs() < nextMs) return;
    journal.warn("lines-not-understood", { sensor: id, path, lines: wrong, why });
    wrong = 0;
    nextMs = clock.monotonicMs() + WRONG_EVERY_MS;
  };

  return (frame) => {
    const line = read(latin1.decode(frame));
    if (line.kind !== "readings" && !isText(frame)) tally.noiseBytes += frame.length;
    else tally[line.kind] += 1;
    if (line.kind === "wrong") return complain(line.why, frame);
    if (line.kind === "nothing") return;
    sensors.heard(id);
    telemetry.tell(id, line.readings);
  };
}
