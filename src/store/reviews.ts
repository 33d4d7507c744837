/**
 * What people did on a belief that has changed since: processes that ran behind a gate that was held
 * open and is not, reminders of a debt that there was not, and gates that were held open and are
 * blocked again. Nothing is undone by itself: a person looks at each, with what changed the belief.
 *
 * A belief is worked out as of the position up to which everything was known at the moment of the
 * deed, so that the list follows from the evidence alone, in whatever order it came.
 */
import { iso } from "./answer.ts";
import type { Answers } from "./answers.ts";
import type { EventName } from "./assertions.ts";
import type { Database } from "./database.ts";
import { stands } from "./promises.ts";
import { nameOf, type Reason, type Why } from "./why.ts";

export type Execution = {
  readonly process: string;
  readonly time: string | null;
  readonly by: string;
  readonly statement: EventName;
  /** Of the gate, at the time of the deed: as it was believed then, and as it is known to have been. */
  readonly believed: string;
  readonly now: string;
};

export type Review = {
  readonly kind: "process" | "reminder" | "gate";
  /** The gate or the document. */
  readonly about: string;
  readonly what: string;
  readonly by: string;
  readonly time: string | null;
  readonly statement: EventName | null;
  readonly believed: string;
  readonly now: string;
  /** What became known since, and changed the belief. */
  readonly reasons: readonly Reason[];
};

type Row = {
  kind: "process" | "reminder";
  about: string;
  what: string;
  by: string;
  time_ms: number;
  epoch: string;
  seq: number;
};

const ROWS_MAX = 5_000;

export function openReviews(db: Database, answers: Answers, why: Why) {
  const { chains, entities, positionAt, latest } = answers.within;
  const sql = statements(db);

  /** With several gates of one name, the one that blocks decides. */
  function gateStatus(name: string, atMs: number, known: number): string {
    const gates = answers.gatesAsOf(atMs, known, name);
    if (gates.length === 0) return "none";
    return gates.every(({ status }) => status === "open") ? "open" : "blocked";
  }

  function debtStatus(document: number, atMs: number, known: number): string {
    return answers.debtsAsOf(atMs, known, document).at(-1)?.status ?? "none";
  }

  function executionsOf(gate: string, at: number, known: number): readonly Execution[] {
    return sql.about.all("process", gate, at, known, known, known).map((row) => ({
      process: row.what,
      time: iso(row.time_ms),
      by: row.by,
      statement: nameOf(`${row.epoch}/${row.seq}`),
      believed: gateStatus(gate, row.time_ms, positionAt(row.time_ms)),
      now: gateStatus(gate, row.time_ms, known),
    }));
  }

  function list(at: number | undefined, asKnownAt: number | undefined, limit: number) {
    const atMs = at ?? latest();
    const known = positionAt(asKnownAt);
    const reviews: Review[] = [];
    for (const row of sql.all.all(atMs, known, known, known, ROWS_MAX)) {
      const review =
        row.kind === "process" ? processReview(row, known) : reminderReview(row, known);
      if (review !== undefined) reviews.push(review);
    }
    for (const { name } of answers.gatesAsOf(atMs, known).filter(isBlocked)) {
      const before = lastOpen(name, atMs, known);
      if (before === undefined) continue;
      reviews.push({
        kind: "gate",
        about: name,
        what: "",
        by: "",
        time: iso(atMs),
        statement: null,
        believed: "open",
        now: "blocked",
        reasons: reasonsOfGate(name, atMs, before, known),
      });
    }
    return { reviews: reviews.slice(0, limit), more: reviews.length > limit };
  }

  function processReview(row: Row, known: number): Review | undefined {
    const then = positionAt(row.time_ms);
    const believed = gateStatus(row.about, row.time_ms, then);
    const now = gateStatus(row.about, row.time_ms, known);
    if (believed !== "open" || now === "open") return undefined;
    return reviewOf(row, believed, now, reasonsOfGate(row.about, row.time_ms, then, known));
  }

  function reminderReview(row: Row, known: number): Review | undefined {
    const document = sql.document.get(row.about);
    if (document === undefined) return undefined;
    const then = positionAt(row.time_ms);
    const believed = debtStatus(document, row.time_ms, then);
    const now = debtStatus(document, row.time_ms, known);
    if (!isOwed(believed) || isOwed(now)) return undefined;
    const reasons = entities
      .pagesOf(document)
      .flatMap((page) => why.whyAsOf(page, row.time_ms, then, known).reasons);
    return reviewOf(row, believed, now, reasons);
  }

  function reasonsOfGate(name: string, atMs: number, then: number, known: number) {
    return sql.thingsOf.all(name).flatMap((thing) => why.whyAsOf(thing, atMs, then, known).reasons);
  }

  /** The last position of knowledge at which the gate was held open; most were never. */
  function lastOpen(name: string, atMs: number, known: number): number | undefined {
    const turns = sql.thingsOf.all(name).flatMap((thing) => chains.withdrawnAt(thing, known));
    for (const turn of [...new Set(turns)].sort((a, b) => b - a))
      if (gateStatus(name, atMs, turn - 1) === "open") return turn - 1;
    return undefined;
  }

  return { list, executionsOf };
}

export type Reviews = ReturnType<typeof openReviews>;

function reviewOf(row: Row, believed: string, now: string, reasons: readonly Reason[]): Review {
  const { kind, about, what, by, time_ms, epoch, seq } = row;
  const statement = nameOf(`${epoch}/${seq}`);
  return { kind, about, what, by, time: iso(time_ms), statement, believed, now, reasons };
}

function isOwed(status: string): boolean {
  return status === "debt" || status === "overdue";
}

function isBlocked({ status }: { readonly status: string }): boolean {
  return status === "blocked";
}

function statements(db: Database) {
  const columns = "kind, about, what, by, time_ms, epoch, seq";
  return {
    about: db.prepare<[string, string, number, number, number, number], Row>(
      `SELECT ${columns} FROM execution WHERE kind = ? AND about = ? AND time_ms <= ?
       AND ${stands("execution")} ORDER BY time_ms, id`,
    ),
    all: db.prepare<[number, number, number, number, number], Row>(
      `SELECT ${columns} FROM execution WHERE time_ms <= ? AND ${stands("execution")}
       ORDER BY time_ms DESC, id DESC LIMIT ?`,
    ),
    document: db.prepare<[string], number>("SELECT id FROM document WHERE name = ?").pluck(),
    thingsOf: db
      .prepare<[string], number>("SELECT DISTINCT thing FROM gate WHERE name = ?")
      .pluck(),
  };
}
