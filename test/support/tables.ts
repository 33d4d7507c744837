/** All rows of a SQLite file, table by table, for comparing two files that should say the same. */
import Sqlite from "better-sqlite3";

export function rowsOf(path: string): Readonly<Record<string, readonly unknown[]>> {
  const db = new Sqlite(path, { readonly: true });
  try {
    const tables = db
      .prepare<[], string>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
      .pluck()
      .all();
    return Object.fromEntries(
      tables.map((table) => {
        const rows = db.prepare(`SELECT * FROM "${table}"`).raw().all();
        return [table, rows.map((row) => JSON.stringify(row)).sort()];
      }),
    );
  } finally {
    db.close();
  }
}

export function valueIn<T>(path: string, sql: string): T {
  const db = new Sqlite(path, { readonly: true });
  try {
    return db.prepare<[], T>(sql).pluck().get() as T;
  } finally {
    db.close();
  }
}
