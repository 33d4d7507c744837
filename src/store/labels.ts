/**
 * Which numbers labels have been given, and what was sent to printers. A number is on stable storage
 * before anybody hears of it, and is never given again: not to another request, not after a crash.
 *
 * A file of its own and not rows that follow from the evidence: the next number must be decided at
 * once and in one place, while what follows from the evidence lags behind it. What the labels stand
 * for becomes statements in the evidence (registrations, documents), so that a lost or old copy of
 * this file repeats no number that is known there: `isTaken` asks for each.
 *
 * An allocation is `stated` once its statements are recorded; until then they are stated again, under
 * keys that begin with the allocation's own mark, which record each of them once. The mark is random: an
 * old copy of this file numbers its allocations as the lost one did, and means others.
 */
import { type Database, openList } from "./database.ts";

export type Allocation = {
  readonly id: string;
  readonly atMs: number;
  /** What was asked for, as it was asked. */
  readonly asked: string;
  readonly keys: readonly string[];
  readonly mark: string;
  readonly isStated: boolean;
};

export type NextKey = (n: number) => string | undefined;

export type Series = { readonly stem: string; readonly keyOf: NextKey };

export type Allocated =
  | { readonly kind: "allocated"; readonly allocation: Allocation; readonly repeated: boolean }
  /** The idempotency key was spent on something else. */
  | { readonly kind: "key_spent" }
  /** No more numbers in the series, or none that is free for long. */
  | { readonly kind: "used_up" };

export type PrintOutcome = "sending" | "sent" | "not-ready" | "not-reached" | "uncertain";

export type Print = {
  readonly id: string;
  readonly atMs: number;
  readonly asked: string;
  readonly printer: string;
  readonly labels: number;
  readonly bytes: number;
  readonly outcome: PrintOutcome;
  readonly detail: string;
};

export type Begun =
  | { readonly kind: "begun"; readonly print: Print }
  | { readonly kind: "known"; readonly print: Print }
  | { readonly kind: "key_spent" };

export type LabelStore = ReturnType<typeof openLabelStore>;

const STEPS = [
  `
  CREATE TABLE series (stem TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE allocation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT UNIQUE,
    at_ms INTEGER NOT NULL,
    asked TEXT NOT NULL,
    keys TEXT NOT NULL,
    mark TEXT NOT NULL,
    stated INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX allocation_unstated ON allocation (id) WHERE stated = 0;
  CREATE TABLE print (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    idempotency_key TEXT UNIQUE,
    at_ms INTEGER NOT NULL,
    asked TEXT NOT NULL,
    printer TEXT NOT NULL,
    labels INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;
  `,
];

/** So many numbers in a row that others have taken are a mistake in the configuration. */
const TAKEN_MAX = 100_000;
const PRINTS_MAX = 10_000;

