/**
 * Documents as people ask for them: their pages and where each is, whether they are together, and
 * whether they are owed. Worked out from the pages' chains, on both time axes.
 */
import type { DocumentLevel, Policies } from "../reconcile/policies.ts";
import { certaintyOf, pathOf, standingOf } from "../reconcile/tell.ts";
import { iso } from "./answer.ts";
import type { Answers, Named } from "./answers.ts";
import type { Database } from "./database.ts";
import type { DebtStatus } from "./fulfilment.ts";
import { type NamedOwing, readParties } from "./parties.ts";
import { stands } from "./promises.ts";

export type Wholeness = "whole" | "partial" | "unknown";

export type DocumentStatus = "debt" | "overdue" | "cleared" | "none" | "partial";

export type DocumentsQuestion = {
  readonly at?: number | undefined;
  readonly asKnownAt?: number | undefined;
  readonly id?: string | undefined;
  readonly class?: string | undefined;
  readonly status?: DocumentStatus | undefined;
  /** Who owes it. */
  readonly debtor?: string | undefined;
  /** Who of us sees to it that it comes. */
  readonly responsible?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
};

export type DocumentPage = Named & {
  readonly path: readonly Named[];
  readonly state: string;
  readonly certainty: string;
  readonly lastSeen: string | null;
};

export type DocumentAnswer = {
  readonly id: string;
  readonly class: string;
  /** What people call the class; null: nobody said. */
  readonly className: string | null;
  readonly level: DocumentLevel;
  /** Whole: all pages in one place; partial: they are not, or one is nowhere known; unknown: none is. */
  readonly wholeness: Wholeness;
  readonly status: DebtStatus;
  readonly obligations: readonly (NamedOwing & {
    readonly status: DebtStatus;
    readonly issued: string | null;
    readonly due: string | null;
    readonly cleared: string | null;
  })[];
  /** Oldest first. */
  readonly reminders: readonly {
    readonly time: string | null;
    readonly by: string;
    readonly note: string;
  }[];
  /** When a person said that it came. */
  readonly received: { readonly time: string | null; readonly by: string } | null;
  readonly pages: readonly DocumentPage[];
};

type DocumentRow = { id: number; name: string; class: string };

/** Documents looked at for one answer: a rare status among millions costs more pages, not one endless question. */
const ROWS_MAX = 1_000;
/** Looking at the class alone costs little. */
const CLASSES_MAX = 50_000;

export function openDocuments(db: Database, answers: Answers, policies: Policies) {
  const { entities, worldAsOf, positionAt, latest, named, find, classes } = answers.within;
  const parties = readParties(db, entities);
  const sql = statements(db);

  function list(said: DocumentsQuestion) {
    const { debtor, responsible } = said;
    const question = {
      ...said,
      debtor: debtor === undefined ? undefined : parties.spelt(debtor),
      responsible: responsible === undefined ? undefined : parties.spelt(responsible),
    };
    const at = question.at ?? latest();
    const known = positionAt(question.asKnownAt);
    const documents: DocumentAnswer[] = [];
    if (question.id !== undefined) {
      for (const row of rowsNamed(question.id)) {
        const one = documentOf(row, at, known);
        if (fits(one, question)) documents.push(one);
      }
      return { documents, next: null };
    }
    let looked = 0;
    let passed = 0;
    let last = question.cursor ?? "";
    for (const row of rowsAfter(question)) {
      if (documents.length === question.limit || looked === ROWS_MAX || passed === CLASSES_MAX)
        return { documents, next: last };
      last = row.name;
      passed += 1;
      if (question.class !== undefined && question.class !== row.class) continue;
      looked += 1;
      const one = documentOf(row, at, known);
      if (fits(one, question)) documents.push(one);
    }
    return { documents, next: null };
  }

  /** Those that are owed in the order in which they were first told of, all by their numbers. */
  function rowsAfter({
    status,
    debtor,
    responsible,
    cursor = "",
  }: DocumentsQuestion): Iterable<DocumentRow> {
    const owed = status === "debt" || status === "overdue" || (debtor ?? responsible) !== undefined;
    return owed ? sql.owed.iterate(sql.byName.get(cursor)?.id ?? 0) : sql.from.iterate(cursor);
  }

  /** By its number, or by any form of the id of one of its pages. */
  function rowsNamed(id: string): readonly DocumentRow[] {
    const row = sql.byName.get(id);
    if (row !== undefined) return [row];
    const page = find(id);
    const of = typeof page === "number" ? sql.ofPage.get(page) : undefined;
    return of === undefined ? [] : [of];
  }

  function documentOf(row: DocumentRow, at: number, known: number): DocumentAnswer {
    const { past } = worldAsOf(at, known);
    const level = answers.levelFor(row.id, row.class, at, known);
    const pages = level === "none" ? [] : entities.pagesOf(row.id, known);
    const parents = new Set(pages.map((page) => past.link(page)?.state.parent ?? 0));
    const receipt = sql.receipt.get(row.id, at, known, known, known);
    const obligations = answers
      .debtsAsOf(at, known, row.id)
      .map(({ document: _, level: __, debtor, responsible, ...obligation }) => ({
        ...obligation,
        ...parties.named({ debtor, responsible }),
      }));
    return {
      id: row.name,
      class: row.class,
      className: classes.nameOf(row.class, known),
      level,
      wholeness: wholenessOf(parents),
      status: worst(obligations.map(({ status }) => status)),
      obligations,
      reminders: sql.reminders
        .all(row.name, at, known, known, known)
        .map(({ time_ms, by, what }) => ({ time: iso(time_ms), by, note: what })),
      received: receipt === undefined ? null : { time: iso(receipt.time_ms), by: receipt.by },
      pages: pages.map((page) => ({
        ...named(past, page),
        path: pathOf(past, page).map((one) => named(past, one)),
        state: standingOf(past, page),
        certainty: certaintyOf(past, page, policies),
        lastSeen: iso(past.link(page)?.state.seenAt),
      })),
    };
  }

  return { list };
}

