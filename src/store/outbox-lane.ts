/**
 * One lane of the outbox file: a numbering and the rows that carry it.
 *
 *        first ……… gone | gone+1 ……………… last | last+1
 *        kept to know   | waiting for         | the next number
 *        retransmissions| the twin            |
 *        and for a twin |
 *        that lost it   |
 *
 * Rows are contiguous: numbers are given in order, and only the oldest ever leave. Marks and byte
 * counts are held in memory and change back with `rollback`; the caller owns the transaction.
 *
 * Its numbers are those of the rows, from the one on where its epoch began: from the first, unless the disk went
 * back in time (outbox-renumber.ts). In and out of here go numbers, but for `append` and `rowOf`.
 *
 * AUTOINCREMENT matters. A plain rowid starts again at 1 when the table drains, and the twin would
 * take the new events for repeats.
 */
import { crc32 } from "node:zlib";
import { assert } from "../kernel/assert.ts";
import { Fault } from "../kernel/fault.ts";
import type { ChainPart, Lane, LaneState, LastScan, NewEvent } from "../ports.ts";
import type { Database } from "./database.ts";
import { openLaneChain } from "./outbox-chain.ts";
import { evictionRecord } from "./outbox-evictions.ts";
import { asState, readMarks, sumOf } from "./outbox-marks.ts";
import { type EarlierStarts, earlierStarts, lastOrigins, lastScans } from "./outbox-starts.ts";
import { createRetransmissionWindow, type RetransmissionWindow } from "./retransmission-window.ts";

export const LANE_SCHEMA = `
  CREATE TABLE scan (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL, origin INTEGER) STRICT;
  CREATE TABLE telemetry (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL, origin INTEGER) STRICT;
  -- counted_bytes is the length of all events held up to counted_through, so that opening needs
  -- to add up the last few rows only.
  CREATE TABLE lane (
    name TEXT PRIMARY KEY, epoch TEXT NOT NULL, gone INTEGER NOT NULL, evicted INTEGER NOT NULL,
    counted_through INTEGER NOT NULL, counted_bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO lane VALUES
    ('scan', lower(hex(randomblob(8))), 0, 0, 0, 0),
    ('telemetry', lower(hex(randomblob(8))), 0, 0, 0, 0);
  CREATE TABLE evicted (
    lane TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, PRIMARY KEY (lane, first_seq)) STRICT, WITHOUT ROWID;
`;

/** What a row costs beside its event: header, seq, origin, its share of half-filled pages. */
export const ROW_BYTES = 32;
/** Rows written by one statement: half the time a row of single inserts. */
const INSERT_ROWS = 8;
const COLUMNS = 3;
/** How far the persisted byte count may lag, in rows. */
const COUNT_ROWS = 4096;
/** What evicted rows leave behind may take so much of the room they made. */
export const DIGEST_SHARE = 1 / 4;
/** Rows a peek reads at a time, so that a byte limit does not read a whole backlog. */
const PEEK_ROWS = 128;

export type PeekLimit = { readonly events: number; readonly bytes: number };

export type Peeked = {
  readonly firstSeq: number;
  readonly goneThrough: number;
  readonly events: readonly Uint8Array[];
  /** Absent when there are no events, and when the chain before them is not known any more. */
  readonly chain?: ChainPart;
};

/** The events, oldest first, and how many bytes may come of them, row by row. */
export type Digest = (events: readonly Uint8Array[], bytesMax: number) => readonly Uint8Array[];

