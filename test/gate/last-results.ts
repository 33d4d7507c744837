/** What each gate found when it last ran here, for `list`. A file that nobody commits. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export type LastResult = {
  readonly at: string;
  readonly commit: string;
  readonly size: number;
  readonly seed: number;
  readonly seconds: number;
  readonly passed: boolean;
};

export type LastResults = {
  of(gate: string): LastResult | undefined;
  keep(gate: string, result: LastResult): void;
};

const FILE = new URL("../../.racktrace/gates.json", import.meta.url).pathname;

export function openLastResults(file = FILE): LastResults {
  return {
    of: (gate) => read(file)[gate],
    keep(gate, result) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(
        `${file}.new`,
        `${JSON.stringify({ ...read(file), [gate]: result }, null, 2)}\n`,
      );
      renameSync(`${file}.new`, file);
    },
  };
}

function read(file: string): Record<string, LastResult> {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // Nothing ran here yet.
    return {};
  }
}
