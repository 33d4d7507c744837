/** How a count's progress follows from the scans that the page hears of. */
import { describe, expect, test } from "vitest";
import { notYetSaved, readSinceStart } from "../../src/web/count/read-here.ts";
import { tallyOf } from "../../src/web/count/tally.ts";
import type { Scanned } from "../../src/web/live-event.ts";
import { codeName } from "../../src/web/scan/code.ts";
import type { ShownScan } from "../../src/web/scan/told.ts";

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

test("what is taken back is not seen any more", () => {
  const scans = [mark("start"), scan(SHELF, "shelf"), scan("253/A"), scan("253/B"), say("UNDO")];
  expect([...tallyOf(SHELF, EXPECTED, scans).seen]).toEqual(["253/A"]);
});

test("a scanner that does something else has left its count, until it counts again", () => {
  const left = [mark("start"), scan(SHELF, "shelf"), say("STEP:storing"), scan("253/A")];
  expect(tallyOf(SHELF, EXPECTED, left)).toMatchObject({ left: true, seen: new Set() });
  const back = tallyOf(SHELF, EXPECTED, [...left, say("STEP:stock_taking"), scan("253/B")]);
  expect([back.left, ...back.seen]).toEqual([false, "253/B"]);
});

test("a count that has ended is not left by whoever files again", () => {
  const scans = [mark("start"), scan(SHELF, "shelf"), mark("end"), say("STEP:storing")];
  expect(tallyOf(SHELF, EXPECTED, scans)).toMatchObject({ ended: true, left: false });
});

describe("what this device has read since its count began", () => {
  const shelf = read("]d24149521234001003254R1-S1", "saved");
  const begin = read("CMD:COUNT:start", "saved");
  const before = read("]d22539521234000013N00009P01", "saved");

  test("is nothing before the first thing, so that an empty place can be told", () => {
    expect(readSinceStart([shelf, begin, before])).toEqual([]);
    expect(readSinceStart([begin, before])).toEqual([]);
  });

  test("is each label, misread ones too, so that a full shelf is not called empty without a network", () => {
    const page = read("]d22539521234000013N00001P01", "kept");
    const misread = read("]d2253952", "kept");
    const scans = [misread, page, shelf, begin, before];
    expect(readSinceStart(scans)).toEqual([misread, page]);
    expect(notYetSaved(readSinceStart(scans))).toEqual(["N00001P01"]);
    expect(notYetSaved([{ ...page, mark: "saved" }])).toEqual([]);
  });
});

function read(code: string, mark: ShownScan["mark"]): ShownScan {
  return { id: code, mark, name: codeName(code), timeMs: 0, verdict: undefined };
}

function say(command: string): Scanned {
  return { ...heard(`CMD:${command}`), why: "command" };
}

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
