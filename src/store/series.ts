/**
 * Sensor readings as series: one per (gateway, device, property, unit), queryable by time.
 *
 * The same reading delivered again (same series, the device's own time, same value) is one row. A
 * reading timed by the gateway has its position as a tie-breaker instead: two equal values within a
 * millisecond are two readings. Beside the readings, minutes hold min, max, sum and count, so that a
 * year costs what half a million rows cost. Sums grow in the order of positions, whatever the steps
 * of deriving were, so that a rebuild gives the same rows to the bit.
 *
 * Of a series with a range (ranges.ts) each new reading is compared with it, as it is written.
 */
import { assert } from "../kernel/assert.ts";
import type { Database } from "./database.ts";
import {
  isOutside,
  openOutsideSince,
  openRanges,
  type Range,
  rangesSchema,
  type SaidRange,
} from "./ranges.ts";

export const seriesSchema = `
  CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    gateway TEXT NOT NULL,
    device TEXT NOT NULL,
    property TEXT NOT NULL,
    unit TEXT NOT NULL,
    last_time_ms INTEGER NOT NULL,
    last_value REAL NOT NULL,
    readings INTEGER NOT NULL,
    UNIQUE (gateway, device, property, unit)
  ) STRICT;
  CREATE INDEX series_by_device ON series (device, property);
  CREATE TABLE reading (
    series INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    value REAL NOT NULL,
    tie INTEGER NOT NULL,
    PRIMARY KEY (series, time_ms, value, tie)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE minute (
    series INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    min REAL NOT NULL,
    max REAL NOT NULL,
    sum REAL NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (series, minute)
  ) STRICT, WITHOUT ROWID;
  ${rangesSchema}
`;

const MINUTE_MS = 60_000;
/** Series whose rows are held, at some 700 bytes: a site may have millions, one for each telephone that goes past. */
const OPEN_MAX = 16_384;
export const SERIES_POINTS_MAX = 2000;

export type SeriesName = {
  readonly gateway: string;
  readonly device: string;
  readonly property: string;
  /** UCUM code. */
  readonly unit: string;
};

export type TimedReading = SeriesName & {
  readonly timeMs: number;
  readonly value: number;
  /** 0 when the device timed it, else the position of its event. */
  readonly tie: number;
  /** Of its event. */
  readonly position: number;
};

/** A series went outside of its range, or is within it again. */
export type AlarmChange = SeriesName & {
  readonly state: "begun" | "ended";
  /** Of the reading that made the change, or of the last one where the range was changed. */
  readonly timeMs: number;
  readonly value: number;
  readonly sinceMs: number;
  /** Null: there is no range any more. */
  readonly range: Range | null;
  readonly position: number;
};

export type Settled = {
  /** The last new reading of each series; one that was held already is not new. */
  readonly readings: readonly TimedReading[];
  /** Of each series the last, and the one before it where both came at once. */
  readonly alarms: readonly AlarmChange[];
};

export type SeriesWriter = {
  add(reading: TimedReading): void;
  /** Within a transaction: from here on, whatever was read before. `position` is of the statement. */
  allow(range: SaidRange, position: number): void;
  /** Within a transaction: writes what was added, series by series, as that touches each page once. */
  settle(): Settled;
};

