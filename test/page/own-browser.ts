/**
 * A browser with a profile of its own that outlives it, and that can be killed as a battery does it.
 * The process is ours and the only one that is signalled.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { sessionAt } from "../support/session.ts";
import { until } from "../support/until.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = [
  ...["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--remote-debugging-port=0", "--autoplay-policy=no-user-gesture-required", "--lang=en-GB"],
];
const WAIT_MS = 30_000;

export type OwnBrowser = {
  readonly page: Page;
  /** A person logs in at this twin; a browser that was killed may have forgotten. */
  logIn(twin: string, address: string): Promise<void>;
  /** SIGKILL to all of its processes; resolves when the browser is gone. */
  kill(): Promise<void>;
};

export async function openOwnBrowser(
  profile: string,
  flags: readonly string[] = [],
): Promise<OwnBrowser> {
  const portFile = join(profile, "DevToolsActivePort");
  // Left by one that was killed; a profile names its browser by them.
  for (const name of ["DevToolsActivePort", "SingletonLock", "SingletonSocket", "SingletonCookie"])
    rmSync(join(profile, name), { force: true });
  const child = spawn(CHROMIUM, [...FLAGS, ...flags, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: "ignore",
    // A group of its own, so that killing reaches its helpers and nobody else's.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const listening = () => existsSync(portFile) && readFileSync(portFile, "utf8").includes("\n");
  await until("the browser listens", listening, { timeoutMs: WAIT_MS });
  const [port] = readFileSync(portFile, "utf8").split("\n");
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { timeout: WAIT_MS });
  const [context] = browser.contexts();
  const page = context?.pages()[0] ?? (await context?.newPage());
  if (page === undefined) throw new Error("the browser has no page");
  page.setDefaultTimeout(WAIT_MS);
  await page.setViewportSize({ width: 360, height: 640 });
  return {
    page,
    async logIn(twin, address) {
      const token = process.env["RACKTRACE_TOKEN"] ?? "";
      const session = await sessionAt(twin, { authorization: `Bearer ${token}` });
      if (session !== undefined) await context?.addCookies([{ ...session, url: address }]);
    },
    async kill() {
      signalGroup(child);
      await ended;
      await browser.close().catch(() => {});
    },
  };
}

function signalGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It had ended by itself.
  }
}
