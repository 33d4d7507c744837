/**
 * Whether what was promised is fulfilled, worked out when asked from the chains of the few things
 * concerned, on both time axes: gates, obligations, and documents that are to be together.
 */
import { type FindingKind, severityOf } from "../reconcile/assertion.ts";
import type { Policies } from "../reconcile/policies.ts";
import { DEPTH_MAX } from "../reconcile/scene.ts";
import { type At, firstTogether, observedIn, type Past, pathOf } from "../reconcile/tell.ts";
import { iso, type OpenDiscrepancy } from "./answer.ts";
import { FOREVER } from "./assertions.ts";
import type { Chains } from "./chains.ts";
import type { Database } from "./database.ts";
import type { DocumentClasses } from "./document-classes.ts";
import type { Entities } from "./entities.ts";
import { stands } from "./promises.ts";

export type DebtStatus = "none" | "debt" | "overdue" | "cleared";

type GateRow = {
  id: number;
  name: string;
  thing: number;
  target: number;
  issued_ms: number;
  deadline_ms: number;
};

type ObligationRow = {
  name: string;
  class: string;
  document: number;
  issued_ms: number;
  due_ms: number;
  debtor: string;
  responsible: string;
};

type DocumentRow = { id: number; name: string; class: string };

/** What `openAnswers` lends. */
export type Asking = {
  readonly chains: Chains;
  readonly entities: Entities;
  readonly worldAsOf: (
    at: number | undefined,
    known: number,
  ) => { readonly past: Past; readonly atMoment: At; readonly known: number };
  readonly positionAt: (asKnownAt: number | undefined) => number;
  /** The last moment at which anything came in. */
  readonly latest: () => number;
  readonly classes: DocumentClasses;
};

/** What was looked at, and what of it is not as it should be. Goes on behind `cursor`. */
export type Unfulfilled = {
  readonly cursor: string;
  readonly found: readonly OpenDiscrepancy[];
};

/** Ask only about these: a thing's number, and the text of a document's number. */
export type Subject = { readonly thing: number; readonly document: string };

const ROOMS: ReadonlySet<string> = new Set(["room", "site"]);
/** Cursors of gates begin with the one, those of documents with the other. */
const [GATES, DOCUMENTS] = ["g", "d"];

export function isPromised(kind: string): boolean {
  return kind === "partial_document" || kind.startsWith("replication_");
}

