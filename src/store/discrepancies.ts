/**
 * Discrepancies with their life: open, taken note of, resolved and by what. Nothing is ever deleted,
 * so each question can be asked for any moment of both time axes.
 *
 * A page at a time. What no single event says (orders that are not fulfilled, documents that are not
 * together) is worked out when asked and comes first; then the others, newest first. As a queue of
 * work the gravest come first, and of one gravity those that have waited longest.
 */
import { decodeTyped } from "../barcode/decode.ts";
import { type FindingKind, type Severity, severityOf } from "../reconcile/assertion.ts";
import { NOT_SEEN } from "../reconcile/count.ts";
import { evidence, iso, msOf, type OpenDiscrepancy } from "./answer.ts";
import type { Answers, Named, WhereAnswer } from "./answers.ts";
import { type EventName, FOREVER } from "./assertions.ts";
import { type Assignment, readAssignments } from "./assignments.ts";
import type { Database } from "./database.ts";
import { isPromised, type Subject, type Unfulfilled } from "./fulfilment.ts";
import type { ResolutionRow } from "./resolutions.ts";
import { readResolutions } from "./resolutions.ts";
import { readWatermarks } from "./watermarks.ts";
import { nameOf } from "./why.ts";

export type DiscrepancyStatus = "open" | "resolved" | "all";
export type DiscrepancyOrder = "newest" | "gravest";

export type DiscrepancyQuestion = {
  readonly at?: number | undefined;
  readonly asKnownAt?: number | undefined;
  readonly status: DiscrepancyStatus;
  readonly kind?: string | undefined;
  readonly severity?: string | undefined;
  /** Any form of an id, or the text that a finding is about. */
  readonly subject?: string | undefined;
  /** Any form of the id of a place: what it is about is there, or was last. */
  readonly place?: string | undefined;
  /** Those that began by this moment. */
  readonly before?: number | undefined;
  /** Who is to see to it. */
  readonly assignee?: string | undefined;
  /** Newest, unless it is said; a cursor goes on in the order that it comes from. */
  readonly order?: DiscrepancyOrder | undefined;
  readonly limit: number;
  /** What an earlier page gave as `next`. */
  readonly cursor?: string | undefined;
};

export type Closing = {
  /** event, late_event, void, registration or human. */
  readonly by: string;
  readonly reason: string;
  readonly person: string | null;
  readonly time: string | null;
  /** Of a person's word: what to void to take it back. */
  readonly statement: EventName | null;
};

export type Discrepancy = OpenDiscrepancy & {
  /** Gateways that may still tell where a thing went that a count did not find: provisional. */
  readonly awaits: readonly string[];
  readonly acknowledged: {
    readonly by: string;
    readonly reason: string;
    readonly time: string;
    readonly statement: EventName;
  } | null;
  /** Who is to see to it. */
  readonly assigned: Assignment | null;
  readonly resolved: Closing | null;
  /** Null: it is about nothing that has a place, or it was never seen in one. */
  readonly place: Whereabouts | null;
};

export type Whereabouts = {
  /** From the nearest container to the site. */
  readonly path: readonly Named[];
  /** It is not known to be there now: it was last. */
  readonly last: boolean;
};

export type DiscrepancyPage = {
  readonly open: readonly Discrepancy[];
  readonly resolved: readonly Discrepancy[];
  readonly next: string | null;
};

type Row = {
  id: number;
  kind: FindingKind;
  thing: number;
  subject: string;
  valid_from: number;
  valid_to: number;
  known_from: number;
  known_to: number;
  closed: string | null;
  reason: string;
  gateway: string;
  epoch: string;
  seq: number;
  timeMs: number;
  position: number;
};

type Cursor = { readonly validFrom: number; readonly id: number };

/** One way through all that was found: of one severity, or of each. `name` begins its cursors. */
type Pass = {
  readonly name: string;
  readonly severity: Severity | undefined;
  readonly oldestFirst: boolean;
};

/** Rows looked at for one page: a rare kind among millions costs more pages, not one endless question. */
const ROWS_MAX = 20_000;
/** Where each is costs a look at its chain. */
const PLACED_MAX = 2_000;
/** Orders and documents looked at for one page: each is worked out from the chains of several things. */
const PROMISES_MAX = 2_000;

