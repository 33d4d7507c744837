/**
 * Loaded into a program whose memory is judged: each of its threads collects its garbage now and then, and
 * writes down what it keeps. By itself it collects the old part of its heap once in half an hour or more, and
 * takes twice as much by then: of growth within an hour that says nothing.
 */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { threadId } from "node:worker_threads";

/** Rarer than one look in a hundred: a collection is a pause, and pauses are judged, too. */
const EVERY_MS = 150_000;

const folder = process.env["RACKTRACE_GATE_KEPT"];
if (folder !== undefined) {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  setInterval(() => {
    // What the first lets go of is counted as kept until the second: it is swept beside the work.
    collect();
    collect();
    const { used_heap_size, external_memory } = getHeapStatistics();
    const path = join(folder, `${process.pid}-${threadId}.kept`);
    // Whoever reads meanwhile reads all of it.
    writeFileSync(`${path}-new`, String(used_heap_size + external_memory));
    renameSync(`${path}-new`, path);
  }, EVERY_MS).unref();
}
