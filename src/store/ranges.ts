/**
 * What is allowed of a property of a device, as a person said it, and since when a series is outside.
 *
 * A series stands as its last reading does: outside of its range it is in alarm, on or within the limits
 * it is not. Nothing of an alarm is written down, so that it is the same after a restart, after a rebuild,
 * and after the range itself was changed: it began with the first reading outside that none within follows.
 * There is no hysteresis for the same reason; whoever wants one says a wider range.
 */
import type { Database } from "./database.ts";

export const rangesSchema = `
  CREATE TABLE allowed_range (
    gateway TEXT NOT NULL,
    device TEXT NOT NULL,
    property TEXT NOT NULL,
    unit TEXT NOT NULL,
    low REAL,
    high REAL,
    PRIMARY KEY (gateway, device, property)
  ) STRICT, WITHOUT ROWID;
`;

/** Null: no limit on this side. */
export type Range = { readonly low: number | null; readonly high: number | null };
/** `unit` is a UCUM code; readings in another unit are not compared. */
export type SaidRange = Range & {
  readonly gateway: string;
  readonly device: string;
  readonly property: string;
  readonly unit: string;
};

export function isOutside(value: number, { low, high }: Range): boolean {
  return (low !== null && value < low) || (high !== null && value > high);
}

/** What a statement of master data says; undefined when it says nothing that can be compared. */
export function rangeIn(json: string): SaidRange | undefined {
  let said: unknown;
  try {
    said = JSON.parse(json);
  } catch {
    return undefined;
  }
  const { gateway, device, property, unit, low, high } = (said ?? {}) as Record<string, unknown>;
  if (typeof gateway !== "string" || typeof device !== "string") return undefined;
  if (typeof property !== "string" || typeof unit !== "string") return undefined;
  return { gateway, device, property, unit, low: limitOf(low), high: limitOf(high) };
}

function limitOf(said: unknown): number | null {
  return typeof said === "number" && Number.isFinite(said) ? said : null;
}

export function openRanges(db: Database) {
  const find = db.prepare<[string, string, string, string], Range>(
    "SELECT low, high FROM allowed_range WHERE gateway = ? AND device = ? AND property = ? AND unit = ?",
  );
  const put = db.prepare<[SaidRange]>(
    `INSERT OR REPLACE INTO allowed_range VALUES
       (@gateway, @device, @property, @unit, @low, @high)`,
  );
  const lift = db.prepare<[string, string, string]>(
    "DELETE FROM allowed_range WHERE gateway = ? AND device = ? AND property = ?",
  );
  return {
    of: (gateway: string, device: string, property: string, unit: string) =>
      find.get(gateway, device, property, unit),
    /** Within a transaction. Without a limit there is no range any more. */
    say(said: SaidRange): void {
      const { gateway, device, property, low, high } = said;
      if (low === null && high === null) lift.run(gateway, device, property);
      else put.run(said);
    },
  };
}

/** A page of what was said, in the order of gateway, device and property, for the register. */
export function readRanges(db: Database) {
  const page = db.prepare<[string, number], SaidRange>(
    `SELECT * FROM allowed_range WHERE gateway || char(10) || device || char(10) || property > ?
     ORDER BY gateway || char(10) || device || char(10) || property LIMIT ?`,
  );
  const units = db
    .prepare<[string, string, string], string>(
      "SELECT unit FROM series WHERE gateway = ? AND device = ? AND property = ? ORDER BY unit",
    )
    .pluck();
  return {
    page: (cursor: string, limit: number) =>
      page.all(cursor, limit).map((range) => {
        const { gateway, device, property } = range;
        return { cursor: `${gateway}\n${device}\n${property}`, range };
      }),
    /** Units in which this was ever read. */
    units: (gateway: string, device: string, property: string): readonly string[] =>
      units.all(gateway, device, property),
  };
}

const MINUTE_MS = 60_000;

type Bounds = {
  readonly series: number;
  readonly low: number | null;
  readonly high: number | null;
};

/** When it went outside, of a series whose last reading is. Costs a look at each minute since. */
export function openOutsideSince(db: Database) {
  const minutes = db
    .prepare<[Bounds], number>(
      `SELECT minute FROM minute WHERE series = @series
         AND NOT (coalesce(min > @high, 0) OR coalesce(max < @low, 0)) ORDER BY minute DESC`,
    )
    .pluck();
  const within = db
    .prepare<[Bounds & { readonly fromMs: number }], number | null>(
      `SELECT max(time_ms) FROM reading WHERE series = @series
         AND time_ms >= @fromMs AND time_ms < @fromMs + ${MINUTE_MS}
         AND NOT (coalesce(value > @high, 0) OR coalesce(value < @low, 0))`,
    )
    .pluck();
  const firstAfter = db
    .prepare<[number, number], number | null>(
      "SELECT min(time_ms) FROM reading WHERE series = ? AND time_ms > ?",
    )
    .pluck();

  return (series: number, { low, high }: Range): number | undefined => {
    for (const minute of minutes.iterate({ series, low, high })) {
      const lastMs = within.get({ series, low, high, fromMs: minute * MINUTE_MS });
      if (typeof lastMs === "number") return firstAfter.get(series, lastMs) ?? undefined;
    }
    return firstAfter.get(series, Number.MIN_SAFE_INTEGER) ?? undefined;
  };
}
