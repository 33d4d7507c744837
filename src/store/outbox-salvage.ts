/**
 * What can still be read of an outbox that is damaged, event by event, and what is wrong with one that
 * seems whole. Reads only.
 */
import { crc32 } from "node:zlib";
import type { Lane } from "../ports.ts";
import { damageOf, isDiskTrouble } from "./damage.ts";
import { type Database, openReader } from "./database.ts";
import { readGiven } from "./given-numbers.ts";
import { abandon, GIVEN, readOutboxFile } from "./outbox-file.ts";
import { alteredIn, readMarks } from "./outbox-marks.ts";
import { behindOf } from "./outbox-renumber.ts";

export type Salvaged = {
  readonly lane: Lane;
  /** Empty: the file does not say any more. */
  readonly epoch: string;
  readonly seq: number;
  readonly bytes: Uint8Array;
  /** The bytes are not as they were written. */
  readonly altered: boolean;
  /** The twin has acknowledged it, as far as the file says. */
  readonly gone: boolean;
};

export type Salvage = {
  /** Every event that can be read, each lane in order. */
  events(): Iterable<Salvaged>;
  /** Numbers that were given, are not acknowledged, and cannot be read; known at the end of `events`. */
  missing(lane: Lane): number;
  close(): void;
};

const LANES: readonly Lane[] = ["scan", "telemetry"];

/** In SQLite's words and ours; none: it is sound. Throws what `readOutboxFile` throws. */
export function examineOutbox(path: string): readonly string[] {
  const db = readOutboxFile(path);
  try {
    const damage = damageOf(db);
    if (damage !== undefined) return [damage];
    return LANES.flatMap((lane) => [contradictionIn(db, lane), altered(db, lane)]).filter(
      (found) => found !== undefined,
    );
  } finally {
    abandon(db);
  }
}

function contradictionIn(db: Database, lane: Lane): string | undefined {
  try {
    // One snapshot: a gateway may be writing between two of its questions.
    db.transaction(() => readMarks(db, lane))();
    return undefined;
  } catch (fault) {
    return (fault as Error).message;
  }
}

function altered(db: Database, lane: Lane): string | undefined {
  try {
    return alteredIn(db, lane);
  } catch (error) {
    return (error as Error).message;
  }
}

/** Throws Fault DATA_UNREADABLE or STORE_CORRUPT when nothing at all can be read. */
export function openSalvage(path: string): Salvage {
  const db = openReader(path);
  const given = readGiven(path + GIVEN);
  const missing: Record<Lane, number> = { scan: 0, telemetry: 0 };

  function* lane(name: Lane): Iterable<Salvaged> {
    const { epoch, gone, last } = marksOf(db, name);
    const behind = attempt(() => behindOf(db, name, epoch));
    const known = given?.[name];
    const end = Math.max(last, known?.epoch === epoch || epoch === "" ? (known?.last ?? 0) : 0);
    const hasSum = columnsOf(db, name).includes("sum");
    const next = db.prepare<[number], { seq: number; event: Buffer; sum: number | null }>(
      `SELECT seq, event, ${hasSum ? "sum" : "NULL AS sum"} FROM ${name}
        WHERE seq >= ? ORDER BY seq LIMIT 1`,
    );
    missing[name] = 0;
    for (let seq = 1; ; ) {
      const row = attempt(() => next.get(seq));
      if (row === "unreadable") {
        // Whatever page that was: the next number may stand on another.
        if (seq > gone) missing[name] += 1;
        seq += 1;
        if (seq > end) return;
        continue;
      }
      const upTo = row?.seq ?? end + 1;
      missing[name] += Math.max(0, upTo - Math.max(seq, gone + 1));
      if (row === undefined) return;
      const wrong = row.sum !== null && crc32(row.event) !== row.sum;
      yield {
        lane: name,
        epoch,
        seq: row.seq - (behind === "unreadable" ? 0 : behind),
        bytes: row.event,
        altered: wrong,
        gone: row.seq <= gone,
      };
      seq = row.seq + 1;
    }
  }

  return {
    *events() {
      for (const name of LANES) yield* lane(name);
    },
    missing: (name) => missing[name],
    close: () => abandon(db),
  };
}

type Marks = { readonly epoch: string; readonly gone: number; readonly last: number };

/** As far as they can be read: without them every event may be one that waits. */
function marksOf(db: Database, lane: Lane): Marks {
  const found = attempt(() =>
    db
      .prepare<[string, string], Marks>(
        `SELECT epoch, gone, coalesce((SELECT seq FROM sqlite_sequence WHERE name = ?), 0) AS last
          FROM lane WHERE name = ?`,
      )
      .get(lane, lane),
  );
  if (found !== "unreadable" && found !== undefined) return found;
  const highest = db.prepare<[], number | null>(`SELECT max(seq) FROM ${lane}`).pluck();
  const last = attempt(() => highest.get() ?? 0);
  return { epoch: "", gone: 0, last: last === "unreadable" ? 0 : last };
}

function columnsOf(db: Database, lane: Lane): readonly string[] {
  return (db.pragma(`table_info(${lane})`) as { name: string }[]).map(({ name }) => name);
}

function attempt<T>(read: () => T): T | "unreadable" {
  try {
    return read();
  } catch (error) {
    if (isDiskTrouble(error)) return "unreadable";
    throw error;
  }
}
