/**
 * `racktrace conformance FILE`: feeds the cases of a file of the form `reconcile-cases/1` to fresh
 * twins, through the code that production uses, and compares every checkpoint.
 */
import type { Command } from "commander";
import { check, type Difference } from "./conformance/check.ts";
import { feed } from "./conformance/feed.ts";
import {
  type Case,
  type CaseFile,
  flawsOf,
  type Level,
  readCases,
  unread,
} from "./conformance/format.ts";
import { createWorld, isPolicy } from "./conformance/world.ts";
import { linesForTerminal } from "./for-terminal.ts";

/** A permuted case is fed in this many arrival orders at most. */
const ARRIVALS_MAX = 60;

export type CaseResult = {
  readonly id: string;
  readonly level: Level;
  readonly checkpoint: string;
  readonly differences: readonly Difference[];
  readonly notEvaluated: readonly string[];
};

export function runCase(file: CaseFile, one: Case, level: Level): readonly CaseResult[] {
  const flaws = flawsOf(one);
  if (flaws.length > 0) throw new Error(flaws.join("; "));
  const orders =
    one.permuteArrivals === true && one.assertions.length > 0
      ? permutations(one.assertions.length)
      : [undefined];
  const results = new Map<string, CaseResult>();
  for (const arrivals of orders) {
    const world = createWorld(file, one);
    feed(world, one, level, arrivals);
    for (const expect of one.expect) {
      const checkpoint = `at ${expect.at} as known at ${expect.asKnownAt}`;
      const { differences, notEvaluated } = check(world, one, expect, level);
      const known = results.get(checkpoint);
      if (known === undefined || (known.differences.length === 0 && differences.length > 0))
        results.set(checkpoint, { id: one.id, level, checkpoint, differences, notEvaluated });
    }
    world.close();
  }
  return [...results.values()];
}

/** Spread over all orders of n, the first of them the one in the file. */
function permutations(n: number): readonly (readonly number[])[] {
  let all = 1;
  for (let i = 2; i <= n; i++) all *= i;
  const step = Math.max(1, Math.ceil(all / ARRIVALS_MAX));
  const found: number[][] = [];
  for (let code = 0; code < all; code += step) {
    const rest = Array.from({ length: n }, (_, i) => i);
    let left = code;
    let size = all;
    const order: number[] = [];
    for (let i = n; i > 0; i--) {
      size /= i;
      const [index] = rest.splice(Math.min(Math.floor(left / size), rest.length - 1), 1);
      left %= size;
      order.push(index ?? 0);
    }
    found.push(order);
  }
  return found;
}

export function define(command: Command): void {
  command
    .argument("<file>", "cases in the form reconcile-cases/1")
    .option("--level <level>", "scans or assertions; default: both")
    .option("--case <id>", "only this case")
    .action((path: string, { level, case: only }: { level?: string; case?: string }) => {
      if (level !== undefined && level !== "scans" && level !== "assertions")
        command.error(`error: --level is "scans" or "assertions", not "${level}"`);
      const file = readCases(path);
      const cases = file.cases.filter(({ id }) => only === undefined || id === only);
      if (cases.length === 0) command.error(`error: ${path} has no case ${only ?? ""}`);
      const levels: readonly Level[] =
        level === undefined ? ["scans", "assertions"] : [level as Level];
      const results = cases.flatMap((one) => levels.flatMap((l) => tryCase(file, one, l)));
      const failed = report(
        results,
        cases.flatMap((one) => unread(one, isPolicy)),
      );
      if (failed > 0) process.exitCode = 1;
    });
}

/** A case that cannot be run at all fails at each of its checkpoints; the others are still run. */
function tryCase(file: CaseFile, one: Case, level: Level): readonly CaseResult[] {
  try {
    return runCase(file, one, level);
  } catch (error) {
    const got = error instanceof Error ? error.message : String(error);
    return one.expect.map(({ at, asKnownAt }) => ({
      id: one.id,
      level,
      checkpoint: `at ${at} as known at ${asKnownAt}`,
      differences: [{ field: "the case", expected: "runs", got }],
      notEvaluated: [],
    }));
  }
}

function report(results: readonly CaseResult[], unused: readonly string[]): number {
  const lines: string[] = [];
  const skipped = new Map<string, number>();
  let failed = 0;
  for (const { id, level, checkpoint, differences, notEvaluated } of results) {
    for (const field of notEvaluated) skipped.set(field, (skipped.get(field) ?? 0) + 1);
    if (differences.length === 0) continue;
    failed += 1;
    const told = differences.map(
      ({ field, expected, got }) =>
        `${field}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`,
    );
    lines.push(`${id} ${level} ${checkpoint}: ${told.join("; ")}`);
  }
  for (const [field, times] of skipped) lines.push(`not evaluated: ${field} (${times} times)`);
  for (const field of new Set(unused)) lines.push(`not read: ${field}`);
  lines.push(`${results.length - failed} passed, ${failed} failed`);
  process.stdout.write(`${linesForTerminal(lines.join("\n"))}\n`);
  return failed;
}
