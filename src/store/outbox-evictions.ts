/** Which numbers of a lane were given up unsent to make room, as the twin and people are told. */
import { assert } from "../kernel/assert.ts";
import type { Lane } from "../ports.ts";
import type { Database } from "./database.ts";

/** Ranges of evicted numbers that are remembered one by one; the oldest two become one. */
const EVICTED_RANGES_MAX = 1024;

/** Evictions that follow each other are one range; the list has a limit of its own. */
export function evictionRecord(db: Database, name: Lane) {
  const extend = db.prepare<[number, number, number]>(
    `UPDATE evicted SET last_seq = ?, at_ms = ? WHERE lane = '${name}' AND last_seq = ?`,
  );
  const begin = db.prepare<[number, number, number]>(
    `INSERT INTO evicted (lane, first_seq, last_seq, at_ms) VALUES ('${name}', ?, ?, ?)`,
  );
  const count = db
    .prepare<[], number>(`SELECT count(*) FROM evicted WHERE lane = '${name}'`)
    .pluck();
  const oldest = db.prepare<[], { first: number; last: number }>(
    `SELECT first_seq AS first, last_seq AS last FROM evicted WHERE lane = '${name}'
      ORDER BY first_seq LIMIT 2`,
  );
  const forget = db.prepare<[number]>(
    `DELETE FROM evicted WHERE lane = '${name}' AND first_seq = ?`,
  );
  const widen = db.prepare<[number, number]>(
    `UPDATE evicted SET last_seq = ? WHERE lane = '${name}' AND first_seq = ?`,
  );
  return (first: number, last: number, nowMs: number) => {
    if (extend.run(last, nowMs, first - 1).changes > 0) return;
    begin.run(first, last, nowMs);
    if ((count.get() ?? 0) <= EVICTED_RANGES_MAX) return;
    const [one, two] = oldest.all();
    assert(one !== undefined && two !== undefined, "more ranges than allowed are at least two");
    forget.run(two.first);
    widen.run(two.last, one.first);
  };
}
