/**
 * Keys to numbers, and what master data says of things: kind, name, document. A key that nobody
 * registered gets a number all the same, so that nothing that was seen is lost.
 */
import { decodeTyped, parseKey } from "../barcode/decode.ts";
import { splitKey } from "../barcode/key.ts";
import type { Thing } from "../reconcile/assertion.ts";
import type { Kind } from "../reconcile/policies.ts";
import { createCache } from "./cache.ts";
import type { Database } from "./database.ts";
import { readEntities } from "./entities.ts";
import type { Words } from "./words.ts";

export const thingsSchema = `
  CREATE TABLE asset_type (prefix TEXT PRIMARY KEY, kind TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE alias (
    value TEXT NOT NULL,
    thing INTEGER NOT NULL,
    known_from INTEGER NOT NULL,
    PRIMARY KEY (value, known_from)
  ) STRICT, WITHOUT ROWID;
`;

export type Registration = {
  readonly kind?: Kind | undefined;
  readonly name?: string | undefined;
  readonly document?: number | undefined;
};

/** What else is kept in memory of things. */
export type ThingMemory = {
  know(thing: Thing): void;
  forget(id: number): void;
  forgetAll(): void;
};

export function openThings(db: Database, words: Words, memory: ThingMemory) {
  const entities = readEntities(db, words);
  const insert = db.prepare(
    `INSERT INTO entity (stem, serial, kind, kind_known, name, registered, document, gathered)
     VALUES (?, ?, ?, ?, ?, ?, ?, 0)`,
  );
  const update = db.prepare(
    `UPDATE entity SET kind = coalesce(:kind, kind), kind_known = max(kind_known, :known),
       name = coalesce(:name, name), document = coalesce(:document, document),
       gathered = CASE WHEN coalesce(:document, document) = document OR registered = 0 THEN gathered
         ELSE :position - registered END,
       registered = CASE registered WHEN 0 THEN :position ELSE registered END
     WHERE id = :id`,
  );
  const assetKind = db
    .prepare<[string], Kind>("SELECT kind FROM asset_type WHERE prefix = ?")
    .pluck();
  const putAssetKind = db.prepare("INSERT OR REPLACE INTO asset_type VALUES (?, ?)");
  const ofType = db.prepare(
    `UPDATE entity SET kind = ?, kind_known = 1
     WHERE stem IN (SELECT id FROM word WHERE text >= ? AND text < ?)`,
  );
  const document = db.prepare<[string], number>("SELECT id FROM document WHERE name = ?").pluck();
  const putDocument = db.prepare(
    `INSERT INTO document (name, class) VALUES (?, ?)
     ON CONFLICT (name) DO UPDATE SET class = CASE excluded.class WHEN 0 THEN class ELSE excluded.class END`,
  );
  const goOn = db.prepare("UPDATE document_pages SET last = ? WHERE document = ? AND last = ? - 1");
  const begin = db.prepare(
    `INSERT INTO document_pages SELECT ?, ?, ? WHERE NOT EXISTS
       (SELECT 1 FROM document_pages WHERE document = ? AND first <= ? AND last >= ?)`,
  );
  const aliased = db
    .prepare<[string], number>(
      "SELECT thing FROM alias WHERE value = ? ORDER BY known_from DESC LIMIT 1",
    )
    .pluck();
  const putAlias = db.prepare("INSERT OR REPLACE INTO alias VALUES (?, ?, ?)");
  const ids = createCache<string, number>();
  const kinds = createCache<number, Kind>();

  function ensure(key: string): number {
    const cached = ids.get(key);
    if (cached !== undefined) return cached;
    const met = entities.find(key);
    // It was asked for because it is the next to be judged.
    if (met) memory.know(met);
    return keep(key, met ?? create(key, {}, 0));
  }

  function keep(key: string, made: { id: number; kind: Kind }): number {
    ids.set(key, made.id);
    kinds.set(made.id, made.kind);
    return made.id;
  }

  /** `position` 0: met and not registered. */
  function create(
    key: string,
    registration: Registration,
    position: number,
  ): { id: number; kind: Kind } {
    const told = registration.kind;
    const { kind, known } = told === undefined ? kindOf(key) : { kind: told, known: true };
    const { name = "", document = 0 } = registration;
    const [stem, serial] = splitKey(key);
    const { lastInsertRowid } = insert.run(
      words.number(stem),
      serial,
      words.number(kind),
      known ? 1 : 0,
      name,
      position,
      document,
    );
    const id = Number(lastInsertRowid);
    if (document !== 0) addPage(document, id);
    return { id, kind };
  }

  function addPage(toDocument: number, page: number): void {
    if (goOn.run(page, toDocument, page).changes > 0) return;
    begin.run(toDocument, page, page, toDocument, page, page);
  }

  /** What a key alone says about the kind; a GRAI's kind is its type's. */
  function kindOf(key: string): { kind: Kind; known: boolean } {
    if (key.startsWith("carrier:")) return { kind: "carrier", known: true };
    const parsed = parseKey(key);
    switch (parsed?.class) {
      case "gdti":
        return { kind: "page", known: true };
      case "sscc":
        return { kind: "envelope", known: true };
      case "gsrn":
        return { kind: "person", known: true };
      case "grai": {
        const kind = assetKind.get(key.slice(0, 19));
        return { kind: kind ?? "box", known: kind !== undefined };
      }
      case "giai":
        return { kind: "box", known: false };
      case "sgln":
        return { kind: parsed.serial === "" ? "site" : "shelf", known: false };
      default:
        return { kind: "other", known: false };
    }
  }

  return {
    ensure,
    kind(id: number): Kind {
      const cached = kinds.get(id);
      if (cached !== undefined) return cached;
      const kind = entities.get(id)?.kind ?? "other";
      kinds.set(id, kind);
      return kind;
    },
    find: (key: string): number | undefined => ids.get(key) ?? entities.find(key)?.id,
    /** True when the thing had been met before it was registered. */
    register(key: string, registration: Registration, position: number): boolean {
      const met = entities.find(key);
      if (met === undefined) {
        keep(key, create(key, registration, position));
        return false;
      }
      const id = ensure(key);
      const isNew = !met.registered;
      const { kind, name, document } = registration;
      update.run({
        kind: kind === undefined ? null : words.number(kind),
        known: kind ? 1 : 0,
        name: name ?? null,
        document: document ?? null,
        position,
        id,
      });
      if (document !== undefined) addPage(document, id);
      kinds.delete(id);
      memory.forget(id);
      return isNew;
    },
    unknownCarrier(): number {
      const key = "carrier:unknown";
      const met = ids.get(key) ?? entities.find(key)?.id;
      return met ?? keep(key, create(key, { name: "unknown" }, 1));
    },
    assetType(prefix: string, kind: Kind): void {
      putAssetKind.run(prefix, kind);
      // Things of this type that were seen before the type was told: their kind was a guess.
      if (ofType.run(words.number(kind), prefix, `${prefix}\uffff`).changes > 0) {
        kinds.clear();
        memory.forgetAll();
      }
    },
    document(name: string, documentClass: string): number {
      putDocument.run(name, words.number(documentClass));
      return document.get(name) ?? 0;
    },
    aliased: (value: string): number | undefined => aliased.get(value),
    bindAlias(value: string, thing: number, position: number): void {
      putAlias.run(value, thing, position);
    },
    forget(): void {
      ids.clear();
      kinds.clear();
    },
  };
}

export type Things = ReturnType<typeof openThings>;

/** A canonical key from any form a person may write, or undefined. */
export function keyOf(id: string): string | undefined {
  if (id.startsWith("carrier:")) return id;
  const typed = decodeTyped(id);
  return typed.kind === "key" ? typed.key : undefined;
}
