/**
 * The feed: what happened lately, newest first, never more than ROWS_MAX rows.
 *
 * Readings come far more often than moves. Those that follow one another share one row, which shows
 * the latest value of each series, so that a warm day does not wash the moves away. A scan has a row
 * until it is known what it meant, then that has it: a move, or a sighting. A mere note about a move
 * stands in the row of the move. A device that is being opened is on the way to what it says next, and
 * one that fails again and again for one reason says so once. A series that trembles about its limit has
 * its last alarm and the last end of one.
 */
import type {
  Alarmed,
  Corrected,
  Found,
  LiveEvent,
  Moved,
  Read,
  Scanned,
  Seen,
  Stated,
  Told,
} from "./live-event.ts";

export const ROWS_MAX = 200;
const READINGS_MAX = 12;
/** How far back the row is looked for that an event belongs to. */
const ROWS_BACK = 24;

/** Events that have a row of their own. */
export type Shown = Moved | Seen | Scanned | Alarmed | Found | Corrected | Stated | Told;

export type FeedRow =
  | { readonly kind: "event"; readonly n: number; readonly event: Shown }
  /** `latest`: one for each series, the latest first. */
  | {
      readonly kind: "readings";
      readonly n: number;
      readonly count: number;
      readonly latest: readonly Read[];
    }
  /** Events between the rows around it are missing. */
  | { readonly kind: "gap"; readonly n: number; readonly why: string };

export type Feed = { readonly rows: readonly FeedRow[]; readonly nextN: number };

export const EMPTY: Feed = { rows: [], nextN: 1 };

export function addEvents(feed: Feed, events: readonly LiveEvent[]): Feed {
  // Oldest first while they are added, so that each lands at the end.
  const rows = feed.rows.toReversed();
  let nextN = feed.nextN;
  for (const event of events) {
    const row = rowOf(rows, event, nextN);
    if (row === undefined) continue;
    rows.push(row);
    nextN += 1;
  }
  return { rows: rows.slice(-ROWS_MAX).reverse(), nextN };
}

/** The event's own row; undefined when it became part of one that is there. */
function rowOf(rows: FeedRow[], event: LiveEvent, n: number): FeedRow | undefined {
  switch (event.kind) {
    case "reading": {
      const newest = rows.at(-1);
      if (newest?.kind !== "readings") return { kind: "readings", n, count: 1, latest: [event] };
      rows[rows.length - 1] = withReading(newest, event);
      return undefined;
    }
    case "moved":
    case "seen": {
      const at = lastIndex(
        rows,
        (row) => row.kind === "scan" && row.thing?.key === event.where.key,
      );
      const scan = at === undefined ? undefined : eventIn(rows[at]);
      if (at === undefined || scan?.kind !== "scan") return { kind: "event", n, event };
      rows.splice(at, 1);
      const { scanner, suspectedRepeat } = scan;
      const mark = suspectedRepeat && { suspectedRepeat };
      return { kind: "event", n, event: { ...event, scanner, ...mark } };
    }
    case "discrepancy": {
      const { kind, severity, subject, reason } = event.discrepancy;
      // The row of the scan says it already.
      if (
        kind === "misread" &&
        lastIndex(rows, (row) => isNotUnderstood(row, reason)) !== undefined
      )
        return undefined;
      if (severity !== "info") return { kind: "event", n, event };
      const at = lastIndex(rows, (row) => row.kind === "moved" && row.where.key === subject);
      const move = at === undefined ? undefined : rows[at];
      if (at === undefined || move?.kind !== "event" || move.event.kind !== "moved")
        return { kind: "event", n, event };
      rows[at] = { ...move, event: { ...move.event, note: reason } };
      return undefined;
    }
    case "alarm": {
      const at = lastIndex(rows, (row) => isOfSeries(row, event) && row.state === event.state);
      if (at !== undefined) rows.splice(at, 1);
      return { kind: "event", n, event };
    }
    case "device":
      return event.state === "opening" || isTold(rows, event)
        ? undefined
        : { kind: "event", n, event };
    case "scan":
    case "correction":
    case "statement":
      return { kind: "event", n, event };
  }
}

/** The newest row nearby that fits. */
function lastIndex(rows: readonly FeedRow[], fits: (event: Shown) => boolean): number | undefined {
  for (let at = rows.length - 1; at >= Math.max(0, rows.length - ROWS_BACK); at--) {
    const event = eventIn(rows[at]);
    if (event !== undefined && fits(event)) return at;
  }
  return undefined;
}

function isOfSeries(row: Shown, { gateway, device, property, unit }: Alarmed): row is Alarmed {
  if (row.kind !== "alarm" || row.gateway !== gateway || row.device !== device) return false;
  return row.property === property && row.unit === unit;
}

/** Whether the newest row nearby about this device says the same. */
function isTold(rows: readonly FeedRow[], { gateway, device, state, reason }: Told): boolean {
  const at = lastIndex(
    rows,
    (row) => row.kind === "device" && row.gateway === gateway && row.device === device,
  );
  const row = at === undefined ? undefined : eventIn(rows[at]);
  return row?.kind === "device" && row.state === state && row.reason === reason;
}

function eventIn(row: FeedRow | undefined): Shown | undefined {
  return row?.kind === "event" ? row.event : undefined;
}

function isNotUnderstood(event: Shown, why: string): boolean {
  return event.kind === "scan" && !event.understood && event.why === why;
}

/** A gap at the top of an empty feed would say nothing: nothing was claimed yet. */
export function addGap(feed: Feed, why: string): Feed {
  if (feed.rows.length === 0 || feed.rows[0]?.kind === "gap") return feed;
  const rows: FeedRow[] = [{ kind: "gap", n: feed.nextN, why }, ...feed.rows];
  return { rows: rows.slice(0, ROWS_MAX), nextN: feed.nextN + 1 };
}

function withReading(row: FeedRow & { kind: "readings" }, event: Read): FeedRow {
  const others = row.latest.filter(
    ({ device, property }) => device !== event.device || property !== event.property,
  );
  return { ...row, count: row.count + 1, latest: [event, ...others].slice(0, READINGS_MAX) };
}

const PROBLEMS: ReadonlySet<Shown["kind"]> = new Set([
  ...(["discrepancy", "statement", "device", "alarm"] as const),
]);

export type Choice = "moves" | "scans" | "readings" | "problems";

export function choiceOf(row: FeedRow): Choice | undefined {
  switch (row.kind) {
    case "readings":
      return "readings";
    case "gap":
      return undefined;
    case "event":
      if (row.event.kind === "moved" || row.event.kind === "correction") return "moves";
      if (PROBLEMS.has(row.event.kind)) return "problems";
      return row.event.kind === "scan" && !row.event.understood ? "problems" : "scans";
  }
}