export function openDiscrepancies(db: Database, answers: Answers) {
  const { worldAsOf, positionAt, latest, find } = answers.within;
  const resolutions = readResolutions(db);
  const assignments = readAssignments(db);
  const watermarks = readWatermarks(db);
  const sql = statements(db);

  function list(question: DiscrepancyQuestion): DiscrepancyPage {
    const { status, limit } = question;
    const { past, known } = worldAsOf(question.at ?? latest(), positionAt(question.asKnownAt));
    const found: Discrepancy[] = [];
    const place = question.place === undefined ? undefined : keyText(question.place);
    const rowsMax = place === undefined ? ROWS_MAX : PLACED_MAX;
    const behind = watermarks.asOf(known);
    const keep = (one: OpenDiscrepancy, closed: Closing | null) => {
      const asked = { kind: one.kind, subject: one.subject, sinceMs: msOf(one.since) };
      const human = resolutions.of(asked, "resolve", past.atMs, known);
      const resolved = closed ?? (human === undefined ? null : byPerson(human));
      if (status !== "all" && (resolved === null) !== (status === "open")) return;
      const noted = resolutions.of(asked, "acknowledge", past.atMs, known);
      const acknowledged = noted === undefined ? null : wordOf(noted);
      const assigned = assignments.of(asked, past.atMs, known);
      if (question.assignee !== undefined && assigned?.to !== question.assignee) return;
      if (question.before !== undefined && asked.sinceMs > question.before) return;
      const where = answers.where(one.subject, question.at, question.asKnownAt);
      if (place !== undefined && !(where.ok && isAt(place, where))) return;
      const awaits = awaitedBy(one, behind);
      const whereabouts = where.ok ? whereaboutsOf(where) : null;
      found.push({ ...one, awaits, acknowledged, assigned, resolved, place: whereabouts });
    };

    let left = rowsMax;

    /** Through what is left of a pass; where to go on, or undefined at its end. */
    function walk(pass: Pass, from: string): string | undefined {
      const cursor = cursorOf(from);
      const wanted = { ...question, severity: pass.severity ?? question.severity };
      if (cursor === undefined) {
        let next = from;
        let looked = 0;
        for (const step of promised(pass, from)) {
          if (found.length >= limit || looked === PROMISES_MAX) return next;
          looked += 1;
          next = step.cursor;
          for (const one of step.found) if (isAsked(one.kind, wanted)) keep(one, null);
        }
      }
      const end = Number.MAX_SAFE_INTEGER * (pass.oldestFirst ? -1 : 1);
      let last = cursor ?? { validFrom: end, id: end };
      for (const row of rowsAfter(last, question, pass.oldestFirst, past.atMs, known)) {
        if (found.length >= limit || left === 0) return `${last.validFrom}.${last.id}`;
        left -= 1;
        last = { validFrom: row.valid_from, id: row.id };
        const { kind, reason } = row;
        if (!isAsked(kind, wanted) || !isTold(row, status, past.atMs, known)) continue;
        const one = {
          kind,
          severity: severityOf(kind),
          subject: row.thing === 0 ? row.subject : past.thing(row.thing).key,
          since: iso(row.valid_from) ?? "",
          reason,
          evidence: [evidence(row)],
        };
        keep(one, closingOf(row, past.atMs, known));
      }
      return undefined;
    }

    function promised({ severity }: Pass, from: string) {
      if (question.kind !== undefined && !isPromised(question.kind)) return [];
      const about = question.subject === undefined ? undefined : promisedSubject(question.subject);
      const after = from !== "" ? from : severity === "warn" ? DOCUMENTS : undefined;
      const steps = answers.unfulfilled(past, known, after, about);
      return severity === undefined ? steps : ofSeverity(severity, steps);
    }

    const passes = passesOf(question);
    const begun = passes.findIndex(({ name }) => question.cursor?.startsWith(name) === true);
    let from = begun === -1 ? "" : (question.cursor ?? "").slice(passes[begun]?.name.length);
    for (const pass of passes.slice(Math.max(0, begun))) {
      const next = walk(pass, from);
      if (next !== undefined) return pageOf(found, pass.name + next);
      from = "";
    }
    return pageOf(found, null);
  }

  function awaitedBy(
    { kind, reason, evidence }: OpenDiscrepancy,
    behind: (atMs: number, except: string) => readonly string[],
  ) {
    const [count] = evidence;
    if (kind !== "missing_item" || reason !== NOT_SEEN || count === undefined) return [];
    return behind(Date.parse(count.time), count.gateway);
  }

  /** Open by all that is known is the usual question, and has an index of its own. */
  function rowsAfter(
    last: Cursor,
    { status, subject }: DiscrepancyQuestion,
    oldestFirst: boolean,
    atMs: number,
    known: number,
  ): Iterable<Row> {
    const rows = oldestFirst ? sql.oldest : sql.newest;
    if (subject !== undefined) return rowsAbout(rows, subject, last, oldestFirst, atMs);
    const isNow = status === "open" && known === FOREVER - 1;
    return (isNow ? rows.openNow : rows.all).iterate({ at: atMs, ...last });
  }

  /** About a thing by any form of its id, or about the text itself. */
  function rowsAbout(
    rows: typeof sql.newest,
    subject: string,
    last: Cursor,
    oldestFirst: boolean,
    at: number,
  ): readonly Row[] {
    const thing = find(subject);
    const asked = { at, ...last, max: ROWS_MAX };
    const about = typeof thing === "number" ? rows.ofThing.all({ ...asked, thing }) : [];
    const newestFirst = [
      ...about,
      ...rows.ofText.all({ ...asked, subject: keyText(subject) }),
    ].sort((a, b) => b.valid_from - a.valid_from || b.id - a.id);
    return oldestFirst ? newestFirst.reverse() : newestFirst;
  }

  function closingOf(row: Row, atMs: number, known: number): Closing | null {
    if (row.known_to <= known) {
      const time = iso(sql.recordedAt.get(row.known_to));
      const reason = REASONS[row.closed ?? ""] ?? "";
      return { by: row.closed ?? "", reason, person: null, time, statement: null };
    }
    if (row.valid_to > atMs) return null;
    const time = iso(row.valid_to);
    const reason = "a later event showed it settled";
    return { by: "event", reason, person: null, time, statement: null };
  }

  function promisedSubject(asked: string): Subject {
    const thing = find(asked);
    return { thing: typeof thing === "number" ? thing : -1, document: asked };
  }

  return { list };
}

