/**
 * What became of what came in: each event that scans and statements came to mean, also those that
 * were voided or refused, and each read of a scanner, also those that meant nothing. For auditors, and
 * for the operator who asks why a scan had no consequence.
 */
import { type Act, compareOrder, type FindingKind, mentionedIn } from "../reconcile/assertion.ts";
import type { Past } from "../reconcile/tell.ts";
import { unpackAct } from "./acts.ts";
import { iso } from "./answer.ts";
import type { Answers, Named } from "./answers.ts";
import { type EventName, eventText } from "./assertions.ts";
import type { Database } from "./database.ts";
import { decodeRead, inForce, readSettings, type ScannerRecord } from "./reads.ts";
import { openScanIndex } from "./scan-index.ts";
import type { ScanSource } from "./scan-source.ts";
import { nameOf } from "./why.ts";
import { readWords } from "./words.ts";

export type AuditedEvent = EventName & {
  readonly time: string | null;
  readonly action: string;
  readonly bizStep: string;
  readonly by: string;
  readonly things: readonly Named[];
  readonly knownFrom: string | null;
  /** The declaration that it did not happen so. */
  readonly voided: { readonly by: EventName; readonly reason: string } | null;
  /** What it could not do; `whole`: it did nothing. */
  readonly refused: {
    readonly whole: boolean;
    readonly things: readonly { readonly key: string; readonly why: FindingKind }[];
  } | null;
};

export type Fate =
  | "taken"
  | "bounce"
  | "command"
  | "misread"
  | "foreign"
  | "wrong_class"
  | "refused";

export type AuditedRead = EventName & {
  readonly time: string | null;
  readonly scanner: string;
  readonly code: string;
  readonly became: Fate;
  readonly reason: string;
};

export type AuditQuestion = {
  readonly fromMs: number;
  readonly at?: number | undefined;
  readonly asKnownAt?: number | undefined;
  readonly limit: number;
  /** What the page before gave as next. */
  readonly cursor?: string | undefined;
};

type Row = EventName & {
  id: number;
  time: number;
  part: number;
  kind: number;
  act: Buffer | string;
  step: number;
  operator: number;
  known_from: number;
};
type Kept = Row & { readonly done: Act };
type Read = EventName & {
  readonly timeMs: number;
  readonly scanner: string;
  readonly code: string;
  readonly symbol: string;
  readonly key: string | undefined;
  became: Fate;
  reason: string;
};

/** Acts that only set up the world, or tell about evidence itself, are no events of it. */
const NO_EVENTS: ReadonlySet<Act["kind"]> = new Set(["place", "label", "note"]);

