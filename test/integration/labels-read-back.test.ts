/**
 * Everything that is printed, read back by others: random keys of each kind as GS1 DataMatrix and
 * GS1-128, from the rendered PDF and from rendered ZPL. `LABELS=1000` for as many of each kind.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPrng, type Prng } from "../../firmware-sim/prng.ts";
import { createLabelPress } from "../../src/io/label-press.ts";
import { COMMAND_TEXTS } from "../../src/labels/command-words.ts";
import { commandLabel, labelOf } from "../../src/labels/content.ts";
import type { LabelContent } from "../../src/labels/drawing.ts";
import { FORMATS, type Format } from "../../src/labels/formats.ts";
import type { Drawn, LabelJob, Pressed } from "../../src/labels/job.ts";
import type { Carrier } from "../../src/labels/symbol.ts";
import {
  hasReaders,
  type ReadBack,
  readByDmtx,
  readByZbar,
  readByZxing,
  readImage,
  renderPdf,
} from "../support/label-readers.ts";

const COUNT = Number(process.env["LABELS"] ?? 10);
const SEED = Number(process.env["SEED"] ?? 20_261_122);
const PAPER_DOT_MM = 25.4 / 300;
const DPI = 300;

const press = createLabelPress();
afterAll(() => press.close());
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racktrace-labels-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Of the 82 characters that serials may have (GS1 General Specifications, figure 7.11-1). */
const SET_82 =
  "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

type Key = { readonly key: string; readonly data: string };

/** Made here and not by the product, check digits included. */
const KINDS: Readonly<Record<string, (prng: Prng) => Key>> = {
  page: (prng) => whole("253", checked(prefixed(prng, 12)), serial(prng, 17)),
  folder: (prng) => whole("8003", checked(`0${prefixed(prng, 12)}`), serial(prng, 16)),
  envelope: (prng) => whole("00", checked(prng.below(10) + prefixed(prng, 16)), ""),
  badge: (prng) => whole("8018", checked(prefixed(prng, 17)), ""),
  shelf: (prng) => {
    const [gln, extension] = [checked(prefixed(prng, 12)), serial(prng, 20)];
    return { key: `414/${gln}/254/${extension}`, data: `414${gln}254${extension}` };
  },
  rack: (prng) => {
    const [gln, extension] = [checked(prefixed(prng, 12)), `R${1 + prng.below(9_999)}`];
    return { key: `414/${gln}/254/${extension}`, data: `414${gln}254${extension}` };
  },
};

const CARRIERS: readonly Carrier[] = ["datamatrix", "gs1-128"];

