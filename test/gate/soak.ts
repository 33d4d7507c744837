/**
 * A day of work with a fault each minute: kills, cut and silent lines, a full disk, pulled cables, clocks that
 * are set. A few faults are tried without a pause between them.
 *
 * Always: what was accepted is in the twin once, and no log of a database grows beyond its limit. Over hours:
 * memory does not grow, and both programs answer at once. After the first quarter nobody is killed, so that
 * there are lives long enough to judge: of a program that was started a moment ago all memory is growth.
 *
 * Garbage is collected and tables fill their share of memory only in the course of hours. From the first hour on
 * it is judged what the heaps keep when they have just been collected, and from the fourth on what the programs
 * take in all. That stays as high as it ever was: V8 does not give back pages that a heap has let go, it fills
 * them again. When the twin's clock is set back by an hour its writer understands hundreds of scans anew for each
 * that comes, and takes hundreds of megabytes for a minute. The twin may hold its tables in memory, as many as a
 * quarter of what the machine has, so that is judged without as much of it as its tables have grown.
 *
 * Seen to fail when
 *  - neither `gateway/unsure.ts` (take) nor `store/outbox-lane.ts` (rowOf) knows a repetition, in one of three
 *    short runs: doubled
 *  - `io/mqtt-packet-memory.ts` bounds nothing, in 82 minutes: the gateway keeps 2.6 MB an hour more
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import Database from "better-sqlite3";
import { mountSmallDisk } from "./disk/small-disk.ts";
import { type Asked, brokenBy, type Found, type Gate, pause, quantile } from "./gate.ts";
import { openProxy } from "./net/proxy.ts";
import { type GateSite, openSite, type Part } from "./site.ts";
import { makeWrongClocks } from "./time/wrong-clock.ts";
import { startWitness } from "./witness/witness.ts";

export const gate: Gate = {
  name: "soak",
  shows: "hours with a fault each minute lose and double nothing, and nothing grows",
  unit: "faults, one a minute",
  full: 480,
  quick: 4,
  run,
};

const MINUTE_MS = 60_000;
/** From here on there is a minute for each. */
const LONG_FROM = 10;
const SHORT_MS = 300;
/** Of each minute, how long a fault lasts at most. */
const FAULT_MS = [500, 20_000] as const;
const SHORT_FAULT_MS = [50, 300] as const;
const KILLED_SHARE = 1 / 4;
/** A heap takes that long to settle, and growth within minutes says nothing of hours. */
const SLOPE_FROM_MS = 3_600_000;
const ALL_SLOPE_FROM_MS = 4 * SLOPE_FROM_MS;
const SLOPE_MB_MAX = 1;
const LAG_MS_MAX = 50;
const WAL_MB_MAX = 64;
/** Its own limit is a checkpoint at 256 MiB: it is a cache, and is written back as rarely as may be. */
const DERIVED_WAL_MB_MAX = 320;
const LOOK_MS = 1_000;
const DISK_MEGABYTES = 256;
const OUTBOX = { bytesMax: 96 * 2 ** 20, telemetryBytesMax: 64 * 2 ** 20 };
const SCANNERS = ["ssi", "host-ack", "plain"] as const;
/** Quick hands, all day. A clock that is set back makes of all that they scan for an hour scans of the past. */
const HAND_MS = 400;
const LOAD = { publishers: 4, paceMs: 50 };
const STEPS_MS = [-3_600_000, -60_000, -1_000, 0, 1_000, 60_000, 3_600_000] as const;

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  const isLong = size >= LONG_FROM;
  const chance = asked.chance("faults");
  const disk = mountSmallDisk(join(folder, "gateway"), DISK_MEGABYTES);
  const make = makeWrongClocks(folder);
  const clocks = make && { gateway: make("gateway"), twin: make("twin") };
  const line = await openProxy();
  const witness = startWitness(folder);
  const { paths } = await witness.open({
    ...{ folder, scanners: SCANNERS },
    ...(isLong && { handMs: HAND_MS }),
  });
  const site = await openSite({
    folder,
    scanners: paths.map((path, at) => ({ path, kind: SCANNERS[at] ?? "plain" })),
    twinUrl: `mqtt://127.0.0.1:${line.port}`,
    gateway: { outbox: OUTBOX },
    keptFolder: folder,
    environmentOf: {
      gateway: clocks?.gateway.environment ?? {},
      twin: clocks?.twin.environment ?? {},
    },
  });
  line.leadTo(site.brokerPort);
  const looks = lookAt(site, folder);

  const restart = async (...parts: readonly Part[]) => {
    for (const part of parts) await site.kill(part);
    for (const part of parts) await site.start(part);
  };
  /** Each is over when it resolves. */
  const faults: Record<string, (ms: number) => Promise<void>> = {
    "gateway killed": () => restart("gateway"),
    "twin killed": () => restart("twin"),
    "both killed": () => restart("gateway", "twin"),
    "line spoilt": (ms) =>
      line.spoil(chance.pick(["reset", "half-open", "delay", "truncate"] as const), ms),
    async "line shut"(ms) {
      line.shut();
      await pause(ms);
      line.open();
    },
    "cable pulled": async (ms) =>
      void (await witness.unplug({ scanner: chance.below(SCANNERS.length), ms })),
    ...(disk && {
      async "disk full"(ms: number) {
        disk.fill(0);
        await pause(ms);
        disk.release();
      },
    }),
    ...(clocks && {
      async "clock set"() {
        clocks[chance.pick(["gateway", "twin"] as const)].set(chance.pick(STEPS_MS));
      },
    }),
  };
  const counts = new Map<string, number>();
  const own = monitorEventLoopDelay({ resolution: 10 });
  try {
    await site.start("twin");
    await site.start("gateway");
    await witness.load({ mqttUrl: site.mqttUrl, ...LOAD });
    own.enable();
    let left: readonly string[] = [];
    for (let fault = 1; fault <= size; fault++) {
      const nextMs = performance.now() + (isLong ? MINUTE_MS : SHORT_MS);
      const mayKill = !isLong || fault <= size * KILLED_SHARE;
      const allowed = Object.keys(faults).filter((name) => mayKill || !name.endsWith("killed"));
      left = left.filter((name) => allowed.includes(name));
      // Each comes once before any comes again.
      if (left.length === 0) left = allowed;
      const name = chance.pick(left);
      left = left.filter((one) => one !== name);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await faults[name]?.(chance.within(isLong ? FAULT_MS : SHORT_FAULT_MS));
      looks.calmFrom(name.endsWith("killed"));
      for (let now = performance.now(); now < nextMs; now = performance.now()) {
        await pause(Math.min(LOOK_MS, nextMs - now));
        await looks.look();
      }
      asked.done(fault);
    }
    own.disable();
    for (const clock of Object.values(clocks ?? {})) clock.set(0);
    await witness.rest();
    await site.drained(600_000);
    const judged = await witness.judge({ http: site.twinHttp, headers: site.headers() });
    const ownLagMs = own.percentile(99) / 1e6;
    const seen = looks.found();
    const lagMsMax = LAG_MS_MAX + ownLagMs;
    const goalFrom = (ms: number) =>
      seen.calmMs >= ms ? { goal: `< ${SLOPE_MB_MAX}`, unit: "MB/h" } : { unit: "MB/h" };
    const isKept = goalFrom(SLOPE_FROM_MS);
    const isAll = goalFrom(ALL_SLOPE_FROM_MS);
    const growth = [
      { name: "gateway keeps more by", value: seen.keptMb.gateway, ...isKept },
      { name: "twin keeps more by", value: seen.keptMb.twin, ...isKept },
      { name: "gateway takes more by", value: seen.slopeMb.gateway, ...isAll },
      { name: "twin takes more by, without its tables", value: seen.slopeMb.twin, ...isAll },
    ];
    return {
      figures: [
        ...[...counts].map(([name, value]) => ({ name, value, unit: "" })),
        { name: "readings accepted", value: judged.readings, unit: "" },
        { name: "scans accepted", value: judged.scans, unit: "" },
        { name: "lost", value: judged.lost.length, unit: "", goal: "0" },
        { name: "doubled", value: judged.doubled.length, unit: "", goal: "0" },
        ...growth,
        { name: "  judged over", value: seen.calmMs / 60_000, unit: "min" },
        {
          name: "log, most: outbox and evidence",
          value: seen.walMb.durable,
          unit: "MiB",
          goal: `<= ${WAL_MB_MAX}`,
        },
        {
          name: "log, most: derived",
          value: seen.walMb.derived,
          unit: "MiB",
          goal: `<= ${DERIVED_WAL_MB_MAX}`,
        },
        {
          name: "gateway answers, p99",
          value: seen.answerMs.gateway,
          unit: "ms",
          goal: `< ${Math.round(lagMsMax)}`,
        },
        {
          name: "twin answers, p99",
          value: seen.answerMs.twin,
          unit: "ms",
          goal: `< ${Math.round(lagMsMax)}`,
        },
        { name: "of it the machine's own lag", value: ownLagMs, unit: "ms" },
      ],
      broken: [
        ...brokenBy("accepted and not in the twin", judged.lost),
        ...brokenBy("in the twin more than once", judged.doubled),
        ...(seen.walMb.durable > WAL_MB_MAX
          ? [`a log took ${Math.round(seen.walMb.durable)} MiB`]
          : []),
        ...(seen.walMb.derived > DERIVED_WAL_MB_MAX
          ? [`the log of the derived file took ${Math.round(seen.walMb.derived)} MiB`]
          : []),
        ...growth.flatMap(({ name, value, goal }) =>
          goal !== undefined && value >= SLOPE_MB_MAX
            ? [`the ${name} ${value.toFixed(1)} MB an hour`]
            : [],
        ),
        ...(["gateway", "twin"] as const).flatMap((part) =>
          isLong && seen.answerMs[part] >= lagMsMax
            ? [`the ${part} answers only after ${Math.round(seen.answerMs[part])} ms`]
            : [],
        ),
        ...(judged.readings === 0 || judged.scans === 0 ? ["nothing was ever accepted"] : []),
      ],
    };
  } finally {
    await site.close();
    witness.close();
    line.close();
    for (const clock of Object.values(clocks ?? {})) clock.close();
    disk?.unmount();
  }
}

