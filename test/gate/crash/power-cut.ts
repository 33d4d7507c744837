/**
 * The power goes at any moment. A loaded run of the outbox, and one of the twin's writer, are recorded
 * call by call, once; then disks that there may be after a cut are made of the recording, opened with
 * the real code, and asked for each event that had been accepted by then.
 *
 * The control is part of the gate: with synchronous=NORMAL the same disks must lose events, or this is blind.
 *
 * Seen to fail by that control: each of its disks loses accepted events; and when `store/outbox.ts` writes the
 * given numbers before the commit: a whole outbox is set aside.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Prng } from "../../../firmware-sim/prng.ts";
import { createEvidenceClaims } from "../disk/evidence-claims.ts";
import { createOutboxClaims } from "../disk/outbox-claims.ts";
import { createDisk } from "../disk/possible-disks.ts";
import { canTrace, record, type Step } from "../disk/strace.ts";
import { type Asked, brokenBy, type Found, type Gate, notRun } from "../gate.ts";

const COMMITS = 500;
const BATCHES = 160;
/** Of the disks, how many are the twin's, and how many the control's. */
const EVIDENCE_SHARE = 0.3;
const CONTROL_SHARE = 0.1;
const CONTROL_MIN = 12;
/** On so many of the twin's disks all that follows from the evidence is derived, too. */
const CAUGHT_UP_EVERY = 10;

export const gate: Gate = {
  name: "crash/power-cut",
  shows: "after a power cut at any moment, each accepted event is on every disk there may be",
  unit: "disks",
  full: 5_000,
  quick: 60,
  run,
};

type Claims = {
  hear(line: string): void;
  accepted(): number;
  brokenIn(folder: string): readonly string[];
  catchUp?(folder: string): Promise<readonly string[]>;
};

type Program = {
  readonly name: string;
  readonly entry: string;
  readonly size: number;
  readonly claims: () => Claims;
  readonly before?: readonly string[];
};

const OUTBOX: Program = {
  name: "outbox",
  entry: "../disk/outbox-load.ts",
  size: COMMITS,
  claims: createOutboxClaims,
};
const EVIDENCE: Program = {
  name: "evidence",
  entry: "../disk/evidence-load.ts",
  size: BATCHES,
  claims: createEvidenceClaims,
};
const RELAXED = fileOf("../disk/relaxed.ts");
const CONTROL: Program = { ...OUTBOX, name: "control", before: ["--import", RELAXED] };

async function run(asked: Asked): Promise<Found> {
  if (!canTrace()) return notRun("strace is not installed, or may not trace here");
  const { size } = asked;
  const controls = Math.max(CONTROL_MIN, Math.round(size * CONTROL_SHARE));
  const ofEvidence = Math.round(size * EVIDENCE_SHARE);
  let done = 0;
  const rebuilt = () => asked.done(Math.min(size, ++done));
  const outbox = await rebuild(asked, OUTBOX, size - ofEvidence, rebuilt);
  const evidence = await rebuild(asked, EVIDENCE, ofEvidence, rebuilt);
  const control = await rebuild(asked, CONTROL, controls, () => undefined);
  return {
    figures: [
      { name: "outbox disks rebuilt", value: outbox.disks, unit: "" },
      { name: "  calls recorded", value: outbox.steps, unit: "" },
      { name: "  unsynced changes at a cut, most", value: outbox.unsynced, unit: "" },
      { name: "  accepted events asked for", value: outbox.askedFor, unit: "" },
      { name: "  disks that lost one", value: outbox.lossy, unit: "", goal: "0" },
      { name: "evidence disks rebuilt", value: evidence.disks, unit: "" },
      { name: "  calls recorded", value: evidence.steps, unit: "" },
      { name: "  accepted events asked for", value: evidence.askedFor, unit: "" },
      { name: "  disks that lost one", value: evidence.lossy, unit: "", goal: "0" },
      { name: "control (NORMAL): disks rebuilt", value: control.disks, unit: "" },
      { name: "  disks that lost one", value: control.lossy, unit: "", goal: ">= 1" },
    ],
    broken: [
      ...brokenBy("losses", [...outbox.broken, ...evidence.broken]),
      ...(control.lossy === 0
        ? ["with synchronous=NORMAL nothing was lost: this gate is blind"]
        : []),
    ],
  };
}

async function rebuild(asked: Asked, program: Program, count: number, rebuilt: () => void) {
  const folder = join(asked.folder, program.name);
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  asked.say(`recording the ${program.name}`);
  const words = [...(program.before ?? []), fileOf(program.entry), data, String(program.size)];
  const steps = await record(words, { folder: data, log: join(folder, "strace.log") });
  const chance = asked.chance(program.name);
  const cuts = cutsOf(steps, count, data, chance);
  const disk = createDisk(data);
  const claims = program.claims();
  const found = { disks: 0, steps: steps.length, unsynced: 0, askedFor: 0, lossy: 0 };
  const broken: string[] = [];
  let at = 0;
  for (const [n, cut] of cuts.entries()) {
    for (; at < cut; at++) {
      const step = steps[at] as Step;
      disk.advance(step);
      if (step.kind === "said") claims.hear(step.line);
    }
    const files = disk.possible(chance);
    found.disks += 1;
    found.unsynced = Math.max(found.unsynced, disk.unsynced());
    found.askedFor += claims.accepted();
    const wrong = await ask(claims, join(folder, "disk"), files, n % CAUGHT_UP_EVERY === 0);
    rebuilt();
    if (wrong.length === 0) continue;
    found.lossy += 1;
    broken.push(`${program.name}, cut at call ${cut} of ${steps.length}: ${wrong[0]}`);
    if (found.lossy === 1 && program !== CONTROL) keep(join(folder, "first-loss"), files);
  }
  rmSync(join(folder, "disk"), { recursive: true, force: true });
  return { ...found, broken };
}

/**
 * A third of the cuts come at any moment; a third right behind an acknowledgement, where a missing sync
 * shows; a third where much is unsynced, which is where a checkpoint is under way.
 */
function cutsOf(steps: readonly Step[], count: number, folder: string, chance: Prng): number[] {
  const said = steps.flatMap((step, at) => (step.kind === "said" ? [at + 1] : []));
  const disk = createDisk(folder);
  const unsynced = steps.map((step) => {
    disk.advance(step);
    return disk.unsynced();
  });
  const much = Math.max(...unsynced) / 4;
  const busy = unsynced.flatMap((changes, at) => (changes >= much ? [at + 1] : []));
  const cut = (n: number) =>
    n % 3 === 0 ? chance.below(steps.length + 1) : chance.pick(n % 3 === 1 ? said : busy);
  return Array.from({ length: count }, (_, n) => cut(n)).sort((a, b) => a - b);
}

async function ask(
  claims: Claims,
  folder: string,
  files: ReadonlyMap<string, Buffer>,
  catchUp: boolean,
): Promise<readonly string[]> {
  keep(folder, files);
  try {
    const broken = claims.brokenIn(folder);
    return catchUp && broken.length === 0 ? ((await claims.catchUp?.(folder)) ?? []) : broken;
  } catch (error) {
    return [`it cannot be opened: ${(error as Error).message}`];
  }
}

function keep(folder: string, files: ReadonlyMap<string, Buffer>): void {
  if (existsSync(folder)) rmSync(folder, { recursive: true });
  mkdirSync(folder);
  for (const [name, content] of files) writeFileSync(join(folder, name), content);
}

function fileOf(path: string): string {
  return new URL(path, import.meta.url).pathname;
}
