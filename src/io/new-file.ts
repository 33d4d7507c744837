/**
 * A file that is there whole or not at all, for what is handed on: written beside its place, and on stable storage
 * before it takes it. What is there already stays.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "../kernel/fault.ts";
import { syncFolder } from "./sync-folder.ts";

export type NewFile = {
  write(bytes: Uint8Array): void;
  /** The file is there from now on, and whole. */
  finish(): void;
  abandon(): void;
};

const BUFFER_BYTES = 256 * 1024;

/** Throws Fault DATA_UNREADABLE, as what it returns does; also when the file is there already. */
export function createNewFile(path: string): NewFile {
  const part = `${path}.part`;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  if (existsSync(path)) throw new Fault("DATA_UNREADABLE", `${path} is there already`);
  const file = attempt(path, () => openSync(part, "w", 0o600));
  let isOpen = true;

  function flush(): void {
    const bytes = Buffer.concat(waiting);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    waiting = [];
    waitingBytes = 0;
  }

  function close(): void {
    if (!isOpen) return;
    // Closed it is even where the disk has something to say to it.
    isOpen = false;
    closeSync(file);
  }

  return {
    write(bytes) {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      if (waitingBytes >= BUFFER_BYTES) attempt(path, flush);
    },
    finish() {
      attempt(path, () => {
        flush();
        fsyncSync(file);
        close();
        renameSync(part, path);
      });
      syncName(path);
    },
    abandon() {
      close();
      rmSync(part, { force: true });
    },
  };
}

/** As far as the file system of whatever carries it knows that. */
function syncName(path: string): void {
  try {
    syncFolder(dirname(path));
  } catch {
    return;
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
}
