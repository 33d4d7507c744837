/**
 * The heart's memory in SQLite: assertions, the chains of things, findings. Rows are added and
 * ended (`known_to`), never changed, so that every answer once given can be given again.
 *
 * A chain is clustered by thing and time: the state of a thing at any moment, on either time axis,
 * is one seek. The newest link of things in use is kept in memory, bounded.
 */
import { assert } from "../kernel/assert.ts";
import {
  type Act,
  type Assertion,
  compareOrder,
  type FindingKind,
  type Gateway,
  type Order,
  type Thing,
} from "../reconcile/assertion.ts";
import type { Found, Ledger, Link } from "../reconcile/engine.ts";
import { isFixed, type Kind } from "../reconcile/policies.ts";
import { BLANK, type Effect, type State } from "../reconcile/state.ts";
import type { Database } from "./database.ts";

/** The end of an interval that has none. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

export const ledgerSchema = `
  CREATE TABLE entity (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    kind_known INTEGER NOT NULL,
    serial TEXT NOT NULL,
    name TEXT NOT NULL,
    registered INTEGER NOT NULL,
    document INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX entity_serial ON entity (serial);
  CREATE INDEX entity_document ON entity (document) WHERE document > 0;

  CREATE TABLE gateway (
    name TEXT PRIMARY KEY,
    site INTEGER NOT NULL,
    default_place INTEGER NOT NULL,
    unpacking_place INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    lowest INTEGER NOT NULL,
    lowest_ms INTEGER NOT NULL,
    last INTEGER NOT NULL,
    UNIQUE (gateway, epoch)
  ) STRICT;
  CREATE TABLE hole (
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (stream, first)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE assertion (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    kind TEXT NOT NULL,
    act TEXT NOT NULL,
    scope INTEGER NOT NULL,
    step TEXT NOT NULL,
    operator TEXT NOT NULL,
    touched TEXT,
    known_from INTEGER NOT NULL,
    known_to INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX assertion_event ON assertion (stream, seq);
  CREATE INDEX assertion_time ON assertion (time);
  CREATE INDEX assertion_reader ON assertion (time) WHERE scope <> 0;
  CREATE INDEX assertion_count ON assertion (scope) WHERE kind = 'count';

  CREATE TABLE link (
    thing INTEGER NOT NULL,
    time INTEGER NOT NULL,
    assertion INTEGER NOT NULL,
    known_from INTEGER NOT NULL,
    known_to INTEGER NOT NULL,
    target INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    last_known INTEGER NOT NULL,
    moved_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    seen_by TEXT NOT NULL,
    seen_site INTEGER NOT NULL,
    bits INTEGER NOT NULL,
    refused TEXT,
    more TEXT,
    PRIMARY KEY (thing, time, assertion, known_from)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX link_target ON link (target, thing) WHERE target <> 0;

  CREATE TABLE finding (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    thing INTEGER NOT NULL,
    subject TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER NOT NULL,
    known_from INTEGER NOT NULL,
    known_to INTEGER NOT NULL,
    assertion INTEGER NOT NULL,
    reason TEXT NOT NULL,
    closed TEXT
  ) STRICT;
  CREATE INDEX finding_assertion ON finding (assertion);
  CREATE INDEX finding_thing ON finding (thing) WHERE thing > 0;
  CREATE INDEX finding_gap ON finding (subject) WHERE kind = 'sequence_gap';
  CREATE INDEX finding_open ON finding (valid_to) WHERE known_to = ${FOREVER};

  CREATE TABLE void (
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    known_from INTEGER NOT NULL,
    known_to INTEGER NOT NULL,
    by TEXT NOT NULL,
    reason TEXT NOT NULL
  ) STRICT;
  CREATE INDEX void_target ON void (gateway, epoch, seq);

  -- The position up to which everything was known at a moment.
  CREATE TABLE recorded (position INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;
  CREATE INDEX recorded_at ON recorded (at_ms);
`;

export type EventName = { readonly gateway: string; readonly epoch: string; readonly seq: number };

export function eventText({ gateway, epoch, seq }: EventName): string {
  return `${gateway}/${epoch}/${seq}`;
}

export type Draft = Order & {
  readonly act: Act;
  readonly step: string;
  readonly operator: string;
};

type AssertionRow = {
  id: number;
  time: number;
  gateway: string;
  epoch: string;
  seq: number;
  part: number;
  act: string;
  step: string;
  operator: string;
  touched: string | null;
  known_to: number;
};

export type LinkRow = {
  thing: number;
  time: number;
  assertion: number;
  known_from: number;
  known_to: number;
  target: number;
  parent: number;
  last_known: number;
  moved_at: number;
  seen_at: number;
  seen_by: string;
  seen_site: number;
  bits: number;
  refused: Effect["refused"] | null;
  more: string | null;
  seq: number;
  part: number;
  gateway: string;
  epoch: string;
};

type FindingRow = {
  id: number;
  kind: FindingKind;
  thing: number;
  subject: string;
  valid_from: number;
  valid_to: number;
  known_from: number;
  assertion: number;
  reason: string;
};

export const LINK_COLUMNS = `link.thing, link.time, link.assertion, link.known_from, link.known_to,
  link.target, link.parent, link.last_known, link.moved_at, link.seen_at, link.seen_by,
  link.seen_site, link.bits, link.refused, link.more, a.seq, a.part, s.gateway, s.epoch`;
export const LINK_FROM = `link JOIN assertion a ON a.id = link.assertion
  JOIN stream s ON s.id = a.stream`;

const CACHE_ENTRIES_MAX = 100_000;
const VOIDS_MAX = 65_536;

export type StoredLedger = Ledger & {
  /** What is written from here on became known at this position. */
  begin(position: number): void;
  put(draft: Draft): Assertion;
  withdraw(id: number): void;
  /** Current assertions from the scans of one numbering. */
  ofScans(stream: number, firstSeq: number, lastSeq: number): readonly Assertion[];
  streamOf(gateway: string, epoch: string): number;
  /** Whether anything was ever said about a thing. */
  hasChain(thing: number): boolean;
  forgetThing(id: number): void;
  /** Voids of this event were written or ended. */
  voidsChanged(name: EventName): void;
  /** Forgets everything that is kept in memory: after a rollback it may be wrong. */
  forget(): void;
  /** Links written since the last call, newest last. */
  takeWritten(): readonly Link[];
  /** Links ended since `begin`: what was believed of their things is so no more. */
  retracted(): readonly Link[];
  takeFound(): readonly Omit<Found, "id">[];
};

