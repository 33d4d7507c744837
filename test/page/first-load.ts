/**
 * What the first visit costs: bytes on the wire as the browser counts them, who was asked, and how long
 * until the page is drawn and hears a person. Nothing is cached, and the browser is a real one.
 */
import type { CDPSession, Page } from "playwright-core";

export type FirstLoad = {
  /** Files of the page, as they came, headers and all. */
  readonly fileBytes: number;
  readonly files: number;
  /** Answers of the API that came meanwhile. */
  readonly answerBytes: number;
  /** Other hosts that were asked anything. */
  readonly elsewhere: readonly string[];
  /** Since the navigation began. */
  readonly drawnMs: number;
  /** Drawn, and the page answers at once. */
  readonly interactiveMs: number;
};

/** A slow line and a slow machine, as a phone at the far end of a warehouse has them. */
export const SLOW = { bytesPerSecond: 200_000, latencyMs: 150, slowdown: 4 } as const;

export async function firstLoad(page: Page, address: string, slow?: typeof SLOW) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.clearBrowserCache");
  if (slow !== undefined) await slowDown(session, slow);
  const origin = new URL(address).origin;
  const urls = new Map<string, string>();
  const bytes = new Map<string, number>();
  session.on("Network.requestWillBeSent", ({ requestId, request }) => {
    urls.set(requestId, request.url);
  });
  // A stream never finishes: its bytes are counted as they come.
  session.on("Network.dataReceived", ({ requestId, encodedDataLength }) => {
    bytes.set(requestId, (bytes.get(requestId) ?? 0) + encodedDataLength);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    bytes.set(requestId, encodedDataLength);
  });
  await page.addInitScript(WATCH);
  await page.goto(address);
  const [drawnMs, interactiveMs] = (await page.evaluate("firstLoad")) as [number, number];
  const all = [...urls].map(([id, url]) => ({ url, bytes: bytes.get(id) ?? 0 }));
  const own = all.filter(({ url }) => url.startsWith(`${origin}/`));
  const isAnswer = ({ url }: { url: string }) => new URL(url).pathname.startsWith("/api/");
  const files = own.filter((one) => !isAnswer(one));
  await session.detach();
  return {
    fileBytes: sum(files),
    files: files.length,
    answerBytes: sum(own.filter(isAnswer)),
    elsewhere: all
      .filter(({ url }) => /^(https?|wss?):/.test(url) && !own.some((one) => one.url === url))
      .map(({ url }) => new URL(url).host),
    drawnMs: Math.round(drawnMs),
    interactiveMs: Math.round(interactiveMs),
  } satisfies FirstLoad;
}

async function slowDown(
  session: CDPSession,
  { bytesPerSecond, latencyMs, slowdown }: typeof SLOW,
): Promise<void> {
  await session.send("Network.emulateNetworkConditions", {
    offline: false,
    latency: latencyMs,
    downloadThroughput: bytesPerSecond,
    uploadThroughput: bytesPerSecond,
  });
  await session.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
}

function sum(all: readonly { readonly bytes: number }[]): number {
  return all.reduce((total, { bytes }) => total + bytes, 0);
}

/**
 * Resolves when a heading of the page stands there and the page's thread answers at once after it: a
 * task that is put last in its queue has its turn before a person would feel the wait.
 */
const WATCH = `globalThis.firstLoad = new Promise((resolve) => {
  const AT_ONCE_MS = 50;
  const { port1, port2 } = new MessageChannel();
  let drawn, asked;
  const ask = () => {
    asked = performance.now();
    port2.postMessage(0);
  };
  port1.onmessage = () => {
    const now = performance.now();
    if (now - asked > AT_ONCE_MS) return ask();
    port1.close();
    resolve([drawn, now]);
  };
  const look = () => {
    if (document.querySelector("#main h1") === null) return;
    observer.disconnect();
    drawn = performance.now();
    ask();
  };
  const observer = new MutationObserver(look);
  observer.observe(document, { childList: true, subtree: true });
})`;
