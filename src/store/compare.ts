/**
 * Compares two files that should say the same, table by table and row by row, in the order of their
 * keys, one row of each in memory at a time.
 */
import type { Database } from "./database.ts";

export type Difference = {
  readonly table: string;
  /** Undefined where the file has no such row. */
  readonly first: Row | undefined;
  readonly second: Row | undefined;
};

export type Comparison = {
  readonly tables: readonly {
    readonly table: string;
    readonly rows: number;
    readonly different: number;
  }[];
  /** The first ones of each table. */
  readonly differences: readonly Difference[];
};

type Row = Readonly<Record<string, unknown>>;

const SHOWN_MAX = 5;

export function compareFiles(first: Database, second: Database): Comparison {
  const differences: Difference[] = [];
  const names = [...new Set([...tablesOf(first), ...tablesOf(second)])].sort();
  const tables = names.map((table) => {
    let rows = 0;
    let different = 0;
    for (const pair of pairsOf(first, second, table)) {
      rows += 1;
      if (isSame(pair)) continue;
      different += 1;
      if (different <= SHOWN_MAX) differences.push({ table, ...pair });
    }
    return { table, rows, different };
  });
  return { tables, differences };
}

type Pair = { readonly first: Row | undefined; readonly second: Row | undefined };

function* pairsOf(first: Database, second: Database, table: string): Generator<Pair> {
  const keys = keysOf(first, table) ?? keysOf(second, table) ?? [];
  const rows = [rowsOf(first, table, keys), rowsOf(second, table, keys)] as const;
  let [a, b] = [rows[0].next().value, rows[1].next().value];
  while (a !== undefined || b !== undefined) {
    const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(a, b, keys);
    yield { first: order <= 0 ? a : undefined, second: order >= 0 ? b : undefined };
    if (order <= 0) a = rows[0].next().value;
    if (order >= 0) b = rows[1].next().value;
  }
}

function* rowsOf(db: Database, table: string, keys: readonly string[]): Generator<Row, undefined> {
  if (keysOf(db, table) === undefined) return undefined;
  const named = keys.map((key) => `"${key}"`).join(", ");
  yield* db.prepare<[], Row>(`SELECT * FROM "${table}" ORDER BY ${named}`).iterate();
  return undefined;
}

function tablesOf(db: Database): readonly string[] {
  return db
    .prepare<[], string>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .pluck()
    .all();
}

/** The primary key, or every column where a table has none; undefined when there is no such table. */
function keysOf(db: Database, table: string): readonly string[] | undefined {
  const columns = db
    .prepare<[string], { name: string; pk: number }>("SELECT name, pk FROM pragma_table_info(?)")
    .all(table);
  if (columns.length === 0) return undefined;
  const keys = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  return (keys.length > 0 ? keys : columns).map(({ name }) => name);
}

function compareKeys(a: Row, b: Row, keys: readonly string[]): number {
  for (const key of keys) {
    const order = compareValues(a[key], b[key]);
    if (order !== 0) return order;
  }
  return 0;
}

/** As SQLite orders them: nothing, numbers, texts, bytes. */
function compareValues(a: unknown, b: unknown): number {
  const [classA, classB] = [classOf(a), classOf(b)];
  if (classA !== classB) return classA - classB;
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (a === null || b === null) return 0;
  return Buffer.compare(bytesOf(a), bytesOf(b));
}

function classOf(value: unknown): number {
  if (value === null) return 0;
  if (typeof value === "number") return 1;
  return typeof value === "string" ? 2 : 3;
}

function bytesOf(value: unknown): Buffer {
  return typeof value === "string" ? Buffer.from(value) : Buffer.from(value as Uint8Array);
}

function isSame({ first, second }: Pair): boolean {
  if (first === undefined || second === undefined) return false;
  return Object.keys({ ...first, ...second }).every((name) => {
    if (!(name in first) || !(name in second)) return false;
    return compareValues(first[name], second[name]) === 0;
  });
}