export function openLedger(db: Database): StoredLedger {
  const sql = statements(db);
  const things = createCache<Thing>();
  const tails = createCache<Tail>();
  const assertions = createCache<{ readonly a: Assertion; touched: readonly number[] | null }>();
  const gateways = new Map<string, Gateway | undefined>();
  const streams = new Map<string, number>();
  /** Put in this step and not looked at before: nothing by these is written yet. */
  const fresh = new Set<number>();
  const ended = new Set<number>();
  /** Names of voided events; undefined when they are too many to be kept in memory. */
  let voids: Set<string> | undefined;
  let voidsRead = false;
  let position = 0;
  let last: Order | undefined;
  let written: Link[] = [];
  let retracted: Link[] = [];
  let found: Omit<Found, "id">[] = [];

  function assertionEntry(id: number) {
    const cached = assertions.get(id);
    if (cached) return cached;
    const row = sql.assertion.get(id);
    assert(row !== undefined, `assertion ${id} exists`);
    if (row.known_to !== FOREVER) ended.add(id);
    const entry = { a: assertionOf(row), touched: parseNumbers(row.touched) };
    assertions.set(id, entry);
    return entry;
  }

  function isVoid({ gateway, epoch, seq }: EventName): boolean {
    if (!voidsRead) {
      const names = sql.voids.all(VOIDS_MAX + 1).map(eventText);
      voids = names.length > VOIDS_MAX ? undefined : new Set(names);
      voidsRead = true;
    }
    if (voids) return voids.has(eventText({ gateway, epoch, seq }));
    return sql.isVoid.get(gateway, epoch, seq) !== undefined;
  }

  function tail(thing: number): Tail {
    const cached = tails.get(thing);
    if (cached) return cached;
    const link = newest(thing, undefined);
    const made: Tail = link ? { links: [link], whole: false } : { links: [], whole: true };
    tails.set(thing, made);
    return made;
  }

  /** The last current link strictly before `order`; the very last without one. */
  function newest(thing: number, order: Order | undefined): Link | undefined {
    return pick((limit) => sql.before.all(thing, order?.timeMs ?? FOREVER, limit), order);
  }

  const ledger: StoredLedger = {
    begin(at) {
      position = at;
      retracted = [];
    },

    put(draft) {
      const stream = ledger.streamOf(draft.gateway, draft.epoch);
      const { act } = draft;
      const id = Number(
        sql.putAssertion.run(
          draft.timeMs,
          stream,
          draft.seq,
          draft.part,
          act.kind,
          JSON.stringify(act),
          scopeOf(act),
          draft.step,
          draft.operator,
          position,
        ).lastInsertRowid,
      );
      const a: Assertion = { ...draft, id };
      assertions.set(id, { a, touched: null });
      fresh.add(id);
      // Not known: it is read when it is asked for, or a first late one after a start would be it.
      if (last !== undefined && compareOrder(a, last) > 0) last = a;
      return a;
    },

    withdraw(id) {
      assertionEntry(id);
      sql.endAssertion.run(position, id);
      ended.add(id);
    },

    ofScans: (stream, firstSeq, lastSeq) =>
      sql.ofScans.all(stream, firstSeq, lastSeq).map(assertionOf),

    streamOf(gateway, epoch) {
      const name = `${gateway}\n${epoch}`;
      const known = streams.get(name);
      if (known !== undefined) return known;
      sql.putStream.run(gateway, epoch);
      const id = sql.stream.get(gateway, epoch) ?? 0;
      streams.set(name, id);
      return id;
    },

    hasChain: (thing) => sql.hasLink.get(thing) !== undefined,
    forgetThing(id) {
      things.delete(id);
    },

    voidsChanged({ gateway, epoch, seq }) {
      if (sql.isVoid.get(gateway, epoch, seq)) voids?.add(eventText({ gateway, epoch, seq }));
      else voids?.delete(eventText({ gateway, epoch, seq }));
      if (voids && voids.size > VOIDS_MAX) voids = undefined;
    },

    forget() {
      things.clear();
      tails.clear();
      assertions.clear();
      gateways.clear();
      streams.clear();
      fresh.clear();
      ended.clear();
      voidsRead = false;
      last = undefined;
      written = [];
      retracted = [];
      found = [];
    },

    takeWritten() {
      const taken = written;
      written = [];
      return taken;
    },
    retracted: () => retracted,
    takeFound() {
      const taken = found;
      found = [];
      fresh.clear();
      return taken;
    },

    assertion: (id) => assertionEntry(id).a,
    holds(id) {
      const { a } = assertionEntry(id);
      return !ended.has(id) && !isVoid(a);
    },
    touched(id) {
      const { a, touched } = assertionEntry(id);
      return touched ?? usuallyTouched(a.act);
    },
    setTouched(id, list) {
      fresh.delete(id);
      const entry = assertionEntry(id);
      const before = entry.touched ?? usuallyTouched(entry.a.act);
      if (before.length === list.length && before.every((thing, i) => thing === list[i])) return;
      entry.touched = list;
      sql.setTouched.run(JSON.stringify(list), id);
    },

    linkBefore(thing, order) {
      const { links, whole } = tail(thing);
      for (let i = links.length - 1; i >= 0; i--) {
        const link = links[i];
        if (link && compareOrder(link.order, order) < 0) return link;
      }
      return whole ? undefined : newest(thing, order);
    },
    linkAfter(thing, order) {
      const known = tail(thing);
      if (reaches(known, order)) return known.links.find((l) => compareOrder(l.order, order) > 0);
      for (let limit = 4; ; limit *= 4) {
        const rows = sql.after.all(thing, order.timeMs, limit);
        let next: Link | undefined;
        for (const row of rows) {
          if (next !== undefined && row.time > next.order.timeMs) return next;
          const link = linkOf(row);
          if (compareOrder(link.order, order) <= 0) continue;
          if (next === undefined || compareOrder(link.order, next.order) < 0) next = link;
        }
        if (rows.length < limit) return next;
      }
    },
    linkBy(thing, a) {
      if (fresh.has(a.id)) return undefined;
      const known = tail(thing);
      if (reaches(known, a)) return known.links.find(({ assertion }) => assertion === a.id);
      const row = sql.by.get(thing, a.timeMs, a.id);
      return row && linkOf(row);
    },
    linkBeforeAsWas: (thing, order) =>
      pick((limit) => sql.beforeAsWas.all(thing, order.timeMs, position, position, limit), order),

    writeLink(link) {
      const { state, order } = link;
      // Looked at before the row is there, or it would be found in it.
      const known = tail(link.thing);
      sql.putLink.run(
        link.thing,
        order.timeMs,
        link.assertion,
        position,
        link.target,
        state.parent,
        state.lastKnown,
        state.movedAt,
        state.seenAt,
        state.seenBy,
        state.seenSite,
        bitsOf(link),
        link.refused === "" ? null : link.refused,
        moreOf(state),
      );
      if (reaches(known, order)) insert(known, link);
      written.push(link);
    },
    endLink(link) {
      retracted.push(link);
      sql.dropLink.run(link.thing, link.order.timeMs, link.assertion, position);
      sql.endLink.run(position, link.thing, link.order.timeMs, link.assertion);
      const known = tails.get(link.thing);
      if (known === undefined) return;
      const at = known.links.findIndex(({ assertion }) => assertion === link.assertion);
      if (at !== -1) known.links.splice(at, 1);
      if (known.links.length === 0 && !known.whole) tails.delete(link.thing);
    },

    everIn: (parent) => sql.everIn.all(parent),
    linksBetween(thing, after, until) {
      const from = Math.max(after.timeMs, -FOREVER);
      return within(sql.linksBetween.all(thing, from, until?.timeMs ?? FOREVER), after, until);
    },
    between(after, until, limit) {
      const ids = sql.between.all(after.timeMs, until?.timeMs ?? FOREVER, limit + 1);
      return ids.length > limit ? undefined : within(ids, after, until);
    },
    readersBetween: (after, until) =>
      within(sql.readers.all(after.timeMs, until?.timeMs ?? FOREVER), after, until),

    findingsBy: (id) => (fresh.has(id) ? [] : sql.findingsBy.all(id).map(foundOf)),
    findingsOn: (thing) => sql.findingsOn.all(thing).map(foundOf),
    writeFinding(finding) {
      const { subject, validTo } = finding;
      sql.putFinding.run(
        finding.kind,
        typeof subject === "number" ? subject : 0,
        typeof subject === "number" ? "" : subject,
        finding.validFrom,
        validTo === Infinity ? FOREVER : validTo,
        position,
        finding.assertion,
        finding.reason,
      );
      found.push(finding);
    },
    endFinding({ id }, by) {
      sql.dropFinding.run(id, position);
      sql.endFinding.run(position, by ?? null, id);
    },

    isLast(order) {
      last ??= sql.last.all().map(assertionOf).sort(compareOrder).at(-1);
      return last === undefined || compareOrder(order, last) >= 0;
    },

    thing(id) {
      const cached = things.get(id);
      if (cached) return cached;
      const row = sql.thing.get(id);
      const thing: Thing = row
        ? { ...row, kindKnown: row.kindKnown === 1, registered: row.registered > 0 }
        : NOBODY;
      things.set(id, thing);
      return thing;
    },
    gateway(name) {
      if (gateways.has(name)) return gateways.get(name);
      const row = sql.gateway.get(name);
      gateways.set(name, row);
      return row;
    },
    pagesOf: (document) => sql.pagesOf.all(document),
    unknownCarrier() {
      sql.putCarrier.run();
      return sql.carrier.get() ?? 0;
    },
    hasGap: (gateway, epoch, throughSeq) =>
      sql.hasGap.get(gateway, epoch, throughSeq) !== undefined,
    counts: (scope) =>
      sql.counts
        .all(scope)
        .map((id) => ledger.assertion(id))
        .filter(({ id }) => ledger.holds(id)),
  };
  return ledger;

  function within(
    ids: readonly number[],
    after: Order,
    until: Order | undefined,
  ): readonly Assertion[] {
    return ids
      .map((id) => ledger.assertion(id))
      .filter(
        (a) => compareOrder(a, after) > 0 && (until === undefined || compareOrder(a, until) <= 0),
      );
  }

  /** Usually the first row; several links at one moment are told apart by the rest of the order. */
  function usuallyTouched(act: Act): readonly number[] {
    switch (act.kind) {
      case "add":
        return isFixed(ledger.thing(act.parent).kind) ? act.things : [act.parent, ...act.things];
      case "observe":
        return act.things;
      case "open":
      case "close":
      case "ship":
      case "receive":
      case "checkpoint":
      case "label":
      case "place":
        return [act.thing];
      default:
        return NONE;
    }
  }
}

