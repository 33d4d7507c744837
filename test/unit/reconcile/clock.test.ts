/** Rule 12: when a scan happened, by its gateway's clocks and by when it came in. */
import { describe, expect, test } from "vitest";
import { type BootClock, correct, isClockless, sharpen } from "../../../src/reconcile/clock.ts";
import type { Database } from "../../../src/store/database.ts";
import { folder, openWarehouse, page, ROOM, SHELF } from "../../support/warehouse.ts";

const DAY = Date.UTC(2026, 2, 2);
const S = 1000;

/** Seconds of the day: what the clock said, when it came in, the scan before; the offset of its boot. */
function corrected(said: number, takenIn: number, floor: number, offset?: number): string {
  const boot = offset === undefined ? NOTHING : told({ afterMs: offset * S });
  const stamp = {
    gatewayTimeMs: DAY + said * S,
    monotonicMs: 0,
    unsynced: false,
    takenInAtMs: DAY + takenIn * S,
  };
  const { timeMs, skew } = correct(stamp, boot, DAY + floor * S, 5 * S);
  return `${(timeMs - DAY) / S} ${skew}`.trim();
}

const NOTHING: BootClock = new Map();

/** A batch that came so long after its gateway's clock said that it was sent. */
function told({ afterMs, runningMs = 0 }: { afterMs: number; runningMs?: number }): BootClock {
  const sent = { sentAtMs: DAY, sentMonotonicMs: runningMs };
  return sharpen(NOTHING, { takenInAtMs: DAY + afterMs, ...sent });
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
    const stamp = { gatewayTimeMs: 0, monotonicMs: 110 * S, takenInAtMs: DAY + 9000 * S };
    const boot = told({ afterMs: 0, runningMs: 10 * S });
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
      sentAtMs: DAY - 600 * S,
      sentMonotonicMs: 110 * S,
    });
    const scan = { gatewayTimeMs: DAY - 700 * S, monotonicMs: 10 * S, takenInAtMs: DAY + 9000 * S };
    for (const delays of [
      [3_000, 200, 1_000],
      [200, 3_000, 1_000],
      [1_000, 3_000, 200],
    ]) {
      const boot = delays.reduce((known, delay) => sharpen(known, batch(delay)), NOTHING);
      const by = (unsynced: boolean) => correct({ ...scan, unsynced }, boot, 0, 5 * S);
      expect(by(false)).toEqual({ timeMs: DAY - 100 * S + 200, skew: "offset" });
      expect(by(true)).toEqual({ timeMs: DAY - 100 * S + 200, skew: "no-clock" });
    }
  });
});

describe("an offset (rule 12)", () => {
  test("changes in steps, so that a clock that drifts does not change the past with each scan", () => {
    const at = (offsetS: number) => corrected(100, 9000, 0, offsetS);
    expect([600, 600.001, 600.099, 600.1].map(at)).toEqual([
      ...["700 offset", "700 offset", "700 offset", "700.1 offset"],
    ]);
    expect(at(-60.001)).toBe("39.9 offset");
  });

  test("of a drifting clock leaves what was said of a page as it is", () => {
    const { db, scan } = openWarehouse();
    for (let n = 0; n < 50; n++)
      scan(page(n % 2), { atS: n * 20, wrongS: -3600 + n * 0.001, sentS: n * 20 + 0.11 });
    expect(retracted(db)).toBe(0);
  });
});

describe("a gateway whose clock is set (rule 12)", () => {
  const uptime = (s: number): readonly [number, number] => [s, s + 0.1];

  test("ahead by an hour, and right again: what it said before and after stays, and what it said between is corrected", () => {
    const { db, scan, found, path } = openWarehouse();
    scan(page(1), { atS: 100, uptimeS: uptime(100) });
    scan(folder(1), { atS: 102, uptimeS: uptime(102) });
    scan(SHELF, { atS: 104, uptimeS: uptime(104) });
    for (let atS = 200; atS < 300; atS += 20)
      scan(page(2), { atS, wrongS: 3600, uptimeS: uptime(atS) });
    scan(page(3), { atS: 400, uptimeS: uptime(400) });
    scan(folder(2), { atS: 402, uptimeS: uptime(402) });

    expect(retracted(db)).toBe(0);
    expect(path(page(1), 99.9)).toEqual([]);
    expect(path(page(1), 102)).toEqual([folder(1), "Archive", "Moscow"]);
    expect(path(page(3), 401.9)).toEqual([]);
    expect(path(page(3), 402)).toEqual([folder(2), "Archive", "Moscow"]);
    expect(found().filter((one) => one.startsWith("clock_skew"))).toEqual([
      "clock_skew gw-1 200.1",
    ]);
  });

  test("is told at the first scan by that setting; at a later one that came in before, it is taken back", () => {
    const { db, scan, open } = openWarehouse();
    const ahead = { wrongS: 3600 };
    scan(page(2), { atS: 200, seq: 2, uptimeS: uptime(200) });
    scan(page(3), { ...ahead, atS: 300, seq: 3, uptimeS: uptime(300) });
    scan(page(1), { ...ahead, atS: 100, seq: 1, receivedS: 301, uptimeS: [100, 300.9] });
    expect(open(100.1)).toContain("clock_skew gw-1");
    expect(retracted(db)).toBe(1);
  });

  test("after a start hours behind: what was scanned before, and sent after, is placed by its running time", () => {
    const { scan, found, path } = openWarehouse();
    const late = { wrongS: -10_800, sentWrongS: 0, receivedS: 60, sentS: 59.9 };
    scan(page(1), { ...late, atS: 10, uptimeS: [10, 59.9] });
    scan(folder(1), { ...late, atS: 12, uptimeS: [12, 59.9] });
    expect(path(page(1), 9.9)).toEqual([]);
    expect(path(page(1), 12.1)).toEqual([folder(1), "Archive", "Moscow"]);
    expect(found().filter((one) => one.startsWith("clock_skew"))).toEqual(["clock_skew gw-1 10.1"]);
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
    expect(retracted(db)).toBe(0);
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
  scan(page(1), { atS: 0, wrongS: -50_000_000, receivedS: 60, uptimeS: [10, 70], unsynced: true });
  scan(ROOM, { atS: 4, wrongS: -50_000_000, receivedS: 60, uptimeS: [14, 70], unsynced: true });
  expect(path(page(1), 3.9)).toEqual([]);
  expect(path(page(1), 4)).toEqual(["Archive", "Moscow"]);
  expect(found().filter((one) => one.startsWith("clock_skew"))).toEqual(["clock_skew gw-1 0"]);
});

/** How much of what was said was taken back. */
function retracted(db: Database): unknown {
  return db.prepare("SELECT count(*) FROM assertion WHERE known_to > 0").pluck().get();
}
