/**
 * Lets the planned jobs happen: every operator does the jobs of his own scanner in their order, and
 * takes over things from others only when those have let go of them.
 *
 * Real time keeps the causal order with a margin, because the product orders what it hears by the
 * time at which it hears it.
 */
import type { Job } from "./acts.ts";
import type { Sleep } from "./pace.ts";
import type { Scanner } from "./scanner.ts";
import type { Truth } from "./truth.ts";

export type Shift = {
  /** Adds jobs behind those given before. They come in an order in which they can be done. */
  put(jobs: readonly Job[]): void;
  /** Resolves when these jobs are over, or left undone because the simulator is told to stop. */
  over(jobs: readonly Job[]): Promise<void>;
};

export type ShiftDeps = {
  readonly scanners: ReadonlyMap<string, Scanner>;
  readonly truth: Truth;
  readonly nowMs: () => number;
  readonly sleep: Sleep;
  readonly stop: AbortSignal;
};

export type ShiftOptions = {
  readonly speed: number;
  readonly handoverMs: number;
  /** Real time at which the simulated clock stands at 0. */
  readonly originMs: number;
};

export function createShift(
  { scanners, truth, nowMs, sleep, stop }: ShiftDeps,
  { speed, handoverMs, originMs }: ShiftOptions,
): Shift {
  /** When each job was over, in real time. */
  const ends = new WeakMap<Job, Promise<number>>();
  const lastOf = new Map<string, Promise<number>>();

  async function work(job: Job, scanner: Scanner): Promise<number> {
    const before = await Promise.all(job.after.map((earlier) => ends.get(earlier) ?? 0));
    const handedOverMs = Math.max(0, ...before) + handoverMs;
    await sleep(Math.max(handedOverMs, originMs + job.startMs / speed) - nowMs());
    for (const act of job.acts) {
      if (stop.aborted) break;
      await scanner.read(act, act.gapMs / speed, (timeMs) => {
        for (const move of act.moves) truth.moved(move, timeMs);
      });
    }
    return nowMs();
  }

  return {
    put(jobs) {
      for (const job of jobs) {
        const scanner = scanners.get(job.scanner);
        if (scanner === undefined) throw new RangeError(`no scanner is called ${job.scanner}`);
        const end = (lastOf.get(job.scanner) ?? Promise.resolve(0)).then(() => work(job, scanner));
        lastOf.set(job.scanner, end);
        ends.set(job, end);
      }
    },
    async over(jobs) {
      await Promise.all(jobs.map((job) => ends.get(job)));
    },
  };
}
