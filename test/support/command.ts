/** Runs one command of racktrace to its end, as a person or a script would. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

export const MAIN = new URL("../../src/cli/main.ts", import.meta.url).pathname;

export async function run(words: readonly string[], input = "") {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: "pipe" });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await ended, stdout, stderr };
}
