/**
 * Who does what on this machine, as /proc tells: which process has a device open, who listens on a port
 * and which programs run. Without the rights of root the files of other users' processes are not told.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

export type Process = { readonly pid: number; readonly command: string };

export type OpenFiles = {
  /** Of a path as the kernel has it: a device behind its links, or `socket:[inode]`. */
  holdersOf(path: string): readonly Process[];
  /** There are processes whose files we may not see. */
  readonly hidden: boolean;
};

const COMMAND_CHARS_MAX = 120;

export function openFiles(root = "/"): OpenFiles {
  const holders = new Map<string, Process[]>();
  let hidden = false;
  for (const pid of pids(root)) {
    const folder = join(root, "proc", pid, "fd");
    let files: readonly string[];
    try {
      files = readdirSync(folder);
    } catch (error) {
      hidden ||= (error as NodeJS.ErrnoException).code === "EACCES";
      continue;
    }
    const seen = new Set(files.map((file) => linkOf(join(folder, file))));
    for (const path of seen)
      if (/^(\/dev\/|socket:)/.test(path))
        holders.set(path, [...(holders.get(path) ?? []), processOf(root, pid)]);
  }
  return { hidden, holdersOf: (path) => holders.get(path) ?? [] };
}

/** Programs by the kernel's name of them, which has 15 characters at most. */
export function running(name: string, root = "/"): readonly Process[] {
  return pids(root)
    .filter((pid) => read(root, pid, "comm").trim() === name.slice(0, 15))
    .map((pid) => processOf(root, pid));
}

/** Who listens on a TCP port, as far as we may see it. */
export function listenersOn(port: number, root = "/"): readonly Process[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = ["tcp", "tcp6"].flatMap((family) => {
    const [, ...rows] = readText(join(root, "proc/net", family))
      .trim()
      .split("\n");
    return rows.flatMap((row) => {
      const fields = row.trim().split(/\s+/);
      const listens = fields[3] === "0A" && fields[1]?.endsWith(wanted) === true;
      return listens ? [`socket:[${fields[9]}]`] : [];
    });
  });
  if (inodes.length === 0) return [];
  const files = openFiles(root);
  return inodes.flatMap(files.holdersOf);
}

function processOf(root: string, pid: string): Process {
  const words = read(root, pid, "cmdline").replaceAll("\0", " ").trim();
  const command = (words || read(root, pid, "comm").trim()).slice(0, COMMAND_CHARS_MAX);
  return { pid: Number(pid), command };
}

function pids(root: string): readonly string[] {
  try {
    return readdirSync(join(root, "proc")).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function read(root: string, pid: string, name: string): string {
  return readText(join(root, "proc", pid, name));
}

/** Processes end while we look. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
