/**
 * `npm run gate -- NAME|all|list [--quick] [--size N] [--seed N] [--json]`
 *
 * Runs gates one after the other and says what they found: figures for people, one JSON line for
 * machines. The exit status is 0 when all that was asked for holds, 1 when something does not, 2 when
 * the question was not understood. What a gate that failed left behind stays, and its place is told.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createPrng } from "../../firmware-sim/prng.ts";
import { table, where } from "../bench/figures.ts";
import type { Found, Gate } from "./gate.ts";
import { type LastResult, openLastResults } from "./last-results.ts";
import { duration, showProgress } from "./progress.ts";

/** In the order in which `all` runs them. */
const FILES = [
  "./crash/kill-gateway.ts",
  "./crash/kill-twin.ts",
  "./crash/kill-both.ts",
  "./crash/power-cut.ts",
  "./crash/nth-call.ts",
  "./disk/full.ts",
  "./disk/corrupt.ts",
  "./net/chaos.ts",
  "./net/partition.ts",
  "./net/flood.ts",
  "./net/overload.ts",
  "./serial/hotplug.ts",
  "./time/jump.ts",
  "./time/certificates.ts",
  "./sim/seeded.ts",
  "./bad-input/protobuf.ts",
  "./bad-input/serial.ts",
  "./bad-input/mqtt.ts",
  "./bad-input/http.ts",
  "./soak.ts",
  "./upgrade.ts",
] as const;

type Wanted = { readonly quick: boolean; readonly size?: number; readonly seed: number };

const results = openLastResults();
const gates = await Promise.all(
  FILES.map(async (file) => ((await import(file)) as { gate: Gate }).gate),
);
// Who ends a gate half-way finds no disk mounted and no folder left. Its programs end with it by themselves.
for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.once(signal, () => process.exit(status));
process.exitCode = await main(process.argv.slice(2));
// A gate has ended all that it started; a socket that lingers is no reason to stay.
process.exit();

async function main(argv: readonly string[]): Promise<number> {
  const asked = understood(argv);
  if (typeof asked === "string") {
    const usage = "npm run gate -- NAME|KIND|all|list [--quick] [--size N] [--seed N] [--json]";
    process.stderr.write(`${asked}\n${usage}\n\n${listing()}\n`);
    return 2;
  }
  const { name, json, ...wanted } = asked;
  if (name === "list") {
    process.stdout.write(json ? `${JSON.stringify(listed())}\n` : `${listing()}\n`);
    return 0;
  }
  const chosen = gates.filter((gate) => name === "all" || fits(gate, name));
  const verdicts: Verdict[] = [];
  for (const gate of chosen) verdicts.push(await runGate(gate, wanted, json));
  // Who asks for one gate wants to hear that it was not tried; of all, it must not hide the rest.
  const isFailure = (verdict: Verdict | undefined) =>
    verdict === "broken" || (verdict === "not-run" && chosen.length === 1);
  const failed = chosen.filter((_, at) => isFailure(verdicts[at])).map((gate) => gate.name);
  if (!json && chosen.length > 1) process.stdout.write(`${summary(chosen, verdicts)}\n`);
  return failed.length === 0 ? 0 : 1;
}

