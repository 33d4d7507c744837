/** What a phone says is in hand: the container that the next page goes into at the twin, and no other. */
import { describe, expect, test } from "vitest";
import { codeName } from "../../src/web/scan/code.ts";
import { type HandScan, handOf } from "../../src/web/scan/in-hand.ts";

const SHELF = "]d24149521234001003254R1-S1";
const UNDO = "CMD:UNDO";

describe("container first", () => {
  test("who takes back the last page still files into the same folder", () => {
    expect(into([SHELF, folder(5), page(1), page(2), UNDO])).toEqual(["F0005", 1]);
  });

  test("who takes back the folder itself files onto the shelf that it stood on", () => {
    expect(into([SHELF, folder(5), page(1), UNDO, UNDO])).toEqual(["R1-S1", 0]);
    expect(into([SHELF, folder(5), page(1), folder(6), UNDO])).toEqual(["R1-S1", 0]);
  });

  test("nothing taken back leaves the first container open", () => {
    expect(into([SHELF, UNDO])).toEqual(["R1-S1", 0]);
  });

  test("a page that failed its check digit went nowhere, and is not counted", () => {
    const misread = { ...scan(page(2)), verdict: { kind: "unknown", reason: "check digit 4" } };
    const unregistered = {
      ...scan(page(3)),
      verdict: { kind: "unknown", reason: "valid key, not registered" },
    };
    const scans = [scan(folder(5)), scan(page(1)), misread, unregistered];
    expect(handOf(scans.toReversed(), "container-first").items).toBe(2);
  });

  test("another step closes what was open, another command does not", () => {
    expect(into([folder(5), page(1), "CMD:STEP:unpacking"])).toEqual([undefined, 0]);
    expect(into([folder(5), page(1), "CMD:STEP:storing"])).toEqual(["F0005", 1]);
    expect(into([folder(5), page(1), "CMD:LEAVE"])).toEqual(["F0005", 1]);
  });

  function into(codes: readonly string[]) {
    const hand = handOf(codes.map(scan).toReversed(), "container-first");
    return [hand.into?.name, hand.items];
  }
});

describe("things first", () => {
  test("pages wait until their container is scanned, or the last scan is taken back", () => {
    const waiting = (codes: readonly string[]) =>
      handOf(codes.map(scan).toReversed(), "item-first").items;
    expect(waiting([page(1), page(2)])).toBe(2);
    expect(waiting([page(1), folder(5), page(2)])).toBe(1);
    expect(waiting([page(1), page(2), UNDO])).toBe(0);
  });
});

function scan(code: string): HandScan {
  return { name: codeName(code), verdict: undefined, step: "storing" };
}

function page(n: number): string {
  return `]d22539521234000013N0000${n}P01`;
}

function folder(n: number): string {
  return `]d2800309521234005001F000${n}`;
}
