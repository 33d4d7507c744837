/**
 * The world's own record: where everything really is, written as it happens, one JSON line each.
 * README.md of this folder describes the lines. Nothing here knows what the product believes.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Move } from "./acts.ts";
import type { Label } from "./keys.ts";
import type { Place } from "./world.ts";

export type TruthReading = {
  readonly device: string;
  readonly property: string;
  readonly value: number;
  readonly unit: string;
  readonly timeMs: number;
};

export type Truth = {
  moved(move: Move, timeMs: number): void;
  read(reading: TruthReading): void;
  /** Writes where every page ended up, and closes the file. */
  close(): void;
  pages(): number;
};

export function openTruth(path: string, places: readonly Place[]): Truth {
  const file = openSync(path, "a");
  const parents = new Map<string, string>();
  const pages = new Set<string>();
  for (const { label, parent } of places)
    if (parent !== undefined) parents.set(label.element, parent.element);

  const write = (line: unknown) => writeSync(file, `${JSON.stringify(line)}\n`);
  const note = ({ kind, element }: Label) => kind === "page" && pages.add(element);

  function pathOf(element: string): string[] {
    const path: string[] = [];
    for (let at = parents.get(element); at !== undefined; at = parents.get(at)) path.push(at);
    return path;
  }

  return {
    moved({ thing, into }, timeMs) {
      note(thing);
      parents.set(thing.element, "carrier" in into ? `carrier:${into.carrier}` : into.element);
      const time = new Date(timeMs).toISOString();
      write({ kind: "move", time, id: thing.element, path: pathOf(thing.element) });
    },
    read({ timeMs, ...reading }) {
      write({ kind: "reading", ...reading, time: new Date(timeMs).toISOString() });
    },
    close() {
      for (const id of pages) write({ kind: "final", id, path: pathOf(id) });
      closeSync(file);
    },
    pages: () => pages.size,
  };
}
