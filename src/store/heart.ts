/**
 * The fold over a file: assertions in, rows kept true. What scans mean is decided before (scans.ts);
 * here an assertion, a void, a registration or a hole in a numbering becomes what is known.
 */
import type { FindingKind } from "../reconcile/assertion.ts";
import { createEngine, type EngineOptions } from "../reconcile/engine.ts";
import { type Policies, rulesOf } from "../reconcile/policies.ts";
import { COUNT_KIND } from "./acts.ts";
import { type Draft, type EventName, eventText, FOREVER } from "./assertions.ts";
import type { Database } from "./database.ts";
import { ledgerSchema, openLedger } from "./ledger.ts";
import { openThings, type Registration, type Things, thingsSchema } from "./things.ts";
import { openWords, wordsSchema } from "./words.ts";

export const heartSchema = `${wordsSchema}${ledgerSchema}${thingsSchema}`;

/** Parts of an assertion's id beyond what a session gives. */
export const PART = { late: 6, skew: 7, bootSkew: 8, gap: 9, conflict: 10 } as const;

type Bounds = { readonly lowest: number; readonly lowestMs: number; readonly last: number };
const UNHEARD: Bounds = { lowest: 0, lowestMs: 0, last: 0 };

export function openHeart(db: Database, policies: Policies, options?: EngineOptions) {
  const rules = rulesOf(policies);
  const words = openWords(db);
  const ledger = openLedger(db, {
    words,
    unknownCarrier: () => things.unknownCarrier(),
  });
  const things: Things = openThings(db, words, {
    know: ledger.knowThing,
    forget: ledger.forgetThing,
    forgetAll: ledger.forget,
  });
  const engine = createEngine(ledger, rules, options);
  const sql = {
    record: db.prepare("INSERT OR IGNORE INTO recorded VALUES (?, ?)"),
    lastRecord: db
      .prepare<[], number>("SELECT at_ms FROM recorded ORDER BY position DESC LIMIT 1")
      .pluck(),
    void: db.prepare(`INSERT INTO void VALUES (?, ?, ?, ?, ${FOREVER}, ?, ?)`),
    unvoid: db.prepare(`UPDATE void SET known_to = ? WHERE by = ? AND known_to = ${FOREVER}`),
    voidBy: db.prepare<[string], EventName>(
      `SELECT gateway, epoch, seq FROM void WHERE by = ? AND known_to = ${FOREVER}`,
    ),
    bounds: db.prepare<[number], Bounds>(
      "SELECT lowest, lowest_ms AS lowestMs, last FROM stream WHERE id = ?",
    ),
    setBounds: db.prepare("UPDATE stream SET lowest = ?, lowest_ms = ?, last = ? WHERE id = ?"),
    hole: db.prepare<[number, number, number], { first: number; last: number }>(
      "SELECT first, last FROM hole WHERE stream = ? AND first <= ? AND last >= ?",
    ),
    putHole: db.prepare("INSERT INTO hole VALUES (?, ?, ?)"),
    dropHole: db.prepare("DELETE FROM hole WHERE stream = ? AND first = ?"),
    countedFrom: db
      .prepare<[number], number>(
        // Among the counts: by its index of events, all that a numbering ever said is read.
        `SELECT DISTINCT scope FROM assertion WHERE +stream = ? AND kind = ${COUNT_KIND} AND known_to = 0`,
      )
      .pluck(),
    gateway: db.prepare("INSERT OR REPLACE INTO gateway VALUES (?, ?, ?, ?)"),
  };
  let position = 0;
  let recordedMs: number | undefined;
  const bounds = new Map<number, Bounds>();

  /** Numberings whose bounds are not in their rows yet. */
  const moved = new Set<number>();

  function boundsOf(stream: number): Bounds {
    const cached = bounds.get(stream);
    if (cached) return cached;
    const known = sql.bounds.get(stream) ?? UNHEARD;
    bounds.set(stream, known);
    return known;
  }

  function setBounds(stream: number, now: Bounds): void {
    bounds.set(stream, now);
    moved.add(stream);
  }

  function put(draft: Draft): void {
    const a = ledger.put(draft);
    engine.touch(a);
    if (a.act.kind === "count") engine.touchCounts(a.act.scope);
  }

  function withdraw(id: number): void {
    const a = ledger.assertion(id);
    ledger.withdraw(id);
    engine.touch(a);
    if (a.act.kind === "count") engine.touchCounts(a.act.scope);
  }

  function retouch({ gateway, epoch, seq }: EventName): void {
    const stream = ledger.streamOf(gateway, epoch);
    for (const a of ledger.ofScans(stream, seq, seq)) {
      engine.touch(a);
      if (a.act.kind === "count") engine.touchCounts(a.act.scope);
    }
  }

  function touchCountsOf(stream: number): void {
    // A count that was concluded together with others waits for what is missing in the numberings of all.
    for (const scope of sql.countedFrom.all(stream)) engine.touchCounts(scope);
  }

  function note(
    name: EventName,
    part: number,
    timeMs: number,
    finding: FindingKind,
    reason: string,
  ): void {
    const subject = finding === "id_conflict" ? eventText(name) : name.gateway;
    const act = { kind: "note", finding, subject, reason } as const;
    put({ ...name, timeMs, part, act, step: "", operator: "" });
  }

  function noteGap(name: EventName, timeMs: number): void {
    note(name, PART.gap, timeMs, "sequence_gap", `events are missing before ${name.seq}`);
  }

  /** Withdraws the assertion with this id and part, if it stands. */
  function withdrawPart(stream: number, seq: number, part: number): void {
    for (const a of ledger.ofScans(stream, seq, seq)) if (a.part === part) withdraw(a.id);
  }

  function register(key: string, registration: Registration): number {
    const isNew = things.register(key, registration, position);
    const id = things.ensure(key);
    if (isNew && ledger.hasChain(id)) {
      engine.because("registration");
      engine.touchChain(id);
    }
    return id;
  }

  return {
    rules,
    words,
    ledger,
    things,

    /** Everything from here on became known at `at`, by the twin's clock; it never goes back. */
    begin(at: number, takenInAtMs: number): number {
      position = at;
      ledger.begin(at);
      recordedMs ??= sql.lastRecord.get();
      if (recordedMs === undefined || takenInAtMs > recordedMs) {
        recordedMs = takenInAtMs;
        sql.record.run(at, takenInAtMs);
      }
      engine.knownAt(recordedMs);
      return recordedMs;
    },
    put,
    withdraw,
    withdrawPart,

    /** `by` names what voids. The target may be unknown yet. */
    void(target: EventName, by: string, reason: string): void {
      engine.because("void");
      sql.void.run(target.gateway, target.epoch, target.seq, position, by, reason);
      ledger.voidsChanged(target);
      retouch(target);
    },
    voidedBy: (by: string): EventName | undefined => sql.voidBy.get(by),
    unvoid(by: string): void {
      const target = sql.voidBy.get(by);
      sql.unvoid.run(position, by);
      if (target === undefined) return;
      ledger.voidsChanged(target);
      retouch(target);
    },

    register,

    /**
     * Pages of a document. Those that were seen before belong to it from the beginning: what moved one
     * of them as a whole document moved the others.
     */
    gather(document: number, keys: readonly string[]): void {
      let changed = false;
      for (const key of keys) {
        const known = things.find(key);
        const before = known === undefined ? document : ledger.thing(known).document;
        const id = register(key, { document });
        if (before !== document && ledger.hasChain(id)) changed = true;
      }
      if (!changed) return;
      engine.because("registration");
      for (const page of ledger.pagesOf(document)) engine.touchChain(page);
    },
    setGateway(name: string, site: number, defaultPlace: number, unpackingPlace: number): void {
      sql.gateway.run(name, site, defaultPlace, unpackingPlace);
      ledger.forget();
    },

    note,

    /**
     * An event of a numbering has come in. True when it is the next one, so that nothing before it
     * is affected. `noteMs`: when the event happened, for the hole before it; undefined when a hole
     * in this numbering means nothing.
     */
    sequence(name: EventName, noteMs: number | undefined): boolean {
      const { seq } = name;
      const stream = ledger.streamOf(name.gateway, name.epoch);
      const known = boundsOf(stream);
      const next = known.lowest === 0 || seq > known.last;
      if (next) {
        if (known.lowest !== 0 && seq > known.last + 1 && noteMs !== undefined) {
          sql.putHole.run(stream, known.last + 1, seq - 1);
          noteGap(name, noteMs);
          touchCountsOf(stream);
        }
        setBounds(
          stream,
          known.lowest === 0
            ? { lowest: seq, lowestMs: noteMs ?? 0, last: seq }
            : { ...known, last: seq },
        );
        return true;
      }
      const hole = sql.hole.get(stream, seq, seq);
      if (hole) {
        sql.dropHole.run(stream, hole.first);
        if (hole.first < seq) sql.putHole.run(stream, hole.first, seq - 1);
        if (hole.last > seq) sql.putHole.run(stream, seq + 1, hole.last);
        else withdrawPart(stream, seq + 1, PART.gap);
        if (hole.first < seq && noteMs !== undefined) noteGap(name, noteMs);
        touchCountsOf(stream);
      } else if (seq < known.lowest) {
        if (seq < known.lowest - 1 && noteMs !== undefined) {
          sql.putHole.run(stream, seq + 1, known.lowest - 1);
          noteGap({ ...name, seq: known.lowest }, known.lowestMs);
        }
        setBounds(stream, { lowest: seq, lowestMs: noteMs ?? 0, last: known.last });
        touchCountsOf(stream);
      }
      return false;
    },
    settle(): void {
      engine.settle();
      ledger.settled();
    },
    /** The highest number that has come in. */
    lastOf: (stream: number): number => boundsOf(stream).last,
    flush(): void {
      for (const stream of moved) {
        const { lowest, lowestMs, last } = boundsOf(stream);
        sql.setBounds.run(lowest, lowestMs, last, stream);
      }
      moved.clear();
    },
    /** After a rollback: nothing kept in memory may be believed. */
    forget(): void {
      ledger.forget();
      things.forget();
      bounds.clear();
      moved.clear();
      recordedMs = undefined;
    },
  };
}

export type Heart = ReturnType<typeof openHeart>;
