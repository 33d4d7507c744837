/**
 * The k-th fsync, write, ftruncate or open of a run fails, alone or with the next one, with EIO or ENOSPC, for
 * every k that there is (a smaller size takes some of them by chance).
 *
 * Always: the program goes on, or ends for its supervisor with a fault that it names; started again on a
 * disk that is well, it has each event that it ever acknowledged, and none twice that was refused and said again.
 *
 * Seen to fail when
 *  - `io/outbox-thread.ts` answers the puts of a refused flush as if they were kept
 *  - `store/outbox.ts` (reopenOutbox) does not look whether a refused commit came back: doubled
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Prng } from "../../../firmware-sim/prng.ts";
import { createEvidenceClaims } from "../disk/evidence-claims.ts";
import { createOutboxClaims } from "../disk/outbox-claims.ts";
import { canTrace, runTraced } from "../disk/strace.ts";
import { type Asked, brokenBy, type Found, type Gate, notRun } from "../gate.ts";

export const gate: Gate = {
  name: "crash/nth-call",
  shows: "whichever call to the disk fails, nothing is acknowledged that is not on it",
  unit: "failed calls",
  full: 10_000,
  quick: 32,
  run,
};

const CALLS = ["fsync,fdatasync", "pwrite64", "ftruncate", "openat"] as const;
const ERRORS = ["EIO", "ENOSPC"] as const;
/** So many fail one after the other: what a failure leaves to be done may fail, too. */
const IN_A_ROW = [1, 2] as const;

type Claims = {
  hear(line: string): void;
  accepted(): number;
  refused(): number;
  brokenIn(folder: string): readonly string[];
};

type Program = {
  readonly name: string;
  readonly entry: string;
  readonly size: number;
  readonly files: readonly string[];
  readonly claims: () => Claims;
};

const PROGRAMS: readonly Program[] = [
  {
    name: "outbox",
    entry: "../disk/outbox-load.ts",
    size: 12,
    files: ["outbox.db", "outbox.db-wal"],
    claims: createOutboxClaims,
  },
  {
    name: "evidence",
    entry: "../disk/evidence-load.ts",
    size: 5,
    files: ["evidence.db", "evidence.db-wal", "twin.db", "twin.db-wal"],
    claims: createEvidenceClaims,
  },
];

type Trouble = {
  readonly program: Program;
  readonly calls: (typeof CALLS)[number];
  readonly error: (typeof ERRORS)[number];
  readonly when: number;
  readonly inARow: (typeof IN_A_ROW)[number];
};

async function run(asked: Asked): Promise<Found> {
  if (!canTrace()) return notRun("strace is not installed, or may not trace here");
  const all = (
    await Promise.all(PROGRAMS.map((program) => troublesOf(program, asked.folder)))
  ).flat();
  const chance = asked.chance("calls");
  const chosen = asked.size >= all.length ? all : sample(all, asked.size, chance);
  const broken: string[] = [];
  const sums = { injected: 0, wentOn: 0, ended: 0, accepted: 0, refused: 0 };
  for (const [at, trouble] of chosen.entries()) {
    const { program, calls, error } = trouble;
    const told = `${program.name}: ${calls} number ${whenOf(trouble)} fails with ${error}`;
    const found = await suffer(trouble, asked.folder);
    broken.push(...found.broken.slice(0, 1).map((what) => `${told}: ${what}`));
    sums.injected += found.injected ? 1 : 0;
    sums.wentOn += found.status === 0 ? 1 : 0;
    sums.ended += found.status === 3 ? 1 : 0;
    sums.accepted += found.accepted;
    sums.refused += found.refused;
    asked.done(at + 1);
  }
  const figure = (name: string, value: number) => ({ name, value, unit: "" });
  return {
    figures: [
      figure("calls there are to fail", all.length),
      figure("failed", sums.injected),
      figure("  the program went on", sums.wentOn),
      figure("  it ended for its supervisor", sums.ended),
      figure("puts and offers refused", sums.refused),
      figure("accepted events, all there afterwards", sums.accepted),
    ],
    broken: [
      ...brokenBy("failures not survived", broken),
      ...(sums.injected < chosen.length / 2
        ? [`only ${sums.injected} of ${chosen.length} failures came to pass`]
        : []),
    ],
  };
}

