/**
 * How far a lane of the outbox file has come: which numbers were given, which left, and how much is held.
 */
import { crc32 } from "node:zlib";
import { Fault } from "../kernel/fault.ts";
import type { Lane, LaneState } from "../ports.ts";
import type { Database } from "./database.ts";
import { behindOf } from "./outbox-renumber.ts";

/** In numbers of rows. */
export type LaneMarks = {
  readonly epoch: string;
  /** Number 1 of the epoch is the row behind this one. */
  readonly behind: number;
  first: number;
  gone: number;
  last: number;
  heldBytes: number;
  /** Bytes of the rows up to `gone` that are still held. */
  goneBytes: number;
  evicted: number;
  countedThrough: number;
};

export function asState(lane: Lane, marks: Readonly<LaneMarks>, boot: number): LaneState {
  return {
    epoch: marks.epoch,
    lane,
    boot,
    firstSeq: marks.gone + 1 - marks.behind,
    lastSeq: marks.last - marks.behind,
    waiting: marks.last - marks.gone,
    waitingBytes: marks.heldBytes - marks.goneBytes,
    evicted: marks.evicted,
  };
}

/** Throws Fault STORE_CORRUPT when rows and marks contradict each other. */
export function readMarks(db: Database, name: Lane): LaneMarks {
  const row = db
    .prepare<
      [string],
      { epoch: string; gone: number; evicted: number; through: number; bytes: number }
    >(
      `SELECT epoch, gone, evicted, counted_through AS through, counted_bytes AS bytes
         FROM lane WHERE name = ?`,
    )
    .get(name);
  if (row === undefined) throw new Fault("STORE_CORRUPT", `the outbox has no lane ${name}`);
  const given = db
    .prepare<[string], number>("SELECT seq FROM sqlite_sequence WHERE name = ?")
    .pluck()
    .get(name);
  const last = given ?? 0;
  const [lowest, highest] = db
    .prepare<[], [number | null, number | null]>(
      `SELECT (SELECT min(seq) FROM ${name}), (SELECT max(seq) FROM ${name})`,
    )
    .raw()
    .get() ?? [null, null];
  if (row.gone > last || row.through > last || (highest ?? last) !== last)
    throw new Fault(
      "STORE_CORRUPT",
      `${name} gave numbers up to ${last}, but holds ${highest}, and ${row.gone} are gone`,
    );
  const first = lowest ?? last + 1;
  if (first > row.gone + 1)
    throw new Fault("STORE_CORRUPT", `${name} ${row.gone + 1} waits, and ${first} is the first`);
  const bytesOf = sumOf(db, name);
  return {
    epoch: row.epoch,
    behind: behindOf(db, name, row.epoch),
    first,
    gone: row.gone,
    last,
    heldBytes: first > last ? 0 : row.bytes + bytesOf(row.through + 1, last),
    goneBytes: bytesOf(first, row.gone),
    evicted: row.evicted,
    countedThrough: row.through,
  };
}

/** The bytes of the events from one row to another. */
export function sumOf(db: Database, name: Lane): (first: number, last: number) => number {
  const sum = db
    .prepare<[number, number], number>(
      `SELECT coalesce(sum(length(event)), 0) FROM ${name} WHERE seq BETWEEN ? AND ?`,
    )
    .pluck();
  return (first, last) => (first > last ? 0 : (sum.get(first, last) ?? 0));
}

/** Reads every event that waits; says what is wrong with the first that is not as it was written, or is not there. */
export function alteredIn(db: Database, name: Lane): string | undefined {
  const rows = db
    .prepare<[], [number, Buffer, number | null]>(
      `SELECT seq, event, sum FROM ${name}
        WHERE seq > (SELECT gone FROM lane WHERE name = '${name}') ORDER BY seq`,
    )
    .raw();
  let next: number | undefined;
  for (const [seq, event, sum] of rows.iterate()) {
    if (seq !== (next ?? seq)) return `${name} lacks what was before ${seq}`;
    if (sum !== null && crc32(event) !== sum) return `${name} ${seq} was altered`;
    next = seq + 1;
  }
  return undefined;
}
