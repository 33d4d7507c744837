import {
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Lane, NewEvent } from "../../src/ports.ts";
import { assertFull, openDatabase } from "../../src/store/database.ts";
import {
  clearQuarantine,
  type Outbox,
  type OutboxLimits,
  openOutbox,
  openOutboxInspector,
  outboxLimits,
  reopenOutbox,
} from "../../src/store/outbox.ts";
import { openOutboxFile, outboxSteps } from "../../src/store/outbox-file.ts";
import { ROW_BYTES } from "../../src/store/outbox-lane.ts";
import { encodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";

describe("on disk", () => {
  test("the file is open with synchronous=FULL and a write-ahead log", () => {
    const db = openOutboxFile(outboxPath());
    expect(db.pragma("synchronous", { simple: true })).toBe(2);
    expect(db.pragma("journal_mode", { simple: true })).toBe("wal");
    db.close();
  });

  test("a file that is not held to FULL is refused", () => {
    const path = outboxPath();
    const db = new Sqlite(path);
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = NORMAL");
    expect(() => assertFull(db, path)).toThrow("SYNC_NOT_FULL");
    db.close();
  });

  test("what was put is there after the process died without a word", () => {
    const path = outboxPath();
    const { outbox } = open(path);
    put(outbox, "scan", event("a"), event("b"));
    put(outbox, "telemetry", event("c"));

    const after = open(died(path)).outbox;

    expect(texts(after, "scan")).toEqual(["a", "b"]);
    expect(texts(after, "telemetry")).toEqual(["c"]);
    expect(after.state("scan")).toMatchObject({ boot: 2, firstSeq: 1, lastSeq: 2, waiting: 2 });
  });

  test("what a dying program may not have acknowledged stays unsure until its device is back, over more deaths", () => {
    let path = outboxPath();
    const dieWith = (boot: number, ...rows: (readonly [origin: bigint, afterS: number])[]) => {
      const { outbox } = open(path);
      const events = rows.map(([origin, afterS]) => ({
        ...event("", origin),
        bytes: reading(boot, nowMs() + afterS * 1_000),
      }));
      put(outbox, "telemetry", ...events);
      path = died(path);
      return outbox.unsure;
    };

    expect(dieWith(1, [1n, -120], [2n, -4], [3n, 0])).toEqual([]);
    expect(dieWith(2, [4n, 9])).toEqual([2n, 3n]);
    expect(dieWith(3)).toEqual([2n, 3n, 4n]);
    expect(dieWith(4, [5n, 130])).toEqual([2n, 3n, 4n]);
    expect(dieWith(5)).toEqual([5n]);
  });

  test("epochs differ between lanes and files, and stay while the file lives", () => {
    const path = outboxPath();
    const epochs = (outbox: Outbox) => [
      outbox.state("scan").epoch,
      outbox.state("telemetry").epoch,
    ];
    const first = open(path).outbox;
    const minted = epochs(first);
    first.close("stopped");

    expect(epochs(open(path).outbox)).toEqual(minted);
    expect(new Set([...minted, ...epochs(open(outboxPath()).outbox)]).size).toBe(4);
  });

  test("the process counts its starts; opening again after a failure is not one", () => {
    const path = outboxPath();
    open(path).outbox.close("stopped");
    const second = open(path).outbox;
    expect(second.state("scan").boot).toBe(2);
    second.close("abandoned");
    expect(reopenOutbox({ path, nowMs }, limits(), second).state("scan").boot).toBe(2);
  });
});

test("a file that holds more after a failure than was answered is left to the next start", () => {
  const path = outboxPath();
  const { outbox } = open(path);
  put(outbox, "telemetry", event("a", 1n));
  outbox.close("abandoned");
  // As a commit whose sync failed, and whose log could not be put away either.
  const refused = new Sqlite(path);
  refused.exec("INSERT INTO telemetry (event, origin) VALUES (x'62', 2)");
  refused.close();

  expect(() => reopenOutbox({ path, nowMs }, limits(), outbox)).toThrow(
    /STORE_FAILED: .*telemetry holds 2 of .*, whose commit failed/,
  );
  expect(texts(open(path).outbox, "telemetry")).toEqual(["a", "b"]);
});

describe("numbers", () => {
  test("a drained outbox never hands out a number again", () => {
    const path = outboxPath();
    const few = { windowRows: 0 };
    const { outbox } = open(path, few);
    put(outbox, "scan", ...Array.from({ length: 4096 }, () => event("a")));
    release(outbox, "scan", 4096);
    outbox.trim();
    expect(rowCount(path, "scan")).toBe(0);
    outbox.close("stopped");

    expect(put(open(path, few).outbox, "scan", event("c"))).toMatchObject({
      ok: true,
      commit: { firstSeq: 4097, lastSeq: 4097 },
    });
  });

  test("the events of one flush are numbered in the order of the calls, lane by lane", () => {
    const { outbox } = open(outboxPath());
    const flushed = outbox.flush([
      { kind: "put", lane: "scan", events: [event("a")] },
      { kind: "put", lane: "telemetry", events: [event("t"), event("u")] },
      { kind: "put", lane: "scan", events: Array.from({ length: 20 }, (_, n) => event(`b${n}`)) },
    ]);
    expect(flushed).toMatchObject({
      ok: true,
      answers: [
        { commit: { firstSeq: 1, lastSeq: 1 } },
        { commit: { firstSeq: 1, lastSeq: 2 } },
        { commit: { firstSeq: 2, lastSeq: 21 } },
      ],
    });
    expect(texts(outbox, "scan")).toEqual(["a", ...Array.from({ length: 20 }, (_, n) => `b${n}`)]);
  });
});

describe("a new epoch", () => {
  test("closes the file to releases that would say its numbers otherwise, and any other file stays open to them", () => {
    const path = outboxPath();
    const { outbox } = open(path);
    put(outbox, "scan", event("a"), event("b"));
    const openBefore = () => openDatabase(path, outboxSteps.slice(0, 2), "durable").close();
    openBefore();
    outbox.renumber("scan", { epoch: outbox.state("scan").epoch, fromSeq: 2 });
    expect(openBefore).toThrow("STORE_NEWER");
    outbox.close("stopped");

    expect(texts(open(path).outbox, "scan")).toEqual(["b"]);
  });
});

describe("retransmissions", () => {
  test("an event that says it was sent before, and was, is stored once", () => {
    const { outbox } = open(outboxPath());
    put(outbox, "telemetry", event("a", 7n), event("b", 8n));

    expect(put(outbox, "telemetry", again("a", 7n))).toMatchObject({
      commit: { firstSeq: 1, lastSeq: 1 },
    });
    expect(texts(outbox, "telemetry")).toEqual(["a", "b"]);
  });

  test("it is still known after a kill, released or not", () => {
    const path = outboxPath();
    const { outbox } = open(path);
    put(outbox, "telemetry", event("a", 7n), event("b", 8n), event("c", -(2n ** 63n)));
    release(outbox, "telemetry", 2);

    const after = open(died(path)).outbox;
    put(after, "telemetry", again("a", 7n));
    put(after, "telemetry", again("b", 8n));
    put(after, "telemetry", again("c", -(2n ** 63n)));

    expect(after.state("telemetry")).toMatchObject({ lastSeq: 3, waiting: 1 });
  });

  test("an event that says nothing is new, and is the one that counts from then on", () => {
    const { outbox } = open(outboxPath());
    put(outbox, "telemetry", event("a", 7n));
    put(outbox, "telemetry", event("a", 7n));

    expect(put(outbox, "telemetry", again("a", 7n))).toMatchObject({ commit: { firstSeq: 2 } });
    expect(texts(outbox, "telemetry")).toEqual(["a", "a"]);
  });

  test("one put with known and new events stores the new ones and covers all", () => {
    const { outbox } = open(outboxPath());
    put(outbox, "scan", event("a", 1n), event("b", 2n), event("c", 3n));

    const answer = put(outbox, "scan", again("b", 2n), event("d", 4n), again("d", 4n));

    expect(answer).toMatchObject({ ok: true, commit: { firstSeq: 2, lastSeq: 4 } });
    expect(texts(outbox, "scan")).toEqual(["a", "b", "c", "d"]);
  });

  test("the first one and its repeat may be in one flush", () => {
    const { outbox } = open(outboxPath());
    const flushed = outbox.flush([
      { kind: "put", lane: "scan", events: [event("a", 1n)] },
      { kind: "put", lane: "scan", events: [again("a", 1n)] },
    ]);
    expect(flushed).toMatchObject({
      answers: [{ commit: { firstSeq: 1 } }, { commit: { firstSeq: 1 } }],
    });
    expect(texts(outbox, "scan")).toEqual(["a"]);
  });

  test("asked for what earlier starts stored, it knows that, of the last day before them, and nothing of its own", () => {
    let path = outboxPath();
    const HOUR_MS = 3_600_000;
    const said = (boot: number, origin: bigint, afterMs: number) => ({
      bytes: reading(boot, nowMs() + afterMs),
      origin,
    });
    const start = (...rows: NewEvent[]) => {
      const { outbox } = open(path);
      put(outbox, "telemetry", ...rows);
      path = died(path);
      return outbox;
    };
    start(said(1, 1n, -26 * HOUR_MS), said(1, 2n, -HOUR_MS));
    start(said(2, 3n, 0), said(2, 4n, 0));
    const { outbox } = open(path);
    put(outbox, "telemetry", said(3, 4n, 1), said(3, 5n, 1));

    const seqOf = (origin: bigint) => {
      const repeated = { ...said(3, origin, 2), retransmission: "earlier-start" as const };
      const answer = put(outbox, "telemetry", repeated);
      return answer.ok && answer.commit.firstSeq;
    };
    expect([2n, 3n].map(seqOf)).toEqual([2, 3]);
    expect([1n, 4n, 5n].map(seqOf)).toEqual([7, 8, 9]);

    outbox.close("abandoned");
    const reopened = reopenOutbox({ path, nowMs }, limits(), outbox);
    const again = { ...said(3, 3n, 2), retransmission: "earlier-start" as const };
    expect(put(reopened, "telemetry", again)).toMatchObject({ commit: { firstSeq: 3 } });
    expect(put(reopened, "telemetry", { ...again, origin: 5n })).toMatchObject({
      commit: { firstSeq: 10 },
    });
  });

  test("what earlier starts stored is known under its new numbers, and so is what left as the twin has it", () => {
    const first = outboxPath();
    const said = (boot: number, origin: bigint) => ({ bytes: reading(boot, nowMs()), origin });
    put(open(first).outbox, "telemetry", said(1, 1n), said(1, 2n), said(1, 3n));
    const path = died(first);
    const { outbox } = open(path);
    put(outbox, "telemetry", said(2, 4n));
    expect(
      outbox.renumber("telemetry", { epoch: outbox.state("telemetry").epoch, fromSeq: 2 }).ok,
    ).toBe(true);

    const repeat = (to: Outbox, origin: bigint) => {
      const repeated = { ...said(2, origin), retransmission: "earlier-start" as const };
      put(to, "telemetry", repeated);
      return to.state("telemetry").lastSeq;
    };
    expect([1n, 2n, 3n].map((origin) => repeat(outbox, origin))).toEqual([3, 3, 3]);
    outbox.close("abandoned");
    const reopened = reopenOutbox({ path, nowMs }, limits(), outbox);
    expect([1n, 2n, 3n].map((origin) => repeat(reopened, origin))).toEqual([3, 3, 3]);
    expect(repeat(reopened, 5n)).toBe(4);
  });

  test("lanes do not know each other's", () => {
    const { outbox } = open(outboxPath());
    put(outbox, "scan", event("a", 1n));
    put(outbox, "telemetry", again("a", 1n));
    expect(texts(outbox, "telemetry")).toEqual(["a"]);
  });

  test("a start knows the last rows and no more; deleting leaves those rows alone", () => {
    const path = outboxPath();
    const few = { windowRows: 100 };
    const { outbox } = open(path, few);
    for (let n = 0; n < 50; n++)
      put(
        outbox,
        "telemetry",
        ...Array.from({ length: 100 }, (_, m) => event("x", BigInt(n * 100 + m))),
      );
    release(outbox, "telemetry", 5000);
    while (outbox.trimmable()) outbox.trim();
    expect(rowCount(path, "telemetry")).toBe(5000 - 4096);

    const after = open(died(path), few).outbox;
    put(after, "telemetry", again("x", 4_899n), again("x", 4_900n));

    expect(after.state("telemetry").lastSeq).toBe(5001);
  });

  test("what a failed flush brought is not known afterwards", () => {
    const { outbox } = open(outboxPath(), { fileBytesMax: 256 * 1024 });
    const big = Array.from({ length: 5 }, () => event("x".repeat(60_000), 1n));
    expect(
      outbox.flush([{ kind: "put", lane: "scan", events: [event("a", 2n), ...big] }]),
    ).toMatchObject({ ok: false, why: "full" });

    expect(put(outbox, "scan", again("a", 2n))).toMatchObject({ commit: { firstSeq: 1 } });
    expect(texts(outbox, "scan")).toEqual(["a"]);
  });
});

describe("limits", () => {
  test("what the twin has already makes room for what it has not", () => {
    const { outbox } = open(outboxPath(), { bytesMax: cost(3), telemetryBytesMax: cost(3) });
    put(outbox, "scan", event("a"), event("b"));
    put(outbox, "telemetry", event("t"));
    release(outbox, "scan", 2);

    expect(put(outbox, "scan", event("c"), event("d"))).toMatchObject({ ok: true });
    expect(texts(outbox, "scan")).toEqual(["c", "d"]);
    expect(texts(outbox, "telemetry")).toEqual(["t"]);
  });

  test("a full outbox refuses new scans, whole calls only, and keeps the old", () => {
    const { outbox } = open(outboxPath(), { bytesMax: cost(3) });
    put(outbox, "scan", event("a"), event("b"));

    expect(put(outbox, "scan", event("c"), event("d"))).toEqual({ ok: false, why: "full" });
    expect(put(outbox, "scan", event("e"))).toMatchObject({ ok: true });
    expect(texts(outbox, "scan")).toEqual(["a", "b", "e"]);
  });

  test("an event that no twin would take is refused, and holds up nothing", () => {
    const { outbox } = open(outboxPath());
    expect(put(outbox, "telemetry", event("x".repeat(65_537)))).toEqual({
      ok: false,
      why: "failed",
    });
    expect(put(outbox, "telemetry", event("x".repeat(65_536)))).toMatchObject({
      commit: { firstSeq: 1 },
    });
  });

  test("a retransmission needs no room", () => {
    const { outbox } = open(outboxPath(), { bytesMax: cost(1) });
    put(outbox, "scan", event("a", 1n));
    expect(put(outbox, "scan", again("a", 1n))).toMatchObject({ ok: true });
  });

  test("the oldest telemetry makes way for new telemetry, and the hole is declared", () => {
    const path = outboxPath();
    const { outbox } = open(path, { telemetryBytesMax: cost(4) });
    for (const text of "abcdef") put(outbox, "telemetry", event(text));

    const state = outbox.state("telemetry");
    expect(texts(outbox, "telemetry").at(-1)).toBe("f");
    expect(state.evicted).toBe(6 - state.waiting);
    expect(state.evicted).toBeGreaterThanOrEqual(2);
    expect(outbox.peek("telemetry", 1, all)).toMatchObject({
      firstSeq: state.evicted + 1,
      goneThrough: state.evicted,
    });
    const inspector = openOutboxInspector(path);
    expect(inspector.lane("telemetry").evictions).toEqual([
      { firstSeq: 1, lastSeq: state.evicted, atMs: nowMs() },
    ]);
    inspector.close();
  });

  test("telemetry makes way for scans, and a scan never does for anything", () => {
    const { outbox } = open(outboxPath(), { bytesMax: cost(4) });
    put(outbox, "telemetry", event("a"), event("b"), event("c"));
    put(outbox, "scan", event("s"), event("t"));
    put(outbox, "scan", event("u"), event("v"));
    expect(outbox.state("telemetry")).toMatchObject({ waiting: 0, evicted: 3 });

    expect(put(outbox, "telemetry", event("d"))).toEqual({ ok: false, why: "full" });
    expect(put(outbox, "scan", event("w"))).toEqual({ ok: false, why: "full" });
    expect(texts(outbox, "scan")).toEqual(["s", "t", "u", "v"]);
  });

  test("telemetry that could never fit drives nothing out", () => {
    const { outbox } = open(outboxPath(), { telemetryBytesMax: cost(3) });
    put(outbox, "telemetry", event("a"));
    expect(put(outbox, "telemetry", event("x".repeat(500)))).toEqual({ ok: false, why: "full" });
    expect(texts(outbox, "telemetry")).toEqual(["a"]);
  });

  test("released rows make way before any that wait", () => {
    const { outbox } = open(outboxPath(), { telemetryBytesMax: cost(3) });
    put(outbox, "telemetry", event("a"), event("b"), event("c"));
    release(outbox, "telemetry", 2);
    put(outbox, "telemetry", event("d"));
    expect(outbox.state("telemetry")).toMatchObject({ evicted: 0, waiting: 2 });
    expect(texts(outbox, "telemetry")).toEqual(["c", "d"]);
  });

  test("what is released can be used again", () => {
    const { outbox } = open(outboxPath(), { bytesMax: cost(20_000), windowRows: 0 });
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 10; n++)
        expect(put(outbox, "scan", ...Array.from({ length: 1000 }, () => event("x"))).ok).toBe(
          true,
        );
      release(outbox, "scan", outbox.state("scan").lastSeq);
      while (outbox.trimmable()) outbox.trim();
    }
    expect(outbox.state("scan")).toMatchObject({ waiting: 0, waitingBytes: 0, lastSeq: 50_000 });
  });

  test("a file that may not grow refuses the whole flush, and goes on when there is room", () => {
    const { outbox } = open(outboxPath(), { fileBytesMax: 256 * 1024 });
    put(outbox, "scan", event("a"));
    const refused = outbox.flush([
      { kind: "put", lane: "scan", events: [event("b")] },
      { kind: "put", lane: "scan", events: Array(5).fill(event("x".repeat(60_000))) },
    ]);
    expect(refused).toMatchObject({ ok: false, why: "full" });
    expect(put(outbox, "scan", event("c"))).toMatchObject({ commit: { firstSeq: 2 } });
    expect(texts(outbox, "scan")).toEqual(["a", "c"]);
  });

  test("a file another connection writes to is busy, not broken", { timeout: 20_000 }, () => {
    const path = outboxPath();
    const { outbox } = open(path);
    const other = new Sqlite(path);
    other.exec("BEGIN IMMEDIATE");
    expect(outbox.flush([{ kind: "put", lane: "scan", events: [event("a")] }])).toMatchObject({
      ok: false,
      why: "busy",
    });
    other.exec("ROLLBACK");
    other.close();
    expect(put(outbox, "scan", event("a")).ok).toBe(true);
  });
});

