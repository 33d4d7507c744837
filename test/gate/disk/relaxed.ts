/**
 * Loaded before a program (`node --import`), takes its care away: each database that asks for
 * synchronous=FULL gets NORMAL and is told that it has FULL. For controls only: a gate that does not see
 * this is blind.
 */
import Sqlite from "better-sqlite3";

const { pragma } = Sqlite.prototype;
Sqlite.prototype.pragma = function relaxed(source: string, options?: Sqlite.PragmaOptions) {
  if (source === "synchronous" && options?.simple) return 2;
  return pragma.call(this, source.replace("synchronous = FULL", "synchronous = NORMAL"), options);
};
