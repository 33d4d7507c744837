/**
 * The twin's derived file: everything that follows from the evidence, and the position it reflects.
 *
 * It is a cache. Rows and position move together in one transaction, so after a crash the work goes
 * on where the rows stand. When the file is damaged, or was made by another recipe (tables or
 * policies), a new one is begun and everything is derived again.
 */
import { renameSync, rmSync } from "node:fs";
import { assert } from "../kernel/assert.ts";
import { Fault } from "../kernel/fault.ts";
import { damageOf } from "./damage.ts";
import { type Database, openDatabase } from "./database.ts";

const schema = `
  CREATE TABLE reflected (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL,
    recipe TEXT NOT NULL
  ) STRICT;
  CREATE TABLE misunderstood (
    position INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    source TEXT NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;
`;

export type Derived = {
  readonly db: Database;
  /** Everything up to this position is in the rows. */
  reflected(): number;
  /** One transaction: `work` and the new position, or neither. */
  step<T>(position: number, work: () => T): T;
  /** Within a step: an event that is kept, and means nothing to this release. */
  misunderstand(entry: Misunderstood): void;
  close(): void;
};

export type Misunderstood = {
  readonly position: number;
  readonly atMs: number;
  readonly source: string;
  readonly detail: string;
};

/** Why a new file was begun. */
export type Restart = "absent" | "recipe" | "damaged" | "ahead";

export type DerivedOptions = {
  /** Tables of those who derive. */
  readonly tables: readonly string[];
  /** Names how rows follow from the evidence: another recipe, other rows. */
  readonly recipe: string;
  /**
   * The last position of the evidence. Rows that reflect more are of other evidence, or of a file that
   * was since replaced by an older copy: they would hide what comes under the same positions.
   */
  readonly latest: number;
  /** Look for damage before use: the last stop was not a clean one. */
  readonly check: boolean;
  /** A damaged file is kept under this name, for the report. */
  readonly setAsideAs: string;
  /**
   * Of memory for the tables; without it 256 MiB. With ten million pages the tables are 3.5 GB, and held
   * wholly in memory they take up half as many scans a second again (`npm run bench -- reconcile`).
   */
  readonly cacheBytes?: number;
};

export function openDerived(
  path: string,
  options: DerivedOptions,
): { readonly derived: Derived; readonly restart: Restart | undefined } {
  const found = tryOpen(path, options);
  if (typeof found !== "string") return { derived: found, restart: undefined };
  if (found === "damaged") setAside(path, options.setAsideAs);
  else removeFile(path);
  const db = openDatabase(path, oneStep(options.tables), "derived");
  db.prepare("INSERT INTO reflected VALUES (1, 0, ?)").run(options.recipe);
  return { derived: derivedIn(db, options), restart: found };
}

function tryOpen(path: string, options: DerivedOptions): Derived | Restart {
  let db: Database;
  try {
    db = openDatabase(path, oneStep(options.tables), "derived");
  } catch (error) {
    if (error instanceof Fault && error.code === "STORE_CORRUPT") return "damaged";
    if (error instanceof Fault && error.code === "STORE_NEWER") return "recipe";
    throw error;
  }
  const restart = whyNot(db, options);
  if (restart === undefined) return derivedIn(db, options);
  db.close();
  return restart;
}

/** A cache is never migrated: other tables are another recipe, and the file is begun anew. */
function oneStep(tables: readonly string[]): readonly string[] {
  return [[schema, ...tables].join(";\n")];
}

function whyNot(db: Database, { recipe, check, latest }: DerivedOptions): Restart | undefined {
  if (check && damageOf(db) !== undefined) return "damaged";
  const made = db
    .prepare<[], { recipe: string; position: number }>("SELECT recipe, position FROM reflected")
    .get();
  if (made === undefined) return "absent";
  if (made.recipe !== recipe) return "recipe";
  return made.position > latest ? "ahead" : undefined;
}

const CHECKPOINT_PAGES = 65_536;
const CACHE_BYTES = 256 * 1024 * 1024;

function derivedIn(db: Database, { cacheBytes = CACHE_BYTES }: DerivedOptions): Derived {
  const position = db.prepare<[], number>("SELECT position FROM reflected").pluck();
  const advance = db.prepare<[number, number]>(
    "UPDATE reflected SET position = ? WHERE position < ?",
  );
  const note = db.prepare<[number, number, string, string]>(
    "INSERT INTO misunderstood VALUES (?, ?, ?, ?)",
  );
  const transaction = db.transaction((work: () => unknown) => work());
  // The same pages change again and again: held longer, they are written to the file less often.
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.pragma(`cache_size = ${-Math.ceil(cacheBytes / 1024)}`);

  return {
    db,
    reflected: () => position.get() ?? 0,
    step<T>(to: number, work: () => T) {
      const done = transaction.immediate(() => {
        assert(advance.run(to, to).changes === 1, "a step goes forward");
        return work();
      });
      return done as T;
    },
    misunderstand(entry) {
      note.run(entry.position, entry.atMs, entry.source, entry.detail);
    },
    close() {
      db.close();
    },
  };
}

/** Questions to the derived file from any connection, each answer with the position it reflects. */
export function readDerived(db: Database) {
  const recipe = db.prepare<[], string>("SELECT recipe FROM reflected").pluck();
  const position = db.prepare<[], number>("SELECT position FROM reflected").pluck();
  const newest = db.prepare<[number, number], Misunderstood>(
    `SELECT position, at_ms AS atMs, source, detail FROM misunderstood
     WHERE position < ? ORDER BY position DESC LIMIT ?`,
  );
  const count = db.prepare<[], number>("SELECT count(*) FROM misunderstood").pluck();
  const transaction = db.transaction((ask: (at: number) => unknown) => ask(position.get() ?? 0));
  return {
    recipe: (): string | undefined => recipe.get(),
    /** All questions within `ask` see the same rows: those of this position. */
    at: <T>(ask: (position: number) => T): T => transaction.deferred(ask) as T,
    /** Newest first, of those before a position. */
    misunderstood: (limit: number, before = Number.MAX_SAFE_INTEGER): readonly Misunderstood[] =>
      newest.all(before, limit),
    misunderstoodCount: (): number => count.get() ?? 0,
  };
}

const PARTS = ["", "-wal", "-shm"];

function setAside(path: string, aside: string): void {
  for (const part of PARTS) {
    try {
      renameSync(path + part, aside + part);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw unwritable(path, error);
    }
  }
}

function removeFile(path: string): void {
  try {
    for (const part of PARTS) rmSync(path + part, { force: true });
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, cause: unknown): Fault {
  return new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
}
