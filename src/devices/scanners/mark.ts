/**
 * Brings what a scanner sent into the one form that the twin reads: an AIM identifier in front, GS
 * between elements. What was sent is kept beside it whenever that changed a byte.
 *
 * Sources: ISO/IEC 15424 (AIM identifiers); Zebra SSI guide, table of bar code types.
 */
import { isCommand } from "../../barcode/command.ts";
import { codeIdSymbology } from "../../barcode/symbology.ts";
import { aimOf } from "../framing/aim.ts";

export type Marking = {
  readonly aim: boolean;
  /** A one-letter code identifier of Zebra/Symbol stands in front, before an AIM identifier if both. */
  readonly codeId: "none" | "symbol";
  /** What the scanner sends for GS; empty: GS itself. */
  readonly separator: string;
  /** What a scan without an identifier is; undefined: it stays without one. */
  readonly unmarked: "gs1" | "plain" | undefined;
};

export type Marked = {
  readonly raw: Uint8Array;
  readonly aim: string;
  /** The frame as it was sent, when `raw` is not. */
  readonly sent: Uint8Array | undefined;
};

const GS = 0x1d;

/** `type`: the bar code type of an SSI packet, which stands before the data there. */
export function mark(frame: Uint8Array, marking: Marking, type?: number): Marked {
  const { data, aim: implied } = withoutCodeId(frame, marking, type);
  const sentAim = marking.aim ? aimOf(data) : "";
  const text = separated(data, marking.separator, sentAim.length);
  const aim = sentAim || (isCommand(latin(data)) ? "" : implied);
  const raw = sentAim === "" && aim !== "" ? Uint8Array.of(...ascii(aim), ...text) : text;
  const asSent = raw === frame && type === undefined;
  return { raw, aim, sent: asSent ? undefined : typed(frame, type) };
}

function withoutCodeId(
  frame: Uint8Array,
  { codeId, unmarked }: Marking,
  type: number | undefined,
): { readonly data: Uint8Array; readonly aim: string } {
  const assumed = (type === undefined ? undefined : SSI_AIM[type]) ?? UNMARKED[unmarked ?? "none"];
  if (codeId === "none") return { data: frame, aim: assumed };
  const found = codeIdSymbology(latin(frame.subarray(0, 3)));
  // A scan without one is no scan of this symbol kind: it is told as it came.
  if (found === undefined) return { data: frame, aim: "" };
  const aim = NAMED_AIM[found.symbology.name] ?? OTHER;
  return { data: frame.subarray(found.length), aim };
}

function separated(data: Uint8Array, separator: string, from: number): Uint8Array {
  const word = ascii(separator);
  if (word.length === 0) return data;
  const kept: number[] = [...data.subarray(0, from)];
  let changed = false;
  for (let at = from; at < data.length; ) {
    const here = word.every((byte, index) => data[at + index] === byte);
    kept.push(here ? GS : (data[at] as number));
    at += here ? word.length : 1;
    changed ||= here;
  }
  return changed ? Uint8Array.from(kept) : data;
}

function typed(frame: Uint8Array, type: number | undefined): Uint8Array {
  return type === undefined ? frame : Uint8Array.of(type, ...frame);
}

function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}

function latin(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

const OTHER = "]X0";
const UNMARKED = { gs1: "]C1", plain: OTHER, none: "" } as const;

/** By the names of barcode/symbology.ts. */
const NAMED_AIM: Readonly<Record<string, string>> = {
  ean: "]E0",
  "code-39": "]A0",
  codabar: "]F0",
  "code-128": "]C0",
  "code-93": "]G0",
  "code-11": "]H0",
  "interleaved-2-of-5": "]I0",
  "straight-2-of-5": "]S0",
  msi: "]M0",
  "gs1-128": "]C1",
  "gs1-databar": "]e0",
  pdf417: "]L0",
  aztec: "]z0",
  datamatrix: "]d1",
  qr: "]Q1",
  maxicode: "]U0",
  "gs1-datamatrix": "]d2",
  "han-xin": "]h0",
  "gs1-qr": "]Q3",
};

const SSI_AIM: Readonly<Record<number, string>> = {
  1: "]A0",
  2: "]F0",
  3: "]C0",
  4: "]S0",
  6: "]I0",
  7: "]G0",
  10: "]E4",
  11: "]E0",
  12: "]H0",
  14: "]M0",
  15: "]C1",
  17: "]L0",
  27: "]d1",
  28: "]Q1",
  37: "]U0",
  45: "]z0",
  48: "]e0",
  49: "]e0",
  50: "]e0",
  183: "]h0",
  193: "]d2",
  194: "]Q3",
};
