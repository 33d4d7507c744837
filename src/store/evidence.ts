/**
 * Everything the gateways ever sent, in the order the twin took it in: the one thing the twin could
 * not make again. All other tables of the twin are a cache of this file.
 *
 * Kept as segments: a batch as it came over the wire, one row. An event's position is its segment's
 * position plus its index; positions are consecutive over everything, and the twin's time of taking
 * in never decreases along them. Within a numbering (gateway, epoch) segments and declared holes
 * cover 1..through without overlap.
 *
 * What is true after a commit is returned as Kept, the ticket an acknowledgement asks for.
 */
import { createHash } from "node:crypto";
import { assert } from "../kernel/assert.ts";
import { Fault } from "../kernel/fault.ts";
import { type Batch, decodeBatch, type EventId, type Lane, WireError } from "../wire/codec.ts";
import { assertFull, type Database, type SchemaStep } from "./database.ts";

export const evidenceSchema: readonly SchemaStep[] = [
  `
  CREATE TABLE life (clean INTEGER NOT NULL) STRICT;
  INSERT INTO life VALUES (1);
  CREATE TABLE numbering (
    id INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    epoch TEXT NOT NULL,
    lane TEXT NOT NULL,
    through INTEGER NOT NULL,
    UNIQUE (gateway, epoch)
  ) STRICT;
  CREATE TABLE segment (
    position INTEGER PRIMARY KEY,
    numbering INTEGER NOT NULL REFERENCES numbering,
    first_seq INTEGER NOT NULL,
    events INTEGER NOT NULL,
    taken_in_at_ms INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    sent_at_ms INTEGER NOT NULL,
    sent_monotonic_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (numbering, first_seq)
  ) STRICT;
  CREATE TABLE hole (
    numbering INTEGER NOT NULL REFERENCES numbering,
    first_seq INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    why TEXT NOT NULL,
    noted_at_ms INTEGER NOT NULL,
    PRIMARY KEY (numbering, first_seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    times INTEGER NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    bytes BLOB NOT NULL,
    UNIQUE (source, reason, digest)
  ) STRICT;
  CREATE TABLE stated (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (kind, subject)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE called (
    key TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    epoch TEXT NOT NULL,
    seq INTEGER NOT NULL,
    position INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  {
    adds: `
  -- Segments that were taken in while this machine's clock was behind what it had said before, and by how much.
  CREATE TABLE clock_behind (
    position INTEGER PRIMARY KEY REFERENCES segment,
    behind_ms INTEGER NOT NULL
  ) STRICT;
  `,
  },
];

/**
 * Beyond these the oldest make room for new ones: first of what its sender still has, since it was refused,
 * and only then of what was acknowledged and is nowhere else. How many went is counted.
 */
const QUARANTINE_ROWS_MAX = 10_000;
const QUARANTINE_BYTES_MAX = 256 * 1024 * 1024;

declare const proof: unique symbol;
/** Proof that `value` speaks of what is on stable storage. Only this file makes one, after the commit. */
export type Kept<T> = { readonly [proof]: true; readonly value: T };

export type Segment = {
  /** Of its first event. */
  readonly position: number;
  /** Never less than that of the segment before. */
  readonly takenInAtMs: number;
  /** By how much this machine's clock was behind that: it had been set back. */
  readonly clockBehindMs: number;
  readonly batch: Batch;
};

export type NumberingState = {
  readonly gateway: string;
  readonly epoch: string;
  readonly lane: Lane;
  readonly through: number;
  readonly lastTakenInAtMs: number | undefined;
};

export type Hole = {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly notedAtMs: number;
};

/** What of a numbering the gateway no longer had. */
export type Missing = {
  readonly gateway: string;
  readonly epoch: string;
  readonly events: number;
  readonly holes: number;
  /** Not all of many. */
  readonly newest: readonly Hole[];
};

/** `reason` is a stable word, `detail` a sentence. */
export type Quarantined = {
  readonly id: number;
  readonly atMs: number;
  readonly times: number;
  readonly source: string;
  readonly reason: string;
  readonly detail: string;
  readonly bytes: Uint8Array;
};

export type NewQuarantined = Omit<Quarantined, "id" | "times"> & {
  /** What it is known again by; absent: its bytes. */
  readonly same?: Uint8Array;
};

/** Why an event with a number that was already passed is not what is held under that number. */
export type Mismatch = { readonly seq: number; readonly why: "id_conflict" | "after_hole" };

/** A statement of the twin's own numbering, as it stands in the evidence. */
export type Recorded = { readonly epoch: string; readonly seq: number; readonly position: number };

export type EvidenceReader = {
  /** Position of the last event; 0 when there is none. */
  latest(): number;
  numbering(gateway: string, epoch: string): { lane: Lane; through: number } | undefined;
  numberings(): readonly NumberingState[];
  /** Of each numbering with holes; so many of them are named. */
  missing(newest: number): readonly Missing[];
  /** Segments in order, from the one that holds `position` on. Reads as it is iterated. */
  from(position: number): IterableIterator<Segment>;
  /** The segment in which an event of this name came, or would have come. */
  segmentWith(id: EventId): Segment | undefined;
  /** The event's bytes and the position it was taken in at. */
  event(id: EventId): { readonly position: number; readonly bytes: Uint8Array } | undefined;
  /** Newest first, of those with a lower id. Reads as it is iterated: a thousand may be too large to hold. */
  quarantined(before?: number): IterableIterator<Quarantined>;
  quarantineCounts(): { readonly held: number; readonly evicted: number };
};

export type Evidence = EvidenceReader & {
  /** From here on the file is in use. Returns whether its last user ended in order. */
  begin(): boolean;
  /** The end in order. */
  end(): void;
  /** One transaction, on stable storage when it returns. Throws, with nothing kept, when it cannot be. */
  keep<T>(work: () => T): Kept<T>;
  /** Within `keep`. The numbering must be contiguous: the caller has decided that (twin/admit). */
  append(batch: Batch, body: Uint8Array, nowMs: number): Segment;
  /** Within `keep`, before the append that goes on behind the hole. */
  declareHole(batch: Batch, hole: { firstSeq: number; lastSeq: number }, nowMs: number): void;
  /** The first `count` events of the batch lie at or below `through`: which are not what is held? */
  mismatches(batch: Batch, count: number): readonly Mismatch[];
  /** Within `keep`. The same from the same source for the same reason is counted, not kept again. */
  quarantine(entry: NewQuarantined): void;
  /** Within `keep`. Whether this is news: remembers what the twin stated last about a subject. */
  restate(kind: string, subject: string, json: string): boolean;
  /** What was recorded for a caller's key; `same` when it was asked with the same words. */
  called(key: string, said: string): (Recorded & { readonly same: boolean }) | undefined;
  /** Within `keep`, with the append: the key is spent. */
  setCalled(key: string, said: string, recorded: Recorded): void;
};

type NumberingRow = { id: number; lane: Lane; through: number };
type SegmentRow = {
  position: number;
  events: number;
  taken_in_at_ms: number;
  behind_ms: number;
  body: Buffer;
  gateway: string;
};

export function openEvidence(db: Database, path: string): Evidence {
  assertFull(db, path);
  const reader = readEvidence(db);
  const byName = numberingByName(db);
  const addNumbering = db
    .prepare<[string, string, string], number>(
      "INSERT INTO numbering (gateway, epoch, lane, through) VALUES (?, ?, ?, 0) RETURNING id",
    )
    .pluck();
  const setThrough = db.prepare<[number, number]>("UPDATE numbering SET through = ? WHERE id = ?");
  const addSegment = db.prepare<
    [number, number, number, number, number, number, number, number, Uint8Array]
  >("INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const addBehind = db.prepare<[number, number]>("INSERT INTO clock_behind VALUES (?, ?)");
  const addHole = db.prepare<[number, number, number, string, number]>(
    "INSERT INTO hole VALUES (?, ?, ?, ?, ?)",
  );
  const last = db.prepare<[], { next: number; taken_in_at_ms: number }>(
    `SELECT position + events AS next, taken_in_at_ms FROM segment
     ORDER BY position DESC LIMIT 1`,
  );
  const segmentsAround = db.prepare<
    [number, number, number, number],
    { position: number; first_seq: number; body: Buffer }
  >(
    `SELECT position, first_seq, body FROM segment WHERE numbering = ? AND first_seq <= ? AND first_seq >=
       coalesce((SELECT max(first_seq) FROM segment WHERE numbering = ? AND first_seq <= ?), 0)
     ORDER BY first_seq`,
  );
  const addQuarantine = db.prepare<
    [number, string, string, string, number, Uint8Array, Uint8Array]
  >(
    `INSERT INTO quarantine (at_ms, times, source, reason, detail, size, digest, bytes)
     VALUES (?, 1, ?, ?, ?, ?, ?, ?)`,
  );
  const countAgain = db.prepare<[string, string, Uint8Array]>(
    "UPDATE quarantine SET times = times + 1 WHERE source = ? AND reason = ? AND digest = ?",
  );
  const quarantineSize = db.prepare<[], { rows: number; bytes: number }>(
    "SELECT count(*) AS rows, total(size) AS bytes FROM quarantine",
  );
  const evictOne = db.prepare(
    `DELETE FROM quarantine WHERE id = coalesce(
       (SELECT id FROM quarantine WHERE reason NOT IN ('id_conflict', 'after_hole')
        ORDER BY id LIMIT 1),
       (SELECT min(id) FROM quarantine))`,
  );
  const statedDigest = db
    .prepare<[string, string], Buffer>("SELECT digest FROM stated WHERE kind = ? AND subject = ?")
    .pluck();
  const setStated = db.prepare<[string, string, Uint8Array]>(
    "INSERT INTO stated VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest",
  );
  const calledBy = db.prepare<[string], Recorded & { digest: Buffer }>(
    "SELECT digest, epoch, seq, position FROM called WHERE key = ?",
  );
  const addCalled = db.prepare<[string, Uint8Array, string, number, number]>(
    "INSERT INTO called VALUES (?, ?, ?, ?, ?)",
  );
  const clean = db.prepare<[], number>("SELECT clean FROM life").pluck();
  const setClean = db.prepare<[number]>("UPDATE life SET clean = ?");
  const transaction = db.transaction((work: () => unknown) => work());

  function numberingOf(batch: Batch): NumberingRow {
    const known = byName.get(batch.gateway, batch.epoch);
    if (known !== undefined) return known;
    const id = addNumbering.get(batch.gateway, batch.epoch, batch.lane);
    assert(id !== undefined, "a new numbering has an id");
    return { id, lane: batch.lane, through: 0 };
  }

  return {
    ...reader,

    begin() {
      const wasClean = clean.get() === 1;
      setClean.run(0);
      return wasClean;
    },

    end() {
      setClean.run(1);
    },

    keep<T>(work: () => T) {
      return { value: transaction.immediate(work) } as Kept<T>;
    },

    append(batch, body, nowMs) {
      const numbering = numberingOf(batch);
      assert(
        batch.firstSeq === numbering.through + 1,
        "a segment goes on where its numbering ends",
      );
      const before = last.get();
      const position = before?.next ?? 1;
      const takenInAtMs = Math.max(nowMs, before?.taken_in_at_ms ?? 0);
      addSegment.run(
        position,
        numbering.id,
        batch.firstSeq,
        batch.events.length,
        takenInAtMs,
        batch.boot,
        batch.sentAtMs,
        batch.sentMonotonicMs,
        body,
      );
      const clockBehindMs = takenInAtMs - nowMs;
      if (clockBehindMs > 0) addBehind.run(position, clockBehindMs);
      setThrough.run(batch.firstSeq + batch.events.length - 1, numbering.id);
      return { position, takenInAtMs, clockBehindMs, batch };
    },

    declareHole(batch, { firstSeq, lastSeq }, nowMs) {
      const numbering = numberingOf(batch);
      assert(firstSeq === numbering.through + 1, "a hole begins where its numbering ends");
      addHole.run(numbering.id, firstSeq, lastSeq, "gone from the gateway", nowMs);
      setThrough.run(lastSeq, numbering.id);
    },

    mismatches(batch, count) {
      const numbering = byName.get(batch.gateway, batch.epoch);
      assert(numbering !== undefined, "an overlap is with a known numbering");
      const lastSeq = batch.firstSeq + count - 1;
      const held = new Map<number, Uint8Array>();
      const { id } = numbering;
      for (const row of segmentsAround.all(id, lastSeq, id, batch.firstSeq))
        for (const [index, bytes] of batchOf(row).events.entries())
          held.set(row.first_seq + index, bytes);
      return batch.events.slice(0, count).flatMap((bytes, index): Mismatch[] => {
        const seq = batch.firstSeq + index;
        const known = held.get(seq);
        if (known === undefined) return [{ seq, why: "after_hole" }];
        return Buffer.compare(known, bytes) === 0 ? [] : [{ seq, why: "id_conflict" }];
      });
    },

    quarantine({ atMs, source, reason, detail, bytes, same = bytes }) {
      const digest = digestOf(same);
      if (countAgain.run(source, reason, digest).changes > 0) return;
      addQuarantine.run(atMs, source, reason, detail, bytes.length, digest, bytes);
      for (let size = quarantineSize.get(); size !== undefined; size = quarantineSize.get()) {
        if (size.rows <= QUARANTINE_ROWS_MAX && size.bytes <= QUARANTINE_BYTES_MAX) break;
        evictOne.run();
      }
    },

    restate(kind, subject, json) {
      const digest = digestOf(new TextEncoder().encode(json));
      if (statedDigest.get(kind, subject)?.equals(digest)) return false;
      setStated.run(kind, subject, digest);
      return true;
    },

    called(key, said) {
      const found = calledBy.get(key);
      if (found === undefined) return undefined;
      const { digest, ...recorded } = found;
      return { ...recorded, same: digest.equals(digestOf(new TextEncoder().encode(said))) };
    },

    setCalled(key, said, { epoch, seq, position }) {
      addCalled.run(key, digestOf(new TextEncoder().encode(said)), epoch, seq, position);
    },
  };
}

/** The questions alone, for any connection of the file. */
export function readEvidence(db: Database): EvidenceReader {
  // A file that is only read may be of a release before this table.
  const hasBehind = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'clock_behind'").get();
  const behind =
    hasBehind === undefined
      ? "0"
      : "coalesce((SELECT behind_ms FROM clock_behind WHERE position = segment.position), 0)";
  const latest = db
    .prepare<[], number>("SELECT position + events - 1 FROM segment ORDER BY position DESC LIMIT 1")
    .pluck();
  const byName = numberingByName(db);
  const states = db.prepare<
    [],
    { gateway: string; epoch: string; lane: Lane; through: number; at: number | null }
  >(
    `SELECT gateway, epoch, lane, through,
       (SELECT taken_in_at_ms FROM segment WHERE numbering = numbering.id
        ORDER BY first_seq DESC LIMIT 1) AS at
     FROM numbering ORDER BY gateway, lane, id`,
  );
  const missing = db.prepare<[], Omit<Missing, "newest"> & { id: number }>(
    `SELECT numbering.id, gateway, epoch, sum(last_seq - first_seq + 1) AS events, count(*) AS holes
     FROM hole JOIN numbering ON numbering.id = hole.numbering GROUP BY numbering.id`,
  );
  const newestHoles = db.prepare<[number, number], Hole>(
    `SELECT first_seq AS firstSeq, last_seq AS lastSeq, noted_at_ms AS notedAtMs
     FROM hole WHERE numbering = ? ORDER BY first_seq DESC LIMIT ?`,
  );
  const segmentAt = db.prepare<[number], SegmentRow>(
    `SELECT position, events, taken_in_at_ms, ${behind} AS behind_ms, body, gateway FROM segment
     JOIN numbering ON numbering.id = segment.numbering
     WHERE position <= ? ORDER BY position DESC LIMIT 1`,
  );
  const segmentAfter = db.prepare<[number], SegmentRow>(
    `SELECT position, events, taken_in_at_ms, ${behind} AS behind_ms, body, gateway FROM segment
     JOIN numbering ON numbering.id = segment.numbering
     WHERE position > ? ORDER BY position LIMIT 1`,
  );
  const segmentOfSeq = db.prepare<[number, number], SegmentRow>(
    `SELECT position, events, taken_in_at_ms, ${behind} AS behind_ms, body, gateway FROM segment
     JOIN numbering ON numbering.id = segment.numbering
     WHERE numbering = ? AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1`,
  );
  const quarantinedBefore = db.prepare<[number], Quarantined>(
    `SELECT id, at_ms AS atMs, times, source, reason, detail, bytes FROM quarantine
     WHERE id < ? ORDER BY id DESC LIMIT 1`,
  );
  const quarantineRows = db.prepare<[], number>("SELECT count(*) FROM quarantine").pluck();
  const quarantineEver = db
    .prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'quarantine'")
    .pluck();

  function segmentWith({ gateway, epoch, seq }: EventId): Segment | undefined {
    const numbering = byName.get(gateway, epoch);
    const row = numbering && segmentOfSeq.get(numbering.id, seq);
    return row && segmentOf(row);
  }

  return {
    latest: () => latest.get() ?? 0,

    numbering: (gateway, epoch) => byName.get(gateway, epoch),

    numberings: () =>
      states.all().map(({ at, ...state }) => ({ ...state, lastTakenInAtMs: at ?? undefined })),

    missing: (newest) =>
      missing.all().map(({ id, ...one }) => ({ ...one, newest: newestHoles.all(id, newest) })),

    *from(position) {
      // One row at a time: an open cursor would hold the WAL back for as long as the caller works.
      let row = segmentAt.get(position);
      if (row !== undefined && row.position + row.events <= position) row = undefined;
      row ??= segmentAfter.get(position);
      for (; row !== undefined; row = segmentAfter.get(row.position)) yield segmentOf(row);
    },

    segmentWith,

    event(id) {
      const segment = segmentWith(id);
      if (segment === undefined) return undefined;
      const { position, batch } = segment;
      const at = id.seq - batch.firstSeq;
      const bytes = batch.events[at];
      return bytes && { position: position + at, bytes };
    },

    *quarantined(before = Number.MAX_SAFE_INTEGER) {
      for (let row = quarantinedBefore.get(before); row; row = quarantinedBefore.get(row.id))
        yield row;
    },

    quarantineCounts() {
      const held = quarantineRows.get() ?? 0;
      return { held, evicted: (quarantineEver.get() ?? 0) - held };
    },
  };
}

function numberingByName(db: Database) {
  return db.prepare<[string, string], NumberingRow>(
    "SELECT id, lane, through FROM numbering WHERE gateway = ? AND epoch = ?",
  );
}

function segmentOf(row: SegmentRow): Segment {
  const { position, events, taken_in_at_ms, behind_ms, gateway } = row;
  const batch = batchOf(row);
  assert(batch.gateway === gateway, "a segment's body belongs to its numbering");
  assert(batch.events.length === events, "a segment's body holds the events it was counted with");
  return { position, takenInAtMs: taken_in_at_ms, clockBehindMs: behind_ms, batch };
}

/** It could be read when it was taken in. Throws Fault EVIDENCE_CORRUPT. */
function batchOf({ position, body }: Pick<SegmentRow, "position" | "body">): Batch {
  try {
    return decodeBatch(body);
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new Fault("EVIDENCE_CORRUPT", `position ${position}: ${cause.message}`, { cause });
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
