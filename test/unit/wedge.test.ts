/** Scanners that act as keyboards: told from typing, whatever layout and whatever they send for GS. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createBursts } from "../../src/web/scan/wedge/bursts.ts";
import { calibrate, SHEET_TEXT } from "../../src/web/scan/wedge/calibration.ts";
import { GS, readingOf, USUAL } from "../../src/web/scan/wedge/reading.ts";
import type { Stroke } from "../../src/web/scan/wedge/stroke.ts";
import { CTRL_BRACKET, F8, germanKey, type Key, russianKey, usKey } from "../page/wedge.ts";

const LABEL = `]d2253${"9521234000013"}N00001P01${GS}10LOT-7`;

describe("a scanner among people who type", () => {
  test("a scan is heard whole, and nothing of it before it is clear that it is one", () => {
    const bursts = createBursts();
    const heard = strokes("AB12345", 8).map((stroke) => bursts.push(stroke, false).kind);
    expect(heard).toEqual(["typing", "typing", "typing", "burst", "burst", "burst", "burst"]);
    const end = bursts.push({ ...key("Enter"), atMs: 60 }, false);
    expect(end.kind === "scan" && readingOf(end.strokes)).toBe("AB12345");
  });

  test("a person who types fast is left alone, Enter too", () => {
    const bursts = createBursts();
    const heard = strokes("internationalisation", 70).map((one) => bursts.push(one, false).kind);
    expect(new Set(heard)).toEqual(new Set(["typing"]));
    expect(bursts.push({ ...key("Enter"), atMs: 20 * 70 }, false).kind).toBe("typing");
  });

  test("a key that is held down is no scanner, though it repeats as fast", () => {
    const bursts = createBursts();
    const held = Array.from({ length: 30 }, (_, n) => ({ ...key("a"), atMs: n * 30 }));
    const heard = held.map((stroke, n) => bursts.push(stroke, n > 0).kind);
    expect(new Set(heard)).toEqual(new Set(["typing"]));
  });

  test("a scanner that ends with nothing is heard when it falls silent", () => {
    const bursts = createBursts();
    for (const stroke of strokes("AB12345", 8)) bursts.push(stroke, false);
    expect(bursts.quiet(100)).toBeUndefined();
    expect(readingOf(bursts.quiet(400) ?? [])).toBe("AB12345");
    expect(bursts.quiet(800)).toBeUndefined();
  });

  test("two scans right behind each other are two", () => {
    const bursts = createBursts();
    const ends = ["AB12345", "CD67890"].flatMap((text, n) => {
      const all = [...strokes(text, 5, n * 60), { ...key("Enter"), atMs: n * 60 + 40 }];
      return all.flatMap((stroke) => {
        const heard = bursts.push(stroke, false);
        return heard.kind === "scan" ? [readingOf(heard.strokes)] : [];
      });
    });
    expect(ends).toEqual(["AB12345", "CD67890"]);
  });
});

describe("what the keys say", () => {
  test.each<[string, readonly Key[]]>([
    ["F8", [F8]],
    ["Ctrl+]", [CTRL_BRACKET]],
    ["the control character", [{ code: "", key: GS }]],
    ["^]", [usKey("^"), usKey("]")]],
    ["{GS}", [..."{GS}"].map(usKey)],
    ["<GS>", [..."<GS>"].map(usKey)],
    ["\\x1d", [..."\\x1d"].map(usKey)],
  ])("GS is understood when it is sent as %s", (_form, separator) => {
    expect(readingOf(keysOf(LABEL, usKey, separator))).toBe(LABEL);
  });

  test("GS is understood as a character of the scanner's own, once that is said", () => {
    const sent = keysOf(LABEL, usKey, [usKey("~")]);
    expect(readingOf(sent)).not.toBe(LABEL);
    expect(readingOf(sent, { ...USUAL, separator: "~" })).toBe(LABEL);
  });

  test.each([
    ["German", germanKey],
    ["Russian", russianKey],
  ])("a GS1 label is read at a system with the %s layout without being told", (_name, keyOf) => {
    expect(readingOf(keysOf(LABEL, keyOf, [F8]))).toBe(LABEL);
  });

  test("what the system types right is not turned round", () => {
    expect(readingOf(keysOf("zebra-crossing", usKey, [F8]))).toBe("zebra-crossing");
    // Typed by the system itself, without a key of the board.
    const bare = [...LABEL].map((one) => ({ ...key(one), code: "" }));
    expect(readingOf(bare)).toBe(LABEL);
  });
});

describe("the calibration sheet", () => {
  test.each([
    ["US", usKey, 0],
    ["German", germanKey, 43],
    ["Russian", russianKey, 75],
  ])(
    "a %s layout is learned from one scan, and everything is read right after",
    (_n, keyOf, least) => {
      const learned = calibrate(keysOf(SHEET_TEXT, keyOf, [F8]));
      if (learned.kind !== "learned") throw new Error(learned.kind);
      expect(learned.wrong.length).toBeGreaterThanOrEqual(Math.min(least, 30));
      expect(learned.separator).toBe("sent");
      const setting = { ...USUAL, layout: learned.layout };
      for (const text of [LABEL, "zebra/crossing: y=~{x}", "CMD:UNDO"])
        expect(readingOf(keysOf(text, keyOf, [F8]), setting)).toBe(text);
    },
  );

  test("an identifier before the text does not shift it", () => {
    const learned = calibrate(keysOf(`]d1${SHEET_TEXT}`, germanKey, [CTRL_BRACKET]));
    if (learned.kind !== "learned") throw new Error(learned.kind);
    const setting = { ...USUAL, layout: learned.layout };
    expect(readingOf(keysOf(LABEL, germanKey, [CTRL_BRACKET]), setting)).toBe(LABEL);
  });

  test("a scanner that leaves GS out is noticed", () => {
    expect(calibrate(keysOf(SHEET_TEXT, usKey, []))).toMatchObject({ separator: "dropped" });
  });

  test("another symbol is not taken for the sheet", () => {
    expect(calibrate(keysOf(LABEL, usKey, [F8]))).toMatchObject({ kind: "not-the-sheet" });
  });

  test("the sheet that the page shows has a text alternative and one symbol", () => {
    const svg = readFileSync(
      new URL("../../src/web/public/wedge-sheet.svg", import.meta.url),
      "utf8",
    );
    expect(svg).toContain("<title>");
    expect(svg.match(/<path/g)).toHaveLength(1);
  });
});

function key(name: string): Stroke {
  return { code: name, key: name, shift: false, alt: false, ctrl: false, atMs: 0 };
}

function strokes(text: string, gapMs: number, fromMs = 0): readonly Stroke[] {
  return keysOf(text, usKey, [F8]).map((one, n) => ({ ...one, atMs: fromMs + n * gapMs }));
}

function keysOf(
  text: string,
  keyOf: (character: string) => Key,
  separator: readonly Key[],
): readonly Stroke[] {
  return [...text]
    .flatMap((one) => (one === GS ? separator : [keyOf(one)]))
    .map(({ code, key: name, shift = false, ctrl = false }) => {
      return { code, key: name, shift, ctrl, alt: false, atMs: 0 };
    });
}
