/** Whom a command asks, and as whom, from a folder that somebody else may have filled. */
import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { wanted } from "../support/wanted.ts";

const MODULE = new URL("../../src/cli/twin-url.ts", import.meta.url).href;
const HERE = "http://127.0.0.1:1234";
const USUAL = "http://127.0.0.1:8780";

let folder: string;
let data: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racktrace-unpacked-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  data = join(folder, ".racktrace/twin");
  mkdirSync(data, { recursive: true });
  lies("address.json", JSON.stringify({ http: HERE }));
  lies("local-token", "rt_here\n");
});

test("the twin of a demo in the current folder is asked with its own token", () => {
  expect(asked()).toEqual({ url: HERE, as: "Bearer rt_here" });
});

test("a token that is brought along goes nowhere that the current folder says", () => {
  expect(asked({ RACKTRACE_TOKEN: "rt_mine" })).toEqual({ url: USUAL, as: "Bearer rt_mine" });
  expect(asked({}, { token: "rt_mine" })).toEqual({ url: USUAL, as: "Bearer rt_mine" });
  const named = { RACKTRACE_TWIN: HERE, RACKTRACE_TOKEN: "rt_mine" };
  expect(asked(named)).toEqual({ url: HERE, as: "Bearer rt_mine" });
});

describe("of the current folder is not believed", () => {
  test("an address beyond this machine", () => {
    lies("address.json", JSON.stringify({ http: "http://127.0.0.1@192.0.2.1" }));
    expect(asked().url).toBe(USUAL);
  });

  test("a link to a secret", () => {
    writeFileSync(join(folder, "secret"), "rt_secret");
    rmSync(join(data, "local-token"));
    symlinkSync(join(folder, "secret"), join(data, "local-token"));
    expect(asked()).toEqual({ url: HERE });
  });

  test.runIf(
    wanted(
      "that an address in another user's file is not believed",
      process.getuid?.() === 0,
      "Run it as root: nobody else can give a file away.",
    ),
  )("another user's address", () => {
    chownSync(join(data, "address.json"), 12_345, 12_345);
    expect(asked().url).toBe(USUAL);
  });
});

function lies(name: string, text: string): void {
  writeFileSync(join(data, name), text);
}

function asked(env: NodeJS.ProcessEnv = {}, options = {}): { url: string; as?: string } {
  const { RACKTRACE_TWIN: _twin, RACKTRACE_TOKEN: _token, ...usual } = process.env;
  const script = `
    const { twinOf } = await import(${JSON.stringify(MODULE)});
    const { url, headers } = twinOf(${JSON.stringify(options)});
    console.log(JSON.stringify({ url, as: headers().authorization }));`;
  const words = ["--input-type=module", "-e", script];
  const ended = spawnSync(process.execPath, words, {
    ...{ cwd: folder, env: { ...usual, ...env }, encoding: "utf8" },
  });
  return JSON.parse(ended.stdout);
}