/** `mint` makes a mark. Throws as `openList` does. */
export function openLabelStore(path: string, mint: () => string) {
  const db: Database = openList(path, STEPS);
  // Whoever was sending is gone: nobody knows how far it came.
  db.prepare(
    `UPDATE print SET outcome = 'uncertain', detail = 'the twin ended while it was sending'
      WHERE outcome = 'sending'`,
  ).run();

  const last = db.prepare<[string], number>("SELECT last FROM series WHERE stem = ?").pluck();
  const advance = db.prepare(
    `INSERT INTO series VALUES (?, ?) ON CONFLICT (stem) DO UPDATE SET last = excluded.last`,
  );
  const put = db.prepare(
    "INSERT INTO allocation (idempotency_key, at_ms, asked, keys, mark) VALUES (?, ?, ?, ?, ?)",
  );
  const byIdempotency = db.prepare<[string], AllocationRow>(
    "SELECT * FROM allocation WHERE idempotency_key = ?",
  );
  const byId = db.prepare<[string], AllocationRow>("SELECT * FROM allocation WHERE id = ?");
  const newest = db.prepare<[number], AllocationRow>(
    "SELECT * FROM allocation ORDER BY id DESC LIMIT ?",
  );
  const unstated = db.prepare<[], AllocationRow>(
    "SELECT * FROM allocation WHERE stated = 0 ORDER BY id",
  );
  const setStated = db.prepare("UPDATE allocation SET stated = 1 WHERE id = ?");
  const putPrint = db.prepare(
    `INSERT INTO print (idempotency_key, at_ms, asked, printer, labels, bytes, outcome, detail)
     VALUES (?, ?, ?, ?, ?, ?, 'sending', '')`,
  );
  const trimPrints = db.prepare("DELETE FROM print WHERE id <= ?");
  const printByIdempotency = db.prepare<[string], PrintRow>(
    "SELECT * FROM print WHERE idempotency_key = ?",
  );
  const printById = db.prepare<[string], PrintRow>("SELECT * FROM print WHERE id = ?");
  const prints = db.prepare<[number], PrintRow>("SELECT * FROM print ORDER BY id DESC LIMIT ?");
  const settle = db.prepare("UPDATE print SET outcome = ?, detail = ? WHERE id = ?");

  type Asked = {
    readonly asked: string;
    readonly idempotencyKey: string | undefined;
    readonly atMs: number;
    readonly series: Series;
    readonly count: number;
    readonly isTaken: (key: string) => boolean;
  };

  const allocate = db.transaction((request: Asked): Allocated => {
    const { asked, idempotencyKey, atMs, series, count, isTaken } = request;
    const known = idempotencyKey === undefined ? undefined : byIdempotency.get(idempotencyKey);
    if (known !== undefined)
      return known.asked === asked
        ? { kind: "allocated", allocation: allocationOf(known), repeated: true }
        : { kind: "key_spent" };
    const keys: string[] = [];
    let n = last.get(series.stem) ?? 0;
    const limit = n + count + TAKEN_MAX;
    while (keys.length < count) {
      n += 1;
      const key = n > limit ? undefined : series.keyOf(n);
      if (key === undefined) return { kind: "used_up" };
      if (!isTaken(key)) keys.push(key);
    }
    advance.run(series.stem, n);
    const mark = mint();
    const made = put.run(idempotencyKey ?? null, atMs, asked, JSON.stringify(keys), mark);
    const id = String(made.lastInsertRowid);
    const allocation: Allocation = { id, atMs, asked, keys, mark, isStated: false };
    return { kind: "allocated", allocation, repeated: false };
  });

  type Sending = Pick<Print, "asked" | "printer" | "labels" | "bytes" | "atMs"> & {
    readonly idempotencyKey: string | undefined;
  };

  const begin = db.transaction((sending: Sending): Begun => {
    const { idempotencyKey, asked, printer, labels, bytes, atMs } = sending;
    const known = idempotencyKey === undefined ? undefined : printByIdempotency.get(idempotencyKey);
    if (known !== undefined)
      return known.asked === asked
        ? { kind: "known", print: printOf(known) }
        : { kind: "key_spent" };
    const made = putPrint.run(idempotencyKey ?? null, atMs, asked, printer, labels, bytes);
    const id = Number(made.lastInsertRowid);
    trimPrints.run(id - PRINTS_MAX);
    const print: Print = {
      ...{ id: String(id), atMs, asked, printer, labels, bytes },
      ...{ outcome: "sending", detail: "" },
    };
    return { kind: "begun", print };
  });

  return {
    /** On stable storage when it returns. Asked again with its idempotency key it gives the same. */
    allocate: (request: Asked): Allocated => allocate.immediate(request),
    allocation(id: string): Allocation | undefined {
      const row = byId.get(id);
      return row && allocationOf(row);
    },
    /** The newest first. */
    allocations: (limit: number): readonly Allocation[] => newest.all(limit).map(allocationOf),
    unstated: (): readonly Allocation[] => unstated.all().map(allocationOf),
    stated: (id: string): void => void setStated.run(id),
    /** On stable storage before the first byte leaves, so that nothing is sent twice. */
    begin: (sending: Sending): Begun => begin.immediate(sending),
    settle: (id: string, outcome: PrintOutcome, detail: string): void =>
      void settle.run(outcome, detail, id),
    print(id: string): Print | undefined {
      const row = printById.get(id);
      return row && printOf(row);
    },
    /** Under this idempotency key, before anything is drawn for it again. */
    printed(idempotencyKey: string): Print | undefined {
      const row = printByIdempotency.get(idempotencyKey);
      return row && printOf(row);
    },
    prints: (limit: number): readonly Print[] => prints.all(limit).map(printOf),
    close: () => db.close(),
  };
}

type AllocationRow = {
  readonly id: number;
  readonly at_ms: number;
  readonly asked: string;
  readonly keys: string;
  readonly mark: string;
  readonly stated: number;
};

function allocationOf({ id, at_ms, asked, keys, mark, stated }: AllocationRow): Allocation {
  return {
    ...{ id: String(id), atMs: at_ms, asked, mark },
    keys: JSON.parse(keys) as string[],
    isStated: stated === 1,
  };
}

type PrintRow = Omit<Print, "id" | "atMs"> & { readonly id: number; readonly at_ms: number };

function printOf({ id, at_ms, asked, printer, labels, bytes, outcome, detail }: PrintRow): Print {
  return { id: String(id), atMs: at_ms, asked, printer, labels, bytes, outcome, detail };
}
