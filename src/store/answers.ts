/**
 * Questions to what the reconciler keeps, from any connection, on both time axes. `at` is the moment
 * asked about, `asKnownAt` what was known then; without them, the latest of both.
 */
import { decodeTyped, elementString } from "../barcode/decode.ts";
import { compareOrder, type FindingKind, severityOf, type Thing } from "../reconcile/assertion.ts";
import type { Link } from "../reconcile/engine.ts";
import { DEFAULT_POLICIES, type Policies } from "../reconcile/policies.ts";
import {
  type At,
  certaintyOf,
  checkpointOf,
  dispositionOf,
  type Past,
  pathOf,
  standingOf,
  trackingOf,
} from "../reconcile/tell.ts";
import { type Evidence, evidence, iso, msOf, type OpenDiscrepancy } from "./answer.ts";
import { FOREVER } from "./assertions.ts";
import { readChains } from "./chains.ts";
import type { Database } from "./database.ts";
import { readDocumentClasses } from "./document-classes.ts";
import { type Entity, readEntities } from "./entities.ts";
import { openFulfilment } from "./fulfilment.ts";
import { type ResolutionRow, readResolutions } from "./resolutions.ts";
import { readWords } from "./words.ts";

export type Named = {
  readonly key: string;
  readonly elementString: string;
  readonly kind: string;
  readonly name: string;
};

export type NotFound = {
  readonly ok: false;
  /** `misread`: a check failed; `not-found`: never seen and not registered. */
  readonly why: "misread" | "not-found";
  readonly detail: string;
};

export type WhereAnswer = Named & {
  readonly ok: true;
  readonly registered: boolean;
  readonly path: readonly Named[];
  readonly state: string;
  readonly since: string | null;
  readonly lastSeen: string | null;
  readonly lastKnown: readonly Named[] | null;
  readonly certainty: string;
  readonly disposition: string;
  readonly tracking: string | null;
  readonly checkpoint: string | null;
  readonly evidence: readonly Evidence[];
};

export type Move = {
  /** Null: it was there before anything is known. */
  readonly from: string | null;
  readonly to: string | null;
  readonly parent: Named | null;
  readonly path: readonly Named[];
  readonly action: string;
  readonly bizStep: string;
  readonly by: string;
  readonly certainty: string;
  readonly knownFrom: string;
  readonly evidence: readonly Evidence[];
};

type OpenRow = {
  kind: FindingKind;
  thing: number;
  subject: string;
  valid_from: number;
  reason: string;
  gateway: string;
  epoch: string;
  seq: number;
  assertion_time: number;
  assertion_from: number;
};

const LIMIT_MAX = 1000;
/** Things looked at for one answer: a room that millions passed through costs more answers, not one endless. */
const LOOKED_MAX = 20_000;

