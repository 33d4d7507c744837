/**
 * The sessions of scanners, one step for each scan that comes in its turn. When a scan of the past is
 * new, is timed otherwise or means something else, its session is understood again from the last mark
 * before it, up to where it stands again as it stood; only what then differs is withdrawn and put.
 */
import type { Policies } from "../reconcile/policies.ts";
import { IDLE, type Read, type Session, understand } from "../reconcile/session.ts";
import type { EventId } from "../wire/codec.ts";
import { compress, decompress } from "../wire/compress.ts";
import { sameAct } from "./acts.ts";
import { type Draft, eventText } from "./assertions.ts";
import type { Database } from "./database.ts";
import { type Heart, PART } from "./heart.ts";
import type { Reads, Span } from "./reads.ts";
import type { PlacedScan, ScanIndex } from "./scan-index.ts";
import type { ScanSource, StoredScan } from "./scan-source.ts";
import { openSessionLists, sessionListsSchema } from "./session-lists.ts";

export const sessionsSchema = `
  CREATE TABLE session (
    gateway TEXT NOT NULL,
    scanner TEXT NOT NULL,
    time INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    state TEXT NOT NULL,
    -- Scans since the last mark.
    unmarked INTEGER NOT NULL,
    PRIMARY KEY (gateway, scanner)
  ) STRICT, WITHOUT ROWID;
  -- Where a session stood after some of its scans.
  CREATE TABLE session_mark (
    gateway TEXT NOT NULL,
    scanner TEXT NOT NULL,
    time INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    -- Compressed: it names some thirty events that can be undone, in the same words.
    state BLOB NOT NULL,
    PRIMARY KEY (gateway, scanner, time, seq, epoch)
  ) STRICT, WITHOUT ROWID;
  ${sessionListsSchema}
`;

type Running = {
  session: Session;
  timeMs: number;
  seq: number;
  epoch: string;
  dirty: boolean;
  /** Scans since the last mark. */
  unmarked: number;
};
type Row = { time: number; seq: number; epoch: string; state: string; unmarked: number };
type Moment = EventId & { readonly timeMs: number };

/** A session is kilobytes; whatever has more is no mark of ours. */
const MARK_BYTES_MAX = 64 * 2 ** 20;

export type SessionsDeps = {
  readonly heart: Heart;
  readonly policies: Policies;
  readonly index: ScanIndex;
  readonly source: ScanSource;
  readonly reads: Reads;
  /** A mark is made after so many scans of a scanner. */
  readonly markScans: number;
};

