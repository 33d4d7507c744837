/**
 * From the release before to this one and back, with a backlog, killed while files are brought up to date.
 *
 * Each round: every earlier layout of outbox and evidence in turn is opened by the program of today, which
 * is killed at the k-th of its writes, and opened again; and the programs of before and of today take turns on the
 * same folders, under load from a witness: the twin goes away, events pile up, the gateway is killed, the new
 * one is killed while it starts, starts, drains; then all goes back to the programs of before.
 *
 * Always: outbox and evidence are never refused, by either; what was accepted is in the twin once. What is
 * derived may be made anew. The programs of before come out of the history; where it is not at hand, only
 * files are tried, and it is said.
 *
 * Seen to fail when
 *  - `store/database.ts` takes its steps one by one instead of in one transaction: a file is refused
 *  - `store/outbox-file.ts` adds a step for what the release before need not know: the way back is refused
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { canTrace, runTraced } from "./disk/strace.ts";
import { type Asked, brokenBy, type Found, type Gate, notRun, pause, quantile } from "./gate.ts";
import { damageOfCopy } from "./integrity.ts";
import { openSite } from "./site.ts";
import { olderFiles } from "./upgrade/older-files.ts";
import { startWitness } from "./witness/witness.ts";

export const gate: Gate = {
  name: "upgrade",
  shows:
    "to this release and back, with a backlog and killed in between, nothing is lost or refused",
  unit: "rounds",
  full: 100,
  quick: 1,
  run,
};

/** The release before: the last commit before gateways signed what they send. */
const BEFORE = "99700a43aa92";
const ROOT = new URL("../..", import.meta.url).pathname;
const OPENER = new URL("./upgrade/open-file.ts", import.meta.url).pathname;
const WRITES = "pwrite64,fdatasync,fsync,ftruncate";
/** Bringing up to date a file of any earlier layout is over after so many. */
const WRITES_MAX = 12;
/** Of them in a round. */
const KILLS = 2;
const LOAD = { publishers: 3, paceMs: 10 };
const MOMENT_MS = [150, 500] as const;
/** A program opens its files within its first second or two. */
const STARTING_MS = [100, 1_500] as const;

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  if (!canTrace()) return notRun("strace is not installed, or may not trace here");
  const chance = asked.chance("moments");
  const before = programsOf(BEFORE, join(folder, "before"));
  if (before === undefined) asked.say(`${BEFORE} is not in the history here: only files are tried`);
  const witness = startWitness(folder);
  await witness.open({ folder, scanners: [] });
  const site = await openSite({ folder });
  const refused: string[] = [];
  const files: string[] = [];
  const startMs: number[] = [];
  let killed = 0;
  const start = async (part: "gateway" | "twin") => {
    try {
      startMs.push(await site.start(part));
    } catch (error) {
      refused.push(`${part}: ${(error as Error).message.split("\n").slice(0, 3).join(" ")}`);
      throw error;
    }
  };

  async function openKilled(older: (typeof olderFiles)[number], when: number): Promise<void> {
    const at = mkdtempSync(join(folder, "file-"));
    const path = join(at, `${older.kind}.db`);
    older.write(path);
    const inject = [`trace=${WRITES}`, `inject=${WRITES}:signal=SIGKILL:when=${when}`];
    const words = inject.flatMap((word) => ["-e", word]);
    const only = ["", "-wal"].flatMap((part) => ["-P", path + part]);
    const { status } = await runTraced(
      ["-qq", "-o", "/dev/null", ...only, ...words],
      [OPENER, older.kind, path],
    );
    if (status !== 0) killed += 1;
    const told = `${older.kind} of version ${older.version}, killed at write ${when}`;
    files.push(...missingIn(older, path, folder).map((what) => `${told}: ${what}`));
    rmSync(at, { recursive: true, force: true });
  }

  async function toAndBack(main: string): Promise<void> {
    await site.kill("twin");
    await pause(chance.within(MOMENT_MS));
    await site.kill("gateway");
    for (const [copy, parts] of [
      [undefined, ["gateway", "twin"]],
      [main, ["twin", "gateway"]],
    ] as const) {
      site.use(copy);
      const victim = chance.pick(parts);
      for (const part of parts) {
        if (copy === undefined && part === victim)
          await site.killStarting(part, chance.within(STARTING_MS));
        await start(part);
      }
      await pause(chance.within(MOMENT_MS));
      if (copy === undefined) for (const part of parts) await site.kill(part);
    }
  }

  try {
    if (before !== undefined) {
      site.use(before);
      await start("twin");
      await start("gateway");
      await witness.load({ mqttUrl: site.mqttUrl, ...LOAD });
    }
    let writes: readonly number[] = [];
    for (let round = 1; round <= size; round++) {
      for (let kill = 0; kill < KILLS; kill++) {
        // Each comes once before any comes again.
        if (writes.length === 0) writes = Array.from({ length: WRITES_MAX }, (_, at) => at + 1);
        const when = chance.pick(writes);
        writes = writes.filter((one) => one !== when);
        for (const older of olderFiles) await openKilled(older, when);
      }
      if (before !== undefined) await toAndBack(before);
      asked.done(round);
    }
    const broken = [
      ...brokenBy("files not as they were", files),
      ...(killed === 0 && size > 3 ? ["nothing was ever killed"] : []),
    ];
    const figures = [
      {
        name: "files of earlier layouts opened",
        value: size * KILLS * olderFiles.length,
        unit: "",
      },
      { name: "  killed in it", value: killed, unit: "" },
    ];
    if (before === undefined) return { figures, broken };

    // It is the release before that drains what is left.
    await witness.rest();
    await site.drained();
    const judged = await witness.judge({ http: site.twinHttp, headers: site.headers() });
    return {
      figures: [
        ...figures,
        { name: "programs taking turns, starts", value: startMs.length, unit: "" },
        { name: "  ready, p50", value: quantile(startMs, 0.5), unit: "ms" },
        { name: "readings accepted", value: judged.readings, unit: "" },
        { name: "lost", value: judged.lost.length, unit: "", goal: "0" },
        { name: "doubled", value: judged.doubled.length, unit: "", goal: "0" },
      ],
      broken: [
        ...broken,
        ...brokenBy("accepted and not in the twin", judged.lost),
        ...brokenBy("in the twin more than once", judged.doubled),
        ...(judged.inSeries === judged.inEvidence
          ? []
          : [`${judged.inEvidence} readings in evidence, ${judged.inSeries} in the series`]),
        ...(judged.readings === 0 ? ["nothing was ever accepted"] : []),
      ],
    };
  } catch (error) {
    if (refused.length === 0) throw error;
    return { figures: [], broken: brokenBy("starts refused", refused) };
  } finally {
    await site.close();
    witness.close();
  }
}

function missingIn(
  older: (typeof olderFiles)[number],
  path: string,
  scratch: string,
): readonly string[] {
  const damage = damageOfCopy(path, scratch);
  if (damage !== undefined) return [damage];
  try {
    return older.missing(path);
  } catch (error) {
    return [`refused: ${(error as Error).message}`];
  }
}

/** The command line of a commit, with the packages of today; undefined: the history does not go back so far. */
function programsOf(commit: string, folder: string): string | undefined {
  mkdirSync(folder, { recursive: true });
  const archive = spawnSync("git", ["archive", commit, "src", "package.json", "tsconfig.json"], {
    cwd: ROOT,
    maxBuffer: 256 * 1024 * 1024,
  });
  if (archive.status !== 0) return undefined;
  if (spawnSync("tar", ["-x", "-C", folder], { input: archive.stdout }).status !== 0)
    return undefined;
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return join(folder, "src/cli/main.ts");
}
