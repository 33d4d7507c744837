/** Rule 12: when a scan happened, by its gateway's clocks and by when it came in. */
import { describe, expect, test } from "vitest";
import {
  type BootClock,
  correct,
  isClockless,
  offsetOf,
  sharpen,
} from "../../../src/reconcile/clock.ts";
import { folder, openWarehouse, page, ROOM, SHELF } from "../../support/warehouse.ts";

const DAY = Date.UTC(2026, 2, 2);
const S = 1000;

/** Seconds of the day: what the clock said, when it came in, the scan before; the offset of its boot. */
function corrected(said: number, takenIn: number, floor: number, offset?: number): string {
  const boot: BootClock = {
    offsetMs: offset === undefined ? undefined : offset * S,
    monotonicOffsetMs: undefined,
  };
  const stamp = {
    gatewayTimeMs: DAY + said * S,
    monotonicMs: 0,
    unsynced: false,
    takenInAtMs: DAY + takenIn * S,
  };
  const { timeMs, skew } = correct(stamp, boot, DAY + floor * S, 5 * S);
  return `${(timeMs - DAY) / S} ${skew}`.trim();
}

describe("the time of a scan (rule 12)", () => {
  test("is corrected by an offset that is out by more than the tolerance, and by no smaller one", () => {
    expect(corrected(100, 9000, 0, 5)).toBe("100");
    expect(corrected(100, 9000, 0, 5.1)).toBe("105.1 offset");
    expect(corrected(7300, 9000, 0, -7200)).toBe("100 offset");
  });

  test("is never after it came in; ahead by more than the tolerance is told", () => {
    expect(corrected(105, 100, 0)).toBe("100");
    expect(corrected(105.1, 100, 0)).toBe("100 future");
  });

  test("never goes back; back by more than the tolerance is told", () => {
    expect(corrected(95, 9000, 100)).toBe("100");
    expect(corrected(94.9, 9000, 100)).toBe("100 back");
  });

  test("is taken from the running time where no clock can be trusted", () => {
    const stamp = { gatewayTimeMs: 0, monotonicMs: 40 * S, takenInAtMs: DAY + 9000 * S };
    const boot = { offsetMs: undefined, monotonicOffsetMs: DAY + 60 * S };
    expect(correct({ ...stamp, unsynced: false }, boot, 0, 5 * S)).toEqual({
      timeMs: DAY + 100 * S,
      skew: "no-clock",
    });
    expect(isClockless({ unsynced: true, gatewayTimeMs: DAY })).toBe(true);
    expect(isClockless({ unsynced: false, gatewayTimeMs: Date.UTC(2019, 0) })).toBe(true);
    expect(isClockless({ unsynced: false, gatewayTimeMs: DAY })).toBe(false);
  });

  test("takes the least of what the batches of a start say, in whatever order they come", () => {
    const batch = (delayMs: number) => ({
      takenInAtMs: DAY + delayMs,
      sentAtMs: DAY,
      sentMonotonicMs: 10,
    });
    const none: BootClock = { offsetMs: undefined, monotonicOffsetMs: undefined };
    for (const delays of [
      [300, 20, 100],
      [20, 300, 100],
      [100, 300, 20],
    ])
      expect(delays.reduce((boot, delay) => sharpen(boot, batch(delay)), none)).toEqual({
        offsetMs: 20,
        monotonicOffsetMs: DAY + 10,
      });
  });
});

describe("an offset (rule 12)", () => {
  const offset = (offsetMs: number, monotonicOffsetMs?: number, unsynced = false) =>
    offsetOf({ gatewayTimeMs: DAY, unsynced }, { offsetMs, monotonicOffsetMs }, 5 * S);

  test("changes in steps, so that a clock that drifts does not change the past with each scan", () => {
    expect([600_000, 600_001, 600_099, 600_100].map((ms) => offset(ms))).toEqual([
      ...[600_000, 600_000, 600_000, 600_100],
    ]);
    expect(offset(-600_001)).toBe(-600_100);
    expect(offset(0, DAY + 123, true)).toBe(DAY + 100);
  });

  test("of a drifting clock leaves what was said of a page as it is", () => {
    const { db, scan } = openWarehouse();
    for (let n = 0; n < 50; n++)
      scan(page(n % 2), { atS: n * 20, wrongS: -3600 + n * 0.001, sentS: n * 20 + 0.11 });
    const retracted = db.prepare("SELECT count(*) FROM assertion WHERE known_to > 0").pluck();
    expect(retracted.get()).toBe(0);
  });
});

