/**
 * A bit turns, a file is cut off, a page is another's: in the database, its log or the file beside them, of
 * an outbox whose gateway died or stopped.
 *
 * Always: the gateway starts, if need be a second time, and then either nothing that was accepted is
 * missing or other than it was, or the damaged file stands aside, whole, and an empty outbox with a new
 * numbering takes in what comes. Never a number twice, never an altered event sent as if it were right.
 *
 * Seen to fail when
 *  - `store/outbox-lane.ts` does not compare sums in `peek`: altered events
 *  - `store/outbox.ts` does not ask the given numbers: a log that is gone is a silent loss
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Prng } from "../../../firmware-sim/prng.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import type { Lane } from "../../../src/ports.ts";
import { type Outbox, openOutbox, outboxLimits } from "../../../src/store/outbox.ts";
import { listAside } from "../../../src/store/outbox-file.ts";
import { type Asked, brokenBy, type Found, type Gate } from "../gate.ts";
import { createOutboxClaims, type OutboxClaims } from "./outbox-claims.ts";
import { payload } from "./payload.ts";

export const gate: Gate = {
  name: "disk/corrupt",
  shows: "a damaged outbox is noticed, set aside and counted, and the gateway starts all the same",
  unit: "damaged disks",
  full: 200,
  quick: 40,
  run,
};

const FILES = ["outbox.db", "outbox.db-wal", "outbox.db.given"] as const;
const STARTS_MAX = 3;
const limits = outboxLimits({ bytesMax: 2 ** 27, telemetryBytesMax: 2 ** 26 });

type Outcome = "harmless" | "set-aside";

async function run(asked: Asked): Promise<Found> {
  const chance = asked.chance("damage");
  const broken: string[] = [];
  const outcomes: Record<Outcome, number> = { harmless: 0, "set-aside": 0 };
  const kinds = new Map<string, number>();
  for (let round = 1; round <= asked.size; round++) {
    const folder = join(asked.folder, `disk-${round}`);
    mkdirSync(folder);
    const claims = makeOutbox(folder, chance);
    const damage = doDamage(folder, chance);
    kinds.set(damage.kind, (kinds.get(damage.kind) ?? 0) + 1);
    const found = survive(folder, claims);
    if (typeof found === "string") {
      outcomes[found] += 1;
      rmSync(folder, { recursive: true });
    } else broken.push(`disk ${round}, ${damage.told}: ${found.broken}`);
    asked.done(round);
  }
  return {
    figures: [
      ...[...kinds].map(([name, value]) => ({ name, value, unit: "" })),
      { name: "set aside, counted, started empty", value: outcomes["set-aside"], unit: "" },
      { name: "nothing accepted was touched", value: outcomes.harmless, unit: "" },
      { name: "silent losses or refusals to start", value: broken.length, unit: "", goal: "0" },
    ],
    broken: [
      ...brokenBy("disks that were not survived", broken),
      ...(outcomes["set-aside"] === 0 && asked.size >= 10 ? ["no damage was ever noticed"] : []),
    ],
  };
}

/** An outbox with a history, as a kill or a stop leaves it, and what it promised. */
function makeOutbox(folder: string, chance: Prng): OutboxClaims {
  const claims = createOutboxClaims();
  const making = join(folder, "making");
  mkdirSync(making);
  const { outbox } = openOutbox({ path: join(making, "outbox.db"), nowMs: Date.now }, limits);
  const next: Record<Lane, number> = { scan: 1, telemetry: 1 };
  const rounds = chance.wholeWithin([5, 120]);
  for (let round = 0; round < rounds; round++) {
    const lane: Lane = chance.chance(0.4) ? "scan" : "telemetry";
    const first = next[lane];
    const count = chance.wholeWithin([1, 30]);
    next[lane] += count;
    const events = Array.from({ length: count }, (_, at) => ({
      bytes: payload(lane, first + at),
      origin: undefined,
    }));
    const done = outbox.flush([{ kind: "put", lane, events }]);
    const [put] = done.ok ? done.answers : [];
    if (put?.ok) claims.hear(`A ${lane} ${put.commit.firstSeq} ${count} ${first}`);
    if (!chance.chance(0.1)) continue;
    const through = chance.below(next[lane]);
    claims.hear(`R ${lane} ${through}`);
    outbox.flush([{ kind: "release", lane, through }]);
  }
  const stopped = chance.chance(0.3);
  if (stopped) outbox.close("stopped");
  for (const name of FILES)
    if (existsSync(join(making, name))) copyFileSync(join(making, name), join(folder, name));
  if (!stopped) outbox.close("abandoned");
  rmSync(making, { recursive: true });
  return claims;
}

/** What happened to which file, in words. */
function doDamage(folder: string, chance: Prng): { readonly kind: string; readonly told: string } {
  const there = FILES.filter((name) => existsSync(join(folder, name)));
  const name = there[chance.weighted(there.map((file) => (file === "outbox.db.given" ? 1 : 4)))];
  const path = join(folder, name ?? FILES[0]);
  const bytes = readFileSync(path);
  const at = chance.below(Math.max(1, bytes.length));
  const how = chance.pick(["flip", "flip", "flip", "cut", "page", "gone"] as const);
  const kind = `${how} in ${name}`;
  switch (how) {
    case "cut":
      writeFileSync(path, bytes.subarray(0, at));
      break;
    case "page":
      bytes.fill(0x5a, at - (at % 4096), Math.min(bytes.length, at - (at % 4096) + 4096));
      writeFileSync(path, bytes);
      break;
    case "gone":
      rmSync(path);
      break;
    default:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.below(8));
      writeFileSync(path, bytes);
  }
  return { kind, told: `${kind} at ${at} of ${bytes.length}` };
}

/** Starts as a gateway and its supervisor do. */
function survive(folder: string, claims: OutboxClaims): Outcome | { readonly broken: string } {
  const path = join(folder, "outbox.db");
  for (let start = 1; start <= STARTS_MAX; start++) {
    let outbox: Outbox | undefined;
    try {
      outbox = openOutbox({ path, nowMs: Date.now }, limits).outbox;
      const aside = listAside(path).length > 0;
      const wrong = aside ? wrongWithNew(outbox) : claims.brokenBy(outbox)[0];
      outbox.close("stopped");
      if (wrong !== undefined) return { broken: wrong };
      return aside ? "set-aside" : "harmless";
    } catch (fault) {
      outbox?.close("abandoned");
      const corrupt = fault instanceof Fault && fault.code === "STORE_CORRUPT";
      if (!corrupt) return { broken: `it does not start: ${(fault as Error).stack}` };
    }
  }
  return { broken: `damage is met again after ${STARTS_MAX} starts` };
}

function wrongWithNew(outbox: Outbox): string | undefined {
  for (const lane of ["scan", "telemetry"] as const) {
    if (outbox.state(lane).lastSeq !== 0)
      return `the new outbox begins at ${outbox.state(lane).lastSeq}`;
    const events = [{ bytes: payload(lane, 1), origin: undefined }];
    const done = outbox.flush([{ kind: "put", lane, events }]);
    if (!done.ok || !done.answers[0]?.ok) return "the new outbox takes nothing in";
  }
  return undefined;
}
