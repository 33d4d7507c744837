/**
 * The feed: what happened lately, newest first, never more than ROWS_MAX rows.
 *
 * Readings come far more often than moves. Those that follow one another share one row, which shows
 * the latest value of each series, so that a warm day does not wash the moves away. A scan that was
 * a sighting becomes one row with it, and a move one with a mere note about it.
 */
import type { Found, LiveEvent, Moved, Read, Scanned, Seen } from "./live-event.ts";

export const ROWS_MAX = 200;
const READINGS_MAX = 12;
/** How far back the row is looked for that an event belongs to. */
const ROWS_BACK = 12;

export type FeedRow =
  | { readonly kind: "event"; readonly n: number; readonly event: Moved | Seen | Scanned | Found }
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
    if (join(rows, event)) continue;
    if (event.kind === "reading")
      rows.push({ kind: "readings", n: nextN, count: 1, latest: [event] });
    else rows.push({ kind: "event", n: nextN, event });
    nextN += 1;
  }
  return { rows: rows.slice(-ROWS_MAX).reverse(), nextN };
}

/** Makes the event part of a row that is there; false when it needs a row of its own. */
function join(rows: FeedRow[], event: LiveEvent): boolean {
  const newest = rows.at(-1);
  if (event.kind === "reading" && newest?.kind === "readings") {
    rows[rows.length - 1] = withReading(newest, event);
    return true;
  }
  switch (event.kind) {
    case "seen": {
      const { key } = event.where;
      return change(rows, ({ event: scan }) =>
        scan.kind === "scan" && scan.thing?.key === key
          ? { ...event, scanner: scan.scanner }
          : undefined,
      );
    }
    case "discrepancy": {
      const { severity, subject, reason } = event.discrepancy;
      if (severity !== "info") return false;
      return change(rows, ({ event: move }) =>
        move.kind === "moved" && move.where.key === subject ? { ...move, note: reason } : undefined,
      );
    }
    default:
      return false;
  }
}

type EventRow = FeedRow & { kind: "event" };

/** Changes the newest row that `next` has something for; false when there is none nearby. */
function change(rows: FeedRow[], next: (row: EventRow) => EventRow["event"] | undefined): boolean {
  for (let at = rows.length - 1; at >= Math.max(0, rows.length - ROWS_BACK); at--) {
    const row = rows[at];
    const event = row?.kind === "event" ? next(row) : undefined;
    if (row?.kind !== "event" || event === undefined) continue;
    rows[at] = { ...row, event };
    return true;
  }
  return false;
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

export type Choice = "moves" | "scans" | "readings" | "problems";

export function choiceOf(row: FeedRow): Choice | undefined {
  switch (row.kind) {
    case "readings":
      return "readings";
    case "gap":
      return undefined;
    case "event":
      if (row.event.kind === "moved") return "moves";
      if (row.event.kind === "discrepancy") return "problems";
      return row.event.kind === "scan" && !row.event.understood ? "problems" : "scans";
  }
}