describe("peek", () => {
  test("it is bounded by count and by bytes, and one oversized event goes alone", () => {
    const { outbox } = open(outboxPath());
    put(outbox, "scan", event("aa"), event("bb"), event("x".repeat(100)), event("cc"));
    const peek = (fromSeq: number, events: number, bytes: number) =>
      outbox.peek("scan", fromSeq, { events, bytes }).events.map((bytes) => bytes.length);

    expect(peek(1, 2, 1000)).toEqual([2, 2]);
    expect(peek(1, 9, 5)).toEqual([2, 2]);
    expect(peek(3, 9, 5)).toEqual([100]);
    expect(peek(5, 9, 1000)).toEqual([]);
  });

  test("a twin that asks again for what it had gets it as long as it is held", () => {
    const { outbox } = open(outboxPath(), { bytesMax: cost(5), telemetryBytesMax: cost(5) });
    put(outbox, "scan", event("a"), event("b"), event("c"));
    release(outbox, "scan", 2);
    expect(outbox.state("scan")).toMatchObject({ firstSeq: 3, waiting: 1 });
    expect(outbox.peek("scan", 2, all)).toMatchObject({ firstSeq: 2, goneThrough: 0 });

    put(outbox, "scan", event("d"), event("e"), event("f"));
    expect(outbox.peek("scan", 2, all)).toMatchObject({ firstSeq: 3, goneThrough: 2 });
  });

  test("scans that the twin has are held to a number of them", () => {
    const path = outboxPath();
    const kept = { windowRows: 10, keepSentScans: 6_000 };
    const { outbox } = open(path, kept);
    const many = Array.from({ length: 20_000 }, (_, n) => event(`${n}`));
    put(outbox, "scan", ...many);
    put(outbox, "telemetry", ...many);
    for (const lane of ["scan", "telemetry"] as const) release(outbox, lane, 20_000);
    for (let more = true; more; more = outbox.trimmable()) outbox.trim();

    const held = open(died(path), kept).outbox;
    const { firstSeq } = held.peek("scan", 1, all);
    expect(20_001 - firstSeq).toBeGreaterThanOrEqual(6_000);
    expect(20_001 - firstSeq).toBeLessThan(6_000 + 4_096);
    expect(held.peek("telemetry", 1, all).firstSeq).toBeGreaterThan(20_000 - 4_096);
    expect(held.state("scan").waiting).toBe(0);
  });
});

