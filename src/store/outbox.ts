/**
 * The gateway's buffer on disk: one SQLite file with a lane for scans, a lane for telemetry, and the
 * quarantine. Synchronous; src/io runs it in a thread of its own.
 *
 * The promise: what `flush` answers with a Committed is on stable storage and stays until `release`
 * covers it (a scan), or until the disk budget makes it the oldest telemetry that must go, which is
 * declared. Numbers of a lane are contiguous and never given twice, not even after it drained.
 *
 * A file that was not closed is checked when it is opened. A damaged one is set aside, never deleted
 * and never a reason not to start: a new file with new epochs begins. Damaged is also a file that holds less
 * than was given, or an event that was altered.
 */
import { never } from "../kernel/assert.ts";
import { Fault } from "../kernel/fault.ts";
import type { Committed, Lane, LaneState, LastScan, NewEvent, Put, Refusal } from "../ports.ts";
import { EVENT_BYTES_MAX } from "../wire/codec.ts";
import { type Ballast, openBallast, type RoomLimits } from "./ballast.ts";
import { damageOf, isCorrupt } from "./damage.ts";
import type { Database } from "./database.ts";
import { contradiction, type GivenNumbers, openGivenNumbers } from "./given-numbers.ts";
import {
  abandon,
  asFault,
  finishSettingAside,
  GIVEN,
  openOutboxFile,
  readLife,
  readOutboxFile,
  setAside,
} from "./outbox-file.ts";
import { DIGEST_SHARE, type OutboxLane, openLane, type Peeked, ROW_BYTES } from "./outbox-lane.ts";
import { alteredIn, asState, readMarks } from "./outbox-marks.ts";
import { beginEpochBehind, epochBefore, returnToEpoch } from "./outbox-renumber.ts";
import type { EarlierStarts } from "./outbox-starts.ts";
import {
  countQuarantine,
  openQuarantine,
  type QuarantineEntry,
  type QuarantineLimits,
  type QuarantineRow,
  readQuarantine,
} from "./quarantine.ts";
import { summarise } from "./summary.ts";

/** Evicting more than needed at once, as a share of the budget, keeps it off the usual path. */
const EVICT_SHARE = 1 / 64;
const EVICT_BYTES_MAX = 1024 * 1024;
/**
 * Of what earlier starts stored so many windows are known: 65,536 rows, the 13 s before a kill at 5,000
 * readings a second. PUBACK follows the commit within milliseconds, if its line was alive.
 */
const EARLIER_WINDOWS = 4;
/** Rows deleted in one go when nothing waits for the disk. */
const TRIM_ROWS = 4096;

export type OutboxLimits = {
  readonly bytesMax: number;
  readonly telemetryBytesMax: number;
  readonly quarantine: QuarantineLimits;
  /** Rows of a lane by whose origin a retransmission is known. */
  readonly windowRows: number;
  /** Scans kept at least, though the twin has them: it may be restored from a copy and ask again. */
  readonly keepSentScans: number;
  /** A hard stop for the file itself, whatever the budgets: SQLite refuses to grow beyond it. */
  readonly fileBytesMax: number;
  readonly room: RoomLimits;
};

const BALLAST_BYTES = { min: 256 * 1024, max: 16 * 1024 * 1024 };

export function outboxLimits(budgets: {
  readonly bytesMax: number;
  readonly telemetryBytesMax: number;
  readonly keepSentScans?: number;
}): OutboxLimits {
  const quarantine = { rowsMax: 10_000, bytesMax: 64 * 1024 * 1024 };
  const fileBytesMax = 2 * (budgets.bytesMax + quarantine.bytesMax);
  const { min, max } = BALLAST_BYTES;
  const ballastBytes = Math.max(min, Math.min(max, Math.round(budgets.bytesMax / 128)));
  const room = { ballastBytes, freeBytesMin: 2 * ballastBytes };
  return { keepSentScans: 0, ...budgets, quarantine, windowRows: 16_384, fileBytesMax, room };
}

const LANES: readonly Lane[] = ["scan", "telemetry"];
/** Of `life.clean`. */
const SUSPECT = 2;

/** One thing to do in a flush. */
export type Work =
  | { readonly kind: "put"; readonly lane: Lane; readonly events: readonly NewEvent[] }
  | { readonly kind: "release"; readonly lane: Lane; readonly through: number }
  | { readonly kind: "quarantine"; readonly entry: QuarantineEntry };

