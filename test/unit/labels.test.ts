/** Labels on paper: sizes and quiet zones that GS1 asks for, whatever is on the label and however small it is. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/barcode/command.ts";
import { COMMAND_TEXTS, commandWord, SHEET_LANGUAGES } from "../../src/labels/command-words.ts";
import { labelOf } from "../../src/labels/content.ts";
import {
  type Drawn,
  drawLabel,
  type LabelContent,
  type Measure,
} from "../../src/labels/drawing.ts";
import { FORMATS, type Format, formatProblem } from "../../src/labels/formats.ts";
import {
  badgeSeries,
  envelopeSeries,
  keyOfSeries,
  pageSeries,
  placeSeries,
  serialSeries,
} from "../../src/labels/numbering.ts";
import { layOut } from "../../src/labels/sheets.ts";
import { svgOf } from "../../src/labels/svg.ts";
import type { Barcode, Carrier } from "../../src/labels/symbol.ts";
import { readState, zplOf } from "../../src/labels/zpl.ts";

/** Every letter as wide as a digit of a monospaced font. */
const measure: Measure = (_face, text) => [...text].length * 0.602;
const PAGE = { key: "253/9521234000013N00001P01" };
const ENVELOPE = { key: "00/095212340000000013" };

/** Least and greatest module, least height of bars, and quiet zone, from the tables of GS1. */
const TABLE = {
  "page datamatrix": { module: [0.38, 0.495], height: 0, quiet: 1 },
  "page gs1-128": { module: [0.25, 0.495], height: 12.7, quiet: 10 },
  "envelope datamatrix": { module: [0.743, 1.5], height: 0, quiet: 1 },
  "envelope gs1-128": { module: [0.495, 0.94], height: 31.75, quiet: 10 },
} as const;

