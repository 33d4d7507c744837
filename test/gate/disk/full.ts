/**
 * Somebody else fills the gateway's disk, under load and with the twin away; at times the gateway is
 * killed on the full disk. Then the twin comes back, and only when all is sent is the disk released.
 *
 * Always: the gateway refuses without acknowledging, and /healthz says DEGRADED within a second; what
 * waits is sent while the disk is still full; afterwards everything is taken in again, and nobody did
 * anything. The page-count cap does the same without a disk: test/unit/outbox.test.ts.
 *
 * Seen to fail when
 *  - `store/outbox.ts` holds no ballast, or knows no floor: it does not start, or the full outbox is never sent
 *  - `store/outbox.ts` (attemptDeleting) leaves what it deleted in the log: never sent, in one of eight rounds
 */
import { join } from "node:path";
import { until } from "../../support/until.ts";
import { type Asked, brokenBy, type Found, type Gate, notRun, pause, quantile } from "../gate.ts";
import { type GateSite, openSite } from "../site.ts";
import { startWitness } from "../witness/witness.ts";
import { mountSmallDisk, type SmallDisk } from "./small-disk.ts";

export const gate: Gate = {
  name: "disk/full",
  shows: "a full disk is refused, told, drained and left behind without anybody's help",
  unit: "rounds",
  full: 100,
  quick: 2,
  run,
};

const MEGABYTES = 48;
const BUDGET = { bytesMax: 256 * 1024 * 1024, telemetryBytesMax: 128 * 1024 * 1024 };
/** Of what a budget like this comes to: see outboxLimits. */
const FLOOR_BYTES = 4 * 1024 * 1024;
const DEGRADED_MS_MAX = 1_000;
/** A machine that takes long to answer at all is given that much more. */
const SLOW_TIMES = 5;
const DRAIN_MS_MAX = 60_000;
const KILL_SHARE = 0.3;
const SCANNERS = ["ssi"] as const;

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  const disk = mountSmallDisk(join(folder, "gateway"), MEGABYTES);
  if (disk === undefined) return notRun("a small disk cannot be mounted here without root");
  const witness = startWitness(folder);
  const { paths } = await witness.open({ folder, scanners: SCANNERS });
  const scanners = paths.map((path) => ({ path, kind: "ssi" as const }));
  const site = await openSite({ folder, scanners, gateway: { outbox: BUDGET } });
  const chance = asked.chance("rounds");
  const degradedMs: number[] = [];
  const drainedMs: number[] = [];
  let kills = 0;
  try {
    await site.start("twin");
    await site.start("gateway");
    const degradedMsMax = DEGRADED_MS_MAX + SLOW_TIMES * (await answerMs(site));
    await witness.load({ mqttUrl: site.mqttUrl, publishers: 4, paceMs: 5 });
    for (let round = 1; round <= size; round++) {
      await pause(chance.within([200, 800]));
      await site.kill("twin");
      await pause(chance.within([100, 500]));
      degradedMs.push(await fillAndSee(site, disk, chance.chance(0.7) ? 0 : FLOOR_BYTES / 2));
      if (chance.chance(KILL_SHARE)) {
        kills += 1;
        await site.kill("gateway");
        await site.start("gateway");
      }
      await site.start("twin");
      drainedMs.push(await timed(() => backlogIsSent(site)));
      disk.release();
      await until("it takes in again", async () => isWell(await site.health()), {
        timeoutMs: DRAIN_MS_MAX,
        everyMs: 20,
      });
      asked.done(round);
    }
    await witness.rest();
    await site.drained();
    const judged = await witness.judge({ http: site.twinHttp, headers: site.headers() });
    const worst = quantile(degradedMs, 0.99);
    return {
      figures: [
        { name: "readings accepted", value: judged.readings, unit: "" },
        { name: "scans accepted", value: judged.scans, unit: "" },
        { name: "lost", value: judged.lost.length, unit: "", goal: "0" },
        { name: "doubled", value: judged.doubled.length, unit: "", goal: "0" },
        {
          name: "DEGRADED after",
          value: worst,
          unit: "ms",
          goal: `<= ${Math.round(degradedMsMax)}`,
        },
        { name: "drained on a full disk in, p99", value: quantile(drainedMs, 0.99), unit: "ms" },
        { name: "killed on a full disk", value: kills, unit: "" },
      ],
      broken: [
        ...brokenBy("accepted and not in the twin", judged.lost),
        ...brokenBy("in the twin more than once", judged.doubled),
        ...(worst > degradedMsMax ? [`DEGRADED only after ${Math.round(worst)} ms`] : []),
      ],
    };
  } finally {
    await site.close();
    witness.close();
    disk.unmount();
  }
}

/** How long it took until the gateway said that it refuses. */
function fillAndSee(site: GateSite, disk: SmallDisk, leaveBytes: number): Promise<number> {
  disk.fill(leaveBytes);
  return timed(() =>
    until("the gateway says that it refuses", async () => refuses(await site.health()), {
      timeoutMs: DRAIN_MS_MAX,
      everyMs: 10,
    }),
  );
}

type Health = Awaited<ReturnType<GateSite["health"]>>;
const refuses = ({ reasons }: Health) => reasons.some(({ what }) => what === "outbox-refuses");
const isWell = ({ status }: Health) => status === "ok";

/** The disk is full, so nothing comes in: all that waited is gone. */
function backlogIsSent(site: GateSite): Promise<void> {
  return until("the full outbox is sent", async () => (await site.waiting()) === 0, {
    timeoutMs: DRAIN_MS_MAX,
    everyMs: 10,
  });
}

async function answerMs(site: GateSite): Promise<number> {
  const took: number[] = [];
  for (let n = 0; n < 10; n++) took.push(await timed(() => site.health()));
  return quantile(took, 0.9);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}
