/**
 * What axe finds on a page: WCAG 2.2 A and AA, and its best practices. Evaluated from outside, so
 * that the page's own policy, which allows no foreign script, stays in force.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const SOURCE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The rules that look at colours. All others say the same of one page by day and by night. */
const OF_COLOURS = ["color-contrast", "link-in-text-block"];

/** What is half faded in has colours that nobody chose. What turns for ever is not waited for. */
const AT_REST = `Promise.allSettled(document.getAnimations()
  .filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity)
  .map(({ finished }) => finished))`;

/** One line for each rule that is broken, with the places; empty when all is well. */
export async function violations(
  page: Page,
  rules: "all" | "of colours" = "all",
): Promise<readonly string[]> {
  if (!(await page.evaluate(`"axe" in window`))) await page.evaluate(SOURCE);
  await page.evaluate(`${AT_REST}.then(() => true)`);
  const runOnly = rules === "all" ? {} : { runOnly: { type: "rule", values: OF_COLOURS } };
  const options = JSON.stringify({ resultTypes: ["violations"], ...runOnly });
  return page.evaluate(`axe.run(${options}).then(({ violations }) =>
    violations.map(({ id, nodes }) =>
      id + ": " + nodes.map(({ target, failureSummary }) => target.join(" ") + " " +
        failureSummary.replaceAll("\\n", " ")).join(" | ")))`);
}

/** By day, and then by night; `look` is called with each, once axe has looked. Leaves the page by night. */
export async function violationsDayAndNight(
  page: Page,
  look: (colorScheme: "light" | "dark") => Promise<void>,
): Promise<readonly string[]> {
  await page.emulateMedia({ colorScheme: "light" });
  const byDay = await violations(page);
  await look("light");
  await page.emulateMedia({ colorScheme: "dark" });
  const byNight = await violations(page, "of colours");
  await look("dark");
  return [...byDay.map((one) => `by day: ${one}`), ...byNight.map((one) => `by night: ${one}`)];
}
