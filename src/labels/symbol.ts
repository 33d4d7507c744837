/**
 * Symbols as modules: where it is dark, row by row, in runs. A linear symbol is one row, as high as
 * there is room. And what GS1 asks of their size, as data.
 *
 * Sizes: GS1 General Specifications, section 5.12.3, symbol specification tables: 5 (logistic units),
 * 9 (GDTI, GRAI, GIAI, GLN); those of table 9 are within table 11 (GSRN), so a badge takes them too.
 * Quiet zones: 10 modules left and right of GS1-128 (5.4.4.2), 1 module around GS1 DataMatrix (5.6).
 * GS1-128 is at most 165.10 mm long with its quiet zones, and has at most 48 data characters (5.4.4.3).
 */
import type { KeyClass } from "../barcode/key.ts";

export type Carrier = "datamatrix" | "gs1-128";

export type Run = readonly [x: number, y: number, length: number];

/** In modules. */
export type Barcode = {
  readonly carrier: Carrier;
  readonly columns: number;
  readonly rows: number;
  readonly runs: readonly Run[];
};

export type SymbolSize = {
  /** Least and greatest width of a module, in mm. */
  readonly moduleMm: readonly [least: number, most: number];
  /** Light modules left and right, above and below. */
  readonly quiet: readonly [aside: number, above: number];
  /** Of the bars; 0: the modules are square. */
  readonly heightMmLeast: number;
  readonly widthMmMost: number;
};

const MATRIX = { quiet: [1, 1], heightMmLeast: 0, widthMmMost: Number.POSITIVE_INFINITY } as const;
const BARS = { quiet: [10, 0], widthMmMost: 165.1 } as const;

const THINGS: Readonly<Record<Carrier, SymbolSize>> = {
  datamatrix: { ...MATRIX, moduleMm: [0.38, 0.495] },
  "gs1-128": { ...BARS, moduleMm: [0.25, 0.495], heightMmLeast: 12.7 },
};
const LOGISTIC_UNITS: Readonly<Record<Carrier, SymbolSize>> = {
  datamatrix: { ...MATRIX, moduleMm: [0.743, 1.5] },
  "gs1-128": { ...BARS, moduleMm: [0.495, 0.94], heightMmLeast: 31.75 },
};

/** Undefined: a command barcode, which is no key; it is given the size of one. */
export function sizeOf(carrier: Carrier, kind: KeyClass | undefined): SymbolSize {
  return (kind === "sscc" ? LOGISTIC_UNITS : THINGS)[carrier];
}

/**
 * A module is a whole number of the printer's dots, or its edges blur. Printers' grids do not meet
 * the tables' millimetres, which come from inches themselves (0.495 mm are four dots of 203 dpi,
 * less 1.1 %), so a module may miss a limit by so much.
 */
const GRID_TOLERANCE = 0.015;

/** Dots of the widest module that is allowed and fits; undefined: not even the narrowest fits. */
export function moduleDots(
  symbol: Pick<Barcode, "carrier" | "columns" | "rows">,
  size: SymbolSize,
  room: { readonly widthMm: number; readonly heightMm: number },
  dotMm: number,
): number | undefined {
  const [aside, above] = size.quiet;
  const [least, most] = size.moduleMm;
  const widest = Math.min(room.widthMm, size.widthMmMost) / (symbol.columns + 2 * aside);
  const isMatrix = size.heightMmLeast === 0;
  const highest = isMatrix
    ? room.heightMm / (symbol.rows + 2 * above)
    : room.heightMm >= size.heightMmLeast
      ? Number.POSITIVE_INFINITY
      : 0;
  const limit = Math.min(widest, highest, most * (1 + GRID_TOLERANCE));
  const dots = Math.floor(limit / dotMm + 1e-9);
  return dots * dotMm >= least * (1 - GRID_TOLERANCE) ? dots : undefined;
}

/** The room without which the narrowest module does not fit, in mm. */
export function leastRoom(
  symbol: Pick<Barcode, "carrier" | "columns" | "rows">,
  size: SymbolSize,
  dotMm: number,
): { readonly widthMm: number; readonly heightMm: number } {
  const [aside, above] = size.quiet;
  const dots = Math.max(1, Math.ceil((size.moduleMm[0] * (1 - GRID_TOLERANCE)) / dotMm - 1e-9));
  const moduleMm = dots * dotMm;
  return {
    widthMm: (symbol.columns + 2 * aside) * moduleMm,
    heightMm: size.heightMmLeast || (symbol.rows + 2 * above) * moduleMm,
  };
}