/**
 * The newest current links of a chain, in fold order and without a gap; `whole`: the chain has no
 * others. Gateways send what they saw at the same time one after the other, so the last few links
 * of a place or container are asked for again and again.
 */
type Tail = { readonly links: Link[]; whole: boolean };

const TAIL_LINKS_MAX = 16;

/** Whether all links from this place in the fold on are in the tail. */
function reaches({ links, whole }: Tail, order: Order): boolean {
  const first = links[0];
  return whole || (first !== undefined && compareOrder(first.order, order) <= 0);
}

function insert(tail: Tail, link: Link): void {
  const { links } = tail;
  let at = links.length;
  for (let before = links[at - 1]; before; before = links[at - 1]) {
    if (compareOrder(before.order, link.order) < 0) break;
    at -= 1;
  }
  links.splice(at, 0, link);
  if (links.length <= TAIL_LINKS_MAX) return;
  links.shift();
  tail.whole = false;
}

const NONE: readonly number[] = [];

const NOBODY: Thing = {
  id: 0,
  key: "",
  kind: "other",
  kindKnown: false,
  name: "",
  registered: true,
  document: 0,
};

/** Of rows newest first, the one with the greatest place in the fold that is before `order`. */
export function pick(
  read: (limit: number) => readonly LinkRow[],
  order: Order | undefined,
): Link | undefined {
  for (let limit = 2; ; limit *= 4) {
    const rows = read(limit);
    let best: Link | undefined;
    for (const row of rows) {
      if (best !== undefined && row.time < best.order.timeMs) return best;
      const link = linkOf(row);
      if (order !== undefined && compareOrder(link.order, order) >= 0) continue;
      if (best === undefined || compareOrder(link.order, best.order) > 0) best = link;
    }
    if (rows.length < limit) return best;
  }
}

