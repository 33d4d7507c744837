/**
 * Properties of all that a twin hears: scans and statements of every kind, in any order, twice, and
 * with a crash at any point. RUNS=10000 for a long run; a failure prints its seed and the shortest
 * list of arrivals that still fails, and SEED=n replays it.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { delivery, openEntryTwin, type Sent } from "../support/entries.ts";

const numRuns = Number(process.env["RUNS"] ?? 60);
const seed = process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) };
const LONG_MS = 3_600_000;

test(
  "scans and statements that come in any order and twice end in the same rows and answers",
  () => {
    fc.assert(
      fc.property(delivery, ({ sent, arrivals }) => {
        expect(toldAfter(arrivals)).toEqual(toldAfter(sent));
      }),
      { numRuns, ...seed },
    );
  },
  LONG_MS,
);

function toldAfter(arrivals: readonly Sent[]): readonly string[] {
  const twin = openEntryTwin();
  for (const one of firsts(arrivals)) twin.take(one);
  const told = twin.told();
  twin.close();
  return told;
}

/** The twin's own statements do not come twice: each is recorded once, when it is made. */
function firsts(arrivals: readonly Sent[]): readonly Sent[] {
  const said = new Set<number>();
  return arrivals.filter(({ id }) => {
    if (id.gateway !== "twin") return true;
    if (said.has(id.seq)) return false;
    said.add(id.seq);
    return true;
  });
}

test(
  "a step that breaks and a process that dies, at any point, leave every row as if they had not",
  () => {
    const mishap = fc.oneof(
      { weight: 9, arbitrary: fc.constant("none") },
      { weight: 2, arbitrary: fc.constantFrom("breaks", "dies", "both") },
    );
    fc.assert(
      fc.property(
        delivery,
        fc.array(mishap, { minLength: 40, maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        ({ arrivals }, mishaps, size) => {
          const steps = inSteps(firsts(arrivals), size);
          const calm = openEntryTwin();
          for (const step of steps) calm.take(...step);
          const rough = openEntryTwin();
          for (const [i, step] of steps.entries()) {
            const happens = mishaps[i % mishaps.length];
            if (happens === "breaks" || happens === "both") rough.fail(...step);
            if (happens === "dies" || happens === "both") rough.restart();
            rough.take(...step);
          }
          expect(rough.rows()).toEqual(calm.rows());
          calm.close();
          rough.close();
        },
      ),
      { numRuns, ...seed },
    );
  },
  LONG_MS,
);

function inSteps<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return items.flatMap((_, i) => (i % size === 0 ? [items.slice(i, i + size)] : []));
}

test(
  "what was told as known at a moment is told so for ever, whatever is scanned and stated later",
  () => {
    fc.assert(
      fc.property(delivery, ({ arrivals }) => {
        const twin = openEntryTwin();
        const told: (readonly [number, readonly string[]])[] = [];
        for (const [i, one] of firsts(arrivals).entries()) {
          const laterMs = i * 1_000;
          const takenInAtMs = one.takenInAtMs + laterMs;
          const sentAtMs = one.sentAtMs === 0 ? 0 : one.sentAtMs + laterMs;
          twin.take({ ...one, takenInAtMs, sentAtMs });
          if (i % 4 === 0) told.push([takenInAtMs, twin.knownAt(takenInAtMs)]);
        }
        for (const [ms, answer] of told) expect(twin.knownAt(ms)).toEqual(answer);
        twin.close();
      }),
      { numRuns, ...seed },
    );
  },
  LONG_MS,
);
