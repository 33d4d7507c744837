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
    warehouse = await openSmallWarehouse(folder);
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
      const [wide, seen] = [
        await page.evaluate("document.documentElement.scrollWidth"),
        await page.evaluate("innerWidth"),
      ];
      expect(Number(wide)).toBeLessThanOrEqual(Number(seen));
      await page.context().close();
    }, 90_000);

  test("does the same from a command line", async () => {
    const file = join(folder, "persons.csv");
    writeFileSync(file, "id,name\n(8018)952123400000000772,Anna\n");
    const to = ["--twin", warehouse.url];
    const first = await run(["register", "import", "persons", file, "--json", ...to]);
    expect(JSON.parse(first.stdout)).toMatchObject({ rows: 1, recorded: 1, problems: [] });
    const listed = await run(["register", "list", "persons", "--json", ...to]);
    expect(JSON.parse(listed.stdout)).toEqual({ id: "(8018)952123400000000772", name: "Anna" });
    writeFileSync(file, "id\n(8018)952123400000000773\n");
    const wrong = await run(["register", "import", "persons", file, "--preview", ...to]);
    expect([wrong.status, wrong.stdout]).toEqual([
      1,
      expect.stringMatching(/^2 {2}id .*check digit/),
    ]);
  }, 90_000);
});
