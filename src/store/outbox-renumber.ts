/**
 * A lane whose numbers the twin knows for other events: the disk went back in time, and what was accepted
 * since then got numbers that had been sent before. A new epoch begins behind the last row that the twin has:
 * the rows stay where they are, and what is said of them outside counts from there.
 *
 * A release that does not know this would say the numbers of the rows under the new epoch: the twin would hear
 * the same events twice. So a file in which it happened is closed to it.
 */
import { hash, randomBytes } from "node:crypto";
import { assert } from "../kernel/assert.ts";
import type { Lane } from "../ports.ts";
import { statement } from "../wire/chain.ts";
import type { Database } from "./database.ts";

const EPOCH_BYTES = 8;
/** The step of outbox-file.ts that knows the table below. */
const LANE_START_STEP = 3;

export const LANE_START_SCHEMA = `
  CREATE TABLE IF NOT EXISTS lane_start (
    lane TEXT PRIMARY KEY, epoch TEXT NOT NULL, behind INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  -- The epoch before each next one, as it was left. Its chain stays where it is, under another name.
  CREATE TABLE IF NOT EXISTS lane_before (
    lane TEXT NOT NULL, next TEXT NOT NULL, epoch TEXT NOT NULL, behind INTEGER NOT NULL,
    gone INTEGER NOT NULL, PRIMARY KEY (lane, next)) STRICT, WITHOUT ROWID;
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
  const left = leftAt(db, lane);
  const { epoch } = left;
  const gone = Math.max(left.gone, row);
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
  const before = behindOf(db, lane, epoch);
  const behind = Math.max(before, (evicted ?? gone + 1) - 1);
  db.prepare("INSERT OR REPLACE INTO lane_before VALUES (?, ?, ?, ?, ?)").run(
    ...[lane, next, epoch, before, left.gone],
  );
  start(db, lane, { epoch: next, behind, gone });
  db.pragma(`user_version = ${LANE_START_STEP}`);
  renameChain(db, lane, chainOf(lane, epoch));
}

export type EpochBefore = {
  readonly epoch: string;
  readonly behind: number;
  readonly gone: number;
};

/** As long as rows of it are held. */
export function epochBefore(db: Database, lane: Lane): EpochBefore | undefined {
  return db
    .prepare<[string], EpochBefore>(
      `SELECT before.epoch, before.behind, before.gone FROM lane_before AS before
        JOIN lane_start AS start ON start.lane = before.lane AND start.epoch = before.next
        WHERE before.lane = ? AND (SELECT min(seq) FROM ${lane}) <= start.behind`,
    )
    .get(lane);
}

/**
 * Within a transaction, where the twin knows nothing of this epoch any more: it was restored from a copy of before,
 * and may lack what is held here of the epoch before, too. That one goes on, and whether its numbers are
 * others at the twin is compared as it was then.
 */
export function returnToEpoch(
  db: Database,
  lane: Lane,
  { epoch, behind, gone }: EpochBefore,
): void {
  const first = db.prepare<[], number>(`SELECT min(seq) FROM ${lane}`).pluck().get() ?? 1;
  start(db, lane, { epoch, behind, gone: Math.max(gone, first - 1) });
  renameChain(db, chainOf(lane, epoch), lane);
}

function leftAt(db: Database, lane: Lane): { readonly epoch: string; readonly gone: number } {
  const left = db
    .prepare<[string], { epoch: string; gone: number }>(
      "SELECT epoch, gone FROM lane WHERE name = ?",
    )
    .get(lane);
  assert(left !== undefined, "the lane of an open outbox is there");
  return left;
}

function start(
  db: Database,
  lane: Lane,
  {
    epoch,
    behind,
    gone,
  }: { readonly epoch: string; readonly behind: number; readonly gone: number },
): void {
  db.prepare("UPDATE lane SET epoch = ?, gone = ? WHERE name = ?").run(epoch, gone, lane);
  db.prepare("INSERT OR REPLACE INTO lane_start VALUES (?, ?, ?)").run(lane, epoch, behind);
}

const chainOf = (lane: Lane, epoch: string): string => `${lane} ${epoch}`;

function renameChain(db: Database, from: string, to: string): void {
  for (const table of ["chain", "chain_point"]) {
    db.prepare(`DELETE FROM ${table} WHERE lane = ?`).run(to);
    db.prepare(`UPDATE ${table} SET lane = ? WHERE lane = ?`).run(to, from);
  }
}
