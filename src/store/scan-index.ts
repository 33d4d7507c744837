/**
 * When each scan was, by its gateway's corrected clock, and by which scanner: what the evidence does
 * not say. Scans of a numbering lie in blocks, about four bytes a scan. Times never go back within a
 * numbering, so its blocks are in order of number and of time.
 */
import { assert } from "../kernel/assert.ts";
import type { Corrected } from "../reconcile/clock.ts";
import type { Database } from "./database.ts";
import { createNumberReader, createNumberWriter } from "./packing.ts";
import type { Words } from "./words.ts";

export const scanIndexSchema = `
  CREATE TABLE scan_block (
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    scans BLOB NOT NULL,
    PRIMARY KEY (stream, first)
  ) STRICT, WITHOUT ROWID;
`;

export type PlacedScan = {
  readonly seq: number;
  readonly timeMs: number;
  readonly scanner: string;
  readonly skew: Corrected["skew"];
};

type Row = { first: number; first_time: number; scans: Buffer };
type Tail = { readonly scans: PlacedScan[]; stored: number | undefined; dirty: boolean };

/** A block that grows beyond this is cut. */
const BLOCK_SCANS_MAX = 128;
const SKEWS: readonly Corrected["skew"][] = ["", "offset", "no-clock", "back", "future"];