export function openSessions(db: Database, deps: SessionsDeps) {
  const { heart, policies, index, source, reads, markScans } = deps;
  const sql = statements(db);
  const lists = openSessionLists(db);
  const running = new Map<string, Running>();

  function runningOf(gateway: string, scanner: string): Running {
    const name = `${gateway}\n${scanner}`;
    const cached = running.get(name);
    if (cached) return cached;
    const row = sql.session.get(gateway, scanner);
    const now = from(row, (state) => lists.read(gateway, scanner, state));
    running.set(name, now);
    return now;
  }

  function isNext(gateway: string, scanner: string, { timeMs, epoch, seq }: Moment): boolean {
    const last = runningOf(gateway, scanner);
    return (
      timeMs > last.timeMs || (timeMs === last.timeMs && epoch === last.epoch && seq > last.seq)
    );
  }

  /** One scan that is the next of its scanner. */
  function advance(scan: StoredScan, moment: Moment, meaning: Read): void {
    const { gateway } = moment;
    const current = runningOf(gateway, scan.scanner);
    const { drafts, undo } = go(current, scan, moment, meaning);
    for (const draft of drafts) heart.put(draft);
    if (undo) heart.void({ gateway, ...undo }, eventText(moment), "undo");
    mark(current, gateway, scan.scanner);
  }

  /** The session goes on by one scan: what that asserts. */
  function go(current: Running, scan: StoredScan, moment: Moment, meaning: Read) {
    const { gateway, epoch, seq, timeMs } = moment;
    const { next, acts, undo, step, operator } = understand(
      current.session,
      { ...scan, timeMs, epoch, seq, read: meaning },
      reads.setting(gateway, scan.scanner, timeMs),
      heart.rules,
    );
    const drafts: Draft[] = acts.map((act, part) => {
      return { timeMs, gateway, epoch, seq, part, act, step, operator };
    });
    const lateMs = scan.takenInAtMs - timeMs;
    if (
      acts.some(({ kind }) => kind !== "note") &&
      lateMs > policies.sessionTimeoutSeconds * 1000
    ) {
      const reason = `${Math.round(lateMs / 1000)} s late`;
      const act = { kind: "note", finding: "late_event", subject: gateway, reason } as const;
      drafts.push({ timeMs, gateway, epoch, seq, part: PART.late, act, step, operator });
    }
    Object.assign(current, { session: next, timeMs, seq, epoch, dirty: true });
    current.unmarked += 1;
    return { drafts, undo };
  }

  /** Not while a count runs: what was counted so far would be written again and again. */
  function mark(current: Running, gateway: string, scanner: string): void {
    const { session, timeMs, seq, epoch, unmarked } = current;
    if (unmarked < markScans || session.count !== null) return;
    const state = compress(Buffer.from(JSON.stringify(session)));
    sql.putMark.run(gateway, scanner, timeMs, seq, epoch, state);
    current.unmarked = 0;
  }

  function again(gateway: string, scanner: string, { fromMs, untilMs }: Span): void {
    const begin = sql.markBefore.get(gateway, scanner, fromMs);
    const start = begin && { ...begin, state: textOf(begin.state) };
    sql.dropMarks.run(gateway, scanner, fromMs, untilMs);
    const now = from(start);
    for (const { stream, epoch, ...placed } of scansAfter(gateway, scanner, now)) {
      const { seq, timeMs } = placed;
      const id = { gateway, epoch, seq };
      const scan = source.scan(id);
      const { drafts, undo } = go(
        now,
        scan,
        { ...id, timeMs },
        reads.read(gateway, scanner, scan.code, timeMs),
      );
      replace(stream, seq, drafts);
      replaceUndo(id, undo && { gateway, ...undo });
      const stood =
        timeMs > untilMs ? sql.markAt.get(gateway, scanner, timeMs, seq, epoch) : undefined;
      if (stood === undefined) mark(now, gateway, scanner);
      else if (textOf(stood) === JSON.stringify(now.session)) return;
      else {
        now.unmarked = markScans;
        sql.dropMarks.run(gateway, scanner, timeMs, timeMs);
        mark(now, gateway, scanner);
      }
    }
    running.set(`${gateway}\n${scanner}`, now);
  }

  /** In the order in which they happened, whichever numbering of the gateway they belong to. */
  function* scansAfter(gateway: string, scanner: string, last: Row | Running) {
    const fromMs = "timeMs" in last ? last.timeMs : last.time;
    const sources = sql.streamsOf.all(gateway).map(({ id, epoch }) => ({
      stream: id,
      epoch,
      scans: ofScanner(index.since(id, fromMs), scanner),
    }));
    const heads = sources.flatMap((one) => {
      const head = one.scans.next().value;
      return head ? [{ ...one, head }] : [];
    });
    const start = { timeMs: fromMs, seq: last.seq, epoch: last.epoch };
    while (heads.length > 0) {
      const first = heads.reduce((a, b) =>
        compare({ ...b.head, epoch: b.epoch }, { ...a.head, epoch: a.epoch }) < 0 ? b : a,
      );
      const { stream, epoch, head } = first;
      const next = first.scans.next().value;
      if (next) first.head = next;
      else heads.splice(heads.indexOf(first), 1);
      if (compare({ ...head, epoch }, start) > 0) yield { stream, epoch, ...head };
    }
  }

  function replace(stream: number, seq: number, drafts: readonly Draft[]): void {
    const standing = heart.ledger.ofScans(stream, seq, seq).filter((a) => a.part < PART.skew);
    const kept = new Set<Draft>();
    for (const a of standing) {
      const same = drafts.find(
        (draft) =>
          draft.part === a.part &&
          draft.timeMs === a.timeMs &&
          draft.step === a.step &&
          draft.operator === a.operator &&
          sameAct(draft.act, a.act),
      );
      if (same) kept.add(same);
      else heart.withdraw(a.id);
    }
    for (const draft of drafts) if (!kept.has(draft)) heart.put(draft);
  }

  function replaceUndo(name: EventId, target: EventId | undefined): void {
    const by = eventText(name);
    const standing = heart.voidedBy(by);
    const same =
      standing?.gateway === target?.gateway &&
      standing?.epoch === target?.epoch &&
      standing?.seq === target?.seq;
    if (same) return;
    if (standing) heart.unvoid(by);
    if (target) heart.void(target, by, "undo");
  }

  return {
    /** When its last scan was; 0 when it has made none. */
    lastMs: (gateway: string, scanner: string): number => runningOf(gateway, scanner).timeMs,
    isNext,
    advance,
    /** A span of a scanner's past is other than it was when it was understood. */
    again,
    flush(): void {
      for (const [name, now] of running) {
        if (!now.dirty) continue;
        const [gateway = "", scanner = ""] = name.split("\n");
        const { timeMs, seq, epoch, session, unmarked } = now;
        const state = lists.write(gateway, scanner, session);
        sql.putSession.run(gateway, scanner, timeMs, seq, epoch, state, unmarked);
        now.dirty = false;
      }
    },
    forget(): void {
      running.clear();
      lists.forget();
    },
  };
}

