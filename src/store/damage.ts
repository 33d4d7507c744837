/** Looks whether a SQLite file is whole. Reads all of it: asked only after a stop that was not clean. */
import type { Database } from "./database.ts";

/** What is wrong, in SQLite's words; undefined when nothing is. */
export function damageOf(db: Database): string | undefined {
  try {
    const found = db.pragma("quick_check(1)", { simple: true });
    return found === "ok" ? undefined : String(found);
  } catch (error) {
    return (error as Error).message;
  }
}
