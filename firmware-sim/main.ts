/**
 * The device simulator's command line. stdout is JSON, stderr is messages.
 *
 * Exit status: 0 done; 1 it did not work, stderr says why; 2 the words were wrong.
 */
import { createInterface } from "node:readline";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { createSleep } from "./pace.ts";
import { createPlanner } from "./plan.ts";
import { replay } from "./replay.ts";
import { type RunOptions, runScenario } from "./run.ts";
import { readScenario, ScenarioError } from "./scenario.ts";
import { createWorld, masterData } from "./world.ts";

type WorldWords = { scenario: string; seed: number; pages?: number };
type RunWords = WorldWords &
  Omit<RunOptions, "mqtt"> & { mqtt?: string; duration?: number; startOnStdin: boolean };

const DEMO_SCENARIO = new URL("./scenarios/archive-day.yaml", import.meta.url).pathname;

function program(): Command {
  const all = new Command("sim")
    .description(
      "Simulated scanners on real ttys and sensors on real MQTT, with a truth of their own.",
    )
    .exitOverride()
    .showHelpAfterError();
  worldOptions(all.command("world"))
    .description("print the master data of the scenario's world")
    .action(printWorld);
  worldOptions(all.command("plan"))
    .description("print what people will do on the first day, one job a line")
    .action(printPlan);
  worldOptions(all.command("run", { isDefault: true }))
    .description("live the scenario's day")
    .option("--speed <factor>", "simulated time passes this much faster", positive, 1)
    .option("--ports <folder>", "where the scanners' ports appear", ".racktrace/sim/ports")
    .option("--mqtt <url>", "broker for the sensors, e.g. mqtt://127.0.0.1:1883; none: no sensors")
    .option("--truth <file>", "where the truth is written", ".racktrace/sim/truth.jsonl")
    .option("--duration <seconds>", "stop after this much real time", positive)
    .option("--loop", "day after day, without end", false)
    .option("--stay", "keep devices connected when the work is over, until SIGTERM", false)
    .option("--start-on-stdin", "begin when a line says `go`", false)
    .option("--no-wait-for-reader", "scan even while nobody has a scanner's port open")
    .action(run);
  all
    .command("replay")
    .description(
      "play a recording of a line back on a tty, as `racktrace listen --record` keeps it",
    )
    .argument("<file>", "the recording")
    .option("--port <path>", "where the tty appears", ".racktrace/sim/ports/replay")
    .option("--speed <factor>", "time passes this much faster", positive, 1)
    .option("--no-wait-for-reader", "begin even while nobody has the port open")
    .action(playBack);
  return all;
}

function worldOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--scenario <file>", "what happens").default(DEMO_SCENARIO, "archive-day"),
    )
    .option("--seed <number>", "the same seed, the same day", wholeFrom1, 1)
    .option("--pages <number>", "pages printed on a day, instead of the scenario's", wholeFrom1);
}

function printWorld({ scenario: path, seed, pages }: WorldWords): void {
  const scenario = readScenario(path, pages);
  process.stdout.write(`${JSON.stringify(masterData(scenario, createWorld(scenario, seed)))}\n`);
}

function printPlan({ scenario: path, seed, pages }: WorldWords): void {
  const scenario = readScenario(path, pages);
  const planner = createPlanner({ world: createWorld(scenario, seed), seed }, scenario);
  for (const { scanner, startMs, acts } of planner.day(1)) {
    const reads = acts.map(({ label, upset }) => [label.element, ...(upset ? [upset.kind] : [])]);
    process.stdout.write(`${JSON.stringify({ scanner, atSeconds: startMs / 1_000, reads })}\n`);
  }
}

type ReplayWords = { port: string; speed: number; waitForReader: boolean };

async function playBack(file: string, words: ReplayWords): Promise<void> {
  const { signal: stop } = stopWhenAsked();
  const sleep = createSleep(stop);
  const ready = (path: string) => void print({ ready: true, path });
  print({ done: true, ...(await replay({ stop, sleep, ready }, { file, ...words })) });
}

function stopWhenAsked(): AbortController {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop.abort());
  // A supervisor that dies cannot say so, but the pipe it held does.
  if (process.env["RACKTRACE_SUPERVISED"] === "stdin")
    process.stdin.on("end", () => stop.abort()).resume();
  return stop;
}

async function run(words: RunWords): Promise<void> {
  const stop = stopWhenAsked();
  const scenario = readScenario(words.scenario, words.pages);
  try {
    const counts = await runScenario(
      {
        stop: stop.signal,
        async ready(scanners) {
          print({ ready: true, scanners });
          if (words.startOnStdin) await go(stop.signal);
          if (words.duration !== undefined)
            void createSleep(stop.signal)(words.duration * 1_000).then(() => stop.abort());
        },
      },
      scenario,
      { ...words, mqtt: words.mqtt },
    );
    print({ done: true, ...counts });
  } finally {
    stop.abort();
  }
}

function go(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    lines.on("line", (line) => line.trim() === "go" && resolve());
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
}

const print = (line: unknown): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

function positive(word: string): number {
  const value = Number(word);
  if (!(value > 0)) throw new InvalidArgumentError("A number above 0 is needed.");
  return value;
}

function wholeFrom1(word: string): number {
  const value = Number(word);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("A whole number from 1 is needed.");
  return value;
}

// Whoever read our output may be gone; the day and its truth go on without being watched.
process.stdout.on("error", () => {});

try {
  await program().parseAsync();
} catch (error) {
  process.exitCode = report(error);
} finally {
  // A supervisor may still hold the other end; nobody is needed there any more.
  process.stdin.destroy();
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  // A path that leads nowhere, a port that is taken: the system's own word says it all.
  const known = error instanceof ScenarioError || (error instanceof Error && "syscall" in error);
  process.stderr.write(`${known ? error.message : ((error as Error).stack ?? error)}\n`);
  return 1;
}