/** What was not tried is not among what holds. */
function summary(chosen: readonly Gate[], verdicts: readonly Verdict[]): string {
  const named = (verdict: Verdict) =>
    chosen.filter((_, at) => verdicts[at] === verdict).map(({ name }) => name);
  const told = (words: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${words}: ${names.join(", ")}`];
  return [
    `${chosen.length} gates, ${named("holds").length} hold`,
    ...told("not held", named("broken")),
    ...told("not run here", named("not-run")),
  ].join("; ");
}

function understood(argv: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        quick: { type: "boolean", default: false },
        size: { type: "string" },
        seed: { type: "string" },
        json: { type: "boolean", default: false },
      },
    });
    const [name = "", ...more] = positionals;
    if (more.length > 0) return `one name at a time, please: ${positionals.join(" ")}`;
    if (!["all", "list"].includes(name) && !gates.some((gate) => fits(gate, name)))
      return `there is no gate called "${name}"`;
    const size = wholeNumber("size", values.size);
    const seed = wholeNumber("seed", values.seed) ?? Math.floor(Math.random() * 1e9);
    const { quick, json } = values;
    return { name, json, quick, seed, ...(size !== undefined && { size }) };
  } catch (error) {
    return (error as Error).message;
  }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,12}$/.test(text)) throw new Error(`--${option} is a whole number`);
  return Number(text);
}

/** By its name, or by its kind, such as `crash`. */
function fits(gate: Gate, name: string): boolean {
  return gate.name === name || gate.name.startsWith(`${name}/`);
}

type Verdict = "holds" | "broken" | "not-run";

async function runGate(gate: Gate, wanted: Wanted, json: boolean): Promise<Verdict> {
  const size = wanted.size ?? (wanted.quick ? gate.quick : gate.full);
  const { seed } = wanted;
  const folder = mkdtempSync(join(tmpdir(), "racktrace-gate-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  const { commit, ...machine } = where();
  const progress = showProgress(process.stderr, { ...gate, size });
  const startedMs = performance.now();
  const found = await attempt(gate, {
    size,
    seed,
    folder,
    chance: (stream) => createPrng(seed, `${gate.name}/${stream}`),
    done: progress.done,
    say: progress.say,
  });
  process.off("exit", remove);
  progress.end();
  const seconds = (performance.now() - startedMs) / 1000;
  const passed = found.broken.length === 0 && found.notRun === undefined;
  if (found.broken.length === 0) remove();
  if (found.notRun === undefined)
    results.keep(
      gate.name,
      { ...machine, commit, size, seed, seconds, passed, ...found },
      size >= gate.full,
    );
  const about = { gate: gate.name, passed, size, unit: gate.unit, seed, seconds, commit };
  const line = JSON.stringify({ ...about, ...machine, ...found });
  process.stdout.write(json ? `${line}\n` : report(gate, about, found, folder, line));
  return passed ? "holds" : found.notRun === undefined ? "broken" : "not-run";
}

/** A gate that breaks down has not shown anything: that is a finding too. */
async function attempt(gate: Gate, asked: Parameters<Gate["run"]>[0]): Promise<Found> {
  try {
    return await gate.run(asked);
  } catch (error) {
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { figures: [], broken: [`the gate itself broke down: ${told}`] };
  }
}

function report(
  gate: Gate,
  about: { passed: boolean; size: number; unit: string; seed: number; seconds: number },
  { figures, broken, notRun }: Found,
  folder: string,
  line: string,
): string {
  const { passed, size, unit, seed, seconds } = about;
  if (notRun !== undefined) return `${gate.name}  NOT RUN HERE: ${notRun}\n\n`;
  const verdict = passed ? "holds" : "DOES NOT HOLD";
  return [
    `${gate.name}  ${verdict}  ${size} ${unit}, seed ${seed}, ${duration(seconds)}`,
    `  ${gate.shows}`,
    ...table(figures)
      .split("\n")
      .filter((row) => row !== "")
      .map((row) => `  ${row}`),
    ...broken.map((sentence) => `  BROKEN ${sentence}`),
    ...(passed
      ? []
      : [
          `  again: npm run gate -- ${gate.name} --size ${size} --seed ${seed}`,
          `  what is left of it: ${folder}`,
        ]),
    line,
    "",
    "",
  ].join("\n");
}

function listed() {
  return gates.map(({ name, shows, unit, full, quick }) => ({
    ...{ name, shows, unit, full, quick },
    last: results.of(name) ?? null,
    lastFull: results.fullOf(name) ?? null,
  }));
}

function listing(): string {
  const told = ({ passed, size, seconds, at, commit }: LastResult) =>
    `${passed ? "held" : "DID NOT HOLD"} with ${size} in ${duration(seconds)}, ${at.slice(0, 16)}Z, ${commit}`;
  const rows = listed().map(({ name, shows, unit, full, quick, last, lastFull }) => {
    const before = lastFull !== null && lastFull.at !== last?.at ? `; ${told(lastFull)}` : "";
    const was = last === null ? "never ran here" : told(last) + before;
    return [name, `${full} ${unit} (quick ${quick})`, was, shows] as const;
  });
  const width = (column: 0 | 1 | 2) => Math.max(...rows.map((row) => row[column].length));
  return rows
    .map(([name, size, was, shows]) =>
      [name.padEnd(width(0)), size.padEnd(width(1)), was.padEnd(width(2)), shows].join("  "),
    )
    .join("\n");
}
