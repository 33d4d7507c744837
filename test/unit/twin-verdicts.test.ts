/** What the twin says of a scan to the gateway whose operator still holds the scanner. */
import { expect, test } from "vitest";
import type { Change } from "../../src/store/reconciler.ts";
import type { FreshScan } from "../../src/twin/derive.ts";
import { verdictsOf } from "../../src/twin/verdict-desk.ts";
import { decodeVerdicts } from "../../src/wire/codec.ts";

test("a scan is accepted unless it was not understood or something speaks against it", () => {
  const told = tell(
    [fresh(1), fresh(2), fresh(3), fresh(4), fresh(5)],
    [
      scan(1, true),
      scan(2, false),
      finding(2, "error"),
      scan(3, true),
      finding(3, "error"),
      scan(4, true),
      finding(4, "info"),
      finding(4, "warn", "clock_skew"),
      scan(5, true),
      finding(5, "warn", "unknown_identifier"),
    ],
  );
  expect(told).toEqual({
    gw: [
      "1 accepted",
      "2 unknown no such thing",
      "3 discrepancy wrong shelf",
      "4 accepted",
      "5 unknown wrong shelf",
    ],
  });
});

test("each gateway hears of its own scans, and of nothing that is not fresh", () => {
  const told = tell([fresh(1), fresh(3, "other")], [scan(1, true), scan(2, false), scan(3, false)]);
  expect(told).toEqual({ gw: ["1 accepted"], other: ["3 unknown no such thing"] });
});

test("a backlog is not spoken of scan by scan", () => {
  const scans = Array.from({ length: 1_000 }, (_, at) => fresh(at + 1));
  expect(tell(scans, [])["gw"]).toHaveLength(256);
});

test("without anybody who waits nothing is looked at", () => {
  const change: Change = {
    position: 1,
    kind: "scan",
    get data(): never {
      throw new Error("it was looked at");
    },
  };
  expect(
    verdictsOf({ position: 1, changes: [change], readings: [], alarms: [], states: [], scans: [] }),
  ).toEqual([]);
});

function tell(scans: readonly FreshScan[], changes: readonly Change[]): Record<string, string[]> {
  const told = verdictsOf({ position: 9, changes, readings: [], alarms: [], states: [], scans });
  return Object.fromEntries(
    told.map(({ gateway, message }) => [
      gateway,
      decodeVerdicts(message).map(({ seq, kind, reason }) => `${seq} ${kind} ${reason}`.trim()),
    ]),
  );
}

function fresh(position: number, gateway = "gw"): FreshScan {
  return { position, gateway, epoch: "e", seq: position };
}

function scan(position: number, understood: boolean): Change {
  const data = understood ? { understood } : { understood, why: "no such thing" };
  return { position, kind: "scan", data };
}

function finding(position: number, severity: string, kind = "location_conflict"): Change {
  return { position, kind: "discrepancy", data: { kind, severity, reason: "wrong shelf" } };
}
