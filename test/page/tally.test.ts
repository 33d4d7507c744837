/** How a count's progress follows from the scans that the page hears of. */
import { expect, test } from "vitest";
import { tallyOf } from "../../src/web/count/tally.ts";
import type { Scanned } from "../../src/web/live-event.ts";

const SHELF = "414/9521234001003/254/R1-S1";
const EXPECTED = new Set(["253/A", "253/B"]);
let second = 0;

test("a count begins with its place after the mark, and tells seen from unexpected", () => {
  const scans = [scan("253/A"), mark("start"), scan(SHELF, "shelf"), scan("253/A"), scan("253/C")];
  const tally = tallyOf(SHELF, EXPECTED, scans);
  expect(tally).toMatchObject({ begun: scans[2]?.time, ended: false });
  expect([...tally.seen]).toEqual(["253/A"]);
  expect(tally.unexpected.map(({ key }) => key)).toEqual(["253/C"]);
});

test("what is scanned twice is seen once, and places are no things that are counted", () => {
  const scans = [mark("start"), scan(SHELF, "shelf"), scan("253/A"), scan("253/A"), scan("253/C")];
  const tally = tallyOf(SHELF, EXPECTED, [...scans, scan("253/C"), scan("414/1/254/R1", "rack")]);
  expect([tally.seen.size, tally.unexpected.length]).toEqual([1, 1]);
});

test("scans of another scanner, of another place's count and after the end are not its own", () => {
  const begun = [mark("start"), scan(SHELF, "shelf"), scan("253/A")];
  const other = { ...scan("253/B"), scanner: "scn-2" };
  expect(tallyOf(SHELF, EXPECTED, [...begun, other]).seen.size).toBe(1);
  const after = tallyOf(SHELF, EXPECTED, [
    ...begun,
    mark("end"),
    scan(SHELF, "shelf"),
    scan("253/B"),
  ]);
  expect([after.ended, after.seen.size]).toEqual([true, 1]);
  const elsewhere = [mark("start"), scan("414/1/254/R9", "shelf"), scan("253/B")];
  expect(tallyOf(SHELF, EXPECTED, elsewhere).begun).toBeUndefined();
});

test("a count that begins again counts from nothing", () => {
  const scans = [
    mark("start"),
    scan(SHELF, "shelf"),
    scan("253/A"),
    mark("start"),
    scan(SHELF, "shelf"),
  ];
  expect(tallyOf(SHELF, EXPECTED, scans).seen.size).toBe(0);
});

function scan(key: string, kind: "page" | "shelf" | "rack" = "page"): Scanned {
  const thing = { key, kind, elementString: key, name: null };
  return { ...heard(key), thing };
}

function mark(word: "start" | "end"): Scanned {
  return { ...heard(`]C0CMD:COUNT:${word}`), why: "count" };
}

function heard(code: string): Scanned {
  second += 1;
  const time = new Date(second * 1_000).toISOString();
  return { kind: "scan", time, scanner: "scn-1", code, thing: null, why: null, understood: true };
}
