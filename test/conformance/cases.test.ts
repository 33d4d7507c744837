import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readCases } from "../../src/cli/conformance/format.ts";
import { runCase } from "../../src/cli/conformance.ts";

const FILES = ["reconcile-cases.json", "own-cases.json"];

for (const name of FILES) {
  const path = new URL(name, import.meta.url).pathname;
  if (!existsSync(path)) continue;
  const file = readCases(path);
  describe(name, () => {
    for (const one of file.cases)
      for (const level of ["scans", "assertions"] as const)
        test(`${one.id} at level ${level} gives the answers that the case expects`, () => {
          const failed = runCase(file, one, level).filter(
            ({ differences }) => differences.length > 0,
          );
          expect(failed).toEqual([]);
        });
  });
}
