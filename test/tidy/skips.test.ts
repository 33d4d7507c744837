/** A test that is skipped is not a test that passed: whoever skips says what was not tested, and why. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("..", import.meta.url);
/** Files that say it for those who import their answer. */
const SAYS = /\bwanted\(|\bhasBrowser\b|\bhasReaders\b/;

test("each test that can be skipped says loudly what is not tested then", () => {
  const skipping = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts") && path !== "tidy/skips.test.ts")
    .map((path) => ({ path, text: readFileSync(new URL(path, root), "utf8") }))
    .filter(({ text }) => /\.(skipIf|runIf)\(/.test(text));
  expect(skipping.length).toBeGreaterThan(15);
  expect(skipping.filter(({ text }) => !SAYS.test(text)).map(({ path }) => path)).toEqual([]);
});

test("those who are asked say it", () => {
  for (const path of ["page/browser.ts", "support/label-readers.ts"])
    expect(readFileSync(new URL(path, root), "utf8")).toContain("wanted(");
});

test("no test is switched off by hand, and none runs alone", () => {
  const found = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".test.ts") && path !== "tidy/skips.test.ts")
    .filter((path) =>
      /\b(test|it|describe)\.(skip|only|todo)\b/.test(readFileSync(new URL(path, root), "utf8")),
    );
  expect(found).toEqual([]);
});
