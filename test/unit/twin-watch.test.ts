import { expect, test } from "vitest";
import { createWatch } from "../../src/twin/watch.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";

test("work that waits while nothing moves is a stall; idleness and slow progress are none", async () => {
  const { writer, watch, clock } = watched();
  await clock.advance(60_000);
  expect(watch.stalledMs()).toBe(0);

  for (let reflected = 1; reflected <= 60; reflected++) {
    Object.assign(writer, { latest: 100, reflected });
    await clock.advance(1_000);
    expect(watch.stalledMs()).toBe(0);
  }

  await clock.advance(10_000);
  expect(watch.stalledMs()).toBeGreaterThanOrEqual(9_000);
  Object.assign(writer, { reflected: 100 });
  await clock.advance(1_000);
  expect(watch.stalledMs()).toBe(0);
});

test("offers without an answer are work that waits, and an answer is progress", async () => {
  const { writer, watch, clock } = watched();
  Object.assign(writer, { waiting: 5 });
  await clock.advance(10_000);
  expect(watch.stalledMs()).toBeGreaterThanOrEqual(8_000);

  Object.assign(writer, { waiting: 4 });
  await clock.advance(1_000);
  expect(watch.stalledMs()).toBe(0);
});

function watched() {
  const clock = createPretendedClock();
  const writer = { latest: 0, reflected: 0, waiting: 0 };
  const watch = createWatch({
    clock,
    writer: {
      standing: () => ({ latest: writer.latest, reflected: writer.reflected }),
      waiting: () => writer.waiting,
    },
  });
  return { clock, writer, watch };
}
