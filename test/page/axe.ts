/**
 * What axe finds on a page: WCAG 2.2 A and AA, and its best practices. Evaluated from outside, so
 * that the page's own policy, which allows no foreign script, stays in force.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const SOURCE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** One line for each rule that is broken, with the places; empty when all is well. */
export async function violations(page: Page): Promise<readonly string[]> {
  if (!(await page.evaluate(`"axe" in window`))) await page.evaluate(SOURCE);
  return page.evaluate(`axe.run().then(({ violations }) =>
    violations.map(({ id, nodes }) =>
      id + ": " + nodes.map(({ target, failureSummary }) => target.join(" ") + " " +
        failureSummary.replaceAll("\\n", " ")).join(" | ")))`);
}
