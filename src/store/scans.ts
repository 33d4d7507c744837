/**
 * From scans as they come in to assertions: decoding, clock correction, sessions. A scan that comes
 * in its turn costs one step of its scanner's session. One that fills a hole, a clock offset that
 * turns out smaller, a label that gets a meaning later: these derive the scanners concerned again,
 * and only what then differs is withdrawn and put.
 */
import { decodeScan } from "../barcode/decode.ts";
import { assert } from "../kernel/assert.ts";
import { type BootClock, correct, isClockless, sharpen } from "../reconcile/clock.ts";
import type { Policies, ScanOrder } from "../reconcile/policies.ts";
import {
  IDLE,
  type Read,
  type Scan,
  type ScannerSetting,
  type Session,
  understand,
} from "../reconcile/session.ts";
import type { EventId } from "../wire/codec.ts";
import type { Database } from "./database.ts";
import { type Heart, PART } from "./heart.ts";
import { type Draft, eventText } from "./ledger.ts";

export const scansSchema = `
  CREATE TABLE scan (
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    scanner TEXT NOT NULL,
    boot INTEGER NOT NULL,
    gateway_ms INTEGER NOT NULL,
    monotonic_ms INTEGER NOT NULL,
    unsynced INTEGER NOT NULL,
    taken_in_ms INTEGER NOT NULL,
    time INTEGER NOT NULL,
    skew TEXT NOT NULL,
    code TEXT NOT NULL,
    step TEXT NOT NULL,
    operator TEXT NOT NULL,
    marker TEXT NOT NULL,
    empty INTEGER NOT NULL,
    document INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (stream, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE boot (
    stream INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    first INTEGER NOT NULL,
    offset_ms INTEGER,
    monotonic_offset_ms INTEGER,
    PRIMARY KEY (stream, boot)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE scanner (
    gateway TEXT NOT NULL,
    id TEXT NOT NULL,
    setting TEXT NOT NULL,
    PRIMARY KEY (gateway, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE session (
    gateway TEXT NOT NULL,
    scanner TEXT NOT NULL,
    time INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (gateway, scanner)
  ) STRICT, WITHOUT ROWID;
  -- Reads that name nothing yet: an alias may give them a meaning.
  CREATE TABLE nameless (
    value TEXT NOT NULL,
    stream INTEGER NOT NULL,
    scanner TEXT NOT NULL,
    PRIMARY KEY (value, stream, scanner)
  ) STRICT, WITHOUT ROWID;
`;

export type ScanEntry = EventId & {
  readonly position: number;
  readonly takenInAtMs: number;
  /** 0: the batch did not say. */
  readonly sentAtMs: number;
  readonly sentMonotonicMs: number;
  /** Start of the gateway that sent it: only its own clock tells about the clock of the scan. */
  readonly sentBoot: number;
  readonly boot: number;
  readonly gatewayTimeMs: number;
  readonly monotonicMs: number;
  readonly unsynced: boolean;
  readonly scanner: string;
  readonly code: string;
  readonly step: string;
  readonly operator: string;
  readonly marker: string;
  readonly confirmedEmpty: boolean;
  readonly documentMode: boolean;
};

/** What happened to a scan when it came in. */
export type Taken =
  | { readonly kind: "repeat" }
  | { readonly kind: "conflict" }
  | { readonly kind: "taken"; readonly timeMs: number; readonly read: Read };

export type ScannerRecord = {
  readonly aim?: boolean | undefined;
  readonly step?: string | undefined;
  readonly order?: ScanOrder | undefined;
  readonly operator?: string | undefined;
  readonly place?: number | undefined;
};

type ScanRow = {
  stream: number;
  seq: number;
  scanner: string;
  boot: number;
  gateway_ms: number;
  monotonic_ms: number;
  unsynced: number;
  taken_in_ms: number;
  time: number;
  skew: string;
  code: string;
  step: string;
  operator: string;
  marker: string;
  empty: number;
  document: number;
};

type Boot = BootClock & { readonly first: number };
type Running = { session: Session; timeMs: number; seq: number; epoch: string; dirty: boolean };