describe.skipIf(!hasReaders)("labels, read back by independent decoders", () => {
  const cases = Object.keys(KINDS).flatMap((kind) => CARRIERS.map((carrier) => [kind, carrier]));

  test.each(cases as [string, Carrier][])(
    `each of ${COUNT} random keys of the kind %s as %s is read from the PDF with the exact data`,
    async (kind, carrier) => {
      const prng = createPrng(SEED, `${kind} ${carrier}`);
      const keys = Array.from({ length: COUNT }, () => made(kind, prng));
      for (let from = 0; from < keys.length; from += 100) {
        const part = keys.slice(from, from + 100);
        const files = await rendered(part.map(contentOf), carrier, roomFor(kind, carrier));
        const expected = part.map(({ data }): ReadBack => ({ data, isGs1: true }));
        const format = carrier === "datamatrix" ? "DataMatrix" : "Code128";
        expect(await readByZxing(files, format), `SEED=${SEED}`).toEqual(expected);
        if (carrier === "gs1-128") expect(await readByZbar(files)).toEqual(expected);
        // It takes its time, and so looks at some only.
        if (carrier === "datamatrix")
          for (const n of [0, 1].filter((one) => one < part.length))
            expect(await readByDmtx(files[n] ?? "")).toEqual(expected[n]);
      }
    },
    30_000 + COUNT * 1_000,
  );

  test.each(CARRIERS)("each command is read as %s, and is no GS1 data", async (carrier) => {
    const labels = COMMAND_TEXTS.flatMap((text) => commandLabel(text, "ru") ?? []);
    const files = await rendered(labels, carrier, single(100, 30));
    const expected = COMMAND_TEXTS.map((data) => ({ data, isGs1: false }));
    const format = carrier === "datamatrix" ? "DataMatrix" : "Code128";
    expect(await readByZxing(files, format)).toEqual(expected);
  });

  test.each([
    ["datamatrix", 203, 1 / 8],
    ["gs1-128", 203, 1 / 8],
    ["datamatrix", 300, 25.4 / 300],
    ["gs1-128", 300, 25.4 / 300],
  ] as const)(
    "what a printer makes of our ZPL is read as %s at %i dpi with the exact data",
    async (carrier, _dpi, dotMm) => {
      const prng = createPrng(SEED, `zpl ${carrier} ${dotMm}`);
      const count = Math.min(20, Math.max(2, Math.round(COUNT / 5)));
      const keys = Object.keys(KINDS).flatMap((kind) =>
        Array.from({ length: count }, () => made(kind, prng)),
      );
      const format = single(110, 50);
      const labels = keys.map(contentOf);
      const job = { labels, carrier, format, dotMm, as: "zpl", copies: 1 } as const;
      const files = await printed(text(good(await press.draw(job))), format, dotMm);
      const expected = keys.map(({ data }): ReadBack => ({ data, isGs1: true }));
      const by = carrier === "datamatrix" ? "DataMatrix" : "Code128";
      expect(await readByZxing(files, by), `SEED=${SEED}`).toEqual(expected);
    },
    180_000 + COUNT * 500,
  );

  test.each(FORMATS.map(({ id }) => id))(
    "on paper, the labels of %s are where the format says, to a tenth of a millimetre",
    async (id) => {
      const format = FORMATS.find((one) => one.id === id) as Format;
      const perPage = format.columns * format.rows;
      const content = contentOf({ key: "253/9521234000013N00001P01", data: "" });
      const labels = Array.from({ length: perPage + 1 }, () => content);
      const job = { labels, carrier: "datamatrix", format, dotMm: PAPER_DOT_MM } as const;
      const drawn = good(await press.draw({ ...job, as: "pdf", skip: 0, title: "t" }));
      expect(drawn.sheets).toBe(2);
      const dpi = 600;
      const [file = ""] = await renderPdf(drawn.bytes, folder, dpi);
      const image = readImage(file);
      const mm = (pixels: number) => (pixels * 25.4) / dpi;
      expect(mm(image.width)).toBeCloseTo(format.page.width, 0);
      expect(mm(image.height)).toBeCloseTo(format.page.height, 0);
      const corners = Array.from({ length: perPage }, (_, n) => {
        const column = n % format.columns;
        const row = Math.floor(n / format.columns);
        const x = format.left + column * (format.label.width + format.gapX);
        const y = format.top + row * (format.label.height + format.gapY);
        return cornerIn(image, { x, y, ...format.label }, dpi);
      });
      const [first] = corners;
      for (const [n, corner] of corners.entries()) {
        const column = n % format.columns;
        const row = Math.floor(n / format.columns);
        const across = column * (format.label.width + format.gapX);
        const down = row * (format.label.height + format.gapY);
        expect(corner.left - (first?.left ?? 0), `label ${n}, across`).toBeCloseTo(across, 0.7);
        expect(corner.bottom - (first?.bottom ?? 0), `label ${n}, down`).toBeCloseTo(down, 0.7);
        // 20 columns of modules of 0.4233 mm, of which the quiet zone is light.
        expect(corner.side, `label ${n}, module`).toBeCloseTo(18 * 0.4233, 1);
      }
    },
  );
});

describe("the PDF itself", () => {
  test("says the size of its pages to a hundredth of a millimetre, and that it is not to be scaled", async () => {
    const labels = [contentOf({ key: "253/9521234000013N00001P01", data: "" })];
    for (const format of FORMATS) {
      const job = { labels, carrier: "datamatrix", format, dotMm: PAPER_DOT_MM } as const;
      const pdf = latin1(good(await press.draw({ ...job, as: "pdf", skip: 0, title: "t" })));
      const [, width, height] = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf) ?? [];
      expect((Number(width) * 25.4) / 72).toBeCloseTo(format.page.width, 2);
      expect((Number(height) * 25.4) / 72).toBeCloseTo(format.page.height, 2);
      expect(pdf).toMatch(/\/PrintScaling \/?\(?None/);
    }
  });

  test("begins where the used up part of the sheet ends", async () => {
    const format = FORMATS.find(({ id }) => id === "a4-3x8") as Format;
    const labels = [contentOf({ key: "253/9521234000013N00001P01", data: "" })];
    const job = { labels, carrier: "datamatrix", format, dotMm: PAPER_DOT_MM } as const;
    const svg = text(good(await press.draw({ ...job, as: "svg", skip: 4, sheet: 0 })));
    // The second label of the second row.
    expect(svg).toContain('<rect x="70" y="37.5" width="70" height="37"');
    expect(svg.match(/<rect x=/g)).toHaveLength(1);
  });
});