const MIB = 2 ** 20;

/** What anybody can see from outside. */
function lookAt(site: GateSite, keptFolder: string) {
  const memory: Record<Part, Point[]> = { gateway: [], twin: [] };
  const kept: Record<Part, Point[]> = { gateway: [], twin: [] };
  const answers: Record<Part, number[]> = { gateway: [], twin: [] };
  const walMb = { durable: 0, derived: 0 };

  async function look(): Promise<void> {
    const size = (part: Part, name: string) => sizeOf(join(site.data[part], name)) / MIB;
    walMb.durable = Math.max(
      ...[walMb.durable, size("gateway", "outbox.db-wal"), size("twin", "evidence.db-wal")],
    );
    walMb.derived = Math.max(walMb.derived, size("twin", "twin.db-wal"));
    for (const part of ["gateway", "twin"] as const) {
      answers[part].push(await answerMs(part));
      const tables = part === "twin" ? tablesMb(join(site.data.twin, "twin.db")) : 0;
      const [pid, atMs] = [site.pid(part), performance.now()];
      memory[part].push({ atMs, mb: privateMbOf(pid) - tables });
      const keptMb = keptMbOf(keptFolder, pid);
      if (keptMb > 0) kept[part].push({ atMs, mb: keptMb });
    }
  }

  async function answerMs(part: Part): Promise<number> {
    const startedMs = performance.now();
    const url = part === "gateway" ? site.gatewayHttp : site.twinHttp;
    await (await fetch(`${url}/healthz`, { headers: site.headers() })).text();
    return performance.now() - startedMs;
  }

  return {
    look,
    /** A program that was started a moment ago begins anew. */
    calmFrom(wasKilled: boolean) {
      if (wasKilled)
        for (const part of ["gateway", "twin"] as const) [memory[part], kept[part]] = [[], []];
    },
    found() {
      const [first, last] = [memory.gateway.at(0), memory.gateway.at(-1)];
      return {
        walMb,
        calmMs: (last?.atMs ?? 0) - (first?.atMs ?? 0),
        slopeMb: { gateway: slopeOf(memory.gateway), twin: slopeOf(memory.twin) },
        keptMb: { gateway: slopeOf(kept.gateway), twin: slopeOf(kept.twin) },
        answerMs: { gateway: quantile(answers.gateway, 0.99), twin: quantile(answers.twin, 0.99) },
      };
    },
  };
}