describe("a gateway whose clock is an hour behind (rule 12)", () => {
  const wrongS = -3600;

  test("is told once for each of its starts, and its scans stand where they belong", () => {
    const { scan, found, path } = openWarehouse();
    scan(page(1), { atS: 0, wrongS });
    scan(folder(1), { atS: 2, wrongS });
    scan(SHELF, { atS: 4, wrongS });
    scan(page(2), { atS: 100, wrongS, boot: 2 });
    expect(found().filter((one) => one.startsWith("clock_skew"))).toEqual([
      "clock_skew gw-1 0.1",
      "clock_skew gw-1 100.1",
    ]);
    expect(path(page(1), 2)).toEqual([]);
    expect(path(page(1), 2.2)).toEqual([folder(1), "Archive", "Moscow"]);
  });

  test("has its earlier scans corrected too when a batch shows the offset to be smaller", () => {
    const { scan, found, path } = openWarehouse();
    scan(page(1), { atS: 0, wrongS, receivedS: 50, sentS: 1 });
    scan(folder(1), { atS: 2, wrongS, receivedS: 51, sentS: 2 });
    expect(path(page(1), 40)).toEqual([]);
    scan(page(2), { atS: 52, wrongS });
    expect(path(page(1), 40)).toEqual([folder(1), "Archive", "Moscow"]);
    expect(found().filter((one) => one.startsWith("clock_skew"))).toContain("clock_skew gw-1 0.1");
  });

  test("does not teach the clock of the start before it, whose scans it sends", () => {
    const { scan, path, found } = openWarehouse();
    // Scanned by a right clock, sent after a restart by a wrong one.
    scan(page(1), { atS: 0, receivedS: 60, sentS: 3660, sentBoot: 2 });
    scan(folder(1), { atS: 2, receivedS: 60, sentS: 3660, sentBoot: 2 });
    expect(path(page(1), 3)).toEqual([folder(1), "Archive", "Moscow"]);
    expect(found().filter((one) => one.startsWith("clock_skew"))).toEqual([]);
  });

  test("is no more told when a batch shows that it was the network that was slow", () => {
    const { scan, open } = openWarehouse();
    scan(page(1), { atS: 0, receivedS: 20, sentS: 1 });
    expect(open()).toContain("clock_skew gw-1");
    scan(page(2), { atS: 30 });
    expect(open()).not.toContain("clock_skew gw-1");
  });
});

describe("a twin whose clock is set back by an hour (rule 12)", () => {
  test("learns nothing from it of a gateway's clock, and what was so before stays", () => {
    const { db, scan, found, path } = openWarehouse();
    scan(page(1), { atS: 0 });
    scan(folder(1), { atS: 2 });
    scan(SHELF, { atS: 4 });
    const before = path(page(1), 3);
    for (let atS = 100; atS < 300; atS += 20)
      scan(page(2), { atS, sentS: atS + 0.1, receivedS: atS - 3600 });

    expect(path(page(1), 3)).toEqual(before);
    const retracted = db.prepare("SELECT count(*) FROM assertion WHERE known_to > 0").pluck();
    expect(retracted.get()).toBe(0);
    expect(found().filter((one) => one === "clock_skew gw-1 0.1")).toEqual([]);
  });

  test("learns of them again once it says a later time than ever", () => {
    const { scan, path } = openWarehouse();
    // Ahead by an hour when the gateway is first heard.
    scan(page(1), { atS: 0, receivedS: 3600, sentS: 0.1 });
    scan(folder(1), { atS: 2, receivedS: 3602, sentS: 2.1 });
    expect(path(page(1), 3)).toEqual([]);
    scan(page(2), { atS: 10 });
    expect(path(page(1), 3)).toEqual([]);
    scan(page(2), { atS: 3700 });
    expect(path(page(1), 3)).toEqual([folder(1), "Archive", "Moscow"]);
  });
});

test("a gateway without a clock is placed by how long it had been running (rule 12)", () => {
  const { scan, path, found } = openWarehouse();
  scan(page(1), { atS: 0, wrongS: -50_000_000, receivedS: 60, uptimeS: [10, 70] });
  scan(ROOM, { atS: 4, wrongS: -50_000_000, receivedS: 60, uptimeS: [14, 70] });
  expect(path(page(1), 3.9)).toEqual([]);
  expect(path(page(1), 4)).toEqual(["Archive", "Moscow"]);
  expect(found().filter((one) => one.startsWith("clock_skew"))).toEqual(["clock_skew gw-1 0"]);
});
