/** What this device has read since it began a count, whether the twin has it yet or not. Pure. */
import type { ShownScan } from "../scan/told.ts";

const BEGINS = "COUNT:start";

/** `scans` and the answer the newest first; commands and the label of the place are no part of it. */
export function readSinceStart(scans: readonly ShownScan[]): readonly ShownScan[] {
  const start = scans.findIndex(({ name }) => name.class === "command" && name.name === BEGINS);
  const since = start === -1 ? scans : scans.slice(0, start);
  const things = since.filter(({ name }) => name.class !== "command");
  return start === -1 ? things : things.slice(0, -1);
}

/** The names of things that are read and are not known to be the twin's. */
export function notYetSaved(read: readonly ShownScan[]): readonly string[] {
  const names = read.flatMap(({ mark, name: { class: kind, name } }) => {
    const isThing = kind === "page" || kind === "asset" || kind === "envelope";
    return isThing && (mark === "read" || mark === "kept") ? [name] : [];
  });
  return [...new Set(names)];
}
