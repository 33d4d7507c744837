/**
 * Buckets as the chart's columns. Where nothing was measured the line breaks: a straight line over a
 * silent hour would claim readings that never came.
 */
import type { Bucket } from "../twin-api.ts";

export type Columns = [
  seconds: number[],
  max: (number | null)[],
  min: (number | null)[],
  mean: (number | null)[],
];

/** A pause of this many usual distances is a gap. */
const GAP_DISTANCES = 3;

export function columnsOf(buckets: readonly Bucket[]): Columns {
  const times = buckets.map(({ time }) => Date.parse(time) / 1_000);
  const distances = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const usual = distances.toSorted((a, b) => a - b)[Math.floor(distances.length / 2)] ?? 0;
  const columns: Columns = [[], [], [], []];
  for (const [index, { max, min, mean }] of buckets.entries()) {
    const time = times[index] ?? 0;
    const before = times[index - 1];
    if (before !== undefined && time - before > GAP_DISTANCES * usual)
      push(columns, (before + time) / 2, null, null, null);
    push(columns, time, max, min, mean);
  }
  return columns;
}

function push(
  [seconds, maxima, minima, means]: Columns,
  time: number,
  max: number | null,
  min: number | null,
  mean: number | null,
): void {
  seconds.push(time);
  maxima.push(max);
  minima.push(min);
  means.push(mean);
}
