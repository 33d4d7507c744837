/** What can be wrong with a SQLite file, as opposed to what is wrong with what we asked of it. */
import { Fault } from "../kernel/fault.ts";
import type { Database } from "./database.ts";

/**
 * What quick_check says, in SQLite's words; undefined when the file is whole. Reads all of the file:
 * asked only after a stop that was not clean.
 */
export function damageOf(db: Database): string | undefined {
  try {
    const found = db.pragma("quick_check(1)", { simple: true });
    return found === "ok" ? undefined : String(found);
  } catch (error) {
    return (error as Error).message;
  }
}

const DISK_TROUBLE =
  /^SQLITE_(FULL|IOERR|CORRUPT|NOTADB|BUSY|LOCKED|READONLY|CANTOPEN|PERM|NOMEM|PROTOCOL)/;

/** The disk or the file failed; the same work may succeed later. Anything else is an error of ours. */
export function isDiskTrouble(error: unknown): boolean {
  return DISK_TROUBLE.test(codeOf(error));
}

/** No room: nothing is broken, and it heals when room is made. */
export function isDiskFull(error: unknown): boolean {
  return codeOf(error).startsWith("SQLITE_FULL");
}

export function isCorrupt(code: string): boolean {
  return code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB";
}

/** Of the twin's evidence, which nothing replaces; what is no damage stays what it is. */
export function evidenceFault(path: string, cause: unknown): unknown {
  if (cause instanceof Fault && cause.code === "STORE_CORRUPT")
    return new Fault("EVIDENCE_CORRUPT", cause.detail, { cause });
  if (!isCorrupt(codeOf(cause))) return cause;
  return new Fault("EVIDENCE_CORRUPT", `${path}: ${(cause as Error).message}`, { cause });
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? "");
}
