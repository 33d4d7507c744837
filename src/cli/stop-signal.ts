/**
 * When this program shall stop: SIGTERM, SIGINT, or the end of standard input where the supervisor
 * said that it stands behind it (RACKTRACE_SUPERVISED=stdin). A second signal ends it at once.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const ask = () => {
    if (stop.signal.aborted) process.exit(1);
    stop.abort();
  };
  process.on("SIGTERM", ask);
  process.on("SIGINT", ask);
  if (process.env["RACKTRACE_SUPERVISED"] === "stdin") {
    process.stdin.on("end", () => stop.abort()).on("error", () => stop.abort());
    process.stdin.resume();
    process.stdin.unref?.();
  }
  return stop.signal;
}

/** Resolves when it is time to stop. */
export function untilStopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