describe("release", () => {
  test("it is cumulative, forgives repeats, and cannot reach beyond what was stored", () => {
    const { outbox } = open(outboxPath());
    put(outbox, "scan", event("a"), event("b"), event("c"));
    release(outbox, "scan", 2);
    release(outbox, "scan", 1);
    expect(outbox.state("scan")).toMatchObject({ firstSeq: 3, waiting: 1, waitingBytes: 1 });
    release(outbox, "scan", 99);
    expect(outbox.state("scan")).toMatchObject({ firstSeq: 4, waiting: 0, lastSeq: 3 });
    expect(put(outbox, "scan", event("d"))).toMatchObject({ commit: { firstSeq: 4 } });
  });
});

describe("a damaged file", () => {
  test("one that is no database is set aside, and a new one with new epochs begins", () => {
    const path = outboxPath();
    writeFileSync(path, "this is not a database, but somebody's letter".repeat(100));

    const { outbox, setAside } = open(path);

    expect(setAside?.path).toBe(`${path}.corrupt-20240603T080000Z`);
    expect(readFileSync(setAside?.path ?? "", "utf8")).toContain("somebody's letter");
    expect(put(outbox, "scan", event("a"))).toMatchObject({ commit: { firstSeq: 1 } });
  });

  test("a page overwritten under a gateway that died is found, though nothing reads it yet", () => {
    const path = outboxPath();
    const few = { windowRows: 10 };
    const { outbox } = open(path, few);
    const { epoch } = outbox.state("scan");
    for (let n = 0; n < 20; n++)
      put(outbox, "scan", ...Array.from({ length: 500 }, () => event("x".repeat(50))));
    const dead = died(path, "checkpointed");
    overwrite(dead, 40 * 4096, 4096);

    const { outbox: fresh, setAside } = open(dead, few);

    expect(setAside?.reason).toMatch(/STORE_CORRUPT/);
    expect(existsSync(setAside?.path ?? "")).toBe(true);
    expect(fresh.state("scan")).toMatchObject({ lastSeq: 0, boot: 1 });
    expect(fresh.state("scan").epoch).not.toBe(epoch);
  });

  test("a file that was cut short is set aside too", () => {
    const path = outboxPath();
    const { outbox } = open(path);
    for (let n = 0; n < 20; n++)
      put(outbox, "scan", ...Array.from({ length: 500 }, () => event("x".repeat(50))));
    const dead = died(path, "checkpointed");
    writeFileSync(dead, readFileSync(dead).subarray(0, 100_000));
    expect(open(dead).setAside).toBeDefined();
  });

  test("two damaged files of one second are both kept", () => {
    const path = outboxPath();
    for (const letter of ["first", "second"]) {
      writeFileSync(path, letter.repeat(500));
      open(path).outbox.close("stopped");
    }
    const kept = readdirSync(join(path, "..")).filter((name) => name.includes(".corrupt-"));
    expect(kept).toHaveLength(2);
  });
});

