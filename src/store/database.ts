/**
 * Opens a SQLite file the one way this product opens them, and brings its schema up to date.
 *
 * `durable` files keep what was acknowledged: WAL with synchronous=FULL, read back, so that a commit
 * is on stable storage. `derived` files are a cache of a durable one and carry the position they
 * reflect: synchronous=NORMAL, where a power cut may take the last commits but never the file.
 */
import { randomUUID } from "node:crypto";
import {
  accessSync,
  closeSync,
  constants,
  linkSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import Sqlite from "better-sqlite3";
import { Fault } from "../kernel/fault.ts";
import { damageOf, isCorrupt, isDiskFull } from "./damage.ts";

export type Database = Sqlite.Database;
export type Durability = "durable" | "derived";

const WAL_BYTES_MAX = 64 * 1024 * 1024;

/**
 * What brings a file up to date. One that only `adds` leaves the release before able to read and write the
 * file: columns that may be null, tables and indexes of their own.
 */
export type SchemaStep = string | { readonly adds: string };

/**
 * Step n takes the file from version n to n + 1. Steps that were released are never edited, and all that are
 * missing are taken in one transaction. The file says which release can work with it at least
 * (`user_version`: the last step that does more than add) and how many steps it has taken (`application_id`,
 * 0 where that is the same), so that the way back to the release before stays open.
 * Throws Fault STORE_NEWER, SYNC_NOT_FULL, DATA_UNREADABLE, STORE_CORRUPT or, as on a full disk, STORE_FAILED.
 */
export function openDatabase(
  path: string,
  steps: readonly SchemaStep[],
  durability: Durability,
): Database {
  const left = sizeOf(`${path}-wal`);
  if (durability === "durable" && left > 0 && sizeOf(path) === 0) keepLog(path);
  const db = connect(path);
  try {
    db.pragma("journal_mode = WAL");
    db.pragma(`synchronous = ${durability === "durable" ? "FULL" : "NORMAL"}`);
    db.pragma("foreign_keys = ON");
    if (durability === "durable" && left > 0) putAway(db, path, left);
    db.pragma("busy_timeout = 5000");
    db.pragma(`journal_size_limit = ${WAL_BYTES_MAX}`);
    if (durability === "durable") assertFull(db, path);
    migrate(db, path, steps);
    return db;
  } catch (cause) {
    db.close();
    throw cause instanceof Fault ? cause : asFault(path, cause);
  }
}

/**
 * A durable file that says who may do what, or what was promised to whom: looked through at each start, as it
 * is small, and never begun anew by itself. Throws as above, with Fault LIST_CORRUPT for STORE_CORRUPT.
 */
export function openList(path: string, steps: readonly SchemaStep[]): Database {
  try {
    if (path !== ":memory:" && sizeOf(`${path}-wal`) === 0) beginList(path);
    const db = openDatabase(path, steps, "durable");
    const damage = damageOf(db);
    if (damage === undefined) return db;
    db.close();
    throw new Fault("LIST_CORRUPT", `${path}: ${damage}`);
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== "STORE_CORRUPT") throw cause;
    throw new Fault("LIST_CORRUPT", cause.detail, { cause });
  }
}

/**
 * Under its name it is there when it is a database, whoever is killed meanwhile: an empty file is one that lost what
 * it held. Two programs may be at it at once: one of them is first, and both use what it made.
 */
function beginList(path: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there?.size === 0) throw new Fault("STORE_CORRUPT", `${path} is empty`);
  if (there !== undefined) return;
  const draft = `${path}.${randomUUID()}`;
  let db: Database | undefined;
  try {
    db = connect(draft);
    db.pragma("journal_mode = WAL");
    db.close();
    linkSync(draft, path);
  } catch {
    // Another was first, or no link can be made here: whoever opens it makes it then, or says what is wrong.
    db?.close();
  } finally {
    rmSync(draft, { force: true });
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

const PAGE_BYTES = 4_096;

/**
 * The log is all that is left of a file that is empty or gone, and SQLite would delete it. Beside a page it reads
 * it: the file is whole where nothing was brought out of the log yet, and is found damaged otherwise.
 */
function keepLog(path: string): void {
  try {
    writeFileSync(path, new Uint8Array(PAGE_BYTES), { mode: 0o600 });
  } catch (cause) {
    throw asFault(path, cause);
  }
}

const READER_WAIT_MS = 250;

/**
 * Brings a log that was left into the file before anybody adds to it. Where a sync of it failed, the kernel
 * takes for written what is not, and says so no second time: what follows in the log would stand behind a gap.
 * A reader that stays keeps the log as it is, as does a disk without room for it; both are no reason to stop.
 */
function putAway(db: Database, path: string, logBytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(path));
  if (bavail * bsize < 2 * logBytes) return;
  db.pragma(`busy_timeout = ${READER_WAIT_MS}`);
  try {
    db.pragma("wal_checkpoint(TRUNCATE)");
  } catch (cause) {
    if (!isDiskFull(cause)) throw cause;
  }
}