/** `answers` has one entry for each put and quarantine, in order. */
export type Flushed =
  | { readonly ok: true; readonly answers: readonly Put[] }
  | { readonly ok: false; readonly why: Refusal; readonly detail: string };

export type Outbox = {
  /**
   * Does all of it in one transaction. Throws Fault STORE_CORRUPT. After "failed" the file must be
   * closed and opened again: what SQLite and the kernel still hold of it is not to be trusted.
   */
  flush(work: readonly Work[]): Flushed;
  peek(lane: Lane, fromSeq: number, limit: { events: number; bytes: number }): Peeked;
  state(lane: Lane): LaneState;
  /** Origins of what was committed just before the last processes ended, when the last one died; else none. */
  readonly unsure: readonly bigint[];
  /** What starts before this one stored: for who goes on with the file. */
  readonly earlier: EarlierStarts;
  /** Each scanner's last scan before it; none after an orderly stop. */
  readonly lastScans: readonly LastScan[];
  /**
   * What waits from `fromSeq` of this epoch on gets numbers of a new one, from 1 on; what is before it waits no
   * more, as the twin has it. Fails as `flush` does.
   */
  renumber(lane: Lane, from: { readonly epoch: string; readonly fromSeq: number }): Flushed;
  /** Whether there are enough rows that neither wait nor are needed to know a retransmission. */
  trimmable(): boolean;
  /** Deletes some of them; fails as `flush` does. */
  trim(): Flushed;
  /** Takes the room on the disk that deleting may need, when there is plenty: for a quiet moment. */
  reserve(): void;
  /** "stopped": all is well, no check is needed at the next start. "abandoned": nothing is known. */
  close(how: "stopped" | "abandoned"): void;
};

export type OpenedOutbox = {
  readonly outbox: Outbox;
  /** Where a damaged file was put, and what was wrong with it. */
  readonly setAside: { readonly path: string; readonly reason: string } | undefined;
};

/** Throws Fault STORE_NEWER, SYNC_NOT_FULL, DATA_IN_USE or DATA_UNREADABLE. */
export function openOutbox(
  { path, nowMs }: { readonly path: string; readonly nowMs: () => number },
  limits: OutboxLimits,
): OpenedOutbox {
  finishSettingAside(path);
  try {
    return { outbox: open(path, nowMs, limits), setAside: undefined };
  } catch (fault) {
    if (!(fault instanceof Fault) || fault.code !== "STORE_CORRUPT") throw fault;
    const aside = setAside(path, nowMs());
    const outbox = open(path, nowMs, limits);
    return { outbox, setAside: { path: aside, reason: fault.message } };
  }
}

/**
 * The same process goes on with its file after a failure: no new boot, and no file set aside. Throws
 * Fault STORE_FAILED or STORE_CORRUPT: also when a commit that was refused, and is said again as something new,
 * stands in the log after all. A process that starts knows it for what may come again (`unsure`).
 */
export function reopenOutbox(
  { path, nowMs }: { readonly path: string; readonly nowMs: () => number },
  limits: OutboxLimits,
  last: Outbox,
): Outbox {
  try {
    return open(path, nowMs, limits, last);
  } catch (cause) {
    if (!(cause instanceof Fault) || /^STORE_(CORRUPT|FAILED)$/.test(cause.code)) throw cause;
    // It was readable a moment ago.
    throw new Fault("STORE_FAILED", cause.message, { cause });
  }
}

function open(path: string, nowMs: () => number, limits: OutboxLimits, last?: Outbox): Outbox {
  const ballast = openBallast(`${path}.ballast`, limits.room);
  // A start writes, too: the address file, the mark of a new boot.
  if (ballast.isOut()) ballast.give();
  const given = openGivenNumbers(path + GIVEN);
  const db = openOutboxFile(path);
  try {
    return run({ db, nowMs, ballast, given }, limits, last);
  } catch (cause) {
    given.close();
    abandon(db);
    throw asFault(path, cause);
  }
}

type Parts = {
  readonly db: Database;
  readonly nowMs: () => number;
  readonly ballast: Ballast;
  readonly given: GivenNumbers;
};

