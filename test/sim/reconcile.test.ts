/**
 * Properties of the fold over made-up histories. RUNS=10000 for a long run; a failure prints its
 * seed and path, and SEED=n replays it.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareOrder } from "../../src/reconcile/assertion.ts";
import type { WhereAnswer } from "../../src/store/answers.ts";
import {
  arrival,
  BEGIN_MS,
  createTwin,
  currentRows,
  type Happening,
  history,
  shuffled,
  THINGS,
} from "../support/history.ts";
import { type NaiveAnswer, naive } from "../support/naive.ts";

const numRuns = Number(process.env["RUNS"] ?? 60);
const seed = process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) };
const LONG_MS = 600_000;

function inOrder(happenings: readonly Happening[]): readonly Happening[] {
  const voids = happenings.filter(({ kind }) => kind === "void");
  const registers = happenings.filter(({ kind }) => kind === "register");
  const asserted = happenings.filter((one) => one.kind === "assert");
  // Voids first: what is voided before it is known was never folded at all.
  return [...registers, ...voids, ...asserted.toSorted((a, b) => compareOrder(a.order, b.order))];
}

function rowsAfter(
  arrivals: readonly Happening[],
  all: readonly Happening[],
  sweepMax: number,
): readonly string[] {
  const twin = createTwin({ sweepMax });
  for (const happening of arrivals) twin.take(happening, all);
  const rows = currentRows(twin);
  twin.close();
  return rows;
}

test(
  "any order of arrival, with repeats, ends in the rows of a fold from the beginning",
  () => {
    fc.assert(
      fc.property(history, arrival, fc.constantFrom(0, 64), (all, numbers, sweepMax) => {
        const folded = rowsAfter(inOrder(all), all, 64);
        expect(rowsAfter(shuffled(all, numbers), all, sweepMax)).toEqual(folded);
      }),
      { numRuns, ...seed },
    );
  },
  LONG_MS,
);

test(
  "what was known at a moment stays as it was, whatever arrives later",
  () => {
    fc.assert(
      fc.property(history, arrival, (all, numbers) => {
        const twin = createTwin();
        const told: (readonly [string, number, string])[] = [];
        const ask = (key: string, knownMs: number) => {
          const where = twin.answers.where(key, undefined, knownMs);
          const path = where.ok ? where.path.map(({ name, key }) => name || key).join(" < ") : "";
          const open = twin.answers.discrepancies(undefined, knownMs).open;
          return `${path} | ${where.ok && where.certainty} | ${open
            .map(({ kind, subject }) => `${kind} ${subject}`)
            .sort()
            .join()}`;
        };
        for (const happening of shuffled(all, numbers)) {
          const knownMs = twin.atPosition(twin.take(happening, all));
          const [, key] = THINGS[told.length % THINGS.length] ?? ["", ""];
          told.push([key, knownMs, ask(key, knownMs)]);
        }
        for (const [key, knownMs, answer] of told) expect(ask(key, knownMs)).toEqual(answer);
        twin.close();
      }),
      { numRuns, ...seed },
    );
  },
  LONG_MS,
);

test(
  "every thing is in one place, container, transit, unknown or destroyed, and never in itself",
  () => {
    fc.assert(
      fc.property(history, arrival, (all, numbers) => {
        const twin = createTwin();
        for (const happening of shuffled(all, numbers)) twin.take(happening, all);
        const seen = new Map<string, string>();
        for (const [, key] of THINGS) {
          const where = twin.answers.where(key);
          if (!where.ok) continue;
          const keys = where.path.map((one) => one.key);
          expect(new Set(keys).size).toBe(keys.length);
          expect(keys).not.toContain(key);
          for (const child of contentsOf(twin, key)) {
            expect(seen.get(child)).toBeUndefined();
            seen.set(child, key);
          }
        }
        // Counted from above and from below, everything is there once.
        for (const [, key] of THINGS) {
          const where = twin.answers.where(key);
          if (where.ok)
            expect(seen.get(key)).toBe(
              where.path[0]?.key.startsWith("carrier:") ? undefined : where.path[0]?.key,
            );
        }
        twin.close();
      }),
      { numRuns, ...seed },
    );
  },
  LONG_MS,
);

function contentsOf(twin: ReturnType<typeof createTwin>, key: string): readonly string[] {
  const contents = twin.answers.contents(key);
  return contents.ok ? contents.children.map((child) => child.key) : [];
}

test(
  "after every arrival the answers are those of a naive replay written by itself",
  () => {
    fc.assert(
      fc.property(history, arrival, fc.nat(), (all, numbers, moment) => {
        const twin = createTwin({ sweepMax: 0 });
        const known: Happening[] = [];
        for (const happening of shuffled(all, numbers)) {
          twin.take(happening, all);
          if (!known.includes(happening)) known.push(happening);
        }
        const atMs = BEGIN_MS + (moment % 320) * 30_000;
        for (const at of [atMs, BEGIN_MS + 400 * 30_000])
          expect(told(twin, at)).toEqual(naive(known, all, at));
        twin.close();
      }),
      { numRuns, ...seed },
    );
  },
  LONG_MS,
);

function told(twin: ReturnType<typeof createTwin>, at: number): NaiveAnswer {
  const { answers } = twin;
  const names = new Map(THINGS.map(([name, key]) => [key, name]));
  const nameOf = (key: string) => names.get(key) ?? key;
  const rows = THINGS.map(([name, key]) => [name, answers.where(key, at)] as const);
  const table = (tell: (where: WhereAnswer | undefined) => string) =>
    Object.fromEntries(rows.map(([name, where]) => [name, tell(where.ok ? where : undefined)]));
  return {
    path: table((where) => where?.path.map(({ key }) => nameOf(key)).join(" < ") ?? ""),
    certainty: table((where) => where?.certainty ?? "unknown"),
    lastKnown: table((where) => nameOf(where?.lastKnown?.[0]?.key ?? "")),
    open: answers
      .discrepancies(at)
      .open.map(({ kind, subject }) => `${kind} ${nameOf(subject)}`)
      .filter((one, i, list) => list.indexOf(one) === i)
      .sort(),
  };
}
