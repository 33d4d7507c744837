/**
 * How long a scan takes: from its bytes on a real tty to the gateway's disk, to the acknowledgement and
 * the tone of the twin's word back at the scanner (SSI), to the twin's live stream, and to the eye: a
 * row in the page in a real browser, which is measured after the devices. 5,000 sensor messages a second
 * beside it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { sessionAt } from "../support/session.ts";
import type { Bench, Figure } from "./figures.ts";
import { runLoad } from "./ingest.ts";
import { nowMs } from "./moment.ts";
import { openTimedScanner } from "./scan-latency-scanner.ts";
import { openTwinSite } from "./site.ts";
import type { ScanCommit } from "./timed-gateway.ts";

/** Once without a page, and once for the page: the 99th of a hundred is the tenth worst. */
const SCANS = 1_000;
const WARM_UP = 50;
const RATE = 5_000;
/** Between scans, at random up to this: scans meet the load at any moment of its own rhythm. */
const PAUSE_MS = 60;
const SETTLE_MS = 3_000;
const LOAD = { connections: 16, window: 256, warmUpMs: 500, rate: RATE };
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

export const bench: Bench = {
  async run() {
    const scanner = openTimedScanner();
    const site = await openTwinSite({
      scanners: { "scn-1": { path: scanner.path, profile: "zebra-ssi" } },
      masterData: master(),
    });
    const gateway = startTimedGateway(site.gatewayConfig);
    await gateway.ready;
    const live = await watchLive(site.twinHttp, site.twinHeaders());

    const devices = await scanUnderLoad(0);
    // A browser that paints by software takes a core for itself: nobody's warehouse runs one on the box.
    const page = existsSync(CHROMIUM)
      ? await watchPage(site.twinHttp, site.twinHeaders())
      : undefined;
    if (page === undefined) process.stderr.write(`no page is measured: ${CHROMIUM} is absent\n`);
    const people = page === undefined ? undefined : await scanUnderLoad(SCANS);
    const onPage = (await page?.seen()) ?? new Map<string, number>();
    await page?.close();

    const onTwin = live.seen();
    live.close();
    const commits = await gateway.finish();
    const { acknowledgedMs, toneMs } = scanner.close();
    await site.close();

    const onDisk = diskMoments(commits, people === undefined ? SCANS : 2 * SCANS);
    const { sent } = devices;
    return [
      { name: "sensor messages beside it", value: devices.rate, unit: "msg/s" },
      ...latency("tty to disk", sent, (n) => onDisk[n], "<= 10"),
      ...latency("tty to acknowledgement at the scanner", sent, (n) => acknowledgedMs[n], "<= 10"),
      ...latency("tty to the twin's word at the scanner", sent, (n) => toneMs[n], "<= 30"),
      ...latency("tty to the twin's live stream", sent, (n) => onTwin.get(serial(n)), "<= 30"),
      ...(people
        ? latency(
            "tty to a row on an open page",
            people.sent,
            (n) => onPage.get(serial(SCANS + n)),
            "<= 100",
          )
        : []),
    ];

    async function scanUnderLoad(first: number) {
      const ms = SCANS * (PAUSE_MS / 2 + 20) + 2 * SETTLE_MS;
      const load = runLoad({ ...LOAD, port: site.mqttPort, ms });
      await pause(SETTLE_MS);
      const sent: number[] = [];
      for (let n = 0; n < SCANS; n++) {
        sent.push(nowMs());
        await scanner.scan(`]d2${pageText(first + n)}`);
        await pause(Math.random() * PAUSE_MS);
      }
      const { acknowledged, seconds } = await load;
      return { sent, rate: acknowledged / seconds };
    }
  },
};