export function openAudit(
  db: Database,
  answers: Answers,
  deps: { readonly source: ScanSource; readonly sameSymbolWindowMs: number },
) {
  const { worldAsOf, positionAt, latest, named } = answers.within;
  const words = readWords(db);
  const sql = statements(db);
  const index = openScanIndex(db, { ...words, number: () => 0 });
  const settingsOf = readSettings(db);

  /** Of all gateways, or of one. */
  function kept(
    { fromMs, at, asKnownAt, limit }: AuditQuestion,
    gateway?: string,
  ): readonly Kept[] {
    const known = positionAt(asKnownAt);
    const found: Kept[] = [];
    const rows =
      gateway === undefined
        ? sql.events.iterate(fromMs, at ?? latest(), known, known)
        : sql.eventsOf.iterate(fromMs, at ?? latest(), known, known, gateway);
    for (const row of rows) {
      // All of one moment, or none: which come first among them is decided below.
      if (found.length > limit && found.at(-1)?.time !== row.time) break;
      const done = unpackAct(row.kind, row.act);
      if (!isEvent(row, done, known)) continue;
      found.push({ ...row, done });
    }
    return found.sort((a, b) => compareOrder(orderOf(a), orderOf(b)));
  }

  function isEvent({ time }: Row, act: Act, known: number): boolean {
    if (NO_EVENTS.has(act.kind)) return false;
    if (act.kind === "count") return act.begun !== true;
    if (act.kind !== "open" || act.ifSealed !== true) return true;
    // Taking up an envelope that is open already changes nothing.
    return worldAsOf(time - 1, known).past.link(act.thing)?.state.seal === "closed";
  }

  function refusalOf({ id, done }: Kept, known: number): AuditedEvent["refused"] {
    const refused = sql.refused.all(id, known, known);
    if (refused.length === 0) return null;
    const no = new Set(refused.map(({ thing }) => thing));
    const { past } = worldAsOf(undefined, known);
    const whole =
      "things" in done && done.things !== undefined
        ? done.things.every((thing) => no.has(thing)) || ("parent" in done && no.has(done.parent))
        : true;
    const things = refused.map(({ thing, why }) => ({ key: past.thing(thing).key, why }));
    return { whole: whole && done.kind !== "count", things };
  }

  function told(row: Kept, past: Past, known: number): AuditedEvent {
    const { gateway, epoch, seq, time, done, known_from } = row;
    const void_ = sql.voided.get(gateway, epoch, seq, known, known);
    return {
      ...outside(row),
      time: iso(time),
      action: done.kind,
      bizStep: words.text(row.step),
      by: words.text(row.operator),
      things: [...new Set(mentionedIn(done))]
        .filter((thing) => thing !== 0)
        .map((thing) => named(past, thing)),
      knownFrom: iso(sql.recordedAt.get(known_from)),
      voided: void_ === undefined ? null : { by: nameOf(void_.by), reason: void_.reason },
      refused: refusalOf(row, known),
    };
  }

  /** In the order of the fold. */
  function events(question: AuditQuestion): AuditPage<"events", AuditedEvent> {
    const known = positionAt(question.asKnownAt);
    const { past } = worldAsOf(question.at, known);
    const { limit } = question;
    const { fromMs, skip } = beginningOf(question);
    const found = kept({ ...question, fromMs, limit: limit + skip });
    return {
      events: found.slice(skip, skip + limit).map((row) => told(row, past, known)),
      ...following(
        found.map(({ time }) => time),
        skip + limit,
      ),
    };
  }

  /** The reads of a gateway's scanners, oldest first. */
  function reads(gateway: string, question: AuditQuestion): AuditPage<"reads", AuditedRead> {
    const untilMs = question.at ?? latest();
    const known = positionAt(question.asKnownAt);
    const { limit } = question;
    const { fromMs, skip } = beginningOf(question);
    const settings = once((scanner: string) => settingsOf(gateway, scanner));
    const found: Read[] = [];
    for (const { id, epoch } of sql.streamsOf.all(gateway)) {
      let taken = 0;
      // A little from before: what was read then makes a bounce of what is read now.
      for (const { seq, timeMs, scanner } of index.since(id, fromMs - deps.sameSymbolWindowMs)) {
        if (timeMs > untilMs || taken > skip + limit) break;
        const name = { gateway, epoch, seq };
        const { takenInAtMs, code, marker } = deps.source.scan(name);
        if (question.asKnownAt !== undefined && takenInAtMs > question.asKnownAt) continue;
        if (timeMs >= fromMs) taken += 1;
        const setting = inForce(settings(scanner), timeMs);
        const meaning = meaningOf(code, setting, known);
        found.push({ ...name, timeMs, scanner, code, symbol: `${marker} ${code}`, ...meaning });
      }
    }
    found.sort((a, b) => a.timeMs - b.timeMs || a.seq - b.seq || (a.epoch < b.epoch ? -1 : 1));
    markBounces(found, deps.sameSymbolWindowMs);
    const last = { ...question, fromMs, at: found.at(-1)?.timeMs ?? 0, limit: EVENTS_MAX };
    const { past } = worldAsOf(question.at, known);
    for (const event of kept(last, gateway)) markRefused(found, told(event, past, known));
    const asked = found.filter(({ timeMs }) => timeMs >= fromMs);
    return {
      reads: asked.slice(skip, skip + limit).map(({ timeMs, symbol: _, key: __, ...read }) => {
        return { ...read, time: iso(timeMs) };
      }),
      ...following(
        asked.map(({ timeMs }) => timeMs),
        skip + limit,
      ),
    };
  }

  function meaningOf(
    code: string,
    setting: ScannerRecord,
    known: number,
  ): Pick<Read, "became" | "reason" | "key"> {
    const decoded = decodeRead(code, setting);
    if (decoded.kind === "key") return { became: "taken", reason: "", key: decoded.key };
    if (decoded.kind === "command") return { became: "command", reason: "", key: undefined };
    if (decoded.kind === "misread")
      return { became: "misread", reason: decoded.why, key: undefined };
    const bound =
      (decoded.kind === "alias" ? sql.aliased.get(decoded.value, known) : undefined) ??
      sql.aliased.get(code, known);
    if (bound !== undefined) {
      const { key } = worldAsOf(undefined, known).past.thing(bound);
      return { became: "taken", reason: "", key };
    }
    return decoded.kind === "alias" && decoded.carriers.length > 0
      ? { became: "wrong_class", reason: "a carrier's number, not expected here", key: undefined }
      : { became: "foreign", reason: "names nothing that is known here", key: undefined };
  }

  return { events, reads };
}

/** Events that are looked at for a page of reads: each read came to a few at most. */
const EVENTS_MAX = 5_000;

type AuditPage<Name extends string, T> = Readonly<Record<Name, readonly T[]>> & {
  readonly more: boolean;
  /** Cursor of the next page. */
  readonly next: string | null;
};

