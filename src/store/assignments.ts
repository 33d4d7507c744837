/**
 * Who is to see to a discrepancy. An assignment is a person's word about a finding, kept beside the
 * other words on it, and the last one counts; one that names nobody takes it back.
 */
import { iso } from "./answer.ts";
import type { EventName } from "./assertions.ts";
import type { Database } from "./database.ts";
import { stands } from "./promises.ts";
import { nameOf } from "./why.ts";

export type Assignment = {
  readonly to: string;
  readonly by: string;
  readonly time: string;
  readonly statement: EventName;
};

type Row = { by: string; to: string; time_ms: number; epoch: string; seq: number };

export function readAssignments(db: Database) {
  const last = db.prepare<[string, string, number, number, number, number, number], Row>(
    `SELECT time_ms, by, reason AS "to", epoch, seq FROM resolution
     WHERE kind = ? AND subject = ? AND action = 'assign' AND time_ms >= ? AND time_ms <= ?
     AND ${stands("resolution")} ORDER BY time_ms DESC, epoch DESC, seq DESC LIMIT 1`,
  );
  return {
    /** Of a finding that began at `sinceMs`, by what was said by `atMs`, as known. */
    of(
      { kind, subject, sinceMs }: { kind: string; subject: string; sinceMs: number },
      atMs: number,
      known: number,
    ): Assignment | null {
      const row = last.get(kind, subject, sinceMs, atMs, known, known, known);
      if (row === undefined || row.to === "") return null;
      const { to, by, time_ms, epoch, seq } = row;
      return { to, by, time: iso(time_ms) ?? "", statement: nameOf(`${epoch}/${seq}`) };
    },
  };
}
