/**
 * What each gate found when it last ran here, and when it last ran at its full size, for `list`. A file that
 * nobody commits.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Figure } from "../bench/figures.ts";

export type LastResult = {
  readonly at: string;
  readonly commit: string;
  readonly size: number;
  readonly seed: number;
  readonly seconds: number;
  readonly passed: boolean;
  readonly machine?: Readonly<Record<string, unknown>>;
  readonly node?: string;
  readonly figures?: readonly Figure[];
  readonly broken?: readonly string[];
};

export type LastResults = {
  of(gate: string): LastResult | undefined;
  /** The last one of the full size. */
  fullOf(gate: string): LastResult | undefined;
  keep(gate: string, result: LastResult, isFull: boolean): void;
};

const FILE = new URL("../../.racktrace/gates.json", import.meta.url).pathname;

export function openLastResults(file = FILE): LastResults {
  return {
    of: (gate) => read(file)[gate],
    fullOf: (gate) => read(file)[fullKey(gate)],
    keep(gate, result, isFull) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(
        `${file}.new`,
        `${JSON.stringify({ ...read(file), [gate]: result, ...(isFull && { [fullKey(gate)]: result }) }, null, 2)}\n`,
      );
      renameSync(`${file}.new`, file);
    },
  };
}

const fullKey = (gate: string) => `${gate} at full size`;

function read(file: string): Record<string, LastResult> {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // Nothing ran here yet.
    return {};
  }
}