export function openFulfilment(db: Database, policies: Policies, asking: Asking) {
  const { chains, entities, worldAsOf, positionAt, latest, classes } = asking;
  const sql = statements(db);

  /** The room, or site, that documents have to be in to be settled. */
  function archive(): number {
    const { archiveRoom } = policies;
    const rooms = entities.byName(archiveRoom).filter(({ kind }) => ROOMS.has(kind));
    return entities.find(archiveRoom)?.id ?? rooms[0]?.id ?? 0;
  }

  /**
   * Moments at which anything was said about a thing or about what it was in then: what was said of a
   * box while the thing was not in it is left out, for a box may be in use for years.
   */
  function moments(thing: number, atMs: number, known: number): readonly number[] {
    const found = new Set<number>();
    const visit = (one: number, fromMs: number, untilMs: number, depth: number): void => {
      if (one === 0 || depth > DEPTH_MAX) return;
      const parentAt = (ms: number) => chains.link(one, ms, known)?.state.parent ?? 0;
      let [parent, sinceMs] = [parentAt(fromMs), fromMs];
      const rows = chains.moments(one, fromMs, untilMs, known);
      for (const [i, { time, parent: said }] of rows.entries()) {
        found.add(time);
        const isOnly = rows[i - 1]?.time !== time && rows[i + 1]?.time !== time;
        const now = isOnly ? said : parentAt(time);
        if (now === parent) continue;
        visit(parent, sinceMs, time, depth + 1);
        [parent, sinceMs] = [now, time];
      }
      visit(parent, sinceMs, untilMs, depth + 1);
    };
    visit(thing, -FOREVER, atMs, 0);
    return [...found].sort((a, b) => a - b);
  }

  function gatesAsOf(at: number, position: number, only?: string) {
    const { past, atMoment, known } = worldAsOf(at, position);
    const rows =
      only === undefined
        ? sql.gates.all(known, known, known)
        : sql.gatesNamed.all(only, known, known, known);
    return rows.map((gate) => gateOf(gate, past, atMoment, known));
  }

  function gateOf(gate: GateRow, past: Past, atMoment: (atMs: number) => Past, known: number) {
    const nowMs = past.atMs;
    const { name, thing, target, issued_ms: issuedMs, deadline_ms: deadlineMs } = gate;
    const times = [...moments(thing, nowMs, known), issuedMs].sort((a, b) => a - b);
    const held = observedIn(atMoment, thing, target, times, "observed");
    const openedMs = firstTogether([held], issuedMs, nowMs);
    const { key } = past.thing(thing);
    const findings: OpenDiscrepancy[] = [];
    if (openedMs === undefined && nowMs >= issuedMs) {
      const path = pathOf(past, thing);
      const moved = Math.max(...[thing, ...path].map((one) => past.link(one)?.state.movedAt ?? 0));
      if (moved > issuedMs && path.length > 0 && !path.includes(target))
        findings.push(promised("replication_mismatch", key, moved, "ordered somewhere else"));
      if (nowMs >= deadlineMs)
        findings.push(promised("replication_overdue", key, deadlineMs, "not done in time"));
    }
    return {
      name,
      entity: key,
      target: past.thing(target).key,
      status: openedMs === undefined ? ("blocked" as const) : ("open" as const),
      since: iso(openedMs ?? issuedMs),
      issued: iso(issuedMs),
      deadline: iso(deadlineMs),
      findings,
    };
  }

  /** The level that held when a document was last issued; of one that is not owed, the level then. */
  function levelFor(document: number, kind: string, atMs: number, known: number) {
    const issuedMs = sql.issued.get(document, atMs, known, known, known) ?? atMs;
    return classes.levelAt(kind, issuedMs, known);
  }

  /**
   * A tracked document is settled when every page was observed in the archive; one of which only the
   * receipt matters, when any page was, or a person has said that it came. The arrival of an envelope
   * settles neither: it proves nothing about what is in it.
   */
  function debtsAsOf(at: number, position: number, only?: number) {
    const { past, atMoment, known } = worldAsOf(at, position);
    const nowMs = past.atMs;
    const room = archive();
    const rows =
      only === undefined
        ? sql.obligations.all(known, known, known)
        : sql.obligationsOf.all(only, known, known, known);
    return rows.flatMap((row) => {
      const { name, document, class: kind, issued_ms: issuedMs, due_ms: dueMs } = row;
      const level = classes.levelAt(kind, issuedMs, known);
      if (level === "none") return [];
      const pages = entities.pagesOf(document, known);
      const each = pages.map((page) => {
        const times = [...moments(page, nowMs, known), issuedMs].sort((a, b) => a - b);
        return observedIn(atMoment, page, room, times, policies.debtEvidence);
      });
      const received: [number, number][] = sql.receipts
        .all(document, nowMs, known, known, known)
        .map((ms) => [ms, Infinity]);
      const clearedMs =
        level === "received"
          ? firstTogether([[...each.flat(), ...received]], issuedMs, nowMs)
          : pages.length === 0
            ? undefined
            : firstTogether(each, issuedMs, nowMs);
      const status: DebtStatus =
        nowMs < issuedMs
          ? "none"
          : clearedMs !== undefined
            ? "cleared"
            : nowMs > dueMs
              ? "overdue"
              : "debt";
      return [
        {
          document: name,
          level,
          status,
          issued: iso(issuedMs),
          due: iso(dueMs),
          cleared: iso(clearedMs),
          debtor: row.debtor || null,
          responsible: row.responsible || null,
        },
      ];
    });
  }

  /**
   * Gates, then documents, one by one: how many are looked at is for the caller to decide. By all that
   * is known now only documents that are apart are looked at; for another moment, all.
   */
  function* unfulfilled(
    past: Past,
    known: number,
    after: string | undefined,
    subject: Subject | undefined,
  ): Generator<Unfulfilled> {
    const { atMoment } = worldAsOf(past.atMs, known);
    if (after === undefined || after.startsWith(GATES)) {
      const last = Number(after?.slice(1) ?? 0);
      for (const gate of sql.gatesAfter.all(last, known, known, known)) {
        if (subject !== undefined && subject.thing !== gate.thing) continue;
        yield { cursor: GATES + gate.id, found: gateOf(gate, past, atMoment, known).findings };
      }
    }
    if (!policies.checkDocuments) return;
    const name = after?.startsWith(DOCUMENTS) ? after.slice(1) : "";
    const isNow = known === FOREVER - 1 && past.atMs >= latest();
    const rows =
      subject !== undefined
        ? sql.documentNamed.iterate(subject.document)
        : (isNow ? sql.apartAfter : sql.documentsAfter).iterate(name);
    for (const row of rows)
      yield { cursor: DOCUMENTS + row.name, found: partial(row, past, known) };
  }

  function partial(
    { id, name, class: kind }: DocumentRow,
    past: Past,
    known: number,
  ): readonly OpenDiscrepancy[] {
    if (levelFor(id, kind, past.atMs, known) !== "tracked") return [];
    const pages = entities.pagesOf(id, known).map((page) => past.link(page)?.state);
    const parents = new Set(pages.map((state) => state?.parent ?? 0));
    if (pages.length === 0 || (parents.size === 1 && !parents.has(0))) return [];
    const since = Math.max(...pages.map((state) => state?.movedAt ?? 0));
    const reason = parents.has(0) ? "a page is nowhere known" : "pages are in several containers";
    return [promised("partial_document", name, since, reason)];
  }

  return {
    moments,
    levelFor,
    gates: (at: number = latest(), asKnownAt?: number) => gatesAsOf(at, positionAt(asKnownAt)),
    gatesAsOf,
    debts: (at: number = latest(), asKnownAt?: number) => debtsAsOf(at, positionAt(asKnownAt)),
    debtsAsOf,
    unfulfilled,
    /** What no single event says: documents that are not together, orders that are not fulfilled. */
    all: (past: Past, known: number): readonly OpenDiscrepancy[] =>
      [...unfulfilled(past, known, undefined, undefined)].flatMap(({ found }) => found),
  };
}

