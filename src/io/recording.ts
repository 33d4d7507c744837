/**
 * A recording of a line: JSON Lines of `{"t": ms since the start, "direction": "in" | "out", "bytes": hex}`,
 * which the simulator plays back to a tty at the same pace. Each line is in the file before the next chunk
 * is read, so what was seen before a crash is there. A line for which the disk has no room is not there at all.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { Fault } from "../kernel/fault.ts";

export type Recording = {
  /** Throws Fault STORE_FAILED. */
  add(atMs: number, direction: "in" | "out", bytes: Uint8Array): void;
  close(): void;
};

/** Throws Fault DATA_UNREADABLE; a file that is there already is not touched. */
export function openRecording(path: string): Recording {
  let file: number;
  try {
    file = openSync(path, "wx");
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
  let size = 0;
  return {
    add(atMs, direction, bytes) {
      const t = Math.round(atMs * 10) / 10;
      const said = { t, direction, bytes: Buffer.from(bytes).toString("hex") };
      const line = Buffer.from(`${JSON.stringify(said)}\n`);
      try {
        for (let at = 0; at < line.length; ) at += writeSync(file, line, at);
      } catch (cause) {
        ftruncateSync(file, size);
        throw new Fault("STORE_FAILED", `${path}: ${(cause as Error).message}`, { cause });
      }
      size += line.length;
    },
    close: () => closeSync(file),
  };
}
