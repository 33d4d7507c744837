/**
 * The outbox as a file: its schema, its age, and what is done with a damaged one.
 *
 * A damaged file is renamed, never deleted: someone may still read scans out of it.
 */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Fault } from "../kernel/fault.ts";
import { isCorrupt } from "./damage.ts";
import { type Database, openDatabase, openReader, type SchemaStep } from "./database.ts";
import { CHAIN_SCHEMA } from "./outbox-chain.ts";
import { LANE_SCHEMA } from "./outbox-lane.ts";
import { LANE_START_SCHEMA } from "./outbox-renumber.ts";
import { QUARANTINE_SCHEMA } from "./quarantine.ts";

export const outboxSteps: readonly SchemaStep[] = [
  `CREATE TABLE life (boot INTEGER NOT NULL, clean INTEGER NOT NULL) STRICT;
   INSERT INTO life VALUES (0, 1);
   ${LANE_SCHEMA}
   ${QUARANTINE_SCHEMA}`,
  // A sum of each event: SQLite does not notice when a bit of its content turns.
  `ALTER TABLE scan ADD COLUMN sum INTEGER;
   ALTER TABLE telemetry ADD COLUMN sum INTEGER;`,
  // Of a file that makes use of the second a release without this step must keep away: LANE_START_STEP.
  { adds: CHAIN_SCHEMA + LANE_START_SCHEMA },
];

/** Behind the path: the file of given-numbers.ts. */
export const GIVEN = ".given";

/** Throws as openDatabase does. */
export function openOutboxFile(path: string): Database {
  return openDatabase(path, outboxSteps, "durable");
}

/** Throws Fault DATA_UNREADABLE, STORE_NEWER or STORE_CORRUPT. Changes nothing. */
export function readOutboxFile(path: string): Database {
  const db = openReader(path);
  try {
    const version = db.pragma("user_version", { simple: true }) as number;
    if (version > outboxSteps.length)
      throw new Fault("STORE_NEWER", `${path} is at version ${version}`);
    if (version < 1) throw new Fault("STORE_CORRUPT", `${path} is not an outbox`);
    return db;
  } catch (cause) {
    abandon(db);
    throw asFault(path, cause);
  }
}

/**
 * `boot` counts starts; `clean` is 1 after an orderly stop and 0 while a gateway runs, 2 when a gateway met
 * damage in the file: the next start looks at everything.
 */
export function readLife(db: Database): { readonly boot: number; readonly clean: number } {
  const life = db
    .prepare<[], { boot: number; clean: number }>("SELECT boot, clean FROM life")
    .get();
  if (life === undefined) throw new Fault("STORE_CORRUPT", "the outbox does not know its age");
  return life;
}

/** Closing may checkpoint, and so fail as anything else on a bad disk; there is nothing to save. */
export function abandon(db: Database): void {
  try {
    db.close();
  } catch {
    return;
  }
}

/** Damaged outboxes that were set aside here, oldest first. Throws Fault DATA_UNREADABLE. */
export function listAside(path: string): readonly string[] {
  const prefix = `${basename(path)}.corrupt-`;
  return namesIn(dirname(path))
    .filter((name) => name.startsWith(prefix) && !/(-wal|-shm|\.given)$/.test(name))
    .sort()
    .map((name) => join(dirname(path), name));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${folder}: ${(cause as Error).message}`, { cause });
  }
}

/** Returns the new path. */
export function setAside(path: string, nowMs: number): string {
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  let aside = `${path}.corrupt-${time}`;
  for (let n = 2; existsSync(aside); n++) aside = `${path}.corrupt-${time}-${n}`;
  // The database goes first: without its WAL it might pass for a whole, older one.
  renameSync(path, aside);
  moveRest(path, aside);
  return aside;
}

/**
 * A stop between two of these steps left the log where a new file will be: SQLite would delete it. It goes to the
 * file that went without its witness, which is the last to go.
 */
export function finishSettingAside(path: string): void {
  if (existsSync(path)) return;
  const last = listAside(path).findLast((aside) => !existsSync(aside + GIVEN));
  if (last !== undefined) moveRest(path, last);
}

/** What is there already is not overwritten. */
function moveRest(path: string, aside: string): void {
  for (const suffix of ["-wal", "-shm", GIVEN])
    if (existsSync(path + suffix) && !existsSync(aside + suffix))
      renameSync(path + suffix, aside + suffix);
  const folder = openSync(dirname(path), "r");
  fsyncSync(folder);
  closeSync(folder);
}

export function asFault(path: string, cause: unknown): unknown {
  const code = (cause as { code?: unknown }).code;
  if (cause instanceof Fault || typeof code !== "string") return cause;
  return new Fault(isCorrupt(code) ? "STORE_CORRUPT" : "STORE_FAILED", `${path}: ${cause}`, {
    cause,
  });
}
