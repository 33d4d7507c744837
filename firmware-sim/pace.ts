/** Waiting in real time, and giving up at once when the simulator is told to stop. */
export type Sleep = (ms: number) => Promise<void>;

export function createSleep(stop: AbortSignal): Sleep {
  return (ms) =>
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
}