function latency(
  name: string,
  sent: readonly number[],
  arrived: (n: number) => number | undefined,
  goal: string,
): Figure[] {
  const waits: number[] = [];
  let missing = 0;
  for (let n = WARM_UP; n < sent.length; n++) {
    const atMs = arrived(n);
    if (atMs === undefined) missing += 1;
    else waits.push(atMs - (sent[n] ?? 0));
  }
  waits.sort((a, b) => a - b);
  const at = (share: number) => waits[Math.floor(waits.length * share)] ?? Number.NaN;
  return [
    { name: `${name}: p50`, value: at(0.5), unit: "ms" },
    { name: `${name}: p99`, value: at(0.99), unit: "ms", goal: `${goal} ms` },
    { name: `${name}: not seen`, value: missing, unit: "scans" },
  ];
}

/** The n-th scan is the n-th event of the lane after those that were there when it began. */
function diskMoments(commits: readonly ScanCommit[], scans: number): number[] {
  const last = commits.at(-1)?.lastSeq ?? 0;
  const moments: number[] = [];
  let before = last - scans;
  for (const { lastSeq, atMs } of commits) for (; before < lastSeq; before++) moments.push(atMs);
  return moments;
}

function startTimedGateway(config: string) {
  const file = new URL("./timed-gateway.ts", import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [file, config], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("the gateway has no standard output");
  const lines = createInterface({ input: child.stdout });
  return {
    ready: once(lines, "line"),
    async finish(): Promise<ScanCommit[]> {
      child.stdin?.end();
      const [line] = (await once(lines, "line")) as [string];
      return JSON.parse(line) as ScanCommit[];
    },
  };
}

/** When each page's scan was told on the live stream. */
async function watchLive(twin: string, headers: Readonly<Record<string, string>>) {
  const ending = new AbortController();
  const response = await fetch(`${twin}/api/v1/live`, { headers, signal: ending.signal });
  const moments = new Map<string, number>();
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const atMs = nowMs();
      for (const [found] of decoder.decode(chunk, { stream: true }).matchAll(/L\d{6}P01/g))
        if (!moments.has(found)) moments.set(found, atMs);
    }
  })().catch(() => undefined);
  return {
    seen: () => moments,
    close() {
      ending.abort();
      void reading;
    },
  };
}

/** When each page's serial was first in the document of the page. */
async function watchPage(twin: string, headers: Readonly<Record<string, string>>) {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const session = await sessionAt(twin, headers);
  if (session !== undefined) await page.context().addCookies([{ ...session, url: twin }]);
  await page.goto(`${twin}/`);
  await page.evaluate(WATCH);
  return {
    async seen(): Promise<Map<string, number>> {
      return new Map((await page.evaluate("window.seen")) as [string, number][]);
    },
    close: () => browser.close(),
  };
}

/** Runs in the page: a moment is taken after the frame in which the row is painted. */
const WATCH = `
  window.seen = [];
  const known = new Set();
  const look = (text) => {
    for (const [found] of text.matchAll(/L\\d{6}P01/g)) {
      if (known.has(found)) continue;
      known.add(found);
      requestAnimationFrame(() => window.seen.push([found, performance.timeOrigin + performance.now()]));
    }
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) look(node.textContent ?? "");
      if (change.type === "characterData") look(change.target.textContent ?? "");
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
`;

const serial = (n: number): string => `L${String(n).padStart(6, "0")}P01`;
const pageText = (n: number): string => `2539521234000013${serial(n)}`;

function master() {
  const site = "(414)9521234000105";
  const room = "(414)9521234001003(254)ARCH";
  const pages = (first: number) =>
    Array.from({ length: SCANS }, (_, n) => `(253)9521234000013${serial(first + n)}`);
  return {
    version: 1,
    places: [
      { id: site, kind: "site", name: "Bench" },
      { id: room, kind: "room", name: "Archive", parent: site },
    ],
    gateways: [{ id: "gw-bench", site, defaultPlace: room }],
    documents: [
      { id: "L", pages: pages(0) },
      { id: "M", pages: pages(SCANS) },
    ],
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