/** Assertions that read what is in something carry what they read: others have to find them. */
function scopeOf(act: Act): number {
  switch (act.kind) {
    case "count":
      return act.scope;
    case "destroy":
      return act.things[0] ?? 0;
    case "delete":
      return act.things === undefined ? act.parent : 0;
    case "add":
      return act.document === true ? act.parent : 0;
    default:
      return 0;
  }
}

const BITS = {
  moved: 1,
  scanned: 2,
  missing: 4,
  loose: 8,
  destroyed: 16,
  disposed: 32,
  closed: 64,
  open: 128,
  shipped: 256,
  conflicted: 512,
  strange: 1024,
  inconclusive: 2048,
} as const;

function bitsOf({ state, moved, scanned }: Link): number {
  return (
    (moved ? BITS.moved : 0) |
    (scanned ? BITS.scanned : 0) |
    (state.missing ? BITS.missing : 0) |
    (state.loose ? BITS.loose : 0) |
    (state.ended === "" ? 0 : BITS[state.ended]) |
    (state.seal === "" ? 0 : BITS[state.seal]) |
    (state.shipped ? BITS.shipped : 0) |
    (state.conflicted ? BITS.conflicted : 0) |
    (state.strange ? BITS.strange : 0) |
    (state.inconclusive ? BITS.inconclusive : 0)
  );
}

