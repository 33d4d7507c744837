/**
 * The camera of the Scan page, in a browser whose camera is a film of labels: the picture goes the whole
 * way, through the decoder's thread under its own policy, to a scan that is saved at the twin.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createPrng, film, photograph } from "../camera/picture.ts";
import { until } from "../support/until.ts";
import { buildPage, hasBrowser } from "./browser.ts";
import { type OwnBrowser, openOwnBrowser } from "./own-browser.ts";
import {
  openSmallWarehouse,
  PLACE,
  pageId,
  type SmallWarehouse,
  symbol,
} from "./small-warehouse.ts";

const PATIENCE = { timeoutMs: 60_000, everyMs: 100 };

describe.skipIf(!hasBrowser)("the camera of the page", () => {
  let folder: string;
  let warehouse: SmallWarehouse;
  let browser: OwnBrowser;

  beforeAll(async () => {
    buildPage();
    folder = mkdtempSync(join(tmpdir(), "racktrace-camera-page-"));
    warehouse = await openSmallWarehouse(folder);
    const prng = createPrng(1);
    const by = { name: "by hand", turnDeg: 6, tiltDeg: 10, noise: 6, contrast: 0.7 };
    const labels = [
      { symbology: "gs1datamatrix", text: pageId(80) },
      { symbology: "gs1-128", text: PLACE.shelf1 },
    ] as const;
    const path = join(folder, "labels.y4m");
    writeFileSync(path, film(labels.map((label) => photograph(label, by, prng))));
    mkdirSync(join(folder, "profile"));
    browser = await openOwnBrowser(join(folder, "profile"), [
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-video-capture=${path}`,
    ]);
    await browser.logIn(warehouse.url, warehouse.url);
  }, 180_000);

  afterAll(async () => {
    await browser?.kill();
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  test("labels held before it are read, each once while it is in sight, and saved", async () => {
    const { page } = browser;
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(`${warehouse.url}/scan`);
    await page.getByRole("button", { name: "Use the camera" }).click();
    await page.locator(".scan-row", { hasText: "N00080P01" }).first().waitFor({ timeout: 60_000 });
    await page.locator(".scan-row", { hasText: "R1-S1" }).first().waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Camera off" }).click();
    expect(complaints).toEqual([]);
    const wanted = [symbol(pageId(80)), symbol(PLACE.shelf1).replace("]d2", "]C1")];
    await until(
      "the twin has both",
      async () => {
        const { events } = await warehouse.ask("events", { limit: "5000" });
        const raws = (events as { scan?: { raw: string } }[]).map(({ scan }) =>
          Buffer.from(scan?.raw ?? "", "base64").toString("latin1"),
        );
        return wanted.every((raw) => raws.includes(raw));
      },
      PATIENCE,
    );
  }, 180_000);

  test("only the decoder's own script may compile WebAssembly", async () => {
    const policyOf = async (path: string) =>
      (await fetch(new URL(path, warehouse.url))).headers.get("content-security-policy") ?? "";
    expect(await policyOf("/scan")).not.toContain("wasm");
    const worker = await fetch(new URL("/service-worker.js", warehouse.url));
    const names = /"(\/assets\/decoder-worker-[^"]+)"/.exec(await worker.text());
    expect(await policyOf(names?.[1] ?? "")).toContain("'wasm-unsafe-eval'");
    expect(await policyOf("/service-worker.js")).not.toContain("wasm");
  });
});