type Point = { readonly atMs: number; readonly mb: number };

/** MB an hour, by least squares; the first half hour is a heap that fills. */
function slopeOf(points: readonly Point[]): number {
  const from = (points[0]?.atMs ?? 0) + SLOPE_FROM_MS / 2;
  const settled = points.some(({ atMs }) => atMs > from + SLOPE_FROM_MS / 2)
    ? points.filter(({ atMs }) => atMs >= from)
    : points;
  const count = settled.length;
  if (count < 2) return 0;
  const meanAt = settled.reduce((sum, { atMs }) => sum + atMs, 0) / count;
  const meanMb = settled.reduce((sum, { mb }) => sum + mb, 0) / count;
  let [above, below] = [0, 0];
  for (const { atMs, mb } of settled) {
    above += (atMs - meanAt) * (mb - meanMb);
    below += (atMs - meanAt) ** 2;
  }
  return (above / below) * 3_600_000;
}

/** What the heaps of its threads kept when they were collected last (collecting.ts). */
function keptMbOf(folder: string, pid: number): number {
  const files = readdirSync(folder).filter(
    (name) => name.startsWith(`${pid}-`) && name.endsWith(".kept"),
  );
  return (
    files.reduce((sum, name) => sum + Number(readFileSync(join(folder, name), "utf8")), 0) / MIB
  );
}

/** What no file could be read again into. */
function privateMbOf(pid: number): number {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return 0;
  return Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(path, "utf8"))?.[1] ?? 0) / 1024;
}

/** As large as they are: the file itself grows when its log is written back, hundreds of megabytes later. */
function tablesMb(path: string): number {
  if (!existsSync(path)) return 0;
  const db = new Database(path, { readonly: true });
  try {
    const of = (name: string) => Number(db.pragma(name, { simple: true }));
    return (of("page_count") * of("page_size")) / MIB;
  } finally {
    db.close();
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
