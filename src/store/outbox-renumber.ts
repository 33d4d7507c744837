/**
 * A lane whose numbers the twin knows for other events: the disk went back in time, and what was accepted
 * since then got numbers that had been sent before. A new epoch begins behind the last row that the twin has:
 * the rows stay where they are, and what is said of them outside counts from there.
 *
 * A release that does not know this would say the numbers of the rows under the new epoch: the twin would hear
 * the same events twice. So a file in which it happened is closed to it.
 */
import { hash, randomBytes } from "node:crypto";
import type { Lane } from "../ports.ts";
import { statement } from "../wire/chain.ts";
import type { Database } from "./database.ts";

const EPOCH_BYTES = 8;
/** The step of outbox-file.ts that knows the table below. */
const LANE_START_STEP = 3;

export const LANE_START_SCHEMA = `
  CREATE TABLE IF NOT EXISTS lane_start (
    lane TEXT PRIMARY KEY, epoch TEXT NOT NULL, behind INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** The row behind which the numbers of an epoch begin: number 1 is the next. */
export function behindOf(db: Database, lane: Lane, epoch: string): number {
  const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'lane_start'").get();
  if (isThere === undefined) return 0;
  return (
    db
      .prepare<[string, string], number>(
        "SELECT behind FROM lane_start WHERE lane = ? AND epoch = ?",
      )
      .pluck()
      .get(lane, epoch) ?? 0
  );
}

/**
 * Within a transaction: from the row behind this one on the lane is of a new epoch. Whoever has the lane open opens
 * it anew.
 *
 * The name of the epoch follows from the first event that it begins with: a disk that goes back once more,
 * to before this, comes to the same one, and the twin knows what it has of it.
 */
export function beginEpochBehind(db: Database, lane: Lane, row: number): void {
  db.prepare("UPDATE lane SET gone = max(gone, ?) WHERE name = ?").run(row, lane);
  const { epoch, gone } = db
    .prepare<[string], { epoch: string; gone: number }>(
      "SELECT epoch, gone FROM lane WHERE name = ?",
    )
    .get(lane) as { epoch: string; gone: number };
  const first = db
    .prepare<[number], Uint8Array>(`SELECT event FROM ${lane} WHERE seq = ?`)
    .pluck()
    .get(gone + 1);
  const named = statement("racktrace epoch 1", [epoch, gone, first ?? randomBytes(EPOCH_BYTES)]);
  const next = hash("sha256", named, "hex").slice(0, 2 * EPOCH_BYTES);
  const evicted = db
    .prepare<[string, number], number>(
      "SELECT first_seq FROM evicted WHERE lane = ? AND last_seq = ?",
    )
    .pluck()
    .get(lane, gone);
  // What was given up just before is of the new epoch, as gone: the twin heard of others under its numbers.
  const behind = Math.max(behindOf(db, lane, epoch), (evicted ?? gone + 1) - 1);
  db.prepare("UPDATE lane SET epoch = ? WHERE name = ?").run(next, lane);
  db.prepare("INSERT OR REPLACE INTO lane_start VALUES (?, ?, ?)").run(lane, next, behind);
  db.pragma(`user_version = ${LANE_START_STEP}`);
  for (const table of ["chain", "chain_point"])
    db.prepare(`DELETE FROM ${table} WHERE lane = ?`).run(lane);
}