export type Sessions = ReturnType<typeof openSessions>;

function from(
  row: Row | undefined,
  read = (state: string) => JSON.parse(state) as Session,
): Running {
  if (row === undefined)
    return { session: IDLE, timeMs: 0, seq: 0, epoch: "", dirty: false, unmarked: 0 };
  const { time: timeMs, seq, epoch, state, unmarked } = row;
  return { session: read(state), timeMs, seq, epoch, dirty: false, unmarked };
}

function* ofScanner(
  scans: Iterable<PlacedScan>,
  scanner: string,
): Generator<PlacedScan, undefined> {
  for (const scan of scans) if (scan.scanner === scanner) yield scan;
  return undefined;
}

function textOf(state: Buffer): string {
  return Buffer.from(decompress(state, MARK_BYTES_MAX)).toString();
}

type Place = { readonly timeMs: number; readonly seq: number; readonly epoch: string };

/** Places in the fold of scans of one gateway. */
function compare(a: Place, b: Place): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  if (a.seq !== b.seq) return a.seq - b.seq;
  return a.epoch < b.epoch ? -1 : a.epoch > b.epoch ? 1 : 0;
}

function statements(db: Database) {
  const row = "SELECT time, seq, epoch, state";
  const of = "WHERE gateway = ? AND scanner = ?";
  return {
    session: db.prepare<[string, string], Row>(`${row}, unmarked FROM session ${of}`),
    putSession: db.prepare("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?, ?)"),
    markBefore: db.prepare<[string, string, number], Omit<Row, "state"> & { state: Buffer }>(
      `${row}, 0 AS unmarked FROM session_mark ${of} AND time < ? ORDER BY time DESC, seq DESC, epoch DESC LIMIT 1`,
    ),
    markAt: db
      .prepare<[string, string, number, number, string], Buffer>(
        `SELECT state FROM session_mark ${of} AND time = ? AND seq = ? AND epoch = ?`,
      )
      .pluck(),
    putMark: db.prepare("INSERT OR REPLACE INTO session_mark VALUES (?, ?, ?, ?, ?, ?)"),
    dropMarks: db.prepare(`DELETE FROM session_mark ${of} AND time BETWEEN ? AND ?`),
    streamsOf: db.prepare<[string], { id: number; epoch: string }>(
      "SELECT id, epoch FROM stream WHERE gateway = ? ORDER BY epoch",
    ),
  };
}