function run(
  { db, nowMs, ballast, given }: Parts,
  limits: OutboxLimits,
  before: Outbox | undefined,
): Outbox {
  const pages = Math.ceil(
    limits.fileBytesMax / (db.pragma("page_size", { simple: true }) as number),
  );
  db.pragma(`max_page_count = ${pages}`);
  db.pragma("wal_autocheckpoint = 1000");
  const { clean, boot: bootBefore } = readLife(db);
  const isStart = before === undefined;
  const boot = isStart ? bootBefore + 1 : bootBefore;
  const died = isStart && clean !== 1;
  if (died) {
    const damage = damageOf(db) ?? (clean === SUSPECT ? alteredInAny(db) : undefined);
    if (damage !== undefined) throw new Fault("STORE_CORRUPT", damage);
  }
  const { windowRows, keepSentScans } = limits;
  const openLaneNamed = (name: Lane, earlier?: EarlierStarts): OutboxLane =>
    name === "scan"
      ? openLane(db, name, { boot, windowRows, keptRows: keepSentScans })
      : openLane(db, name, {
          ...{ boot, windowRows },
          ...{ earlierRows: EARLIER_WINDOWS * windowRows, earlierKnown: earlier?.known },
        });
  const lanes = {
    scan: openLaneNamed("scan"),
    telemetry: openLaneNamed("telemetry", before?.earlier),
  };
  const quarantine = openQuarantine(db, limits.quarantine);
  const parts = () => [lanes.scan, lanes.telemetry, quarantine];
  for (const name of LANES) {
    const against = contradiction(given.before, name, lanes[name].given());
    if (against !== undefined) throw new Fault("STORE_CORRUPT", against);
    const found = lanes[name].state(boot);
    const known = before?.state(name) ?? found;
    if (found.epoch !== known.epoch || found.lastSeq > known.lastSeq)
      throw new Fault(
        "STORE_FAILED",
        `${db.name}: ${name} holds ${found.lastSeq} of ${found.epoch}, whose commit failed`,
      );
  }

  if (isStart) db.exec("UPDATE life SET boot = boot + 1, clean = 0");

  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");

  const missingBytes = (lane: Lane, bytes: number): number => {
    const beyondAll = lanes.scan.cost() + lanes.telemetry.cost() + bytes - limits.bytesMax;
    const beyondOwn =
      lane === "telemetry" ? lanes.telemetry.cost() + bytes - limits.telemetryBytesMax : 0;
    return Math.max(beyondAll, beyondOwn);
  };

  /** False: even all telemetry would not make room. */
  const makeRoom = (lane: Lane, bytes: number): boolean => {
    if (missingBytes(lane, bytes) <= 0) return true;
    // What the twin has already goes before anything that waits.
    lanes.scan.shed();
    lanes.telemetry.shed();
    const missing = missingBytes(lane, bytes);
    if (missing <= 0) return true;
    if (missing > lanes.telemetry.cost()) return false;
    const more = Math.min(limits.telemetryBytesMax * EVICT_SHARE, EVICT_BYTES_MAX);
    // Of what goes, the course stays: so much more has to go.
    const wanted = Math.ceil((missing + more) / (1 - DIGEST_SHARE));
    lanes.telemetry.evict(Math.min(wanted, lanes.telemetry.cost()), nowMs(), summarise);
    while (missingBytes(lane, bytes) > 0 && lanes.telemetry.cost() > 0)
      lanes.telemetry.evict(missingBytes(lane, bytes), nowMs(), () => []);
    return true;
  };

  let isShort = false;
  const put = (name: Lane, events: readonly NewEvent[]): Numbers | Refusal => {
    // The twin would not take it, nor what comes behind it: better that its source hears so now.
    if (events.some(({ bytes }) => bytes.length > EVENT_BYTES_MAX)) return "failed";
    const lane = lanes[name];
    const known = events.map((event) => lane.rowOf(event));
    const bytes = events.reduce(
      (sum, event, at) => (known[at] === undefined ? sum + event.bytes.length + ROW_BYTES : sum),
      0,
    );
    if (bytes > 0 && (isShort || !makeRoom(name, bytes))) return "full";
    let firstSeq = Number.POSITIVE_INFINITY;
    let lastSeq = 0;
    events.forEach((event, at) => {
      // Asked again: an event may repeat one of the same call.
      const seq = lane.numberOf(known[at] ?? lane.rowOf(event) ?? lane.append(event));
      if (seq < firstSeq) firstSeq = seq;
      if (seq > lastSeq) lastSeq = seq;
    });
    return { firstSeq, lastSeq };
  };

  const perform = (work: Work, answers: (Numbers | Refusal)[]): void => {
    switch (work.kind) {
      case "put":
        answers.push(put(work.lane, work.events));
        return;
      case "release":
        lanes[work.lane].release(work.through);
        return;
      case "quarantine": {
        const id = isShort ? "full" : quarantine.put(work.entry);
        answers.push(id === "full" ? id : { firstSeq: id, lastSeq: id });
        return;
      }
      default:
        never(work);
    }
  };

  const transaction = (body: () => void): void => {
    begin.run();
    try {
      body();
      lanes.scan.write();
      lanes.telemetry.write();
      commit.run();
    } catch (error) {
      for (const part of parts()) part.rollback();
      if (db.inTransaction) db.exec("ROLLBACK");
      throw error;
    }
    for (const part of parts()) part.settle();
    given.write({ scan: lanes.scan.given(), telemetry: lanes.telemetry.given() });
  };

  /** Damage that shows while the file is in use: the next start shall look at everything. */
  const suspecting = <T>(look: () => T): T => {
    try {
      return look();
    } catch (error) {
      const isFault = error instanceof Fault;
      const seen = isFault ? error.code === "STORE_CORRUPT" : isCorrupt(codeOf(error));
      if (!seen) throw error;
      suspect(db);
      throw isFault ? error : new Fault("STORE_CORRUPT", String(error), { cause: error });
    }
  };

  const attempt = (body: () => void): Flushed => {
    try {
      suspecting(() => transaction(body));
    } catch (error) {
      return refusal(error);
    }
    return { ok: true, answers: [] };
  };

  /** What was deleted is committed already: where another takes the room first, the next deletion tries anew. */
  const intoFile = () => {
    try {
      suspecting(() => db.pragma("wal_checkpoint(TRUNCATE)"));
    } catch (error) {
      if (error instanceof Fault) throw error;
      refusal(error);
    }
  };

  /** Deleting has the ballast to fall back on, and then brings the log into the file. */
  const attemptDeleting = (body: () => void): Flushed => {
    const first = attempt(body);
    if (first.ok || first.why !== "full" || !ballast.give()) return first;
    const again = attempt(body);
    if (again.ok) intoFile();
    return again;
  };

  return {
    flush(work) {
      const answers: (Numbers | Refusal)[] = [];
      isShort = ballast.isShort();
      const done = attempt(() => {
        for (const one of work) perform(one, answers);
      });
      if (done.ok) return { ok: true, answers: answers.map(asPut) };
      const releases = work.filter(({ kind }) => kind === "release");
      if (done.why !== "full" || releases.length === 0) return done;
      // What the twin has can go, whatever there is no room for.
      const released = attemptDeleting(() => {
        for (const one of releases) perform(one, answers);
      });
      return releases.length === work.length ? released : done;
    },
    peek: (lane, fromSeq, limit) => suspecting(() => lanes[lane].peek(fromSeq, limit)),
    state: (lane) => lanes[lane].state(boot),
    get earlier() {
      return lanes.telemetry.earlier;
    },
    unsure: died ? lanes.telemetry.lastOrigins() : [],
    lastScans: died ? lanes.scan.lastScans() : [],
    renumber(lane, { epoch, fromSeq }) {
      const old = lanes[lane];
      const before = fromSeq > 0 ? undefined : epochBefore(db, lane);
      const isDone = fromSeq === 0 && before === undefined;
      if (isDone || epoch !== old.start.epoch) return { ok: true, answers: [] };
      try {
        // A witness of the old epoch would speak against the new one.
        given.forget();
      } catch (error) {
        return { ok: false, why: "failed", detail: String(error) };
      }
      const done = attemptDeleting(() => {
        if (before === undefined) beginEpochBehind(db, lane, old.start.behind + fromSeq - 1);
        else returnToEpoch(db, lane, before);
        lanes[lane] = openLaneNamed(lane, old.earlier);
      });
      if (!done.ok) lanes[lane] = old;
      return done;
    },
    trimmable: () => [lanes.scan, lanes.telemetry].some((lane) => lane.trimmable() >= TRIM_ROWS),
    trim: () =>
      attemptDeleting(() => {
        for (const lane of [lanes.scan, lanes.telemetry])
          if (lane.trimmable() >= TRIM_ROWS) lane.trim(TRIM_ROWS);
      }),
    reserve: ballast.take,
    close(how) {
      given.close();
      if (how === "abandoned") return abandon(db);
      try {
        db.exec("UPDATE life SET clean = 1");
      } catch (error) {
        // A full disk, say. The next start then checks the file, and that is all.
        refusal(error);
      }
      abandon(db);
    },
  };
}