export function openScanIndex(db: Database, words: Words) {
  const sql = {
    holding: db.prepare<[number, number], Row>(
      `SELECT first, first_time, scans FROM scan_block WHERE stream = ? AND first <= ?
       ORDER BY first DESC LIMIT 1`,
    ),
    next: db.prepare<[number, number], Row>(
      `SELECT first, first_time, scans FROM scan_block WHERE stream = ? AND first > ?
       ORDER BY first LIMIT 1`,
    ),
    beforeTime: db
      .prepare<[number, number], number>(
        `SELECT first FROM scan_block WHERE stream = ? AND first_time < ?
         ORDER BY first DESC LIMIT 1`,
      )
      .pluck(),
    put: db.prepare("INSERT OR REPLACE INTO scan_block VALUES (?, ?, ?, ?)"),
    drop: db.prepare("DELETE FROM scan_block WHERE stream = ? AND first = ?"),
  };
  const writer = createNumberWriter();
  /** The last block of each numbering, where scans that come in their turn are added. */
  const tails = new Map<number, Tail>();

  function tailOf(stream: number): Tail {
    const known = tails.get(stream);
    if (known) return known;
    const row = sql.holding.get(stream, Number.MAX_SAFE_INTEGER);
    const tail: Tail = { scans: row ? unpack(row) : [], stored: row?.first, dirty: false };
    tails.set(stream, tail);
    return tail;
  }

  function pack(scans: readonly PlacedScan[]): Buffer {
    let [seq, timeMs] = [scans[0]?.seq ?? 0, scans[0]?.timeMs ?? 0];
    for (const scan of scans) {
      writer.put(scan.seq - seq);
      writer.put(scan.timeMs - timeMs);
      writer.put(words.number(scan.scanner) * SKEWS.length + SKEWS.indexOf(scan.skew));
      ({ seq, timeMs } = scan);
    }
    return writer.take();
  }

  function unpack({ first, first_time, scans }: Row): PlacedScan[] {
    const reader = createNumberReader(scans);
    const unpacked: PlacedScan[] = [];
    let [seq, timeMs] = [first, first_time];
    while (reader.more()) {
      seq += reader.get();
      timeMs += reader.get();
      const mark = reader.get();
      const scanner = words.text(Math.floor(mark / SKEWS.length));
      unpacked.push({ seq, timeMs, scanner, skew: SKEWS[mark % SKEWS.length] ?? "" });
    }
    return unpacked;
  }

  function write(stream: number, scans: readonly PlacedScan[], stored: number | undefined): void {
    const first = scans[0];
    assert(first !== undefined, "a block holds scans");
    if (stored !== undefined && stored !== first.seq) sql.drop.run(stream, stored);
    sql.put.run(stream, first.seq, first.timeMs, pack(scans));
  }

  function flushTail(stream: number, tail: Tail): void {
    if (!tail.dirty) return;
    write(stream, tail.scans, tail.stored);
    tail.stored = tail.scans[0]?.seq;
    tail.dirty = false;
  }

  /** All is in the rows, and nothing in memory. */
  function settle(stream: number): void {
    const tail = tails.get(stream);
    if (tail) flushTail(stream, tail);
    tails.delete(stream);
  }

  /** The block that has, or would have, this number. */
  function rowFor(stream: number, seq: number): Row | undefined {
    return sql.holding.get(stream, seq) ?? sql.next.get(stream, seq);
  }

  function* blocksFrom(stream: number, first: Row | undefined): Generator<readonly PlacedScan[]> {
    for (let row = first; row; row = sql.next.get(stream, row.first)) yield unpack(row);
  }

  return {
    /** A scan that came in its turn: its number is greater than all before it. */
    append(stream: number, scan: PlacedScan): void {
      // Numbered now and not when the block is written: that is when a step happens to end.
      words.number(scan.scanner);
      const tail = tailOf(stream);
      if (tail.scans.length >= BLOCK_SCANS_MAX) {
        flushTail(stream, tail);
        tail.scans.length = 0;
        tail.stored = undefined;
      }
      tail.scans.push(scan);
      tail.dirty = true;
    },

    /**
     * Scans by rising numbers, new ones or with other times, so that all together times do not go
     * back again.
     */
    change(stream: number, changed: readonly PlacedScan[]): void {
      settle(stream);
      let done = 0;
      for (let one = changed[0]; one; one = changed[done]) {
        const row = rowFor(stream, one.seq);
        const end = row && sql.next.get(stream, Math.max(row.first, one.seq))?.first;
        const scans = new Map((row ? unpack(row) : []).map((scan) => [scan.seq, scan]));
        for (; one && (end === undefined || one.seq < end); one = changed[done]) {
          scans.set(one.seq, one);
          done += 1;
        }
        const sorted = [...scans.values()].sort((a, b) => a.seq - b.seq);
        if (row) sql.drop.run(stream, row.first);
        for (let at = 0; at < sorted.length; at += BLOCK_SCANS_MAX)
          write(stream, sorted.slice(at, at + BLOCK_SCANS_MAX), undefined);
      }
    },

    get(stream: number, seq: number): PlacedScan | undefined {
      settle(stream);
      const row = sql.holding.get(stream, seq);
      return row && unpack(row).find((scan) => scan.seq === seq);
    },

    /** The last one with a smaller number. */
    before(stream: number, seq: number): PlacedScan | undefined {
      settle(stream);
      const row = sql.holding.get(stream, seq - 1);
      return row && unpack(row).findLast((scan) => scan.seq < seq);
    },

    /** The last of all. */
    last: (stream: number): PlacedScan | undefined => tailOf(stream).scans.at(-1),

    *from(stream: number, seq: number): Generator<PlacedScan> {
      settle(stream);
      for (const scans of blocksFrom(stream, rowFor(stream, seq)))
        for (const scan of scans) if (scan.seq >= seq) yield scan;
    },

    *since(stream: number, timeMs: number): Generator<PlacedScan> {
      settle(stream);
      const start = sql.beforeTime.get(stream, timeMs) ?? 0;
      for (const scans of blocksFrom(stream, rowFor(stream, start)))
        for (const scan of scans) if (scan.timeMs >= timeMs) yield scan;
    },

    flush(): void {
      for (const [stream, tail] of tails) flushTail(stream, tail);
    },
    forget(): void {
      tails.clear();
    },
  };
}

export type ScanIndex = ReturnType<typeof openScanIndex>;
