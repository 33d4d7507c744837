/**
 * Independent readers of what we print: poppler renders, ZXing, zbar and libdmtx decode (Debian's
 * poppler-utils, zxing-cpp-tools, zbar-tools and dmtx-utils). None shares code with the product.
 */
import { execFile, execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { wanted } from "./wanted.ts";

const run = promisify(execFile);
const WANTED = ["pdftoppm", "ZXingReader", "zbarimg", "dmtxread"] as const;

const absent = WANTED.filter((tool) => !isThere(tool));
export const hasReaders = wanted(
  "printed labels, by independent readers",
  absent.length === 0,
  `${absent.join(", ")} absent; apt-get install poppler-utils zxing-cpp-tools zbar-tools dmtx-utils.`,
);

function isThere(tool: string): boolean {
  try {
    execFileSync("which", [tool], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** What was read, and whether FNC1 in front marked it as GS1 data. */
export type ReadBack = { readonly data: string; readonly isGs1: boolean };

/** One file for each page, in their order. */
export async function renderPdf(pdf: Uint8Array, folder: string, dpi: number): Promise<string[]> {
  const file = join(folder, "labels.pdf");
  writeFileSync(file, pdf);
  await run("pdftoppm", ["-r", String(dpi), "-gray", file, join(folder, "page")]);
  return readdirSync(folder)
    .filter((name) => /^page-\d+\.pgm$/.test(name))
    .sort()
    .map((name) => join(folder, name));
}

const BUFFER = { maxBuffer: 64 * 1024 * 1024 };

/** Images of one symbol each; undefined where nothing was read. */
export async function readByZxing(
  files: readonly string[],
  format: "DataMatrix" | "Code128",
): Promise<readonly (ReadBack | undefined)[]> {
  const found = new Map<string, ReadBack>();
  for (const part of parts(files, 50)) {
    // Downscaling makes this release compare what it cannot.
    const words = ["-noscale", "-format", format, ...part];
    const { stdout } = await run("ZXingReader", words, BUFFER).catch(asRead);
    const blocks = stdout.split(/\n\n/);
    for (const [n, block] of blocks.entries()) {
      const data = /^Text: +"(.*)"$/m.exec(block)?.[1];
      const mark = /^Identifier: (\S+)$/m.exec(block)?.[1];
      // Where several files are given each block begins with its name.
      const file = /^File: +(.+)$/m.exec(block)?.[1] ?? part[n];
      if (data !== undefined && file !== undefined)
        found.set(file, { data, isGs1: mark === "]d2" || mark === "]C1" });
    }
  }
  return files.map((file) => found.get(file));
}

/** Bars only. */
export async function readByZbar(
  files: readonly string[],
): Promise<readonly (ReadBack | undefined)[]> {
  const found = new Map<string, ReadBack>();
  for (const part of parts(files, 50)) {
    const { stdout } = await run("zbarimg", ["-q", "--xml", "--nodbus", ...part], BUFFER).catch(
      asRead,
    );
    for (const source of stdout.split("<source ").slice(1)) {
      const file = /^href='([^']+)'/.exec(source)?.[1] ?? "";
      const data = /<!\[CDATA\[(.*)\]\]>/.exec(source)?.[1];
      if (data !== undefined) found.set(file, { data, isGs1: /modifiers='GS1'/.test(source) });
    }
  }
  return files.map((file) => found.get(file));
}

/** Matrices only; FNC1 is made the control character GS, also in front. */
export async function readByDmtx(file: string): Promise<ReadBack | undefined> {
  const words = ["-N1", "-m", "4000", "-G", "29", file];
  const { stdout } = await run("dmtxread", words, BUFFER).catch(asRead);
  if (stdout === "") return undefined;
  const isGs1 = stdout.startsWith("\u001d");
  return { data: isGs1 ? stdout.slice(1) : stdout, isGs1 };
}

/** Readers that found nothing in one of their files say so by their status. */
function asRead(error: unknown): { readonly stdout: string } {
  const { stdout } = error as { readonly stdout?: string };
  return { stdout: stdout ?? "" };
}

function parts<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, n) => all.slice(n * size, (n + 1) * size));
}

/** A grey image; `at` is 0 for black. */
export type Image = {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): number;
};

export function readImage(file: string): Image {
  const bytes = readFileSync(file);
  const head = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.subarray(0, 64).toString("latin1"));
  if (head === null) throw new Error(`${file} is no grey PNM`);
  const [width, height] = [Number(head[1]), Number(head[2])];
  const start = head[0].length;
  return { width, height, at: (x, y) => bytes[start + y * width + x] ?? 255 };
}

type Area = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
};

/** An area in mm of a rendered page, as an image of its own. */
export function cutOut(file: string, area: Area, dpi: number, out: string): string {
  const image = readImage(file);
  const px = (mm: number) => Math.round((mm * dpi) / 25.4);
  const [x, y] = [px(area.x), px(area.y)];
  const width = Math.min(px(area.width), image.width - x);
  const height = Math.min(px(area.height), image.height - y);
  const grey = new Uint8Array(width * height);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++)
      grey[row * width + column] = image.at(x + column, y + row);
  writeFileSync(out, Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), grey]));
  return out;
}
