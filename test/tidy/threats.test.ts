/** SECURITY.md names for each threat what shows that something is against it. A name alone shows nothing. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("SECURITY.md", root), "utf8");
const rows = page.split("\n").filter((line) => /^\| \*\*[STRIDE]\*\* /.test(line));

test("each kind of threat of STRIDE has its rows", () => {
  const kinds = rows.map((row) => row[4]);
  expect([...new Set(kinds)].sort().join("")).toBe("DEIRST");
  expect(rows.length).toBeGreaterThan(15);
});

test.each(rows.map((row) => [row.slice(4, row.indexOf(" | ")).replace("** ", ": "), row]))(
  "what is named against %s is there",
  (_threat, row) => {
    const shown = row.split(" | ")[2] ?? "";
    const gates = [...shown.matchAll(/`npm run gate -- ([\w-]+\/[\w-]+)`/g)].map(
      ([, name]) => name,
    );
    const tests = [...shown.matchAll(/`(test\/[\w/-]+)` \(([^)]*)\)/g)];
    expect(gates.length + tests.length).toBeGreaterThan(0);
    // Whatever else stands there is not understood here, and so not held.
    const rest = shown.replaceAll(/`npm run gate -- [\w/-]+`|`test\/[\w/-]+` \([^)]*\)/g, "");
    expect(rest).toMatch(/^[, |]*$/);
    for (const gate of gates)
      expect(existsSync(new URL(`test/gate/${gate}.ts`, root)), gate).toBe(true);
    for (const [, path = "", named = ""] of tests) {
      const file = new URL(`${path}.test.ts`, root);
      expect(existsSync(file), path).toBe(true);
      const text = readFileSync(file, "utf8");
      const titles = [...named.matchAll(/"([^"]+)"/g)].map(([, title = ""]) => title);
      expect(titles.length, path).toBeGreaterThan(0);
      // A title begins so; whether it is skipped is for the run to say.
      expect(titles.filter((title) => !text.includes(`"${title}`))).toEqual([]);
    }
  },
);

test("it says how to report, and for how long there are fixes", () => {
  expect(page).toMatch(/^## Reporting a vulnerability$/m);
  expect(page).toMatch(/^## Supported versions$/m);
  const { version } = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));
  expect(page).toContain(`| ${version.split(".").slice(0, 2).join(".")} (this one) |`);
});
