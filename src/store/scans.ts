/**
 * From scans as they come in to assertions: decoding, clock correction, sessions. A scan that comes
 * in its turn costs one step of its scanner's session. One that fills a hole, a clock offset that
 * turns out smaller, a label that gets a meaning later: the part of the past concerned is derived
 * again, and only what then differs is withdrawn and put.
 */
import { correct } from "../reconcile/clock.ts";
import type { Policies } from "../reconcile/policies.ts";
import type { Read } from "../reconcile/session.ts";
import type { EventId } from "../wire/codec.ts";
import { eventText } from "./assertions.ts";
import { bootClocksSchema, type Learnt, openBootClocks } from "./boot-clocks.ts";
import type { Database } from "./database.ts";
import { type Heart, PART } from "./heart.ts";
import { openReads, readsSchema, type ScannerRecord, type Span } from "./reads.ts";
import { openScanIndex, type PlacedScan, scanIndexSchema } from "./scan-index.ts";
import type { ScanSource, StoredScan } from "./scan-source.ts";
import { openSessions, sessionsSchema } from "./sessions.ts";

export const scansSchema = `
  ${scanIndexSchema}
  ${readsSchema}
  ${sessionsSchema}
  ${bootClocksSchema}
  -- Reads that name nothing yet, the first of each: an alias may give them a meaning.
  CREATE TABLE nameless (
    value TEXT NOT NULL,
    stream INTEGER NOT NULL,
    scanner TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (value, stream, scanner)
  ) STRICT, WITHOUT ROWID;
`;

export type ScanEntry = EventId &
  StoredScan & {
    /** 0: nothing is learnt from it of the gateway's clock. */
    readonly sentAtMs: number;
    readonly sentMonotonicMs: number;
    /** Start of the gateway that sent it: only its own clock tells about the clock of the scan. */
    readonly sentBoot: number;
  };

/** What happened to a scan when it came in. */
export type Taken =
  | { readonly kind: "repeat" }
  | { readonly kind: "conflict" }
  | { readonly kind: "taken"; readonly timeMs: number; readonly read: Read };

export type ScansOptions = {
  readonly source: ScanSource;
  /** Sessions are kept after so many scans, to be understood again from there. */
  readonly markScans?: number;
};

const MARK_SCANS = 512;

