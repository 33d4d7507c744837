/** Waiting in real time, and giving up at once when the simulator is told to stop. */
export type Sleep = (ms: number) => Promise<void>;

/** A longer timer fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function createSleep(stop: AbortSignal): Sleep {
  const nap: Sleep = (ms) =>
    new Promise((resolve) => {
      if (stop.aborted || ms <= 0) {
        setImmediate(resolve);
        return;
      }
      const done = () => {
        clearTimeout(timer);
        stop.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      stop.addEventListener("abort", done, { once: true });
    });
  return async (ms) => {
    let left = ms;
    for (; left > TIMER_MS_MAX && !stop.aborted; left -= TIMER_MS_MAX) await nap(TIMER_MS_MAX);
    await nap(left);
  };
}
