/** A person with a phone counts a shelf, and says when nothing more can come to change the result. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import { type Browser, buildPage, hasBrowser, openBrowser, PHONE, screenshot } from "./browser.ts";
import {
  folderId,
  openSmallWarehouse,
  PLACE,
  pageId,
  type SmallWarehouse,
} from "./small-warehouse.ts";

const SHELF_1 = "414/9521234001003/254/R1-S1";
const SHELF_2 = "414/9521234001003/254/R1-S2";
const MISREAD = "(253)9521234000014N00009P01";

describe.skipIf(!hasBrowser)("a person with a phone who counts", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-count-"));
    warehouse = await openSmallWarehouse(folder);
    browser = await openBrowser();
    await warehouse.scan(pageId(1), pageId(2), folderId(1), PLACE.shelf1);
    await warehouse.scan(pageId(11), folderId(2), PLACE.shelf1);
    await warehouse.scan(pageId(13), folderId(3), PLACE.shelf2);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("starts, scans and ends at the page; what is missing is provisional until a person says that all is told", async () => {
    const page = await browser.open(`${warehouse.url}/count?id=${SHELF_1}`, PHONE);
    await page.getByText("Live", { exact: true }).last().waitFor();
    await page.getByRole("button", { name: "Count with this device" }).click();
    await page.getByText("0 of 3 seen").waitFor();
    await type(page, pageId(1), pageId(11), pageId(13));
    await page.getByText("2 of 3 seen").waitFor();
    const scans = page.locator(".count-here .scan-row");
    await scans.filter({ hasText: "N00011P01" }).getByText("Saved, checked").waitFor();
    // Nobody calls a place empty at which something was read.
    expect(await page.getByRole("button", { name: "There is nothing here" }).count()).toBe(0);
    await type(page, MISREAD);
    await scans
      .first()
      .getByText(/check digit/i)
      .waitFor();
    await page
      .getByRole("region", { name: "Unexpected", exact: true })
      .getByText("N00013P01")
      .first()
      .waitFor();
    expect(await page.getByRole("region", { name: "The last count: Missing" }).count()).toBe(0);
    expect(await violations(page)).toEqual([]);
    await screenshot(page, "count-phone");

    await page.getByRole("button", { name: "Everything is scanned" }).click();
    await page.getByText("2 of 3 expected things were found.").waitFor();
    await page
      .getByRole("region", { name: "The last count: Missing" })
      .getByText("N00002P01")
      .waitFor();
    await page.getByText("What is missing is provisional").waitFor();
    expect(await violations(page)).toEqual([]);
    // One answer on the page: the twin's.
    expect(await page.getByText("of 3 seen").count()).toBe(0);
    await page.getByRole("button", { name: "It has told everything" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("textbox").fill("Anna");
    await dialog.getByRole("button", { name: "It has told everything" }).click();
    await page.getByText("What is missing is provisional").waitFor({ state: "detached" });
    await page
      .getByRole("region", { name: "The last count: Missing" })
      .getByText("N00002P01")
      .waitFor();
    await page.context().close();
  }, 90_000);

  test("a browser that was killed goes on with its count", async () => {
    const page = await browser.open(`${warehouse.url}/count?id=${SHELF_2}`, PHONE);
    await page.getByRole("button", { name: "Count with this device" }).click();
    await page.getByRole("button", { name: "Everything is scanned" }).waitFor();
    await page.evaluate("sessionStorage.clear()");
    await page.reload();
    await page.getByRole("button", { name: "There is nothing here" }).click();
    await page
      .getByText("0 of 1 expected things were found.")
      .or(page.getByText("expected things were found"))
      .first()
      .waitFor();
    await page.context().close();
  }, 90_000);

  test("who stops a count files again, and another place says which one this device counts", async () => {
    const page = await browser.open(`${warehouse.url}/count?id=${SHELF_2}`, PHONE);
    await page.getByText("Live", { exact: true }).last().waitFor();
    await page.getByRole("button", { name: "Count with this device" }).click();
    // What it expects hangs on the counts before.
    await page.getByText(/^0 of \d+ seen$/).waitFor();
    await page.goto(`${warehouse.url}/count?id=${SHELF_1}`);
    await page.getByText("This device counts R1-S2").waitFor();
    await page.getByRole("link", { name: "Go on with R1-S2" }).click();
    await page.getByRole("button", { name: "Stop without a result" }).click();
    await page.getByRole("button", { name: "Count with this device" }).waitFor();
    await page.getByText("The count was stopped: it has no result.").waitFor();
    await page.goto(`${warehouse.url}/scan`);
    const step = page.getByRole("combobox", { name: "What for" });
    await step.waitFor();
    expect(await step.inputValue()).toBe("storing");
    await page.context().close();
  }, 90_000);
});

/** Enter before the field is drawn anew would send what stood there before. */
async function type(page: Page, ...labels: readonly string[]): Promise<void> {
  const field = page.locator(".scan-typed input");
  for (const label of labels) {
    await field.fill(label);
    await until(`${label} is taken`, async () => {
      if ((await field.inputValue()) !== "") await page.keyboard.press("Enter");
      return (await field.inputValue()) === "";
    });
  }
}
