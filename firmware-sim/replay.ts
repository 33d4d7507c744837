/**
 * Plays a recording back on a tty: what a device said, at the times at which it said it. The recording is
 * what `racktrace listen --record` keeps, JSON Lines of `{"t": ms, "direction": "in" | "out", "bytes": hex}`;
 * what went out to the device is not played, nor is a last line that ends in the middle, where the recording was cut.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Sleep } from "./pace.ts";
import { ScenarioError } from "./scenario.ts";
import { openTty } from "./tty.ts";

export type ReplayOptions = {
  readonly file: string;
  /** Where the tty appears. */
  readonly port: string;
  readonly speed: number;
  readonly waitForReader: boolean;
};

type Chunk = { readonly atMs: number; readonly bytes: Uint8Array };

const POLL_MS = 20;
/** A reader may set the port up first, and discards what arrives meanwhile. */
const SETTLE_MS = 500;
/** What the reader has not read yet goes down with the terminal. */
const DRAIN_MS = 2_000;

export async function replay(
  { stop, sleep, ready }: { stop: AbortSignal; sleep: Sleep; ready: (path: string) => void },
  { file, port, speed, waitForReader }: ReplayOptions,
): Promise<{ chunks: number; bytes: number; lost: number }> {
  const chunks = readRecording(file);
  mkdirSync(dirname(port), { recursive: true });
  const tty = openTty({ nowMs: Date.now, sleep }, dirname(port), basename(port));
  const counts = { chunks: 0, bytes: 0, lost: 0 };
  try {
    ready(tty.path);
    const isReady = () => Date.now() - (tty.openSinceMs() ?? Date.now()) >= SETTLE_MS;
    while (waitForReader && !stop.aborted && !isReady()) await sleep(POLL_MS);
    const startMs = performance.now();
    for (const { atMs, bytes } of chunks) {
      await sleep(startMs + atMs / speed - performance.now());
      if (stop.aborted) break;
      if (!(await tty.write(bytes))) counts.lost += bytes.length;
      counts.chunks += 1;
      counts.bytes += bytes.length;
    }
    return counts;
  } finally {
    await sleep(DRAIN_MS);
    tty.close();
  }
}

function readRecording(file: string): readonly Chunk[] {
  const lines = textOf(file).split("\n");
  const isCut = (index: number) => index > 0 && index === lines.length - 1;
  let lastMs = 0;
  return lines.flatMap((line, index) => {
    if (line.trim() === "" || (isCut(index) && !line.trim().endsWith("}"))) return [];
    const { t, direction, bytes } = parsed(line, `${file}:${index + 1}`);
    if (direction === "out") return [];
    if (t < lastMs) throw new ScenarioError(`${file}:${index + 1}: time goes back`);
    lastMs = t;
    return [{ atMs: t, bytes: Buffer.from(bytes, "hex") }];
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new ScenarioError(`${file}: ${(cause as Error).message}`);
  }
}

function parsed(line: string, where: string): { t: number; direction: string; bytes: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new ScenarioError(`${where}: not JSON`);
  }
  const { t, direction, bytes } = Object(value);
  const sound =
    typeof t === "number" &&
    t >= 0 &&
    /^(in|out)$/.test(direction) &&
    /^([0-9a-f]{2})*$/i.test(bytes);
  if (!sound)
    throw new ScenarioError(`${where}: wanted {"t": ms, "direction": "in" or "out", "bytes": hex}`);
  return { t, direction, bytes };
}
