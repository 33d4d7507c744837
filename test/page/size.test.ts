/** What the page weighs on its way to a reader, over a slow line in a warehouse. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPage } from "./browser.ts";

const BYTES_MAX = 100_000;
/** What the camera needs, once, and only where it is used. */
const DECODER = /zxing_reader|decoder-worker/;
const DECODER_BYTES_MAX = 450_000;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "racktrace-size-"));
  buildPage(folder);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("what a page loads before it is used stays below 100 kB compressed", () => {
  const html = readFileSync(join(folder, "index.html"), "utf8");
  const named = [...html.matchAll(/(?:src|href)="\/?([^"]+)"/g)].map(([, path = ""]) => path);
  const loaded = new Set(["index.html"]);
  for (const path of named) follow(path);
  const total = weight([...loaded]);
  process.stderr.write(`first load: ${[...loaded].length} files, ${total} bytes compressed\n`);
  expect(loaded.size).toBeGreaterThanOrEqual(4);
  expect([...loaded].filter((path) => DECODER.test(path))).toEqual([]);
  expect(total).toBeLessThan(BYTES_MAX);

  /** A script brings what it imports at its top; what it imports later waits until it is wanted. */
  function follow(path: string): void {
    if (loaded.has(path)) return;
    loaded.add(path);
    if (!path.endsWith(".js")) return;
    const code = readFileSync(join(folder, path), "utf8");
    for (const [, file] of code.matchAll(/(?:from|import)\s*["`]\.\/([\w.-]+\.js)["`]/g))
      follow(`assets/${file}`);
  }
});

test("all that the page can load stays below 200 kB, but for the camera's decoder", () => {
  const files = filesIn(folder);
  const decoder = files.filter((file) => DECODER.test(file));
  const others = weight(files.filter((file) => !DECODER.test(file)));
  process.stderr.write(`the page: ${others} bytes compressed; decoder: ${weight(decoder)}\n`);
  expect(decoder).toHaveLength(2);
  expect(weight(decoder)).toBeLessThan(DECODER_BYTES_MAX);
  expect(others).toBeLessThan(2 * BYTES_MAX);
});

test("what works without a network is all there: each file of the build, and none that is not", () => {
  const worker = readFileSync(join(folder, "service-worker.js"), "utf8");
  const listed = JSON.parse(/^const SHELL = (\{.*\});$/m.exec(worker)?.[1] ?? "{}").files;
  const built = filesIn(folder).filter((file) => file !== "service-worker.js");
  expect(listed).toEqual(built.map((file) => `/${file}`).sort());
});

test("no file of the page names another host to load from, nor carries inline script or style", () => {
  const html = readFileSync(join(folder, "index.html"), "utf8");
  expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)/);
});

function filesIn(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1));
}

function weight(files: readonly string[]): number {
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file))).length, 0);
}