test("a symbol that has no room is not drawn, and the label that would hold it is named", async () => {
  const labels = [contentOf({ key: "253/9521234000013N00001P01", data: "" })];
  const job = { labels, format: single(50, 25), dotMm: PAPER_DOT_MM, title: "t", skip: 0 } as const;
  const drawn = await press.draw({ ...job, carrier: "gs1-128", as: "pdf" });
  expect(drawn).toMatchObject({ ok: false, why: "no-room" });
  const { needs } = drawn as Extract<Pressed, { why: "no-room" }>;
  const larger = single(Math.ceil(needs.width), Math.ceil(needs.height));
  const again = { ...job, format: larger, carrier: "gs1-128", as: "pdf" } as const;
  expect(await press.draw(again)).toMatchObject({ ok: true });
});

function made(kind: string, prng: Prng): Key {
  const make = KINDS[kind];
  if (make === undefined) throw new Error(`no such kind: ${kind}`);
  return make(prng);
}

function contentOf({ key }: Key): LabelContent {
  const content = labelOf({ key, caption: "Überführung 1/2" });
  if (content === undefined) throw new Error(`${key} is no key to the product`);
  return content;
}

function single(width: number, height: number): Format {
  const size = { width, height };
  return {
    ...{ id: "one", name: "one", page: size, label: size, columns: 1, rows: 1 },
    ...{ left: 0, top: 0, gapX: 0, gapY: 0, padding: 1.5 },
  };
}

/** The longest serials need the width of a whole sheet as bars. */
function roomFor(kind: string, carrier: Carrier): Format {
  if (carrier === "datamatrix") return single(50, 25);
  return kind === "envelope" ? single(100, 45) : single(140, 25);
}

async function rendered(
  labels: readonly LabelContent[],
  carrier: Carrier,
  format: Format,
): Promise<readonly string[]> {
  const pages = mkdtempSync(join(folder, "pages-"));
  const job: LabelJob = {
    ...{ labels, carrier, format, dotMm: PAPER_DOT_MM },
    ...{ as: "pdf", skip: 0, title: "t" },
  };
  return renderPdf(good(await press.draw(job)).bytes, pages, DPI);
}

/** By zpl-renderer-js, which shares nothing with us. */
async function printed(zpl: string, format: Format, dotMm: number): Promise<readonly string[]> {
  const { ready } = await import("zpl-renderer-js");
  const { api } = await ready;
  const { width, height } = format.label;
  const pngs = await api.zplToBase64MultipleAsync(zpl, width, height, Math.round(1 / dotMm));
  return pngs.map((png, n) => {
    const file = join(folder, `zpl-${String(n).padStart(4, "0")}.png`);
    writeFileSync(file, Buffer.from(png, "base64"));
    return file;
  });
}

function good(pressed: Pressed): Extract<Drawn, { ok: true }> {
  if (!pressed.ok) throw new Error(JSON.stringify(pressed));
  return pressed;
}

function text({ bytes }: { readonly bytes: Uint8Array }): string {
  return new TextDecoder().decode(bytes);
}

function latin1({ bytes }: { readonly bytes: Uint8Array }): string {
  return Buffer.from(bytes).toString("latin1");
}

/**
 * The solid sides of the first matrix in an area: its leftmost column of dark pixels that is longest,
 * where that ends below, and how far it reaches up, in mm.
 */
function cornerIn(
  image: ReturnType<typeof readImage>,
  area: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
  dpi: number,
) {
  const px = (mm: number) => Math.round((mm * dpi) / 25.4);
  const [x0, x1] = [px(area.x) + 2, px(area.x + area.width) - 2];
  const [y0, y1] = [px(area.y) + 2, px(area.y + area.height) - 2];
  for (let x = x0; x < x1; x++) {
    let bottom = -1;
    let length = 0;
    for (let y = y0; y < y1; y++) {
      if (image.at(x, y) < 128) {
        length += 1;
        bottom = y;
      } else if (length > 0 && length < 20) length = 0;
      else if (length > 0) break;
    }
    if (length >= 100) {
      const mm = (pixels: number) => (pixels * 25.4) / dpi;
      return { left: mm(x), bottom: mm(bottom + 1), side: mm(length) };
    }
  }
  throw new Error(`no symbol at ${area.x}, ${area.y}`);
}

function whole(ai: string, value: string, rest: string): Key {
  return { key: `${ai}/${value}${rest}`, data: `${ai}${value}${rest}` };
}

function prefixed(prng: Prng, length: number): string {
  return digits(prng, length);
}

function digits(prng: Prng, length: number): string {
  return Array.from({ length }, () => prng.below(10)).join("");
}

function serial(prng: Prng, most: number): string {
  const length = 1 + prng.below(most);
  return Array.from({ length }, () => SET_82[prng.below(SET_82.length)]).join("");
}

/** Weights of 3 and 1 from the right (GS1 General Specifications, 7.9.1). */
function checked(value: string): string {
  let sum = 0;
  for (let n = 0; n < value.length; n++)
    sum += Number(value[value.length - 1 - n]) * (n % 2 === 0 ? 3 : 1);
  return value + ((10 - (sum % 10)) % 10);
}
