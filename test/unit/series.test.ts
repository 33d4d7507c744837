import Sqlite from "better-sqlite3";
import { describe, expect, test } from "vitest";
import type { Range } from "../../src/store/ranges.ts";
import { openSeriesAnswers, openSeriesWriter, seriesSchema } from "../../src/store/series.ts";
import { heapBytes } from "../support/heap.ts";

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

test("as many names as a site may make up are not all held: what is read again goes on where it was", () => {
  const { add, addOf, allow, answers } = series();
  allow({ low: null, high: 25 });
  add([1_000, 26]);
  const before = heapBytes();
  for (let n = 0; n < 60_000; n++) addOf(`beacon-${n}`, [n, 20]);
  addOf("last", [0, 20]);

  // 42 MB when all were held.
  expect(heapBytes() - before).toBeLessThan(20 * 1024 * 1024);
  expect(add([2_000, 20])).toEqual(["ended 2000 20 since 1000"]);
  expect(answers.list(100_000)).toHaveLength(60_002);
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

describe("of a series with a range", () => {
  test("a reading outside begins an alarm, one within ends it, and the limits are within", () => {
    const { add, allow, answers } = series();
    allow({ low: 15, high: 25 });
    expect(add([1_000, 25])).toEqual([]);
    expect(add([2_000, 25.1], [3_000, 30])).toEqual(["begun 2000 25.1 since 2000"]);
    expect(answers.list(10)).toMatchObject([
      { range: { low: 15, high: 25 }, outsideSinceMs: 2_000 },
    ]);
    expect(answers.outside()).toEqual([{ gateway: "gw", count: 1 }]);
    expect(add([4_000, 31])).toEqual([]);
    expect(add([5_000, 15])).toEqual(["ended 5000 15 since 2000"]);
    expect(answers.list(10)).toMatchObject([{ outsideSinceMs: undefined }]);
    expect(answers.outside()).toEqual([{ gateway: "gw", count: 0 }]);
  });

  test("what went out and came back at once is told, both; a back and forth by its end", () => {
    const { add, allow } = series();
    allow({ low: null, high: 25 });
    expect(add([1_000, 20], [2_000, 26], [3_000, 24])).toEqual([
      "begun 2000 26 since 2000",
      "ended 3000 24 since 2000",
    ]);
    const shaken = Array.from(
      { length: 99 },
      (_, n) => [4_000 + n, n % 2 === 0 ? 26 : 24] as const,
    );
    expect(add(...shaken)).toEqual(["begun 4098 26 since 4098"]);
  });

  test("a reading that comes late changes nothing about how it stands", () => {
    const { add, allow } = series();
    allow({ low: null, high: 25 });
    add([5_000, 20]);
    expect(add([4_000, 40])).toEqual([]);
    add([6_000, 30]);
    expect(add([5_500, 20])).toEqual([]);
  });

  test("an alarm that stands is known after a restart, since its first reading outside", () => {
    const { add, allow, again, answers } = series();
    allow({ low: null, high: 25 });
    add([0, 26], [MINUTE_MS, 20], [MINUTE_MS + 500, 26]);
    for (let n = 2; n < 200; n++) add([n * MINUTE_MS, 26 + (n % 5)]);
    again();

    expect(answers.list(10)).toMatchObject([{ outsideSinceMs: MINUTE_MS + 500 }]);
    expect(add([200 * MINUTE_MS, 27])).toEqual([]);
    const endMs = 201 * MINUTE_MS;
    expect(add([endMs, 25])).toEqual([`ended ${endMs} 25 since ${MINUTE_MS + 500}`]);
  });

  test("is in the list, however many others there are", () => {
    const { add, addOf, allow, answers } = series();
    allow({ low: null, high: 25 });
    for (const name of ["a", "b", "c"]) addOf(name, [0, 20]);
    add([1_000, 26]);

    const listed = answers.list(2).map(({ device, outsideSinceMs }) => [device, outsideSinceMs]);
    expect(listed).toEqual([
      ["a", undefined],
      ["thermo-1", 1_000],
    ]);
  });

  test("a minute that was now above and now below is no minute within", () => {
    const { add, allow, answers } = series();
    allow({ low: 10, high: 20 });
    add([1_000, 15], [MINUTE_MS, 5], [MINUTE_MS + 1, 25], [2 * MINUTE_MS, 25]);
    expect(answers.list(10)).toMatchObject([{ outsideSinceMs: MINUTE_MS }]);
  });

  test("a range that is said, narrowed, lifted or in another unit is compared with what was read before", () => {
    const { add, allow, answers } = series();
    add([1_000, 30], [2_000, 24]);
    expect(allow({ low: null, high: 25 })).toEqual([]);
    expect(allow({ low: null, high: 23 })).toEqual(["begun 2000 24 since 1000"]);
    expect(allow({ low: null, high: 23.5 })).toEqual([]);
    expect(allow({ low: null, high: null })).toEqual(["ended 2000 24 since 1000"]);
    expect(answers.list(10)).toMatchObject([{ range: undefined }]);
    allow({ low: 0, high: 1 }, "K");
    expect(answers.list(10)).toMatchObject([{ range: undefined, outsideSinceMs: undefined }]);
  });
});

function series() {
  const db = new Sqlite(":memory:");
  db.exec(seriesSchema);
  let writer = openSeriesWriter(db);
  const answers = openSeriesAnswers(db);
  const which = { device: "thermo-1", property: "temperature" };
  const told = () =>
    writer
      .settle()
      .alarms.map(
        ({ state, timeMs, value, sinceMs }) => `${state} ${timeMs} ${value} since ${sinceMs}`,
      );
  return {
    answers,
    addOf(device: string, [timeMs, value]: readonly [timeMs: number, value: number]) {
      const one = { gateway: "gw", property: "temperature", unit: "Cel", tie: 0, position: 0 };
      writer.add({ ...one, device, timeMs, value });
      told();
    },
    add(...readings: (readonly [timeMs: number, value: number, tie?: number])[]) {
      for (const [timeMs, value, tie = 0] of readings)
        writer.add({ gateway: "gw", ...which, unit: "Cel", timeMs, value, tie, position: tie });
      return told();
    },
    allow(range: Range, unit = "Cel") {
      writer.allow({ gateway: "gw", ...which, unit, ...range }, 1);
      return told();
    },
    /** As after a restart. */
    again() {
      writer = openSeriesWriter(db);
    },
    data: (fromMs: number, toMs: number, points: number) =>
      answers.data(which, { fromMs, toMs, points })?.buckets ?? [],
    rows: () =>
      ["series", "reading", "minute"].map((table) => db.prepare(`SELECT * FROM ${table}`).all()),
  };
}
