/**
 * SIGKILL at random moments, under load from a real tty and real MQTT clients.
 *
 * The checker is this file: it keeps its own list of what was acknowledged (PUBACK received) and
 * asks the twin afterwards. Always: what was acknowledged is in the twin exactly once, in the
 * evidence and in what follows from it. A plain serial scanner is never acknowledged, so its scans
 * may be lost when the gateway dies with them in its hands; they are never doubled, and the loss is
 * bounded and printed. Nobody scans while the gateway is down.
 *
 *   KILLS_GATEWAY=1000 KILLS_TWIN=300 SEED=7 npx vitest run --config test/vitest.config.ts test/crash
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import { freePort, type Program, startProgram } from "../support/programs.ts";
import { openPty } from "../support/pty.ts";
import { until } from "../support/until.ts";

const KILLS_GATEWAY = Number(process.env["KILLS_GATEWAY"] ?? 8);
const KILLS_TWIN = Number(process.env["KILLS_TWIN"] ?? 4);
const SEED = Number(process.env["SEED"] ?? Math.floor(Math.random() * 1e9));
const PUBLISHERS = 4;
const IN_FLIGHT = 20;

test(`${KILLS_GATEWAY} kills of the gateway and ${KILLS_TWIN} of the twin lose and double nothing (SEED=${SEED})`, {
  timeout: 120_000 + (KILLS_GATEWAY + KILLS_TWIN) * 10_000,
}, async () => {
  const random = createRandom(SEED);
  const site = await openSite();
  const publishers = Array.from({ length: PUBLISHERS }, (_, n) => startPublisher(site.mqttUrl, n));
  const scanner = startScanning(site);

  for (const victim of shuffled(random)) {
    await pause(150 + random() * 700);
    await site[victim].killAndStart();
  }

  const accepted = (await Promise.all(publishers.map((publisher) => publisher.finish()))).flat();
  const scanned = await scanner.finish();
  await until("the gateway has sent everything", async () => (await site.waiting()) === 0, {
    timeoutMs: 60_000,
  });

  const events = await site.events();
  const readings = countBy(events.flatMap((event) => event.readings));
  expect(accepted.length).toBeGreaterThan((KILLS_GATEWAY + KILLS_TWIN) * 10);
  expect(accepted.filter((value) => !readings.has(value))).toEqual([]);
  expect([...readings].filter(([, times]) => times > 1)).toEqual([]);
  await until(
    "what follows from the evidence has caught up",
    async () => (await site.readingsInSeries()) === readings.size,
  );

  const scans = countBy(events.flatMap((event) => event.scans));
  expect([...scans].filter(([, times]) => times > 1)).toEqual([]);
  const lost = scanned.filter((text) => !scans.has(text));
  expect(lost.length).toBeLessThanOrEqual(KILLS_GATEWAY * 5);
  process.stderr.write(
    `${accepted.length} acknowledged readings, 0 lost, 0 doubled; ${scanned.length} scans on a plain tty, ${lost.length} lost with the process\n`,
  );

  await site.close();
});

type Site = {
  readonly mqttUrl: string;
  readonly gateway: { killAndStart(): Promise<void> };
  readonly twin: { killAndStart(): Promise<void> };
  /** False while the gateway does not hold the scanner's port: nothing was scanned. */
  scan(text: string): boolean;
  waiting(): Promise<number>;
  events(): Promise<{ readonly readings: readonly number[]; readonly scans: readonly string[] }[]>;
  readingsInSeries(): Promise<number>;
  close(): Promise<void>;
};