/** What few things have. Null when a thing has none of it. */
function moreOf(state: State): string | null {
  const { tracking, labelCarrier, labelTracking, checkpoint, deliveredAt } = state;
  const { elsewhere, trail } = state;
  const plain =
    tracking === "" &&
    labelCarrier === 0 &&
    labelTracking === "" &&
    checkpoint === "" &&
    deliveredAt === 0 &&
    elsewhere.length === 0 &&
    trail.length === 0;
  if (plain) return null;
  return JSON.stringify({
    tracking,
    labelCarrier,
    labelTracking,
    checkpoint,
    deliveredAt,
    elsewhere,
    trail,
  });
}

export function linkOf(row: LinkRow): Link {
  const { bits } = row;
  const has = (bit: number) => (bits & bit) !== 0;
  return {
    thing: row.thing,
    assertion: row.assertion,
    order: {
      timeMs: row.time,
      gateway: row.gateway,
      epoch: row.epoch,
      seq: row.seq,
      part: row.part,
    },
    target: row.target,
    moved: has(BITS.moved),
    scanned: has(BITS.scanned),
    refused: row.refused ?? "",
    state: {
      ...BLANK,
      parent: row.parent,
      lastKnown: row.last_known,
      movedAt: row.moved_at,
      seenAt: row.seen_at,
      seenBy: row.seen_by,
      seenSite: row.seen_site,
      missing: has(BITS.missing),
      loose: has(BITS.loose),
      ended: has(BITS.destroyed) ? "destroyed" : has(BITS.disposed) ? "disposed" : "",
      seal: has(BITS.closed) ? "closed" : has(BITS.open) ? "open" : "",
      shipped: has(BITS.shipped),
      conflicted: has(BITS.conflicted),
      strange: has(BITS.strange),
      inconclusive: has(BITS.inconclusive),
      ...(row.more === null ? {} : (JSON.parse(row.more) as Partial<State>)),
    },
  };
}

