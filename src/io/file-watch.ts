/** Tells when a file was changed, once it has stayed as it is for a while: editors write in pieces. */
import { type StatsListener, unwatchFile, watchFile } from "node:fs";

/** `changed` is called some seconds after the last change. Returns how to stop watching. */
export function watchForChange(
  file: string,
  changed: () => void,
  { lookMs = 1_000, settleMs = 2_000 } = {},
): () => void {
  let timer: NodeJS.Timeout | undefined;
  // Looking now and then works on every file system, and through every way of replacing a file.
  const look: StatsListener = (now, before) => {
    if (now.mtimeMs === before.mtimeMs && now.ino === before.ino && now.size === before.size)
      return;
    clearTimeout(timer);
    // Gone for a moment is how some editors save.
    if (now.nlink > 0) timer = setTimeout(changed, settleMs).unref();
  };
  watchFile(file, { interval: lookMs, persistent: false }, look);
  return () => {
    clearTimeout(timer);
    unwatchFile(file, look);
  };
}