export type OutboxLane = {
  /** The epoch, and the row behind which its numbers begin. */
  readonly start: { readonly epoch: string; readonly behind: number };
  /** The last row that is on disk, of this epoch. */
  given(): { readonly epoch: string; readonly last: number };
  state(boot: number): LaneState;
  /** Disk that the lane uses, about. */
  cost(): number;
  /** The row this event has already, when it is a retransmission that is recognised. */
  rowOf(event: NewEvent): number | undefined;
  /** Under which number the twin hears of a row; 0: it was of an epoch before. */
  numberOf(row: number): number;
  readonly earlier: EarlierStarts;
  /** Origins of the rows of the last seconds before each of the last ends of the program, oldest first. */
  lastOrigins(): readonly bigint[];
  /** The last scan of each device that scanned in the last minutes before the newest row. */
  lastScans(): readonly LastScan[];
  /** Gives it the next row. */
  append(event: NewEvent): number;
  /** Brings appended rows to SQLite, and the marks when they have moved. */
  write(): void;
  release(through: number): void;
  /**
   * Deletes the oldest rows until `bytes` are free, waiting or not; the hole is declared. What `digest`
   * makes of those that waited is appended.
   */
  evict(bytes: number, nowMs: number, digest: Digest): void;
  /** Deletes every row that does not wait: room for new ones counts more than knowing repetitions. */
  shed(): void;
  trimmable(): number;
  /** Deletes rows that neither wait nor are to be kept. */
  trim(rowsMax: number): void;
  /**
   * From `fromSeq` on, whatever the twin was said to have: one that was restored from a copy asks for what
   * it had once. What is no longer here, or no longer as it was written, is skipped and said to be gone.
   */
  peek(fromSeq: number, limit: PeekLimit): Peeked;
  /** The transaction is on disk. */
  settle(): void;
  /** The transaction never was. */
  rollback(): void;
};

