/** A person who keeps the master data: takes a list away, brings it back with mistakes, then without. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../support/command.ts";
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
import { openSmallWarehouse, PLACE, type SmallWarehouse } from "./small-warehouse.ts";

describe.skipIf(!hasBrowser)("a person who keeps the master data", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-register-page-"));
    warehouse = await openSmallWarehouse(
      folder,
      "policies: { documentLevels: { invoice: received } }\n",
    );
    browser = await openBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [size, look] of [
    ["a desk", DESK],
    ["a phone", PHONE],
  ] as const)
    test(`takes the places away and brings them back on ${size}`, async () => {
      const name = `Shelf of ${size}`;
      const page = await browser.open(`${warehouse.url}/register?list=places`, look);
      await page.getByRole("row", { name: /Moscow DC/ }).waitFor();
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "Download as CSV" }).click(),
      ]);
      const file = join(folder, "places.csv");
      await download.saveAs(file);
      const table = readFileSync(file, "utf8");
      expect(table).toContain(PLACE.shelf1);

      writeFileSync(file, table.replace("site,Moscow DC", "cupboard,Moscow DC"));
      await page.getByLabel("CSV file").setInputFiles(file);
      await page.getByText("1 mistake; nothing was changed.").first().waitFor();
      await page.getByRole("row", { name: /kind .*cupboard/ }).waitFor();
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `register-${look.viewport.width}`);

      const right = join(folder, `${look.viewport.width}.csv`);
      writeFileSync(right, table.replace(/(R1-S1,shelf,)[^,]*/, `$1${name}`));
      await page.getByLabel("CSV file").setInputFiles(right);
      await page.getByText(/rows, no mistake/).waitFor();
      await page.getByRole("button", { name: "Take it in" }).click();
      await page.getByText(/rows read, 1 of them new/).waitFor();
      await page.reload();
      await page.getByRole("row", { name: new RegExp(name) }).waitFor();
      if (size === "a phone") {
        // Each row is a card: nothing of it stands off the screen, and its name comes first.
        const cut = await page.evaluate(
          `[...document.querySelectorAll(".cards")].map((one) => one.parentElement)
            .filter((one) => one.scrollWidth > one.clientWidth).length`,
        );
        expect(cut).toBe(0);
        const card = page.getByRole("row", { name: new RegExp(name) });
        const top = async (text: string) =>
          (await card.getByText(text, { exact: true }).boundingBox())?.y ?? 0;
        expect(await top(name)).toBeLessThan(await top(PLACE.shelf1));
      }
      const [wide, seen] = [
        await page.evaluate("document.documentElement.scrollWidth"),
        await page.evaluate("document.documentElement.clientWidth"),
      ];
      expect(Number(wide)).toBeLessThanOrEqual(Number(seen));
      await page.context().close();
    }, 90_000);

  for (const [size, look] of [
    ["a desk", DESK],
    ["a phone", PHONE],
  ] as const)
    test(`adds a shelf, sets a scanner to another step and names the class of a document, on ${size}`, async () => {
      const n = look.viewport.width;
      const shelf = `(414)9521234001003(254)R1-N${n}`;
      const page = await browser.open(`${warehouse.url}/register?list=places`, look);
      await page.getByRole("button", { name: "Add a row" }).click();
      const adding = page.getByRole("dialog", { name: "New place" });
      await adding.getByLabel("Id").fill("(414)9521234001004(254)R1");
      await adding.getByLabel("Kind").selectOption({ label: "Shelf" });
      await adding.getByLabel("Name").fill(`Shelf, "new" ${n}`);
      await adding.getByLabel("Is in").fill("(414)9521234001003(254)R1");
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `register-row-${n}`);
      await adding.getByRole("button", { name: "Save" }).click();
      await adding.getByText(/check digit/).waitFor();
      expect(await adding.getByLabel("Id").getAttribute("aria-invalid")).toBe("true");
      await adding.getByLabel("Id").fill(shelf);
      await page.keyboard.press("Enter");
      await page.getByText("Saved.", { exact: true }).waitFor();
      await page.getByRole("row", { name: `Shelf, "new" ${n}` }).waitFor();
      expect((await warehouse.ask("where", { id: shelf })).path[0].key).toBe(
        "414/9521234001003/254/R1",
      );

      await page.getByText("Scanners", { exact: true }).click();
      await page.getByRole("button", { name: "Change: gw-test scn-1" }).click();
      const scanner = page.getByRole("dialog", { name: "Change a scanner" });
      expect(await scanner.getByLabel("Id").getAttribute("readonly")).not.toBeNull();
      const step = size === "a desk" ? "Inspect" : "Unpack";
      await scanner.getByLabel("Step").selectOption({ label: step });
      await scanner.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved.", { exact: true }).waitFor();
      const { rows } = await warehouse.ask("register", { list: "scanners" });
      expect(rows[0].step).toBe(size === "a desk" ? "inspecting" : "unpacking");

      await page.getByText("Documents", { exact: true }).last().click();
      await page.getByRole("row", { name: /^invoice By a tick/ }).waitFor();
      await page.getByRole("row", { name: /^All others Page by page/ }).waitFor();
      await page.getByRole("link", { name: "Document classes" }).click();
      await page.getByRole("button", { name: "Add a row" }).click();
      const saying = page.getByRole("dialog", { name: "New word on a class" });
      await saying.getByLabel("Class").fill(`memo-${n}`);
      await saying.getByLabel("Level").selectOption({ label: "By a tick" });
      await saying.getByLabel("For what is issued since").fill("tomorrow");
      expect(await violations(page)).toEqual([]);
      await saying.getByRole("button", { name: "Save" }).click();
      await saying.getByText(/not written as it has to be/).waitFor();
      await saying.getByLabel("For what is issued since").fill("2026-01-01");
      await saying.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved.", { exact: true }).waitFor();
      await page.getByRole("button", { name: `Change: memo-${n}` }).click();
      const changing = page.getByRole("dialog", { name: "Change a class" });
      expect(await changing.getByLabel("For what is issued since").inputValue()).toBe("");
      await changing.getByLabel("Level").selectOption({ label: "Not followed" });
      await changing.getByRole("button", { name: "Save" }).click();
      const steps = new RegExp(`^memo-${n} Not followed By a tick: .* Not followed:`);
      await page.getByRole("row", { name: steps }).waitFor();
      expect(await page.getByRole("button", { name: `Change: memo-${n}` }).count()).toBe(2);
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `register-classes-${n}`);

      await page.getByText("Documents", { exact: true }).last().click();
      await page.getByRole("button", { name: "Change: N00004" }).click();
      const document = page.getByRole("dialog", { name: "Change a document" });
      await document.getByLabel("Class").fill(`waybill-${n}`);
      await document.getByRole("button", { name: "Save" }).click();
      await page.getByText("Saved.", { exact: true }).waitFor();
      const { documents } = await warehouse.ask("documents", { id: "N00004" });
      expect([documents[0].class, documents[0].pages.length]).toEqual([`waybill-${n}`, 1]);

      await page.getByText(/^\d+ events since .*, all in the evidence\.$/).waitFor();
      expect(await violations(page)).toEqual([]);
      await screenshot(page, `register-documents-${n}`);
      const wider = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      expect(wider).toBe(0);
      await page.context().close();
    }, 90_000);

  test("says who a debtor is, and finds what that party owes by its name", async () => {
    const issued = new Date(Date.now() - 1_000).toISOString();
    const due = new Date(Date.now() + 86_400_000).toISOString();
    const debtor = "https://id.gs1.org/417/9521234000808";
    await warehouse.state("obligations", { document: "N00001", issued, due, debtor });
    await warehouse.state("obligations", { document: "N00002", issued, due, debtor: "Zapad" });
    const page = await browser.open(`${warehouse.url}/register?list=parties`, PHONE);
    await page.getByRole("button", { name: "Add a row" }).click();
    const adding = page.getByRole("dialog", { name: "New party" });
    await adding.getByLabel("Id").fill("(417)9521234000808");
    await adding.getByLabel("Name").fill("Vostok Trade");
    await adding.getByLabel("Account manager").fill("Boris");
    expect(await violations(page)).toEqual([]);
    await adding.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.", { exact: true }).waitFor();
    await page.getByRole("row", { name: /9521234000808 Vostok Trade Boris/ }).waitFor();

    await page.locator("[role=combobox]").fill("vostok");
    await page.getByRole("option", { name: "Vostok Trade Party" }).click();
    await page.getByRole("link", { name: "Owed by Vostok Trade" }).waitFor();
    expect(await page.locator(".document").count()).toBe(1);
    await page.locator(".document", { hasText: "N00001" }).getByText("Vostok Trade").waitFor();
    await page.getByRole("heading", { name: "Debts by customer" }).waitFor();
    await page.getByRole("row", { name: /^Vostok Trade Boris 1/ }).waitFor();
    await page.getByRole("row", { name: /^Zapad nobody said 1/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await screenshot(page, "party-owes");
    const told = await run(["debts", "--twin", warehouse.url]);
    expect(told.stdout.split("\n").map((line) => line.slice(0, line.indexOf(":")))).toEqual(
      expect.arrayContaining(["Vostok Trade (Boris)", "Zapad (nobody sees to it)"]),
    );
    await page.context().close();
  }, 90_000);

  test("is offered no change where they may make none", async () => {
    await warehouse.state("users", { name: "vera", role: "operator" });
    const page = await browser.open(`${warehouse.url}/register?list=places`, DESK, "vera");
    await page.getByRole("row", { name: /Moscow DC/ }).waitFor();
    expect(await page.getByRole("button", { name: /Add a row|Change/ }).count()).toBe(0);
    await page.context().close();
  });

  test("does the same from a command line", async () => {
    const file = join(folder, "persons.csv");
    writeFileSync(file, "id,name\n(8018)952123400000000772,Anna\n");
    const to = ["--twin", warehouse.url];
    const first = await run(["register", "import", "persons", file, "--json", ...to]);
    expect(JSON.parse(first.stdout)).toMatchObject({ rows: 1, recorded: 1, problems: [] });
    const listed = await run(["register", "list", "persons", "--json", ...to]);
    expect(JSON.parse(listed.stdout)).toEqual({ id: "(8018)952123400000000772", name: "Anna" });
    const classes = join(folder, "classes.csv");
    writeFileSync(classes, "class,level,from\ncmr,received,2026-03-01\n");
    const said = await run(["register", "import", "documentClasses", classes, "--json", ...to]);
    expect(JSON.parse(said.stdout)).toMatchObject({ recorded: 1 });
    const levels = await run(["register", "classes", ...to]);
    expect(levels.stdout).toMatch(
      /^cmr {2}received; received for what is issued since 2026-03-01 00:00:00 UTC$/m,
    );
    expect(levels.stdout).toMatch(/^invoice {2}received$/m);
    const asJson = JSON.parse((await run(["register", "classes", "--json", ...to])).stdout);
    expect(asJson.others).toMatchObject({ class: "*", level: "tracked" });
    writeFileSync(file, "id\n(8018)952123400000000773\n");
    const wrong = await run(["register", "import", "persons", file, "--preview", ...to]);
    expect([wrong.status, wrong.stdout]).toEqual([
      1,
      expect.stringMatching(/^2 {2}id .*check digit/),
    ]);
  }, 90_000);
});