export function openScans(db: Database, heart: Heart, policies: Policies) {
  const sql = statements(db);
  const toleranceMs = policies.clockSkewToleranceSeconds * 1000;
  const boots = new Map<string, Boot>();
  const floors = new Map<number, number>();
  const settings = new Map<string, ScannerRecord>();
  const running = new Map<string, Running>();
  const { things } = heart;

  function settingOf(gateway: string, scanner: string): ScannerRecord {
    const name = `${gateway}\n${scanner}`;
    const cached = settings.get(name);
    if (cached) return cached;
    const text = sql.setting.get(gateway, scanner);
    const setting = text === undefined ? {} : (JSON.parse(text) as ScannerRecord);
    settings.set(name, setting);
    return setting;
  }

  function scannerSetting(gateway: string, scanner: string): ScannerSetting {
    const { step = "", order, operator = "", place = 0 } = settingOf(gateway, scanner);
    return { step, order: order ?? policies.scanOrderDefault, operator, place };
  }

  function read(gateway: string, scanner: string, code: string): Read {
    const { aim } = settingOf(gateway, scanner);
    const decoded = decodeScan(code, aim === undefined ? { aim: code.startsWith("]") } : { aim });
    switch (decoded.kind) {
      case "key": {
        const { key } = decoded;
        if (decoded.class === "ginc" || decoded.class === "gsin" || decoded.class === "gln")
          return foreign(code, `(${decoded.ai}) names no thing`);
        const thing = things.ensure(key);
        return { kind: "thing", thing, what: things.kind(thing, key), key };
      }
      case "alias": {
        const thing = things.aliased(decoded.value) ?? things.aliased(code);
        if (thing !== undefined) {
          const { kind, key } = heart.ledger.thing(thing);
          return { kind: "thing", thing, what: kind, key };
        }
        if (decoded.carriers.length > 0) return NOTHING;
        return foreign(code, "names nothing that is known here");
      }
      case "command": {
        const value =
          decoded.command === "step"
            ? decoded.step
            : decoded.command === "order"
              ? decoded.order
              : decoded.command === "mode"
                ? decoded.mode
                : decoded.command === "count"
                  ? decoded.mark
                  : "";
        return { kind: "command", command: decoded.command, value };
      }
      case "misread":
        return { kind: "nothing", finding: "misread", subject: code, reason: decoded.why };
      case "unknown": {
        const thing = things.aliased(code);
        if (thing === undefined) return foreign(code, decoded.why);
        const { kind, key } = heart.ledger.thing(thing);
        return { kind: "thing", thing, what: kind, key };
      }
    }
  }

  function foreign(code: string, reason: string): Read {
    return { kind: "nothing", finding: "unknown_identifier", subject: code, reason };
  }

  function bootOf(stream: number, entry: ScanEntry): Boot {
    const name = `${stream}/${entry.boot}`;
    const known = boots.get(name) ??
      bootFrom(sql.boot.get(stream, entry.boot)) ?? {
        first: entry.seq,
        offsetMs: undefined,
        monotonicOffsetMs: undefined,
      };
    const first = Math.min(known.first, entry.seq);
    const clock = entry.sentBoot === entry.boot ? sharpen(known, entry) : known;
    if (clock === known && first === known.first && boots.has(name)) return known;
    const now = { first, offsetMs: clock.offsetMs, monotonicOffsetMs: clock.monotonicOffsetMs };
    boots.set(name, now);
    const { offsetMs, monotonicOffsetMs } = now;
    sql.putBoot.run(stream, entry.boot, first, offsetMs ?? null, monotonicOffsetMs ?? null);
    return now;
  }

  function effective(clock: BootClock | undefined, unsynced: boolean): number {
    if (unsynced) return clock?.monotonicOffsetMs ?? 0;
    const offset = clock?.offsetMs ?? 0;
    return Math.abs(offset) > toleranceMs ? offset : 0;
  }

  function take(entry: ScanEntry): Taken {
    const { gateway, epoch, seq, scanner } = entry;
    const stream = heart.ledger.streamOf(gateway, epoch);
    const inTurn = seq > heart.lastOf(stream);
    const known = inTurn ? undefined : sql.scan.get(stream, seq);
    if (known) return again(known, entry);

    const bootName = `${stream}/${entry.boot}`;
    const clockBefore = boots.get(bootName) ?? bootFrom(sql.boot.get(stream, entry.boot));
    const boot = bootOf(stream, entry);
    const clockless = isClockless(entry);
    const sharper =
      clockBefore !== undefined && effective(clockBefore, clockless) !== effective(boot, clockless);

    const floor = floors.get(stream) ?? sql.floor.get(stream) ?? 0;
    const { timeMs, skew } = correct(
      entry,
      boot,
      inTurn ? floor : floorBefore(stream, seq),
      toleranceMs,
    );
    putRow(stream, entry, timeMs, skew);
    heart.sequence(entry, timeMs);

    const meaning = read(gateway, scanner, entry.code);
    if (meaning.kind === "nothing") sql.nameless.run(entry.code, stream, scanner);
    const current = runningOf(gateway, scanner);
    const inOrder =
      timeMs > current.timeMs ||
      (timeMs === current.timeMs && epoch === current.epoch && seq > current.seq);
    if (inTurn && !sharper && inOrder) {
      floors.set(stream, timeMs);
      advance(current, gateway, scanner, entry, timeMs, meaning);
      if (skew !== "") noteSkew(stream, entry, timeMs, skew, boot);
    } else {
      const changed = recorrect(stream, sharper ? boot.first : seq);
      for (const one of changed.add(scanner)) rederive(gateway, one);
    }
    return { kind: "taken", timeMs, read: meaning };
  }

  /** Sent twice: the same again is nothing, anything else with this name is a conflict. */
  function again(known: ScanRow, entry: ScanEntry): Taken {
    const same =
      known.code === entry.code &&
      known.gateway_ms === entry.gatewayTimeMs &&
      known.scanner === entry.scanner &&
      known.step === entry.step &&
      known.marker === entry.marker &&
      known.operator === entry.operator;
    if (same) return { kind: "repeat" };
    const name = { gateway: entry.gateway, epoch: entry.epoch, seq: entry.seq };
    const noted = heart.ledger
      .ofScans(known.stream, entry.seq, entry.seq)
      .some(({ part }) => part === PART.conflict);
    const reason = `${eventText(name)} came again with other content; the first is kept`;
    if (!noted) heart.note(name, PART.conflict, known.time, "id_conflict", reason);
    return { kind: "conflict" };
  }

  function advance(
    current: Running,
    gateway: string,
    scanner: string,
    entry: ScanEntry,
    timeMs: number,
    meaning: Read,
  ): void {
    const { epoch, seq } = entry;
    const { drafts, undo, next } = draw(
      current.session,
      gateway,
      scanner,
      { ...entry, timeMs },
      meaning,
    );
    current.session = next;
    current.timeMs = timeMs;
    current.seq = seq;
    current.epoch = epoch;
    current.dirty = true;
    for (const draft of drafts) heart.put(draft);
    if (undo) heart.void({ gateway, ...undo }, eventText({ gateway, epoch, seq }), "undo");
  }

  function draw(
    session: Session,
    gateway: string,
    scanner: string,
    scan: Omit<Scan, "read"> & { readonly takenInAtMs: number },
    meaning: Read,
  ) {
    const { timeMs, epoch, seq } = scan;
    const { next, acts, undo, step, operator } = understand(
      session,
      { ...scan, read: meaning },
      scannerSetting(gateway, scanner),
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
    return { next, drafts, undo };
  }

  function runningOf(gateway: string, scanner: string): Running {
    const name = `${gateway}\n${scanner}`;
    const cached = running.get(name);
    if (cached) return cached;
    const row = sql.session.get(gateway, scanner);
    const now: Running = row
      ? {
          session: JSON.parse(row.state) as Session,
          timeMs: row.time,
          seq: row.seq,
          epoch: row.epoch,
          dirty: false,
        }
      : { session: IDLE, timeMs: 0, seq: 0, epoch: "", dirty: false };
    running.set(name, now);
    return now;
  }

  function putRow(stream: number, entry: ScanEntry, timeMs: number, skew: string): void {
    sql.putScan.run(
      stream,
      entry.seq,
      entry.scanner,
      entry.boot,
      entry.gatewayTimeMs,
      entry.monotonicMs,
      entry.unsynced ? 1 : 0,
      entry.takenInAtMs,
      timeMs,
      skew,
      entry.code,
      entry.step,
      entry.operator,
      entry.marker,
      entry.confirmedEmpty ? 1 : 0,
      entry.documentMode ? 1 : 0,
      entry.position,
    );
  }

  function floorBefore(stream: number, seq: number): number {
    return sql.floorBefore.get(stream, seq) ?? 0;
  }

  /** Corrected times of a numbering from one scan on. Times of one gateway never go back. */
  function recorrect(stream: number, fromSeq: number): Set<string> {
    const changed = new Set<string>();
    let floor = floorBefore(stream, fromSeq);
    const { gateway, epoch } = streamName(stream);
    for (const row of sql.scansFrom.all(stream, fromSeq)) {
      const boot = boots.get(`${stream}/${row.boot}`) ?? bootFrom(sql.boot.get(stream, row.boot));
      assert(boot !== undefined, "a scan has a boot");
      const { timeMs, skew } = correct(stampOf(row), boot, floor, toleranceMs);
      floor = timeMs;
      if (timeMs !== row.time || skew !== row.skew) {
        sql.retime.run(timeMs, skew, stream, row.seq);
        changed.add(row.scanner);
      }
      noteSkew(stream, { gateway, epoch, seq: row.seq }, timeMs, skew, boot);
    }
    floors.set(stream, floor);
    return changed;
  }

  /** A clock found wrong: once for a boot whose offset is out, and for each scan that jumps. */
  function noteSkew(
    stream: number,
    { gateway, epoch, seq }: EventId,
    timeMs: number,
    skew: string,
    boot: Boot,
  ): void {
    const whole = skew === "offset" || skew === "no-clock";
    const part = whole ? PART.bootSkew : PART.skew;
    const wanted = whole ? seq === boot.first : skew !== "";
    const standing = heart.ledger
      .ofScans(stream, seq, seq)
      .filter((a) => a.part === PART.skew || a.part === PART.bootSkew);
    const right = standing.find((a) => wanted && a.part === part && a.timeMs === timeMs);
    for (const a of standing) if (a !== right) heart.withdraw(a.id);
    if (!wanted || right) return;
    heart.note({ gateway, epoch, seq }, part, timeMs, "clock_skew", REASONS[skew] ?? skew);
  }

  function streamName(stream: number): { gateway: string; epoch: string } {
    const name = sql.streamName.get(stream);
    assert(name !== undefined, "a numbering has a name");
    return name;
  }

  /** The sessions of a scanner from their beginning; what differs is withdrawn and put. */
  function rederive(gateway: string, scanner: string): void {
    const rows = sql.scansOf
      .all(gateway, scanner)
      .sort((a, b) => a.time - b.time || a.seq - b.seq || (a.epoch < b.epoch ? -1 : 1));
    const now: Running = { session: IDLE, timeMs: 0, seq: 0, epoch: "", dirty: true };
    for (const row of rows) {
      const { epoch, seq, time: timeMs } = row;
      const meaning = read(gateway, scanner, row.code);
      const { drafts, undo, next } = draw(now.session, gateway, scanner, scanOf(row), meaning);
      Object.assign(now, { session: next, timeMs, seq, epoch });
      replace(row.stream, seq, drafts);
      replaceUndo({ gateway, epoch, seq }, undo && { gateway, ...undo });
    }
    running.set(`${gateway}\n${scanner}`, now);
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
          JSON.stringify(draft.act) === JSON.stringify(a.act),
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
    take,
    setScanner(gateway: string, id: string, record: ScannerRecord): void {
      settings.delete(`${gateway}\n${id}`);
      sql.putSetting.run(gateway, id, JSON.stringify(record));
    },
    /** A read that named nothing has got a meaning: its sessions are understood again. */
    rederiveNameless(value: string): void {
      for (const { gateway, scanner } of sql.namelessOf.all(`%${value}%`))
        rederive(gateway, scanner);
    },
    flush(): void {
      for (const [name, now] of running) {
        if (!now.dirty) continue;
        const [gateway = "", scanner = ""] = name.split("\n");
        sql.putSession.run(
          gateway,
          scanner,
          now.timeMs,
          now.seq,
          now.epoch,
          JSON.stringify(now.session),
        );
        now.dirty = false;
      }
    },
    forget(): void {
      boots.clear();
      floors.clear();
      settings.clear();
      running.clear();
    },
  };
}

export type Scans = ReturnType<typeof openScans>;

/** A carrier's number where none is expected: kept, visible, and without consequence. */
const NOTHING: Read = { kind: "nothing", finding: "", subject: "", reason: "" };

const REASONS: Readonly<Record<string, string>> = {
  offset: "its clock is out; times are corrected",
  "no-clock": "it had no trusted time; times are taken from its running time",
  back: "its clock went back",
  future: "its clock is ahead of the time of receipt",
};

function scanOf(row: ScanRow & { epoch: string }) {
  return {
    timeMs: row.time,
    epoch: row.epoch,
    seq: row.seq,
    code: row.code,
    step: row.step,
    operator: row.operator,
    marker: row.marker,
    confirmedEmpty: row.empty === 1,
    documentMode: row.document === 1,
    takenInAtMs: row.taken_in_ms,
  };
}

function stampOf(row: ScanRow) {
  return {
    gatewayTimeMs: row.gateway_ms,
    monotonicMs: row.monotonic_ms,
    unsynced: row.unsynced === 1,
    takenInAtMs: row.taken_in_ms,
  };
}

function bootFrom(
  row: { first: number; offset_ms: number | null; monotonic_offset_ms: number | null } | undefined,
): Boot | undefined {
  return (
    row && {
      first: row.first,
      offsetMs: row.offset_ms ?? undefined,
      monotonicOffsetMs: row.monotonic_offset_ms ?? undefined,
    }
  );
}

function statements(db: Database) {
  return {
    scan: db.prepare<[number, number], ScanRow>("SELECT * FROM scan WHERE stream = ? AND seq = ?"),
    putScan: db.prepare(
      "INSERT INTO scan VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    ),
    retime: db.prepare("UPDATE scan SET time = ?, skew = ? WHERE stream = ? AND seq = ?"),
    scansFrom: db.prepare<[number, number], ScanRow>(
      "SELECT * FROM scan WHERE stream = ? AND seq >= ? ORDER BY seq",
    ),
    scansOf: db.prepare<[string, string], ScanRow & { epoch: string }>(
      `SELECT scan.*, stream.epoch FROM scan JOIN stream ON stream.id = scan.stream
       WHERE stream.gateway = ? AND scan.scanner = ?`,
    ),
    floor: db
      .prepare<[number], number>("SELECT time FROM scan WHERE stream = ? ORDER BY seq DESC LIMIT 1")
      .pluck(),
    floorBefore: db
      .prepare<[number, number], number>(
        "SELECT time FROM scan WHERE stream = ? AND seq < ? ORDER BY seq DESC LIMIT 1",
      )
      .pluck(),
    boot: db.prepare<
      [number, number],
      { first: number; offset_ms: number | null; monotonic_offset_ms: number | null }
    >("SELECT first, offset_ms, monotonic_offset_ms FROM boot WHERE stream = ? AND boot = ?"),
    putBoot: db.prepare("INSERT OR REPLACE INTO boot VALUES (?, ?, ?, ?, ?)"),
    setting: db
      .prepare<[string, string], string>("SELECT setting FROM scanner WHERE gateway = ? AND id = ?")
      .pluck(),
    putSetting: db.prepare("INSERT OR REPLACE INTO scanner VALUES (?, ?, ?)"),
    session: db.prepare<
      [string, string],
      { time: number; seq: number; epoch: string; state: string }
    >("SELECT time, seq, epoch, state FROM session WHERE gateway = ? AND scanner = ?"),
    putSession: db.prepare("INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?, ?, ?)"),
    streamName: db.prepare<[number], { gateway: string; epoch: string }>(
      "SELECT gateway, epoch FROM stream WHERE id = ?",
    ),
    nameless: db.prepare("INSERT OR IGNORE INTO nameless VALUES (?, ?, ?)"),
    namelessOf: db.prepare<[string], { gateway: string; scanner: string }>(
      `SELECT DISTINCT stream.gateway, nameless.scanner FROM nameless
       JOIN stream ON stream.id = nameless.stream WHERE nameless.value LIKE ?`,
    ),
  };
}