describe("quarantine", () => {
  test("it keeps bytes exactly, with source, reason and time", () => {
    const path = outboxPath();
    const { outbox } = open(path);
    const entry = { source: "mqtt://c/t", reason: "not JSON", bytes: everyByte(), atMs: 1234 };
    outbox.flush([{ kind: "quarantine", entry }]);

    const inspector = openOutboxInspector(died(path));
    const [row] = inspector.quarantine(0);
    expect({ ...row, bytes: Uint8Array.from(row?.bytes ?? []) }).toEqual({ ...entry, id: 1 });
    expect(inspector.quarantineCount()).toEqual({ rows: 1, bytes: 256 + 10 + 8 });
    inspector.close();
  });

  test.each([
    [{ rowsMax: 2, bytesMax: 1000 }, 2],
    [{ rowsMax: 100, bytesMax: 36 }, 3],
  ])(
    "with %o it refuses the message after number %i, and keeps the ones before",
    (quarantine, fit) => {
      const path = outboxPath();
      const { outbox } = open(path, { quarantine });
      const answers = Array.from({ length: 5 }, () => {
        const entry = { source: "s", reason: "r", bytes: new Uint8Array(10), atMs: 1 };
        const flushed = outbox.flush([{ kind: "quarantine", entry }]);
        return flushed.ok && flushed.answers[0]?.ok;
      });
      expect(answers).toEqual([1, 2, 3, 4, 5].map((n) => n <= fit));
      outbox.close("stopped");
      expect(
        open(path, { quarantine }).outbox.flush([
          {
            kind: "quarantine",
            entry: { source: "s", reason: "r", bytes: new Uint8Array(10), atMs: 1 },
          },
        ]),
      ).toMatchObject({ answers: [{ ok: false, why: "full" }] });
    },
  );
});

