/**
 * What a label says as a symbol: bwip-js encodes, and only the modules are taken from it. Where and
 * how large they are is for src/labels to say.
 */
import bwip from "bwip-js";
import { assert } from "../kernel/assert.ts";
import type { Barcode, Carrier, Run } from "../labels/symbol.ts";

/** `isGs1`: FNC1 stands in front, by which readers know that these are GS1 elements. */
export function encodeSymbol(data: string, carrier: Carrier, isGs1: boolean): Barcode {
  // With parsefnc a caret begins ^FNC1, and is written twice to be one.
  const text = (isGs1 ? "^FNC1" : "") + data.replaceAll("^", "^^");
  // By its own name `raw` is a symbology; of the whole module it is the way to the modules.
  const [made] = bwip.raw({ bcid: ENCODERS[carrier], text, parsefnc: true });
  assert(made !== undefined, "an encoder that does not throw has made a symbol");
  if ("pixs" in made) {
    const { pixs, pixx: columns, pixy: rows } = made;
    return { carrier, columns, rows, runs: runsOf(pixs, columns, rows) };
  }
  return { carrier, ...barsOf(made.sbs) };
}

const ENCODERS = { datamatrix: "datamatrix", "gs1-128": "code128" } as const;

function runsOf(dark: readonly number[], columns: number, rows: number): readonly Run[] {
  const runs: Run[] = [];
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const begin = x;
      while (x < columns && dark[y * columns + x] === 1) x++;
      if (x > begin) runs.push([begin, y, x - begin]);
    }
  return runs;
}

/** Widths of bar, space, bar, ... */
function barsOf(widths: readonly number[]): Pick<Barcode, "columns" | "rows" | "runs"> {
  const runs: Run[] = [];
  let x = 0;
  for (const [n, width] of widths.entries()) {
    if (n % 2 === 0) runs.push([x, 0, width]);
    x += width;
  }
  return { columns: x, rows: 1, runs };
}