/** As much as SQLite maps. An answer about one of millions of pages reads some forty pages of the file. */
const MAPPED_BYTES_MAX = 2_147_418_112;
const READER_CACHE_KIB = 64 * 1024;

/**
 * For queries beside the one writer. Sees each commit; never blocks the writer.
 * Throws Fault STORE_CORRUPT, DATA_IN_USE or DATA_UNREADABLE.
 */
export function openReader(path: string): Database {
  const db = connectReader(path);
  try {
    db.pragma(`mmap_size = ${MAPPED_BYTES_MAX}`);
    db.pragma(`cache_size = ${-READER_CACHE_KIB}`);
    db.pragma("busy_timeout = 5000");
    return db;
  } catch (cause) {
    db.close();
    throw asFault(path, cause);
  }
}

/**
 * Built with STAT4, SQLite plans a statement that joins, orders or limits anew whenever a parameter
 * is bound, as the value might suggest another plan: ten times the price of the question itself.
 * Behind a plus it does not look at the value.
 */
function planOnce(db: Database): Database {
  const prepare = db.prepare.bind(db);
  db.prepare = ((sql: string) => prepare(sql.replace(COMPARED, "$1 +?"))) as Database["prepare"];
  return db;
}

const COMPARED = /([=<>]|\b(?:LIMIT|BETWEEN|AND))\s*\?/g;

function connectReader(path: string): Database {
  try {
    // Of a file that is not there, or that this user may not see, SQLite says the same, and not why.
    accessSync(path, constants.R_OK);
    if (sizeOf(path) > 0)
      return planOnce(new Sqlite(path, { readonly: true, fileMustExist: true }));
  } catch (cause) {
    throw asFault(path, cause);
  }
  // SQLite deletes the log beside an empty file also for those who only read, and it may be all that is left.
  throw new Fault("STORE_CORRUPT", `${path} is empty`);
}

function connect(path: string): Database {
  try {
    // Nobody else's to read, whatever the umask; what SQLite makes beside it is as this is.
    if (path !== ":memory:") closeSync(openSync(path, "a", 0o600));
    return planOnce(new Sqlite(path));
  } catch (cause) {
    throw asFault(path, cause);
  }
}

/** The promise rests on these two; a file system that refuses WAL silently keeps the old mode. */
export function assertFull(db: Database, path: string): void {
  const mode = db.pragma("journal_mode", { simple: true });
  const sync = db.pragma("synchronous", { simple: true });
  if (mode !== "wal" || sync !== 2)
    throw new Fault("SYNC_NOT_FULL", `${path} has journal_mode=${mode}, synchronous=${sync}`);
}

function migrate(db: Database, path: string, steps: readonly SchemaStep[]): void {
  const demanding = steps.findLastIndex((step) => typeof step === "string") + 1;
  const upgrade = db.transaction(() => {
    const version = db.pragma("user_version", { simple: true }) as number;
    const taken = Math.max(version, db.pragma("application_id", { simple: true }) as number);
    if (version > steps.length)
      throw new Fault(
        "STORE_NEWER",
        `${path} is at version ${version}, this release knows ${steps.length}`,
      );
    for (const step of steps.slice(taken)) db.exec(typeof step === "string" ? step : step.adds);
    db.pragma(`user_version = ${Math.max(version, demanding)}`);
    db.pragma(`application_id = ${Math.max(taken, steps.length)}`);
  });
  upgrade.immediate();
}

function asFault(path: string, cause: unknown): Fault {
  const code = (cause as { code?: string }).code ?? "";
  const detail = `${path}: ${(cause as Error).message}`;
  if (isCorrupt(code)) return new Fault("STORE_CORRUPT", detail, { cause });
  if (code.startsWith("SQLITE_BUSY")) return new Fault("DATA_IN_USE", detail, { cause });
  if (/^SQLITE_(FULL|IOERR)/.test(code)) return new Fault("STORE_FAILED", detail, { cause });
  return new Fault("DATA_UNREADABLE", detail, { cause });
}
