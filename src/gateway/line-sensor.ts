/**
 * Reads one instrument that sends lines of text: opens its line, cuts it, and tells what the lines say.
 *
 * Lines that say nothing (banners, prompts) are counted. Lines that should say something and do not are
 * kept in quarantine, the first of each reason, and journalled with what came together meanwhile.
 */
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
import { keepOpen, REOPEN } from "./keep-open.ts";
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
  readonly sensors: Sensors;
  readonly telemetry: Telemetry;
};

const WRONG_EVERY_MS = 60_000;
const REASONS_MAX = 16;
/** What an instrument sends is ASCII; a stray byte of another code must not hide the rest. */
const latin1 = new TextDecoder("latin1");

/** Returns when `stop` is aborted. */
export async function runLineSensor(
  deps: LineSensorDeps,
  sensor: LineSensorConfig,
  stop: AbortSignal,
): Promise<void> {
  const { id, path } = sensor;
  const tell = createTeller(deps, sensor);
  const use = async (line: ByteLine): Promise<string> => {
    const close = () => void line.close();
    stop.addEventListener("abort", close, { once: true });
    if (stop.aborted) close();
    const deframer = createDeframer({ kind: "delimiter", delimiter: "any" }, sensor.lineBytesMax);
    for await (const chunk of line.read())
      for (const cut of deframer.push(chunk)) if (cut.kind === "frame") tell(cut.frame);
    stop.removeEventListener("abort", close);
    return `${path} was unplugged`;
  };
  const state = deps.sensors.stateOf(id);
  deps.sensors.expect(id);
  await keepOpen(
    { ...deps, state, open: () => deps.open(sensor), use, close: (line) => line.close() },
    { path, ...REOPEN },
    stop,
  );
}

function createTeller(
  { clock, journal, outbox, sensors, telemetry }: LineSensorDeps,
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
    if (line.kind === "wrong") return complain(line.why, frame);
    if (line.kind === "nothing") return;
    sensors.heard(id);
    telemetry.tell(id, line.readings);
  };
}
