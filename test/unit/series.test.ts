import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { openSeriesAnswers, openSeriesWriter, seriesSchema } from "../../src/store/series.ts";

const MINUTE_MS = 60_000;

test("the same reading delivered again is one reading; another value at the same time is another", () => {
  const { add, data } = series();
  add([0, 20], [0, 20], [0, 21]);

  expect(data(0, 1_000, 1)).toEqual([{ timeMs: 0, min: 20, max: 21, mean: 20.5, count: 2 }]);
});

test("equal values that the gateway timed within one millisecond are as many readings", () => {
  const { add, data } = series();
  add([0, 20, 7], [0, 20, 8]);

  expect(data(0, 1_000, 1)).toMatchObject([{ count: 2 }]);
});

test("buckets begin at the span's beginning, hold what falls in, and empty ones are left out", () => {
  const { add, data } = series();
  add([1_000, 1], [1_900, 3], [2_000, 5], [4_500, 7], [5_000, 9]);

  expect(data(1_000, 5_000, 4)).toEqual([
    { timeMs: 1_000, min: 1, max: 3, mean: 2, count: 2 },
    { timeMs: 2_000, min: 5, max: 5, mean: 5, count: 1 },
    { timeMs: 4_000, min: 7, max: 7, mean: 7, count: 1 },
  ]);
});

test("a long span answers the same from minutes as from the readings", () => {
  const { add, data } = series();
  const day = Array.from({ length: 2_000 }, (_, n) => [n * 43_210, (n * 7) % 31] as const);
  add(...day);

  const widthMs = 30 * MINUTE_MS;
  const expected = Array.from({ length: 48 }, (_, bucket) => {
    const values = day
      .filter(([timeMs]) => Math.floor(timeMs / widthMs) === bucket)
      .map(([, value]) => value);
    return [bucket * widthMs, values.length, Math.max(...values)];
  });
  const buckets = data(0, 48 * widthMs, 48);
  expect(buckets.map(({ timeMs, count, max }) => [timeMs, count, max])).toEqual(
    expected.filter(([, count]) => count !== 0),
  );
});

test("today's times, which need more than 32 bits, are divided as whole numbers", () => {
  const { add, data } = series();
  const nowMs = 1_763_800_000_123;
  add([nowMs, 1], [nowMs + 999, 2]);

  expect(data(nowMs, nowMs + 2_000, 2).map(({ timeMs }) => timeMs)).toEqual([nowMs]);
});

test("a late reading does not become the last one", () => {
  const { add, answers } = series();
  add([2_000, 5]);
  add([1_000, 4]);

  expect(answers.list(10)).toMatchObject([{ readings: 2, last: { timeMs: 2_000, value: 5 } }]);
});

test("rows do not depend on how the work was cut into steps", () => {
  const values = Array.from({ length: 50 }, (_, n) => [n * 100, 0.1 * n] as const);
  const whole = series();
  whole.add(...values);
  const cut = series();
  for (const value of values) cut.add(value);

  expect(cut.rows()).toEqual(whole.rows());
});

function series() {
  const db = new Sqlite(":memory:");
  db.exec(seriesSchema);
  const writer = openSeriesWriter(db);
  const answers = openSeriesAnswers(db);
  const which = { device: "thermo-1", property: "temperature" };
  return {
    answers,
    add(...readings: (readonly [timeMs: number, value: number, tie?: number])[]) {
      for (const [timeMs, value, tie = 0] of readings)
        writer.add({ gateway: "gw", ...which, unit: "Cel", timeMs, value, tie, position: tie });
      writer.settle();
    },
    data: (fromMs: number, toMs: number, points: number) =>
      answers.data(which, { fromMs, toMs, points })?.buckets ?? [],
    rows: () =>
      ["series", "reading", "minute"].map((table) => db.prepare(`SELECT * FROM ${table}`).all()),
  };
}