function foundOf(row: FindingRow): Found {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.thing === 0 ? row.subject : row.thing,
    validFrom: row.valid_from,
    validTo: row.valid_to === FOREVER ? Infinity : row.valid_to,
    assertion: row.assertion,
    reason: row.reason,
  };
}

function assertionOf(row: AssertionRow): Assertion {
  return {
    id: row.id,
    timeMs: row.time,
    gateway: row.gateway,
    epoch: row.epoch,
    seq: row.seq,
    part: row.part,
    act: JSON.parse(row.act) as Act,
    step: row.step,
    operator: row.operator,
  };
}

function parseNumbers(text: string | null): readonly number[] | null {
  return text === null ? null : (JSON.parse(text) as readonly number[]);
}

/** Two generations: what was not asked for since the last turn is forgotten. */
function createCache<T>() {
  let young = new Map<number, T>();
  let old = new Map<number, T>();
  return {
    has: (id: number): boolean => young.has(id) || old.has(id),
    get(id: number): T | undefined {
      if (young.has(id)) return young.get(id);
      if (!old.has(id)) return undefined;
      const value = old.get(id) as T;
      this.set(id, value);
      return value;
    },
    set(id: number, value: T): void {
      if (young.size >= CACHE_ENTRIES_MAX) {
        old = young;
        young = new Map();
      }
      young.set(id, value);
      old.delete(id);
    },
    delete(id: number): void {
      young.delete(id);
      old.delete(id);
    },
    clear(): void {
      young = new Map();
      old = new Map();
    },
  };
}