/** Throws Fault STORE_CORRUPT when rows and marks contradict each other. */
export function openLane(
  db: Database,
  name: Lane,
  {
    boot,
    windowRows,
    keptRows = 0,
    earlierRows = 0,
    earlierKnown,
  }: {
    /** Number of this start of the program. */
    readonly boot: number;
    readonly windowRows: number;
    readonly keptRows?: number;
    /** Rows of earlier starts by whose origin a retransmission is known for as long as this process runs. */
    readonly earlierRows?: number;
    /** As this process knows them since it began. */
    readonly earlierKnown?: RetransmissionWindow | undefined;
  },
): OutboxLane {
  const values = Array(INSERT_ROWS).fill("(?, ?, ?)").join(", ");
  const insertOne = db.prepare(`INSERT INTO ${name} (event, origin, sum) VALUES (?, ?, ?)`);
  const insertMany = db.prepare(`INSERT INTO ${name} (event, origin, sum) VALUES ${values}`);
  const bytesOf = sumOf(db, name);
  const lengths = db
    .prepare<[], [number, number]>(`SELECT seq, length(event) FROM ${name} ORDER BY seq`)
    .raw();
  const remove = db.prepare<[number]>(`DELETE FROM ${name} WHERE seq <= ?`);
  const range = db
    .prepare<[number, number], [Buffer, number | null, number]>(
      `SELECT event, sum, seq FROM ${name} WHERE seq BETWEEN ? AND ? ORDER BY seq`,
    )
    .raw();
  const saveMarks = db.prepare<[number, number, number, number]>(
    `UPDATE lane SET gone = ?, evicted = ?, counted_through = ?, counted_bytes = ?
      WHERE name = '${name}'`,
  );
  const declare = evictionRecord(db, name);

  let marks = readMarks(db, name);
  let settled = { ...marks };
  let window: RetransmissionWindow | undefined = loadWindow(db, name, marks.last, windowRows);
  const known = (): RetransmissionWindow => {
    window ??= loadWindow(db, name, settled.last, windowRows);
    return window;
  };
  /** The last of the rows that may leave once the twin has them. */
  const trimmedThrough = (): number =>
    Math.min(marks.gone, marks.last - Math.max(windowRows, keptRows, earlierRows));
  const rowsAsWritten = (first: number, last: number): readonly Uint8Array[] | undefined => {
    const rows = range.all(first, last);
    const isWhole =
      rows.length === last - first + 1 &&
      rows.every(([event, sum]) => sum === null || crc32(event) === sum);
    return isWhole ? rows.map(([event]) => event) : undefined;
  };
  const { epoch, behind } = marks;
  const chain = openLaneChain(
    {
      db,
      read: (first, last) => rowsAsWritten(first + behind, last + behind),
      first: () => marks.first - behind,
    },
    name,
    { epoch, gone: marks.gone - behind },
  );
  const earlier = earlierStarts(db, name, { boot, rowsMax: earlierRows, known: earlierKnown });
  let moved = false;
  let unwritten: (Uint8Array | bigint | number | null)[] = [];

  const insert = () => {
    if (unwritten.length === 0) return;
    let lastRow: number | bigint = 0;
    if (unwritten.length === COLUMNS * INSERT_ROWS)
      lastRow = insertMany.run(unwritten).lastInsertRowid;
    else
      for (let at = 0; at < unwritten.length; at += COLUMNS)
        lastRow = insertOne.run(unwritten.slice(at, at + COLUMNS)).lastInsertRowid;
    unwritten = [];
    assert(lastRow === marks.last, `${name} row ${lastRow} has the number it was promised`);
  };

  /** The rows up to `through` leave the file; says how many bytes that were. */
  const drop = (through: number, bytes: number) => {
    earlier.read();
    chain.drop(through - behind);
    remove.run(through);
    marks.first = through + 1;
    // Nothing protects the count itself: what is wrong in it leaves with the last row.
    marks.heldBytes = through === marks.last ? 0 : marks.heldBytes - bytes;
    moved = true;
  };

  const append = ({ bytes, origin }: NewEvent): number => {
    unwritten.push(bytes, origin ?? null, crc32(bytes));
    marks.last += 1;
    marks.heldBytes += bytes.length;
    known().add(marks.last, origin);
    if (unwritten.length === COLUMNS * INSERT_ROWS) insert();
    return marks.last;
  };

  return {
    start: { epoch, behind },
    given: () => ({ epoch: settled.epoch, last: settled.last }),
    state: (boot) => asState(name, settled, boot),
    cost: () => marks.heldBytes + ROW_BYTES * (marks.last - marks.first + 1),

    rowOf({ origin, retransmission }) {
      if (!retransmission || origin === undefined) return undefined;
      const seq = known().seqOf(origin);
      if (retransmission === true) return seq;
      const before = earlier.seqOf(origin);
      // Stored anew since this process began, it meant something new.
      return seq === undefined || seq === before ? before : undefined;
    },

    earlier,
    lastOrigins: () => lastOrigins(db, name),
    lastScans: () => lastScans(db, name),

    append,

    write() {
      insert();
      if (!moved && marks.last - marks.countedThrough < COUNT_ROWS) return;
      saveMarks.run(marks.gone, marks.evicted, marks.last, marks.heldBytes);
      chain.write();
      marks.countedThrough = marks.last;
      moved = false;
    },

    numberOf: (row) => Math.max(0, row - behind),

    release(through) {
      // The twin cannot have what is not on disk here yet.
      const upTo = Math.min(through + behind, settled.last);
      if (upTo <= marks.gone) return;
      marks.goneBytes += bytesOf(marks.gone + 1, upTo);
      chain.release(upTo - behind);
      marks.gone = upTo;
      moved = true;
    },

    evict(bytes, nowMs, digest) {
      insert();
      let freed = 0;
      let freedBytes = 0;
      let through = marks.first - 1;
      for (const [seq, length] of lengths.iterate()) {
        if (freed >= bytes) break;
        freed += length + ROW_BYTES;
        freedBytes += length;
        through = seq;
      }
      const firstLost = marks.gone + 1;
      const lost =
        through >= firstLost ? range.all(firstLost, through).map(([event]) => event) : [];
      if (through >= firstLost) {
        declare(firstLost, through, nowMs);
        chain.evict(through - behind, lost);
        marks.evicted += through - marks.gone;
        marks.gone = through;
        marks.goneBytes = 0;
      } else marks.goneBytes -= freedBytes;
      drop(through, freedBytes);
      const rows = digest(lost, Math.floor(freed * DIGEST_SHARE));
      for (const bytes of rows) append({ bytes, origin: undefined });
    },

    shed() {
      if (marks.gone >= marks.first) drop(marks.gone, marks.goneBytes);
      marks.goneBytes = 0;
    },

    trimmable: () => Math.max(0, trimmedThrough() - marks.first + 1),

    trim(rowsMax) {
      const through = Math.min(trimmedThrough(), marks.first + rowsMax - 1);
      if (through < marks.first) return;
      const bytes = bytesOf(marks.first, through);
      marks.goneBytes -= bytes;
      drop(through, bytes);
    },

    peek(fromSeq, limit) {
      const rows = peek(Math.max(1, fromSeq) + behind, limit);
      const { events } = rows;
      const firstSeq = rows.firstSeq - behind;
      const found = { firstSeq, goneThrough: Math.max(0, rows.goneThrough - behind), events };
      const previous = events.length === 0 ? undefined : chain.linkOf(firstSeq - 1);
      if (previous === undefined) return found;
      const { begins, released } = chain.mark();
      const head = chain.extend(previous, firstSeq, events);
      return { ...found, chain: { begins, released, previous, head } };
    },

    settle() {
      settled = { ...marks };
      chain.settle();
    },

    rollback() {
      unwritten = [];
      // Older origins made way for those that never were.
      window = undefined;
      marks = { ...settled };
      chain.rollback();
      moved = false;
    },
  };

  /** In numbers of rows. */
  function peek(fromSeq: number, limit: PeekLimit): Peeked {
    let goneThrough = settled.first - 1;
    let firstSeq = Math.max(fromSeq, settled.first);
    const lastSeq = Math.min(settled.last, firstSeq + limit.events - 1);
    const events: Uint8Array[] = [];
    let bytes = 0;
    /** False: what was read before it goes first. The twin had it once: no reason to set aside what waits. */
    const pass = (through: number, why: string): boolean => {
      if (through > settled.gone) throw new Fault("STORE_CORRUPT", `${name} ${through} ${why}`);
      if (events.length > 0) return false;
      goneThrough = through;
      firstSeq = through + 1;
      return true;
    };
    const found = () => ({ firstSeq, goneThrough, events });
    for (let at = firstSeq; at <= lastSeq; at += PEEK_ROWS)
      for (const [event, sum, seq] of range.all(at, Math.min(lastSeq, at + PEEK_ROWS - 1))) {
        if (seq > firstSeq + events.length && !pass(seq - 1, "is not there")) return found();
        if (sum !== null && crc32(event) !== sum) {
          if (!pass(seq, "was altered")) return found();
          continue;
        }
        bytes += event.length;
        // One oversized event still goes out alone: skipping it would block the lane for ever.
        if (bytes > limit.bytes && events.length > 0) return found();
        events.push(event);
      }
    if (firstSeq + events.length <= lastSeq) pass(lastSeq, "is not there");
    if (events.length > 0 || firstSeq > settled.last) return found();
    // None of these is as it was written; behind them may be some that are.
    const behind = peek(firstSeq, limit);
    return { ...behind, goneThrough: Math.max(goneThrough, behind.goneThrough) };
  }
}

function loadWindow(db: Database, name: Lane, last: number, rows: number): RetransmissionWindow {
  const window = createRetransmissionWindow(rows);
  const recent = db
    .prepare<[number], [bigint, bigint]>(
      `SELECT seq, origin FROM ${name} WHERE seq > ? AND origin IS NOT NULL ORDER BY seq`,
    )
    .raw()
    .safeIntegers();
  for (const [seq, origin] of recent.iterate(last - rows)) window.add(Number(seq), origin);
  return window;
}
