/**
 * Scans that end with CR, LF, CR LF, or with any of the three; or with TAB or ETX.
 *
 * Empty frames are ignored, so that `any` needs no memory of a CR: the LF of a CR LF ends an empty
 * frame, also when it comes in the next chunk. `crlf` is strict: a lone CR or LF is part of the scan.
 */
import type { Cut, Deframer } from "./cut.ts";
import { createHeld } from "./held.ts";

export type Delimiter = "cr" | "lf" | "crlf" | "any" | "tab" | "etx";

const LF = 0x0a;
const CR = 0x0d;
const ENDS = { cr: CR, lf: LF, tab: 0x09, etx: 0x03 } as const;

export function createDelimiterDeframer(delimiter: Delimiter, frameBytesMax: number): Deframer {
  const held = createHeld(frameBytesMax);
  /** Only for `crlf`: a CR that may be the first half of the delimiter. */
  let afterCr = false;

  /** Takes the byte and says whether a frame ended with it. */
  function ends(byte: number): boolean {
    if (delimiter === "crlf") return endsAfterBoth(byte);
    const end = delimiter === "any" ? byte === CR || byte === LF : byte === ENDS[delimiter];
    if (!end) held.add(byte);
    return end;
  }

  function endsAfterBoth(byte: number): boolean {
    const end = afterCr && byte === LF;
    if (afterCr && !end) held.add(CR);
    afterCr = !end && byte === CR;
    if (!end && !afterCr) held.add(byte);
    return end;
  }

  return {
    push(chunk) {
      const cuts: Cut[] = [];
      const keep = (cut: Cut | undefined) => cut && cuts.push(cut);
      for (const byte of chunk) {
        if (!ends(byte)) continue;
        keep(held.dropped());
        keep(held.end());
      }
      keep(held.dropped());
      return cuts;
    },
    quiet: () => [],
    close() {
      if (afterCr) held.add(CR);
      afterCr = false;
      return [held.dropped(), held.cutShort()].filter((cut) => cut !== undefined);
    },
  };
}
