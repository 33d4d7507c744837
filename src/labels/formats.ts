/**
 * Sheets of labels and single labels, as data: where each label is on its sheet, in millimetres.
 * Measures of sheets are those of their makers' templates; a warehouse adds its own in the
 * configuration.
 */

export type Format = {
  readonly id: string;
  /** The product or the use, as people call it. */
  readonly name: string;
  readonly page: { readonly width: number; readonly height: number };
  readonly label: { readonly width: number; readonly height: number };
  readonly columns: number;
  readonly rows: number;
  /** Of the first label, from the sheet's edges. */
  readonly left: number;
  readonly top: number;
  readonly gapX: number;
  readonly gapY: number;
  /** Within each label, where printers and cutters may stray. */
  readonly padding: number;
};

const A4 = { width: 210, height: 297 } as const;

function single(id: string, name: string, width: number, height: number): Format {
  return {
    ...{ id, name, page: { width, height }, label: { width, height } },
    ...{ columns: 1, rows: 1, left: 0, top: 0, gapX: 0, gapY: 0, padding: 1.5 },
  };
}

export const FORMATS: readonly Format[] = [
  {
    ...{ id: "a4-3x8", name: "A4, 24 × 70 × 37 mm", page: A4, label: { width: 70, height: 37 } },
    ...{ columns: 3, rows: 8, left: 0, top: 0.5, gapX: 0, gapY: 0, padding: 1.8 },
  },
  {
    ...{ id: "a4-3x7", name: "A4, 21 × 63.5 × 38.1 mm", page: A4 },
    ...{ label: { width: 63.5, height: 38.1 }, columns: 3, rows: 7, left: 7.25, top: 15.15 },
    ...{ gapX: 2.5, gapY: 0, padding: 1.5 },
  },
  {
    ...{ id: "a4-2x7", name: "A4, 14 × 99.1 × 38.1 mm", page: A4 },
    ...{ label: { width: 99.1, height: 38.1 }, columns: 2, rows: 7, left: 4.65, top: 15.15 },
    ...{ gapX: 2.5, gapY: 0, padding: 1.5 },
  },
  {
    ...{ id: "a4-5x13", name: "A4, 65 × 38.1 × 21.2 mm", page: A4 },
    ...{ label: { width: 38.1, height: 21.2 }, columns: 5, rows: 13, left: 4.75, top: 10.7 },
    ...{ gapX: 2.5, gapY: 0, padding: 1.2 },
  },
  {
    ...{ id: "a4-2x4", name: "A4, 8 × 99.1 × 67.7 mm", page: A4 },
    ...{ label: { width: 99.1, height: 67.7 }, columns: 2, rows: 4, left: 4.65, top: 13.1 },
    ...{ gapX: 2.5, gapY: 0, padding: 2 },
  },
  {
    ...{ id: "a4-badges", name: "A4, 10 × 85.6 × 54 mm", page: A4 },
    ...{ label: { width: 85.6, height: 54 }, columns: 2, rows: 5, left: 14.4, top: 7.5 },
    ...{ gapX: 10, gapY: 3, padding: 3 },
  },
  single("50x25", "50 × 25 mm", 50, 25),
  single("57x32", "57 × 32 mm", 57, 32),
  single("100x50", "100 × 50 mm", 100, 50),
  single("100x150", "100 × 150 mm", 100, 150),
];

export function labelsPerPage({ columns, rows }: Format): number {
  return columns * rows;
}

/** Of the n-th label of a sheet, row by row, from the sheet's upper left corner. */
export function cellOf(format: Format, n: number): { readonly x: number; readonly y: number } {
  const column = n % format.columns;
  const row = Math.floor(n / format.columns);
  return {
    x: format.left + column * (format.label.width + format.gapX),
    y: format.top + row * (format.label.height + format.gapY),
  };
}

/** Below this nobody measures, and sums of decimals stray. */
const ROUNDING_MM = 0.01;

/** What is wrong with a format that somebody wrote; undefined when its labels are on its sheet. */
export function formatProblem(format: Format): string | undefined {
  const { page, label, columns, rows, left, top, padding } = format;
  const { x, y } = cellOf(format, columns * rows - 1);
  const right = x + label.width;
  const bottom = y + label.height;
  if (left < 0 || top < 0) return "its first label begins outside the sheet";
  if (right > page.width + ROUNDING_MM)
    return `its labels reach to ${right.toFixed(1)} mm of a sheet that is ${page.width} mm wide`;
  if (bottom > page.height + ROUNDING_MM)
    return `its labels reach to ${bottom.toFixed(1)} mm of a sheet that is ${page.height} mm high`;
  if (2 * padding >= Math.min(label.width, label.height)) return "its padding leaves no room";
  return undefined;
}
