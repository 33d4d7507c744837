/**
 * The simulator as a process of its own, and gateways' ends of its scanners: a reader for each port,
 * which takes the port again whenever the device comes back.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { openSerial } from "../../src/io/serial.ts";
import type { ByteLine } from "../../src/ports.ts";

const MAIN = new URL("../../firmware-sim/main.ts", import.meta.url).pathname;

export type Scanner = { readonly id: string; readonly path: string };

export type Simulator = {
  /** Resolves with the ports once they exist. */
  readonly ready: Promise<readonly Scanner[]>;
  /** Resolves with the counts it closed with. Rejects when it failed. */
  readonly done: Promise<Readonly<Record<string, number>>>;
  stop(): void;
};

export function startSimulator(words: readonly string[]): Simulator {
  const child = spawn(process.execPath, [MAIN, "run", ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const lines = createInterface({ input: child.stdout });
  let last: Record<string, number> = {};
  lines.on("line", (line) => {
    last = JSON.parse(line);
  });
  const done = new Promise<typeof last>((resolve, reject) =>
    child.once("close", (code) =>
      code === 0
        ? resolve(last)
        : reject(new Error(`the simulator ended with ${code}: ${complaints}`)),
    ),
  );
  const ready = new Promise<readonly Scanner[]>((resolve, reject) => {
    lines.once("line", (line) => resolve(JSON.parse(line).scanners));
    done.catch(reject);
  });
  // Whoever awaits one of the two hears of a failure; the other must not end the test run.
  ready.catch(() => undefined);
  done.catch(() => undefined);
  return { ready, done, stop: () => child.kill("SIGTERM") };
}

/** Hands on what the ports deliver, in the order of arrival, until `stop`. Nothing is decoded. */
export async function readPorts(
  scanners: readonly Scanner[],
  stop: AbortSignal,
  onBytes: (scanner: string, bytes: Uint8Array) => void,
): Promise<void> {
  await Promise.all(
    scanners.map(async ({ id, path }) => {
      while (!stop.aborted) {
        const line = await openAgain(path, stop);
        const close = () => void line?.close();
        stop.addEventListener("abort", close);
        for await (const bytes of line?.read() ?? []) onBytes(id, bytes);
        stop.removeEventListener("abort", close);
      }
    }),
  );
}

const SETTINGS = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 } as const;

async function openAgain(path: string, stop: AbortSignal): Promise<ByteLine | undefined> {
  while (!stop.aborted) {
    try {
      return await openSerial({ path, ...SETTINGS });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return undefined;
}

export type TruthLine = {
  readonly kind: "move" | "reading" | "final";
  readonly id: string;
  readonly path: readonly string[];
  readonly device: string;
  readonly property: string;
  readonly value: number;
};

export function readTruth(file: string): readonly TruthLine[] {
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as TruthLine);
}
