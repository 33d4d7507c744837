/**
 * Properties of the fold over made-up histories. RUNS=10000 for a long run; a failure prints its
 * seed and the shortest list of arrivals that still fails, and SEED=n replays it.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareOrder } from "../../src/reconcile/assertion.ts";
import type { WhereAnswer } from "../../src/store/answers.ts";
import { openDiscrepancies } from "../../src/store/discrepancies.ts";
import {
  type Arrived,
  arrived,
  BEGIN_MS,
  createTwin,
  currentRows,
  type Happening,
  THINGS,
} from "../support/history.ts";
import { type NaiveAnswer, naive } from "../support/naive.ts";

const numRuns = Number(process.env["RUNS"] ?? 60);
const seed = process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) };
const LONG_MS = 3_600_000;
const END_MS = BEGIN_MS + 400 * 30_000;

type Twin = ReturnType<typeof createTwin>;

/** A name is a claim about histories; the check throws where it does not hold. */
function holds(claim: string, check: (one: Arrived, moment: number) => void): void {
  test(
    claim,
    () => {
      fc.assert(fc.property(arrived, fc.nat(320), check), { numRuns, ...seed });
    },
    LONG_MS,
  );
}

function inOrder(happenings: readonly Happening[]): readonly Happening[] {
  // What was said first: what is voided before it is known was never folded at all.
  const said = happenings.filter(({ kind }) => kind !== "assert");
  const asserted = happenings.filter((one) => one.kind === "assert");
  return [...said, ...asserted.toSorted((a, b) => compareOrder(a.order, b.order))];
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

holds(
  "any order of arrival, with repeats, ends in the rows of a fold from the beginning",
  ({ all, arrivals }, moment) => {
    const folded = rowsAfter(inOrder(all), all, 64);
    expect(rowsAfter(arrivals, all, moment % 2 === 0 ? 0 : 64)).toEqual(folded);
  },
);

holds(
  "what was known at a moment stays as it was, whatever arrives later",
  ({ all, arrivals }, moment) => {
    const twin = createTwin();
    const atMs = BEGIN_MS + moment * 30_000;
    const told: (readonly [number, unknown])[] = [];
    for (const [i, happening] of arrivals.entries()) {
      const knownMs = twin.atPosition(twin.take(happening, all));
      if (i % 6 === moment % 6) told.push([knownMs, toldBy(twin, atMs, knownMs)]);
    }
    for (const [knownMs, answer] of told) expect(toldBy(twin, atMs, knownMs)).toEqual(answer);
    twin.close();
  },
);

holds(
  "every thing is in one place, container, transit, unknown or destroyed, and never in itself",
  ({ all, arrivals }, moment) => {
    const twin = createTwin();
    for (const happening of arrivals) twin.take(happening, all);
    for (const atMs of [BEGIN_MS + moment * 30_000, END_MS]) {
      const seen = new Map<string, string>();
      const counts = { placed: 0, in_transit: 0, unknown: 0, destroyed: 0 };
      const keys = THINGS.map(([, key]) => key);
      const known = keys.filter((key) => twin.answers.where(key, atMs).ok);
      for (const key of known)
        for (const child of contentsOf(twin, key, atMs)) {
          expect(seen.get(child)).toBeUndefined();
          seen.set(child, key);
        }
      for (const key of known) {
        const where = twin.answers.where(key, atMs);
        if (!where.ok) continue;
        const path = where.path.map((one) => one.key);
        expect(new Set([key, ...path]).size).toBe(path.length + 1);
        counts[where.state as keyof typeof counts] += 1;
        if (where.state === "destroyed") expect(path).toEqual([]);
        if (where.state === "in_transit") expect(path.at(-1)).toMatch(/^carrier:/);
        if (where.state === "placed") expect(where.path.at(-1)?.kind ?? "site").toBe("site");
        // Counted from above and from below, everything is there once.
        const [holder] = path;
        expect(seen.get(key)).toBe(holder?.startsWith("carrier:") ? undefined : holder);
      }
      expect(counts.placed + counts.in_transit + counts.unknown + counts.destroyed).toBe(
        known.length,
      );
    }
    twin.close();
  },
);

function contentsOf(twin: Twin, key: string, atMs: number): readonly string[] {
  const contents = twin.answers.contents(key, atMs);
  return contents.ok ? contents.children.map((child) => child.key) : [];
}

holds(
  "after every arrival the answers are those of a naive replay written by itself",
  ({ all, arrivals }, moment) => {
    const twin = createTwin({ sweepMax: 0 });
    const known: Happening[] = [];
    for (const [i, happening] of arrivals.entries()) {
      twin.take(happening, all);
      if (!known.includes(happening)) known.push(happening);
      // Each question is a fold from the beginning: some arrivals are asked after, and the last.
      if (i % 5 !== moment % 5 && i < arrivals.length - 1) continue;
      for (const at of [BEGIN_MS + moment * 30_000, END_MS])
        expect(toldBy(twin, at)).toEqual(naive(known, all, at));
    }
    twin.close();
  },
);

function toldBy(twin: Twin, at: number, known?: number): NaiveAnswer {
  const { answers } = twin;
  const names = new Map(THINGS.map(([name, key]) => [key, name]));
  const nameOf = (key: string) => names.get(key) ?? key;
  const rows = THINGS.map(([name, key]) => [name, answers.where(key, at, known)] as const);
  const table = (tell: (where: WhereAnswer | undefined) => string) =>
    Object.fromEntries(rows.map(([name, where]) => [name, tell(where.ok ? where : undefined)]));
  const ms = (iso: string | null) => (iso === null ? "" : Date.parse(iso));
  return {
    path: table((where) => where?.path.map(({ key }) => nameOf(key)).join(" < ") ?? ""),
    certainty: table((where) => where?.certainty ?? "unknown"),
    lastKnown: table((where) => nameOf(where?.lastKnown?.[0]?.key ?? "")),
    open: answers
      .discrepancies(at, known)
      .open.map(({ kind, subject }) => `${kind} ${nameOf(subject)}`)
      .filter((one, i, list) => list.indexOf(one) === i)
      .sort(),
    debts: answers
      .debts(at, known)
      .map(
        ({ issued, due, status, cleared }) => `${ms(issued)} ${ms(due)} ${status} ${ms(cleared)}`,
      )
      .sort(),
    orders: answers
      .gates(at, known)
      .map(({ entity, target, issued, deadline, status, since }) => {
        const open = status === "open" ? ms(since) : "";
        const [thing, to] = [nameOf(entity), nameOf(target)];
        return `${thing} ${to} ${ms(issued)} ${ms(deadline)} ${status} ${open}`;
      })
      .sort(),
  };
}

holds(
  "a discrepancy that was told is open, or resolved by something with a reason; none vanishes",
  ({ all, arrivals }, moment) => {
    const twin = createTwin();
    const { list } = openDiscrepancies(twin.db, twin.answers);
    const told = new Set<string>();
    for (const [i, happening] of arrivals.entries()) {
      twin.take(happening, all);
      if (i % 3 !== moment % 3 && i < arrivals.length - 1) continue;
      const { open, resolved } = list({ at: END_MS, status: "all", limit: 100_000 });
      const now = new Set([...open, ...resolved].map(identity));
      for (const one of told) expect(now).toContain(one);
      for (const { resolved: closing } of resolved) {
        expect(["event", "late_event", "void", "registration", "human"]).toContain(closing?.by);
        expect(closing?.reason).not.toBe("");
        expect(closing?.time).not.toBeNull();
      }
      // What no single event says is worked out when asked, and has no life of its own.
      for (const one of open) if (one.evidence.length > 0) told.add(identity(one));
    }
    twin.close();
  },
);

function identity({ kind, subject, since }: { kind: string; subject: string; since: string }) {
  return `${kind} ${subject} ${since}`;
}

holds(
  "every place, every move, every rejection and every finding names evidence that came in",
  ({ all, arrivals }, moment) => {
    const twin = createTwin();
    const cited = new Set(["/m"]);
    for (const happening of arrivals) {
      twin.take(happening, all);
      if (happening.kind === "assert")
        cited.add(`${happening.order.gateway}/${happening.order.epoch}/${happening.order.seq}`);
    }
    const stands = (list: readonly { gateway: string; epoch: string; seq: number }[]) => {
      expect(list.length).toBeGreaterThan(0);
      // What was there at the beginning was stated by the twin itself.
      for (const { gateway, epoch, seq } of list)
        if (gateway !== "m") expect(cited).toContain(`${gateway}/${epoch}/${seq}`);
    };
    for (const atMs of [BEGIN_MS + moment * 30_000, END_MS]) {
      for (const [, key] of THINGS) {
        const where = twin.answers.where(key, atMs);
        if (where.ok && (where.path.length > 0 || where.state === "destroyed"))
          stands(where.evidence);
        // Since when it is there, and when it was seen last, each by the evidence of that moment.
        if (where.ok)
          for (const told of [where.since, where.lastSeen])
            if (told !== null) expect(where.evidence.map(({ time }) => time)).toContain(told);
        const history = twin.answers.history(key, atMs);
        if (history.ok) for (const move of history.moves) stands(move.evidence);
      }
      for (const one of twin.answers.discrepancies(atMs).open)
        if (!/^(partial_document|replication_)/.test(one.kind)) stands(one.evidence);
    }
    twin.close();
  },
);