/** The cursors of documents begin with it, and documents come after all orders. */
const DOCUMENTS = "d";

/** A document that is not together is a warning, and an order never is: who looks for one leaves out the other. */
function* ofSeverity(severity: Severity, steps: Iterable<Unfulfilled>): Generator<Unfulfilled> {
  for (const step of steps) {
    if (severity !== "warn" && step.cursor.startsWith(DOCUMENTS)) return;
    yield step;
  }
}

function passesOf({ order, kind, severity }: DiscrepancyQuestion): readonly Pass[] {
  if (order !== "gravest") return [{ name: "", severity: undefined, oldestFirst: false }];
  // What only informs is told to who asks for it.
  const isToPass = (one: Severity) =>
    (kind === undefined || one === severityOf(kind as FindingKind)) &&
    (severity === undefined ? kind !== undefined || one !== "info" : one === severity);
  return GRAVEST_FIRST.filter(isToPass).map((one) => ({
    name: `${one}:`,
    severity: one,
    oldestFirst: true,
  }));
}

const GRAVEST_FIRST: readonly Severity[] = ["error", "warn", "info"];

/** Of what lies in nothing, and was never seen in anything, there is nothing to say. */
function whereaboutsOf({ path, lastKnown }: WhereAnswer): Whereabouts | null {
  if (path.length > 0) return { path, last: false };
  return lastKnown === null ? null : { path: lastKnown, last: true };
}

function isAt(place: string, { key, path, lastKnown }: WhereAnswer): boolean {
  return [key, ...[...path, ...(lastKnown ?? [])].map((one) => one.key)].includes(place);
}

