import { join } from "node:path";
import { expect, test } from "vitest";
import { type DerivedOptions, openDerived } from "../../src/store/derived.ts";
import { temporaryFolder } from "../support/folder.ts";

test("rows that reflect more than the evidence holds are of other evidence, and are made anew", () => {
  const path = join(temporaryFolder(), "twin.db");
  const options: DerivedOptions = {
    tables: [],
    recipe: "r",
    latest: 5,
    check: false,
    setAsideAs: `${path}.damaged`,
  };
  const first = openDerived(path, options);
  first.derived.step(5, () => undefined);
  first.derived.close();

  const same = openDerived(path, options);
  expect([same.restart, same.derived.reflected()]).toEqual([undefined, 5]);
  same.derived.close();

  const replaced = openDerived(path, { ...options, latest: 4 });
  expect([replaced.restart, replaced.derived.reflected()]).toEqual(["ahead", 0]);
  replaced.derived.close();
});

test("the tables are held in as much memory as the twin is given", () => {
  const path = join(temporaryFolder(), "twin.db");
  const asked = { tables: [], recipe: "r", latest: 0, check: false, setAsideAs: `${path}.damaged` };
  const cacheBytes = 512 * 1024 * 1024;
  const { derived } = openDerived(path, { ...asked, cacheBytes });
  expect(derived.db.pragma("cache_size", { simple: true })).toBe(-cacheBytes / 1024);
  derived.close();
});
