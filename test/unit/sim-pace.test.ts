import { expect, onTestFinished, test, vi } from "vitest";
import { createSleep } from "../../firmware-sim/pace.ts";

test("a wait of a month is a month long, and over at once when the simulator is told to stop", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const stop = new AbortController();
  const sleep = createSleep(stop.signal);
  const monthMs = 30 * 86_400_000;
  const over: string[] = [];
  void sleep(monthMs).then(() => over.push("one"));
  await vi.advanceTimersByTimeAsync(monthMs - 1);
  expect(over).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toEqual(["one"]);

  void sleep(monthMs).then(() => over.push("another"));
  stop.abort();
  await vi.advanceTimersByTimeAsync(1);
  expect(over).toEqual(["one", "another"]);
});
