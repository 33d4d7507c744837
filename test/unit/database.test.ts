/** How files are brought up to date, and what a release before makes of them afterwards. */
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { openDatabase, openList, openReader, type SchemaStep } from "../../src/store/database.ts";
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

test("a file that makes use of what was added keeps earlier releases out, whoever opens it meanwhile", () => {
  const path = join(temporaryFolder(), "a.db");
  use(path, [first, added], (db) => db.pragma("user_version = 2"));
  use(path, [first, added], () => {});
  expect(() => use(path, [first], () => {})).toThrow("STORE_NEWER");
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

test("a list that is damaged is said by name wherever the damage is, and is not begun anew", () => {
  for (const from of [0, 4_096]) {
    const path = join(temporaryFolder(), "list.db");
    use(path, [first], (db) => db.prepare("INSERT INTO thing VALUES ('kept')").run());
    const damaged = readFileSync(path).fill("?", from);
    writeFileSync(path, damaged);
    expect(() => openList(path, [first])).toThrow(`LIST_CORRUPT: ${path}`);
    expect(readFileSync(path).includes(damaged.subarray(from))).toBe(true);
  }
});

test("a list that is empty is damaged, too: none is there before it is more than that", () => {
  const path = join(temporaryFolder(), "list.db");
  const [one, other] = [openList(path, [first]), openList(path, [first])];
  one.exec("INSERT INTO thing VALUES ('kept')");
  expect(other.prepare("SELECT name FROM thing").pluck().all()).toEqual(["kept"]);
  for (const list of [one, other]) list.close();
  expect(readdirSync(dirname(path))).toEqual(["list.db"]);
  expect(statSync(path).mode & 0o777).toBe(0o600);

  writeFileSync(path, "");
  for (const _start of ["first", "second"])
    expect(() => openList(path, [first])).toThrow(`LIST_CORRUPT: ${path} is empty`);
});

test("a log that a program left behind is in the file before anybody adds to it", () => {
  const path = join(temporaryFolder(), "a.db");
  const left = join(temporaryFolder(), "a.db");
  use(path, [first], (db) => {
    db.exec("INSERT INTO thing VALUES ('kept')");
    for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, left + suffix);
  });
  expect(statSync(`${left}-wal`).size).toBeGreaterThan(0);

  const withoutLog = join(temporaryFolder(), "a.db");
  use(left, [first], () => copyFileSync(left, withoutLog));
  use(withoutLog, [first], (db) => {
    expect(db.prepare("SELECT name FROM thing").pluck().all()).toEqual(["kept"]);
  });
});

test("a reader that stays does not keep a program from starting", () => {
  const path = join(temporaryFolder(), "a.db");
  use(path, [first], (db) => {
    db.exec("INSERT INTO thing VALUES ('kept')");
    const reader = openReader(path);
    const rows = reader.prepare("SELECT name FROM thing").pluck().iterate();
    expect(rows.next().value).toBe("kept");
    use(path, [first], (second) => second.exec("INSERT INTO thing VALUES ('more')"));
    rows.return?.();
    reader.close();
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
