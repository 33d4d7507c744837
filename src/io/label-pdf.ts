/**
 * Sheets of labels as PDF, to the millimetre: symbols as filled areas, not as pictures, and letters
 * of a font that goes with the file, so that it looks the same everywhere, in any of our languages.
 */
import { createRequire } from "node:module";
import PDFDocument from "pdfkit";
import type { Face, Measure } from "../labels/drawing.ts";
import type { Sheet } from "../labels/sheets.ts";

const POINTS_PER_MM = 72 / 25.4;
const fontPath = (name: string) =>
  createRequire(import.meta.url).resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`);
const FONTS: Readonly<Record<Face, string>> = {
  bold: fontPath("DejaVuSans-Bold"),
  plain: fontPath("DejaVuSans"),
  mono: fontPath("DejaVuSansMono"),
};

/** How wide texts are in the fonts of the PDF. */
export function openMeasure(): Measure {
  const scratch = new PDFDocument({ autoFirstPage: false });
  for (const [face, path] of Object.entries(FONTS)) scratch.registerFont(face, path);
  return (face, text) => scratch.font(face, 1000).widthOfString(text, SINGLE_LINE) / 1000;
}

const SINGLE_LINE = { lineBreak: false, features: [] };

export function pdfOf(sheets: readonly Sheet[], title: string): Promise<Uint8Array> {
  const pdf = new PDFDocument({
    autoFirstPage: false,
    info: { Title: title, Creator: "racktrace", Producer: "racktrace" },
    lang: "en",
  });
  const chunks: Buffer[] = [];
  const whole = new Promise<Uint8Array>((resolve, reject) => {
    pdf.on("data", (chunk: Buffer) => chunks.push(chunk));
    pdf.on("end", () => resolve(Buffer.concat(chunks)));
    pdf.on("error", reject);
  });
  // Printing dialogs that know the wish leave the size alone.
  const wish = pdf.ref({ PrintScaling: "None" });
  (pdf as unknown as WithRoot)._root.data.ViewerPreferences = wish;
  for (const [face, path] of Object.entries(FONTS)) pdf.registerFont(face, path);
  for (const sheet of sheets) drawSheet(pdf, sheet);
  pdf.end();
  return whole;
}

/** The PDF's catalogue, which has no other door; pdfkit ends what it refers to. */
type WithRoot = { readonly _root: { readonly data: { ViewerPreferences: object } } };

function drawSheet(pdf: PDFKit.PDFDocument, { page, labels }: Sheet): void {
  pdf.addPage({
    size: [page.width * POINTS_PER_MM, page.height * POINTS_PER_MM],
    margin: 0,
  });
  pdf.save().scale(POINTS_PER_MM).fillColor("black");
  for (const { symbol: mark, texts } of labels) {
    const { symbol, x, y, module, rowHeight } = mark;
    for (const [column, row, length] of symbol.runs)
      pdf.rect(x + column * module, y + row * rowHeight, length * module, rowHeight);
    pdf.fill();
    for (const { face, text, x: left, y: baseline, size } of texts)
      pdf.font(face, size).text(text, left, baseline, { ...SINGLE_LINE, baseline: "alphabetic" });
  }
  pdf.restore();
}
