/** Tells when something appears at a path, such as a device that udev gives its name. */
import { existsSync, watch } from "node:fs";
import { basename, dirname, isAbsolute } from "node:path";

/**
 * Resolves when something happened at `path`, or when `stop` is aborted. It may miss some: file
 * systems that tell nothing exist, so the caller looks by itself now and then. Of a path that is not
 * absolute, such as the address of a device server, nothing is told.
 */
export function whenAppears(path: string, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) return resolve();
    stop.addEventListener("abort", () => resolve(), { once: true });
    // What is reached over the network appears nowhere.
    if (!isAbsolute(path)) return;
    // /dev/serial/by-id goes away with the last device in it; then its folder is what appears.
    let wanted = path;
    while (!existsSync(dirname(wanted)) && dirname(wanted) !== wanted) wanted = dirname(wanted);
    try {
      const watcher = watch(dirname(wanted), { persistent: false, signal: stop });
      // Not "change": each byte that another program writes to a busy device is one.
      watcher.on("change", (event, name) => {
        if (event === "rename" && name === basename(wanted)) resolve();
      });
      // Too many watches, or the folder went away: looking now and then remains.
      watcher.on("error", () => watcher.close());
    } catch {
      // As above.
    }
  });
}
