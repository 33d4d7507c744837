/**
 * Where the chain of a lane stands (wire/chain.ts): the link of the last event that the twin has or that
 * was let go, kept in the transaction in which that happens. From there each link follows from the rows, so
 * that what is sent again after any crash is the same chain, whatever batches it is cut into. Behind it
 * points are kept here and there, for what is sent once more to a twin that lost it.
 *
 * Tables of their own beside those of the lanes: a release that does not know them works on. What that one
 * lets go is missed when we are back, and the chain then begins anew, behind what was let go.
 */
import { linkThrough, origin } from "../wire/chain.ts";
import type { Database } from "./database.ts";

export const CHAIN_SCHEMA = `
  CREATE TABLE IF NOT EXISTS chain (
    lane TEXT PRIMARY KEY, epoch TEXT NOT NULL, begins INTEGER NOT NULL, at INTEGER NOT NULL,
    link BLOB NOT NULL, released INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS chain_point (
    lane TEXT NOT NULL, begins INTEGER NOT NULL, at INTEGER NOT NULL, link BLOB NOT NULL,
    PRIMARY KEY (lane, begins, at)) STRICT, WITHOUT ROWID;
`;

export type ChainMark = {
  /** The chain begins behind this seq. */
  readonly begins: number;
  /** `link` is that of this seq: of the last that does not wait. */
  readonly at: number;
  readonly link: Uint8Array;
  /** The twin has acknowledged everything up to here. */
  readonly released: number;
};

export type LaneChain = {
  mark(): ChainMark;
  /** Within the transaction in which everything up to `through` ceases to wait. */
  release(through: number): void;
  /** The same for what was not sent: `events` are those behind the mark, up to `through`. */
  evict(through: number, events: readonly Uint8Array[]): void;
  /** Within the transaction, before the rows up to `through` are deleted. */
  drop(through: number): void;
  /** Within the transaction. */
  write(): void;
  /** Undefined: it does not follow from what is still held. */
  linkOf(seq: number): Uint8Array | undefined;
  /** The link of the last of these events, which were just read. */
  extend(previous: Uint8Array, firstSeq: number, events: readonly Uint8Array[]): Uint8Array;
  settle(): void;
  rollback(): void;
};

export type ChainDeps = {
  readonly db: Database;
  /** Rows as they were written; undefined when one is missing or altered. */
  readonly read: (first: number, last: number) => readonly Uint8Array[] | undefined;
  /** The oldest row that is held. */
  readonly first: () => number;
};

type Point = { readonly at: number; readonly link: Uint8Array };

/** Ends of batches whose links are remembered: acknowledgements and releases are of these. */
const REMEMBERED_MAX = 64;
const PAGE_ROWS = 256;
/** A point is kept after so many released events at least. */
const POINT_EVENTS = 1_024;

export function openLaneChain(
  { db, read, first }: ChainDeps,
  lane: string,
  { epoch, gone }: { readonly epoch: string; readonly gone: number },
): LaneChain {
  const save = db.prepare<[string, string, number, number, Uint8Array, number]>(
    "INSERT OR REPLACE INTO chain VALUES (?, ?, ?, ?, ?, ?)",
  );
  const addPoint = db.prepare<[string, number, number, Uint8Array]>(
    "INSERT OR REPLACE INTO chain_point VALUES (?, ?, ?, ?)",
  );
  const pointBefore = db.prepare<[string, number, number], Point>(
    `SELECT at, link FROM chain_point WHERE lane = ? AND begins = ? AND at <= ?
     ORDER BY at DESC LIMIT 1`,
  );
  const forget = db.prepare<[string, number, number]>(
    "DELETE FROM chain_point WHERE lane = ? AND (begins <> ? OR at < ?)",
  );
  const remembered = new Map<number, Uint8Array>();
  let mark = readChain(db, lane, { epoch, gone });
  let settled = mark;
  const { begins } = mark;

  function remember(seq: number, link: Uint8Array): void {
    remembered.delete(seq);
    remembered.set(seq, link);
    const [oldest] = remembered.keys();
    if (remembered.size > REMEMBERED_MAX && oldest !== undefined) remembered.delete(oldest);
  }

  /** The last link before or at `seq` that is known without reading events. */
  function nearest(seq: number): Point {
    const point = mark.at <= seq ? mark : pointBefore.get(lane, begins, seq);
    let best = point ?? { at: begins, link: origin(epoch, begins) };
    for (const [at, link] of remembered) if (at <= seq && at > best.at) best = { at, link };
    return best;
  }

  function linkOf(seq: number): Uint8Array | undefined {
    const known = remembered.get(seq);
    if (known !== undefined) return known;
    if (seq < begins) return undefined;
    let { at, link } = nearest(seq);
    if (at < seq && at + 1 < first()) return undefined;
    for (; at < seq; ) {
      const last = Math.min(seq, at + PAGE_ROWS);
      const events = read(at + 1, last);
      if (events === undefined) return undefined;
      link = linkThrough(link, at + 1, events);
      at = last;
    }
    return link;
  }

  function keepPoint(at: number, link: Uint8Array): void {
    addPoint.run(lane, begins, at, link);
  }

  return {
    mark: () => mark,
    release(through) {
      const link = linkOf(through);
      // It was altered while it waited, and was sent before: what follows cannot be proven any more.
      if (link === undefined) return;
      const before = pointBefore.get(lane, begins, through)?.at ?? begins;
      if (through - before >= POINT_EVENTS) keepPoint(through, link);
      mark = { ...mark, at: through, link, released: through };
    },
    evict(through, events) {
      mark = { ...mark, at: through, link: linkThrough(mark.link, mark.at + 1, events) };
    },
    drop(through) {
      const link = linkOf(through);
      if (link !== undefined) keepPoint(through, link);
      forget.run(lane, begins, through);
    },
    write() {
      if (mark !== settled) save.run(lane, epoch, begins, mark.at, mark.link, mark.released);
    },
    linkOf,
    extend(previous, firstSeq, events) {
      const link = linkThrough(previous, firstSeq, events);
      remember(firstSeq + events.length - 1, link);
      return link;
    },
    settle() {
      settled = mark;
    },
    rollback() {
      mark = settled;
    },
  };
}

/** A mark that is not where the lane is was left behind by a release that did not keep it. */
export function readChain(
  db: Database,
  lane: string,
  { epoch, gone }: { readonly epoch: string; readonly gone: number },
): ChainMark {
  const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'chain'").get();
  const row =
    isThere === undefined
      ? undefined
      : db
          .prepare<[string], ChainMark & { epoch: string }>(
            "SELECT epoch, begins, at, link, released FROM chain WHERE lane = ?",
          )
          .get(lane);
  const mine = row?.epoch === epoch ? row : undefined;
  if (mine?.at === gone) return mine;
  return { begins: gone, at: gone, link: origin(epoch, gone), released: mine?.released ?? 0 };
}
