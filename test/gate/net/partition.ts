/**
 * The twin is away for long: readings pile up on the gateway's disk. Then the line comes back and is cut
 * again and again while the backlog drains, and labels are scanned all the while.
 *
 * Always: all readings arrive once; memory and disk stay within their bounds; a new scan overtakes the
 * backlog. The load is the bench's, whose PUBACKs are counted outside of the product; labels are the
 * witness's.
 *
 * That a scan overtakes shows at the full size only: a small backlog is gone before a scan could wait long.
 *
 * Seen to fail when the gateway runs with Node's usual nursery instead of the unit's, or with Node's own pool
 * of small buffers: its memory. With a million readings the nursery alone shows (301 MB); the pool came to 233 MB then,
 * and 192 with neither.
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { runLoad } from "../../bench/ingest.ts";
import { until } from "../../support/until.ts";
import { type Asked, brokenBy, type Found, type Gate, notRun, pause, quantile } from "../gate.ts";
import { type GateSite, isBuilt, openSite } from "../site.ts";
import { startWitness } from "../witness/witness.ts";
import { openProxy } from "./proxy.ts";

export const gate: Gate = {
  name: "net/partition",
  shows: "a backlog of any length drains through cuts, and a new scan overtakes it",
  unit: "buffered readings",
  full: 5_000_000,
  quick: 60_000,
  run,
};

const RSS_MB_MAX = 250;
/**
 * From here on it is judged of what is shipped. A small run is compared with its own rest, and loosely:
 * within seconds a heap grows before anything is collected.
 */
const BUILT_FROM = 1_000_000;
const RSS_MB_OVER_REST_MAX = 250;
/** Below this the file's own minimum weighs more than what is in it. */
const DISK_JUDGED_FROM = 100_000;
const SCAN_MS_MAX = 2_000;
const CUT_EVERY_MS = [1_500, 4_000] as const;
const CUT_MS = [50, 400] as const;
const FILL_MS = 2_000;
const LOAD = { connections: 8, window: 256, warmUpMs: 0 };
const OUTBOX = { bytesMax: 8 * 2 ** 30, telemetryBytesMax: 7 * 2 ** 30 };

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  const isFull = size >= BUILT_FROM;
  if (isFull && !isBuilt())
    return notRun("run `npm run build` first: memory is judged of what is shipped");
  const line = await openProxy();
  const witness = startWitness(folder);
  const { paths } = await witness.open({ folder, scanners: ["ssi"] });
  const site = await openSite({
    folder,
    scanners: paths.map((path) => ({ path, kind: "ssi" })),
    twinUrl: `mqtt://127.0.0.1:${line.port}`,
    gateway: { outbox: OUTBOX },
    built: isFull,
  });
  line.leadTo(site.brokerPort);
  line.shut();
  const chance = asked.chance("cuts");
  try {
    await site.start("twin");
    await site.start("gateway");
    const restMb = rssMbOf(site);
    const rssMbMax = isFull ? RSS_MB_MAX : restMb + RSS_MB_OVER_REST_MAX;
    let accepted = 0;
    for (let left = size; left > 0; left = size - accepted) {
      const { total } = await runLoad({ ...LOAD, port: site.mqttPort, ms: FILL_MS });
      accepted += total;
      asked.done(Math.min(size, accepted));
    }
    const full = await telemetryOf(site);
    const diskBytes = diskBytesOf(site.data.gateway);
    const rssMb = [rssMbOf(site)];
    asked.say(`${accepted} readings wait in ${Math.round(diskBytes / 1e6)} MB; draining with cuts`);

    line.open();
    const startedMs = performance.now();
    await witness.load({ mqttUrl: site.mqttUrl, publishers: 0, paceMs: 10 });
    let cuts = 0;
    let [nextCutMs, isDrained] = [startedMs + chance.within(CUT_EVERY_MS), false];
    const scanMs: number[] = [];
    let connectedMs: number | undefined;
    let seen = 0;
    while (!isDrained) {
      const waited = performance.now();
      if (waited > nextCutMs) {
        line.shut();
        await pause(chance.within(CUT_MS));
        line.open();
        cuts += 1;
        nextCutMs = performance.now() + chance.within(CUT_EVERY_MS);
      }
      const { scans } = await witness.tally();
      const { reasons } = await site.health();
      const isThere = !reasons.some(({ what }) => what === "twin-away");
      if (isThere) connectedMs ??= performance.now() - startedMs;
      // The witness scans one label after the other: what it had accepted must show soon.
      if (isThere && scans > seen && performance.now() < nextCutMs - SCAN_MS_MAX / 4)
        scanMs.push(await scanShows(site, scans));
      seen = Math.max(seen, scans);
      rssMb.push(rssMbOf(site));
      isDrained = (await telemetryOf(site)).waiting === 0;
      await pause(20);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    await witness.rest();
    await site.drained(600_000);
    const judged = await witness.judge({ http: site.twinHttp, headers: site.headers() });
    const taken = judged.others;
    const rss = Math.max(...rssMb);
    const p99 = quantile(scanMs, 0.99);
    const perPayload = diskBytes / full.waitingBytes;
    return {
      figures: [
        { name: "readings accepted while the twin was away", value: accepted, unit: "" },
        { name: "taken in by the twin", value: taken, unit: "" },
        { name: "gateway RSS, at rest", value: restMb, unit: "MB" },
        { name: "gateway RSS, most", value: rss, unit: "MB", goal: `<= ${Math.round(rssMbMax)}` },
        { name: "disk per byte of event", value: perPayload, unit: "", goal: "<= 2" },
        { name: "drained with cuts", value: accepted / seconds, unit: "events/s" },
        { name: "the twin was found again after", value: connectedMs ?? 0, unit: "ms" },
        { name: "cuts", value: cuts, unit: "" },
        { name: "new scans meanwhile", value: judged.scans, unit: "" },
        { name: "new scan shows, p99", value: p99, unit: "ms", goal: `<= ${SCAN_MS_MAX}` },
      ],
      broken: [
        ...brokenBy("scans lost", judged.lost),
        ...brokenBy("scans doubled", judged.doubled),
        ...(taken === accepted ? [] : [`${accepted} readings accepted, ${taken} taken in`]),
        ...(rss > rssMbMax ? [`the gateway took ${Math.round(rss)} MB`] : []),
        ...(accepted >= DISK_JUDGED_FROM && perPayload > 2
          ? [`${perPayload.toFixed(2)} bytes of disk for a byte of event`]
          : []),
        ...(p99 > SCAN_MS_MAX ? [`a new scan showed only after ${Math.round(p99)} ms`] : []),
        ...(scanMs.length === 0 ? ["no scan was measured while the backlog drained"] : []),
      ],
    };
  } finally {
    await site.close();
    witness.close();
    line.close();
  }
}

/** From now until the twin's evidence holds so many events of the scan lane. */
async function scanShows(site: GateSite, count: number): Promise<number> {
  const startedMs = performance.now();
  await until("the scan shows", async () => (await site.taken("scan")) >= count, {
    timeoutMs: 60_000,
    everyMs: 5,
  });
  return performance.now() - startedMs;
}

async function telemetryOf(site: GateSite) {
  const { lanes } = await site.health();
  const found = lanes.find(({ lane }) => lane === "telemetry");
  if (found === undefined) throw new Error("a gateway has a lane for telemetry");
  return found;
}

function rssMbOf(site: GateSite): number {
  const status = readFileSync(`/proc/${site.pid("gateway")}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

/** The database and its log. */
function diskBytesOf(folder: string): number {
  return ["outbox.db", "outbox.db-wal"]
    .map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
}