export function openAnswers(db: Database, policies: Policies = DEFAULT_POLICIES) {
  const sql = statements(db);
  const words = readWords(db);
  const chains = readChains(db, words);
  const entities = readEntities(db, words);
  const resolutions = readResolutions(db);

  /** The last position that was known at a moment. */
  function positionAt(asKnownAtMs: number | undefined): number {
    if (asKnownAtMs === undefined) return FOREVER - 1;
    const next = sql.recordedAfter.get(asKnownAtMs);
    return next === undefined ? FOREVER - 1 : next - 1;
  }

  function thingOf(id: number): Entity {
    const entity = entities.get(id);
    if (entity === undefined) throw new Error(`no thing has the number ${id}`);
    return entity;
  }

  function world(at: number | undefined, asKnownAt: number | undefined) {
    return worldAsOf(at, positionAt(asKnownAt));
  }

  /** `known`: everything up to this position was known, and nothing else. */
  function worldAsOf(at: number | undefined, known: number) {
    const things = new Map<number, Thing>();
    const gaps = new Map<string, boolean>();
    const thing = (id: number): Thing => {
      const cached = things.get(id) ?? thingOf(id);
      things.set(id, cached);
      return cached;
    };
    const atMoment: At = (atMs) => {
      const links = new Map<number, Link | undefined>();
      return {
        atMs,
        thing,
        link(id) {
          if (links.has(id)) return links.get(id);
          const link = chains.link(id, atMs, known);
          links.set(id, link);
          return link;
        },
        hasGap(gateway) {
          const cached = gaps.get(gateway);
          if (cached !== undefined) return cached;
          const open = sql.gap.get(gateway, atMs, atMs, known, known) !== undefined;
          gaps.set(gateway, open);
          return open;
        },
      };
    };
    return { past: atMoment(at ?? FOREVER - 1), atMoment, known };
  }

  function named(past: Past, id: number): Named {
    const { key, kind, name } = past.thing(id);
    return { key, elementString: elementString(key) || key, kind, name };
  }

  function find(id: string): number | NotFound {
    const typed = decodeTyped(id);
    switch (typed.kind) {
      case "misread":
        return { ok: false, why: "misread", detail: typed.why };
      case "key": {
        return entities.find(typed.key)?.id ?? notFound(id);
      }
      case "serial":
        return entities.bySerial(typed.serial) ?? sql.byAlias.get(typed.serial) ?? notFound(id);
      case "alias":
        return sql.byAlias.get(typed.value) ?? notFound(id);
      default:
        return notFound(id);
    }
  }

  function where(id: string, at?: number, asKnownAt?: number): WhereAnswer | NotFound {
    const thing = find(id);
    return typeof thing === "number" ? whereThing(thing, at, asKnownAt) : thing;
  }

  function whereThing(thing: number, at?: number, asKnownAt?: number): WhereAnswer {
    return whereAsOf(thing, at, positionAt(asKnownAt));
  }

  function whereAsOf(thing: number, at: number | undefined, position: number): WhereAnswer {
    const { past, known } = worldAsOf(at, position);
    const link = past.link(thing);
    const path = pathOf(past, thing);
    const { registeredAt } = thingOf(thing);
    const state = link?.state;
    return {
      ok: true,
      ...named(past, thing),
      registered: registeredAt > 0 && registeredAt <= known,
      path: path.map((one) => named(past, one)),
      state: standingOf(past, thing),
      since: iso(state?.movedAt),
      lastSeen: iso(state?.seenAt),
      lastKnown:
        state?.parent === 0 && state.lastKnown !== 0
          ? [state.lastKnown, ...pathOf(past, state.lastKnown)].map((one) => named(past, one))
          : null,
      certainty: certaintyOf(past, thing, policies),
      disposition: dispositionOf(past, thing),
      tracking: trackingOf(past, thing) || null,
      checkpoint: checkpointOf(past, thing) || null,
      evidence: evidenceOf(link, known),
    };
  }

  /** What the answer rests on: the last move and the last sighting. */
  function evidenceOf(link: Link | undefined, known: number): readonly Evidence[] {
    if (link === undefined) return [];
    const { movedAt, seenAt } = link.state;
    const links = [...new Set([movedAt, seenAt])]
      .flatMap((ms) => chains.of(link.thing, ms, known))
      .sort(compareOrder);
    const moved = links.findLast((one) => one.moved && one.timeMs === movedAt);
    const seen = links.findLast((one) => one.scanned && !one.refused && one.timeMs === seenAt);
    return [...new Set([moved, seen])].filter((one) => one !== undefined).map(evidence);
  }

  function history(id: string, at?: number, asKnownAt?: number) {
    const thing = find(id);
    if (typeof thing !== "number") return thing;
    const { past, atMoment, known } = world(at, asKnownAt);
    const moves: Move[] = [];
    for (const link of [...chains.moves(thing, past.atMs, known)].sort(compareOrder)) {
      const { parent } = link;
      const then = atMoment(link.timeMs);
      const path = parent === 0 ? [] : [parent, ...pathOf(then, parent)];
      const from = iso(link.timeMs);
      const last = moves.at(-1);
      if (last) moves[moves.length - 1] = { ...last, to: from };
      moves.push({
        from,
        to: null,
        parent: parent === 0 ? null : named(past, parent),
        path: path.map((one) => named(past, one)),
        action: link.action,
        bizStep: link.step,
        by: link.operator,
        certainty: parent === 0 ? "unknown" : link.scanned ? "observed" : "inferred",
        knownFrom: iso(sql.recordedAt.get(link.knownFrom)) ?? "",
        evidence: [evidence(link)],
      });
    }
    return { ok: true as const, ...named(past, thing), moves };
  }

  /** In order of their numbers, on behind `cursor`. For a past moment all that was ever in it is looked at. */
  function contents(id: string, at?: number, limit = 100, asKnownAt?: number, cursor = 0) {
    const thing = find(id);
    if (typeof thing !== "number") return thing;
    const { past } = world(at, asKnownAt);
    const isNow = at === undefined && asKnownAt === undefined;
    const candidates = isNow ? chains.inside(thing, cursor) : chains.everIn(thing, cursor);
    const children: (Named & { since: string | null; certainty: string })[] = [];
    const most = Math.min(limit, LIMIT_MAX);
    let [looked, last] = [0, cursor];
    let next: number | null = null;
    for (const child of candidates) {
      if (children.length === most || looked === LOOKED_MAX) {
        next = last;
        break;
      }
      looked += 1;
      last = child;
      const state = past.link(child)?.state;
      if (state?.parent !== thing) continue;
      children.push({
        ...named(past, child),
        since: iso(state.movedAt),
        certainty: certaintyOf(past, child, policies),
      });
    }
    return { ok: true as const, ...named(past, thing), children, more: next !== null, next };
  }

  /** The exact key first, then things whose serial begins so. */
  function search(q: string, limit = 20) {
    const text = q.trim();
    const { past } = world(undefined, undefined);
    const exact = find(text);
    const found = new Set<number>(typeof exact === "number" ? [exact] : []);
    const most = Math.min(limit, LIMIT_MAX);
    const typed = decodeTyped(text);
    const prefix = typed.kind === "serial" ? typed.serial : "";
    if (prefix !== "") for (const id of entities.beginningWith(prefix, most)) found.add(id);
    const results = [...found].slice(0, most).map((id) => ({
      ...named(past, id),
      path: pathOf(past, id).map((one) => named(past, one)),
    }));
    return { results };
  }

  /** Deadlines pass with time: without a moment, the last one at which anything came in is meant. */
  function latest(): number {
    return sql.latest.get() ?? 0;
  }

  function discrepancies(at: number = latest(), asKnownAt?: number, limit = LIMIT_MAX) {
    const { past, known } = world(at, asKnownAt);
    const rows =
      known === FOREVER - 1
        ? sql.openNow.all(past.atMs, past.atMs, limit)
        : sql.open.all(past.atMs, past.atMs, known, known, limit);
    const open: OpenDiscrepancy[] = rows
      .filter(({ kind }) => severityOf(kind) !== "info")
      .map((row) => ({
        kind: row.kind,
        severity: severityOf(row.kind),
        subject: row.thing === 0 ? row.subject : past.thing(row.thing).key,
        since: iso(row.valid_from) ?? "",
        reason: row.reason,
        evidence: [evidence({ ...row, timeMs: row.assertion_time, position: row.assertion_from })],
      }));
    const all = [...open, ...fulfilment.all(past, known)];
    return { open: all.filter((one) => resolutionOf(one, past.atMs, known) === undefined) };
  }

  function resolutionOf(
    { kind, subject, since }: OpenDiscrepancy,
    atMs: number,
    known: number,
  ): ResolutionRow | undefined {
    return resolutions.of({ kind, subject, sinceMs: msOf(since) }, "resolve", atMs, known);
  }

  /** Everything of a kind that was ever found, info kinds too, as known then. */
  function recorded(at?: number, asKnownAt?: number) {
    const { past, known } = world(at, asKnownAt);
    return sql.recorded.all(past.atMs, known, known).map(({ kind, thing, subject, reason }) => ({
      kind,
      subject: thing === 0 ? subject : past.thing(thing).key,
      reason,
    }));
  }

  /** The numbers under which carriers had a thing or what it was in, oldest first. */
  function trackings(id: string, at?: number, asKnownAt?: number): readonly string[] {
    const thing = find(id);
    if (typeof thing !== "number") return [];
    const { past, atMoment, known } = world(at, asKnownAt);
    const found = new Set<string>();
    for (const ms of fulfilment.moments(thing, past.atMs, known))
      found.add(trackingOf(atMoment(ms), thing));
    found.delete("");
    return [...found];
  }

  /** What the last concluded count of a place said. */
  function countResult(id: string, at?: number, asKnownAt?: number) {
    const place = find(id);
    if (typeof place !== "number") return undefined;
    const { past, known } = world(at, asKnownAt);
    const last = chains.lastCount(place, past.atMs, known);
    if (last === undefined) return undefined;
    const keysOf = (kind: FindingKind) =>
      sql.byCount.all(last, kind, known, known).map((one) => past.thing(one).key);
    const missing = keysOf("missing_item");
    const unexpected = keysOf("unexpected_item");
    const touched = chains.touchedBy(last, known);
    const pages = touched.some((one) => past.thing(one).kind === "page");
    const things = touched.filter(
      (one) => one !== place && (past.thing(one).kind === "page") === pages,
    );
    const found = things.length - missing.length - unexpected.length;
    return { expected: found + missing.length, found, missing, unexpected };
  }

  /** Findings that were taken back or have closed, and by what. */
  function resolved(at?: number, asKnownAt?: number) {
    const { past, known } = world(at, asKnownAt);
    return sql.resolved
      .all(known, known, known, past.atMs)
      .map(({ kind, thing, subject, closed }) => ({
        kind,
        subject: thing === 0 ? subject : past.thing(thing).key,
        by: closed,
      }));
  }

  /** When an event is taken to have happened, after correction of its gateway's clock. */
  function eventTime(
    { gateway, epoch, seq }: { gateway: string; epoch: string; seq: number },
    asKnownAt?: number,
  ): string | null {
    const known = positionAt(asKnownAt);
    return iso(sql.eventTime.get(gateway, epoch, seq, known, known));
  }

  const classes = readDocumentClasses(db, policies);
  const asking = { chains, entities, worldAsOf, positionAt, latest, classes };
  const fulfilment = openFulfilment(db, policies, asking);

  return {
    /** For the questions in files beside this one. */
    within: { ...asking, find, named },
    eventTime,
    where,
    whereThing,
    whereAsOf,
    ...fulfilment,
    resolutionOf,
    history,
    contents,
    search,
    discrepancies,
    recorded,
    trackings,
    countResult,
    resolved,
  };
}

