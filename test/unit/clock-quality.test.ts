import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { watchClock } from "../../src/io/clock-quality.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const PLAUSIBLE_MS = Date.UTC(2026, 5, 1);

test("a clock is synced once the time client says so, and unknown where nobody says", async () => {
  const { syncedFile, quality } = begin(PLAUSIBLE_MS);
  expect(quality()).toBe("unknown");

  writeFileSync(syncedFile, "");
  await until("it is synced", () => quality() === "synced");
  rmSync(syncedFile);
  await until("it is unknown again", () => quality() === "unknown");
});

test("a box without a battery is unsynced before its first answer, whatever it is told later", async () => {
  const { clock, quality } = begin(Date.UTC(1970, 0, 1));
  expect(quality()).toBe("unsynced");

  clock.wallMs = PLAUSIBLE_MS;
  expect(quality()).toBe("stepped");
  await until("the step is history", () => quality() === "unknown");
});

test("a jump is said at once, in either direction, and slow steering is none", () => {
  const { clock, quality } = begin(PLAUSIBLE_MS, 1_000_000);

  clock.wallMs += 500;
  expect(quality()).toBe("unknown");
  clock.wallMs -= 3_600_000;
  expect(quality()).toBe("stepped");
});

function begin(wallMs: number, lookMs = 5) {
  const syncedFile = join(temporaryFolder(), "synchronized");
  const clock = { wallMs, nowMs: () => clock.wallMs, monotonicMs: () => 0 };
  const watch = watchClock({ syncedFile, stepMs: 1_000, lookMs }, clock);
  onTestFinished(watch.close);
  return { syncedFile, clock, quality: watch.quality };
}
