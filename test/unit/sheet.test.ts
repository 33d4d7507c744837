/** The printable sheet of command barcodes. */
import { expect, test } from "vitest";
import { COMMANDS } from "../../src/barcode/command.ts";
import { run } from "../support/command.ts";

test("every command is on the sheet once, with a symbol of its own, and the page loads nothing", async () => {
  const { status, stdout } = await run(["sheet"]);
  const cards = [...stdout.matchAll(/<figure>(<svg[\s\S]*?<\/svg>)[\s\S]*?<code>(.*?)<\/code>/g)];

  expect(status).toBe(0);
  expect(cards.map(([, , text]) => text).sort()).toEqual([...COMMANDS.keys()].sort());
  expect(new Set(cards.map(([, svg]) => svg)).size).toBe(COMMANDS.size);
  expect(stdout).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
});