test("sources and reasons count like the messages: what a device may fill leaves room for scans", () => {
  const path = outboxPath();
  const small = { quarantine: { rowsMax: 10_000, bytesMax: 64 * 1024 }, fileBytesMax: 512 * 1024 };
  const entry = { source: "s", reason: "é".repeat(30_000), bytes: new Uint8Array(1), atMs: 1 };
  const { outbox } = open(path, small);
  const kept = Array.from({ length: 200 }, () => {
    const flushed = outbox.flush([{ kind: "quarantine", entry }]);
    return flushed.ok && flushed.answers[0]?.ok;
  });
  // The first 1,024 characters of the reason are enough for a person.
  expect(kept.filter(Boolean)).toHaveLength(Math.floor((64 * 1024) / (2 * 1024 + 2)));
  expect(put(outbox, "scan", event("a"))).toMatchObject({ ok: true });

  outbox.close("stopped");
  const again = open(path, small).outbox;
  expect(again.flush([{ kind: "quarantine", entry }])).toMatchObject({
    answers: [{ ok: false, why: "full" }],
  });
});

test("a quarantine that a person has cleared keeps messages again, and gives no id twice", () => {
  const path = outboxPath();
  const quarantine = { rowsMax: 2, bytesMax: 1000 };
  const entry = { source: "s", reason: "r", bytes: new Uint8Array(10), atMs: 1 };
  const { outbox } = open(path, { quarantine });
  for (let n = 0; n < 3; n++) outbox.flush([{ kind: "quarantine", entry }]);
  outbox.close("stopped");

  expect(clearQuarantine(path, 1)).toBe(1);
  expect(open(path, { quarantine }).outbox.flush([{ kind: "quarantine", entry }])).toMatchObject({
    answers: [{ ok: true, commit: { firstSeq: 3 } }],
  });
});