/** Tells the next start to trust nothing. On a file that is beyond that, it sees for itself. */
function suspect(db: Database): void {
  try {
    db.exec(`UPDATE life SET clean = ${SUSPECT}`);
  } catch {
    return;
  }
}

function alteredInAny(db: Database): string | undefined {
  return alteredIn(db, "scan") ?? alteredIn(db, "telemetry");
}

type Numbers = { readonly firstSeq: number; readonly lastSeq: number };

/** Only for numbers whose transaction has been committed. */
function asPut(answer: Numbers | Refusal): Put {
  if (typeof answer === "string") return { ok: false, why: answer };
  return { ok: true, commit: answer as Committed };
}

/** What a failed transaction means for the caller. Throws what is no failure of the disk. */
function refusal(error: unknown): Flushed {
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  if (!code.startsWith("SQLITE_")) throw error;
  if (isCorrupt(code)) throw new Fault("STORE_CORRUPT", detail, { cause: error });
  if (code === "SQLITE_FULL") return { ok: false, why: "full", detail };
  if (code.startsWith("SQLITE_BUSY")) return { ok: false, why: "busy", detail };
  if (/^SQLITE_(IOERR|CANTOPEN|READONLY|NOMEM|PROTOCOL)/.test(code))
    return { ok: false, why: "failed", detail: `${code}: ${detail}` };
  throw error;
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? "");
}