/** By what a row alone says. What only informs was never wrong: it is told to who asks for it. */
function isAsked(found: FindingKind, { kind, severity }: DiscrepancyQuestion): boolean {
  if (kind !== undefined && found !== kind) return false;
  if (severity !== undefined) return severityOf(found) === severity;
  return kind !== undefined || severityOf(found) !== "info";
}

/** A deadline that was kept ended before it passed: that was never a discrepancy. */
function isTold(row: Row, status: DiscrepancyStatus, atMs: number, known: number): boolean {
  if (row.known_from > known) return false;
  const holds = row.known_to > known;
  if (status === "open") return holds && row.valid_to > atMs;
  return (holds && row.valid_to >= row.valid_from) || row.closed !== null;
}

function pageOf(found: readonly Discrepancy[], next: string | null): DiscrepancyPage {
  return {
    open: found.filter(({ resolved }) => resolved === null),
    resolved: found.filter(({ resolved }) => resolved !== null),
    next,
  };
}

export type Discrepancies = ReturnType<typeof openDiscrepancies>;

const REASONS: Readonly<Record<string, string>> = {
  late_event: "an event that came later showed that it never was so",
  void: "what it rested on was declared void",
  registration: "the thing was registered",
};

function wordOf({ by, reason, time_ms, epoch, seq }: ResolutionRow) {
  return { by, reason, time: iso(time_ms) ?? "", statement: nameOf(`${epoch}/${seq}`) };
}

function byPerson(row: ResolutionRow): Closing {
  const { by: person, ...word } = wordOf(row);
  return { ...word, by: "human", person };
}

function keyText(id: string): string {
  const typed = decodeTyped(id);
  return typed.kind === "key" ? typed.key : id;
}

/** Undefined: not among the findings yet; what is promised comes before them. */
function cursorOf(text: string | undefined): Cursor | undefined {
  const [validFrom, id] = (text ?? "").split(".").map(Number);
  if (!Number.isSafeInteger(validFrom) || !Number.isSafeInteger(id)) return undefined;
  return { validFrom: validFrom as number, id: id as number };
}

function statements(db: Database) {
  return {
    newest: rowsIn(db, "<", "DESC"),
    oldest: rowsIn(db, ">", "ASC"),
    recordedAt: db
      .prepare<[number], number>(
        "SELECT at_ms FROM recorded WHERE position <= ? ORDER BY position DESC LIMIT 1",
      )
      .pluck(),
  };
}

function rowsIn(db: Database, behind: "<" | ">", direction: "ASC" | "DESC") {
  const select = (index: string, held: string) => `SELECT f.id AS id, f.kind, f.thing, f.subject,
      f.valid_from AS valid_from, f.valid_to, f.known_from, f.known_to, f.closed, f.reason, s.gateway,
      s.epoch, a.seq, a.time AS timeMs, a.known_from AS position
    FROM finding f INDEXED BY ${index} CROSS JOIN assertion a ON a.id = f.assertion
    CROSS JOIN stream s ON s.id = a.stream
    WHERE f.valid_from <= :at AND (f.valid_from, f.id) ${behind} (:validFrom, :id) AND ${held}`;
  const inOrder = `ORDER BY valid_from ${direction}, id ${direction}`;
  const now = `f.known_to = ${FOREVER}`;
  return {
    openNow: db.prepare<[object], Row>(
      `${select("finding_open", `${now} AND f.valid_to = ${FOREVER}`)}
       UNION ALL ${select("finding_ending", `${now} AND f.valid_to < ${FOREVER} AND f.valid_to > :at`)}
       ${inOrder}`,
    ),
    all: db.prepare<[object], Row>(`${select("finding_began", "true")} ${inOrder}`),
    ofThing: db.prepare<[object], Row>(
      `${select("finding_thing", "f.thing = :thing AND f.thing > 0")} ${inOrder} LIMIT :max`,
    ),
    ofText: db.prepare<[object], Row>(
      `${select("finding_text", "f.thing = 0 AND f.subject = :subject")} ${inOrder} LIMIT :max`,
    ),
  };
}