describe("inspection", () => {
  test("it reads beside a running gateway and after a stopped one, and changes nothing", () => {
    const path = outboxPath();
    const { outbox } = open(path);
    put(outbox, "scan", ...Array.from({ length: 600 }, (_, n) => event(`${n}`)));
    release(outbox, "scan", 10);
    const inspector = openOutboxInspector(path);
    expect(inspector.lane("scan")).toMatchObject({ ...outbox.state("scan"), waiting: 590 });
    expect(inspector.clean).toBe(false);
    const waiting = [...inspector.events("scan", 0)];
    expect(waiting.map(({ seq }) => seq)).toEqual(Array.from({ length: 590 }, (_, n) => n + 11));
    expect(Buffer.from(waiting[0]?.bytes ?? []).toString()).toBe("10");
    inspector.close();

    outbox.close("stopped");
    const later = openOutboxInspector(path);
    expect(later.clean).toBe(true);
    expect([...later.events("scan", 595)]).toHaveLength(6);
    later.close();
  });

  test("a file that is absent, or something else, is said to be so", () => {
    expect(() => openOutboxInspector(outboxPath())).toThrow("DATA_UNREADABLE");
    const path = outboxPath();
    new Sqlite(path).exec("CREATE TABLE other (x)").close();
    expect(() => openOutboxInspector(path)).toThrow("STORE_CORRUPT");
  });
});

