/**
 * Cuts the byte stream of a scanner into frames, by what the scanner puts around a scan.
 *
 * Bounded: holds at most `frameBytesMax` bytes, whatever arrives. Garbage is data: every byte ends
 * up in a frame, is a framing character, or is counted in a noise cut. Never throws on input.
 *
 * One deframer per opened line. When the line closes, `close` says what it held; those bytes are
 * gone, since the rest of their scan went down with the plug, and the next line starts fresh.
 */
import { never } from "../../kernel/assert.ts";
import { createKeysDeframer } from "../scanners/keys.ts";
import { createSsiDeframer } from "../scanners/ssi-deframer.ts";
import type { Deframer } from "./cut.ts";
import { createDelimiterDeframer, type Delimiter } from "./delimiter.ts";
import { createGapDeframer } from "./gap.ts";
import { createLengthDeframer } from "./length.ts";
import { createStxEtxDeframer } from "./stx-etx.ts";

export type Framing =
  | { readonly kind: "delimiter"; readonly delimiter: Delimiter }
  | { readonly kind: "stx-etx" }
  | { readonly kind: "gap" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "ssi" }
  | { readonly kind: "keys" };

export function createDeframer(framing: Framing, frameBytesMax: number): Deframer {
  switch (framing.kind) {
    case "delimiter":
      return createDelimiterDeframer(framing.delimiter, frameBytesMax);
    case "stx-etx":
      return createStxEtxDeframer(frameBytesMax);
    case "gap":
      return createGapDeframer(frameBytesMax);
    case "length":
      return createLengthDeframer(framing.bytes);
    case "ssi":
      return createSsiDeframer();
    case "keys":
      return createKeysDeframer(frameBytesMax);
    default:
      return never(framing);
  }
}
