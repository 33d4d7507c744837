/** The first visit to the page over a real connection: what it weighs, and whom it asks. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Browser, buildPage, DESK, hasBrowser, openBrowser, PHONE } from "./browser.ts";
import { firstLoad } from "./first-load.ts";
import { openSmallWarehouse, PLACE, pageId, type SmallWarehouse } from "./small-warehouse.ts";

const BYTES_MAX = 100_000;

describe.skipIf(!hasBrowser)("the first visit", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-first-load-"));
    warehouse = await openSmallWarehouse(folder);
    browser = await openBrowser();
    await warehouse.scan(pageId(1), PLACE.shelf1);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ["a desk", DESK, "en-GB"],
    ["a phone", PHONE, "en-GB"],
    ["a phone in Russian", PHONE, "ru-RU"],
  ] as const)(
    "brings less than 100 kB to %s, and asks nobody else",
    async (_, look, locale) => {
      const page = await browser.open("about:blank", { ...look, locale }, "nobody");
      const login = await firstLoad(page, `${warehouse.url}/`);
      await page.context().close();
      const own = await browser.open(`${warehouse.url}/healthz`, { ...look, locale });
      const inside = await firstLoad(own, `${warehouse.url}/`);
      await own.context().close();
      for (const { fileBytes, files, elsewhere } of [login, inside]) {
        expect(files).toBeGreaterThanOrEqual(4);
        expect(fileBytes).toBeGreaterThan(20_000);
        expect(fileBytes).toBeLessThan(BYTES_MAX);
        expect(elsewhere).toEqual([]);
      }
    },
    60_000,
  );
});
