/**
 * Runs a program under strace and reads what it did to the files of one folder, in order, together
 * with what it said on its standard output: an acknowledgement has a place among the writes.
 *
 * A call counts from when it returned. The programs that are recorded write each file from one thread,
 * so that a sync covers every write that stands before it.
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

export type Step =
  | { readonly kind: "create"; readonly path: string }
  | { readonly kind: "write"; readonly path: string; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly path: string; readonly size: number }
  | { readonly kind: "sync"; readonly path: string }
  | { readonly kind: "unlink"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly to: string }
  | { readonly kind: "said"; readonly line: string };

const CALLS = [
  "openat,open,creat,pwrite64,write,pwritev,writev,ftruncate,truncate,fallocate",
  "fsync,fdatasync,sync_file_range,rename,renameat,renameat2,unlink,unlinkat",
].join(",");
const STRING_BYTES_MAX = 16 * 1024 * 1024;

export function canTrace(): boolean {
  return spawnSync("strace", ["-f", "-o", "/dev/null", "true"]).status === 0;
}

export type Traced = { readonly status: number | null; readonly stderr: string };

/** Resolves when the program has ended. */
export function runTraced(
  straceWords: readonly string[],
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Traced & { readonly stdout: string }> {
  const child = spawn("strace", ["-f", ...straceWords, process.execPath, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  const said: Record<"stdout" | "stderr", string> = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].on("data", (chunk: Buffer) => {
      said[name] += chunk.toString();
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, ...said }));
  });
}

/** What `words` did to the files in `folder`, and said. */
export async function record(
  words: readonly string[],
  { folder, log }: { readonly folder: string; readonly log: string },
): Promise<readonly Step[]> {
  const options = ["--seccomp-bpf", "-qq", "-yy", "-xx", "-s", `${STRING_BYTES_MAX}`];
  const { status, stderr } = await runTraced(
    [...options, "-e", `trace=${CALLS}`, "-e", "signal=none", "-o", log],
    words,
  );
  if (status !== 0) throw new Error(`the recorded program ended with ${status}: ${stderr}`);
  return readSteps(readFileSync(log, "latin1"), folder);
}

export function readSteps(log: string, folder: string): readonly Step[] {
  const steps: Step[] = [];
  const unfinished = new Map<string, string>();
  const known = new Set<string>();
  for (const line of log.split("\n")) {
    const found = /^(\d+) +(.*)$/.exec(line);
    if (found === null) continue;
    const [, pid = "", told = ""] = found;
    if (told.endsWith("<unfinished ...>")) {
      unfinished.set(pid, told.slice(0, -"<unfinished ...>".length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(told);
    const call = resumed === null ? told : `${unfinished.get(pid) ?? ""}${resumed[1]}`;
    const step = stepOf(call, folder, known);
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

const CALL = /^(\w+)\((.*)\) += (-?\d+)/s;

function stepOf(call: string, folder: string, known: Set<string>): Step | undefined {
  const found = CALL.exec(call);
  if (found === null) return undefined;
  const [, name = "", told = "", result = ""] = found;
  const words = told.trimEnd();
  if (Number(result) < 0) return undefined;
  const inFolder = (path: string) => path.startsWith(`${folder}/`);
  const descriptor = /^(\d+)<([^>]*)>/.exec(words);
  const fd = descriptor?.[1] ?? "";
  const path = unescaped(descriptor?.[2] ?? "").toString();

  switch (name) {
    case "write":
      if (fd === "1") return { kind: "said", line: bytesIn(words).toString() };
      if (inFolder(path)) throw new Error(`a write without its place: ${call.slice(0, 120)}`);
      return undefined;
    case "pwrite64": {
      if (!inFolder(path)) return undefined;
      const at = Number(/, (\d+)$/.exec(words)?.[1]);
      return { kind: "write", path, at, bytes: bytesIn(words).subarray(0, Number(result)) };
    }
    case "openat":
    case "open": {
      const opened = pathsIn(words)[0] ?? "";
      if (!inFolder(opened) || known.has(opened) || !words.includes("O_CREAT")) return undefined;
      known.add(opened);
      return { kind: "create", path: opened };
    }
    case "ftruncate":
      if (!inFolder(path)) return undefined;
      return { kind: "truncate", path, size: Number(/, (\d+)$/.exec(words)?.[1]) };
    case "fallocate": {
      if (!inFolder(path)) return undefined;
      const [, at, size] = /, (\d+), (\d+)$/.exec(words) ?? [];
      return { kind: "write", path, at: Number(at) + Number(size), bytes: Buffer.alloc(0) };
    }
    case "fsync":
    case "fdatasync":
      return inFolder(path) || path === folder ? { kind: "sync", path } : undefined;
    case "unlink":
    case "unlinkat": {
      const gone = pathsIn(words)[0] ?? "";
      if (!inFolder(gone)) return undefined;
      known.delete(gone);
      return { kind: "unlink", path: gone };
    }
    case "rename":
    case "renameat":
    case "renameat2": {
      const [from = "", to = ""] = pathsIn(words);
      if (!inFolder(from)) return undefined;
      known.delete(from);
      known.add(to);
      return { kind: "rename", from, to };
    }
    default:
      if (inFolder(path)) throw new Error(`a call that is not understood: ${call.slice(0, 120)}`);
      return undefined;
  }
}

function bytesIn(words: string): Buffer {
  return unescaped(/"((?:\\x[0-9a-f]{2})*)"/.exec(words)?.[1] ?? "");
}

function pathsIn(words: string): readonly string[] {
  return [...words.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = ""]) =>
    unescaped(hex).toString(),
  );
}

/** strace -xx writes every byte as \x41, also those of paths. */
function unescaped(text: string): Buffer {
  if (!text.includes("\\x")) return Buffer.from(text);
  return Buffer.from(text.replaceAll("\\x", ""), "hex");
}
