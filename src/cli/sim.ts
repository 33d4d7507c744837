/**
 * `racktrace sim`: starts the simulator as a process of its own and passes every word through.
 *
 * The simulator is an independent witness, so nothing of it is imported here; its words and its help
 * are its own. It ends when this process is told to end, and when this process dies.
 */
import { spawn } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";

/** Beside the sources it is TypeScript, beside a build it is not. */
const SIMULATOR = fileURLToPath(
  new URL(`../../firmware-sim/main${extname(import.meta.url)}`, import.meta.url),
);

export function define(command: Command): void {
  command
    .argument("[words...]", "the simulator's own words; `sim --help` shows them")
    .helpOption(false)
    .allowUnknownOption()
    .action(async (words: string[]) => {
      process.exitCode = await simulate(words);
    });
}

function simulate(words: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [SIMULATOR, ...words], {
    stdio: ["pipe", "inherit", "inherit"],
    // An own process group: a Ctrl-C in the terminal is passed on once, by us.
    detached: true,
    env: { ...process.env, RACKTRACE_SUPERVISED: "stdin" },
  });
  // What is typed goes to the simulator, but the end of our input is not the end of its day.
  process.stdin.pipe(child.stdin, { end: false });
  child.stdin.on("error", () => process.stdin.unpipe());
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.on(signal, () => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      process.stdin.destroy();
      resolve(code ?? 1);
    });
  });
}