export function openScans(
  db: Database,
  heart: Heart,
  policies: Policies,
  { source, markScans = MARK_SCANS }: ScansOptions,
) {
  const sql = statements(db);
  const toleranceMs = policies.clockSkewToleranceSeconds * 1000;
  const clocks = openBootClocks(db, toleranceMs);
  const index = openScanIndex(db, heart.words);
  const reads = openReads(db, heart, policies.scanOrderDefault);
  const sessions = openSessions(db, { heart, policies, index, source, reads, markScans });

  function take(entry: ScanEntry): Taken {
    const { gateway, epoch, seq, scanner } = entry;
    const stream = heart.ledger.streamOf(gateway, epoch);
    const inTurn = seq > heart.lastOf(stream);
    const known = inTurn ? undefined : index.get(stream, seq);
    if (known) return again(stream, known, entry);

    const learnt = clocks.learn(stream, entry);
    const isSettled = learnt.changedFrom === undefined && learnt.noLongerFirst === undefined;
    const floor = inTurn ? index.last(stream) : index.before(stream, seq);
    const { timeMs, skew } = correct(entry, learnt.clock, floor?.timeMs ?? 0, toleranceMs);
    heart.sequence(entry, timeMs);

    const read = reads.read(gateway, scanner, entry.code, timeMs);
    if (read.kind === "nothing") sql.nameless.run(entry.code, stream, scanner, seq);
    const moment = { gateway, epoch, seq, timeMs };
    if (inTurn && isSettled && sessions.isNext(gateway, scanner, moment)) {
      index.append(stream, { seq, timeMs, scanner, skew });
      sessions.advance(entry, moment, read);
      if (skew !== "") noteSkew(stream, entry, entry, timeMs, skew);
    } else
      for (const [one, span] of recorrect(stream, entry, learnt))
        sessions.again(gateway, one, span);
    return { kind: "taken", timeMs, read };
  }

  /** Sent twice: the same again is nothing, anything else with this name is a conflict. */
  function again(stream: number, { timeMs }: PlacedScan, entry: ScanEntry): Taken {
    const { gateway, epoch, seq } = entry;
    const first = source.scan(entry);
    const same =
      first.code === entry.code &&
      first.gatewayTimeMs === entry.gatewayTimeMs &&
      first.scanner === entry.scanner &&
      first.step === entry.step &&
      first.marker === entry.marker &&
      first.operator === entry.operator;
    if (same) return { kind: "repeat" };
    const name = { gateway, epoch, seq };
    const noted = heart.ledger.ofScans(stream, seq, seq).some(({ part }) => part === PART.conflict);
    const reason = `${eventText(name)} came again with other content; the first is kept`;
    if (!noted) heart.note(name, PART.conflict, timeMs, "id_conflict", reason);
    return { kind: "conflict" };
  }

  /**
   * Corrected times of a numbering from one scan on, with the new one among them, as far as they
   * change: times of one gateway never go back, and the clock of the new scan's boot may be known
   * better than before. Returns what changed for each scanner.
   */
  function recorrect(
    stream: number,
    entry: ScanEntry,
    { changedFrom, noLongerFirst = 0 }: Learnt,
  ): ReadonlyMap<string, Span> {
    const { gateway, epoch } = entry;
    const fromSeq = Math.min(entry.seq, changedFrom ?? entry.seq);
    const mayChange = ({ boot }: StoredScan, seq: number) =>
      seq < noLongerFirst || (changedFrom !== undefined && boot === entry.boot);
    const spans = new Map<string, Span>();
    const changed: PlacedScan[] = [];
    let floorMs = index.before(stream, fromSeq)?.timeMs ?? 0;

    function place(scan: StoredScan, seq: number, old: PlacedScan | undefined): boolean {
      const clock = clocks.clockOf(stream, scan.boot);
      const { timeMs, skew } = correct(scan, clock, floorMs, toleranceMs);
      floorMs = timeMs;
      noteSkew(stream, { gateway, epoch, seq }, scan, timeMs, skew);
      if (timeMs === old?.timeMs && skew === old.skew) return false;
      const { scanner } = scan;
      changed.push({ seq, timeMs, scanner, skew });
      const span = spans.get(scanner);
      spans.set(scanner, {
        fromMs: Math.min(timeMs, old?.timeMs ?? timeMs, span?.fromMs ?? timeMs),
        untilMs: Math.max(timeMs, old?.timeMs ?? timeMs, span?.untilMs ?? timeMs),
      });
      return true;
    }

    let placed = false;
    for (const old of index.from(stream, fromSeq)) {
      if (!placed && old.seq > entry.seq) {
        place(entry, entry.seq, undefined);
        placed = true;
      }
      const scan = source.scan({ gateway, epoch, seq: old.seq });
      const moved = place(scan, old.seq, old);
      if (!moved && placed && !mayChange(scan, old.seq)) break;
    }
    if (!placed) place(entry, entry.seq, undefined);
    index.change(stream, changed);
    return spans;
  }

  /** A clock found wrong: once for a setting of it that is out, and for each scan that jumps. */
  function noteSkew(
    stream: number,
    { gateway, epoch, seq }: EventId,
    scan: StoredScan,
    timeMs: number,
    skew: PlacedScan["skew"],
  ): void {
    const whole = skew === "offset" || skew === "no-clock";
    const part = whole ? PART.bootSkew : PART.skew;
    const wanted = whole ? clocks.isFirst(stream, scan, seq) : skew !== "";
    const standing = heart.ledger
      .ofScans(stream, seq, seq)
      .filter((a) => a.part === PART.skew || a.part === PART.bootSkew);
    const right = standing.find((a) => wanted && a.part === part && a.timeMs === timeMs);
    for (const a of standing) if (a !== right) heart.withdraw(a.id);
    if (!wanted || right) return;
    heart.note({ gateway, epoch, seq }, part, timeMs, "clock_skew", REASONS[skew] ?? skew);
  }

  return {
    take,
    /** What the scanner scanned before is understood again only where it was set so already then. */
    setScanner(gateway: string, id: string, record: ScannerRecord, sinceMs: number): void {
      const span = reads.setScanner(gateway, id, record, sinceMs);
      const lastMs = sessions.lastMs(gateway, id);
      if (lastMs > 0 && lastMs >= span.fromMs) sessions.again(gateway, id, span);
    },
    /** A read that named nothing has got a meaning: its sessions are understood again. */
    rederiveNameless(value: string): void {
      const since = new Map<string, number>();
      for (const { gateway, scanner, stream, seq } of sql.namelessOf.all(`%${value}%`)) {
        const name = `${gateway}\n${scanner}`;
        const fromMs = index.get(stream, seq)?.timeMs ?? 0;
        since.set(name, Math.min(fromMs, since.get(name) ?? fromMs));
      }
      for (const [name, fromMs] of since) {
        const [gateway = "", scanner = ""] = name.split("\n");
        sessions.again(gateway, scanner, { fromMs, untilMs: Number.MAX_SAFE_INTEGER });
      }
    },
    flush(): void {
      index.flush();
      sessions.flush();
    },
    forget(): void {
      clocks.forget();
      index.forget();
      reads.forget();
      sessions.forget();
    },
  };
}

export type Scans = ReturnType<typeof openScans>;

const REASONS: Readonly<Record<string, string>> = {
  offset: "its clock is out; times are corrected",
  "no-clock": "it had no trusted time; times are taken from its running time",
  back: "its clock went back",
  future: "its clock is ahead of the time of receipt",
};

function statements(db: Database) {
  return {
    nameless: db.prepare(
      `INSERT INTO nameless VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET seq = min(seq, excluded.seq)`,
    ),
    namelessOf: db.prepare<
      [string],
      { gateway: string; scanner: string; stream: number; seq: number }
    >(
      `SELECT stream.gateway, nameless.scanner, nameless.stream, nameless.seq FROM nameless
       JOIN stream ON stream.id = nameless.stream WHERE nameless.value LIKE ?`,
    ),
  };
}