/** After a transaction that was rolled back the writer is wrong about the file: open another. */
export function openSeriesWriter(db: Database): SeriesWriter {
  const find = db.prepare<[string, string, string, string], SeriesRow>(
    `SELECT id, last_time_ms, last_value, readings FROM series
     WHERE gateway = ? AND device = ? AND property = ? AND unit = ?`,
  );
  const addSeries = db.prepare<[string, string, string, string, number, number], SeriesRow>(
    `INSERT INTO series (gateway, device, property, unit, last_time_ms, last_value, readings)
     VALUES (?, ?, ?, ?, ?, ?, 0) RETURNING id, last_time_ms, last_value, readings`,
  );
  const setSeries = db.prepare<[number, number, number, number]>(
    "UPDATE series SET last_time_ms = ?, last_value = ?, readings = ? WHERE id = ?",
  );
  const addReading = db.prepare<[number, number, number, number]>(
    "INSERT OR IGNORE INTO reading VALUES (?, ?, ?, ?)",
  );
  const findMinute = db.prepare<[number, number], MinuteRow>(
    "SELECT min, max, sum, count FROM minute WHERE series = ? AND minute = ?",
  );
  const setMinute = db.prepare<[number, number, number, number, number, number]>(
    "INSERT OR REPLACE INTO minute VALUES (?, ?, ?, ?, ?, ?)",
  );
  const ofProperty = db.prepare<[string, string, string], { unit: string }>(
    "SELECT unit FROM series WHERE device = ? AND property = ? AND gateway = ?",
  );
  const ranges = openRanges(db);
  const outsideSince = openOutsideSince(db);
  const rows = new Map<string, OpenSeries>();
  let alarms: AlarmChange[] = [];
  const touched = new Set<OpenSeries>();

  function seriesOf(reading: SeriesName & { timeMs: number; value: number }): OpenSeries {
    const { gateway, device, property, unit } = reading;
    const name = `${gateway}\n${device}\n${property}\n${unit}`;
    const known = rows.get(name);
    if (known !== undefined) return known;
    const row =
      find.get(gateway, device, property, unit) ??
      addSeries.get(gateway, device, property, unit, reading.timeMs, reading.value);
    assert(row !== undefined, "a series has a row");
    const range = ranges.of(gateway, device, property, unit);
    // Of a new one the row has the value of a reading that is yet to be written.
    const sinceMs =
      row.readings > 0 && range !== undefined && isOutside(row.last_value, range)
        ? (outsideSince(row.id, range) ?? row.last_time_ms)
        : undefined;
    const opened = { ...row, name: { gateway, device, property, unit }, minutes: new Map() };
    const series: OpenSeries = { ...opened, added: [], changes: [], range, sinceMs };
    rows.set(name, series);
    return series;
  }

  /** The last reading decides; `at` is of what made it so. */
  function judge(series: OpenSeries, range: Range, at: Omit<TimedReading, keyof SeriesName>): void {
    const isOut = isOutside(at.value, range);
    if (isOut === (series.sinceMs !== undefined)) return;
    const { timeMs, value, position } = at;
    const sinceMs = series.sinceMs ?? timeMs;
    series.sinceMs = isOut ? timeMs : undefined;
    const state = isOut ? "begun" : "ended";
    series.changes.push({ ...series.name, state, timeMs, value, sinceMs, range, position });
  }

  /** What went back and forth at once is told by its end. */
  function takeChanges(series: OpenSeries): void {
    const { changes } = series;
    if (changes.length > 0) alarms.push(...changes.slice(changes.length % 2 === 0 ? -2 : -1));
    series.changes = [];
  }

  function minuteOf(series: OpenSeries, minute: number): MinuteRow {
    const known = series.minutes.get(minute);
    if (known !== undefined) return known;
    const row = findMinute.get(series.id, minute) ?? {
      min: Number.POSITIVE_INFINITY,
      max: Number.NEGATIVE_INFINITY,
      sum: 0,
      count: 0,
    };
    series.minutes.set(minute, row);
    return row;
  }

  /** Returns whether it is new. */
  function write(series: OpenSeries, reading: TimedReading): boolean {
    const { timeMs, value, tie } = reading;
    if (addReading.run(series.id, timeMs, value, tie).changes === 0) return false;
    series.readings += 1;
    if (timeMs >= series.last_time_ms) {
      series.last_time_ms = timeMs;
      series.last_value = value;
      if (series.range !== undefined) judge(series, series.range, reading);
    }
    const minute = minuteOf(series, Math.floor(timeMs / MINUTE_MS));
    minute.min = Math.min(minute.min, value);
    minute.max = Math.max(minute.max, value);
    minute.sum += value;
    minute.count += 1;
    return true;
  }

  return {
    add(reading) {
      const series = seriesOf(reading);
      series.added.push(reading);
      touched.add(series);
    },

    allow(said, position) {
      ranges.say(said);
      const { gateway, device, property } = said;
      for (const { unit } of ofProperty.all(device, property, gateway)) {
        const series = seriesOf({ gateway, device, property, unit, timeMs: 0, value: 0 });
        const range = ranges.of(gateway, device, property, unit);
        series.range = range;
        const wasOutside = series.sinceMs;
        const isOut =
          range !== undefined && series.readings > 0 && isOutside(series.last_value, range);
        series.sinceMs = isOut
          ? (outsideSince(series.id, range) ?? series.last_time_ms)
          : undefined;
        if (isOut === (wasOutside !== undefined)) continue;
        const { last_time_ms: timeMs, last_value: value, name } = series;
        const sinceMs = series.sinceMs ?? wasOutside ?? timeMs;
        const state = isOut ? "begun" : "ended";
        const change = { ...name, state, timeMs, value, sinceMs, range: range ?? null } as const;
        alarms.push({ ...change, position });
      }
    },

    settle() {
      const news: TimedReading[] = [];
      for (const series of touched) {
        const last = series.added.filter((reading) => write(series, reading)).at(-1);
        series.added = [];
        takeChanges(series);
        if (last === undefined) continue;
        news.push(last);
        setSeries.run(series.last_time_ms, series.last_value, series.readings, series.id);
        for (const [minute, { min, max, sum, count }] of series.minutes)
          setMinute.run(series.id, minute, min, max, sum, count);
        series.minutes.clear();
      }
      touched.clear();
      // All is written: what is met again is read from the file.
      if (rows.size > OPEN_MAX) rows.clear();
      const told = alarms;
      alarms = [];
      return { readings: news, alarms: told };
    },
  };
}

