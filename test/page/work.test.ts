/** A person who shares out work: who sees to which discrepancy, and who owes how much for how long. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import {
  type Browser,
  buildPage,
  DESK,
  hasBrowser,
  openBrowser,
  PHONE,
  screenshot,
} from "./browser.ts";
import {
  folderId,
  openSmallWarehouse,
  PLACE,
  pageId,
  type SmallWarehouse,
} from "./small-warehouse.ts";

const DAY_MS = 86_400_000;
const SHELF_1 = "414/9521234001003/254/R1-S1";

describe.skipIf(!hasBrowser)("a person who shares out work", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-sharing-"));
    warehouse = await openSmallWarehouse(folder);
    browser = await openBrowser();
    await warehouse.scan(pageId(1), folderId(1), PLACE.shelf1);
    await warehouse.scan(pageId(71), folderId(2), PLACE.shelf2);
    const at = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();
    for (const [document, days] of [
      ["N00002", -40],
      ["N00003", 10],
    ] as const)
      await warehouse.state("obligations", {
        ...{ document, issued: at(-100), due: at(days), debtor: "Vostok", responsible: "Boris" },
      });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("scans into a field with a scanner that types faster than the page is drawn", async () => {
    const page = await browser.open(`${warehouse.url}/discrepancies`);
    /** All in one task, as a scanner's last keys and its Enter come between two frames. */
    const scanInto = (selector: string, text: string) =>
      page.evaluate(`(() => {
        const field = document.querySelector(${JSON.stringify(selector)});
        field.focus();
        const value = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
        value.set.call(field, ${JSON.stringify(text)});
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.form.requestSubmit();
      })()`);
    await page.locator(".discrepancy", { hasText: "N00071P01" }).waitFor();
    await scanInto(".work-place input", SHELF_1);
    await page.locator(".discrepancy", { hasText: "N00071P01" }).waitFor({ state: "detached" });
    await page.locator(".discrepancy", { hasText: "F0001" }).waitFor();

    // What was found for the beginning must not be taken for what was scanned.
    await page.locator("[role=combobox]").fill("F0001");
    await page.getByRole("option", { name: /F0001/ }).waitFor();
    await scanInto("[role=combobox]", folderId(2));
    await page.getByRole("heading", { level: 1, name: "F0002" }).waitFor();

    await page.goto(`${warehouse.url}/labels`);
    await page.getByText("Of things", { exact: true }).click();
    await page.getByLabel("Pages of a document: its number").waitFor();
    await scanInto(".labels-choice form input", "N00002");
    await page.getByText("2 labels on 1 sheet").waitFor();
    await page.context().close();
  }, 60_000);

  test("gives a discrepancy to somebody, and finds what that person sees to, and what is in one place", async () => {
    const page = await browser.open(`${warehouse.url}/discrepancies?place=${SHELF_1}`);
    const row = page.locator(".discrepancy", { hasText: "F0001" });
    await row.waitFor();
    expect(await page.locator(".discrepancy", { hasText: "N00071P01" }).count()).toBe(0);
    await row.getByRole("button", { name: /^Assign/ }).click();
    await page.getByRole("dialog").getByLabel("Person").fill("Boris");
    expect(await violations(page)).toEqual([]);
    await page.getByRole("dialog").getByRole("button", { name: "Assign" }).click();
    await row.getByRole("link", { name: "Boris" }).click();
    await page.getByRole("button", { name: "Seen to by Boris" }).waitFor();
    await until("none but what he sees to is shown", async () => {
      return (await page.locator(".discrepancy").count()) === 1;
    });
    await screenshot(page, "assigned");

    await page
      .getByRole("combobox", { name: "Age", exact: true })
      .selectOption({ label: "Older than 1 day" });
    await page.locator(".discrepancy").waitFor({ state: "detached" });
    await page.context().close();
  }, 90_000);

  for (const [size, look] of [
    ["a desk", DESK],
    ["a phone", PHONE],
  ] as const)
    test(`sees on ${size} who owes how much for how long, and goes to one customer's documents`, async () => {
      const page = await browser.open(`${warehouse.url}/documents`, look);
      await page.getByRole("heading", { name: "Debts by customer" }).waitFor();
      const group = page.getByRole("row", { name: /Vostok/ });
      await group.waitFor();
      const cells = await group.getByRole("cell").allTextContents();
      expect(cells.slice(0, 7)).toEqual(["Boris", "2", "1", "", "1", "", ""]);
      expect(cells.at(-1)).toBe("never");
      expect(await violations(page)).toEqual([]);
      const [wide, seen] = [
        await page.evaluate("document.documentElement.scrollWidth"),
        await page.evaluate("document.documentElement.clientWidth"),
      ];
      expect(Number(wide)).toBeLessThanOrEqual(Number(seen));
      await screenshot(page, `debts-${look.viewport.width}`);
      await group.getByRole("link", { name: "Boris" }).click();
      await page.getByRole("link", { name: /Account manager: Boris/ }).waitFor();
      await page.context().close();
    }, 90_000);
});