/** A cursor is a moment, and how many of that moment were given already. */
function beginningOf({ fromMs, cursor }: AuditQuestion): { fromMs: number; skip: number } {
  const [, ms, skip] = /^(-?\d+)\.(\d+)$/.exec(cursor ?? "") ?? [];
  return ms === undefined ? { fromMs, skip: 0 } : { fromMs: Number(ms), skip: Number(skip) };
}

/** `times` of all that was found, in order, of which so many are given by then. */
function following(times: readonly number[], given: number) {
  const last = times[given - 1];
  if (last === undefined || times.length <= given) return { more: false, next: null };
  const skip = times.slice(0, given).filter((time) => time === last).length;
  return { more: true, next: `${last}.${skip}` };
}

function once<T>(read: (name: string) => T): (name: string) => T {
  const kept = new Map<string, T>();
  return (name) => {
    const known = kept.get(name) ?? read(name);
    kept.set(name, known);
    return known;
  };
}

export type Audit = ReturnType<typeof openAudit>;

/** The same symbol at the same scanner within the window, as the sessions take it. */
function markBounces(reads: readonly Read[], windowMs: number): void {
  const last = new Map<string, number>();
  for (const read of reads) {
    const name = `${read.scanner}\n${read.symbol}`;
    const before = last.get(name);
    last.set(name, read.timeMs);
    if (before === undefined || read.timeMs - before > windowMs) continue;
    read.became = "bounce";
    read.reason = "the same symbol again within the window";
  }
}

/** The reads that a refused event came of: its own, and the last one of each thing it names. */
function markRefused(reads: readonly Read[], event: AuditedEvent): void {
  const { refused } = event;
  if (refused === null || event.voided !== null) return;
  const own = reads.findIndex((read) => eventText(read) === eventText(event));
  const last = reads[own];
  if (last === undefined) return;
  const reason = refused.things.map(({ key, why }) => `${key}: ${why}`).join("; ");
  const keys = refused.whole
    ? event.things.map(({ key }) => key)
    : refused.things.map(({ key }) => key);
  const before = reads.slice(0, own + 1).filter(({ scanner }) => scanner === last.scanner);
  const concerned = keys.map((key) => before.findLast((read) => read.key === key));
  for (const read of new Set([...concerned, ...(refused.whole ? [last] : [])]))
    if (read?.became === "taken") Object.assign(read, { became: "refused", reason });
}

function orderOf({ time, gateway, seq, epoch, part }: Row) {
  return { timeMs: time, gateway, seq, epoch, part };
}

/** A statement stands in the fold under no gateway. */
function outside({ gateway, epoch, seq }: EventName): EventName {
  return gateway === "" ? nameOf(`${epoch}/${seq}`) : { gateway, epoch, seq };
}

function statements(db: Database) {
  // By time, whatever else is asked: a gateway alone would be all that it ever said.
  const event = `SELECT a.id, a.time, s.gateway, s.epoch, a.seq, a.part, a.kind, a.act, a.step,
      a.operator, a.known_from
    FROM assertion a CROSS JOIN stream s ON s.id = a.stream
    WHERE a.time BETWEEN ? AND ? AND a.known_from <= ? AND (a.known_to = 0 OR a.known_to > ?)`;
  const refusals = "'event_after_end_of_life', 'hierarchy_violation', 'containment_cycle'";
  return {
    events: db.prepare<[number, number, number, number], Row>(`${event} ORDER BY a.time`),
    eventsOf: db.prepare<[number, number, number, number, string], Row>(
      `${event} AND s.gateway = ? ORDER BY a.time`,
    ),
    refused: db.prepare<[number, number, number], { thing: number; why: FindingKind }>(
      `SELECT thing, kind AS why FROM finding WHERE assertion = ? AND kind IN (${refusals})
       AND known_from <= ? AND known_to > ?`,
    ),
    voided: db.prepare<[string, string, number, number, number], { by: string; reason: string }>(
      `SELECT by, reason FROM void WHERE gateway = ? AND epoch = ? AND seq = ?
       AND known_from <= ? AND known_to > ? LIMIT 1`,
    ),
    streamsOf: db.prepare<[string], { id: number; epoch: string }>(
      "SELECT id, epoch FROM stream WHERE gateway = ? ORDER BY epoch",
    ),
    aliased: db
      .prepare<[string, number], number>(
        `SELECT thing FROM alias WHERE value = ? AND known_from <= ?
         ORDER BY known_from DESC LIMIT 1`,
      )
      .pluck(),
    recordedAt: db
      .prepare<[number], number>(
        "SELECT at_ms FROM recorded WHERE position <= ? ORDER BY position DESC LIMIT 1",
      )
      .pluck(),
  };
}