describe("a label", () => {
  test.each(Object.entries(TABLE))(
    "of %s has modules, bars and quiet zones as GS1 asks for, or is not drawn",
    (name, { module, height, quiet }) => {
      const [kind, carrier] = name.split(" ") as [string, Carrier];
      let count = 0;
      fc.assert(
        fc.property(labels(carrier), ({ box, dotMm, symbol, title, caption }) => {
          const content = contentOf(kind === "page" ? PAGE : ENVELOPE, title, caption);
          const drawn = drawLabel(content, symbol, box, { measure, dotMm });
          if (!drawn.ok) return;
          count += 1;
          const { symbol: mark, texts } = drawn.drawing;
          expect(mark.module).toBeGreaterThanOrEqual(module[0] * 0.985);
          expect(mark.module).toBeLessThanOrEqual(module[1] * 1.015);
          expect(Math.abs(mark.module / dotMm - Math.round(mark.module / dotMm))).toBeLessThan(
            1e-6,
          );
          expect(mark.rowHeight * symbol.rows).toBeGreaterThanOrEqual(height - 1e-6);
          const light = quiet * mark.module;
          const width = symbol.columns * mark.module;
          const deep = symbol.rows * mark.rowHeight;
          const above = carrier === "datamatrix" ? light : 0;
          const label = outer(box);
          // Its quiet zone is on the label, half a dot that it is moved onto the grid aside.
          expect(mark.x - light).toBeGreaterThanOrEqual(label.x - dotMm);
          expect(mark.x + width + light).toBeLessThanOrEqual(label.x + label.width + dotMm);
          expect(mark.y - above).toBeGreaterThanOrEqual(label.y - dotMm);
          expect(mark.y + deep + above).toBeLessThanOrEqual(label.y + label.height + dotMm);
          for (const one of texts) {
            const [top, bottom] = [one.y - one.size * 0.8, one.y + one.size * 0.24];
            expect(one.x, one.text).toBeGreaterThanOrEqual(box.x - dotMm);
            expect(one.x + one.width, one.text).toBeLessThanOrEqual(box.x + box.width + dotMm);
            expect(bottom, one.text).toBeLessThanOrEqual(label.y + label.height + dotMm);
            const isAside = one.x >= mark.x + width + light - dotMm;
            const isBelow = top >= mark.y + deep + above - dotMm;
            const isAbove = bottom <= mark.y - above + dotMm;
            expect(isAside || isBelow || isAbove, `${one.text} is in the quiet zone`).toBe(true);
          }
        }),
        { numRuns: 2_000, seed: 7 },
      );
      expect(count).toBeGreaterThan(30);
    },
  );

  test("that is drawn has at least the size that one that is not drawn is told to need", () => {
    fc.assert(
      fc.property(labels("gs1-128"), ({ box, dotMm, symbol }) => {
        const content = contentOf(PAGE, "a", "");
        const drawn = drawLabel(content, symbol, box, { measure, dotMm });
        if (drawn.ok) return;
        const { padding } = box;
        const width = drawn.needs.width - 2 * padding + 0.001;
        const height = drawn.needs.height - 2 * padding + 0.001;
        const larger = { ...box, width, height };
        expect(drawLabel(content, symbol, larger, { measure, dotMm })).toMatchObject({ ok: true });
      }),
      { numRuns: 200, seed: 7 },
    );
  });

  test("says whole what its symbol says, or nothing of it", () => {
    fc.assert(
      fc.property(labels("datamatrix"), ({ box, dotMm, symbol, title, caption }) => {
        const content = contentOf(PAGE, title, caption);
        const drawn = drawLabel(content, symbol, box, { measure, dotMm });
        if (!drawn.ok) return;
        const said = drawn.drawing.texts
          .filter(({ face }) => face === "mono")
          .map(({ text }) => text)
          .join("");
        expect(["", content.text]).toContain(said);
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  test("cuts a name that has no room, and says that it did", () => {
    const content = contentOf(PAGE, "Very long name of a very long thing in a very long room", "");
    const box = { x: 0, y: 0, width: 30, height: 12, padding: 1 };
    const drawn = good(drawLabel(content, matrix(20), box, { measure, dotMm: 1 / 12 }));
    const title = drawn.texts.find(({ face }) => face === "bold");
    expect(title?.text).toMatch(/^Very long.*…$/);
  });
});

describe("formats", () => {
  test.each(FORMATS.map((format) => [format.id, format] as const))(
    "of the product have their labels on the sheet: %s",
    (_id, format) => expect(formatProblem(format)).toBeUndefined(),
  );

  test("of sheets lie in the middle of their sheet, as their makers cut them", () => {
    for (const format of FORMATS) {
      const { id, page, label, columns, rows, left, top, gapX, gapY } = format;
      const across = 2 * left + columns * label.width + (columns - 1) * gapX;
      const down = 2 * top + rows * label.height + (rows - 1) * gapY;
      expect([across, down], id).toEqual([
        expect.closeTo(page.width, 1),
        expect.closeTo(page.height, 1),
      ]);
    }
  });

  test("that do not add up are told apart", () => {
    const format = FORMATS[0] as Format;
    expect(formatProblem({ ...format, columns: 4 })).toContain("reach to 280.0 mm");
    expect(formatProblem({ ...format, top: 20 })).toContain("reach to 316.0 mm");
    expect(formatProblem({ ...format, left: -1 })).toContain("outside");
    expect(formatProblem({ ...format, padding: 20 })).toContain("no room");
  });

  test("are filled row by row, from the first free place, and on to the next sheet", () => {
    const format = FORMATS[0] as Format;
    const label = { content: contentOf(PAGE, "a", ""), symbol: matrix(20) };
    const laid = layOut(Array(5).fill(label), format, { skip: 22 }, { measure, dotMm: 25.4 / 300 });
    if (!laid.ok) throw new Error(laid.text);
    const cells = laid.sheets.map(({ labels }) => labels.map(({ cell: { x, y } }) => [x, y]));
    expect(cells).toEqual([
      [
        [70, 259.5],
        [140, 259.5],
      ],
      [
        [0, 0.5],
        [70, 0.5],
        [140, 0.5],
      ],
    ]);
  });
});

describe("numbers in a row", () => {
  test.each([
    [envelopeSeries("9521234", 0), 1, "00/095212340000000013"],
    [badgeSeries("9521234"), 77, "8018/952123400000000772"],
    [serialSeries("8003/09521234005001", "F", 4), 1, "8003/09521234005001F0001"],
    [serialSeries("8003/09521234005001", "F", 4), 12_345, "8003/09521234005001F12345"],
    [pageSeries("253/9521234000013", "N00001"), 2, "253/9521234000013N00001P02"],
    [pageSeries("253/9521234000013", "N00001"), 100, "253/9521234000013N00001P100"],
    [placeSeries("9521234001003", "R1", "S"), 12, "414/9521234001003/254/R1-S12"],
    [placeSeries("9521234001003", "", "R"), 3, "414/9521234001003/254/R3"],
  ])("%j: the %i. is %s", (series, n, key) => {
    if (series === undefined) throw new Error("no series");
    expect(keyOfSeries(series, n)).toEqual({ ok: true, key });
  });

  test("end where the key has no room for more", () => {
    expect(keyOfSeries(envelopeSeries("952123412345", 0), 9_999).ok).toBe(true);
    expect(keyOfSeries(envelopeSeries("952123412345", 0), 10_000).ok).toBe(false);
    expect(keyOfSeries(serialSeries("8003/09521234005001", "ABCDEFGH", 8), 1).ok).toBe(true);
    expect(keyOfSeries(serialSeries("8003/09521234005001", "ABCDEFGH", 9), 1).ok).toBe(false);
  });

  test("are not made of a document's number that no serial can have", () => {
    for (const number of ["ТТН-15", "N 15", "n15", "N/15", "N0000000000015"])
      expect(pageSeries("253/9521234000013", number), number).toBeUndefined();
  });
});

describe("ZPL", () => {
  const box = { x: 1.5, y: 1.5, width: 67, height: 34, padding: 1.5 };
  const options = { dotMm: 1 / 8, width: 70, height: 37, copies: 3 };

  test("is one label, as large as the printer's, as often as wanted", () => {
    const zpl = zplOf(
      good(drawLabel(contentOf(PAGE, "N00001P01", ""), matrix(20), box, { measure, dotMm: 1 / 8 })),
      options,
    );
    expect(zpl).toMatch(/^\^XA\n\^CI28/);
    expect(zpl).toContain("^PW560^LL296");
    expect(zpl).toMatch(/\^PQ3\n\^XZ$/);
  });

  test("says how many bytes its picture has, and has them", () => {
    const zpl = zplOf(
      good(drawLabel(contentOf(PAGE, "a", ""), matrix(20), box, { measure, dotMm: 1 / 8 })),
      options,
    );
    const [, all, also, row, hex = ""] = /\^GFA,(\d+),(\d+),(\d+),([0-9A-F]+)\^FS/.exec(zpl) ?? [];
    expect([Number(all), Number(also)]).toEqual([hex.length / 2, hex.length / 2]);
    // 20 modules of 4 dots: half a millimetre is the 0.495 mm of the table on this grid.
    expect(Number(row)).toBe(10);
    expect(hex.length / 2).toBe(10 * 80);
  });

  test("takes no command from a name, and keeps its letters", () => {
    const content = contentOf(PAGE, "^XA~JA_1 Ü Я", "");
    const zpl = zplOf(
      good(drawLabel(content, matrix(20), box, { measure, dotMm: 1 / 8 })),
      options,
    );
    expect(zpl).toContain("^FH_^FD_5EXA_7EJA_5F1 Ü Я^FS");
    expect(zpl.match(/\^XA/g)).toHaveLength(1);
    expect(zpl).not.toContain("~");
  });

  test("has letters of the font that the printer is said to have", () => {
    const drawing = good(
      drawLabel(contentOf(PAGE, "Я", ""), matrix(20), box, { measure, dotMm: 1 / 8 }),
    );
    expect(zplOf(drawing, { ...options, font: "E:TT0003M_.FNT" })).toMatch(
      /\^A@N,\d+,\d+,E:TT0003M_\.FNT/,
    );
  });
});

test("what a printer says of itself is read once it is whole, and noise is nothing", () => {
  const said = (paper: number, paused: number, head: number, ribbon: number) =>
    `\u0002030,${paper},${paused},1245,000,0,0,0,000,0,0,0\u0003\r\n\u0002000,0,${head},${ribbon},0,2,4,0,00000000,1,000\u0003\r\n\u00021234,0\u0003\r\n`;
  const none = { paperOut: false, paused: false, headOpen: false, ribbonOut: false };
  expect(readState(said(0, 0, 0, 0))).toEqual(none);
  expect(readState(said(1, 0, 0, 0))).toEqual({ ...none, paperOut: true });
  expect(readState(said(0, 1, 0, 0))).toEqual({ ...none, paused: true });
  expect(readState(said(0, 0, 1, 0))).toEqual({ ...none, headOpen: true });
  expect(readState(said(0, 0, 0, 1))).toEqual({ ...none, ribbonOut: true });
  for (const part of ["", "hello", said(1, 1, 1, 1).slice(0, 40), "\u0002\u0003\u0002\u0003"])
    expect(readState(part)).toBeUndefined();
});

test("a preview shows names as they are, and takes no markup from them", () => {
  const content = contentOf(PAGE, `<script>"&`, "");
  const label = { content, symbol: matrix(20) };
  const laid = layOut([label], FORMATS[0] as Format, { skip: 0 }, { measure, dotMm: 25.4 / 300 });
  if (!laid.ok) throw new Error(laid.text);
  const [sheet] = laid.sheets;
  if (sheet === undefined) throw new Error("no sheet");
  expect(svgOf(sheet)).toContain("&lt;script>&quot;&amp;</text>");
});

test("every command has words in every language", () => {
  expect(COMMAND_TEXTS).toEqual([...COMMANDS.keys()]);
  for (const text of COMMAND_TEXTS)
    for (const language of SHEET_LANGUAGES) expect(commandWord(text, language)).not.toBe(text);
});

function labels(carrier: Carrier) {
  const mm = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  return fc
    .record({
      width: mm(5, 160),
      height: mm(5, 60),
      padding: mm(0.5, 4),
      x: mm(0, 100),
      y: mm(0, 100),
      dotMm: fc.constantFrom(1 / 8, 25.4 / 300, 25.4 / 600),
      size:
        carrier === "datamatrix"
          ? fc.constantFrom(16, 18, 20, 22, 26)
          : fc.integer({ min: 134, max: 400 }),
      title: fc.string({ maxLength: 60 }),
      caption: fc.string({ maxLength: 40 }),
    })
    .map(({ width, height, padding, x, y, size, ...rest }) => ({
      ...rest,
      box: { x, y, width, height, padding },
      symbol: carrier === "datamatrix" ? matrix(size) : bars(size),
    }));
}

function outer({
  x,
  y,
  width,
  height,
  padding,
}: {
  x: number;
  y: number;
  width: number;
  height: number;
  padding: number;
}) {
  return {
    x: x - padding,
    y: y - padding,
    width: width + 2 * padding,
    height: height + 2 * padding,
  };
}

function contentOf(thing: { readonly key: string }, name: string, caption: string): LabelContent {
  const content = labelOf({ ...thing, name, caption });
  if (content === undefined) throw new Error("no key");
  return content;
}

function matrix(side: number): Barcode {
  return {
    carrier: "datamatrix",
    columns: side,
    rows: side,
    runs: Array.from({ length: side }, (_, y) => [0, y, side] as const),
  };
}

function bars(columns: number): Barcode {
  return {
    carrier: "gs1-128",
    columns,
    rows: 1,
    runs: [
      [0, 0, 2],
      [columns - 2, 0, 2],
    ],
  };
}

function good(drawn: Drawn) {
  if (!drawn.ok) throw new Error(JSON.stringify(drawn));
  return drawn.drawing;
}
