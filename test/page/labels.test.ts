/** A person prints labels: new ones for a document, those of a thing that is there, and commands. */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cutOut, hasReaders, readByZxing, renderPdf } from "../support/label-readers.ts";
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

describe.skipIf(!hasBrowser)("a person who prints labels", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;
  let printer: Server;
  const printed: string[] = [];
  let isSlow = false;
  const slow: Socket[] = [];

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-labels-"));
    printer = createServer({ allowHalfOpen: true }, (socket) => {
      let heard = "";
      socket.on("data", (chunk) => {
        heard += chunk.toString();
      });
      socket.on("end", () => {
        printed.push(heard);
        if (isSlow) slow.push(socket);
        else socket.end();
      });
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => printer.listen(0, "127.0.0.1", resolve));
    const { port } = printer.address() as { port: number };
    const labels = `labels:
  companyPrefix: "9521234"
  pages: { type: "(253)9521234000013" }
  folders: { type: "(8003)09521234005001" }
  printers:
    - { id: desk, name: Printer at the desk, host: 127.0.0.1, port: ${port}, asksState: false, label: { width: 70, height: 37 } }
`;
    warehouse = await openSmallWarehouse(folder, labels);
    browser = await openBrowser();
    await warehouse.scan(pageId(1), folderId(1), PLACE.shelf1);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    printer?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ["desktop", DESK],
    ["phone", PHONE],
  ] as const)(
    "numbers pages of a new document, sees them, and saves them as PDF, at a %s",
    async (look, options) => {
      const document = look === "phone" ? "N00078" : "N00077";
      const page = await browser.open(`${warehouse.url}/`, options);
      await goToLabels(page, look);
      await page.getByLabel("Number of the document").fill(document);
      await page.getByLabel("How many pages").fill("3");
      await page.getByRole("button", { name: "Number the labels" }).click();
      await page.getByText("3 labels on 1 sheet").waitFor();
      const image = page.getByRole("img", { name: "Sheet 1 of 1" });
      await image.waitFor();
      await until("the preview is drawn", () =>
        image.evaluate((one) => (one as unknown as { naturalWidth: number }).naturalWidth > 0),
      );
      expect(await violations(page)).toEqual([]);
      expect(await isWiderThanScreen(page)).toBe(false);
      await screenshot(page, `labels-${look}`);

      const saving = page.waitForEvent("download");
      await page.getByRole("button", { name: "Save as PDF" }).click();
      const pdf = await readFile(await (await saving).path());
      await page.getByText("Saved. Print it at 100 %").waitFor();
      if (hasReaders)
        await holds(pdf, folder, [`${document}P01`, `${document}P02`, `${document}P03`]);

      const { documents } = await warehouse.ask("documents", { id: document });
      expect(documents[0].pages).toHaveLength(3);
      await page.context().close();
    },
    90_000,
  );

  test("prints the label of a thing from its page at the warehouse's printer", async () => {
    const page = await browser.open(`${warehouse.url}/8003/09521234005001F0001`);
    await page.getByRole("link", { name: "Print labels" }).click();
    await page.getByText("1 label on 1 sheet").waitFor();
    await page.getByLabel("Where to").selectOption({ label: "Printer at the desk" });
    await page.getByLabel("Copies").fill("2");
    await page.getByRole("button", { name: "Print", exact: true }).click();
    await page.getByText("The printer has taken all labels.").waitFor();
    await until("the printer has it", () => printed.length === 1);
    expect(printed[0]).toContain("^FDF0001^FS");
    expect(printed[0]).toContain("^PQ2");
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  }, 60_000);

  test("is told when a slow printer has taken the labels, long after the twin's first answer", async () => {
    const page = await browser.open(
      `${warehouse.url}/labels?id=${encodeURIComponent(folderId(1))}`,
    );
    await page.getByLabel("Where to").selectOption({ label: "Printer at the desk" });
    // It keeps each connection for as long as the twin lets it: these stand before the person's.
    isSlow = true;
    const job = { ids: [folderId(1)], carrier: "datamatrix", printer: "desk", copies: 1 };
    const before = Array.from({ length: 7 }, () => warehouse.state("labels/prints", job));
    await until("they wait for the printer", async () => {
      const { prints } = await warehouse.ask("labels/prints", {});
      return prints.filter(({ state }: { state: string }) => state === "sending").length === 7;
    });
    await page.getByRole("button", { name: "Print", exact: true }).click();
    await page.getByText("It is still being sent.").waitFor();
    await page.getByText("The printer has taken all labels.").waitFor();
    await Promise.all(before);
    isSlow = false;
    for (const socket of slow) socket.destroy();
    await page.context().close();
  }, 60_000);

  test("is offered no new numbers where they may make none, and prints what there is", async () => {
    await warehouse.state("users", { name: "otto", role: "operator" });
    const page = await browser.open(`${warehouse.url}/labels`, PHONE, "otto");
    await page.getByText("New labels are numbered by archivists.").waitFor();
    expect(await page.getByRole("radio", { name: "New", exact: true }).count()).toBe(0);
    expect(await page.getByRole("button", { name: "Number the labels" }).count()).toBe(0);
    await page.getByLabel("Pages of a document: its number").fill("N00001");
    await page.keyboard.press("Enter");
    await page.getByText("2 labels on 1 sheet").waitFor();
    expect(await violations(page)).toEqual([]);
    await page.goto(`${warehouse.url}/414/9521234001003/254/R1`);
    await page.getByRole("link", { name: "Print labels" }).waitFor();
    expect(await page.getByRole("link", { name: "New labels here" }).count()).toBe(0);
    await page.context().close();
  }, 60_000);

  test("is told that a printer cannot be reached, and that nothing was printed", async () => {
    const page = await browser.open(
      `${warehouse.url}/labels?id=${encodeURIComponent(folderId(1))}`,
    );
    await page.getByLabel("Where to").selectOption({ label: "Printer at the desk" });
    await new Promise((resolve) => printer.close(resolve));
    await page.getByRole("button", { name: "Print", exact: true }).click();
    await page.getByRole("alert").getByText("The printer cannot be reached").waitFor();
    await page.context().close();
  }, 60_000);

  test("works by keyboard alone, and sees the command barcodes in the language of the page", async () => {
    const page = await browser.open(`${warehouse.url}/labels`, { ...DESK, locale: "de-DE" });
    await page.getByRole("radio", { name: "Neue", exact: true }).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await page.getByText("19 Etiketten auf 1 Bogen").waitFor();
    const src = await page.getByRole("img", { name: "Bogen 1 von 1" }).getAttribute("src");
    expect(decodeURIComponent(src ?? "")).toContain("Inventur");
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  }, 60_000);

  test("is told what does not fit, and which label would hold it", async () => {
    const page = await browser.open(`${warehouse.url}/documents?id=N00001`);
    await page.getByRole("link", { name: "Print labels: N00001" }).click();
    await page.getByText("2 labels on 1 sheet").waitFor();
    await page.getByLabel("Where to").selectOption({ label: "50 × 25 mm" });
    await page.getByText("2 labels on 2 sheets").waitFor();
    await page.getByRole("button", { name: "The next sheet" }).click();
    await page.getByRole("img", { name: "Sheet 2 of 2" }).waitFor();
    await page.getByRole("radio", { name: "GS1-128" }).click();
    await page.getByText("needs a label of 67.1 × 15.7 mm").waitFor();
    await page.context().close();
  }, 60_000);
});

async function goToLabels(page: Page, look: "desktop" | "phone"): Promise<void> {
  if (look === "phone") await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("link", { name: "Labels" }).locator("visible=true").click();
  await page.getByRole("heading", { name: "Labels", level: 1 }).waitFor();
}

function isWiderThanScreen(page: Page): Promise<boolean> {
  return page.evaluate(
    "document.documentElement.scrollWidth > document.documentElement.clientWidth",
  );
}

/** The sheet is A4 with 3 × 8 labels: each is cut out and read by itself. */
async function holds(pdf: Uint8Array, folder: string, serials: readonly string[]): Promise<void> {
  const into = mkdtempSync(join(folder, "pdf-"));
  const [sheet = ""] = await renderPdf(pdf, into, 300);
  const files = serials.map((_, n) =>
    cutOut(sheet, { x: n * 70, y: 0.5, width: 70, height: 37 }, 300, join(into, `${n}.pgm`)),
  );
  const read = await readByZxing(files, "DataMatrix");
  expect(read).toEqual(
    serials.map((serial) => ({ data: `2539521234000013${serial}`, isGs1: true })),
  );
}
