/** Worlds one after the other, each of a seed of its own: a failure is told by that seed, and comes again. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createPrng } from "../../../firmware-sim/prng.ts";
import { type Asked, brokenBy, type Found } from "../gate.ts";
import { openWorld, type WorldFigures } from "./world.ts";

const TICKS = 100;
/** Nothing here depends on the disk; what need not be synced is quicker. */
const MEMORY = "/dev/shm";

export async function runSeeds(asked: Asked, name: string, jumps: boolean): Promise<Found> {
  const home = existsSync(MEMORY) ? mkdtempSync(join(MEMORY, "racktrace-gate-")) : asked.folder;
  const sums = { accepted: 0, kills: 0, cuts: 0, jumps: 0, restores: 0, wentBack: 0 };
  const broken: string[] = [];
  let firstTrace: string | undefined;
  for (let n = 0; n < asked.size; n++) {
    const seed = asked.seed + n;
    const { found, figures, trace } = await live(seed);
    for (const key of Object.keys(sums) as (keyof WorldFigures)[]) sums[key] += figures[key];
    if (found.length > 0) broken.push(`seed ${seed}: ${found.slice(0, 3).join(", ")}`);
    if (n === 0) firstTrace = trace;
    asked.done(n + 1);
  }
  // A seed that does not come out the same twice could not be looked into.
  const replayed = asked.size > 0 && (await live(asked.seed)).trace === firstTrace;
  if (home !== asked.folder) rmSync(home, { recursive: true, force: true });
  const figure = (label: string, value: number) => ({ name: label, value, unit: "" });
  return {
    figures: [
      figure("readings accepted", sums.accepted),
      figure("kills", sums.kills),
      figure("cuts", sums.cuts),
      figure("clock jumps", sums.jumps),
      figure("twins restored from a copy", sums.restores),
      figure("gateways whose disk went back in time", sums.wentBack),
      figure("the first seed came out the same twice", replayed ? 1 : 0),
    ],
    broken: [
      ...brokenBy("worlds broken", broken),
      ...(replayed ? [] : ["the same seed did not make the same world"]),
      ...(sums.accepted === 0 ? ["nothing was ever accepted"] : []),
    ],
  };

  async function live(seed: number) {
    const folder = join(home, `world-${seed}`);
    const world = await openWorld(createPrng(seed, name), { folder, jumps });
    try {
      for (let tick = 0; tick < TICKS; tick++) await world.tick();
      await world.heal();
      return { found: world.broken(), figures: world.figures(), trace: world.trace() };
    } finally {
      world.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}
