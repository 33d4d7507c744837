/**
 * `racktrace demo`: a living warehouse on this machine. Starts the twin, the gateway and the
 * simulator as three processes, restarts what dies, and ends everything on Ctrl-C.
 *
 * Each demo begins with an empty warehouse: what an earlier one left is cleared, and nothing else.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { chance, createClock } from "../io/clock.ts";
import { freePort } from "../io/free-port.ts";
import { Fault } from "../kernel/fault.ts";
import { lockFolder } from "../store/folder-lock.ts";
import { type Child, type ChildOptions, startChild } from "./demo/child.ts";
import { type Addresses, type Warehouse, writeWarehouse } from "./demo/warehouse.ts";
import { FIRST_LOGIN_FILE, LOCAL_TOKEN_FILE } from "./twin-files.ts";
import { tellTwin, twinOf } from "./twin-url.ts";
import { loginLink } from "./user.ts";

type Options = {
  readonly data: string;
  readonly scenario: string;
  readonly seed: string;
  readonly speed: string;
};

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const MAIN = here("./main.ts");
const SIMULATOR = here("../../firmware-sim/main.ts");
/** What a demo makes in its folder, and so may clear. */
const OURS = [
  "twin",
  "gateway",
  "ports",
  "truth.jsonl",
  "twin.log",
  "gateway.log",
  "simulator.log",
];
const READY_MS_MAX = 30_000;

export function define(command: Command): void {
  command
    .option("--data <DIR>", "folder of the demo; cleared at each start", ".racktrace")
    .option(
      "--scenario <FILE>",
      "what happens in the building",
      here("../../firmware-sim/scenarios/archive-day.yaml"),
    )
    .option("--seed <N>", "the same seed gives the same day", "1")
    .option("--speed <X>", "how many times faster than life", "1")
    .action((options: Options) => runDemo(options));
}

async function runDemo({ data, scenario, seed, speed }: Options): Promise<void> {
  const say = (message: string) => void process.stderr.write(`${message}\n`);
  const folder = emptyFolder(resolve(data));
  const addresses = await chooseAddresses();
  const masterData = describeWorld(scenario, seed);
  const warehouse = writeWarehouse(folder, scenario, masterData, addresses);
  const url = `http://127.0.0.1:${addresses.twinHttp}/`;

  const deps = { clock: createClock(), chance };
  const children: Child[] = [];
  const stop = untilStopped();
  const start = (options: Omit<ChildOptions, "logPath" | "say">): Child => {
    const child = startChild(deps, {
      ...options,
      logPath: join(folder, `${options.name}.log`),
      say,
    });
    children.unshift(child);
    return child;
  };

  try {
    start({ name: "twin", words: [MAIN, "twin", "--config", warehouse.twinConfig], restart: true });
    await ready(warehouse.twinData, "twin", stop.signal);
    process.stdout.write(`racktrace: ${url}\n`);
    process.stdout.write(await howToLogIn(warehouse.twinData, url));
    say(`Simulated scanners and sensors are starting; their log and data are in ${folder}.`);
    say(`Ask from another terminal: npm run -s racktrace -- tail   (Ctrl-C here ends everything)`);
    start({
      name: "gateway",
      words: [MAIN, "gateway", "--config", warehouse.gatewayConfig],
      restart: true,
    });
    await ready(warehouse.gatewayData, "gateway", stop.signal);
    const simulator = start({
      name: "simulator",
      words: simulatorWords(scenario, seed, speed, warehouse, addresses),
      restart: false,
    });
    await Promise.race([stop.asked, simulator.ended]);
  } finally {
    if (stop.signal.aborted) say("Stopping: simulator, gateway, twin.");
    for (const child of children) await child.stop();
  }

  async function ready(dataFolder: string, name: string, signal: AbortSignal): Promise<void> {
    const deadlineMs = deps.clock.monotonicMs() + READY_MS_MAX;
    while (!existsSync(join(dataFolder, "address.json")) && !signal.aborted) {
      if (deps.clock.monotonicMs() > deadlineMs)
        throw new Fault(
          "TWIN_UNREACHABLE",
          `the ${name} is not ready; see ${join(folder, name)}.log`,
        );
      await deps.clock.sleep(20, signal);
    }
  }
}

/**
 * The login that this demo's twin made at its start, and a link that spares typing it, once. Both are
 * for the terminal of whoever started the demo: the link's key never leaves the browser.
 */
async function howToLogIn(twinData: string, url: string): Promise<string> {
  const read = (name: string) => readFileSync(join(twinData, name), "utf8").trim();
  const [, name = "", password = ""] =
    /^name: (.*)\npassword: (.*)$/.exec(read(FIRST_LOGIN_FILE)) ?? [];
  const twin = twinOf({ twin: url, token: read(LOCAL_TOKEN_FILE) });
  const made = await tellTwin<{ readonly key: string }>(twin, "login/keys", { name });
  const link = made.ok ? `open once:  ${loginLink(twin.url, made.value.key)}\n` : "";
  return `${link}log in as:  ${name}  ${password}\n`;
}

/** Clears what an earlier demo left, and refuses to touch the data of a real twin or gateway, or of a demo that runs. */
function emptyFolder(folder: string): string {
  const marker = join(folder, "made-by-demo.txt");
  const left = OURS.map((name) => join(folder, name)).filter((path) => existsSync(path));
  if (left.length > 0 && !existsSync(marker))
    throw new Fault("DATA_IN_USE", `${left[0]} was not made by a demo; give another --data`);
  // Of a demo that still runs, in another terminal, nothing goes.
  for (const path of [join(folder, "twin"), join(folder, "gateway")])
    if (existsSync(path)) lockFolder(path).release();
  try {
    for (const path of left) rmSync(path, { recursive: true });
    mkdirSync(join(folder, "ports"), { recursive: true });
    writeFileSync(marker, `Cleared at the next start of the demo: ${OURS.join(", ")}\n`);
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${folder}: ${(cause as Error).message}`, { cause });
  }
  return folder;
}

async function chooseAddresses(): Promise<Addresses> {
  return {
    twinHttp: await freePort(8780),
    twinBroker: await freePort(1884),
    gatewayHttp: await freePort(8781),
    gatewayMqtt: await freePort(1883),
  };
}

function describeWorld(scenario: string, seed: string): string {
  const words = [SIMULATOR, "world", "--scenario", scenario, "--seed", seed];
  const world = spawnSync(process.execPath, words, {
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (world.status !== 0) throw new Fault("CONFIG_INVALID", `${scenario}: ${world.stderr.trim()}`);
  return world.stdout;
}

function simulatorWords(
  scenario: string,
  seed: string,
  speed: string,
  { ports, truth }: Warehouse,
  { gatewayMqtt }: Addresses,
): string[] {
  return [
    ...[SIMULATOR, "run", "--loop", "--scenario", scenario, "--seed", seed, "--speed", speed],
    ...["--ports", ports, "--truth", truth, "--mqtt", `mqtt://127.0.0.1:${gatewayMqtt}`],
  ];
}

function untilStopped(): { readonly signal: AbortSignal; readonly asked: Promise<void> } {
  const controller = new AbortController();
  const asked = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => {
        controller.abort();
        resolve();
      });
  });
  return { signal: controller.signal, asked };
}
