/** A sheet as SVG, in millimetres: what the page shows before anything is printed. */
import type { TextMark } from "./drawing.ts";
import type { Sheet } from "./sheets.ts";

const FONTS = {
  bold: 'font-family="DejaVu Sans, sans-serif" font-weight="700"',
  plain: 'font-family="DejaVu Sans, sans-serif"',
  mono: 'font-family="DejaVu Sans Mono, monospace"',
} as const;

export function svgOf({ page, labels }: Sheet): string {
  const { width, height } = page;
  const drawn = labels.map(({ cell, symbol: { symbol, x, y, module, rowHeight }, texts }) => {
    const path = symbol.runs
      .map(
        ([column, row, length]) =>
          `M${mm(x + column * module)} ${mm(y + row * rowHeight)}h${mm(length * module)}v${mm(rowHeight)}h${mm(-length * module)}z`,
      )
      .join("");
    const edge = `<rect x="${mm(cell.x)}" y="${mm(cell.y)}" width="${mm(cell.width)}" height="${mm(cell.height)}" rx="1" fill="none" stroke="#bbb" stroke-width=".15" stroke-dasharray="1 1"/>`;
    return `${edge}<path d="${path}"/>${texts.map(textOf).join("")}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}mm" height="${height}mm" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="#fff"/>${drawn.join("")}</svg>`;
}

/** The reader's own letters take the width that the printed ones have. */
function textOf({ face, text, x, y, size, width }: TextMark): string {
  return `<text x="${mm(x)}" y="${mm(y)}" font-size="${mm(size)}" ${FONTS[face]} textLength="${mm(width)}" lengthAdjust="spacingAndGlyphs">${escaped(text)}</text>`;
}

function mm(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
