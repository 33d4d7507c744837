/**
 * The set of what was accepted, as its witness wrote it down: a line at the moment at which the
 * acknowledgement was heard, in a file of its own. The set model of Jepsen: whatever is in this file
 * must be in the twin once, whatever else the twin holds must be there once at most.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** `r` a reading's number, `s` a scan's label. */
export type Kind = "r" | "s";

export type Accepted = {
  note(kind: Kind, what: string): void;
  count(kind: Kind): number;
  /** Everything, read back from the file. */
  all(kind: Kind): readonly string[];
  close(): void;
};

export function openAccepted(file: string): Accepted {
  const fd = openSync(file, "a");
  const counts = { r: 0, s: 0 };
  return {
    note(kind, what) {
      counts[kind] += 1;
      writeSync(fd, `${kind} ${what}\n`);
    },
    count: (kind) => counts[kind],
    all: (kind) =>
      readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line.startsWith(`${kind} `))
        .map((line) => line.slice(2)),
    close: () => closeSync(fd),
  };
}
