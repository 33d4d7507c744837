/**
 * SQLite's own full check of a database whose user is dead, on a copy: looking at the original would
 * roll its log forward, and that is for the product to do.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import Sqlite from "better-sqlite3";

/** Undefined: whole. */
export function damageOfCopy(path: string, scratch: string): string | undefined {
  const folder = mkdtempSync(join(scratch, "copy-"));
  try {
    for (const suffix of ["", "-wal"])
      if (existsSync(path + suffix))
        copyFileSync(path + suffix, join(folder, basename(path) + suffix));
    const db = new Sqlite(join(folder, basename(path)));
    try {
      const found = db.pragma("integrity_check(3)", { simple: true });
      return found === "ok" ? undefined : `${basename(path)}: ${found}`;
    } finally {
      db.close();
    }
  } catch (error) {
    return `${basename(path)}: ${(error as Error).message}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