/** One run without trouble tells how many calls of each kind there are. */
async function troublesOf(program: Program, scratch: string): Promise<readonly Trouble[]> {
  const { log, folder } = await execute(program, scratch, ["-e", `trace=${CALLS.join(",")}`]);
  rmSync(folder, { recursive: true });
  return CALLS.flatMap((calls) => {
    const names = calls.split(",");
    const lines = log.split("\n").filter((line) => names.some((name) => isCall(line, name)));
    // strace counts for each thread by itself, and each half of the run has a thread of its own.
    const byThread = new Map<string, number>();
    for (const line of lines) {
      const [thread = ""] = line.split(" ", 1);
      byThread.set(thread, (byThread.get(thread) ?? 0) + 1);
    }
    const count = Math.max(0, ...byThread.values());
    return Array.from({ length: count }, (_, at) => at + 1).flatMap((when) =>
      ERRORS.flatMap((error) =>
        IN_A_ROW.map((inARow) => ({ program, calls, error, when, inARow })),
      ),
    );
  });
}

/** `PID name(...`, resumed or not. */
function isCall(line: string, name: string): boolean {
  return line.includes(` ${name}(`);
}

/** As strace says it. */
function whenOf({ when, inARow }: Trouble): string {
  return inARow === 1 ? `${when}` : `${when}..${when + inARow - 1}`;
}

async function suffer(trouble: Trouble, scratch: string) {
  const { program, calls, error } = trouble;
  const when = whenOf(trouble);
  const injection = ["-e", `trace=${calls}`, "-e", `inject=${calls}:error=${error}:when=${when}`];
  const { status, stdout, stderr, log, folder, data } = await execute(program, scratch, injection);
  const claims = program.claims();
  claims.hear(stdout);
  const broken: string[] = [];
  if (status !== 0 && status !== 3) {
    // What it said with its last breath begins with the reason, and may go on for pages.
    writeFileSync(join(folder, "stderr.txt"), stderr);
    const [reason = ""] = stderr.trim().split(/\n(?=[^#\n])/);
    broken.push(`it ended with status ${status}: ${reason}`);
  }
  try {
    broken.push(...claims.brokenIn(data));
  } catch (fault) {
    broken.push(`it cannot be started again: ${(fault as Error).message}`);
  }
  if (broken.length === 0) rmSync(folder, { recursive: true });
  const [accepted, refused] = [claims.accepted(), claims.refused()];
  return { status, broken, accepted, refused, injected: log.includes("(INJECTED)") };
}

async function execute(program: Program, scratch: string, straceWords: readonly string[]) {
  const folder = mkdtempSync(join(scratch, `${program.name}-`));
  const data = join(folder, "data");
  mkdirSync(data);
  const log = join(folder, "strace.log");
  const paths = program.files.flatMap((name) => ["-P", join(data, name)]);
  const entry = new URL(program.entry, import.meta.url).pathname;
  const ran = await runTraced(
    ["-qq", "--seccomp-bpf", "-s", "0", "-o", log, ...paths, ...straceWords],
    [entry, data, String(program.size)],
  );
  return { ...ran, log: readFileSync(log, "utf8"), folder, data };
}

/** Each program and each kind of call in turn, so that the many writes do not crowd out the rest. */
function sample(troubles: readonly Trouble[], count: number, chance: Prng): readonly Trouble[] {
  const taken = new Map<string, number>();
  return troubles
    .map((trouble) => ({ trouble, order: chance.next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ trouble, order }) => {
      const kind = `${trouble.program.name} ${trouble.calls} ${trouble.inARow}`;
      taken.set(kind, (taken.get(kind) ?? 0) + 1);
      return { trouble, turn: (taken.get(kind) ?? 0) + order };
    })
    .sort((a, b) => a.turn - b.turn)
    .slice(0, count)
    .map(({ trouble }) => trouble);
}
