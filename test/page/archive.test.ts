/**
 * A person in the archive: finds a thing that is written nearly right or has a name, sees on the plan
 * where it lies, counts a shelf, and does all of it in their own language.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { violations } from "./axe.ts";
import {
  type Browser,
  buildPage,
  DESK,
  follow,
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
  pageKey,
  type SmallWarehouse,
} from "./small-warehouse.ts";

const SHELF_1 = "414/9521234001003/254/R1-S1";

describe.skipIf(!hasBrowser)("a person in the archive", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-archive-"));
    warehouse = await openSmallWarehouse(folder);
    browser = await openBrowser();
    await warehouse.scan(pageId(1), pageId(2), folderId(1), PLACE.shelf1);
    await warehouse.scan(pageId(11), pageId(12), folderId(2), PLACE.shelf1);
    await warehouse.scan(pageId(13), folderId(3), PLACE.shelf2);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (path: string, look?: Parameters<Browser["open"]>[1]) =>
    browser.open(warehouse.url + path, look);

  test("what is not there is told with what is nearly so, and Enter does not go to it", async () => {
    const page = await open("/gateways");
    const box = page.getByRole("combobox");
    await box.fill("N00017P01");
    await page.getByText("Not found.").waitFor();
    await page.getByRole("option").filter({ hasText: "N00013P01" }).waitFor();
    await page.keyboard.press("Escape");
    expect(new URL(page.url()).pathname).toBe("/gateways");
    await page.context().close();
  });

  test("a place is found by the beginning of its name", async () => {
    const page = await open("/");
    await page.getByRole("combobox").fill("arch");
    await page.getByRole("option").filter({ hasText: "Archive" }).click();
    await page.getByRole("heading", { level: 1, name: "Archive" }).waitFor();
    await page.context().close();
  });

  test("the plan goes down from the site to the shelf, and says how full each is", async () => {
    const page = await open("/map");
    await page.getByRole("link", { name: /Archive/ }).click();
    const rack = page.locator(".rack", { hasText: "R1" });
    await rack.locator(".cell", { hasText: "R1-S1" }).getByText("2 things").waitFor();
    await rack.locator(".cell", { hasText: "R1-S2" }).getByText("1 thing").waitFor();

    await warehouse.scan(folderId(4), PLACE.shelf2);
    await rack.locator(".cell", { hasText: "R1-S2" }).getByText("2 things").waitFor();
    await rack.locator(".cell", { hasText: "R1-S1" }).click();
    await page.locator(".cell", { hasText: "F0001" }).getByText("2 things").waitFor();
    await page.locator(".cell", { hasText: "F0001" }).click();
    await page.getByRole("heading", { level: 1, name: "F0001" }).waitFor();
    await page.context().close();
  });

  test("what lies loose among the racks is told apart from them", async () => {
    await warehouse.state("corrections", {
      ...{ type: "OBSERVE", epc: folderId(9), place: PLACE.archive, time: warehouse.instant() },
    });
    const page = await open(`/map?find=8003/09521234005001F0009`, PHONE);
    await page.locator(".rack .cell", { hasText: "R1-S1" }).waitFor();
    await page.getByText("1 thing lies loose here").waitFor();
    await page.locator(".loose-found", { hasText: "F0009" }).getByText("It is here").waitFor();
    await page.context().close();
  });

  test("the plan shows where a found page lies", async () => {
    const page = await open(`/${pageKey(13)}`);
    await page.getByRole("link", { name: "Show on the map" }).click();
    const here = page.locator(".cell-found");
    await here.getByText("It is here").waitFor();
    expect(await here.textContent()).toContain("R1-S2");
    await page.context().close();
  });

  test("a count is followed while it is scanned, and its result is the twin's", async () => {
    const page = await open(`/${SHELF_1}`);
    await page.getByText("Live", { exact: true }).last().waitFor();
    await page.getByRole("link", { name: "Count this place" }).click();
    await page.getByText(/Scan “counting” and “count begins”/).waitFor();
    await page.getByText("This place was never counted.").waitFor();

    await warehouse.scanRaw("CMD:STEP:stock_taking");
    await warehouse.scanRaw("CMD:COUNT:start");
    await warehouse.scan(PLACE.shelf1);
    await page.getByText("0 of 4 seen").waitFor();
    await warehouse.scan(pageId(1), pageId(2), pageId(11), pageId(13));
    await page.getByText("3 of 4 seen").waitFor();
    const unexpected = page.getByRole("region", { name: "Unexpected", exact: true });
    await unexpected.getByText("N00013P01").waitFor();
    await page.getByText(/Nothing is missing before the count has ended/).waitFor();
    expect(await page.getByText("Missing", { exact: true }).count()).toBe(0);
    await screenshot(page, "counting");

    await warehouse.scanRaw("CMD:COUNT:end");
    await warehouse.scan(PLACE.shelf1);
    await warehouse.scanRaw("CMD:STEP:storing");
    await page.getByText("3 of 4 expected things were found.").waitFor();
    await page.getByRole("region", { name: "Missing" }).getByText("N00012P01").waitFor();
    await page.context().close();
  });

  test.each([
    ["de-DE", "de", "Abweichungen", "Nicht registriert"],
    ["ru-RU", "ru", "Расхождения", "Не зарегистрировано"],
  ])("a browser of %s is spoken to in its language", async (locale, code, title, word) => {
    await warehouse.scan(pageId(5), folderId(3));
    const page = await open("/discrepancies", { ...DESK, locale });
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
    await page.locator(".discrepancy strong", { hasText: word }).first().waitFor();
    expect(await page.evaluate("document.documentElement.lang")).toBe(code);
    await page.context().close();
  });

  test("a person chooses another language, and the page keeps to it", async () => {
    const page = await open("/documents");
    await page.getByRole("button", { name: "Русский" }).click();
    await page.getByRole("heading", { level: 1, name: "Документы" }).waitFor();
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Документы" }).waitFor();
    await page.getByRole("button", { name: "Deutsch" }).click();
    await page.getByRole("heading", { level: 1, name: "Dokumente" }).waitFor();
    await page.context().close();
  });

  test("in each language each page fits a phone and a desk, and axe finds nothing", async () => {
    const pages = [
      ["live", "/", ".feed"],
      ["map", "/map?id=414/9521234001003/254/ARCH", ".rack .cell"],
      ["found", `/map?find=${pageKey(13)}`, ".cell-found"],
      ["shelf", `/map?id=${SHELF_1}`, ".cell"],
      ["count", `/count?id=${SHELF_1}`, ".card"],
      ["documents", "/documents", ".document"],
      ["discrepancies", "/discrepancies", ".discrepancy"],
      ["page", `/${pageKey(13)}`, ".timeline > li"],
      ["sensors", "/sensors", ".sensors"],
      ["gateways", "/gateways", ".gateway"],
    ] as const;
    const found: string[] = [];
    for (const [look, size] of [
      ["desk", DESK],
      ["phone", PHONE],
    ] as const)
      for (const locale of ["en-GB", "de-DE", "ru-RU"]) {
        const page = await open("/gateways", { ...size, locale });
        if (look === "desk") await showsWordsWhereThereIsRoom(page);
        for (const [name, path, content] of pages) {
          await follow(page, path);
          await page.locator(content).first().waitFor();
          const wider = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          expect({ name, look, locale, wider }).toEqual({ name, look, locale, wider: 0 });
          await screenshot(page, `${name}-${look}-${locale}`);
          if (locale !== "en-GB" && look === "desk") continue;
          for (const one of await violations(page)) found.push(`${name} ${look} ${locale}: ${one}`);
        }
        await page.context().close();
      }
    expect(found).toEqual([]);
  }, 120_000);

  test("who goes on before the page was painted for the first time gets there", async () => {
    const page = await open("/password");
    // Right after the page was drawn, in the same task: nothing has been painted by then.
    await page.addInitScript(`new MutationObserver((_, observer) => {
      if (document.getElementById("main") === null) return;
      observer.disconnect();
      history.pushState(null, "", "/documents");
      dispatchEvent(new PopStateEvent("popstate"));
    }).observe(document, { childList: true, subtree: true })`);
    await page.goto(`${warehouse.url}/gateways`);
    await page.locator(".document").first().waitFor();
    await page.context().close();
  });

  test("a phone reaches every page with the thumb", async () => {
    const page = await open("/", PHONE);
    await page.getByRole("button", { name: "More" }).click();
    await page.getByRole("link", { name: "Gateways" }).last().click();
    await page.getByRole("heading", { level: 1, name: "Gateways" }).waitFor();
    await until("the sheet is closed", async () => {
      return (await page.locator(".places-sheet:popover-open").count()) === 0;
    });
    await page.context().close();
  });

  test("the page may load nothing from elsewhere, run no script of another, and it asks for nothing so", async () => {
    const { headers } = await fetch(`${warehouse.url}/map`);
    const policy = headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const page = await open("/");
    const ran = await page.evaluate(`new Promise((resolve) => {
      addEventListener("securitypolicyviolation", (event) => resolve(event.violatedDirective));
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.body.append(script);
    })`);
    expect([ran, await page.evaluate("globalThis.ran === true")]).toEqual([
      "script-src-elem",
      false,
    ]);
    await page.context().close();
    const { requests, complaints } = browser.witness;
    expect([...new Set(requests.map((address) => new URL(address).origin))]).toEqual([
      warehouse.url,
    ]);
    const serious = complaints.filter(
      (text) => !/status of (400|404).*\/where|inline script/.test(text),
    );
    expect(serious).toEqual([]);
  });
});

/** The pages one can go to: by icon and word on a desk, by icon alone where that is too narrow for all words. */
async function showsWordsWhereThereIsRoom(page: Page): Promise<void> {
  const links = page.locator(".places > a, .places-wide > a");
  await links.first().waitFor();
  const names = await links.locator("span").allTextContents();
  expect(names.length).toBeGreaterThan(8);
  for (const [width, isWord] of [
    [1_800, true],
    [1_280, true],
    [1_120, true],
    [1_024, false],
    [760, false],
  ] as const) {
    await page.setViewportSize({ width, height: 800 });
    const seen = await page.evaluate(`
      [...document.querySelectorAll(".places > a, .places-wide > a")].map((link) => {
        const [icon, word] = [...link.children].map((part) => part.getBoundingClientRect().width);
        const { left, right } = link.getBoundingClientRect();
        return [icon > 8, word > 8, left >= 0 && right <= document.body.clientWidth];
      })`);
    expect({ width, seen }).toEqual({ width, seen: names.map(() => [true, isWord, true]) });
  }
  // Who hears the page read hears the word all the same.
  for (const name of names)
    expect(await page.getByRole("link", { name, exact: true }).count()).toBeGreaterThan(0);
  await page.setViewportSize(DESK.viewport);
}
