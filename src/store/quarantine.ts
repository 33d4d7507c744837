/**
 * Messages that were accepted and could not be understood, byte for byte, with the reason.
 *
 * Bounded by rows and by the bytes of all that is kept of each. A full quarantine refuses: what is in it was acknowledged, so the
 * oldest does not make way for the newest.
 */
import type { Database } from "./database.ts";

export const QUARANTINE_SCHEMA = `
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, source TEXT NOT NULL,
    reason TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
`;

export type QuarantineEntry = {
  readonly source: string;
  readonly reason: string;
  readonly bytes: Uint8Array;
  readonly atMs: number;
};

/** What they say beyond this, nobody needs to find the message and to see what is wrong with it. */
const SOURCE_CHARS_MAX = 4096;
const REASON_CHARS_MAX = 1024;

export type QuarantineLimits = { readonly rowsMax: number; readonly bytesMax: number };

export type Quarantine = {
  /** The row's id, or "full". The caller owns the transaction. */
  put(entry: QuarantineEntry): number | "full";
  settle(): void;
  rollback(): void;
};

export type QuarantineRow = QuarantineEntry & { readonly id: number };

export function openQuarantine(db: Database, limits: QuarantineLimits): Quarantine {
  const insert = db.prepare<[number, string, string, Uint8Array]>(
    "INSERT INTO quarantine (at_ms, source, reason, bytes) VALUES (?, ?, ?, ?)",
  );
  let held = countQuarantine(db);
  let settled = held;
  return {
    put({ atMs, bytes, ...told }) {
      const source = told.source.slice(0, SOURCE_CHARS_MAX);
      const reason = told.reason.slice(0, REASON_CHARS_MAX);
      const more = bytes.length + Buffer.byteLength(source) + Buffer.byteLength(reason);
      if (held.rows + 1 > limits.rowsMax || held.bytes + more > limits.bytesMax) return "full";
      held = { rows: held.rows + 1, bytes: held.bytes + more };
      return Number(insert.run(atMs, source, reason, bytes).lastInsertRowid);
    },
    settle() {
      settled = held;
    },
    rollback() {
      held = settled;
    },
  };
}

export function countQuarantine(db: Database): { readonly rows: number; readonly bytes: number } {
  const count = db.prepare<[], { rows: number; bytes: number }>(
    `SELECT count(*) AS rows, coalesce(
        sum(length(bytes) + octet_length(source) + octet_length(reason)), 0) AS bytes
       FROM quarantine`,
  );
  return count.get() ?? { rows: 0, bytes: 0 };
}

/** Oldest first, from `fromId` on. Reads in pages, so that no long read holds back a checkpoint. */
export function* readQuarantine(db: Database, fromId: number): Iterable<QuarantineRow> {
  const page = db.prepare<[number], QuarantineRow>(
    `SELECT id, at_ms AS atMs, source, reason, bytes FROM quarantine
      WHERE id >= ? ORDER BY id LIMIT 64`,
  );
  let next = fromId;
  for (;;) {
    const rows = page.all(next);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined) return;
    next = last.id + 1;
  }
}
