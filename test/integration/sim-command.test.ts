import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { lockFolder } from "../../src/store/folder-lock.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

const RACKTRACE = new URL("../../src/cli/main.ts", import.meta.url).pathname;
const SIMULATOR = new URL("../../firmware-sim/main.ts", import.meta.url).pathname;

test("`racktrace sim` says what the simulator says, with its exit status", () => {
  const words = ["world", "--pages", "3", "--seed", "7"];

  expect(node([RACKTRACE, "sim", ...words])).toEqual(node([SIMULATOR, ...words]));
  expect(node([RACKTRACE, "sim", "--help"]).stdout).toContain("--help");
  expect(node([RACKTRACE, "sim", "run", "--speed", "fast"]).status).toBe(2);
});

test("a scenario that cannot be used is refused with all its problems at once", () => {
  const { status, stderr } = node([RACKTRACE, "sim", "run", "--scenario", "/dev/null"]);

  expect(status).toBe(1);
  expect(stderr).toContain("scenario.gateway");
  expect(stderr).toContain("scenario.day");
});

test("a simulator that cannot go on takes its devices away", () => {
  const ports = join(temporaryFolder(), "ports");
  const words = ["--speed", "60", "--no-wait-for-reader", "--ports", ports, "--truth", "/dev/full"];
  const { status, stderr } = node([SIMULATOR, "run", ...words]);

  expect(status).toBe(1);
  expect(stderr).toContain("no space left");
  expect(readdirSync(ports)).toEqual([]);
});

test.each([
  ["is told to end", "SIGTERM"],
  ["is killed", "SIGKILL"],
] as const)("the simulator takes its devices away when `racktrace sim` %s", async (_, signal) => {
  const folder = temporaryFolder();
  const ports = join(folder, "ports");
  const words = ["sim", "run", "--stay", "--ports", ports, "--truth", join(folder, "truth.jsonl")];
  const child = spawn(process.execPath, [RACKTRACE, ...words], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await new Promise((resolve) => child.stdout.once("data", resolve));
  expect(readdirSync(ports)).toContain("scn-print-1");

  child.kill(signal);

  await until("the ports are gone", () => readdirSync(ports).length === 0);
});

test("a demo clears what an earlier one left, and nothing of one that still runs", () => {
  const folder = temporaryFolder();
  const [marker, kept] = [join(folder, "made-by-demo.txt"), join(folder, "twin", "evidence.db")];
  const running = lockFolder(join(folder, "twin"));
  for (const file of [marker, kept]) writeFileSync(file, "");
  // It is not to begin, either.
  const demo = [RACKTRACE, "demo", "--data", folder, "--scenario", "/dev/null"];

  expect(node(demo).stderr).toContain("DATA_IN_USE");
  expect(existsSync(kept)).toBe(true);
  running.release();
  expect(node(demo).stderr).toContain("scenario.gateway");
  expect(existsSync(kept)).toBe(false);
});

function node(words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  return { status, stdout, stderr };
}
