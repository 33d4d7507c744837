/**
 * A person with a hand scanner that types, in front of the Scan page of the real twin: what is read is
 * kept, saved and judged, and the mark never runs ahead of it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SHEET_TEXT } from "../../src/web/scan/wedge/calibration.ts";
import { type CutLine, openCutLine } from "../support/cut-line.ts";
import { until } from "../support/until.ts";
import { violationsDayAndNight } from "./axe.ts";
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
  symbol,
} from "./small-warehouse.ts";
import { CTRL_BRACKET, russianKey, typeAsScanner } from "./wedge.ts";

const RACK = "(414)9521234001003(254)R1";
const PATIENCE = { timeoutMs: 45_000, everyMs: 50 };

describe.skipIf(!hasBrowser)("scanning at the page", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let line: CutLine;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-scan-"));
    warehouse = await openSmallWarehouse(folder);
    line = await openCutLine(warehouse.url);
    browser = await openBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await line?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("100 documents are filed in folder, shelf and rack by 103 scans and no tap", async () => {
    const page = await open();
    const pages = Array.from({ length: 100 }, (_, n) => pageId(2_000 + n));
    const scans = [...pages, folderId(3), PLACE.shelf2, RACK].map(symbol);
    expect(scans.length).toBeLessThanOrEqual(103);
    await typeAsScanner(page, scans);
    await saved(page, 103);
    const { events } = await warehouse.ask("events", { limit: "5000" });
    const raws = (events as { scan?: { raw: string } }[]).flatMap(({ scan }) =>
      scan === undefined ? [] : [Buffer.from(scan.raw, "base64").toString("latin1")],
    );
    expect(raws).toEqual(scans);
    await until(
      "the folder holds them all",
      async () => {
        const { children } = await warehouse.ask("contents", { id: folderId(3), limit: "200" });
        return children?.length === 100;
      },
      PATIENCE,
    );
    for (const id of [pages[0], pages[99]]) {
      const { path } = await warehouse.ask("where", { id: id ?? "" });
      const serials = path.map(({ key }: { key: string }) => key.split("/").at(-1));
      expect(serials.slice(0, 3)).toEqual(["09521234005001F0003", "R1-S2", "R1"]);
    }
    await page.context().close();
  }, 120_000);

  test("a mark is green only once the twin has the scan, and says so when it is judged", async () => {
    const page = await open();
    line.cut();
    await typeAsScanner(page, [symbol(pageId(30))]);
    const row = rowOf(page, "N00030P01");
    await until("it is kept", async () => (await row.getAttribute("data-mark")) === "kept");
    expect(await row.getAttribute("class")).toContain("scan-kept");
    expect(await row.textContent()).toContain("Kept here");
    line.heal();
    await typeAsScanner(page, [symbol(pageId(31))]);
    const judged = rowOf(page, "N00031P01");
    await until(
      "it is judged",
      async () => (await judged.getAttribute("data-mark")) === "judged",
      PATIENCE,
    );
    expect(await judged.textContent()).toContain("Saved, checked");
    expect(["saved", "judged"]).toContain(await row.getAttribute("data-mark"));
    await page.context().close();
  });

  test("a label that fails its check says so at once, and is saved all the same", async () => {
    const page = await open();
    await typeAsScanner(page, ["]d22539521234000014N00032P01"]);
    const row = rowOf(page, "N00032P01");
    await row.getByText(/check digit/i).waitFor();
    expect(await row.getAttribute("class")).toContain("scan-odd");
    await page.context().close();
  });

  test("what no label says is not kept, and nothing that is scanned after it waits for it", async () => {
    const page = await open();
    const typed = page.getByLabel("Type a label");
    await typed.fill("pasted ".repeat(700));
    await page.keyboard.press("Enter");
    await page.getByText("Not kept: scan it again").waitFor();
    await typeAsScanner(page, [`CMD:STEP:${"x".repeat(65)}`, symbol(pageId(36))]);
    const row = rowOf(page, "N00036P01");
    const isSaved = async () => /saved|judged/.test((await row.getAttribute("data-mark")) ?? "");
    await until("it is saved", isSaved, PATIENCE);
    await page.context().close();
  });

  test("no field, button or shortcut gets what a scanner types, wherever the focus is", async () => {
    const page = await open();
    const typed = page.getByLabel("Type a label");
    await typed.fill("half");
    await typeAsScanner(page, [symbol(pageId(33))]);
    await rowOf(page, "N00033P01").waitFor();
    expect(await typed.inputValue()).toBe("half");
    await page.getByRole("button", { name: "Sound" }).focus();
    await typeAsScanner(page, [symbol(pageId(34))]);
    await rowOf(page, "N00034P01").waitFor();
    const sound = page.getByRole("button", { name: "Sound" });
    expect(await sound.getAttribute("aria-pressed")).toBe("true");
    // A person's own keys go where they always went.
    await typed.fill("");
    await typed.pressSequentially("(253)9521234000013N00035P01", { delay: 60 });
    await page.keyboard.press("Enter");
    await rowOf(page, "N00035P01").waitFor();
    await page.context().close();
  });

  test("the container in force stays in sight, and what follows goes into it", async () => {
    const page = await open();
    await page.getByText("Container first").click();
    const shelved = [PLACE.shelf1, folderId(4), pageId(40), pageId(41)];
    await typeAsScanner(page, shelved.map(symbol));
    await page.locator(".scan-sticky", { hasText: "F0004" }).getByText("2 pages so far").waitFor();
    await until(
      "both are in it",
      async () => {
        const { children } = await warehouse.ask("contents", { id: folderId(4) });
        return children?.length === 2;
      },
      PATIENCE,
    );
    await page.getByRole("button", { name: "Undo the last scan" }).click();
    // The page is out again, and the folder is still open: the next one goes into it.
    await page.locator(".scan-sticky", { hasText: "F0004" }).getByText("1 page so far").waitFor();
    await until(
      "the last one is out again",
      async () => {
        const { children } = await warehouse.ask("contents", { id: folderId(4) });
        return children?.length === 1;
      },
      PATIENCE,
    );
    await page.context().close();
  });

  test("a scanner at a system with another layout is understood after one scan of the sheet", async () => {
    const page = await open();
    const wedge = { keyOf: russianKey, separator: [CTRL_BRACKET] };
    await page.getByText("This device").click();
    await page.getByRole("button", { name: "Calibrate" }).click();
    await page.getByRole("img", { name: "Calibration symbol" }).waitFor();
    await typeAsScanner(page, [SHEET_TEXT], wedge);
    await page.getByText("The keyboard scanner is understood.").waitFor();
    await page.reload();
    // The page is loaded before what scans is: until it is shown, nobody hears the keys.
    await page.getByRole("heading", { level: 1, name: "Scan" }).waitFor();
    await typeAsScanner(page, [`${symbol(pageId(42))}\u001d10lot/7`], wedge);
    await until(
      "it came as it is on the label",
      async () => {
        const { events } = await warehouse.ask("events", { limit: "5000" });
        const last = events.at(-1)?.scan?.raw ?? "";
        return (
          Buffer.from(last, "base64").toString("latin1") === `${symbol(pageId(42))}\u001d10lot/7`
        );
      },
      PATIENCE,
    );
    await page.context().close();
  });

  test("a second tab shows what the first has scanned, and the twin has it once", async () => {
    const page = await open();
    const other = await page.context().newPage();
    await other.goto(`${line.url}/scan`);
    await other.getByRole("heading", { level: 1, name: "Scan" }).waitFor();
    const ids = [pageId(50), pageId(51), pageId(52), pageId(53)].map(symbol);
    await page.bringToFront();
    await typeAsScanner(page, ids.slice(0, 2));
    await other.bringToFront();
    await typeAsScanner(other, ids.slice(2));
    await saved(page, 4);
    await saved(other, 4);
    expect(await other.locator(".scan-row").count()).toBe(4);
    const { events } = await warehouse.ask("events", { limit: "5000" });
    const raws = (events as { scan?: { raw: string } }[]).map(({ scan }) =>
      Buffer.from(scan?.raw ?? "", "base64").toString("latin1"),
    );
    expect(raws.filter((raw) => ids.includes(raw))).toEqual(ids);
    await page.context().close();
  });

  test.each([
    ["hears of the twin before it scans", 70],
    ["scans before it hears of the twin", 80],
  ])(
    "a storage that went back in time, as a copied profile does, and %s numbers anew and loses nothing",
    async (when, from) => {
      const page = await open();
      const first = [from, from + 1, from + 2].map((n) => symbol(pageId(n)));
      await typeAsScanner(page, first);
      await saved(page, 3);
      await page.goto("about:blank");
      await page.goto(`${line.url}/icon.svg`);
      await page.evaluate(BACK_IN_TIME);
      const { promise: scanned, resolve: goOn } = Promise.withResolvers<void>();
      if (when.startsWith("scans"))
        await page.route("**/api/v1/phones/scans", async (route) => {
          await scanned;
          await route.continue();
        });
      await page.goto(`${line.url}/scan`);
      await page.getByRole("heading", { level: 1, name: "Scan" }).waitFor();
      const then = [from + 3, from + 4].map((n) => symbol(pageId(n)));
      await typeAsScanner(page, then);
      await rowOf(page, `N000${from + 4}P01`).waitFor();
      goOn();
      await saved(page, 2);
      const { events } = await warehouse.ask("events", { limit: "5000" });
      const all = (events as { gateway: string; scan?: { raw: string } }[]).map((event) => ({
        gateway: event.gateway,
        raw: Buffer.from(event.scan?.raw ?? "", "base64").toString("latin1"),
      }));
      const mine = all.filter(({ raw }) => [...first, ...then].includes(raw));
      expect(mine.map(({ raw }) => raw)).toEqual([...first, ...then]);
      expect(new Set(mine.map(({ gateway }) => gateway)).size).toBe(2);
      const { open: found } = await warehouse.ask("discrepancies", { kind: "id_conflict" });
      expect(found).toEqual([]);
      await page.context().close();
    },
  );

  test("a twin that lost what it had acknowledged is given again what is still here", async () => {
    const page = await open();
    line.cut();
    const ids = [pageId(90), pageId(91), pageId(92)].map(symbol);
    await typeAsScanner(page, ids);
    await rowOf(page, "N00092P01").waitFor();
    await until("they are kept", async () => {
      return (await page.locator(".scan-queue").getAttribute("data-waiting")) === "3";
    });
    await page.evaluate(ACKNOWLEDGED);
    line.heal();
    await page.reload();
    await page.getByRole("heading", { level: 1, name: "Scan" }).waitFor();
    await until(
      "they have arrived",
      async () => {
        const { events } = await warehouse.ask("events", { limit: "5000" });
        const raws = (events as { scan?: { raw: string } }[]).map(({ scan }) =>
          Buffer.from(scan?.raw ?? "", "base64").toString("latin1"),
        );
        return raws.filter((raw) => ids.includes(raw)).join() === ids.join();
      },
      PATIENCE,
    );
    await page.context().close();
  });

  test("the page fits a phone and a desk, by day and by night, and axe finds nothing", async () => {
    const found: string[] = [];
    for (const [look, size] of [
      ["desk", DESK],
      ["phone", PHONE],
    ] as const) {
      const page = await open(size);
      await page.getByText("Container first").click();
      await typeAsScanner(
        page,
        [folderId(5), pageId(60), "]d22539521234000014N00061P01"].map((id) =>
          id.startsWith("]") ? id : symbol(id),
        ),
      );
      await page.locator(".scan-odd").first().waitFor();
      await saved(page, 4);
      await page.getByText("This device").click();
      const broken = await violationsDayAndNight(page, async (colorScheme) => {
        const wider = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        expect({ look, wider }).toEqual({ look, wider: 0 });
        await screenshot(page, `scan-${look}-${colorScheme}`);
      });
      for (const one of broken) found.push(`${look} ${one}`);
      await page.context().close();
    }
    expect(found).toEqual([]);
  }, 120_000);

  test("the page asked nobody else, and its policy was not breached", () => {
    const { requests, complaints } = browser.witness;
    expect([...new Set(requests.map((address) => new URL(address).origin))]).toEqual([line.url]);
    expect(
      complaints.filter((text) => !/ERR_|Failed to load resource|blocked by Playwright/.test(text)),
    ).toEqual([]);
  });

  async function open(look: Parameters<Browser["open"]>[1] = PHONE): Promise<Page> {
    const page = await browser.open(`${line.url}/scan`, look);
    await page.getByRole("heading", { level: 1, name: "Scan" }).waitFor();
    return page;
  }
});

