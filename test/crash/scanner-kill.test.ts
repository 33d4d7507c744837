/**
 * SIGKILL of the gateway around the moment at which a scan is on disk and not yet acknowledged, with an
 * SSI and a Host ACK scanner on real ttys.
 *
 * The operator of this test scans a label until the scanner is told that it is kept, and then the next.
 * Always: each label is in the twin exactly once. The scanner's simulator judges, not the gateway.
 *
 * A kill counts when it fell between: the killed process had written the scan down, and its scanner has
 * heard nothing of it. It goes on until KILLS_SCANNER of them did, and fails when they do not.
 *
 *   KILLS_SCANNER=200 SEED=7 npx vitest run --config test/vitest.config.ts test/crash/scanner-kill.test.ts
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { AnsweredScanner } from "../../firmware-sim/answered.ts";
import { createHostAckScanner } from "../../firmware-sim/host-ack.ts";
import { createSsiScanner } from "../../firmware-sim/ssi.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { openCable } from "../support/scanner-desk.ts";
import { until } from "../support/until.ts";

const KILLS = Number(process.env["KILLS_SCANNER"] ?? 6);
/** So many kills for one that counts, at most. */
const TRIES = 20;
const SEED = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const TIMEOUT_MS = 700;
/**
 * SSI is answered at the commit, some ms after the scan; Host ACK waits for the twin's word besides. How
 * many ms depends on the machine and its load: later after a kill that came too early, and the reverse.
 */
const KILL_WITHIN_MS = [5, 15] as const;
const LATER = 1.3;
const EARLIER = 0.8;
/** What the killed gateway said last is heard within so long. */
const LAST_WORD_MS = 30;

test(`${KILLS} kills of the gateway between commit and acknowledgement lose no scan and double none (SEED=${SEED})`, {
  timeout: 60_000 + TRIES * KILLS * 8_000,
}, async () => {
  const random = createRandom(SEED);
  const site = await openSite();
  const sent: string[] = [];
  let unanswered = 0;

  const withinMs: [number, number] = [...KILL_WITHIN_MS];

  for (let round = 0; unanswered < KILLS && round < TRIES * KILLS; round++) {
    const desk = round % 2 === 0 ? 0 : 1;
    const scanner: AnsweredScanner = site.scanners[desk];
    const label = `2539521234000013K${String(round + 1).padStart(6, "0")}`;
    sent.push(label);
    let told = false;
    const scanned = scanUntilTold(scanner, label).then(() => {
      told = true;
    });
    await pause(random() * withinMs[desk]);
    await site.gateway.kill();
    const deadMs = Date.now();
    await pause(LAST_WORD_MS);
    const toldBefore = told;
    await site.startGateway();
    await scanned;
    const stored = (await site.scans()).find(({ text }) => text.endsWith(label));
    const wasOnDisk = stored !== undefined && stored.gatewayTimeMs <= deadMs;
    if (wasOnDisk && !toldBefore) unanswered += 1;
    else withinMs[desk] *= toldBefore ? EARLIER : LATER;
  }

  await until("the twin has all", async () => (await site.scans()).length >= sent.length, {
    timeoutMs: 30_000,
  });
  await until("the gateway has sent everything", async () => (await site.waiting()) === 0);
  const texts = (await site.scans()).map(({ text }) => text.slice(3));
  expect(sent.filter((label) => !texts.includes(label))).toEqual([]);
  expect(texts.toSorted()).toEqual(sent.toSorted());
  expect(unanswered, `of ${sent.length} kills`).toBe(KILLS);
  process.stderr.write(
    `${sent.length} scans told as kept, 0 lost, 0 doubled; ${unanswered} of them were on disk and unanswered when the gateway was killed\n`,
  );
});

/** What an operator does: an error tone means that the label is scanned again. */
async function scanUntilTold(scanner: AnsweredScanner, label: string): Promise<void> {
  const text = `]d2${label}`;
  while ((await scanner.scan(text)).how !== "acknowledged");
}

async function openSite() {
  const folder = temporaryFolder();
  const data = { gateway: join(folder, "gateway"), twin: join(folder, "twin") };
  mkdirSync(data.gateway);
  mkdirSync(data.twin);
  const twin = await startProgram(
    ["twin", "--data", data.twin, "--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"],
    data.twin,
  );
  onTestFinished(() => twin.kill());
  const cables = [openCable(), openCable()] as const;
  const answer = `{ timeoutMs: ${TIMEOUT_MS}, verdictMs: 300 }`;
  const config = join(folder, "gateway.yaml");
  writeFileSync(
    config,
    `version: 1
gateway: gw-crash
data: ${data.gateway}
http: { host: 127.0.0.1, port: 0 }
twin: { url: "${twin.address["broker"]}" }
mqtt: { host: 127.0.0.1, port: 0 }
scanners:
  - { id: ssi, path: ${cables[0].path}, profile: zebra-ssi, answer: ${answer} }
  - { id: hon, path: ${cables[1].path}, profile: honeywell-host-ack, answer: ${answer} }
`,
  );
  let gateway: Program | undefined;
  onTestFinished(() => gateway?.kill());
  const health = async () => ask(`${gateway?.address["http"]}/healthz`);

  const scanners = [
    createSsiScanner(cables[0], { timeoutMs: TIMEOUT_MS, type: 0xc1 }),
    createHostAckScanner(cables[1], { timeoutMs: TIMEOUT_MS, suffix: "\r" }),
  ] as const;
  for (const { close } of scanners) onTestFinished(close);

  const site = {
    scanners,
    get gateway() {
      if (gateway === undefined) throw new Error("it is started first");
      return gateway;
    },
    async startGateway() {
      gateway = await startProgram(["gateway", "--config", config], data.gateway);
      await until("the lines are open and the twin is there", async () => {
        const { scanners: lines, reasons } = await health();
        return (
          reasons.length === 0 && lines.every((line: { state: string }) => line.state === "open")
        );
      });
    },
    async waiting(): Promise<number> {
      const { lanes } = await health();
      return lanes.reduce((sum: number, lane: { waiting: number }) => sum + lane.waiting, 0);
    },
    async scans(): Promise<{ readonly text: string; readonly gatewayTimeMs: number }[]> {
      const found = [];
      for (let after = 0; ; ) {
        const url = `${twin.address["http"]}/api/v1/events?after=${after}&limit=5000`;
        const page = await ask(url, twin.headers);
        if (page.events.length === 0) return found;
        for (const event of page.events)
          if (event.scan !== undefined)
            found.push({ text: event.scan.text, gatewayTimeMs: Date.parse(event.gatewayTime) });
        after = page.next;
      }
    },
  };
  await site.startGateway();
  return site;
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of another program, checked by what is done with it
async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<any> {
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** A moment of the seed's choosing: this is not waiting for a result. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** mulberry32: small, seeded, good enough to choose moments. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
