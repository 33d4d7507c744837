/**
 * Runs the real programs as an operator would, through the command line, and knows when they are
 * ready, how to end them and how to end them badly. Only processes started here are signalled.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { until } from "./until.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

export type Program = {
  readonly pid: number;
  /** The last of what it wrote to stderr. */
  log(): string;
  /** How much it wrote there so far, in characters. */
  logged(): number;
  /** The addresses it listens on, from the file it leaves when it is ready. */
  readonly address: Readonly<Record<string, string>>;
  /** For whoever administers a twin from its own machine; empty where there is none. */
  readonly token: string;
  /** What a request to a twin brings, to be let in by that token. */
  readonly headers: Readonly<Record<string, string>>;
  /** Its exit status once it has ended, whoever ended it. */
  readonly ended: Promise<number | null>;
  /** SIGKILL, and wait until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and wait; returns the exit status. */
  stop(): Promise<number | null>;
};

export type ProgramOptions = {
  /** Another copy of the command line than the sources, such as the built one. */
  readonly main?: string;
  readonly environment?: Readonly<Record<string, string>>;
};

/** Starts `racktrace <words>` and kills it so soon, wherever it is by then. */
export async function killStarting(
  words: readonly string[],
  afterMs: number,
  { main = join(ROOT, "src/cli/main.ts"), environment = {} }: ProgramOptions = {},
): Promise<void> {
  const child = spawn(process.execPath, [main, ...words], {
    stdio: ["pipe", "ignore", "ignore"],
    env: { ...process.env, RACKTRACE_SUPERVISED: "stdin", ...environment },
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
}

/** Starts `racktrace <words>` with this data folder and resolves once it is ready. */
export async function startProgram(
  words: readonly string[],
  data: string,
  { main = join(ROOT, "src/cli/main.ts"), environment = {} }: ProgramOptions = {},
): Promise<Program> {
  const addressFile = join(data, "address.json");
  rmSync(addressFile, { force: true });
  const child = spawn(process.execPath, [main, ...words], {
    // A test that fails half-way leaves nobody behind: the pipe ends with the test's process.
    stdio: ["pipe", "ignore", "pipe"],
    env: { ...process.env, RACKTRACE_SUPERVISED: "stdin", ...environment },
  });
  let log = "";
  let logged = 0;
  child.stderr.on("data", (chunk: Buffer) => {
    const text = chunk.toString();
    logged += text.length;
    log = (log + text).slice(-200_000);
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await until(
    `${words[0]} is ready`,
    () => {
      if (child.exitCode !== null) throw new Error(`${words.join(" ")} ended early:\n${log}`);
      return existsSync(addressFile);
    },
    { timeoutMs: 60_000, everyMs: 5 },
  ).catch((error: Error) => {
    child.kill("SIGKILL");
    throw new Error(`${error.message}; its log:\n${log}`);
  });
  const token = tokenIn(data);
  // Commands that a test runs from now on ask with it, too.
  if (token !== "") process.env["RACKTRACE_TOKEN"] = token;
  return {
    token,
    headers: { authorization: `Bearer ${token}` },
    pid: pidOf(child),
    log: () => log,
    logged: () => logged,
    ended,
    address: JSON.parse(readFileSync(addressFile, "utf8")),
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    async stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** The token that a twin leaves in its data folder for commands on its machine. */
export function tokenIn(data: string): string {
  const file = join(data, "local-token");
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("the program could not be started");
  return child.pid;
}

/**
 * A port for programs that must keep theirs over a restart, and for where nobody shall listen. None of
 * those that the system hands out by itself (from 32768 on): another's connection would take it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIXED_PORTS.from + Math.floor(Math.random() * FIXED_PORTS.count);
    if (await isFree(port)) return port;
  }
}

const FIXED_PORTS = { from: 12_000, count: 20_000 };

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(false) : reject(error),
    );
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