type SeriesRow = { id: number; last_time_ms: number; last_value: number; readings: number };
type MinuteRow = { min: number; max: number; sum: number; count: number };
type OpenSeries = SeriesRow & {
  readonly name: SeriesName;
  readonly minutes: Map<number, MinuteRow>;
  added: TimedReading[];
  changes: AlarmChange[];
  range: Range | undefined;
  /** When it went outside; undefined: it is not, or there is no range. */
  sinceMs: number | undefined;
};

export type SeriesState = SeriesName & {
  readonly readings: number;
  readonly last: { readonly timeMs: number; readonly value: number };
  /** Undefined: nobody said what is allowed in this unit. */
  readonly range: Range | undefined;
  /** Since when the series is outside of its range; undefined: it is not. */
  readonly outsideSinceMs: number | undefined;
};

export type Bucket = {
  /** Its beginning. */
  readonly timeMs: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
};

export type SeriesAnswers = {
  list(limit: number): readonly SeriesState[];
  /** How many series of each gateway with ranges are outside of them. */
  outside(): readonly { readonly gateway: string; readonly count: number }[];
  /** Buckets over [fromMs, toMs); undefined when there is no such series. */
  data(
    which: { device: string; property: string; gateway?: string; unit?: string },
    span: { fromMs: number; toMs: number; points: number },
  ): { readonly series: SeriesName; readonly buckets: readonly Bucket[] } | undefined;
};

