/**
 * The heart's memory in SQLite: what the engine asks and writes, in terms of rows. Nothing written is
 * ever changed but for its end, so that every answer once given can be given again.
 */

import type { Assertion, Gateway, Thing } from "../reconcile/assertion.ts";
import type { Found, Ledger, Link } from "../reconcile/engine.ts";
import {
  assertionsSchema,
  type Draft,
  type EventName,
  FOREVER,
  openAssertions,
} from "./assertions.ts";
import { createCache } from "./cache.ts";
import type { Database } from "./database.ts";
import { entitiesSchema, readEntities } from "./entities.ts";
import { findingsSchema, openFindings } from "./findings.ts";
import { insideSchema, openInside } from "./inside.ts";
import { linksSchema, openLinks } from "./links.ts";
import type { Words } from "./words.ts";

export const ledgerSchema = `
  ${entitiesSchema}
  CREATE TABLE gateway (
    name TEXT PRIMARY KEY,
    site INTEGER NOT NULL,
    default_place INTEGER NOT NULL,
    unpacking_place INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE hole (
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (stream, first)
  ) STRICT, WITHOUT ROWID;
  ${assertionsSchema}
  ${linksSchema}
  ${insideSchema}
  ${findingsSchema}

  -- The position up to which everything was known at a moment.
  CREATE TABLE recorded (position INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT;
  CREATE INDEX recorded_at ON recorded (at_ms);
`;

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
  /** Saves a read: this is what the row of the thing says. */
  knowThing(thing: Thing): void;
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
  /** After the engine: what is in what now follows the links. */
  settled(): void;
};

export type LedgerDeps = {
  readonly words: Words;
  /** The carrier that things are with when nobody said which. */
  readonly unknownCarrier: () => number;
};

export function openLedger(db: Database, { words, unknownCarrier }: LedgerDeps): StoredLedger {
  const sql = statements(db);
  const assertions = openAssertions(db, words);
  const links = openLinks(db, { words, assertion: assertions.get });
  const inside = openInside(db, links.before);
  const findings = openFindings(db);
  const entities = readEntities(db, words);
  const things = createCache<number, Thing>();
  const gateways = new Map<string, Gateway | undefined>();
  let position = 0;
  let written: Link[] = [];
  let retracted: Link[] = [];
  let found: Omit<Found, "id">[] = [];

  function thing(id: number): Thing {
    const cached = things.get(id);
    if (cached) return cached;
    const made = entities.get(id) ?? NOBODY;
    things.set(id, made);
    return made;
  }

  return {
    begin(at) {
      position = at;
      retracted = [];
    },
    put: (draft) => assertions.put(draft, position),
    withdraw: (id) => assertions.withdraw(id, position),
    ofScans: assertions.ofScans,
    streamOf: assertions.streamOf,
    hasChain: links.has,
    knowThing: (one) => things.set(one.id, one),
    forgetThing: things.delete,
    voidsChanged: assertions.voidsChanged,

    forget() {
      words.forget();
      assertions.forget();
      links.forget();
      inside.forget();
      things.clear();
      gateways.clear();
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
      assertions.settled();
      return taken;
    },

    settled: inside.settle,

    assertion: assertions.get,
    holds: assertions.holds,
    touched: assertions.touched,
    setTouched: assertions.setTouched,
    between: assertions.between,
    readersBetween: assertions.readersBetween,
    counts: assertions.counts,
    isLast: assertions.isLast,

    linkBefore: links.before,
    linkAfter: links.after,
    linkBy: (one, a) => (assertions.isFresh(a.id) ? undefined : links.by(one, a)),
    linkBeforeAsWas: (one, order) => links.beforeAsWas(one, order, position),
    writeLink(link) {
      links.write(link, position);
      inside.note(link);
      written.push(link);
    },
    endLink(link) {
      links.end(link, position);
      inside.note(link);
      retracted.push(link);
    },
    everIn: links.everIn,
    linksBetween(one, after, until) {
      const fromMs = Math.max(after.timeMs, -FOREVER);
      const ids = links.assertionsBetween(one, fromMs, until?.timeMs ?? FOREVER);
      return assertions.within(ids, after, until);
    },

    findingsBy: (id) => (assertions.isFresh(id) ? [] : findings.by(id)),
    findingsOn: findings.on,
    writeFinding(finding) {
      findings.write(finding, position);
      found.push(finding);
    },
    endFinding: (finding, by) => findings.end(finding, by, position),

    thing,
    gateway(name) {
      if (gateways.has(name)) return gateways.get(name);
      const row = sql.gateway.get(name);
      gateways.set(name, row);
      return row;
    },
    pagesOf: (document) => entities.pagesOf(document),
    unknownCarrier,
    hasGap: (gateway, epoch, throughSeq) =>
      sql.hasGap.get(gateway, epoch, throughSeq) !== undefined,
  };
}

const NOBODY: Thing = {
  id: 0,
  key: "",
  kind: "other",
  kindKnown: false,
  name: "",
  registered: true,
  document: 0,
};

function statements(db: Database) {
  return {
    gateway: db.prepare<[string], Gateway>(
      `SELECT name, site, default_place AS defaultPlace, unpacking_place AS unpackingPlace
       FROM gateway WHERE name = ?`,
    ),
    hasGap: db
      .prepare<[string, string, number], number>(
        `SELECT 1 FROM hole JOIN stream ON stream.id = hole.stream
         WHERE stream.gateway = ? AND stream.epoch = ? AND hole.first <= ?`,
      )
      .pluck(),
  };
}
