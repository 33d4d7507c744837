/**
 * A person with a browser in front of the real twin. What is scanned is sent through the wire
 * contract by a real MQTT client; nothing of the page or the twin is pretended.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "../support/until.ts";
import { violations, violationsDayAndNight } from "./axe.ts";
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
  symbol,
} from "./small-warehouse.ts";

const MINUTE_MS = 60_000;
const CABLE = "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0";
const ENVELOPE = "(00)095212340000000013";

describe.skipIf(!hasBrowser)("the page of the twin", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-page-"));
    warehouse = await openSmallWarehouse(folder);
    browser = await openBrowser();
    await warehouse.scan(pageId(1), pageId(2), folderId(1), PLACE.shelf1);
    await warehouse.scan(folderId(2), PLACE.shelf2);
    const now = Date.now();
    const lastHour = Array.from({ length: 120 }, (_, n) => ({
      timeMs: now - (120 - n) * (MINUTE_MS / 2),
      value: 20 + Math.sin(n / 12),
    }));
    await warehouse.read("climate-1", "temperature", "Cel", lastHour);
    await warehouse.deviceIs("scn-1", "open", "");
    await warehouse.deviceIs("scn-2", "open", "");
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (path: string, look?: Parameters<Browser["open"]>[1]) =>
    browser.open(warehouse.url + path, look);

  test("the page travels compressed", async () => {
    const html = await fetch(warehouse.url, { headers: { "accept-encoding": "br" } });
    expect(html.headers.get("content-encoding")).toBe("br");
    const script = /src="([^"]+)"/.exec(await html.text())?.[1];
    const headers = { "accept-encoding": "gzip" };
    const code = await fetch(new URL(script ?? "", warehouse.url), { headers });
    expect(code.headers.get("content-encoding")).toBe("gzip");
    expect(code.headers.get("cache-control")).toContain("immutable");
    expect(await code.text()).toContain("racktrace");
  });

  test("a page's path is shown from the site down to its folder", async () => {
    const page = await open(`/${pageKey(1)}`);
    await showsPath(page, ["Moscow DC", "Archive", "R1", "R1-S1", "F0001", "N00001P01"]);
    expect(await page.locator(".facts").textContent()).toMatch(/Certainty(Observed|Inferred)/);
    await page.locator(".place .evidence summary").click();
    await page
      .locator(".place .raw", { hasText: "N00001P01" })
      .or(page.locator(".place .raw", { hasText: "F0001" }))
      .first()
      .waitFor();
    expect(await page.locator(".place .evidence").textContent()).toContain("gw-test");
    await page.context().close();
  });

  test("a scan becomes visible on the open live page without loading it again", async () => {
    const page = await open("/");
    await page.getByText("Live", { exact: true }).last().waitFor();
    const row = page.locator(".feed-moved").filter({ hasText: "N00003P01" });
    const shown = row.first().waitFor();
    const startedMs = performance.now();
    await warehouse.scan(pageId(3), folderId(1));
    await shown;
    process.stderr.write(
      `scan sent to visible: ${Math.round(performance.now() - startedMs)} ms (acknowledgement included)\n`,
    );
    expect(await row.first().textContent()).toContain("F0001");
    await page.context().close();
  });

  test("a scan that may be one sent again is said to be so, live and in its evidence", async () => {
    const page = await open("/");
    await page.getByText("Live", { exact: true }).last().waitFor();
    await warehouse.scan(pageId(41));
    await warehouse.scanSuspected(pageId(41));
    await warehouse.scan(folderId(1));
    const suspicion = "may be the scan before it, sent again";
    await page.locator(".feed-row").filter({ hasText: suspicion }).first().waitFor();
    const { events } = await warehouse.ask("events", { after: "0", limit: "5000" });
    const suspected = events.filter(
      ({ scan }: { scan?: { suspectedRepeat: boolean } }) => scan?.suspectedRepeat,
    );
    expect(suspected).toMatchObject([{ scan: { text: expect.stringContaining("N00041P01") } }]);
    await page.context().close();
  });

  test("a device that is pulled and put back is told live, in the gateway's words", async () => {
    const page = await open("/");
    await page.getByText("Live", { exact: true }).last().waitFor();
    await warehouse.deviceIs("scn-2", "absent", `${CABLE} was unplugged`);
    const row = page.locator(".feed-row").filter({ hasText: "scn-2" });
    await row.filter({ hasText: "Not there" }).filter({ hasText: "was unplugged" }).waitFor();
    await warehouse.deviceIs("scn-2", "opening", "");
    await warehouse.deviceIs("scn-2", "open", "");
    await row.filter({ hasText: "Works" }).first().waitFor();
    expect(await row.filter({ hasText: "Being opened" }).count()).toBe(0);
    await page.context().close();
  });

  test("a page that is opened later begins with what happened lately", async () => {
    const page = await open("/");
    await page.locator(".feed-moved").filter({ hasText: "N00003P01" }).first().waitFor();
    await page.context().close();
  });

  test("the open page of a thing follows it, and its history keeps where it was", async () => {
    await warehouse.scan(pageId(4), folderId(1));
    const page = await open(`/${pageKey(4)}`);
    await showsPath(page, ["Moscow DC", "Archive", "R1", "R1-S1", "F0001", "N00004P01"]);
    const before = warehouse.instant();

    await warehouse.scan(pageId(4), folderId(2));
    await showsPath(page, ["Moscow DC", "Archive", "R1", "R1-S2", "F0002", "N00004P01"]);
    await until("both stays are in the history", async () => {
      return (await page.locator(".timeline > li").count()) === 2;
    });

    await page.goto(`${warehouse.url}/${pageKey(4)}?at=${before}`);
    await showsPath(page, ["Moscow DC", "Archive", "R1", "R1-S1", "F0001", "N00004P01"]);
    expect(await page.getByText("Where it was").isVisible()).toBe(true);
    await page.getByRole("button", { name: "Back to now" }).click();
    await showsPath(page, ["Moscow DC", "Archive", "R1", "R1-S2", "F0002", "N00004P01"]);
    await page.context().close();
  });

  test("an envelope tells who has it, since when, and what its carrier said on the way", async () => {
    const bound = { id: ENVELOPE, carrier: "DHL", tracking: "JJD0009" };
    await warehouse.state("labels", { ...bound, time: warehouse.instant() });
    await warehouse.scanRaw("CMD:STEP:departing");
    await warehouse.scan(ENVELOPE);
    await warehouse.scanRaw("CMD:STEP:storing");
    const page = await browser.open(`${warehouse.url}/${ENVELOPE.replace("(00)", "00/")}`);
    const held = page.locator(".facts > div", { hasText: "Held by" });
    await held.getByText("DHL").waitFor();
    expect(await held.textContent()).toMatch(/since \d/);
    for (const [status, place] of [
      ["transit", "Leipzig"],
      ["delivered", "Moscow"],
    ] as const)
      await warehouse.state("checkpoints", {
        ...{ id: ENVELOPE, carrier: "DHL", status, place },
        time: new Date().toISOString(),
      });
    // Of another shipment: it says nothing of this one.
    await warehouse.state("checkpoints", {
      ...{ id: ENVELOPE, carrier: "DHL", status: "transit", place: "Madrid", matches: false },
      time: new Date().toISOString(),
    });
    const track = page.getByRole("region", { name: "What the carrier said" });
    await track.getByText("Delivered").waitFor();
    const told = await track.locator(".track > li").allTextContents();
    expect(told.map((line) => /Moscow|Leipzig|Madrid/.exec(line)?.[0])).toEqual([
      "Moscow",
      "Leipzig",
    ]);
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  test("the open page of a folder shows what comes in and what leaves", async () => {
    await warehouse.scan(pageId(5), folderId(2));
    const page = await open("/8003/09521234005001F0002");
    const contents = page.locator(".contents");
    await contents.getByText("N00005P01").waitFor();
    await warehouse.scan(pageId(6), folderId(2));
    await contents.getByText("N00006P01").waitFor();
    await warehouse.scan(pageId(5), folderId(1));
    await contents.getByText("N00005P01").waitFor({ state: "detached" });
    await page.context().close();
  });

  test.each([
    ["a raw scan with its AIM identifier", symbol(pageId(1))],
    ["a bracketed element string", pageId(1)],
    ["a Digital Link of any host", `https://example.com/${pageKey(1)}`],
    ["a plain serial", "N00001P01"],
    ["the beginning of a serial", "N00001P"],
  ])("the box finds a page by %s", async (_form, text) => {
    const page = await open("/gateways");
    await page.keyboard.press("/");
    await page.keyboard.insertText(text);
    await page.getByRole("option").filter({ hasText: "N00001P01" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "N00001P01" }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/${pageKey(1)}`);
    await page.context().close();
  });

  test("a scanner that types and presses Enter at once gets to the thing", async () => {
    const page = await open("/");
    await page.keyboard.press("/");
    await page.keyboard.type(`${symbol(pageId(2))}\n`);
    await page.getByRole("heading", { level: 1, name: "N00002P01" }).waitFor();
    await page.context().close();
  });

  test("a scan is found with the separator GS, which is shown", async () => {
    const page = await open("/");
    const box = page.getByRole("combobox");
    await box.fill(`${symbol(pageId(1))}\u001d10LOT`);
    // What the page found it found by what it drew.
    await page.getByRole("option").filter({ hasText: "N00001P01" }).waitFor();
    expect(await box.inputValue()).toBe(`${symbol(pageId(1))}\u241d10LOT`);
    await page.context().close();
  });

  test("what is not there is said plainly, and a misread says which check failed", async () => {
    const page = await open("/");
    const box = page.getByRole("combobox");
    await box.fill("N99999P01");
    await page.getByText("Not found").waitFor();
    await box.fill("(253)9521234000014N00001P01");
    await page.getByText("Misread: scan it again").waitFor();
    await page.getByText("It was not read right. Scan it again").waitFor();
    expect(await page.locator(".find-none [lang=en]").textContent()).toMatch(/check digit/i);
    await page.context().close();
  });

  test("a misread is said in the reader's language, and what only the twin can say is marked as English", async () => {
    const page = await open("/", { ...PHONE, locale: "de-DE" });
    const box = page.getByRole("combobox", { name: /Seite, Dokument, Person oder Ort/ });
    expect(await box.getAttribute("placeholder")).toBe("Alles suchen");
    await box.fill("(253)9521234000014N00001P01");
    await page.getByText("Falsch gelesen: noch einmal scannen").waitFor();
    await page.getByText("vergleichen Sie mit dem Etikett").waitFor();
    expect(await page.locator(".find-none [lang=en]").textContent()).toMatch(/check digit/i);
    await page.context().close();
  });

  test("the feed stands still when asked to and counts what came meanwhile", async () => {
    const page = await open("/");
    await warehouse.scan(pageId(7), folderId(1));
    await page.locator(".feed-moved").filter({ hasText: "N00007P01" }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await warehouse.scan(pageId(8), folderId(1));
    await page.getByText(/\d+ new/).waitFor();
    expect(await page.locator(".feed-rows").textContent()).not.toContain("N00008P01");
    await page.getByRole("button", { name: "Resume" }).click();
    await page.locator(".feed-moved").filter({ hasText: "N00008P01" }).waitFor();
    await page.context().close();
  });

  test("a scan that nobody understands is shown with the reason", async () => {
    const page = await open("/");
    await page.getByText("Live", { exact: true }).last().waitFor();
    await warehouse.scanRaw("]d22539521234000014N00001P01");
    const row = page.locator(".feed-problem").filter({ hasText: "9521234000014" });
    await row.first().waitFor();
    expect(await row.first().textContent()).toMatch(/check digit/i);
    await page.context().close();
  });

  test("a series is drawn with its unit as people write it, over the chosen span", async () => {
    const page = await open("/sensors");
    await page.getByRole("img", { name: /Temperature of climate-1 over 15 min: .*°C/ }).waitFor();
    await page.locator(".chart canvas").waitFor();
    await page.getByRole("link", { name: "1 h" }).click();
    await page.getByRole("img", { name: /over 1 h/ }).waitFor();
    await warehouse.read("climate-1", "temperature", "Cel", [{ timeMs: Date.now(), value: 33.5 }]);
    await page.getByText("33.5\u202f°C").first().waitFor();
    await page.context().close();
  });

  test("what is allowed is said at the chart, and what is outside of it is an alarm until it is back", async () => {
    const page = await open("/sensors");
    const value = (degrees: number) =>
      warehouse.read("climate-1", "temperature", "Cel", [{ timeMs: Date.now(), value: degrees }]);
    await value(21);
    await page.getByRole("button", { name: "Set the allowed range" }).click();
    await page.getByLabel("Lowest").fill("25");
    await page.getByLabel("Highest").fill("15");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("25 is above the highest, 15").waitFor();
    await page.getByLabel("Lowest").fill("15");
    await page.getByLabel("Highest").fill("25");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("img", { name: /allowed: 15\s°C to 25\s°C/ }).waitFor();

    const live = await open("/");
    await live.getByText("Live", { exact: true }).last().waitFor();
    await value(31.5);
    await page.getByText(/outside its range since/).waitFor();
    await screenshot(page, "sensors-alarm");
    expect(await violations(page)).toEqual([]);
    const begun = live.locator(".feed-problem").filter({ hasText: /31.5\s°C/ });
    await begun.getByText(/allowed: 15\s°C to 25\s°C/).waitFor();
    await live.locator(".live-side").getByText("1 outside").waitFor();
    expect(await violations(live)).toEqual([]);

    await value(22);
    await live
      .locator(".feed-stated")
      .getByText(/within its range again, after/)
      .waitFor();
    await live.getByText("1 outside").waitFor({ state: "detached" });
    await page.getByText(/outside its range since/).waitFor({ state: "detached" });
    await page.context().close();
    await live.context().close();
  });

  test("a gateway is listed with its lanes and how far each was taken in", async () => {
    const page = await open("/gateways");
    const card = page.getByRole("region", { name: "gw-test" });
    await card.getByText("Connected").waitFor();
    expect(await card.textContent()).toMatch(/Scan.*Telemetry|Telemetry.*Scan/s);
    await page.context().close();
  });

  test("a gateway shows how much waits there, and whether its clock is good", async () => {
    const page = await open("/gateways");
    const card = page.getByRole("region", { name: "gw-test" });
    warehouse.waits(1_234);
    await warehouse.scan(pageId(3));
    await card.getByRole("row", { name: /Scan.*1,234/ }).waitFor();
    expect(await card.textContent()).toMatch(/Clock: synchronised, agrees with the twin's/);
    warehouse.waits(0);
    await warehouse.scan(pageId(3));
    await card.getByRole("row", { name: /Scan.*1,234/ }).waitFor({ state: "detached" });
    await page.context().close();
  });

  test("a scanner that is unplugged is shown at its gateway, before those that work", async () => {
    const page = await open("/gateways");
    const devices = page.getByRole("region", { name: "gw-test" }).locator(".devices tbody tr");
    await devices.filter({ hasText: "scn-2" }).getByText("Works").waitFor();
    await warehouse.deviceIs("scn-2", "absent", `${CABLE} is absent`);
    await devices.first().getByText("Not there").waitFor();
    expect(await devices.first().textContent()).toContain("scn-2");
    expect(await devices.first().textContent()).toContain(CABLE);
    expect(await devices.last().textContent()).toMatch(/scn-1.*Works/);
    expect(await violations(page)).toEqual([]);
    await page.setViewportSize(PHONE.viewport);
    expect(
      await page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth",
      ),
    ).toBe(true);
    await screenshot(page, "gateways-devices-phone");
    await page.context().close();
  });

  test("while the twin is away the page says so and since when, and comes back by itself", async () => {
    const page = await open(`/${pageKey(1)}`);
    await page.getByText("Live", { exact: true }).last().waitFor();
    const { complaints } = browser.witness;
    const before = complaints.length;
    await warehouse.killTwin();
    await page.getByText(/Not live/).waitFor();
    await screenshot(page, "lost");
    await warehouse.startTwin();
    await page.getByText(/Not live/).waitFor({ state: "detached" });
    await warehouse.scan(pageId(1), folderId(2));
    await showsPath(page, ["Moscow DC", "Archive", "R1", "R1-S2", "F0002", "N00001P01"]);
    // The browser itself notes each attempt that found nobody; that is what was tested.
    complaints.splice(before);
    await page.context().close();
  });

  test("each page fits a phone and a desk, by day and by night, and axe finds nothing", async () => {
    const found: string[] = [];
    const pages = [
      ["live", "/", ".feed-moved"],
      ["page", `/${pageKey(1)}`, ".timeline"],
      ["folder", "/8003/09521234005001F0001", ".contents"],
      ["sensors", "/sensors", ".chart canvas"],
      ["gateways", "/gateways", ".gateway"],
      ["not-found", "/253/9521234000013N99999P01", ".notice"],
    ] as const;
    for (const [look, size] of [
      ["desk", DESK],
      ["phone", PHONE],
    ] as const) {
      const page = await open("/", size);
      await page.getByText("Live", { exact: true }).last().waitFor();
      await warehouse.scan(pageId(9), folderId(1));
      await warehouse.scan(pageId(9), folderId(2));
      await page.locator(".feed-moved").filter({ hasText: "N00009P01" }).nth(1).waitFor();
      for (const [name, path, content] of pages) {
        // Going there as a link does keeps the feed.
        await follow(page, path);
        await page.locator(content).first().waitFor();
        const broken = await violationsDayAndNight(page, async (colorScheme) => {
          const wider = await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth",
          );
          expect({ name, look, wider }).toEqual({ name, look, wider: 0 });
          await screenshot(page, `${name}-${look}-${colorScheme}`);
        });
        for (const one of broken) found.push(`${name} ${look} ${one}`);
      }
      await page.context().close();
    }
    expect(found).toEqual([]);
  }, 120_000);

  test("no request left for another host, and nothing was refused, broken or complained about", () => {
    const { requests, complaints } = browser.witness;
    const hosts = new Set(requests.map((address) => new URL(address).origin));
    expect([...hosts]).toEqual([warehouse.url]);
    // A question about what is not there is answered with 400 or 404, which a browser notes.
    const serious = complaints.filter(
      (text) => !/status of (400|404).*\/api\/v1\/(where|history)/.test(text),
    );
    expect(serious).toEqual([]);
  });
});

/** Waits until the stack shows these names, from the site down. */
async function showsPath(page: Page, names: readonly string[]): Promise<void> {
  const shown = () => page.locator(".stack b").allTextContents();
  await until(`the path is ${names.join(" > ")}`, async () => {
    return (await shown()).join() === names.join();
  }).catch(async (error: Error) => {
    throw new Error(`${error.message}; it shows ${(await shown()).join(" > ")}`);
  });
}
