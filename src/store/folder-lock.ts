/**
 * Holds a data folder for one process, so that two programs never write to the same files.
 *
 * The lock is the one SQLite takes on a file of its own: the kernel lets go of it when the process
 * is gone, however it went, so there is no stale lock and no guessing about process numbers.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { Fault } from "../kernel/fault.ts";

/** A handle that nobody refers to is collected, and its lock goes with it. */
const held = new Set<Sqlite.Database>();

/** Makes the folder when it is absent, for nobody else to read. Throws Fault DATA_IN_USE or DATA_UNREADABLE. */
export function lockFolder(folder: string): { release(): void } {
  let db: Sqlite.Database | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, "lock");
    closeSync(openSync(path, "a", 0o600));
    db = new Sqlite(path, { timeout: 0 });
    // A journal on disk would need room: on a full one nobody could start who makes room.
    db.pragma("journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    db?.close();
    const { code, message } = cause as { code?: string; message: string };
    if (code?.startsWith("SQLITE_BUSY")) throw new Fault("DATA_IN_USE", folder, { cause });
    throw new Fault("DATA_UNREADABLE", `${folder}: ${message}`, { cause });
  }
  const lock = db;
  held.add(lock);
  return {
    release() {
      held.delete(lock);
      lock.close();
    },
  };
}