function statements(db: Database) {
  const assertion = `SELECT a.id, a.time, s.gateway, s.epoch, a.seq, a.part, a.act, a.step,
    a.operator, a.touched, a.known_to FROM assertion a JOIN stream s ON s.id = a.stream`;
  const links = `SELECT ${LINK_COLUMNS} FROM ${LINK_FROM}`;
  const now = `known_to = ${FOREVER}`;
  return {
    assertion: db.prepare<[number], AssertionRow>(`${assertion} WHERE a.id = ?`),
    last: db.prepare<[], AssertionRow>(
      `${assertion} WHERE a.time = (SELECT max(time) FROM assertion)`,
    ),
    ofScans: db.prepare<[number, number, number], AssertionRow>(
      `${assertion} WHERE a.stream = ? AND a.seq BETWEEN ? AND ? AND a.${now}`,
    ),
    putAssertion: db.prepare(
      `INSERT INTO assertion VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ${FOREVER})`,
    ),
    endAssertion: db.prepare("UPDATE assertion SET known_to = ? WHERE id = ?"),
    setTouched: db.prepare("UPDATE assertion SET touched = ? WHERE id = ?"),
    stream: db
      .prepare<[string, string], number>("SELECT id FROM stream WHERE gateway = ? AND epoch = ?")
      .pluck(),
    putStream: db.prepare(
      "INSERT OR IGNORE INTO stream (gateway, epoch, lowest, lowest_ms, last) VALUES (?, ?, 0, 0, 0)",
    ),
    isVoid: db
      .prepare<[string, string, number], number>(
        `SELECT 1 FROM void WHERE gateway = ? AND epoch = ? AND seq = ? AND ${now}`,
      )
      .pluck(),
    voids: db.prepare<[number], EventName>(
      `SELECT DISTINCT gateway, epoch, seq FROM void WHERE ${now} LIMIT ?`,
    ),
    before: db.prepare<[number, number, number], LinkRow>(
      `${links} WHERE link.thing = ? AND link.time <= ? AND link.${now}
       ORDER BY link.time DESC LIMIT ?`,
    ),
    beforeAsWas: db.prepare<[number, number, number, number, number], LinkRow>(
      `${links} WHERE link.thing = ? AND link.time <= ? AND link.known_from < ?
       AND link.known_to >= ? ORDER BY link.time DESC LIMIT ?`,
    ),
    hasLink: db.prepare<[number], number>("SELECT 1 FROM link WHERE thing = ? LIMIT 1").pluck(),
    after: db.prepare<[number, number, number], LinkRow>(
      `${links} WHERE link.thing = ? AND link.time >= ? AND link.${now}
       ORDER BY link.time LIMIT ?`,
    ),
    by: db.prepare<[number, number, number], LinkRow>(
      `${links} WHERE link.thing = ? AND link.time = ? AND link.assertion = ? AND link.${now}`,
    ),
    putLink: db.prepare(
      `INSERT INTO link VALUES (?, ?, ?, ?, ${FOREVER}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    dropLink: db.prepare(
      "DELETE FROM link WHERE thing = ? AND time = ? AND assertion = ? AND known_from = ?",
    ),
    endLink: db.prepare(
      `UPDATE link SET known_to = ? WHERE thing = ? AND time = ? AND assertion = ? AND ${now}`,
    ),
    everIn: db
      .prepare<[number], number>(
        "SELECT DISTINCT thing FROM link WHERE target = ? AND target <> 0 ORDER BY thing",
      )
      .pluck(),
    linksBetween: db
      .prepare<[number, number, number], number>(
        `SELECT DISTINCT assertion FROM link WHERE thing = ? AND time BETWEEN ? AND ?`,
      )
      .pluck(),
    between: db
      .prepare<[number, number, number], number>(
        `SELECT id FROM assertion WHERE time BETWEEN ? AND ? AND ${now} LIMIT ?`,
      )
      .pluck(),
    readers: db
      .prepare<[number, number], number>(
        `SELECT id FROM assertion WHERE time BETWEEN ? AND ? AND scope <> 0 AND ${now}`,
      )
      .pluck(),
    counts: db
      .prepare<[number], number>(
        `SELECT id FROM assertion WHERE kind = 'count' AND scope = ? AND ${now} ORDER BY id`,
      )
      .pluck(),
    findingsBy: db.prepare<[number], FindingRow>(
      `SELECT * FROM finding WHERE assertion = ? AND ${now}`,
    ),
    findingsOn: db.prepare<[number], FindingRow>(
      `SELECT * FROM finding WHERE thing = ? AND thing > 0 AND ${now}`,
    ),
    putFinding: db.prepare(
      `INSERT INTO finding VALUES (NULL, ?, ?, ?, ?, ?, ?, ${FOREVER}, ?, ?, NULL)`,
    ),
    dropFinding: db.prepare("DELETE FROM finding WHERE id = ? AND known_from = ?"),
    endFinding: db.prepare("UPDATE finding SET known_to = ?, closed = ? WHERE id = ?"),
    thing: db.prepare<
      [number],
      Omit<Thing, "kindKnown" | "registered"> & {
        kind: Kind;
        kindKnown: number;
        registered: number;
      }
    >(
      "SELECT id, key, kind, kind_known AS kindKnown, name, registered, document FROM entity WHERE id = ?",
    ),
    gateway: db.prepare<[string], Gateway>(
      `SELECT name, site, default_place AS defaultPlace, unpacking_place AS unpackingPlace
       FROM gateway WHERE name = ?`,
    ),
    pagesOf: db
      .prepare<[number], number>("SELECT id FROM entity WHERE document = ? AND document > 0")
      .pluck(),
    carrier: db.prepare<[], number>("SELECT id FROM entity WHERE key = 'carrier:unknown'").pluck(),
    putCarrier: db.prepare(
      `INSERT OR IGNORE INTO entity (key, kind, kind_known, serial, name, registered, document)
       VALUES ('carrier:unknown', 'carrier', 1, 'unknown', 'unknown', 1, 0)`,
    ),
    hasGap: db
      .prepare<[string, string, number], number>(
        `SELECT 1 FROM hole JOIN stream ON stream.id = hole.stream
         WHERE stream.gateway = ? AND stream.epoch = ? AND hole.first <= ?`,
      )
      .pluck(),
  };
}
