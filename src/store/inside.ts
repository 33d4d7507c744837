/**
 * What is directly in what by all that is known now, so that the contents of a room are as many rows
 * as things in it, whatever passed through. For other moments there are the chains.
 */
import type { Order } from "../reconcile/assertion.ts";
import type { Link } from "../reconcile/engine.ts";
import { END } from "./assertions.ts";
import type { Database } from "./database.ts";

export const insideSchema = `
  CREATE TABLE inside (thing INTEGER PRIMARY KEY, parent INTEGER NOT NULL) STRICT;
  CREATE INDEX inside_parent ON inside (parent);
`;

export function openInside(
  db: Database,
  linkBefore: (thing: number, order: Order) => Link | undefined,
) {
  const put = db.prepare<[number, number]>(
    `INSERT INTO inside VALUES (?, ?)
     ON CONFLICT DO UPDATE SET parent = excluded.parent WHERE parent <> excluded.parent`,
  );
  const drop = db.prepare<[number]>("DELETE FROM inside WHERE thing = ?");
  const touched = new Set<number>();
  return {
    /** A link was written or ended. */
    note({ thing, moved }: Link): void {
      if (moved) touched.add(thing);
    },
    /** The event is settled: its links are what they are. */
    settle(): void {
      for (const thing of touched) {
        const parent = linkBefore(thing, END)?.state.parent ?? 0;
        if (parent === 0) drop.run(thing);
        else put.run(thing, parent);
      }
      touched.clear();
    },
    forget(): void {
      touched.clear();
    },
  };
}
