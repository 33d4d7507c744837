/**
 * The long lists of a session: what waits for where it goes, what was unpacked, what was counted. A
 * session is written with each step, and a count of a room grows to a hundred thousand things: whole
 * pieces of a list are written once and only what is behind them with the session.
 */
import type { Session } from "../reconcile/session.ts";
import type { Database } from "./database.ts";

export const sessionListsSchema = `
  CREATE TABLE session_piece (
    gateway TEXT NOT NULL,
    scanner TEXT NOT NULL,
    -- 0 waiting, 1 unpacked, 2 counted.
    list INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    items TEXT NOT NULL,
    PRIMARY KEY (gateway, scanner, list, piece)
  ) STRICT, WITHOUT ROWID;
`;

const PIECE = 256;

type List = readonly unknown[];
/** In the order of their numbers in the table. */
type Lists = readonly List[];

export function openSessionLists(db: Database) {
  const sql = {
    pieces: db.prepare<[string, string], { list: number; items: string }>(
      "SELECT list, items FROM session_piece WHERE gateway = ? AND scanner = ? ORDER BY list, piece",
    ),
    put: db.prepare("INSERT INTO session_piece VALUES (?, ?, ?, ?, ?)"),
    dropFrom: db.prepare(
      "DELETE FROM session_piece WHERE gateway = ? AND scanner = ? AND list = ? AND piece >= ?",
    ),
  };
  /** By session, the lists whose whole pieces are on disk. */
  const written = new Map<string, Lists>();

  return {
    read(gateway: string, scanner: string, state: string): Session {
      const session = JSON.parse(state) as Session;
      const pieces: unknown[][] = [[], [], []];
      for (const { list, items } of sql.pieces.all(gateway, scanner))
        pieces[list]?.push(...(JSON.parse(items) as unknown[]));
      const tails = listsOf(session);
      const lists = pieces.map((before, list) => [...before, ...listAt(tails, list)]);
      written.set(`${gateway}\n${scanner}`, lists);
      return withLists(session, lists);
    },
    /** The session as it is to be kept beside its pieces. */
    write(gateway: string, scanner: string, session: Session): string {
      const name = `${gateway}\n${scanner}`;
      const before = written.get(name);
      const lists = listsOf(session);
      for (const [list, items] of lists.entries()) {
        const same = before === undefined ? 0 : samePieces(listAt(before, list), items);
        const whole = wholePieces(items);
        if (before === undefined || same < wholePieces(listAt(before, list)))
          sql.dropFrom.run(gateway, scanner, list, same);
        for (let piece = same; piece < whole; piece++) {
          const part = items.slice(piece * PIECE, (piece + 1) * PIECE);
          sql.put.run(gateway, scanner, list, piece, JSON.stringify(part));
        }
      }
      written.set(name, lists);
      const tails = lists.map((items) => items.slice(wholePieces(items) * PIECE));
      return JSON.stringify(withLists(session, tails));
    },
    forget(): void {
      written.clear();
    },
  };
}

function listsOf({ waiting, unpacked, count }: Session): Lists {
  return [waiting, unpacked, count?.things ?? []];
}

function withLists(session: Session, lists: Lists): Session {
  const [waiting, unpacked, things] = lists as [Session["waiting"], number[], number[]];
  return { ...session, waiting, unpacked, count: session.count && { ...session.count, things } };
}

function listAt(lists: Lists, list: number): List {
  return lists[list] ?? [];
}

function wholePieces(items: List): number {
  return Math.floor(items.length / PIECE);
}

/** How many whole pieces both begin with. What was not touched since is the same object, or number. */
function samePieces(before: List, now: List): number {
  const most = Math.min(wholePieces(before), wholePieces(now)) * PIECE;
  let same = 0;
  while (same < most && before[same] === now[same]) same += 1;
  return Math.floor(same / PIECE);
}
