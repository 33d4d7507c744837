/**
 * Lives the days of a scenario: plugs the scanners in, starts the sensors, lets the operators work,
 * and keeps the truth. Returns when the work is over or the stop signal came; the truth file is then
 * complete up to the last label that was read.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Job } from "./acts.ts";
import { createClimate } from "./climate.ts";
import { createSleep } from "./pace.ts";
import { createPlanner } from "./plan.ts";
import { createPrng } from "./prng.ts";
import { createScanner, type Scanner } from "./scanner.ts";
import type { Scenario, Suffix } from "./scenario.ts";
import { runSensor } from "./sensors.ts";
import { createShift, type Shift } from "./shift.ts";
import { openTruth } from "./truth.ts";
import { openTty } from "./tty.ts";
import { createWorld } from "./world.ts";

export type RunOptions = {
  readonly seed: number;
  readonly speed: number;
  readonly ports: string;
  /** Undefined: no sensors. */
  readonly mqtt: string | undefined;
  readonly truth: string;
  /** Day after day; without it the first day only. */
  readonly loop: boolean;
  /** Keep scanners plugged in and sensors running when the work is over. */
  readonly stay: boolean;
  readonly waitForReader: boolean;
};

export type RunDeps = {
  /** Called once the ports exist; the day begins when it resolves. */
  readonly ready: (scanners: readonly ScannerAddress[]) => Promise<void>;
  readonly stop: AbortSignal;
};

/** What a gateway must be told to read this scanner, in the words of its configuration. */
export type ScannerAddress = {
  readonly id: string;
  readonly path: string;
  readonly framing: { readonly kind: string; readonly delimiter?: string };
  readonly aim: boolean;
  readonly profile?: string;
};

export type RunCounts = Readonly<Record<string, number>>;

/** What was written last must be read before the device goes. */
const LINGER_MS = 300;

export async function runScenario(
  deps: RunDeps,
  scenario: Scenario,
  options: RunOptions,
): Promise<RunCounts> {
  const { ready, stop } = deps;
  const nowMs = Date.now;
  const sleep = createSleep(stop);
  const { seed, speed, waitForReader } = options;
  const world = createWorld(scenario, seed);
  mkdirSync(options.ports, { recursive: true });
  mkdirSync(dirname(options.truth), { recursive: true });
  const truth = openTruth(options.truth, world.places);
  const scanners: Scanner[] = [];
  const sensorsStop = new AbortController();
  stop.addEventListener("abort", () => sensorsStop.abort(), { once: true });
  try {
    for (const spec of scenario.scanners) {
      const tty = openTty({ nowMs, sleep }, options.ports, spec.id);
      const { pacing } = scenario;
      scanners.push(createScanner({ tty, nowMs, sleep, stop }, spec, { pacing, waitForReader }));
    }
    await ready(scanners.map(addressOf));
    await Promise.race(scanners.map((scanner) => scanner.heard()));

    const originMs = nowMs();
    const climate = createClimate(createPrng(seed, "climate"), scenario);
    const sensors = (options.mqtt === undefined ? [] : scenario.sensors).map((spec) => {
      const { signal } = sensorsStop;
      const prng = createPrng(seed, `sensor/${spec.id}`);
      return runSensor(
        { climate, prng, truth, nowMs, sleep: createSleep(signal), stop: signal },
        spec,
        { url: options.mqtt ?? "", mqtt: scenario.mqtt, speed, originMs },
      );
    });
    const byId = new Map(scanners.map((each) => [each.spec.id, each]));
    const shift = createShift(
      { scanners: byId, truth, nowMs, sleep, stop },
      { speed, handoverMs: scenario.pacing.handoverMsMin, originMs },
    );
    const planner = createPlanner({ world, seed }, scenario);

    for (let day = 1; day === 1 || (options.loop && !stop.aborted); day++) {
      const jobs = planner.day(day);
      shift.put(jobs);
      await (options.loop ? tomorrow(shift, scenario, jobs) : shift.over(jobs));
    }
    if (options.stay) await aborted(stop);
    sensorsStop.abort();
    const readings = await Promise.all(sensors);
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    truth.close();
    return {
      pages: truth.pages(),
      ...total(scanners.map(({ counts }) => counts)),
      ...total(readings),
    };
  } finally {
    sensorsStop.abort();
    // A name that stays behind leads to whatever terminal is opened next.
    for (const { tty } of scanners) tty.close();
  }
}

/** The next day begins when today's printing is done, while the archive still files. */
function tomorrow(shift: Shift, { scanners }: Scenario, jobs: readonly Job[]): Promise<void> {
  const printers = new Set(scanners.filter(({ role }) => role === "print").map(({ id }) => id));
  const printed = jobs.filter(({ scanner }) => printers.has(scanner));
  return shift.over(printed.length > 0 ? printed : jobs);
}

function addressOf({ spec, tty }: Scanner): ScannerAddress {
  const { id, aim, profile } = spec;
  const framing = framingOf(spec.suffix);
  return { id, path: tty.path, framing, aim, ...(profile !== "plain" && { profile }) };
}

function framingOf(suffix: Suffix): ScannerAddress["framing"] {
  return suffix === "stx-etx" ? { kind: suffix } : { kind: "delimiter", delimiter: suffix };
}

function total(counts: readonly RunCounts[]): RunCounts {
  const sums: Record<string, number> = {};
  for (const each of counts)
    for (const [what, count] of Object.entries(each)) sums[what] = (sums[what] ?? 0) + count;
  return sums;
}

function aborted(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
}
