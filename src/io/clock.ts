/** The machine's clocks behind the Clock port. The only caller of Date.now and of timers. */
import type { Clock, ClockQuality } from "../ports.ts";

/** `quality` is asked for each event, so it must be cheap; the gateway refreshes it in the background. */
export function createClock(quality: () => ClockQuality = () => "unknown"): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    quality,
    sleep: (ms, stop) =>
      new Promise((resolve) => {
        if (stop.aborted) return resolve();
        const done = () => {
          clearTimeout(timer);
          stop.removeEventListener("abort", done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        stop.addEventListener("abort", done, { once: true });
      }),
    after: (ms, fn) => {
      const timer = setTimeout(fn, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}

export const chance = (): number => Math.random();
