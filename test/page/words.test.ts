/** How keys, barcodes, units, instants and silences are shown. */
import { afterEach, describe, expect, test } from "vitest";
import { rawBarcode, shownBarcode, shownScan } from "../../src/web/barcode-text.ts";
import { differences } from "../../src/web/item/differences.ts";
import { columnsOf } from "../../src/web/sensors/columns.ts";
import { serialOf } from "../../src/web/thing.ts";
import type { Bucket, Thing, Where } from "../../src/web/twin-api.ts";
import {
  agoWord,
  fromLocalInput,
  instantWithZone,
  instantWord,
  toLocalInput,
  zoneWord,
} from "../../src/web/when.ts";
import { spaced, thingWord, valueWord } from "../../src/web/words.ts";

test.each([
  ["253/9521234000013N00001P01", "N00001P01"],
  ["8003/09521234005001F0001", "F0001"],
  ["414/9521234001003/254/R1-S1", "R1-S1"],
  ["414/9521234001003/254/R1%2FS1", "R1/S1"],
  ["414/9521234000105", "9521234000105"],
  ["00/095212340000000013", "095212340000000013"],
  ["253/9521234000013", "9521234000013"],
  ["%E0%A4%A", "%E0%A4%A"],
])("the thing with the key %s is called %s", (key, name) => {
  expect(serialOf(key)).toBe(name);
});

test.each([
  ["Shelf R03-S1", "Shelf R03-S1"],
  ["R03-S1", "Shelf R03-S1"],
  [null, "Shelf R1-S1"],
])("a shelf that people call %s is told of as %s: what it is is said once", (name, told) => {
  expect(thingWord({ key: "414/9521234001003/254/R1-S1", name, kind: "shelf" })).toBe(told);
});

describe("the separator GS", () => {
  test.each(["\u001d", "\u241d", "<GS>", "{GS}", "\\x1d", "\\u001d", "^]"])(
    "spelled %j is shown as one sign and asked for as one byte",
    (gs) => {
      const shown = shownBarcode(`]d2253952${gs}414`);
      expect(shown).toBe("]d2253952\u241d414");
      expect(rawBarcode(shown)).toBe("]d2253952\u001d414");
    },
  );
});

test("noise from a scanner is shown by its codes", () => {
  expect(shownScan("\u0015A\u001d\ufffd")).toBe("\\x15A\u241d\u2592");
});

test.each([
  [21.4, "Cel", "temperature", "21.4\u202f°C"],
  [44.123456, "%", "relative_humidity", "44.12%"],
  [1240, "W", "power", "1,240\u202fW"],
  [0, "1", "door_open", "closed"],
  [1, "1", "door_open", "open"],
  [3, "1", "visitors", "3"],
  [7, "mol/L", "acid", "7\u202fmol/L"],
])("%d %s of %s is shown as %j", (value, unit, property, shown) => {
  expect(valueWord(value, unit, property)).toBe(shown);
});

test("a word the page does not know is shown as it came, readable", () => {
  expect(spaced("newly_found_kind")).toBe("Newly found kind");
});

test("how long ago is told in one unit, and the future is not told as past", () => {
  const now = Date.parse("2026-03-03T10:00:00Z");
  const ago = (ms: number) => agoWord(new Date(now - ms).toISOString(), now);
  expect([500, 12_000, 180_000, 7_200_000, 400_000_000, -5_000].map(ago)).toEqual([
    "just now",
    "12 s ago",
    "3 min ago",
    "2 h ago",
    "4 d ago",
    "just now",
  ]);
});

describe("the zone of a time", () => {
  const zone = process.env["TZ"];
  afterEach(() => {
    if (zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = zone;
  });

  test.each([
    ["UTC", "UTC"],
    ["Europe/Moscow", "UTC+3"],
    ["Asia/Kolkata", "UTC+5:30"],
    ["America/St_Johns", "UTC\u22123:30"],
  ])("a reader in %s is told %s", (place, word) => {
    process.env["TZ"] = place;
    expect(zoneWord(Date.parse("2026-01-03T10:00:00Z"))).toBe(word);
  });

  test("evidence says it, and so does what was in another than now", () => {
    process.env["TZ"] = "Europe/Berlin";
    const winter = Date.parse("2026-01-03T10:00:00Z");
    const said = (iso: string) => instantWord(iso, winter);
    expect(said("2026-01-03T09:00:00Z")).toBe("10:00:00");
    expect(said("2025-07-03T09:00:00Z")).toBe("3 Jul 2025, 11:00:00 UTC+2");
    expect(instantWithZone("2026-01-03T09:00:00Z", winter)).toBe("10:00:00 UTC+1");
  });
});

test("what two answers say alike is not said to differ, and what differs is named", () => {
  const shelf: Thing = { key: "414/1", elementString: "(414)1", kind: "shelf", name: null };
  const then = { path: [], lastKnown: null, state: "unknown", certainty: "unknown" };
  const of = (change: object) => [
    ...differences(then as unknown as Where, { ...then, ...change } as unknown as Where),
  ];
  expect(of({ seenBy: "scn-1" })).toEqual([]);
  expect(of({ certainty: "conflicted" })).toEqual(["certainty"]);
  expect(of({ lastKnown: [shelf] })).toEqual(["lastKnown"]);
  expect(of({ path: [shelf], state: "placed" })).toEqual(["path", "state"]);
});

test("an instant survives the way through the date input, to the second", () => {
  const iso = "2026-03-03T10:20:30.000Z";
  expect(fromLocalInput(toLocalInput(Date.parse(iso)))).toBe(iso);
  expect(fromLocalInput("")).toBeUndefined();
});

test("a chart's line breaks where nothing was measured", () => {
  const bucket = (minute: number): Bucket => {
    const time = new Date(minute * 60_000).toISOString();
    return { time, min: 1, max: 3, mean: 2, count: 5 };
  };
  const [seconds, , , means] = columnsOf([0, 1, 2, 30, 31].map(bucket));
  expect(means).toEqual([2, 2, 2, null, 2, 2]);
  expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
});
