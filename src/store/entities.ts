/**
 * Every thing that was ever met: its number, its key, and what master data says of it. A key lies in
 * two parts, the stem that it shares with others of its type and the serial that it is found by.
 */
import { splitKey } from "../barcode/key.ts";
import type { Thing } from "../reconcile/assertion.ts";
import type { Kind } from "../reconcile/policies.ts";
import type { Database } from "./database.ts";

export const entitiesSchema = `
  CREATE TABLE entity (
    id INTEGER PRIMARY KEY,
    stem INTEGER NOT NULL,
    serial TEXT NOT NULL,
    kind INTEGER NOT NULL,
    kind_known INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- The position at which it was registered; 0: met, and not registered.
    registered INTEGER NOT NULL,
    document INTEGER NOT NULL,
    -- How many positions after it was registered its document was named; for most 0.
    gathered INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX entity_key ON entity (serial, stem);
  CREATE INDEX entity_name ON entity (name) WHERE name <> '';

  CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    class INTEGER NOT NULL
  ) STRICT;
  -- Runs of numbers among which a document's pages are: they were mostly registered in a row.
  CREATE TABLE document_pages (
    document INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (document, first)
  ) STRICT, WITHOUT ROWID;
`;

export type Entity = Thing & {
  /** The position at which it was registered; 0: it is not. */
  readonly registeredAt: number;
};

type Row = {
  id: number;
  stem: number;
  serial: string;
  kind: number;
  kind_known: number;
  name: string;
  registered: number;
  document: number;
};

/** What reading needs of the words: those that are there. */
export type KnownWords = {
  text(id: number): string;
  find(text: string): number | undefined;
};

export type Entities = ReturnType<typeof readEntities>;

/** From any connection. */
export function readEntities(db: Database, words: KnownWords) {
  const sql = statements(db);

  function entityOf(row: Row): Entity {
    return {
      id: row.id,
      key: words.text(row.stem) + row.serial,
      kind: words.text(row.kind) as Kind,
      kindKnown: row.kind_known === 1,
      name: row.name,
      registered: row.registered > 0,
      registeredAt: row.registered,
      document: row.document,
    };
  }

  return {
    get(id: number): Entity | undefined {
      const row = sql.byId.get(id);
      return row && entityOf(row);
    },
    find(key: string): Entity | undefined {
      const [stem, serial] = splitKey(key);
      const number = words.find(stem);
      const row = number === undefined ? undefined : sql.byKey.get(serial, number);
      return row && entityOf(row);
    },
    /** The first that was met with this serial. */
    bySerial: (serial: string): number | undefined => sql.bySerial.get(serial),
    /** In order of their serials. */
    beginningWith: (prefix: string, max: number): readonly number[] =>
      sql.bySerialFrom.all(prefix, `${prefix}\uffff`, max),
    byName: (name: string): readonly Entity[] =>
      name === "" ? [] : sql.byName.all(name).map(entityOf),
    /** By what was known at a position; without one, by all that is known. */
    pagesOf: (document: number, known = Number.MAX_SAFE_INTEGER): readonly number[] =>
      sql.pagesOf.all(document, known),
  };
}

function statements(db: Database) {
  return {
    byId: db.prepare<[number], Row>("SELECT * FROM entity WHERE id = ?"),
    byKey: db.prepare<[string, number], Row>("SELECT * FROM entity WHERE serial = ? AND stem = ?"),
    bySerial: db
      .prepare<[string], number>("SELECT id FROM entity WHERE serial = ? ORDER BY id LIMIT 1")
      .pluck(),
    bySerialFrom: db
      .prepare<[string, string, number], number>(
        "SELECT id FROM entity WHERE serial >= ? AND serial < ? ORDER BY serial, stem LIMIT ?",
      )
      .pluck(),
    byName: db.prepare<[string], Row>("SELECT * FROM entity WHERE name = ? AND name <> ''"),
    pagesOf: db
      .prepare<[number, number], number>(
        `SELECT entity.id FROM document_pages run
         JOIN entity ON entity.id BETWEEN run.first AND run.last AND entity.document = run.document
         WHERE run.document = ? AND entity.registered + entity.gathered <= ?
         ORDER BY entity.id`,
      )
      .pluck(),
  };
}
