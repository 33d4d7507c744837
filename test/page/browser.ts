/**
 * A real browser on the real page. It keeps what a strict reader of the console and the network
 * would ask about: every address that was requested, every error, every breach of the policy.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
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

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: "disabled" });
}

/**
 * The page as a release has it: the test runner's environment would build another. Where the twin
 * serves it from, others may be reading; nothing is taken away there.
 */
export function buildPage(folder = join(ROOT, "dist/web")): void {
  const { NODE_ENV: _, ...environment } = process.env;
  const vite = join(ROOT, "node_modules/vite/bin/vite.js");
  const words = ["build", "src/web", "--outDir", folder, "--emptyOutDir", "false"];
  execFileSync(process.execPath, [vite, ...words, "--logLevel", "error"], {
    cwd: ROOT,
    env: environment,
  });
}