/**
 * Forgets quarantined messages up to and including an id, once a person has exported or judged them.
 * Returns how many. No gateway may have the file open: it counts its quarantine in memory.
 */
export function clearQuarantine(path: string, throughId: number): number {
  const db = openOutboxFile(path);
  try {
    return db.prepare<[number]>("DELETE FROM quarantine WHERE id <= ?").run(throughId).changes;
  } finally {
    abandon(db);
  }
}

/** What waits and what was evicted, for a person: beside a running gateway or without one. */
export type OutboxInspector = {
  lane(lane: Lane): LaneState & {
    readonly evictions: readonly { firstSeq: number; lastSeq: number; atMs: number }[];
  };
  /** Whether the last gateway on this file closed it. A running one has not. */
  readonly clean: boolean;
  /** Events that wait, from `fromSeq` on, as src/wire encodes them. */
  events(
    lane: Lane,
    fromSeq: number,
  ): Iterable<{ readonly seq: number; readonly bytes: Uint8Array }>;
  quarantineCount(): { readonly rows: number; readonly bytes: number };
  quarantine(fromId: number): Iterable<QuarantineRow>;
  close(): void;
};

/** Throws Fault DATA_UNREADABLE, STORE_NEWER or STORE_CORRUPT. Changes nothing. */
export function openOutboxInspector(path: string): OutboxInspector {
  const db = readOutboxFile(path);
  const evictions = db.prepare<[string], { firstSeq: number; lastSeq: number; atMs: number }>(
    `SELECT first_seq AS firstSeq, last_seq AS lastSeq, at_ms AS atMs FROM evicted
      WHERE lane = ? ORDER BY first_seq`,
  );
  /** Of this epoch. */
  const evictionsOf = (lane: Lane) => {
    const { behind } = readMarks(db, lane);
    return evictions
      .all(lane)
      .filter(({ firstSeq }) => firstSeq > behind)
      .map((one) => ({ ...one, firstSeq: one.firstSeq - behind, lastSeq: one.lastSeq - behind }));
  };
  // One snapshot: a gateway may be writing or deleting between two of our questions.
  const look = db.transaction((lane: Lane) => ({
    ...asState(lane, readMarks(db, lane), readLife(db).boot),
    evictions: evictionsOf(lane),
  }));
  const startOf = db.transaction((lane: Lane) => {
    const { gone, behind } = readMarks(db, lane);
    return { gone, behind };
  });
  return {
    lane: look,
    clean: readLife(db).clean === 1,
    *events(lane, fromSeq) {
      const page = db.prepare<[number], { seq: number; bytes: Uint8Array }>(
        `SELECT seq, event AS bytes FROM ${lane} WHERE seq >= ? ORDER BY seq LIMIT 256`,
      );
      const { gone, behind } = startOf(lane);
      let next = Math.max(fromSeq + behind, gone + 1);
      for (;;) {
        const rows = page.all(next);
        for (const { seq, bytes } of rows) yield { seq: seq - behind, bytes };
        const last = rows.at(-1);
        if (last === undefined) return;
        next = last.seq + 1;
      }
    },
    quarantineCount: () => countQuarantine(db),
    quarantine: (fromId) => readQuarantine(db, fromId),
    close: () => db.close(),
  };
}
