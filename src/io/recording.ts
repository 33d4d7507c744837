/**
 * A recording of a line: JSON Lines of `{"t": ms since the start, "direction": "in" | "out", "bytes": hex}`,
 * which the simulator plays back to a tty at the same pace. Each line is in the file before the next chunk
 * is read, so what was seen before a crash is there.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { Fault } from "../kernel/fault.ts";

export type Recording = {
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
  return {
    add(atMs, direction, bytes) {
      const t = Math.round(atMs * 10) / 10;
      const line = { t, direction, bytes: Buffer.from(bytes).toString("hex") };
      writeSync(file, `${JSON.stringify(line)}\n`);
    },
    close: () => closeSync(file),
  };
}
