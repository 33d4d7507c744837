/**
 * One supervised program of the demo: started again when it dies, ended politely, never left behind.
 *
 * The demo does for three processes what systemd does for two of them on a real box. Only processes
 * started here are ever signalled.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { createBackoff } from "../../kernel/backoff.ts";
import type { Chance, Clock } from "../../ports.ts";

export type ChildDeps = { readonly clock: Clock; readonly chance: Chance };

export type ChildOptions = {
  readonly name: string;
  /** The program's words after the runtime, e.g. ["src/cli/main.ts", "twin", ...]. */
  readonly words: readonly string[];
  readonly logPath: string;
  /** Start it again when it ends by itself; otherwise its end is the end of the demo. */
  readonly restart: boolean;
  readonly onLine?: (line: string) => void;
  readonly say: (message: string) => void;
};

/** How long a program gets to drain and close before it is killed. */
const STOP_MS_MAX = 5_000;

export type Child = {
  /** Resolves when the program has ended for good. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
};

export function startChild({ clock, chance }: ChildDeps, options: ChildOptions): Child {
  const log = createWriteStream(options.logPath, { flags: "a" });
  const backoff = createBackoff({ firstMs: 500, lastMs: 10_000 }, chance);
  const stopping = new AbortController();
  let running: ChildProcess | undefined;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const why = await once();
      if (stopping.signal.aborted) return;
      options.say(`${options.name} ended (${why}); its log is ${options.logPath}`);
      if (!options.restart) return;
      await clock.sleep(500 + backoff.nextMs(), stopping.signal);
    }
  }

  function once(): Promise<string> {
    return new Promise((resolve) => {
      // An own process group: a Ctrl-C in the terminal reaches the demo alone, which ends them in order.
      // If the demo itself is killed, their standard input ends, and they stop by themselves.
      const child = spawn(process.execPath, [...options.words], {
        stdio: ["pipe", "pipe", "pipe"],
        detached: true,
        env: { ...process.env, RACKTRACE_SUPERVISED: "stdin" },
      });
      running = child;
      child.stderr.pipe(log, { end: false });
      createInterface({ input: child.stdout }).on("line", (line) => {
        log.write(`${line}\n`);
        options.onLine?.(line);
      });
      child.once("error", (error) => resolve(error.message));
      child.once("close", (code, signal) => {
        running = undefined;
        resolve(signal ?? `status ${code}`);
      });
    });
  }

  const ended = run().finally(() => log.end());
  return {
    ended,
    async stop() {
      stopping.abort();
      const child = running;
      if (child !== undefined) {
        child.kill("SIGTERM");
        const cancel = clock.after(STOP_MS_MAX, () => child.kill("SIGKILL"));
        await ended;
        cancel();
      }
      await ended;
    },
  };
}
