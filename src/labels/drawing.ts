/**
 * Where everything on a label is, in millimetres from the sheet's upper left corner: the symbol with
 * its quiet zone, and the words beside or below it. Pure: the same label is the same drawing on
 * paper, on the screen and at a label printer.
 *
 *   ┌──────────────────────┐      ┌──────────────────────┐
 *   │ ▓▓▓▓  title          │      │ title        caption │
 *   │ ▓▓▓▓  caption        │      │ ║║│║││║║│║│║││║║│║││ │
 *   │ ▓▓▓▓  (00)0123...    │      │ (00)0123456789012345 │
 *   └──────────────────────┘      └──────────────────────┘
 *
 * The symbol comes first: it has the size that GS1 asks for, or there is no drawing. Words give way.
 */
import type { KeyClass } from "../barcode/key.ts";
import { type Barcode, leastRoom, moduleDots, sizeOf } from "./symbol.ts";

export type Face = "bold" | "plain" | "mono";

/** Width of a text in a face whose em is 1. */
export type Measure = (face: Face, text: string) => number;

/** What is on one label; `class` says which sizes are asked for. */
export type LabelContent = {
  /** The element string with brackets, or the text of a command: what the symbol says. */
  readonly text: string;
  /** In the symbol, behind the FNC1 that marks GS1 data. */
  readonly data: string;
  /** Undefined: no GS1 data, but a text of its own. */
  readonly class: KeyClass | undefined;
  /** What people call it, in large letters. */
  readonly title: string;
  readonly caption: string;
};

export type Box = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

export type SymbolMark = {
  readonly kind: "symbol";
  readonly symbol: Barcode;
  /** Of the first dark module; the quiet zone lies outside. */
  readonly x: number;
  readonly y: number;
  readonly module: number;
  /** Of a row of modules. */
  readonly rowHeight: number;
};

export type TextMark = {
  readonly kind: "text";
  readonly face: Face;
  readonly text: string;
  /** Left end of the baseline. */
  readonly x: number;
  readonly y: number;
  /** Of the em. */
  readonly size: number;
  readonly width: number;
};

export type Drawing = { readonly symbol: SymbolMark; readonly texts: readonly TextMark[] };

export type Drawn =
  | { readonly ok: true; readonly drawing: Drawing }
  /** The least label that would hold it, in mm. */
  | { readonly ok: false; readonly why: "no-room"; readonly needs: Pick<Box, "width" | "height"> };

/** Letters between baseline and top, and baseline and line below, in parts of the em. */
const ASCENT = 0.8;
const LINE = 1.2;
const GAP = 1.5;
const HRI = { most: 2.6, least: 1.5 } as const;
const TITLE = { most: 6, least: 2 } as const;
const CAPTION = { most: 2.8, least: 1.6 } as const;
/** A column narrower than this says nothing. */
const TEXT_WIDTH_LEAST = 12;

export type DrawTools = {
  readonly measure: Measure;
  /** Of the printer, or of the grid that paper is printed on. */
  readonly dotMm: number;
};

/** A label without its padding. */
export type Inside = Box & { readonly padding: number };

export function drawLabel(
  content: LabelContent,
  symbol: Barcode,
  box: Inside,
  tools: DrawTools,
): Drawn {
  return symbol.rows === 1
    ? drawBars(content, symbol, box, tools)
    : drawMatrix(content, symbol, box, tools);
}

function drawMatrix(content: LabelContent, symbol: Barcode, box: Inside, tools: DrawTools): Drawn {
  const size = sizeOf(symbol.carrier, content.class);
  const { dotMm } = tools;
  const dots = moduleDots(symbol, size, { widthMm: box.width, heightMm: box.height }, dotMm);
  if (dots === undefined) return noRoom(symbol, content, box.padding, dotMm);
  const module = dots * dotMm;
  const quiet = size.quiet[0] * module;
  const side = symbol.columns * module + 2 * quiet;
  const beside = box.width - side - GAP;
  const isBeside = beside >= TEXT_WIDTH_LEAST;
  const x = snap(box.x + quiet + (isBeside ? 0 : Math.max(0, (box.width - side) / 2)), dotMm);
  const top = isBeside ? Math.max(0, (box.height - side) / 2) : 0;
  const y = snap(box.y + quiet + top, dotMm);
  const mark: SymbolMark = { kind: "symbol", symbol, x, y, module, rowHeight: module };
  const right = x + symbol.columns * module + quiet + GAP;
  const bottom = y + symbol.rows * module + quiet + GAP / 2;
  const words = isBeside
    ? { ...box, x: right, width: box.x + box.width - right }
    : { ...box, y: bottom, height: box.y + box.height - bottom };
  return { ok: true, drawing: { symbol: mark, texts: column(content, words, tools.measure) } };
}

function drawBars(content: LabelContent, symbol: Barcode, box: Inside, tools: DrawTools): Drawn {
  const size = sizeOf(symbol.carrier, content.class);
  const { dotMm, measure } = tools;
  // Bars end where their quiet zones begin, which may lie in the padding: nothing is printed there.
  const room = { widthMm: box.width + 2 * box.padding, heightMm: box.height };
  const dots = moduleDots(symbol, size, room, dotMm);
  if (dots === undefined) return noRoom(symbol, content, box.padding, dotMm);
  const module = dots * dotMm;
  const width = symbol.columns * module;
  const spare = box.height - size.heightMmLeast;
  const hri = fitLine("mono", content.text, box.width, HRI, measure);
  const hriHeight = hri.size * LINE <= spare ? hri.size * LINE : 0;
  const headMost = Math.min(TITLE.most, (spare - hriHeight) / LINE);
  const hasHead = headMost >= TITLE.least;
  const headHeight = hasHead ? headMost * LINE : 0;
  const x = snap(box.x + (box.width - width) / 2, dotMm);
  const y = snapUp(box.y + headHeight, dotMm);
  // Higher bars are easier to hit, but not without end.
  const rowHeight = snap(
    Math.max(
      size.heightMmLeast,
      Math.min(box.y + box.height - hriHeight - y, size.heightMmLeast * 1.3),
    ),
    dotMm,
    "up",
  );
  const texts = [
    ...(hasHead ? head(content, { ...box, height: headMost }, measure) : []),
    ...(hriHeight > 0
      ? [lineAt(hri, box.x + (box.width - hri.width) / 2, y + rowHeight + hri.size * 1.1)]
      : []),
  ];
  return {
    ok: true,
    drawing: { symbol: { kind: "symbol", symbol, x, y, module, rowHeight }, texts },
  };
}

