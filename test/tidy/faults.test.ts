/** The runbook and the code list the same faults, so that a code in a log always has a next step. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FAULTS } from "../../src/kernel/fault.ts";

const runbook = readFileSync(new URL("../../deploy/runbook.md", import.meta.url), "utf8");
const sections = new Map(
  runbook
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end).trim()];
    }),
);

test("each fault has a section in the runbook, and each section is a fault", () => {
  expect([...sections.keys()].sort()).toEqual(Object.keys(FAULTS).sort());
});

test("each section says more than the code's own line", () => {
  for (const [code, text] of sections) expect(text.length, code).toBeGreaterThan(120);
});

test("the links inside the runbook lead to its headings", () => {
  const headings = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title.toLowerCase().replaceAll(" ", "-"),
  );
  const links = [...runbook.matchAll(/\]\(#([\w-]+)\)/g)].map(([, link]) => link);
  expect(links.length).toBeGreaterThan(5);
  for (const link of links) expect(headings).toContain(link);
});
