/**
 * A cable that is pulled and put back in the middle of scans and among noise, while a neighbour is in use:
 * the integration test of that name, at the size that is asked for, in a process of its own.
 *
 * Seen to fail when `io/serial.ts` does not close what it opened (a descriptor for each cycle).
 */
import { spawn } from "node:child_process";
import { type Asked, type Found, type Gate, quantile } from "../gate.ts";

export const gate: Gate = {
  name: "serial/hotplug",
  shows: "unplugged and plugged again: open in 2 s, no descriptor leaked, no frame spliced",
  unit: "cycles",
  full: 1_000,
  quick: 15,
  run,
};

const ROOT = new URL("../../..", import.meta.url).pathname;
const TEST = "test/integration/scanner-hotplug.test.ts";
/** What the test says when it holds. */
const TOLD =
  /(\d+) cycles, (-?\d+) descriptors more, open again after (\d+) ms \(median\), (\d+) ms \(worst\); the neighbour's (\d+)/;
/** Each in a process of its own, so that there is progress to tell and an end to each. */
const SHARE = 100;

async function run(asked: Asked): Promise<Found> {
  const leaked: number[] = [];
  const worst: number[] = [];
  const broken: string[] = [];
  let neighbours = 0;
  for (let done = 0; done < asked.size; done += SHARE) {
    const cycles = Math.min(SHARE, asked.size - done);
    const { status, told } = await runTest(cycles, asked.seed + done);
    const found = TOLD.exec(told);
    if (status !== 0 || found === null) broken.push(`seed ${asked.seed + done}: ${reasonIn(told)}`);
    else {
      leaked.push(Number(found[2]));
      worst.push(Number(found[4]));
      neighbours += Number(found[5]);
    }
    asked.done(done + cycles);
  }
  return {
    figures: [
      { name: "descriptors more afterwards, most", value: Math.max(0, ...leaked), unit: "" },
      { name: "open again, worst", value: quantile(worst, 1), unit: "ms", goal: "<= 2000" },
      { name: "scans of a neighbour, all answered at once", value: neighbours, unit: "" },
    ],
    broken,
  };
}

function runTest(cycles: number, seed: number): Promise<{ status: number | null; told: string }> {
  const vitest = `${ROOT}node_modules/vitest/vitest.mjs`;
  const words = [vitest, "run", "--config", "test/vitest.config.ts", "--reporter=default", TEST];
  const child = spawn(process.execPath, words, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    // Its report is not the test run's.
    env: { ...process.env, CI: "", CYCLES: String(cycles), SEED: String(seed) },
  });
  let told = "";
  for (const out of [child.stdout, child.stderr])
    out.on("data", (chunk: Buffer) => {
      told += chunk.toString();
    });
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, told })));
}

function reasonIn(told: string): string {
  const line = told.split("\n").find((one) => /Error|expected/.test(one));
  return line?.trim() ?? told.trim().slice(-300);
}
