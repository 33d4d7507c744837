/**
 * What was asserted, by which event, and whether it holds: rows are added and ended, never changed.
 * `known_to` 0: it still is. Those asked for lately are kept in memory, bounded.
 */
import { assert } from "../kernel/assert.ts";
import { type Act, type Assertion, compareOrder, type Order } from "../reconcile/assertion.ts";
import { ACT_KINDS, COUNT_KIND, packAct, unpackAct } from "./acts.ts";
import { createCache } from "./cache.ts";
import type { Database } from "./database.ts";
import type { Words } from "./words.ts";

export const assertionsSchema = `
  CREATE TABLE stream (
    id INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    lowest INTEGER NOT NULL,
    lowest_ms INTEGER NOT NULL,
    last INTEGER NOT NULL,
    UNIQUE (gateway, epoch)
  ) STRICT;

  CREATE TABLE assertion (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    act ANY NOT NULL,
    scope INTEGER NOT NULL,
    step INTEGER NOT NULL,
    operator INTEGER NOT NULL,
    touched TEXT,
    known_from INTEGER NOT NULL,
    known_to INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX assertion_event ON assertion (stream, seq);
  CREATE INDEX assertion_time ON assertion (time);
  CREATE INDEX assertion_reader ON assertion (time) WHERE scope <> 0;
  CREATE INDEX assertion_count ON assertion (scope) WHERE kind = ${COUNT_KIND};

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
  CREATE INDEX void_by ON void (by);
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

/** Behind everything in the fold. */
export const END: Order = {
  timeMs: Number.MAX_SAFE_INTEGER,
  gateway: "",
  epoch: "",
  seq: 0,
  part: 0,
};

/** The end of an interval that has none, where 0 would be a moment. */
export const FOREVER = Number.MAX_SAFE_INTEGER;

type Row = {
  id: number;
  time: number;
  gateway: string;
  epoch: string;
  seq: number;
  part: number;
  kind: number;
  act: Buffer | string;
  step: number;
  operator: number;
  touched: string | null;
  known_to: number;
};

type Entry = { readonly a: Assertion; touched: readonly number[] | null; isEnded: boolean };

const VOIDS_MAX = 65_536;

export type Assertions = ReturnType<typeof openAssertions>;

export function openAssertions(db: Database, words: Words) {
  const sql = statements(db);
  const entries = createCache<number, Entry>();
  const streams = new Map<string, number>();
  /** Put in this step and not looked at before: nothing by these is written yet. */
  const fresh = new Set<number>();
  /** Names of voided events; undefined when they are too many to be kept in memory. */
  let voids: Set<string> | undefined;
  let voidsRead = false;
  let last: Order | undefined;
  /** When the last one that reads contents was: none has to be looked for behind it. */
  let lastReaderMs: number | undefined;

  function entry(id: number): Entry {
    const cached = entries.get(id);
    if (cached) return cached;
    const row = sql.one.get(id);
    assert(row !== undefined, `assertion ${id} exists`);
    const touched = row.touched === null ? null : (JSON.parse(row.touched) as readonly number[]);
    const made = { a: assertionOf(row), touched, isEnded: row.known_to !== 0 };
    entries.set(id, made);
    return made;
  }

  function assertionOf(row: Row): Assertion {
    const { id, time: timeMs, gateway, epoch, seq, part } = row;
    const [step, operator] = [words.text(row.step), words.text(row.operator)];
    return {
      id,
      timeMs,
      gateway,
      epoch,
      seq,
      part,
      act: unpackAct(row.kind, row.act),
      step,
      operator,
    };
  }

  function isVoid({ gateway, epoch, seq }: EventName): boolean {
    if (!voidsRead) {
      const names = sql.voids.all(VOIDS_MAX + 1).map(eventText);
      voids = names.length > VOIDS_MAX ? undefined : new Set(names);
      voidsRead = true;
    }
    if (voids?.size === 0) return false;
    if (voids) return voids.has(eventText({ gateway, epoch, seq }));
    return sql.isVoid.get(gateway, epoch, seq) !== undefined;
  }

  function streamOf(gateway: string, epoch: string): number {
    const name = `${gateway}\n${epoch}`;
    const known = streams.get(name);
    if (known !== undefined) return known;
    sql.putStream.run(gateway, epoch);
    const id = sql.stream.get(gateway, epoch) ?? 0;
    streams.set(name, id);
    return id;
  }

  const get = (id: number): Assertion => entry(id).a;
  const holds = (id: number): boolean => {
    const { a, isEnded } = entry(id);
    return !isEnded && !isVoid(a);
  };

  function within(
    ids: readonly number[],
    after: Order,
    until: Order | undefined,
  ): readonly Assertion[] {
    return ids
      .map(get)
      .filter(
        (a) => compareOrder(a, after) > 0 && (until === undefined || compareOrder(a, until) <= 0),
      );
  }

  return {
    get,
    holds,
    streamOf,
    within,
    isFresh: (id: number): boolean => fresh.has(id),

    put(draft: Draft, position: number): Assertion {
      const { act, timeMs, seq, part } = draft;
      const scope = scopeOf(act);
      const { lastInsertRowid } = sql.put.run(
        timeMs,
        streamOf(draft.gateway, draft.epoch),
        seq,
        part,
        ACT_KINDS.indexOf(act.kind),
        packAct(act),
        scope,
        words.number(draft.step),
        words.number(draft.operator),
        position,
      );
      const a: Assertion = { ...draft, id: Number(lastInsertRowid) };
      if (scope !== 0 && lastReaderMs !== undefined && timeMs > lastReaderMs) lastReaderMs = timeMs;
      entries.set(a.id, { a, touched: null, isEnded: false });
      fresh.add(a.id);
      // Not known: it is read when it is asked for, or a first late one after a start would be it.
      if (last !== undefined && compareOrder(a, last) > 0) last = a;
      return a;
    },

    withdraw(id: number, position: number): void {
      sql.end.run(position, id);
      entry(id).isEnded = true;
    },

    /** Current ones from the scans of one numbering. */
    ofScans: (stream: number, firstSeq: number, lastSeq: number): readonly Assertion[] =>
      sql.ofScans.all(stream, firstSeq, lastSeq).map(assertionOf),

    /** At least what `setTouched` said, in most cases by the act alone. */
    touched: (id: number): readonly number[] => {
      const { a, touched } = entry(id);
      return touched ?? usuallyTouched(a.act);
    },
    setTouched(id: number, list: readonly number[]): void {
      fresh.delete(id);
      const known = entry(id);
      if (known.touched === null ? isUsual(list, known.a.act) : isSame(list, known.touched)) return;
      known.touched = list;
      sql.setTouched.run(JSON.stringify(list), id);
    },

    between(after: Order, until: Order | undefined, limit: number) {
      const ids = sql.between.all(after.timeMs, until?.timeMs ?? FOREVER, limit + 1);
      return ids.length > limit ? undefined : within(ids, after, until);
    },
    readersBetween(after: Order, until: Order | undefined): readonly Assertion[] {
      lastReaderMs ??= sql.lastReader.get() ?? Number.NEGATIVE_INFINITY;
      if (after.timeMs > lastReaderMs) return [];
      return within(sql.readers.all(after.timeMs, until?.timeMs ?? FOREVER), after, until);
    },
    counts: (scope: number): readonly Assertion[] => sql.counts.all(scope).filter(holds).map(get),

    isLast(order: Order): boolean {
      last ??= sql.last.all().map(assertionOf).sort(compareOrder).at(-1);
      return last === undefined || compareOrder(order, last) >= 0;
    },

    /** Voids of this event were written or ended. */
    voidsChanged(name: EventName): void {
      const { gateway, epoch, seq } = name;
      if (sql.isVoid.get(gateway, epoch, seq)) voids?.add(eventText(name));
      else voids?.delete(eventText(name));
      if (voids && voids.size > VOIDS_MAX) voids = undefined;
    },

    /** A step is over. */
    settled(): void {
      fresh.clear();
    },
    forget(): void {
      entries.clear();
      streams.clear();
      fresh.clear();
      voidsRead = false;
      last = undefined;
      lastReaderMs = undefined;
    },
  };
}

/**
 * What an act has links of at most, unless it says more than most of its kind: only then they are
 * written down. By the act alone: what a thing is taken to be may change after.
 */
function usuallyTouched(act: Act): readonly number[] {
  switch (act.kind) {
    case "add":
      return [act.parent, ...act.things];
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

const NONE: readonly number[] = [];

function isUsual(list: readonly number[], act: Act): boolean {
  const usual = usuallyTouched(act);
  if (isSame(list, usual)) return true;
  const among = new Set(usual);
  return list.every((thing) => among.has(thing));
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((thing, i) => thing === b[i]);
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

function statements(db: Database) {
  const assertion = `SELECT a.id, a.time, s.gateway, s.epoch, a.seq, a.part, a.kind, a.act, a.step,
    a.operator, a.touched, a.known_to FROM assertion a JOIN stream s ON s.id = a.stream`;
  return {
    one: db.prepare<[number], Row>(`${assertion} WHERE a.id = ?`),
    last: db.prepare<[], Row>(`${assertion} WHERE a.time = (SELECT max(time) FROM assertion)`),
    ofScans: db.prepare<[number, number, number], Row>(
      `${assertion} WHERE a.stream = ? AND a.seq BETWEEN ? AND ? AND a.known_to = 0`,
    ),
    put: db.prepare("INSERT INTO assertion VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, 0)"),
    end: db.prepare("UPDATE assertion SET known_to = ? WHERE id = ?"),
    setTouched: db.prepare("UPDATE assertion SET touched = ? WHERE id = ?"),
    stream: db
      .prepare<[string, string], number>("SELECT id FROM stream WHERE gateway = ? AND epoch = ?")
      .pluck(),
    putStream: db.prepare(
      "INSERT OR IGNORE INTO stream (gateway, epoch, lowest, lowest_ms, last) VALUES (?, ?, 0, 0, 0)",
    ),
    isVoid: db
      .prepare<[string, string, number], number>(
        `SELECT 1 FROM void WHERE gateway = ? AND epoch = ? AND seq = ? AND known_to = ${FOREVER}`,
      )
      .pluck(),
    voids: db.prepare<[number], EventName>(
      `SELECT DISTINCT gateway, epoch, seq FROM void WHERE known_to = ${FOREVER} LIMIT ?`,
    ),
    between: db
      .prepare<[number, number, number], number>(
        "SELECT id FROM assertion WHERE time BETWEEN ? AND ? AND known_to = 0 LIMIT ?",
      )
      .pluck(),
    readers: db
      .prepare<[number, number], number>(
        "SELECT id FROM assertion WHERE time BETWEEN ? AND ? AND scope <> 0 AND known_to = 0",
      )
      .pluck(),
    lastReader: db
      .prepare<[], number | null>("SELECT max(time) FROM assertion WHERE scope <> 0")
      .pluck(),
    counts: db
      .prepare<[number], number>(
        `SELECT id FROM assertion WHERE kind = ${COUNT_KIND} AND scope = ? AND known_to = 0
         ORDER BY id`,
      )
      .pluck(),
  };
}
