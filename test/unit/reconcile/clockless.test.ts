import { expect, test } from "vitest";
import { correct, sharpen } from "../../../src/reconcile/clock.ts";

const RECEIVED = Date.parse("2026-03-02T15:00:00Z");
const stamp = { gatewayTimeMs: 610_000, monotonicMs: 0, unsynced: false, takenInAtMs: RECEIVED };
const NOTHING = new Map();

test("a scan of 1970 of which nothing tells when it was happened when it came in", () => {
  expect(correct(stamp, NOTHING, 0, 5_000)).toEqual({ timeMs: RECEIVED, skew: "no-clock" });
});

test("a clock that stands in 1970 is corrected by how far it is out, when its batches say when they were sent", () => {
  const sent = { takenInAtMs: RECEIVED, sentAtMs: 700_000, sentMonotonicMs: 0 };
  const boot = sharpen(NOTHING, sent);
  expect(correct(stamp, boot, 0, 5_000)).toEqual({ timeMs: RECEIVED - 90_000, skew: "offset" });
});