async function openSite(): Promise<Site> {
  const folder = temporaryFolder();
  const pty = openPty();
  const [mqttPort, brokerPort, httpPort, statusPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const data = { gateway: join(folder, "gateway"), twin: join(folder, "twin") };
  mkdirSync(data.gateway);
  mkdirSync(data.twin);
  const config = join(folder, "gateway.yaml");
  writeFileSync(
    config,
    `version: 1
gateway: gw-crash
data: ${data.gateway}
log: info
http: { host: 127.0.0.1, port: ${statusPort} }
twin: { url: "mqtt://127.0.0.1:${brokerPort}" }
mqtt:
  host: 127.0.0.1
  port: ${mqttPort}
  mappings:
    - topic: load/+/count
      device: "{1}"
      payload: number
      readings: [{ property: count, unit: "1" }]
scanners:
  - id: scn-1
    path: ${pty.path}
    framing: { kind: delimiter, delimiter: cr }
    aim: true
`,
  );
  const startGateway = () => startProgram(["gateway", "--config", config], data.gateway);
  const startTwin = () =>
    startProgram(
      [
        "twin",
        "--data",
        data.twin,
        "--http",
        `127.0.0.1:${httpPort}`,
        "--broker",
        `127.0.0.1:${brokerPort}`,
      ],
      data.twin,
    );
  let twin: Program = await startTwin();
  let gateway: Program = await startGateway();
  let open = false;
  await portOpens();
  const api = `http://127.0.0.1:${httpPort}/api/v1`;

  async function portOpens(): Promise<void> {
    await until("the scanner's port is open", async () => {
      const health = await ask(`http://127.0.0.1:${statusPort}/healthz`);
      return health.scanners[0].state === "open";
    });
    open = true;
  }

  return {
    mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
    gateway: {
      async killAndStart() {
        open = false;
        await gateway.kill();
        gateway = await startGateway();
        await portOpens();
      },
    },
    twin: {
      async killAndStart() {
        await twin.kill();
        twin = await startTwin();
      },
    },
    scan(text) {
      if (open) void pty.write(`${text}\r`);
      return open;
    },
    async waiting() {
      const health = await ask(`http://127.0.0.1:${statusPort}/healthz`);
      return health.lanes.reduce((sum: number, lane: { waiting: number }) => sum + lane.waiting, 0);
    },
    async events() {
      const events = [];
      for (let after = 0; ; ) {
        const page = await ask(`${api}/events?after=${after}&limit=5000`, twin.headers);
        if (page.events.length === 0) return events;
        for (const event of page.events)
          events.push({
            readings: (event.readings ?? []).map((r: { value: number }) => r.value),
            scans: event.scan === undefined ? [] : [event.scan.text],
          });
        after = page.next;
      }
    },
    async readingsInSeries() {
      let total = 0;
      for (let n = 0; n < PUBLISHERS; n++) {
        const url = `${api}/series/data?device=p${n}&property=count&from=1970-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&points=2000`;
        const { buckets } = await ask(url, twin.headers);
        total += buckets.reduce((sum: number, bucket: { count: number }) => sum + bucket.count, 0);
      }
      return total;
    },
    async close() {
      expect(await gateway.stop()).toBe(0);
      expect(await twin.stop()).toBe(0);
      pty.hangup();
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of another program, checked by what is done with it
async function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<any> {
  const response = await fetch(url, { headers });
  if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** Publishes a number of its own each time, QoS 1; keeps the numbers whose PUBACK came. */
function startPublisher(url: string, n: number) {
  const client = mqtt.connect(url, { clientId: `p${n}`, clean: false, reconnectPeriod: 50 });
  client.on("error", () => {});
  const accepted: number[] = [];
  const flying = new Set<Promise<void>>();
  let going = true;
  const done = (async () => {
    for (let count = 0; going; count++) {
      const value = n * 1_000_000_000 + count;
      const flight = client.publishAsync(`load/p${n}/count`, String(value), { qos: 1 }).then(
        () => void accepted.push(value),
        () => {},
      );
      flying.add(flight);
      void flight.finally(() => flying.delete(flight));
      if (flying.size >= IN_FLIGHT) await Promise.race(flying);
      await pause(1);
    }
    await Promise.all(flying);
  })();
  return {
    async finish() {
      going = false;
      await done;
      await client.endAsync();
      return accepted;
    },
  };
}

function startScanning({ scan }: Site) {
  const scanned: string[] = [];
  let going = true;
  const done = (async () => {
    for (let count = 1; going; count++) {
      const text = `]d22539521234000013K${String(count).padStart(7, "0")}`;
      if (scan(text)) scanned.push(text);
      await pause(20);
    }
  })();
  return {
    async finish() {
      going = false;
      await done;
      return scanned;
    },
  };
}

function shuffled(random: () => number): ("gateway" | "twin")[] {
  const kills: ("gateway" | "twin")[] = [
    ...Array<"gateway">(KILLS_GATEWAY).fill("gateway"),
    ...Array<"twin">(KILLS_TWIN).fill("twin"),
  ];
  return kills
    .map((victim) => ({ victim, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ victim }) => victim);
}

function countBy<T>(values: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Load has a pace, and kills come at moments of the seed's choosing: this is not waiting for a result. */
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
