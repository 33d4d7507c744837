/**
 * What people said about discrepancies: that they have taken note of one, or that it is settled and
 * why. A resolution closes the findings of its kind and subject that had begun by its own moment; the
 * findings stay, and one that begins later is open again. Order-free: a finding that a late event
 * dates before a resolution is covered by it.
 */
import type { FindingKind } from "../reconcile/assertion.ts";
import type { Database } from "./database.ts";
import { type Said, stands } from "./promises.ts";

export const resolutionsSchema = `
  CREATE TABLE resolution (
    id INTEGER PRIMARY KEY,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    by TEXT NOT NULL,
    reason TEXT NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    known_from INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX resolution_subject ON resolution (kind, subject, time_ms);
  -- For lists of findings by time.
  CREATE INDEX finding_began ON finding (valid_from, id);
`;

export type ResolutionAction = "resolve" | "acknowledge";

export type Resolution = Said & {
  readonly action: ResolutionAction;
  readonly kind: string;
  /** A key, or the text that the finding is about. */
  readonly subject: string;
  readonly timeMs: number;
  readonly by: string;
  readonly reason: string;
};

export type ResolutionRow = {
  readonly time_ms: number;
  readonly by: string;
  readonly reason: string;
  readonly epoch: string;
  readonly seq: number;
  readonly known_from: number;
};

export function openResolutions(db: Database) {
  const insert = db.prepare("INSERT INTO resolution VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  return {
    add({ action, kind, subject, timeMs, by, reason, epoch, seq, position }: Resolution): void {
      insert.run(action, kind, subject, timeMs, by, reason, epoch, seq, position);
    },
  };
}

export function readResolutions(db: Database) {
  const first = db.prepare<
    [string, string, string, number, number, number, number, number],
    ResolutionRow
  >(
    `SELECT time_ms, by, reason, epoch, seq, known_from FROM resolution
     WHERE kind = ? AND subject = ? AND action = ? AND time_ms >= ? AND time_ms <= ?
     AND ${stands("resolution")} ORDER BY time_ms, epoch, seq LIMIT 1`,
  );
  return {
    /** The first such word on a finding that began at `sinceMs`, said by `atMs`, as known. */
    of(
      finding: { readonly kind: FindingKind; readonly subject: string; readonly sinceMs: number },
      action: ResolutionAction,
      atMs: number,
      known: number,
    ): ResolutionRow | undefined {
      const { kind, subject, sinceMs } = finding;
      return first.get(kind, subject, action, sinceMs, atMs, known, known, known);
    },
  };
}
