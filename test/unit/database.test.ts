/** How files are brought up to date, and what a release before makes of them afterwards. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase, type SchemaStep } from "../../src/store/database.ts";
import { temporaryFolder } from "../support/folder.ts";

const first = "CREATE TABLE thing (name TEXT NOT NULL) STRICT";
const added = { adds: "ALTER TABLE thing ADD COLUMN colour TEXT" };
const demanding = "CREATE TABLE other (name TEXT NOT NULL) STRICT";

test("a release before works on with a file to which a later one has only added", () => {
  const path = join(temporaryFolder(), "a.db");
  const insert = "INSERT INTO thing (name) VALUES (?)";
  use(path, [first], (db) => db.prepare(insert).run("before"));
  use(path, [first, added], (db) => db.prepare("INSERT INTO thing VALUES ('new', 'red')").run());
  use(path, [first], (db) => db.prepare(insert).run("before again"));

  const rows = use(path, [first, added], (db) => db.prepare("SELECT * FROM thing").raw().all());
  expect(rows).toEqual([
    ["before", null],
    ["new", "red"],
    ["before again", null],
  ]);
});

test("what does more than add keeps earlier releases out, whatever was added before or behind it", () => {
  const path = join(temporaryFolder(), "a.db");
  use(path, [first, added, demanding, { adds: "CREATE INDEX i ON other (name)" }], () => {});
  expect(() => use(path, [first, added], () => {})).toThrow("STORE_NEWER");
  use(path, [first, added, demanding], () => {});
});

test("a file from before there were additions takes none of its steps again", () => {
  const path = join(temporaryFolder(), "a.db");
  use(path, [first], (db) => {
    db.exec(added.adds);
    db.pragma("user_version = 2");
    db.pragma("application_id = 0");
  });
  use(path, [first, added, demanding], (db) => {
    expect(db.pragma("user_version", { simple: true })).toBe(3);
  });
});

function use<T>(
  path: string,
  steps: readonly SchemaStep[],
  work: (db: ReturnType<typeof openDatabase>) => T,
): T {
  const db = openDatabase(path, steps, "durable");
  try {
    return work(db);
  } finally {
    db.close();
  }
}
