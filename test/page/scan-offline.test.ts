/**
 * A phone without a network: what it has kept arrives once, though the page is loaded again, the browser
 * is killed, answers are lost on the way and the line breaks while it drains.
 *
 * SCANS=500 is the whole story; a share of it runs each time.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CutLine, openCutLine } from "../support/cut-line.ts";
import { until } from "../support/until.ts";
import { buildPage, hasBrowser } from "./browser.ts";
import { type OwnBrowser, openOwnBrowser } from "./own-browser.ts";
import { openSmallWarehouse, pageId, type SmallWarehouse, symbol } from "./small-warehouse.ts";
import { typeAsScanner } from "./wedge.ts";

const SCANS = Number(process.env["SCANS"] ?? 60);
const PATIENCE = { timeoutMs: 60_000, everyMs: 50 };

describe.skipIf(!hasBrowser)("a phone that scans without a network", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let line: CutLine;
  let browser: OwnBrowser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-phone-"));
    warehouse = await openSmallWarehouse(folder);
    line = await openCutLine(warehouse.url);
    browser = await openOwnBrowser(join(folder, "profile"));
    await browser.logIn(warehouse.url, line.url);
  }, 120_000);

  afterAll(async () => {
    await browser?.kill();
    await line?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  test(
    `${SCANS} scans, a reload and a kill later, all of them are in the twin once and in order`,
    async () => {
      const texts = Array.from({ length: SCANS }, (_, n) => symbol(pageId(1_000 + n)));
      const [first, second, third] = [texts.slice(0, SCANS / 3), [] as string[], [] as string[]];
      second.push(...texts.slice(first.length, first.length * 2));
      third.push(...texts.slice(first.length * 2));

      await browser.page.goto(`${line.url}/scan`);
      await browser.page.getByRole("heading", { level: 1, name: "Scan" }).waitFor();
      await browser.page.evaluate("navigator.serviceWorker.ready.then(() => true)");
      line.cut();

      await typeAsScanner(browser.page, first);
      await keeps(browser.page, first.length);
      expect(await browser.page.locator(".scan-saved, .scan-judged").count()).toBe(0);

      // There is no network, and the page opens all the same.
      await browser.page.reload();
      await keeps(browser.page, first.length);
      await typeAsScanner(browser.page, second);
      await keeps(browser.page, first.length + second.length);

      // At once: what is shown as kept is kept.
      await browser.kill();
      browser = await openOwnBrowser(join(folder, "profile"));
      await browser.logIn(warehouse.url, line.url);
      await browser.page.goto(`${line.url}/scan`);
      await keeps(browser.page, first.length + second.length);
      await typeAsScanner(browser.page, third);
      await keeps(browser.page, texts.length);

      line.loseAnswers(2);
      line.heal();
      await until(
        "some have arrived",
        async () => {
          // As a browser says it of each network that it finds. Without it the page would rest for up
          // to 20 s each time, so often has it asked in vain.
          await browser.page.evaluate(`dispatchEvent(new Event("online"))`);
          return (await arrived()).length > 0;
        },
        PATIENCE,
      );
      line.cut();
      await browser.kill();
      line.heal();
      browser = await openOwnBrowser(join(folder, "profile"));
      await browser.logIn(warehouse.url, line.url);
      // Any page of ours sends what waits.
      await browser.page.goto(`${line.url}/gateways`);
      await until("all have arrived", async () => (await arrived()).length >= SCANS, PATIENCE);
      await browser.page.goto(`${line.url}/scan`);
      await keeps(browser.page, 0);
      expect(await arrived()).toEqual(texts);
      expect(await browser.page.locator(".scan-saved, .scan-judged").count()).toBeGreaterThan(0);
    },
    SCANS * 1_000 + 240_000,
  );

  async function arrived(): Promise<readonly string[]> {
    const { events } = await warehouse.ask("events", { limit: "5000" });
    return (events as { gateway: string; scan?: { raw: string } }[])
      .filter(({ gateway }) => gateway.startsWith("phone-"))
      .map(({ scan }) => Buffer.from(scan?.raw ?? "", "base64").toString("latin1"));
  }
});

/** The page says that so many are kept here and not yet the twin's. */
async function keeps(page: Page, count: number): Promise<void> {
  const shown = () =>
    page
      .locator(".scan-queue")
      .getAttribute("data-waiting", { timeout: 1_000 })
      .catch(() => "nothing");
  await until(`${count} are kept`, async () => (await shown()) === String(count), PATIENCE).catch(
    async (error: Error) => {
      throw new Error(`${error.message}; it says ${await shown()}: ${await page.content()}`);
    },
  );
}