export type Answers = ReturnType<typeof openAnswers>;

function notFound(id: string): NotFound {
  return { ok: false, why: "not-found", detail: `${id} was never seen and is not registered` };
}

function statements(db: Database) {
  const asKnown = "known_from <= ? AND known_to > ?";
  const open = `SELECT f.kind, f.thing, f.subject, f.valid_from, f.reason, s.gateway, s.epoch,
      a.seq, a.time AS assertion_time, a.known_from AS assertion_from
    FROM finding f JOIN assertion a ON a.id = f.assertion JOIN stream s ON s.id = a.stream
    WHERE f.valid_from <= ? AND f.valid_to > ?`;
  return {
    recordedAfter: db
      .prepare<[number], number>(
        "SELECT position FROM recorded WHERE at_ms > ? ORDER BY at_ms LIMIT 1",
      )
      .pluck(),
    latest: db.prepare<[], number>("SELECT max(at_ms) FROM recorded").pluck(),
    recordedAt: db
      .prepare<[number], number>(
        "SELECT at_ms FROM recorded WHERE position <= ? ORDER BY position DESC LIMIT 1",
      )
      .pluck(),
    byAlias: db
      .prepare<[string], number>(
        "SELECT thing FROM alias WHERE value = ? ORDER BY known_from DESC LIMIT 1",
      )
      .pluck(),
    byCount: db
      .prepare<[number, string, number, number], number>(
        `SELECT thing FROM finding WHERE assertion = ? AND kind = ? AND ${asKnown}`,
      )
      .pluck(),
    resolved: db.prepare<
      [number, number, number, number],
      { kind: FindingKind; thing: number; subject: string; closed: string }
    >(
      `SELECT kind, thing, subject, closed FROM finding WHERE closed IS NOT NULL AND known_to <= ?
       UNION ALL SELECT kind, thing, subject, 'event' FROM finding
         WHERE ${asKnown} AND valid_to > valid_from AND valid_to <= ?`,
    ),
    eventTime: db
      .prepare<[string, string, number, number, number], number>(
        `SELECT a.time FROM assertion a JOIN stream s ON s.id = a.stream
         WHERE s.gateway = ? AND s.epoch = ? AND a.seq = ? AND a.part = 0
         AND a.known_from <= ? AND (a.known_to = 0 OR a.known_to > ?)`,
      )
      .pluck(),
    gap: db
      .prepare<[string, number, number, number, number], number>(
        `SELECT 1 FROM finding WHERE kind = 'sequence_gap' AND thing = 0 AND subject = ?
         AND valid_from <= ? AND valid_to > ? AND ${asKnown}`,
      )
      .pluck(),
    open: db.prepare<[number, number, number, number, number], OpenRow>(
      `${open} AND f.known_from <= ? AND f.known_to > ? ORDER BY f.valid_from DESC LIMIT ?`,
    ),
    openNow: db.prepare<[number, number, number], OpenRow>(
      `${open} AND f.known_to = ${FOREVER} ORDER BY f.valid_from DESC LIMIT ?`,
    ),
    recorded: db.prepare<
      [number, number, number],
      { kind: FindingKind; thing: number; subject: string; reason: string }
    >(`SELECT kind, thing, subject, reason FROM finding WHERE valid_from <= ? AND ${asKnown}`),
  };
}
