/** What the page weighs on its way to a reader, over a slow line in a warehouse. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildPage } from "./browser.ts";

const BYTES_MAX = 100_000;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "racktrace-size-"));
  buildPage(folder);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("everything that the page can load stays below 100 kB compressed", () => {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(br|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const sizes = files.map((file) => gzipSync(readFileSync(file)).length);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  process.stderr.write(`the page: ${files.length} files, ${total} bytes compressed\n`);
  expect(files.length).toBeGreaterThanOrEqual(4);
  expect(total).toBeLessThan(BYTES_MAX);
});

test("no file of the page names another host to load from, nor carries inline script or style", () => {
  const html = readFileSync(join(folder, "index.html"), "utf8");
  expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)/);
});
