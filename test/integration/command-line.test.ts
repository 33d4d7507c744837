/** What a person or a script meets at the command line when a word, a file or a reader is not as it should be. */
import { spawn } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { instantOf } from "../../src/cli/question.ts";
import { MAIN, run } from "../support/command.ts";
import { temporaryFolder } from "../support/folder.ts";

test("help about a command is what the command says of itself", async () => {
  const asked = await run(["help", "where"]);
  expect(asked).toEqual(await run(["where", "--help"]));
  expect(asked).toMatchObject({ status: 0, stdout: expect.stringContaining("<ID...>") });
});

test("a reader that goes away is no failure; a disk that takes no more of an answer is one", async () => {
  const away = spawn(process.execPath, [MAIN, "gateway", "--schema"], { stdio: "pipe" });
  away.stdout.destroy();
  expect(await ended(away)).toEqual({ status: 0, stderr: "" });

  const full = openSync("/dev/full", "w");
  const stdio = ["ignore", full, "pipe"] as const;
  const lost = spawn(process.execPath, [MAIN, "gateway", "--schema"], { stdio: [...stdio] });
  closeSync(full);
  const { status, stderr } = await ended(lost);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^STORE_FAILED: standard output: ENOSPC[^\n]*\n[^\n]*\n$/);
});

test("a time is read in one way, and a day begins where the person is", () => {
  const local = (words: string) => new Date(words).toISOString();
  expect(instantOf("2026-07-01")).toBe(local("2026-07-01T00:00"));
  expect(instantOf("2026-07-01 08:00")).toBe(local("2026-07-01T08:00"));
  expect(instantOf("2026-07-01T08:00:30.5+03:00")).toBe("2026-07-01T05:00:30.500Z");
  // The eleventh of December to whoever writes it, and the twelfth of November to Date.parse.
  const unclear = [
    "11.12.2026",
    "01/02/2026",
    "12",
    "2026",
    "-1",
    "2026-02-30",
    "2026-02-30T08:00",
  ];
  for (const words of [...unclear, "2026-13-01", "2026-07-01T25:00", "now", ""])
    expect(() => instantOf(words), words).toThrow("write a time such as");
});

test.each([
  ["register import", ["places", "FILE"]],
  ["outbox salvage", ["--data", "FILE"]],
  ["outbox salvage", ["--file", "FILE"]],
  ["outbox check", ["--file", "FILE"]],
  ["verify", ["--file", "FILE"]],
  ["verify", ["--data", "FILE"]],
  ["twin rebuild", ["--data", "FILE"]],
  ["twin enrol", ["gw-1", "--data", "FILE"]],
  ["device list", ["--data", "FILE"]],
  ["demo", ["--data", "FILE"]],
  ["gateway key", ["--data", "FILE"]],
  ["sheet", ["--out", "FILE/sheet.html"]],
])("a path that leads nowhere is named by %s %j, with what to look at", async (command, more) => {
  const words = [...command.split(" "), ...more];
  const folder = temporaryFolder();
  writeFileSync(join(folder, "no-folder"), "");
  const file = join(folder, "no-folder", "away");
  const told = await run(words.map((word) => word.replace("FILE", file)));
  expect([told.status, told.stdout]).toEqual([1, ""]);
  const [what, next] = told.stderr.split("\n");
  expect(what).toMatch(/^DATA_UNREADABLE: .*\/away/);
  expect(next).toBe("Check the path that is named, and that this user may read and write there.");
});

test("a token of several lines is refused, and not shown; an address that is none is named", async () => {
  const told = await run(["where", "x", "--token", "rt_secret\nof two lines"]);
  expect(told).toMatchObject({ status: 1, stderr: expect.stringMatching(/^NOT_ALLOWED/) });
  expect(told.stderr).not.toContain("secret");

  const nowhere = await run(["where", "x", "--twin", "localhost:8780"]);
  expect(nowhere.stderr).toContain("localhost:8780/api/v1/where?id=x is no address (http://");
});

async function ended(child: ReturnType<typeof spawn>) {
  const status = new Promise<number | null>((resolve) => child.once("close", resolve));
  const stderr = child.stderr === null ? "" : await text(child.stderr);
  return { status: await status, stderr };
}
