/** What counts as something that appears. */
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { whenAppears } from "../../src/io/path-watch.ts";
import { temporaryFolder } from "../support/folder.ts";

test("a port that another program writes to has not appeared again; one that is put in its place has", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "ttyUSB0");
  writeFileSync(path, "");
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const seen: string[] = [];
  const appeared = whenAppears(path, stop.signal).then(() => seen.push("it appeared"));
  // Told in the order in which it happened: this one behind the writing, and before the other.
  const told = whenAppears(join(folder, "ttyUSB1"), stop.signal).then(() => seen.push("told"));

  appendFileSync(path, "busy");
  writeFileSync(join(folder, "ttyUSB1"), "");
  await told;
  renameSync(join(folder, "ttyUSB1"), path);
  await appeared;
  expect(seen).toEqual(["told", "it appeared"]);
});