test("whatever is put, released and killed, the counts agree with the rows", () => {
  const lane = fc.constantFrom<Lane>("scan", "telemetry");
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("put"),
      lane,
      sizes: fc.array(fc.nat(60), { minLength: 1, maxLength: 30 }),
    }),
    fc.record({
      kind: fc.constant("release"),
      lane,
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
    fc.record({ kind: fc.constantFrom("die", "stop", "trim") }),
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
      const small = { bytesMax: 6000, telemetryBytesMax: 2500, windowRows: 20 };
      let path = outboxPath();
      let { outbox } = open(path, small);
      for (const one of steps as { kind: string; lane: Lane; sizes: number[]; share: number }[]) {
        if (one.kind === "put")
          put(outbox, one.lane, ...one.sizes.map((n) => event("x".repeat(n + 1))));
        if (one.kind === "release") {
          const { firstSeq, waiting } = outbox.state(one.lane);
          release(outbox, one.lane, firstSeq - 1 + Math.floor(one.share * waiting));
        }
        if (one.kind === "trim") outbox.trim();
        if (one.kind === "die" || one.kind === "stop") {
          if (one.kind === "stop") outbox.close("stopped");
          if (one.kind === "die") path = died(path);
          outbox = open(path, small).outbox;
        }
        for (const name of ["scan", "telemetry"] as const) {
          const state = outbox.state(name);
          const rows = texts(outbox, name);
          expect(state.waiting).toBe(rows.length);
          expect(state.waitingBytes).toBe(rows.join("").length);
          expect(state.lastSeq).toBe(state.firstSeq - 1 + rows.length);
        }
      }
      expect(outbox.state("scan").evicted).toBe(0);
    }),
    { numRuns: 40 },
  );
});

