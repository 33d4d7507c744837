/**
 * What the rows of a lane tell of the starts of the program before this one: which events a device may send
 * again, as it never heard that they are on disk.
 */
import type { Lane, LastScan } from "../ports.ts";
import { decodeEvent, type Event, WireError } from "../wire/codec.ts";
import type { Database } from "./database.ts";
import { createRetransmissionWindow, type RetransmissionWindow } from "./retransmission-window.ts";

/** PUBACK follows a commit within milliseconds: this is a wide margin. */
const LAST_MS = 5_000;
/** A device comes back within so long, or is not held to what it sent before (gateway/unsure.ts). */
const LAST_STARTS_MS = 120_000;
const LAST_ROWS_MAX = 65_536;
/** How long a device may take to repeat what it sent before a start, with the mark that says so. */
const EARLIER_MS = 86_400_000;
/** An operator who heard no answer scans again, perhaps after a restart of the box. */
const LAST_SCAN_MS = 120_000;

/** The rows by starts of the program, which follow one another. */
function startsOf(db: Database, name: Lane) {
  const first = db.prepare<[], number>(`SELECT min(seq) FROM ${name}`).pluck().get();
  const last = db.prepare<[], number>(`SELECT max(seq) FROM ${name}`).pluck().get();
  const rowAt = db.prepare<[number], Buffer>(`SELECT event FROM ${name} WHERE seq = ?`).pluck();
  const eventAt = (seq: number): Event | undefined => {
    const row = rowAt.get(seq);
    return row === undefined ? undefined : understood(row);
  };
  /** The first seq of a start or of a later one, `from` being of it. */
  const beginOf = (boot: number, from: number): number => {
    let [low, high] = [first ?? from, from];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((eventAt(middle)?.boot ?? boot) < boot) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return { first, last, eventAt, beginOf };
}

export type EarlierStarts = {
  seqOf(origin: bigint): number | undefined;
  /** The next call may delete rows: from here on these are known without them. */
  read(): RetransmissionWindow;
  /** What was read, for who goes on with the file. */
  readonly known: RetransmissionWindow | undefined;
};

/** The last rows of starts before this one, of the last day before it: read when they are asked for. */
export function earlierStarts(
  db: Database,
  name: Lane,
  {
    boot,
    rowsMax,
    known: knownBefore,
  }: {
    readonly boot: number;
    readonly rowsMax: number;
    /** As it was read before by this process. */
    readonly known: RetransmissionWindow | undefined;
  },
): EarlierStarts {
  let known = knownBefore;
  const read = (): RetransmissionWindow => {
    known ??= readEarlier(db, name, { boot, rowsMax });
    return known;
  };
  return {
    read,
    seqOf: (origin) => read().seqOf(origin),
    get known() {
      return known;
    },
  };
}

function readEarlier(
  db: Database,
  name: Lane,
  { boot, rowsMax }: { readonly boot: number; readonly rowsMax: number },
): RetransmissionWindow {
  const { first, last, eventAt, beginOf } = startsOf(db, name);
  const newest = last == null ? undefined : eventAt(last);
  const isOwn = newest !== undefined && newest.boot >= boot;
  const endSeq = isOwn ? beginOf(boot, last ?? 0) - 1 : (last ?? 0);
  const beginSeq = Math.max(first ?? 1, endSeq - rowsMax + 1);
  const known = createRetransmissionWindow(endSeq - beginSeq + 1);
  const rows = db
    .prepare<[number, number], [bigint, Buffer, bigint]>(
      `SELECT seq, event, origin FROM ${name}
        WHERE seq BETWEEN ? AND ? AND origin IS NOT NULL ORDER BY seq DESC`,
    )
    .raw()
    .safeIntegers();
  let end: Event | undefined;
  for (const [seq, event, origin] of rows.iterate(beginSeq, endSeq)) {
    const row = understood(event);
    if (row === undefined || row.boot >= boot) continue;
    end ??= row;
    // Of one start the time that passed is known, whatever was done to the clock.
    const agoMs =
      row.boot === end.boot
        ? end.monotonicMs - row.monotonicMs
        : Math.abs(end.gatewayTimeMs - row.gatewayTimeMs);
    if (agoMs <= EARLIER_MS) known.add(Number(seq), origin);
  }
  return known;
}

/**
 * Rows that may have been committed and not acknowledged: of each start of the program those of the moment
 * before its end, by their own time. A device may find the gateway again only after several starts.
 * Oldest first.
 */
export function lastOrigins(db: Database, name: Lane): readonly bigint[] {
  const { first, last, eventAt, beginOf } = startsOf(db, name);
  const rowsDown = db
    .prepare<[number, number], { event: Buffer; origin: bigint | null }>(
      `SELECT event, origin FROM ${name} WHERE seq <= ? AND seq >= ? ORDER BY seq DESC`,
    )
    .safeIntegers();
  const found: bigint[] = [];
  const newestMs = last == null ? undefined : eventAt(last)?.gatewayTimeMs;
  for (let seq = last ?? 0, rows = 0; first != null && seq >= first && rows < LAST_ROWS_MAX; ) {
    const end = eventAt(seq);
    if (end === undefined || newestMs === undefined) break;
    if (Math.abs(newestMs - end.gatewayTimeMs) > LAST_STARTS_MS) break;
    const begin = beginOf(end.boot, seq);
    for (const { event, origin } of rowsDown.iterate(seq, begin)) {
      rows += 1;
      const timeMs = understood(event)?.gatewayTimeMs;
      if (rows > LAST_ROWS_MAX || (timeMs ?? 0) < end.gatewayTimeMs - LAST_MS) break;
      if (origin !== null) found.push(origin);
    }
    seq = begin - 1;
  }
  return found.reverse();
}

/** The last scan of each device that scanned in the last minutes before the newest row. */
export function lastScans(db: Database, name: Lane): readonly LastScan[] {
  const rows = db
    .prepare<[number], Buffer>(`SELECT event FROM ${name} ORDER BY seq DESC LIMIT ?`)
    .pluck();
  const found = new Map<string, LastScan>();
  let sinceMs: number | undefined;
  for (const bytes of rows.iterate(LAST_ROWS_MAX)) {
    const event = understood(bytes);
    if (event === undefined) continue;
    const { gatewayTimeMs, device, body } = event;
    sinceMs ??= gatewayTimeMs - LAST_SCAN_MS;
    if (gatewayTimeMs < sinceMs) break;
    if (body.kind !== "scan" || found.has(device)) continue;
    found.set(device, { device, frame: Uint8Array.from(body.sent ?? body.raw), gatewayTimeMs });
  }
  return [...found.values()];
}

/** Undefined when the bytes are not understood: no reason for a gateway not to start. */
function understood(event: Uint8Array): Event | undefined {
  try {
    return decodeEvent(event);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