export function openSeriesAnswers(db: Database): SeriesAnswers {
  // Those with a range come before any others: names that somebody made up are to hide no alarm.
  const all = db.prepare<[{ limit: number }], ListedSeries>(
    `WITH wanted AS (
       SELECT id, 0 AS place FROM allowed_range JOIN series USING (gateway, device, property, unit)
       UNION ALL SELECT id, 1 FROM (
         SELECT id FROM series ORDER BY device, property, gateway, unit LIMIT @limit))
     SELECT id, gateway, device, property, unit, readings, last_time_ms AS timeMs,
       last_value AS value, low, high
     FROM (SELECT id FROM wanted GROUP BY id ORDER BY min(place), id LIMIT @limit)
       CROSS JOIN series USING (id)
       LEFT JOIN allowed_range USING (gateway, device, property, unit)
     ORDER BY device, property, gateway, unit`,
  );
  const outside = db.prepare<[], { gateway: string; count: number }>(
    `SELECT gateway, sum(coalesce(last_value < low, 0) OR coalesce(last_value > high, 0)) AS count
     FROM allowed_range JOIN series USING (gateway, device, property, unit)
     GROUP BY gateway ORDER BY gateway`,
  );
  const outsideSince = openOutsideSince(db);
  const named = db.prepare<
    [string, string, string | null, string | null],
    SeriesName & { id: number }
  >(
    `SELECT id, gateway, device, property, unit FROM series
     WHERE device = ? AND property = ? AND gateway = coalesce(?, gateway) AND unit = coalesce(?, unit)
     ORDER BY last_time_ms DESC, id LIMIT 1`,
  );
  // Large numbers are bound as REAL; buckets need whole division.
  const whole = `WITH span AS (SELECT CAST(@fromMs AS INTEGER) AS from_ms,
    CAST(@toMs AS INTEGER) AS to_ms, CAST(@width AS INTEGER) AS width)`;
  const fromReadings = db.prepare<[Span], Bucket>(
    `${whole} SELECT from_ms + (time_ms - from_ms) / width * width AS timeMs,
       min(value) AS min, max(value) AS max, avg(value) AS mean, count(*) AS count
     FROM span, reading WHERE series = @series AND time_ms >= from_ms AND time_ms < to_ms
     GROUP BY 1 ORDER BY 1`,
  );
  const fromMinutes = db.prepare<[Span], Bucket>(
    `${whole} SELECT from_ms + (minute * ${MINUTE_MS} - from_ms) / width * width AS timeMs,
       min(min) AS min, max(max) AS max, sum(sum) / sum(count) AS mean, sum(count) AS count
     FROM span, minute WHERE series = @series
       AND minute >= from_ms / ${MINUTE_MS} AND minute < (to_ms + ${MINUTE_MS - 1}) / ${MINUTE_MS}
     GROUP BY 1 ORDER BY 1`,
  );

  return {
    list: (limit) =>
      all.all({ limit }).map(({ id, timeMs, value, low, high, ...state }) => {
        const range = low === null && high === null ? undefined : { low, high };
        const isOut = range !== undefined && isOutside(value, range);
        const outsideSinceMs = isOut ? outsideSince(id, range) : undefined;
        return { ...state, last: { timeMs, value }, range, outsideSinceMs };
      }),
    outside: () => outside.all(),

    data({ device, property, gateway, unit }, { fromMs, toMs, points }) {
      const found = named.get(device, property, gateway ?? null, unit ?? null);
      if (found === undefined) return undefined;
      const { id, ...series } = found;
      const width = Math.max(1, Math.ceil((toMs - fromMs) / Math.min(points, SERIES_POINTS_MAX)));
      // Buckets of whole minutes, on whole minutes, are exact from the minutes alone.
      const coarse = width >= 2 * MINUTE_MS;
      const span = coarse ? onMinutes({ fromMs, toMs, width }) : { fromMs, toMs, width };
      const query = coarse ? fromMinutes : fromReadings;
      return { series, buckets: query.all({ series: id, ...span }) };
    },
  };
}

type ListedSeries = SeriesName &
  Range & {
    readonly id: number;
    readonly readings: number;
    readonly timeMs: number;
    readonly value: number;
  };

type Span = {
  readonly series: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly width: number;
};

function onMinutes({ fromMs, toMs, width }: Omit<Span, "series">): Omit<Span, "series"> {
  return {
    fromMs: Math.floor(fromMs / MINUTE_MS) * MINUTE_MS,
    toMs,
    width: Math.ceil(width / MINUTE_MS) * MINUTE_MS,
  };
}
