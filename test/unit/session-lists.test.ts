/** A session is the same after its lists were cut into pieces, and costs no more to write when they are long. */
import { expect, test } from "vitest";
import { IDLE, type Session } from "../../src/reconcile/session.ts";
import { openDatabase } from "../../src/store/database.ts";
import { openSessionLists, sessionListsSchema } from "../../src/store/session-lists.ts";

const things = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);
const pages = (from: number, count: number): Session["waiting"] =>
  things(from, count).map((thing) => [thing, "page"]);
const counting = (counted: readonly number[]): Session => ({
  ...IDLE,
  count: { scope: 1, startMs: 0, startSeq: 1, things: counted },
});

function openLists() {
  const db = openDatabase(":memory:", [sessionListsSchema], "derived");
  let lists = openSessionLists(db);
  return {
    write: (session: Session) => lists.write("gw", "desk", session),
    /** The process ends, and another goes on with the file. */
    readAnew(state: string): Session {
      lists = openSessionLists(db);
      return lists.read("gw", "desk", state);
    },
    rows: () => db.prepare("SELECT list, piece, items FROM session_piece").all(),
  };
}

test("lists that grow, shrink, are replaced and emptied are read back as they were written last", () => {
  const lists = openLists();
  const steps: readonly Session[] = [
    { ...IDLE, waiting: pages(1, 255) },
    { ...IDLE, waiting: pages(1, 256) },
    { ...IDLE, waiting: pages(1, 1_000), unpacked: things(5, 300) },
    { ...IDLE, waiting: pages(7, 1_000), unpacked: things(5, 700) },
    { ...IDLE, waiting: pages(7, 300), unpacked: [] },
    counting(things(1, 2_000)),
    counting(things(1, 1_999)),
    counting([...things(1, 700), 9_999, ...things(701, 1_200)]),
    counting([]),
    IDLE,
  ];
  for (const session of steps) {
    const state = lists.write(session);
    const fresh = openLists();
    fresh.write(session);
    expect(lists.rows()).toEqual(fresh.rows());
    expect(lists.readAnew(state)).toEqual(session);
  }
  expect(lists.rows()).toEqual([]);
});

test("what one list has lost the other has not, and another session's lists are its own", () => {
  const db = openDatabase(":memory:", [sessionListsSchema], "derived");
  const lists = openSessionLists(db);
  const desk = counting(things(1, 600));
  const gate = { ...IDLE, waiting: pages(1, 600) };
  const deskState = lists.write("gw", "desk", desk);
  const gateState = lists.write("gw", "gate", gate);
  lists.write("gw", "gate", IDLE);
  expect(openSessionLists(db).read("gw", "desk", deskState)).toEqual(desk);
  expect(openSessionLists(db).read("gw", "gate", gateState).waiting).toEqual(pages(513, 88));
});

test("a step of a long count writes no more than one at its beginning", () => {
  const lists = openLists();
  let counted: readonly number[] = [];
  let longest = 0;
  for (const thing of things(1, 2_000)) {
    counted = [...counted, thing];
    const rows = lists.rows().length;
    longest = Math.max(longest, lists.write(counting(counted)).length);
    expect(lists.rows().length - rows).toBeLessThanOrEqual(1);
  }
  expect(longest).toBeLessThan(3_000);
});