export type Documents = ReturnType<typeof openDocuments>;

function wholenessOf(parents: ReadonlySet<number>): Wholeness {
  if (parents.size === 0 || (parents.size === 1 && parents.has(0))) return "unknown";
  return parents.size === 1 ? "whole" : "partial";
}

function worst(all: readonly DebtStatus[]): DebtStatus {
  for (const status of ["overdue", "debt", "cleared"] as const)
    if (all.includes(status)) return status;
  return "none";
}

function fits(
  { obligations, ...one }: DocumentAnswer,
  { class: kind, status, debtor, responsible }: DocumentsQuestion,
): boolean {
  const isOf = (owed: (typeof obligations)[number]) =>
    (debtor === undefined || owed.debtor === debtor) &&
    (responsible === undefined || owed.responsible === responsible);
  if ((debtor ?? responsible) !== undefined && !obligations.some(isOf)) return false;
  if (kind !== undefined && one.class !== kind) return false;
  if (status === undefined) return true;
  return status === "partial" ? one.wholeness === "partial" : one.status === status;
}

function statements(db: Database) {
  const document = `SELECT document.id, name, coalesce(text, '') AS class
    FROM document LEFT JOIN word ON word.id = class`;
  return {
    byName: db.prepare<[string], DocumentRow>(`${document} WHERE name = ?`),
    ofPage: db.prepare<[number], DocumentRow>(
      `${document} WHERE document.id = (SELECT document FROM entity WHERE entity.id = ?)`,
    ),
    from: db.prepare<[string], DocumentRow>(`${document} WHERE name > ? ORDER BY name`),
    owed: db.prepare<[number], DocumentRow>(
      `SELECT document.id, name, coalesce(text, '') AS class FROM obligation
       CROSS JOIN document ON document.id = obligation.document
       LEFT JOIN word ON word.id = class
       WHERE obligation.document > ? GROUP BY obligation.document`,
    ),
    reminders: db.prepare<
      [string, number, number, number, number],
      { time_ms: number; by: string; what: string }
    >(
      `SELECT time_ms, by, what FROM execution WHERE kind = 'reminder' AND about = ? AND time_ms <= ?
       AND ${stands("execution")} ORDER BY time_ms, epoch, seq LIMIT 100`,
    ),
    receipt: db.prepare<[number, number, number, number, number], { time_ms: number; by: string }>(
      `SELECT time_ms, by FROM receipt WHERE document = ? AND time_ms <= ?
       AND ${stands("receipt")} ORDER BY time_ms, epoch, seq LIMIT 1`,
    ),
  };
}