/** As if the twin had had them all. */
const ACKNOWLEDGED = `new Promise((resolve) => {
  const request = indexedDB.open("racktrace.scans");
  request.onsuccess = () => {
    const transaction = request.result.transaction(["state"], "readwrite");
    const state = transaction.objectStore("state");
    state.get("phone").onsuccess = ({ target }) =>
      state.put({ ...target.result, through: target.result.lastSeq }, "phone");
    transaction.oncomplete = () => { request.result.close(); resolve(); };
  };
})`;

/** As if the scans after the first had never been made here. */
const BACK_IN_TIME = `new Promise((resolve) => {
  const request = indexedDB.open("racktrace.scans");
  request.onsuccess = () => {
    const transaction = request.result.transaction(["state", "scans"], "readwrite");
    const state = transaction.objectStore("state");
    state.get("phone").onsuccess = ({ target }) =>
      state.put({ ...target.result, lastSeq: 1, sentThrough: 1, through: 1 }, "phone");
    transaction.objectStore("scans").delete(IDBKeyRange.lowerBound(1, true));
    transaction.oncomplete = () => { request.result.close(); resolve(); };
  };
})`;

function rowOf(page: Page, name: string) {
  return page.locator(".scan-row", { hasText: name }).first();
}

/** All of them are the twin's; `least`: so many were made. */
async function saved(page: Page, least: number): Promise<void> {
  const says = () => page.locator(".scan-queue").textContent();
  const shown = () => page.locator(".scan-row").count();
  await until(
    `${least} scans are saved`,
    async () => (await shown()) >= Math.min(least, 60) && /^All/.test((await says()) ?? ""),
    { timeoutMs: 60_000, everyMs: 50 },
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}; ${await shown()} rows, and it says ${await says()}`);
  });
}
