/** The watch beside the work: it sees that nothing moves, and no more than that. */
import { expect, test } from "vitest";
import { createWatch } from "../../src/gateway/watch.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";

test("work that waits and gets on is well; work that waits and does not is told with its time", async () => {
  const clock = createPretendedClock();
  let [waits, mark] = [true, 0];
  const work = { waits: () => waits, mark: () => mark };
  const watch = createWatch({ clock }, [work]);

  for (let n = 0; n < 10; n++) {
    mark += 1;
    await clock.advance(1_500);
    expect(watch.stalledMs(work)).toBe(0);
  }
  await clock.advance(20_000);
  expect(watch.stalledMs(work)).toBeGreaterThanOrEqual(20_000);

  mark += 1;
  await clock.advance(1_000);
  expect(watch.stalledMs(work)).toBe(0);
  waits = false;
  await clock.advance(60_000);
  expect(watch.stalledMs(work)).toBe(0);
  watch.close();
});

test("a queue that never empties is no stall as long as it moves", async () => {
  const clock = createPretendedClock();
  const busy = { waits: () => true, mark: () => Math.floor(clock.monotonicMs() / 900) };
  const stuck = { waits: () => true, mark: () => 7 };
  const watch = createWatch({ clock }, [busy, stuck]);
  await clock.advance(30_000);
  expect(watch.stalledMs(busy)).toBe(0);
  expect(watch.stalledMs(stuck)).toBeGreaterThanOrEqual(30_000);
  watch.close();
});
