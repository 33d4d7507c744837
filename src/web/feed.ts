/**
 * The feed: what happened lately, newest first, never more than ROWS_MAX rows.
 *
 * Readings come far more often than moves. Those that follow one another share one row, which shows
 * the latest value of each series, so that a warm day does not wash the moves away. A scan that was
 * a sighting becomes one row with it.
 */
import type { Found, LiveEvent, Moved, Read, Scanned, Seen } from "./live-event.ts";

export const ROWS_MAX = 200;
const READINGS_MAX = 12;
/** How far back the scan of a sighting is looked for. */
const SCAN_ROWS_BACK = 4;

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
  if (event.kind !== "seen") return false;
  for (let at = rows.length - 1; at >= Math.max(0, rows.length - SCAN_ROWS_BACK); at--) {
    const row = rows[at];
    if (row?.kind !== "event" || row.event.kind !== "scan") continue;
    if (row.event.thing?.key !== event.where.key) continue;
    rows[at] = { ...row, event: { ...event, scanner: row.event.scanner } };
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
