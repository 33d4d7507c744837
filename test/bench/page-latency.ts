/**
 * How long the page makes people wait: its first load on an empty cache, a scan until it is visible
 * on an open page, a keystroke in the search box until the answer is, and at the server.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { buildPage, openBrowser } from "../page/browser.ts";
import {
  folderId,
  openSmallWarehouse,
  pageId,
  type SmallWarehouse,
} from "../page/small-warehouse.ts";
import type { Bench, Figure } from "./figures.ts";
import { nowMs } from "./moment.ts";

const LOADS = 8;
const SCANS = 300;
const WARM_UP = 20;
const KEYSTROKES = 400;

export const bench: Bench = {
  async run() {
    buildPage();
    const folder = mkdtempSync(join(tmpdir(), "racktrace-page-latency-"));
    const warehouse = await openSmallWarehouse(folder);
    const browser = await openBrowser();
    try {
      await warehouse.scan(folderId(1));
      const loads = await many(LOADS, () => load(browser.open, warehouse.url));
      const page = await browser.open(warehouse.url);
      await page.getByText("Live", { exact: true }).last().waitFor();
      const scans = (await many(SCANS, (n) => scanToEye(page, warehouse, n))).slice(WARM_UP);
      const asked = await many(KEYSTROKES, (n) => keystroke(warehouse, n));
      return [
        {
          name: "first load",
          value: median(loads.map(({ bytes }) => bytes)),
          unit: "B",
          goal: "<= 100000",
        },
        ...spread(
          "first load until it can be used",
          loads.map(({ ms }) => ms),
        ),
        ...spread("scan sent until it is visible", scans, "<= 100"),
        ...spread("search at the server, for each keystroke", asked, "<= 50"),
      ];
    } finally {
      await browser.close();
      await warehouse.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** As a reader whose browser was never here: every context has a cache of its own. */
async function load(open: (address: string) => Promise<Page>, url: string) {
  const startedMs = nowMs();
  const page = await open(`${url}/gateways`);
  await page.locator(".gateway").first().waitFor();
  const ms = nowMs() - startedMs;
  const bytes = Number(
    await page.evaluate(
      `performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
        .filter(({ name }) => !name.includes("/api/")).reduce((sum, { transferSize }) => sum + transferSize, 0)`,
    ),
  );
  await page.context().close();
  return { ms, bytes };
}

async function scanToEye(page: Page, warehouse: SmallWarehouse, n: number): Promise<number> {
  const serial = pageId(10_000 + n).slice(-9);
  // In the page itself, at the first frame that shows it.
  const seen = page.evaluate(
    `new Promise((resolve) => {
      const look = () => document.querySelector(".feed-rows")?.textContent.includes("${serial}")
        ? resolve(performance.timeOrigin + performance.now()) : requestAnimationFrame(look);
      look();
    })`,
  );
  const sentMs = nowMs();
  await warehouse.scan(pageId(10_000 + n), folderId(1));
  return Number(await seen) - sentMs;
}

/** The box asks for every beginning of what is typed. */
async function keystroke(warehouse: SmallWarehouse, n: number): Promise<number> {
  const serial = pageId(10_000 + (n % SCANS)).slice(-9);
  const q = serial.slice(0, 1 + (n % serial.length));
  const startedMs = nowMs();
  await warehouse.ask("search", { q, limit: "12" });
  return nowMs() - startedMs;
}

async function many<T>(times: number, once: (n: number) => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let n = 0; n < times; n++) results.push(await once(n));
  return results;
}

function spread(name: string, values: readonly number[], goal?: string): readonly Figure[] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return [
    { name: `${name}, p50`, value: at(0.5), unit: "ms" },
    { name: `${name}, p99`, value: at(0.99), unit: "ms", ...(goal === undefined ? {} : { goal }) },
  ];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
