/**
 * A real browser on the real page. It keeps what a strict reader of the console and the network
 * would ask about: every address that was requested, every error, every breach of the policy.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { sessionAt } from "../support/session.ts";
import { wanted } from "../support/wanted.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const SCREENSHOTS = join(ROOT, ".racktrace/screenshots");
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const WAIT_MS = 20_000;

export const hasBrowser = wanted(
  "the page in a browser",
  existsSync(CHROMIUM),
  `${CHROMIUM} is absent; apt-get install chromium, or set CHROMIUM.`,
);

export const DESK = { viewport: { width: 1280, height: 800 } } as const;
export const PHONE = {
  viewport: { width: 360, height: 640 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
} as const;

/** What a page did that somebody should know. */
export type Witness = { readonly requests: string[]; readonly complaints: string[] };

export type Browser = {
  /** Logged in at a twin as its administrator, as another user, or as nobody. */
  open(address: string, look?: BrowserContextOptions, user?: string | "nobody"): Promise<Page>;
  readonly witness: Witness;
  close(): Promise<void>;
};

export async function openBrowser(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  const witness: Witness = { requests: [], complaints: [] };
  return {
    witness,
    async open(address, look = DESK, user = "admin") {
      const context = await browser.newContext({
        locale: "en-GB",
        ...look,
        serviceWorkers: "block",
      });
      const token = process.env["RACKTRACE_TOKEN"] ?? "";
      const headers = { authorization: `Bearer ${token}` };
      const session = user === "nobody" ? undefined : await sessionAt(address, headers, user);
      if (session !== undefined)
        await context.addCookies([{ ...session, url: new URL("/", address).href }]);
      const page = await context.newPage();
      // Before the test itself gives up, so that it says what was waited for.
      page.setDefaultTimeout(WAIT_MS);
      page.on("request", (request) => witness.requests.push(request.url()));
      page.on("pageerror", (error) => witness.complaints.push(error.stack ?? error.message));
      page.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning")
          witness.complaints.push(`${message.text()} ${message.location().url}`);
      });
      await page.goto(address);
      return page;
    },
    close: () => browser.close(),
  };
}

/** Goes to an address as a link inside the page does, without loading the page again. */
export async function follow(page: Page, address: string): Promise<void> {
  await page.evaluate(`history.pushState(null, "", ${JSON.stringify(address)})`);
  await page.evaluate(`dispatchEvent(new PopStateEvent("popstate"))`);
}

/** For whoever wants to see: SCREENSHOTS=1. It takes a second of each ten of these tests. */
export async function screenshot(page: Page, name: string): Promise<void> {
  if (process.env["SCREENSHOTS"] === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: "disabled" });
}

/**
 * The page as a release has it, built unless it is newer than all that it is made of: `npm test` has built
 * it before the first test.
 */
export function buildPage(folder = join(ROOT, "dist/web")): void {
  const index = join(folder, "index.html");
  const sources = readdirSync(join(ROOT, "src/web"), { recursive: true }).map((name) =>
    join(ROOT, "src/web", String(name)),
  );
  const newest = Math.max(
    ...[...sources, join(ROOT, "package-lock.json")].map((path) => statSync(path).mtimeMs),
  );
  if (existsSync(index) && statSync(index).mtimeMs > newest) return;
  const since = new Date();
  // The test runner's environment would build another.
  const { NODE_ENV: _, ...environment } = process.env;
  const vite = join(ROOT, "node_modules/vite/bin/vite.js");
  // Other tests may still ask for what the page before had.
  const words = ["build", "src/web", "--outDir", folder, "--emptyOutDir", "false"];
  execFileSync(process.execPath, [vite, ...words, "--logLevel", "error"], {
    cwd: ROOT,
    env: environment,
  });
  // What changed meanwhile is not in it.
  utimesSync(index, since, since);
}
