/** Damage that SQLite does not see, and a disk without room: what the outbox notices by itself. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openBallast } from "../../src/store/ballast.ts";
import { type Outbox, openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { openBacklog } from "../../src/store/outbox-backlog.ts";
import { listAside, openOutboxFile } from "../../src/store/outbox-file.ts";
import { examineOutbox, openSalvage } from "../../src/store/outbox-salvage.ts";
import { temporaryFolder } from "../support/folder.ts";

const budgets = { bytesMax: 2 ** 24, telemetryBytesMax: 2 ** 23 };

test("an event of which a bit turned is not sent; the next start sets the file aside", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  put(outbox, "a reading of 21.4");
  outbox.close("stopped");
  turnBit(path, "21.4");

  const second = open(path);
  expect(second.setAside).toBeUndefined();
  expect(() => peek(second.outbox)).toThrow("STORE_CORRUPT: scan 1 was altered");
  second.outbox.close("abandoned");

  const third = open(path);
  expect(third.setAside?.reason).toContain("was altered");
  expect(third.outbox.state("scan").lastSeq).toBe(0);
  expect(listAside(path)).toHaveLength(1);
});

test.each([
  ["from its beginning", "seq < 4"],
  ["from its middle", "seq BETWEEN 4 AND 6"],
  ["from its end", "seq > 8"],
  ["as a whole", "true"],
])(
  "an outbox that lacks rows %s is not sound, and is set aside: no gateway starts again and again over it",
  (_what, rows) => {
    const path = join(temporaryFolder(), "outbox.db");
    const { outbox } = open(path);
    for (let n = 1; n <= 10; n++) put(outbox, `event ${n}`);
    outbox.flush([{ kind: "release", lane: "scan", through: 1 }]);
    outbox.close("stopped");
    takeOut(path, rows);

    expect(examineOutbox(path)).toHaveLength(1);
    const backlog = openBacklog(path);
    expect(() => [...backlog.pieces("scan", { events: 99, bytes: 1e6 })]).toThrow("STORE_CORRUPT");
    backlog.close();
    const first = open(path);
    if (first.setAside === undefined) {
      expect(() => peek(first.outbox)).toThrow("STORE_CORRUPT");
      first.outbox.close("abandoned");
      expect(open(path).setAside?.reason).toContain("lacks what was before 7");
    } else expect(first.outbox.state("scan").lastSeq).toBe(0);
  },
);

test("what the twin had once and is no longer as it was written is gone, and sets nothing aside", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  for (const text of ["first", "second", "third", "fourth"]) put(outbox, text);
  outbox.flush([{ kind: "release", lane: "scan", through: 3 }]);
  outbox.close("stopped");
  turnBit(path, "second");

  const after = open(path).outbox;
  const from = (seq: number) => {
    const { firstSeq, goneThrough, events } = after.peek("scan", seq, { events: 1, bytes: 1_000 });
    return { firstSeq, goneThrough, text: events.map((bytes) => Buffer.from(bytes).toString()) };
  };
  expect(from(1)).toEqual({ firstSeq: 1, goneThrough: 0, text: ["first"] });
  expect(from(2)).toEqual({ firstSeq: 3, goneThrough: 2, text: ["third"] });
  expect(from(4)).toEqual({ firstSeq: 4, goneThrough: 0, text: ["fourth"] });
});

test("what the twin had once and is not here any more is gone, and ends no gateway", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  for (let n = 1; n <= 400; n++) put(outbox, `event ${n}`);
  outbox.flush([{ kind: "release", lane: "scan", through: 390 }]);
  outbox.close("stopped");
  takeOut(path, "seq IN (3, 4) OR seq BETWEEN 100 AND 300");

  const after = open(path).outbox;
  const from = (seq: number, limit: number) => {
    const { events, ...found } = after.peek("scan", seq, { events: limit, bytes: 1e6 });
    return { firstSeq: found.firstSeq, goneThrough: found.goneThrough, count: events.length };
  };
  expect(from(1, 99)).toEqual({ firstSeq: 1, goneThrough: 0, count: 2 });
  expect(from(3, 99)).toEqual({ firstSeq: 5, goneThrough: 4, count: 95 });
  expect(from(100, 99)).toEqual({ firstSeq: 301, goneThrough: 300, count: 96 });
  expect(from(250, 999)).toEqual({ firstSeq: 301, goneThrough: 300, count: 100 });
});

test.each(["scan", "telemetry"] as const)(
  "where a bit of what %s counted turned, it is right again when its rows have left",
  (lane) => {
    const path = join(temporaryFolder(), "outbox.db");
    const { outbox } = open(path);
    const more = () =>
      [{ kind: "put", lane, events: [{ bytes: Buffer.from("more"), origin: undefined }] }] as const;
    outbox.flush(more());
    outbox.close("stopped");
    const db = openOutboxFile(path);
    db.exec(`UPDATE lane SET counted_bytes = 1e9, counted_through = 1 WHERE name = '${lane}'`);
    db.close();

    const after = open(path).outbox;
    after.flush([{ kind: "release", lane, through: 1 }]);
    expect(after.flush(more())).toMatchObject({ ok: true, answers: [{ ok: true }] });
    expect(after.state(lane)).toMatchObject({ waiting: 1, waitingBytes: 4 });
  },
);

test("a log that was cut off is no end: the file is set aside, and no number is given twice", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  put(outbox, "a");
  const { epoch } = outbox.state("scan");
  const after = died(path);
  put(outbox, "b");
  copyFileSync(`${path}.given`, `${after}.given`);

  const second = open(after);
  expect(second.setAside?.reason).toContain("holds them up to 1");
  expect(second.outbox.state("scan").epoch).not.toBe(epoch);
});

test.each([
  ["empty", (path: string) => truncateSync(path)],
  ["gone", (path: string) => rmSync(path)],
])("an outbox that is %s beside its log is what the log holds, and no less", (_what, lose) => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  for (const text of ["first", "second", "third"]) put(outbox, text);
  const whole = died(path);
  const db = openOutboxFile(path);
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  for (let n = 4; n <= 200; n++) put(outbox, `event ${n} ${"x".repeat(100)}`);
  const rest = died(path);
  for (const left of [whole, rest]) lose(left);

  const second = open(whole);
  expect(second.setAside).toBeUndefined();
  expect(second.outbox.state("scan")).toMatchObject({ waiting: 3, lastSeq: 3 });

  const third = open(rest);
  expect(third.outbox.state("scan").lastSeq).toBe(0);
  const salvage = openSalvage(third.setAside?.path ?? "");
  expect([...salvage.events()].at(-1)?.seq).toBe(200);
  salvage.close();
});

test("a program that dies before anything is written under its new numbers finds them again", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  for (const text of ["first", "second", "third"]) put(outbox, text);
  expect(outbox.renumber("scan", { epoch: outbox.state("scan").epoch, fromSeq: 2 }).ok).toBe(true);
  const { epoch } = outbox.state("scan");
  const after = died(path);
  copyFileSync(`${path}.given`, `${after}.given`);

  const second = open(after);
  expect(second.setAside).toBeUndefined();
  expect(second.outbox.state("scan")).toMatchObject({ epoch, firstSeq: 1, lastSeq: 2 });
});

test("a log that was lost with all that was ever written is noticed, too", () => {
  const path = join(temporaryFolder(), "outbox.db");
  put(open(path).outbox, "a");
  const after = died(path);
  rmSync(`${after}-wal`);

  expect(open(after).setAside?.reason).toContain("another numbering");
  expect(open(died(after)).setAside).toBeUndefined();
});

test("a program that dies while it sets a file aside leaves its log to that file, and not to the new one", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  for (const text of ["first", "second", "third"]) put(outbox, text);
  const after = died(path);
  const aside = `${after}.corrupt-20260105T080000Z`;
  renameSync(after, aside);

  expect(open(after).setAside).toBeUndefined();
  expect(listAside(after)).toEqual([aside]);
  const salvage = openSalvage(aside);
  expect([...salvage.events()].map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
    ...["first", "second", "third"],
  ]);
  salvage.close();
});

test("a witness that knows less, or is not as it was written, says nothing", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  put(outbox, "a");
  const early = readFileSync(`${path}.given`);
  put(outbox, "b");

  for (const bytes of [early, Buffer.from("rubbish"), readFileSync(`${path}.given`).reverse()]) {
    const after = died(path);
    writeFileSync(`${after}.given`, bytes);
    const second = open(after);
    expect(second.setAside).toBeUndefined();
    expect(second.outbox.state("scan").lastSeq).toBe(2);
  }
});

test("below the floor of free space nothing is taken in, and what the twin has still goes", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  put(outbox, "a");
  outbox.close("stopped");
  const short = open(path, { freeBytesMin: Number.MAX_SAFE_INTEGER, ballastBytes: 0 }).outbox;

  const events = [{ bytes: Buffer.from("b"), origin: undefined }];
  const done = short.flush([
    { kind: "release", lane: "scan", through: 1 },
    { kind: "put", lane: "scan", events },
  ]);

  expect(done).toMatchObject({ ok: true, answers: [{ ok: false, why: "full" }] });
  expect(short.state("scan")).toMatchObject({ waiting: 0, lastSeq: 1 });
});

test("ballast is taken while there is plenty, given when there is none, and taken again", () => {
  const path = join(temporaryFolder(), "ballast");
  let free = 10_000_000;
  const ballast = openBallast(path, { freeBytesMin: 100_000, ballastBytes: 300_000 }, () => free);

  ballast.take();
  expect(readFileSync(path)).toHaveLength(300_000);
  free = 0;
  expect([ballast.isShort(), ballast.isOut(), ballast.give(), ballast.give()]).toEqual([
    ...[true, true, true, false],
  ]);
  expect(existsSync(path)).toBe(false);
  free = 500_000;
  ballast.take();
  expect(existsSync(path)).toBe(false);
  free = 10_000_000;
  ballast.take();
  expect(existsSync(path)).toBe(true);
});

test("of a damaged outbox everything that can be read is salvaged, and what cannot is counted", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  for (let n = 0; n < 400; n++) put(outbox, `event ${n} ${"x".repeat(100)}`);
  outbox.flush([{ kind: "release", lane: "scan", through: 10 }]);
  outbox.close("stopped");
  turnBit(path, "event 50 ");
  const bytes = readFileSync(path);
  const page = bytes.indexOf("event 200 ") & ~4095;
  writeFileSync(path, bytes.fill(0, page, page + 4096));

  expect(examineOutbox(path)).toHaveLength(1);
  const salvage = openSalvage(path);
  const events = [...salvage.events()].filter(({ gone }) => !gone);
  expect(events.filter(({ altered }) => altered).map(({ seq }) => seq)).toEqual([51]);
  expect(events.length + salvage.missing("scan")).toBe(390);
  expect(salvage.missing("scan")).toBeGreaterThan(10);
  expect(salvage.missing("scan")).toBeLessThan(60);
  expect(events.at(-1)?.seq).toBe(400);
  salvage.close();
});

test("what stands behind an unreadable page is salvaged, too, where nothing says any more how far numbers were given", () => {
  const path = join(temporaryFolder(), "outbox.db");
  const { outbox } = open(path);
  for (let n = 0; n < 400; n++) put(outbox, `event ${n} ${"x".repeat(100)}`);
  outbox.close("stopped");
  const marks = pageOf(path, "lane");
  const bytes = readFileSync(path).fill(0, marks, marks + 4096);
  const page = bytes.indexOf("event 200 ") & ~4095;
  writeFileSync(path, bytes.fill(0, page, page + 4096));
  rmSync(`${path}.given`);

  const salvage = openSalvage(path);
  const events = [...salvage.events()];
  expect(events.length + salvage.missing("scan")).toBe(400);
  expect(events.at(-1)).toMatchObject({ seq: 400, epoch: "", gone: false });
  salvage.close();
});

function open(path: string, room = { freeBytesMin: 0, ballastBytes: 0 }) {
  return openOutbox({ path, nowMs: () => 1e12 }, { ...outboxLimits(budgets), room });
}

function put(outbox: Outbox, text: string): void {
  const events = [{ bytes: Buffer.from(text), origin: undefined }];
  expect(outbox.flush([{ kind: "put", lane: "scan", events }])).toMatchObject({ ok: true });
}

function peek(outbox: Outbox) {
  return outbox.peek("scan", 1, { events: 10, bytes: 1_000 });
}

/** The files as a kill leaves them: a copy made while they are open. */
function died(path: string): string {
  const folder = temporaryFolder();
  for (const name of readdirSync(join(path, "..")).filter((one) => !one.endsWith("-shm")))
    copyFileSync(join(path, "..", name), join(folder, name));
  return join(folder, "outbox.db");
}

function pageOf(path: string, table: string): number {
  const db = openOutboxFile(path);
  const page = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").pluck();
  const at = 4096 * ((page.get(table) as number) - 1);
  db.close();
  return at;
}

/** A page that the disk did not write holds fewer rows, and SQLite finds nothing wrong with it. */
function takeOut(path: string, rows: string): void {
  const db = openOutboxFile(path);
  db.exec(`DELETE FROM scan WHERE ${rows}`);
  db.close();
}

function turnBit(path: string, text: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(text);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}
