/**
 * A person who puts things right: takes a step back, asks why an answer changed, looks at what was
 * known when, settles what differs, and finds out which papers are still owed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { violationsDayAndNight } from "./axe.ts";
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

const DAY_MS = 86_400_000;
const UNREGISTERED = [5, 6, 7];

describe.skipIf(!hasBrowser)("a person who puts things right", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-settle-"));
    warehouse = await openSmallWarehouse(folder);
    browser = await openBrowser();
    await warehouse.scan(pageId(1), pageId(2), folderId(1), PLACE.shelf1);
    await warehouse.scan(folderId(2), PLACE.shelf2);
    await warehouse.scan(pageId(11), pageId(12), folderId(3), PLACE.shelf2);
    for (const n of UNREGISTERED) await warehouse.scan(pageId(n), folderId(1));
    await warehouse.scanRaw("]d22539521234000014N00001P01");
    const now = Date.now();
    const issued = new Date(now - 20 * DAY_MS).toISOString();
    const owed = (document: string, days: number) =>
      warehouse.state("obligations", {
        ...{ document, debtor: "Ocean Trade", responsible: "Boris" },
        issued,
        due: new Date(now + days * DAY_MS).toISOString(),
      });
    await owed("N00001", -3);
    await owed("N00003", 9);
    await owed("N00004", -5);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (path: string, look?: Parameters<Browser["open"]>[1]) =>
    browser.open(warehouse.url + path, look);

  test("the last step of a thing is taken back with a reason, and the page says why the answer changed", async () => {
    await warehouse.scan(pageId(4), folderId(1));
    await warehouse.scan(pageId(4), folderId(2));
    const page = await open(`/${pageKey(4)}`);
    await page.locator(".stack b", { hasText: "F0002" }).waitFor();

    await page.getByRole("button", { name: "Undo the last step" }).click();
    const dialog = page.getByRole("dialog", { name: "Undo the last step?" });
    await dialog.getByRole("button", { name: "Undo it" }).click();
    await dialog.getByText("Say why: it stays on record.").waitFor();
    await dialog.getByRole("button", { name: "Wrong container scanned" }).click();
    await dialog.getByLabel("Your name").fill("Anna");
    await page.keyboard.press("Enter");

    await page.locator(".stack b", { hasText: "F0001" }).waitFor();
    const deeds = page.getByRole("region", { name: "Your last steps" });
    await deeds.getByText("Done", { exact: true }).waitFor();
    await until("one stay is left in the history", async () => {
      return (await page.locator(".timeline > li").count()) === 1;
    });

    await page.locator(".why summary").first().click();
    const why = page.locator(".why");
    await why.getByText("Withdrawn").first().waitFor();
    expect(await why.textContent()).toMatch(/Void: Wrong container scanned/);
    await page.context().close();
  });

  test("what was known then is told apart from what is said of then today", async () => {
    const before = warehouse.instant();
    await warehouse.scan(pageId(1), folderId(2));
    const page = await open(`/${pageKey(1)}?at=${before}`);
    await page.locator(".stack b", { hasText: "F0001" }).waitFor();
    await page.getByRole("switch", { name: "As we knew it then" }).check();

    // The scans were made half an hour ago and taken in just now.
    await page.getByText("It was never seen in a place.").waitFor();
    await page.getByText("Today we say otherwise of that time:").waitFor();
    expect(await page.locator(".hindsight").textContent()).toContain("F0001");

    const soon = new Date(Date.now() + 60_000).toISOString();
    await page.goto(`${warehouse.url}/${pageKey(1)}?at=${before}&known=${soon}`);
    await page.getByText("Today we say the same of that time.").waitFor();
    await page.getByRole("button", { name: "Back to now" }).click();
    await page.locator(".stack b", { hasText: "F0002" }).waitFor();
    await page.context().close();
  });

  test("every fact tells its evidence, down to what the scanner read", async () => {
    const page = await open(`/${pageKey(2)}`);
    await page.locator(".timeline .evidence summary").first().click();
    await page.locator(".timeline .raw", { hasText: "]d2" }).first().waitFor();
    expect(await page.locator(".timeline .evidence").first().textContent()).toMatch(
      /\]d28003.*scn-1.*gw-test.*seq \d+, position \d+/,
    );
    await page.context().close();
  });

  test("an open page learns that the past has changed, and tells why", async () => {
    await warehouse.scan(pageId(8), folderId(1));
    await warehouse.scan(pageId(8), folderId(2));
    const page = await open(`/${pageKey(8)}`);
    await page.locator(".stack b", { hasText: "F0002" }).waitFor();
    const first = await warehouse.ask("history", { id: pageId(8) });
    const { gateway, epoch, seq } = first.moves[0].evidence[0];
    await warehouse.state("voids", { gateway, epoch, seq, reason: "a practice scan" });
    await page.getByText(/What is said of .* has changed/).waitFor();
    await page.getByRole("button", { name: "Why?" }).click();
    await page.getByText("Void: a practice scan").waitFor();
    await page.context().close();
  });

  test("a discrepancy is noted, settled with a reason, seen settled by others, and taken back", async () => {
    const anna = await open("/discrepancies");
    const other = await open("/discrepancies");
    const row = (page: Page) => page.locator(".discrepancy", { hasText: "N00005P01" });
    await row(anna).getByText("Not registered", { exact: true }).waitFor();
    await row(other).waitFor();

    await row(anna)
      .getByRole("button", { name: /^Take note/ })
      .click();
    await anna.getByLabel("Your name").fill("Anna");
    await anna.keyboard.press("Enter");
    await row(other).getByText("Anna is on it").waitFor();

    await row(anna)
      .getByRole("button", { name: /^Settle/ })
      .click();
    await anna.getByRole("button", { name: "A test scan" }).click();
    await anna.getByRole("button", { name: "Settle it" }).click();
    await row(other).waitFor({ state: "detached" });
    const deeds = anna.getByRole("region", { name: "Your last steps" });
    await deeds.locator(".deed-done", { hasText: "Settled: Not registered N00005P01" }).waitFor();
    await row(anna).waitFor({ state: "detached" });

    await other.getByText("Settled", { exact: true }).click();
    // Where nobody else is named it is who is logged in.
    await row(other).getByText("Settled by admin: A test scan").waitFor();
    await deeds.getByRole("button", { name: /^Undo: Settled/ }).click();
    await anna.getByRole("button", { name: "Settled by mistake" }).click();
    await anna.keyboard.press("Enter");
    await anna.getByRole("button", { name: "Undo it" }).click();
    await row(anna).waitFor();
    await row(other).waitFor({ state: "detached" });
    await anna.context().close();
    await other.context().close();
  });

  test("a settlement is taken back from the list of what was settled, by another person too", async () => {
    await warehouse.state("discrepancies/resolutions", {
      ...{ kind: "unknown_identifier", subject: pageId(6), reason: "agreed", by: "Boris" },
    });
    const page = await open("/discrepancies?status=resolved");
    const row = page.locator(".discrepancy", { hasText: "N00006P01" });
    await row.getByText("Settled by Boris: agreed").waitFor();
    await row.getByRole("button", { name: /^Undo/ }).click();
    await page.getByRole("button", { name: "It is not settled after all" }).click();
    await page.getByLabel("Your name").fill("Anna");
    await page.keyboard.press("Enter");
    await row.waitFor({ state: "detached" });
    await page.context().close();
  });

  test("what is done is not green before it is judged, and is sent again when the twin was away", async () => {
    const page = await open("/discrepancies");
    const row = page.locator(".discrepancy", { hasText: "N00007P01" });
    await row.waitFor();
    await page.getByText("Live", { exact: true }).last().waitFor();
    const { complaints } = browser.witness;
    const before = complaints.length;
    await warehouse.killTwin();
    await row.getByRole("button", { name: /^Settle/ }).click();
    await page.getByRole("button", { name: "A test scan" }).click();
    await page.getByLabel("Your name").fill("Anna");
    await page.keyboard.press("Enter");
    await page.getByText("Not saved: the twin does not answer.").first().waitFor();
    expect(await page.locator(".deed-mark-done").count()).toBe(0);
    await warehouse.startTwin();
    await page.locator(".deed-done").waitFor();
    await row.waitFor({ state: "detached" });
    const settled = await warehouse.ask("discrepancies", {
      status: "resolved",
      subject: pageId(7),
    });
    expect(settled.resolved).toHaveLength(1);
    complaints.splice(before);
    await page.context().close();
  });

  test("a word whose answer is lost on the way is recorded once, and leaving the page does not take it back", async () => {
    const page = await open("/discrepancies");
    const { complaints } = browser.witness;
    const before = complaints.length;
    let lost = 0;
    await page.route("**/api/v1/discrepancies/acknowledgements", async (route) => {
      if (lost++ > 1) return route.continue();
      await route.fetch();
      return route.abort();
    });
    const other = page.locator(".discrepancy", { hasText: "9521234000014" });
    await other.getByRole("button", { name: /^Take note/ }).click();
    await page.getByLabel("Your name").fill("Anna");
    await page.keyboard.press("Enter");
    await page.getByText("Not saved: the twin does not answer.").first().waitFor();
    await page.getByRole("link", { name: "Documents" }).first().click();
    await page.locator(".deed-done", { hasText: "Noted: Misread barcode" }).waitFor();
    complaints.splice(before);
    const { events } = await warehouse.ask("events", { after: "0", limit: "5000" });
    const said = events.filter(
      (event: { statement?: { json: string } }) =>
        event.statement?.json.includes("9521234000014") && event.statement.json.includes("Anna"),
    );
    expect(said).toHaveLength(1);
    await page.context().close();
  });

  test("the list begins with the worst, says where each is, and leads to what is to be done", async () => {
    await warehouse.scan(folderId(9), PLACE.shelf2);
    await warehouse.scan(pageId(15), folderId(8), PLACE.shelf1);
    await warehouse.state("corrections", {
      ...{ type: "COUNT", place: PLACE.shelf2, depth: "containers", by: "Boris" },
      ...{ scanned: [folderId(2), folderId(3)], time: warehouse.instant() },
    });
    const page = await open("/discrepancies");
    const first = page.locator(".discrepancy").first();
    await first.getByText("Missing", { exact: true }).waitFor();
    expect(await first.textContent()).toMatch(/F0009.*Last known in.*R1-S2/);
    await first.getByRole("link", { name: "Show on the map: F0009" }).click();
    await page.locator(".cell-found", { hasText: "R1-S2" }).waitFor();

    await page.goBack();
    const stranger = page.locator(".discrepancy", { hasText: "N00015P01" });
    await stranger.waitFor();
    expect(await stranger.textContent()).toMatch(/Now in.*F0008.*R1-S1/);
    const misread = page.locator(".discrepancy", { hasText: "9521234000014" });
    expect(await misread.textContent()).toContain("Told by gateway gw-test");
    await misread.getByRole("link", { name: /^Scan it again/ }).waitFor();
    await stranger.getByRole("link", { name: "Register it: N00015P01" }).click();
    const form = page.getByRole("dialog", { name: "New document" });
    expect(await form.getByLabel("Pages").inputValue()).toBe(pageId(15));
    await form.getByLabel("Id").fill("N00015");
    await form.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.", { exact: true }).waitFor();
    expect((await warehouse.ask("discrepancies", { subject: pageId(15) })).open).toEqual([]);
    await page.context().close();
  });

  test("the list is filtered by kind and gravity, and the address keeps the filter", async () => {
    const page = await open("/discrepancies");
    await page.getByLabel("Kind").selectOption({ label: "Misread barcode" });
    await page.locator(".discrepancy", { hasText: "9521234000014" }).waitFor();
    await until("only misreads are left", async () => {
      return (await page.locator(".discrepancy", { hasText: "Not registered" }).count()) === 0;
    });
    await page.reload();
    await page.locator(".discrepancy", { hasText: "9521234000014" }).waitFor();
    await page.getByText("Error", { exact: true }).first().click();
    await page.getByText("Nothing of this kind is open.").waitFor();
    await page.context().close();
  });

  test("a person sees which papers are owed, since when, and where the missing page was last", async () => {
    const page = await open("/documents");
    const row = (id: string) => page.locator(".document", { hasText: id });
    await row("N00003").getByText("Owed", { exact: true }).waitFor();
    expect(await row("N00003").textContent()).toMatch(/9 d left|8 d left/);

    await warehouse.state("corrections", {
      ...{ type: "COUNT", place: PLACE.shelf2, depth: "pages", by: "Boris" },
      ...{ scanned: [pageId(11), folderId(3), folderId(2)], time: warehouse.instant() },
    });
    await page.getByText("Overdue", { exact: true }).first().click();
    await row("N00001").waitFor({ state: "detached" });
    expect(await row("N00004").textContent()).toMatch(/1 of 1 page nowhere known.*5 d overdue/);
    await page.getByText("Not together", { exact: true }).first().click();
    await row("N00002").getByText("1 of 2 pages nowhere known").waitFor();
    await row("N00002").locator("summary").click();
    await row("N00002").getByText("last known in").waitFor();
    expect(await row("N00002").locator(".document-lost").textContent()).toMatch(
      /N00012P01.*last known in.*F0003/,
    );
    await row("N00002").getByRole("link", { name: "N00012P01" }).click();
    await page.getByRole("heading", { level: 1, name: "N00012P01" }).waitFor();
    await page.getByRole("link", { name: "N00002", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Documents" }).waitFor();
    await row("N00002").locator(".document-pages li").nth(1).waitFor();
    await page.context().close();
  });

  test("a gate is seen blocked, until when, what ran although, and open once the thing is there", async () => {
    const now = Date.now();
    const at = (ms: number) => new Date(now + ms).toISOString();
    await warehouse.state("gates", {
      ...{ name: "Ship 17", entity: pageId(13), target: PLACE.archive },
      ...{ issued: at(-DAY_MS), deadline: at(-3_600_000) },
    });
    await warehouse.state("executions", { gate: "Ship 17", process: "Loading", by: "ERP" });
    const page = await open("/gates");
    const row = page.locator(".gate", { hasText: "Ship 17" });
    await row.getByText("blocked", { exact: true }).waitFor();
    await row.getByRole("link", { name: "Archive" }).waitFor();
    expect(await row.textContent()).toMatch(/N00013P01 must be in Archive.*1 h late/);
    await row.getByText("ran although it was blocked").waitFor();
    await warehouse.scan(pageId(13), folderId(1));
    await row.getByText("open", { exact: true }).waitFor();
    await page.context().close();
  });

  test("a person notes that a debtor was reminded, sees who owes what, and finds a document by its number", async () => {
    const page = await open("/");
    await page.getByRole("combobox").fill("N00004");
    await page.getByRole("option").filter({ hasText: "Document" }).click();
    const row = page.locator(".document", { hasText: "N00004" });
    await row.getByRole("button", { name: /^Note a reminder/ }).click();
    await page.getByLabel("Your name").fill("Anna");
    await page.keyboard.press("Enter");
    await page.locator(".deed-done", { hasText: "Reminder of N00004 noted" }).waitFor();
    await row.locator("dl", { hasText: "Reminders" }).getByText("Anna").waitFor();
    await row.getByText("Boris").waitFor();
    await row.getByRole("link", { name: "Ocean Trade" }).click();
    await page.getByRole("link", { name: "Owed by Ocean Trade" }).waitFor();
    await page.locator(".document", { hasText: "N00003" }).waitFor();
    await page.locator(".document", { hasText: "N00002" }).waitFor({ state: "detached" });
    await page.context().close();
  });

  test("several are settled at once with one reason, and each is told for itself", async () => {
    for (const n of [6, 7, 8]) await warehouse.scanRaw(`]d2253952123400001${n}X00001P01`);
    const page = await open("/discrepancies?kind=misread");
    const row = (n: number) => page.locator(".discrepancy", { hasText: `952123400001${n}` });
    for (const n of [6, 7]) await row(n).getByRole("checkbox").check();
    await page.getByText("2 chosen").waitFor();
    await page.getByRole("button", { name: "Settle", exact: true }).click();
    await page.getByRole("button", { name: "Wrong label, replaced" }).click();
    await page.getByLabel("Your name").fill("Anna");
    await page.keyboard.press("Enter");
    for (const n of [6, 7]) await row(n).waitFor({ state: "detached" });
    await until("both are told", async () => (await page.locator(".deed-done").count()) === 2);
    expect(await row(8).count()).toBe(1);
    await page.context().close();
  });

  test("nothing is green while what is shown does not reflect it, however long the twin takes", async () => {
    const page = await open("/discrepancies?kind=misread");
    const row = page.locator(".discrepancy", { hasText: "9521234000014" });
    await row.waitFor();
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/api/v1/discrepancies?*", async (route) => {
      await released;
      await route.continue();
    });
    await row.getByRole("button", { name: /^Settle/ }).click();
    await page.getByRole("button", { name: "A test scan" }).click();
    await page.getByLabel("Your name").fill("Anna");
    await page.keyboard.press("Enter");
    await page.locator(".deed-saved", { hasText: "Saved, not judged yet" }).waitFor();
    expect(await page.locator(".deed-mark-done").count()).toBe(0);
    release();
    await page.locator(".deed-done").waitFor();
    await page.context().close();
  });

  test("a discrepancy is settled without a mouse, and the keyboard stays where it was", async () => {
    await warehouse.scanRaw("]d22539521234000015N00001P01");
    const page = await open("/discrepancies?kind=misread");
    await page.locator(".discrepancy", { hasText: "9521234000015" }).waitFor();
    const label = () => page.evaluate("document.activeElement?.getAttribute('aria-label') ?? ''");
    await until("Tab reaches the button", async () => {
      await page.keyboard.press("Tab");
      return /^Settle: Misread.*9521234000015/.test(String(await label()));
    });
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await label()).toMatch(/^Settle: Misread/);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("Not this");
    // As who is faster than the page draws itself: it is closed, and asked for at once.
    await page.evaluate("document.querySelector('dialog').close(); document.activeElement.click()");
    await page.getByRole("dialog").waitFor();
    expect(await page.getByRole("textbox").first().inputValue()).toBe("");
    await page.keyboard.type("An old label");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Anna");
    await page.keyboard.press("Enter");
    await page.locator(".deed-done", { hasText: "9521234000015" }).waitFor();
    await page.context().close();
  });

  test("on a phone what is chosen and what can be typed into is seen, and a thumb hits all of it", async () => {
    const page = await open("/discrepancies?status=resolved", PHONE);
    await page.locator(".chip").first().waitFor();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const seen = (await page.evaluate(CONTRASTS)) as Readonly<Record<string, number>>;
      expect(Object.keys(seen)).toEqual(["chosen", "field", "search"]);
      for (const [what, ratio] of Object.entries(seen))
        expect([colorScheme, what, ratio]).toEqual([colorScheme, what, expect.toSatisfy(isSeen)]);
    }
    expect(await page.evaluate(LOWEST_TARGET)).toBeGreaterThanOrEqual(44);
    await follow(page, `/${pageKey(2)}`);
    await page.locator(".copied").first().waitFor();
    expect(await page.evaluate(LOWEST_TARGET)).toBeGreaterThanOrEqual(44);
    await page.context().close();
  });

  test("each of these pages fits a phone and a desk, by day and by night, and axe finds nothing", async () => {
    const pages = [
      ["settle", "/discrepancies", ".discrepancy"],
      ["settled", "/discrepancies?status=resolved", ".discrepancy"],
      ["documents", "/documents", ".document"],
      ["document", "/documents?id=N00002", ".document-lost"],
      ["gates", "/gates", ".gate"],
      ["item", `/${pageKey(4)}`, ".timeline > li"],
      [
        "item-then",
        `/${pageKey(1)}?at=${warehouse.instant()}&known=${warehouse.instant()}`,
        ".hindsight",
      ],
      ["missing", `/${pageKey(12)}`, ".discrepancy"],
    ] as const;
    await warehouse.state("discrepancies/resolutions", {
      ...{ kind: "unknown_identifier", subject: pageId(6), reason: "agreed", by: "Boris" },
    });
    const found: string[] = [];
    for (const [look, size] of [
      ["desk", DESK],
      ["phone", PHONE],
    ] as const) {
      const page = await open("/gateways", size);
      const judge = async (name: string) => {
        const broken = await violationsDayAndNight(page, async (colorScheme) => {
          const wider = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          expect({ name, look, wider }).toEqual({ name, look, wider: 0 });
          await screenshot(page, `${name}-${look}-${colorScheme}`);
        });
        for (const one of broken) found.push(`${name} ${look} ${one}`);
      };
      for (const [name, path, content] of pages) {
        await follow(page, path);
        await page.locator(content).first().waitFor();
        await judge(name);
        if (name !== "settle") continue;
        await page
          .getByRole("button", { name: /^Settle/ })
          .first()
          .click();
        await page.getByRole("dialog").waitFor();
        await judge("dialog");
        await page.keyboard.press("Escape");
        await page.getByRole("dialog").waitFor({ state: "detached" });
      }
      await page.context().close();
    }
    expect(found).toEqual([]);
  }, 120_000);

  test("no request left for another host, and nothing was refused, broken or complained about", () => {
    const { requests, complaints } = browser.witness;
    expect([...new Set(requests.map((address) => new URL(address).origin))]).toEqual([
      warehouse.url,
    ]);
    expect(complaints).toEqual([]);
  });
});

/** WCAG 1.4.11. */
const isSeen = (ratio: number) => ratio >= 3;

/** Of each edge against what is beside it, the lesser. */
const CONTRASTS = `(() => {
  const drawing = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (color) => {
    drawing.fillStyle = color;
    drawing.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...drawing.getImageData(0, 0, 1, 1).data].map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const ground = light(getComputedStyle(document.documentElement).backgroundColor);
  const edge = (selector) => {
    const style = getComputedStyle(document.querySelector(selector));
    const line = light(style.borderTopColor);
    return Math.min(ratio(line, ground), ratio(line, light(style.backgroundColor)));
  };
  return { chosen: edge(".chip input:checked + span"), field: edge("select.field"), search: edge(".find form") };
})()`;

/** In CSS pixels, of all that is meant to be tapped on the page itself. */
const LOWEST_TARGET = `Math.min(...[...document.querySelectorAll("main :is(.button, .chip span, .copied)")]
  .map((one) => one.getBoundingClientRect().height).filter((height) => height > 0))`;