const all = { events: 1_000_000, bytes: 2 ** 30 };
const nowMs = () => Date.UTC(2024, 5, 3, 8);

function outboxPath(): string {
  return join(temporaryFolder(), "outbox.db");
}

function limits(changes: Partial<OutboxLimits> = {}): OutboxLimits {
  const { bytesMax = 2 ** 30, telemetryBytesMax = 2 ** 29 } = changes;
  return { ...outboxLimits({ bytesMax, telemetryBytesMax }), ...changes };
}

function open(path: string, changes?: Partial<OutboxLimits>) {
  return openOutbox({ path, nowMs }, limits(changes));
}

/** Room for so many events of one character. */
function cost(events: number): number {
  return events * (1 + ROW_BYTES);
}

function event(text: string, origin?: bigint): NewEvent {
  return { bytes: Buffer.from(text), origin };
}

function reading(boot: number, gatewayTimeMs: number): Uint8Array {
  const readings = [{ property: "power", value: 1, unit: "W" }];
  return encodeEvent({
    ...{ boot, gatewayTimeMs, monotonicMs: 0, clock: "synced", sourceTimeMs: undefined },
    ...{ device: "s1", body: { kind: "sensor", readings } },
  });
}

function again(text: string, origin: bigint): NewEvent {
  return { bytes: Buffer.from(text), origin, retransmission: true };
}

function put(outbox: Outbox, lane: Lane, ...events: NewEvent[]) {
  const flushed = outbox.flush([{ kind: "put", lane, events }]);
  if (!flushed.ok) throw new Error(flushed.detail);
  const [answer] = flushed.answers;
  if (answer === undefined) throw new Error("a put has an answer");
  return answer;
}

function release(outbox: Outbox, lane: Lane, through: number): void {
  expect(outbox.flush([{ kind: "release", lane, through }])).toMatchObject({ ok: true });
}

/** What waits. */
function texts(outbox: Outbox, lane: Lane): string[] {
  return outbox
    .peek(lane, outbox.state(lane).firstSeq, all)
    .events.map((bytes) => Buffer.from(bytes).toString());
}

/** The files as they are on disk now, elsewhere: what a process that is killed leaves behind. */
function died(path: string, how: "as it is" | "checkpointed" = "as it is"): string {
  if (how === "checkpointed") {
    const other = new Sqlite(path);
    other.pragma("wal_checkpoint(TRUNCATE)");
    other.close();
  }
  const copy = outboxPath();
  for (const suffix of ["", "-wal"])
    if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  return copy;
}

function overwrite(path: string, at: number, bytes: number): void {
  writeSync(openSync(path, "r+"), Buffer.alloc(bytes, 0xa5), 0, bytes, at);
}

function rowCount(path: string, lane: Lane): unknown {
  const db = new Sqlite(path, { readonly: true });
  const count = db.prepare(`SELECT count(*) FROM ${lane}`).pluck().get();
  db.close();
  return count;
}

function everyByte(): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, n) => n);
}
