/**
 * What a bench found, as a table for people and one JSON line for machines, with where it was found:
 * a figure without its machine and commit cannot be compared with another.
 */
import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

export type Figure = {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The goal it is held against, in the words of the promise, such as ">= 0.7". */
  readonly goal?: string;
};

export type Bench = {
  /** Runs and returns; says on stderr what it is doing. */
  run(): Promise<readonly Figure[]>;
};

export function print(bench: string, figures: readonly Figure[], json: boolean): void {
  const line = JSON.stringify({ bench, ...where(), figures });
  process.stdout.write(json ? `${line}\n` : `${table(figures)}\n\n${line}\n`);
}

export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, goal }) => [name, text(value), unit, goal ?? ""]);
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map(([name = "", value = "", unit = "", goal = ""]) =>
      [
        name.padEnd(widths[0] ?? 0),
        value.padStart(widths[1] ?? 0),
        unit.padEnd(widths[2] ?? 0),
        goal && `goal ${goal}`,
      ]
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function text(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en-US");
  return value.toPrecision(3);
}

export function where() {
  const [cpu] = cpus();
  return {
    at: new Date().toISOString(),
    machine: {
      cpu: cpu?.model ?? "unknown",
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
    },
    node: process.version,
    commit: commit(),
  };
}

/** With a plus when the working tree differs from it. */
function commit(): string {
  const git = (...args: string[]) => execFileSync("git", args, { encoding: "utf8" }).trim();
  try {
    const dirty = git("status", "--porcelain", "--untracked-files=no") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (dirty ? "+" : "");
  } catch {
    return "unknown";
  }
}