function promised(
  kind: FindingKind,
  subject: string,
  sinceMs: number,
  reason: string,
): OpenDiscrepancy {
  const severity = severityOf(kind);
  return { kind, severity, subject, since: iso(sinceMs) ?? "", reason, evidence: [] };
}

function statements(db: Database) {
  const obligation = `SELECT document.name, coalesce(text, '') AS class, obligation.document,
      issued_ms, due_ms, debtor, responsible
    FROM obligation JOIN document ON document.id = obligation.document
    LEFT JOIN word ON word.id = document.class`;
  const gate = "SELECT id, name, thing, target, issued_ms, deadline_ms FROM gate";
  const document = `SELECT document.id, name, coalesce(text, '') AS class
    FROM document LEFT JOIN word ON word.id = class`;
  // Of those issued at one moment the first stated comes first, whichever came in first.
  const inOrder = "ORDER BY issued_ms, epoch, seq";
  return {
    gatesAfter: db.prepare<[number, number, number, number], GateRow>(
      `${gate} WHERE id > ? AND ${stands("gate")} ORDER BY id`,
    ),
    documentsAfter: db.prepare<[string], DocumentRow>(`${document} WHERE name > ? ORDER BY name`),
    documentNamed: db.prepare<[string], DocumentRow>(`${document} WHERE name = ?`),
    apartAfter: db.prepare<[string], DocumentRow>(
      `${document} WHERE document.id IN (SELECT document FROM apart) AND name > ? ORDER BY name`,
    ),
    gates: db.prepare<[number, number, number], GateRow>(
      `${gate} WHERE ${stands("gate")}
       ${inOrder}`,
    ),
    gatesNamed: db.prepare<[string, number, number, number], GateRow>(
      `${gate}
       WHERE name = ? AND ${stands("gate")} ${inOrder}`,
    ),
    obligations: db.prepare<[number, number, number], ObligationRow>(
      `${obligation} WHERE ${stands("obligation")} ${inOrder}`,
    ),
    obligationsOf: db.prepare<[number, number, number, number], ObligationRow>(
      `${obligation} WHERE obligation.document = ? AND ${stands("obligation")} ${inOrder}`,
    ),
    issued: db
      .prepare<[number, number, number, number, number], number | null>(
        `SELECT max(issued_ms) FROM obligation WHERE document = ? AND issued_ms <= ?
         AND ${stands("obligation")}`,
      )
      .pluck(),
    receipts: db
      .prepare<[number, number, number, number, number], number>(
        `SELECT time_ms FROM receipt WHERE document = ? AND time_ms <= ?
         AND ${stands("receipt")}`,
      )
      .pluck(),
  };
}
