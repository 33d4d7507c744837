/** Labels onto sheets of a format, from the first free place on: which label is where on which page. */
import {
  type Box,
  type Drawing,
  type DrawTools,
  drawLabel,
  type Inside,
  type LabelContent,
} from "./drawing.ts";
import { cellOf, type Format, labelsPerPage } from "./formats.ts";
import type { Barcode } from "./symbol.ts";

export type Sheet = {
  readonly page: Format["page"];
  readonly labels: readonly (Drawing & { readonly cell: Box })[];
};

export type Sheets =
  | { readonly ok: true; readonly sheets: readonly Sheet[] }
  /** The first label that has no room, and the least label that would hold it, in mm. */
  | {
      readonly ok: false;
      readonly why: "no-room";
      readonly text: string;
      readonly needs: { readonly width: number; readonly height: number };
    };

export type ToDraw = { readonly content: LabelContent; readonly symbol: Barcode };

/** `skip`: places of the first sheet that are used up. */
export function layOut(
  labels: readonly ToDraw[],
  format: Format,
  { skip }: { readonly skip: number },
  tools: DrawTools,
): Sheets {
  const perPage = labelsPerPage(format);
  const { page, padding } = format;
  const pages = new Map<number, (Drawing & { readonly cell: Box })[]>();
  for (const [n, { content, symbol }] of labels.entries()) {
    const place = skip + n;
    const cell = { ...cellOf(format, place % perPage), ...format.label };
    const drawn = drawLabel(content, symbol, inside(cell, padding), tools);
    if (!drawn.ok) return { ...drawn, text: content.text };
    const number = Math.floor(place / perPage);
    const onPage = pages.get(number) ?? [];
    onPage.push({ ...drawn.drawing, cell });
    pages.set(number, onPage);
  }
  return { ok: true, sheets: [...pages.values()].map((onPage) => ({ page, labels: onPage })) };
}

function inside({ x, y, width, height }: Box, padding: number): Inside {
  return {
    padding,
    x: x + padding,
    y: y + padding,
    width: width - 2 * padding,
    height: height - 2 * padding,
  };
}
