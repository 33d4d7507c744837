/**
 * `npm run screenshots -- FOLDER`: every page of a living demo warehouse, on a desk and on a phone, by day
 * and by night, and what the first visit costs on this machine (FOLDER/first-load.json).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { type Program, startProgram, tokenIn } from "../support/programs.ts";
import { until } from "../support/until.ts";
import { type Browser, buildPage, DESK, openBrowser, PHONE } from "./browser.ts";
import { type FirstLoad, firstLoad, SLOW } from "./first-load.ts";

const SPEED = 20;
const BUSY_MS_MAX = 180_000;
const VISITS = 5;
const LOOKS = { desk: DESK, phone: PHONE } as const;
const LIGHTS = ["light", "dark"] as const;

type Ask = (path: string) => Promise<Answered>;
// biome-ignore lint/suspicious/noExplicitAny: each question has an answer of its own
type Answered = any;

/** A page by its name: where it is, and what shows that it is there. */
type Shot = readonly [name: string, path: string, content: string];

const into = process.argv[2];
if (into === undefined) {
  process.stderr.write("Usage: npm run screenshots -- FOLDER\n");
  process.exit(2);
}
await main(resolve(into));

async function main(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const data = mkdtempSync(join(tmpdir(), "racktrace-screenshots-"));
  buildPage();
  const demo = await openDemo(data);
  const browser = await openBrowser();
  try {
    const measured = await measure(browser, demo.url);
    writeFileSync(join(folder, "first-load.json"), `${JSON.stringify(measured, null, 2)}\n`);
    process.stdout.write(`${JSON.stringify(measured, null, 2)}\n`);
    await busy(demo.ask);
    const shots = await shotsOf(demo.ask);
    for (const [look, size] of Object.entries(LOOKS))
      for (const colorScheme of LIGHTS) {
        const page = await browser.open(`${demo.url}/gateways`, { ...size, colorScheme });
        for (const shot of shots) await shoot(page, shot, join(folder, `${look}-${colorScheme}`));
        await page.context().close();
        const login = await browser.open(demo.url, { ...size, colorScheme }, "nobody");
        await shoot(login, ["login", "/", ".login"], join(folder, `${look}-${colorScheme}`));
        await login.context().close();
      }
  } finally {
    await browser.close();
    await demo.program.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

async function openDemo(
  data: string,
): Promise<{ readonly program: Program; readonly url: string; readonly ask: Ask }> {
  const twin = join(data, "twin");
  const program = await startProgram(["demo", "--data", data, "--speed", String(SPEED)], twin);
  const url = String(program.address["http"]).replace(/\/$/, "");
  const headers = { authorization: `Bearer ${tokenIn(twin)}` };
  const ask: Ask = async (path) => (await fetch(`${url}/api/v1/${path}`, { headers })).json();
  return { program, url, ask };
}

/** The day has begun: things were filed, something went wrong, and the sensors have spoken. */
async function busy(ask: Ask): Promise<void> {
  const isBusy = async () => {
    const [{ open }, series, { documents }] = await Promise.all([
      ask("discrepancies?limit=3"),
      ask("series"),
      ask("documents?limit=50"),
    ]);
    return open.length >= 2 && series.length >= 2 && placedIn(documents) !== undefined;
  };
  await until("the warehouse is busy", isBusy, { timeoutMs: BUSY_MS_MAX, everyMs: 1_000 });
}

/** A page of paper that lies in something on a shelf. */
function placedIn(documents: Answered): Answered | undefined {
  for (const { id, pages } of documents)
    for (const page of pages) {
      const shelf = page.path.find(({ kind }: { kind: string }) => kind === "shelf");
      if (shelf !== undefined && page.path.length >= 4) return { document: id, page, shelf };
    }
  return undefined;
}

async function shotsOf(ask: Ask): Promise<readonly Shot[]> {
  const { documents } = await ask("documents?limit=200");
  const { document, page, shelf } = placedIn(documents);
  const [folder] = page.path;
  return [
    ["live", "/", ".feed-rows"],
    ["map", "/map", ".cell"],
    ["map-found", `/map?find=${page.key}`, ".cell-found"],
    ["item-page", `/${page.key}`, ".timeline > li"],
    ["item-container", `/${folder.key}`, ".item-head"],
    ["item-shelf", `/${shelf.key}`, ".item-head"],
    ["discrepancies", "/discrepancies", ".discrepancy"],
    ["settled", "/discrepancies?status=resolved", "main h1"],
    ["documents", "/documents", ".document"],
    ["document", `/documents?id=${document}`, ".document"],
    ["gates", "/gates", "main h1"],
    ["count", `/count?id=${shelf.key}`, ".card"],
    ["sensors", "/sensors", ".sensors canvas"],
    ["gateways", "/gateways", ".gateway"],
    ["scan", "/scan", ".scan"],
    ["labels", `/labels?id=${encodeURIComponent(folder.elementString)}`, ".labels-result img"],
    ["commands", "/labels?commands=all", ".labels-result img"],
    ...["places", "documents", "scanners"].map(
      (list) => [`register-${list}`, `/register?list=${list}`, "tbody tr"] as const,
    ),
    ["users", "/users", "tbody tr"],
    ["password", "/password", "form"],
  ];
}

async function shoot(page: Page, [name, path, content]: Shot, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  // Anew: what shows that a page is there may be on the one before, too.
  await page.goto(new URL(path, page.url()).href);
  await page.locator(content).first().waitFor();
  await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
}

/** The median of some visits, each with nothing kept from the one before. */
async function measure(browser: Browser, url: string) {
  const visits = async (look: keyof typeof LOOKS, slow?: typeof SLOW) => {
    const all: FirstLoad[] = [];
    for (let n = 0; n < VISITS; n++) {
      const page = await browser.open(`${url}/healthz`, LOOKS[look]);
      all.push(await firstLoad(page, `${url}/`, slow));
      await page.context().close();
    }
    all.sort((a, b) => a.interactiveMs - b.interactiveMs);
    return all[Math.floor(VISITS / 2)];
  };
  return {
    desk: await visits("desk"),
    phone: await visits("phone"),
    slowPhone: { ...(await visits("phone", SLOW)), slow: SLOW },
  };
}
