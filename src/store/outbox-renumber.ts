/**
 * A lane whose numbers the twin knows for other events: the disk went back in time, and what was accepted
 * since then got numbers that had been sent before. Those events get numbers of a new epoch, from 1 on.
 */
import type { Lane } from "../ports.ts";
import type { Database } from "./database.ts";
import type { RetransmissionWindow } from "./retransmission-window.ts";

/**
 * The rows from `fromSeq` on; those before are deleted, as the twin has them. Within a transaction; whoever
 * has the lane open must open it anew.
 */
export function renumberRows(db: Database, lane: Lane, fromSeq: number): void {
  const before = fromSeq - 1;
  db.prepare(`DELETE FROM ${lane} WHERE seq <= ?`).run(before);
  // In order of the old numbers: each new one is free by then.
  db.prepare(`UPDATE ${lane} SET seq = seq - ?`).run(before);
  db.prepare(
    `UPDATE sqlite_sequence SET seq = (SELECT coalesce(max(seq), 0) FROM ${lane}) WHERE name = ?`,
  ).run(lane);
  db.prepare(
    `UPDATE lane SET epoch = lower(hex(randomblob(8))), gone = 0, counted_through = 0, counted_bytes = 0
      WHERE name = ?`,
  ).run(lane);
  for (const table of ["evicted", "chain", "chain_point"])
    db.prepare(`DELETE FROM ${table} WHERE lane = ?`).run(lane);
}

/** What is known of rows by their origin stays known, under the new numbers; those of rows that left are 0 or less. */
export function renumbered(known: RetransmissionWindow, fromSeq: number): RetransmissionWindow {
  return {
    add: known.add,
    seqOf(origin) {
      const seq = known.seqOf(origin);
      return seq === undefined ? undefined : seq - (fromSeq - 1);
    },
  };
}
