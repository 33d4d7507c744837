/**
 * Phones that scan: which browser bears which gateway name, and the key by which it proves it.
 *
 * The name is made from the numbering (epoch) that the browser minted with its storage, so that asking
 * twice for a name gives the same one: a phone cannot be enrolled twice, whatever was lost on the way.
 * Only the hash of the key is kept.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { type Database, openList } from "./database.ts";

export type Phone = {
  readonly name: string;
  readonly epoch: string;
  /** What its owner calls it. */
  readonly label: string;
  /** Key of the site it is used at; empty when nobody said. */
  readonly site: string;
  readonly enrolledAtMs: number;
  /** Its scans are not taken in since then: it was lost, or left the house. */
  readonly revokedAtMs: number | undefined;
};

export type Phones = {
  /** The same again when it was enrolled before; `refused` when another key was used then. */
  enrol(phone: Omit<Phone, "name" | "revokedAtMs">, key: string): Phone | "refused";
  /** Undefined: no phone has this name and this key. */
  known(name: string, key: string): Phone | undefined;
  /** `atMs` undefined: it may send again. Undefined: no phone has this name. */
  revoke(name: string, atMs: number | undefined): Phone | undefined;
  /** The newest first; `after` is the name of the last one of the page before. */
  list(page: { readonly after?: string | undefined; readonly limit: number }): readonly Phone[];
  close(): void;
};

const STEPS = [
  `
  CREATE TABLE phone (
    name TEXT PRIMARY KEY,
    epoch TEXT NOT NULL UNIQUE,
    key_hash BLOB NOT NULL,
    label TEXT NOT NULL,
    site TEXT NOT NULL,
    enrolled_at_ms INTEGER NOT NULL
  ) STRICT;
  `,
  {
    // A release that does not know it lets phones in that were revoked (deploy/runbook.md, Upgrade).
    adds: `
      ALTER TABLE phone ADD COLUMN revoked_at_ms INTEGER;
      CREATE INDEX phone_newest ON phone (enrolled_at_ms DESC, name);
    `,
  },
];

type Row = Omit<Phone, "revokedAtMs"> & {
  readonly keyHash: Uint8Array;
  readonly revokedAtMs: number | null;
};

const COLUMNS = `name, epoch, label, site, enrolled_at_ms AS enrolledAtMs, key_hash AS keyHash,
  revoked_at_ms AS revokedAtMs FROM phone`;

/** Gateways of this prefix are browsers; no other gateway may bear such a name. */
export const PHONE_PREFIX = "phone-";

export function openPhones(path: string): Phones {
  const db: Database = openList(path, STEPS);
  const find = db.prepare<[string], Row>(`SELECT ${COLUMNS} WHERE name = ?`);
  const newest = db.prepare<[number], Row>(
    `SELECT ${COLUMNS} ORDER BY enrolled_at_ms DESC, name LIMIT ?`,
  );
  const older = db.prepare<{ atMs: number; name: string; limit: number }, Row>(
    `SELECT ${COLUMNS}
     WHERE enrolled_at_ms < @atMs OR (enrolled_at_ms = @atMs AND name > @name)
     ORDER BY enrolled_at_ms DESC, name LIMIT @limit`,
  );
  const revoke = db.prepare<[number | null, string]>(
    "UPDATE phone SET revoked_at_ms = ? WHERE name = ?",
  );
  const insert = db.prepare(
    `INSERT INTO phone (name, epoch, key_hash, label, site, enrolled_at_ms)
     VALUES (@name, @epoch, @keyHash, @label, @site, @enrolledAtMs)`,
  );

  function known(name: string, key: string): Phone | undefined {
    const row = find.get(name);
    return row !== undefined && timingSafeEqual(row.keyHash, hashOf(key)) ? shown(row) : undefined;
  }

  return {
    known,
    enrol(phone, key) {
      const name = nameOf(phone.epoch);
      if (find.get(name) === undefined) insert.run({ ...phone, name, keyHash: hashOf(key) });
      return known(name, key) ?? "refused";
    },
    revoke(name, atMs) {
      revoke.run(atMs ?? null, name);
      const row = find.get(name);
      return row && shown(row);
    },
    list({ after, limit }) {
      const last = after === undefined ? undefined : find.get(after);
      if (last === undefined) return after === undefined ? newest.all(limit).map(shown) : [];
      return older.all({ atMs: last.enrolledAtMs, name: last.name, limit }).map(shown);
    },
    close: () => db.close(),
  };
}

/** Fifty bits: two of a million phones bear one name once in a thousand twins. */
function nameOf(epoch: string): string {
  const digits = createHash("sha256").update(`racktrace phone ${epoch}`).digest();
  const letters = [...digits.subarray(0, 10)].map((byte) => LETTERS[byte % LETTERS.length]);
  return PHONE_PREFIX + letters.join("");
}

/** Without those that are taken for one another when they are read out. */
const LETTERS = "23456789abcdefghjkmnpqrstuvwxyz";

function hashOf(key: string): Uint8Array {
  return createHash("sha256").update(key).digest();
}

function shown({ keyHash: _, revokedAtMs, ...phone }: Row): Phone {
  return { ...phone, revokedAtMs: revokedAtMs ?? undefined };
}
