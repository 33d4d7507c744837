/** Who stands before the page: nobody, somebody with a password or a link, and what each is offered. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { until } from "../support/until.ts";
import { violations, violationsDayAndNight } from "./axe.ts";
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
  openSmallWarehouse,
  PLACE,
  pageId,
  pageKey,
  type SmallWarehouse,
} from "./small-warehouse.ts";

const PASSWORD = "four words on paper";

describe.skipIf(!hasBrowser)("who stands before the page", { timeout: 120_000 }, () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: Browser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-login-"));
    warehouse = await openSmallWarehouse(folder);
    browser = await openBrowser();
    await warehouse.scan(pageId(1), PLACE.shelf1);
    for (const role of ["viewer", "operator", "archivist"])
      await run(
        [
          ...["user", "add", `some-${role}`, "--role", role, "--person", `Some ${role}`],
          ...["--password-stdin", "--twin", warehouse.url],
        ],
        PASSWORD,
      );
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const asNobody = (path: string, look = DESK as Parameters<Browser["open"]>[1]) =>
    browser.open(warehouse.url + path, look, "nobody");

  test("whoever is not known logs in, and is then where they wanted to be", async () => {
    const page = await asNobody(`/${pageKey(1)}`);
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    expect(await page.getByText("R1-S1").count()).toBe(0);
    // What would only lead back here is not offered.
    expect(await page.getByRole("navigation", { name: "Pages" }).count()).toBe(0);
    expect(await page.getByRole("combobox").count()).toBe(0);
    expect(await page.getByLabel("Name").getAttribute("autocomplete")).toBe("username");
    expect(await page.getByLabel("Password").getAttribute("autocomplete")).toBe("current-password");
    await page.getByLabel("Name").fill("Some-Viewer");
    await page.getByLabel("Password").fill("another password");
    await page.keyboard.press("Enter");
    await page.getByText("There is no such user with such a password.").waitFor();
    await page.getByLabel("Password").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.getByText("R1-S1").first().waitFor();
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
    expect(new URL(page.url()).pathname).toBe(`/${pageKey(1)}`);
    await page.getByRole("button", { name: "Some viewer" }).waitFor();
  });

  test("what a role does not allow is not offered", async () => {
    for (const [role, offered] of [
      ["viewer", false],
      ["operator", false],
      ["archivist", true],
    ] as const) {
      const page = await browser.open(`${warehouse.url}/${pageKey(1)}`, DESK, `some-${role}`);
      await page.getByRole("button", { name: `Some ${role}` }).waitFor();
      await page.getByText("R1-S1").first().waitFor();
      const undo = page.getByRole("button", { name: "Undo the last step" });
      if (offered) await undo.waitFor();
      expect([role, await undo.count()]).toEqual([role, offered ? 1 : 0]);
      await page.context().close();
    }
  });

  test("a link logs in once, and its key is gone from the address at once", async () => {
    const { stdout } = await run(["user", "link", "some-viewer", "--twin", warehouse.url]);
    const link = stdout.trim();
    const page = await browser.open(link, DESK, "nobody");
    await page.getByRole("button", { name: "Some viewer" }).waitFor();
    expect(page.url()).toBe(`${warehouse.url}/`);
    expect(await page.evaluate("document.cookie")).toBe("");
    const again = await browser.open(link, DESK, "nobody");
    await again.getByText("There is no such user with such a password.").waitFor();
    expect(again.url()).toBe(`${warehouse.url}/login`);
  });

  test("whoever logs out, or is disabled while the page is open, stands before the login", async () => {
    const page = await browser.open(`${warehouse.url}/map`, DESK, "some-operator");
    await page.getByRole("button", { name: "Some operator" }).click();
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    const other = await browser.open(`${warehouse.url}/`, DESK, "some-operator");
    await other.getByRole("button", { name: "Some operator" }).waitFor();
    await run(["user", "disable", "some-operator", "--twin", warehouse.url]);
    await other.getByRole("heading", { name: "Log in" }).waitFor();
  });

  test("an administrator adds a user, whose password is shown once; others see no such page", async () => {
    const page = await browser.open(`${warehouse.url}/users`);
    const people = page.getByRole("region", { name: "People" });
    await people.getByLabel("Name").fill("Boris");
    await people.getByLabel("Role", { exact: true }).selectOption("archivist");
    await people.getByRole("button", { name: "Add a user" }).click();
    const password = await page.locator(".secret").innerText();
    expect(password).toMatch(/^([a-z2-9]{4}-){4}[a-z2-9]{4}$/);
    await page.getByLabel("Role of boris").waitFor();
    await page.reload();
    await page.getByLabel("Role of boris").waitFor();
    expect(await page.getByText(password).count()).toBe(0);
    const viewer = await browser.open(`${warehouse.url}/users`, DESK, "some-viewer");
    await viewer.getByText("This page is for administrators.").waitFor();
  });

  test("a phone that was lost is revoked, keeps what it scans, and sends it once it is allowed again", async () => {
    const phone = await browser.open(`${warehouse.url}/scan`, PHONE);
    const typed = async (text: string) => {
      await phone.getByLabel("Type a label").fill(text);
      await phone.keyboard.press("Enter");
    };
    await typed("(253)9521234000013N00061P01");
    await phone.getByText("All scans are saved at the twin.").waitFor();

    const page = await browser.open(`${warehouse.url}/users`);
    const row = page.getByRole("row", { name: /phone-/ });
    await row.getByRole("button", { name: /^Revoke/ }).click();
    await row.getByRole("button", { name: /^Allow again/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await typed("(253)9521234000013N00062P01");
    await phone.getByText("An administrator has revoked this phone.").waitFor();
    expect(await violations(phone)).toEqual([]);
    expect((await warehouse.ask("where", { id: "N00062P01" })).status).toBe(404);

    await row.getByRole("button", { name: /^Allow again/ }).click();
    await row.getByRole("button", { name: /^Revoke/ }).waitFor();
    await phone.getByText("All scans are saved at the twin.").waitFor();
    await until("the scan is in the twin", async () => {
      return (await warehouse.ask("where", { id: "N00062P01" })).status !== 404;
    });
    await phone.context().close();
    await page.context().close();
  }, 60_000);

  test("login, users and password fit a phone and a desk, by day and by night, and axe finds nothing", async () => {
    for (const [size, look] of [
      ["desk", DESK],
      ["phone", PHONE],
    ] as const) {
      const login = await asNobody("/map", look);
      await login.getByRole("heading", { name: "Log in" }).waitFor();
      const users = await browser.open(`${warehouse.url}/users`, look);
      await users.getByLabel("Role of admin").waitFor();
      const own = await browser.open(`${warehouse.url}/password`, look);
      await own.getByLabel("New password").waitFor();
      for (const [name, page] of Object.entries({ login, users, own })) {
        const broken = await violationsDayAndNight(page, async (colorScheme) => {
          const fits =
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth";
          expect(await page.evaluate(fits), `${name} is not cut off`).toBe(true);
          await screenshot(page, `access-${name}-${size}-${colorScheme}`);
        });
        expect(broken, `${name} ${size}`).toEqual([]);
        await page.context().close();
      }
    }
  });
});