/** Title left, caption right, on one line. */
function head({ title, caption }: LabelContent, box: Box, measure: Measure): readonly TextMark[] {
  const small = fitLine("plain", caption, box.width * 0.45, CAPTION, measure);
  const taken = caption === "" ? 0 : small.width + GAP;
  const most = Math.min(TITLE.most, box.height);
  const large = fitLine("bold", title, box.width - taken, { most, least: TITLE.least }, measure);
  const baseline = box.y + large.size * ASCENT;
  const marks = [lineAt(large, box.x, baseline)];
  if (caption !== "") marks.push(lineAt(small, box.x + box.width - small.width, baseline));
  return marks.filter(({ text }) => text !== "");
}

/** Title, caption and what the symbol says, one below the other; what has no room is left out. */
function column(content: LabelContent, box: Box, measure: Measure): readonly TextMark[] {
  const hri = hriLines(content.text, box.width, measure);
  const title = fitLine("bold", content.title, box.width, TITLE, measure);
  const caption = fitLine("plain", content.caption, box.width, CAPTION, measure);
  const isSaid = content.title === content.text;
  const lines: Line[] = [title, caption, ...(isSaid ? [] : hri)].filter(({ text }) => text !== "");
  const height = () => lines.reduce((sum, { size }) => sum + size * LINE, 0);
  while (lines.length > 0 && height() > box.height + 0.01) {
    const large = lines.indexOf(title);
    const first = lines[large];
    const over = height() - box.height;
    if (first !== undefined && first.size - over / LINE >= TITLE.least) {
      const most = first.size - over / LINE;
      lines[large] = fitLine("bold", content.title, box.width, { most, least: most }, measure);
      break;
    }
    // The caption helps least; half of what the symbol says would mislead.
    const dropped = lines.indexOf(caption);
    if (dropped >= 0) lines.splice(dropped, 1);
    else if (lines.length > 1 && !isSaid && lines.some(({ face }) => face === "mono"))
      lines.splice(0, lines.length, ...lines.filter(({ face }) => face !== "mono"));
    else lines.pop();
  }
  let y = box.y + Math.max(0, (box.height - height()) / 2);
  return lines.map((line) => {
    const mark = lineAt(line, box.x, y + line.size * ASCENT);
    y += line.size * LINE;
    return mark;
  });
}

type Line = Pick<TextMark, "face" | "text" | "size" | "width">;

/** As large as fits; what does not even fit small is cut short and says so. */
function fitLine(
  face: Face,
  text: string,
  room: number,
  size: { readonly most: number; readonly least: number },
  measure: Measure,
): Line {
  const em = measure(face, text);
  const fits = em === 0 ? size.most : Math.min(size.most, room / em);
  if (fits >= size.least) return { face, text, size: fits, width: em * fits };
  const letters = [...text];
  while (letters.length > 0) {
    letters.pop();
    const cut = `${letters.join("").trimEnd()}…`;
    const width = measure(face, cut) * size.least;
    if (width <= room) return { face, text: cut, size: size.least, width };
  }
  return { face, text: "", size: size.least, width: 0 };
}

/** An element string over several lines, broken before an application identifier if that is enough. */
function hriLines(text: string, room: number, measure: Measure): readonly Line[] {
  const em = measure("mono", "0");
  const whole = room / (em * text.length);
  if (whole >= HRI.least) return [fitLine("mono", text, room, HRI, measure)];
  const most = Math.max(1, Math.floor(room / (em * HRI.least)));
  const parts = text.split(/(?=\(\d{2,4}\))/).flatMap((part) => {
    const pieces = Math.ceil(part.length / most);
    const length = Math.ceil(part.length / pieces);
    return Array.from({ length: pieces }, (_, n) => part.slice(n * length, (n + 1) * length));
  });
  const longest = Math.max(...parts.map((part) => part.length));
  const size = Math.min(HRI.most, room / (em * longest));
  return parts.map((part) => ({ face: "mono", text: part, size, width: em * part.length * size }));
}

function lineAt(line: Line, x: number, y: number): TextMark {
  return { kind: "text", ...line, x, y };
}

function noRoom(symbol: Barcode, content: LabelContent, padding: number, dotMm: number): Drawn {
  const { widthMm, heightMm } = leastRoom(symbol, sizeOf(symbol.carrier, content.class), dotMm);
  const width = symbol.rows === 1 ? widthMm : widthMm + 2 * padding;
  return { ok: false, why: "no-room", needs: { width, height: heightMm + 2 * padding } };
}

/** Onto the grid of dots, so that each module begins at a dot. */
function snap(mm: number, dotMm: number, how: "near" | "up" = "near"): number {
  return (how === "up" ? Math.ceil(mm / dotMm - 1e-6) : Math.round(mm / dotMm)) * dotMm;
}

function snapUp(mm: number, dotMm: number): number {
  return snap(mm, dotMm, "up");
}
