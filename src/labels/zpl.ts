/**
 * Labels in ZPL II, the language of label printers. The symbol is drawn by us, dot by dot, and not by
 * the printer's firmware: there is one encoder, whose symbols are read back by independent decoders,
 * and what the preview shows is what comes out. Matrices are one graphic field (^GF), bars are boxes
 * (^GB); words are the printer's own letters.
 *
 * Source: Zebra, Programming Guide for ZPL II (^CI, ^FH, ^FO, ^GB, ^GF, ^LL, ^PQ, ^PW, ~HS).
 */
import type { Drawing, SymbolMark, TextMark } from "./drawing.ts";

export type ZplOptions = {
  readonly dotMm: number;
  readonly width: number;
  readonly height: number;
  readonly copies: number;
  /** A font file of the printer for letters that its own font 0 lacks, such as E:TT0003M_.FNT. */
  readonly font?: string | undefined;
};

export function zplOf(drawing: Drawing, options: ZplOptions): string {
  const { dotMm, width, height, copies } = options;
  const dots = (mm: number) => Math.round(mm / dotMm);
  return [
    "^XA",
    // UTF-8; no offset that another program left behind.
    "^CI28^LH0,0^LS0^LT0",
    `^PW${dots(width)}^LL${dots(height)}`,
    symbolFields(drawing.symbol, dots),
    ...drawing.texts.map((mark) => textField(mark, dots, options.font)),
    `^PQ${copies}`,
    "^XZ",
  ].join("\n");
}

type Dots = (mm: number) => number;

function symbolFields(mark: SymbolMark, dots: Dots): string {
  const { symbol, x, y, module, rowHeight } = mark;
  if (symbol.rows > 1) return `^FO${dots(x)},${dots(y)}${graphic(mark, dots(module))}^FS`;
  const height = dots(rowHeight);
  const wide = dots(module);
  return symbol.runs
    .map(([column, , length]) => {
      const width = length * wide;
      // The thickness of a box that is all line is its lesser side.
      return `^FO${dots(x) + column * wide},${dots(y)}^GB${width},${height},${Math.min(width, height)}^FS`;
    })
    .join("\n");
}

/** Rows of bits, the first to the left, each row filled up to whole bytes, in hexadecimal. */
function graphic({ symbol }: SymbolMark, wide: number): string {
  const rowBytes = Math.ceil((symbol.columns * wide) / 8);
  const rows: string[] = [];
  for (let row = 0; row < symbol.rows; row++) {
    const bytes = new Uint8Array(rowBytes);
    for (const [column, y, length] of symbol.runs) {
      if (y !== row) continue;
      for (let dot = column * wide; dot < (column + length) * wide; dot++)
        bytes[dot >> 3] = (bytes[dot >> 3] ?? 0) | (0x80 >> (dot & 7));
    }
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    for (let n = 0; n < wide; n++) rows.push(hex.toUpperCase());
  }
  const total = rows.length * rowBytes;
  return `^GFA,${total},${total},${rowBytes},${rows.join("")}`;
}

function textField(
  { text, x, y, size, face, width }: TextMark,
  dots: Dots,
  font: string | undefined,
): string {
  const height = dots(size);
  // The printer's letters are not ours: narrow enough that the text keeps to the width it was given.
  const letter = Math.max(1, Math.round((dots(width) / Math.max(1, [...text].length)) * 1.6));
  const wide = Math.min(face === "bold" ? Math.round(height * 1.1) : height, letter);
  const top = Math.max(0, dots(y - size * 0.8));
  const named = font === undefined ? `^A0N,${height},${wide}` : `^A@N,${height},${wide},${font}`;
  return `^FO${dots(x)},${top}${named}^FH_^FD${escaped(text)}^FS`;
}

/** With ^FH_ a byte may be _HH: so the characters that begin a command, and the underscore itself. */
function escaped(text: string): string {
  return text.replaceAll(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a printer acts on them
    /[_^~\u0000-\u001f\u007f]/g,
    (letter) => `_${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** What a printer says of itself when it is asked (~HS). */
export type PrinterState = {
  readonly paperOut: boolean;
  readonly paused: boolean;
  readonly headOpen: boolean;
  readonly ribbonOut: boolean;
};

export const ASK_STATE = "~HS\r\n";
const STX = "\u0002";
const ETX = "\u0003";

/** Three strings between STX and ETX; undefined until two of them are whole, or when they say nothing. */
export function readState(heard: string): PrinterState | undefined {
  const said = heard
    .split(STX)
    .slice(1)
    .filter((part) => part.includes(ETX))
    .map((part) => part.slice(0, part.indexOf(ETX)).split(","));
  const [first, second] = said;
  if (first === undefined || second === undefined || first.length < 3 || second.length < 4)
    return undefined;
  return {
    paperOut: first[1] === "1",
    paused: first[2] === "1",
    headOpen: second[2] === "1",
    ribbonOut: second[3] === "1",
  };
}
