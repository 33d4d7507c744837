/**
 * Directives to devices and what came of them. The statement is in the evidence first; this file is what
 * the twin works from, and an outcome that it missed is found in the evidence again.
 *
 * A directive is `waiting` until its outcome has come or its time is over; `begun` says that the gateway
 * took it in hand. What is over stays to be looked up, up to a limit.
 */
import { type Database, openList, type SchemaStep } from "./database.ts";

export type DirectiveOutcome = "begun" | "done" | "failed" | "uncertain" | "expired";

export type DirectiveRow = {
  readonly id: string;
  readonly gateway: string;
  readonly device: string;
  readonly kind: string;
  readonly json: string;
  /** Who asked for it; empty when it was stated before this was kept. */
  readonly by: string;
  readonly statedAtMs: number;
  readonly validUntilMs: number;
  /** Log position of the statement. */
  readonly position: number;
  /** In the order in which they were given. Positions go back when the evidence is restored from a copy. */
  readonly nth: number;
  readonly outcome: DirectiveOutcome | undefined;
  readonly reason: string;
  readonly outcomeAtMs: number | undefined;
};

export type NewDirective = Omit<DirectiveRow, "nth" | "outcome" | "reason" | "outcomeAtMs">;

export type Directives = {
  /** Asked again with the same id nothing changes. False: another directive has it. */
  put(row: NewDirective): boolean;
  /** Without an outcome that ends it, and in time; the oldest first. */
  waiting(gateway: string, nowMs: number): readonly DirectiveRow[];
  /** An outcome that ends it stays. False: no such directive, or nothing new. */
  settle(id: string, outcome: DirectiveOutcome, reason: string, atMs: number): boolean;
  /** Position of the oldest that waits, or did at that time; undefined when none does. */
  oldestWaiting(atMs: number): number | undefined;
  /** The log ends here. What was stated behind it is gone from it, and outcomes come from here on. */
  logEndsAt(position: number): void;
  find(id: string): DirectiveRow | undefined;
  /** The newest first, of those given before the nth. */
  list(limit: number, before?: number): readonly DirectiveRow[];
  close(): void;
};

const STEPS: readonly SchemaStep[] = [
  `
  CREATE TABLE directive (
    id TEXT PRIMARY KEY,
    gateway TEXT NOT NULL,
    device TEXT NOT NULL,
    kind TEXT NOT NULL,
    json TEXT NOT NULL,
    stated_at_ms INTEGER NOT NULL,
    valid_until_ms INTEGER NOT NULL,
    position INTEGER NOT NULL,
    outcome TEXT,
    reason TEXT NOT NULL DEFAULT '',
    outcome_at_ms INTEGER
  ) STRICT;
  CREATE INDEX directive_waiting ON directive (gateway, position)
    WHERE outcome IS NULL OR outcome = 'begun';
  CREATE INDEX directive_position ON directive (position);
  `,
  { adds: "ALTER TABLE directive ADD COLUMN by TEXT" },
];

/** Of what is over the oldest go beyond these; what waits was promised, and stays until its time is over. */
const ROWS_MAX = 10_000;
const SENT_MAX = 64;

const COLUMNS = `id, gateway, device, kind, json, coalesce(by, '') AS by, stated_at_ms AS statedAtMs,
  valid_until_ms AS validUntilMs, position, rowid AS nth, outcome, reason, outcome_at_ms AS outcomeAtMs`;

export function openDirectives(path: string, rowsMax = ROWS_MAX): Directives {
  const db: Database = openList(path, STEPS);
  const insert = db.prepare(
    `INSERT INTO directive (id, gateway, device, kind, json, by, stated_at_ms, valid_until_ms, position)
     VALUES (@id, @gateway, @device, @kind, @json, @by, @statedAtMs, @validUntilMs, @position)
     ON CONFLICT (id) DO NOTHING`,
  );
  const trim = db.prepare<[number, number]>(
    `DELETE FROM directive WHERE (coalesce(outcome, 'begun') <> 'begun' OR valid_until_ms <= ?)
       AND rowid <= (SELECT rowid FROM directive ORDER BY rowid DESC LIMIT 1 OFFSET ?)`,
  );
  const waiting = db.prepare<[string, number, number], Raw>(
    `SELECT ${COLUMNS} FROM directive
      WHERE gateway = ? AND (outcome IS NULL OR outcome = 'begun') AND valid_until_ms > ?
      ORDER BY rowid LIMIT ?`,
  );
  const settle = db.prepare<[string, string, number, string, string]>(
    `UPDATE directive SET outcome = ?, reason = ?, outcome_at_ms = ?
      WHERE id = ? AND (outcome IS NULL OR (outcome = 'begun' AND ? <> 'begun'))`,
  );
  const oldest = db
    .prepare<[number], number | null>(
      `SELECT min(position) FROM directive
        WHERE (outcome IS NULL OR outcome = 'begun') AND valid_until_ms > ?`,
    )
    .pluck();
  const one = db.prepare<[string], Raw>(`SELECT ${COLUMNS} FROM directive WHERE id = ?`);
  const newest = db.prepare<[number, number], Raw>(
    `SELECT ${COLUMNS} FROM directive WHERE rowid < ? ORDER BY rowid DESC LIMIT ?`,
  );
  const moveBack = db.prepare("UPDATE directive SET position = @at + 1 WHERE position > @at + 1");

  return {
    put(row) {
      const isNew = insert.run(row).changes > 0;
      if (isNew) trim.run(row.statedAtMs, rowsMax);
      return isNew || isSame(row, one.get(row.id));
    },
    waiting: (gateway, nowMs) => waiting.all(gateway, nowMs, SENT_MAX).map(asRow),
    settle: (id, outcome, reason, atMs) =>
      settle.run(outcome, reason, atMs, id, outcome).changes > 0,
    oldestWaiting: (atMs) => oldest.get(atMs) ?? undefined,
    logEndsAt: (position) => void moveBack.run({ at: position }),
    find(id) {
      const row = one.get(id);
      return row === undefined ? undefined : asRow(row);
    },
    list: (limit, before = Number.MAX_SAFE_INTEGER) => newest.all(before, limit).map(asRow),
    close: () => db.close(),
  };
}

type Raw = Omit<DirectiveRow, "outcome" | "outcomeAtMs"> & {
  readonly outcome: DirectiveOutcome | null;
  readonly outcomeAtMs: number | null;
};

function isSame(row: NewDirective, other: Raw | undefined): boolean {
  const { gateway, device, kind, json } = row;
  return (
    gateway === other?.gateway &&
    device === other.device &&
    kind === other.kind &&
    json === other.json
  );
}

function asRow({ outcome, outcomeAtMs, ...row }: Raw): DirectiveRow {
  return { ...row, outcome: outcome ?? undefined, outcomeAtMs: outcomeAtMs ?? undefined };
}
