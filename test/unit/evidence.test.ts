import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { evidenceSchema, openEvidence } from "../../src/store/evidence.ts";
import { type Batch, decodeEvent, encodeBatch, encodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";

test("positions are consecutive over all gateways, and a reopened file goes on where it stood", () => {
  const open = reopenable();
  const first = open();
  first.append(batch("gw-a", 1, ["a1", "a2", "a3"]));
  first.append(batch("gw-b", 1, ["b1"]));

  const second = open();
  second.append(batch("gw-a", 4, ["a4"]));

  expect(second.told()).toEqual(["1 a1", "2 a2", "3 a3", "4 b1", "5 a4"]);
  expect(second.evidence.latest()).toBe(5);
});

test("the twin's time never goes back along the positions, even when its clock does, and that it did is kept", () => {
  const { append, evidence } = reopenable()();
  append(batch("gw-a", 1, ["a1"]), 5_000);
  append(batch("gw-a", 2, ["a2"]), 4_000);
  append(batch("gw-a", 3, ["a3"]), 6_000);

  const times = [...evidence.from(1)].map((one) => [one.takenInAtMs, one.clockBehindMs]);
  expect(times).toEqual([
    [5_000, 0],
    [5_000, 1_000],
    [6_000, 0],
  ]);
});

test("reading from a position begins with the segment that holds it", () => {
  const { append, evidence } = reopenable()();
  append(batch("gw-a", 1, ["a1", "a2", "a3"]));
  append(batch("gw-a", 4, ["a4"]));

  const positions = (from: number) => [...evidence.from(from)].map(({ position }) => position);
  expect(positions(3)).toEqual([1, 4]);
  expect(positions(4)).toEqual([4]);
  expect(positions(5)).toEqual([]);
});

test("an event is found by its id, and one in a hole is not", () => {
  const { append, evidence } = reopenable()();
  append(batch("gw-a", 1, ["a1", "a2"]));
  const after = batch("gw-a", 6, ["a6", "a7"]);
  evidence.keep(() => evidence.declareHole(after, { firstSeq: 3, lastSeq: 5 }, 0));
  append(after);

  const at = (seq: number) => evidence.event({ gateway: "gw-a", epoch: "e", seq })?.position;
  expect([1, 2, 3, 5, 6, 7, 8].map(at)).toEqual([1, 2, undefined, undefined, 3, 4, undefined]);
  expect(evidence.missing(1)).toMatchObject([
    { gateway: "gw-a", epoch: "e", events: 3, holes: 1, newest: [{ firstSeq: 3, lastSeq: 5 }] },
  ]);
});

test("an event under a number already passed is compared byte for byte with what is held", () => {
  const { append, evidence } = reopenable()();
  append(batch("gw-a", 1, ["a1", "a2"]));
  append(batch("gw-a", 3, ["a3", "a4"]));

  const again = batch("gw-a", 2, ["a2", "other", "a4", "a5"]);

  expect(evidence.mismatches(again, 3)).toEqual([{ seq: 3, why: "id_conflict" }]);
});

test("what is quarantined again is counted, and not kept twice", () => {
  const { evidence } = reopenable()();
  const entry = { atMs: 1, source: "gw-a", reason: "unreadable", detail: "no batch" };
  evidence.keep(() => {
    evidence.quarantine({ ...entry, bytes: Uint8Array.of(1, 2) });
    evidence.quarantine({ ...entry, bytes: Uint8Array.of(1, 2) });
    evidence.quarantine({ ...entry, bytes: Uint8Array.of(3) });
  });

  const held = [...evidence.quarantined()].map(({ times, bytes }) => [times, [...bytes]]);
  expect(held).toEqual([
    [1, [3]],
    [2, [1, 2]],
  ]);
  expect(evidence.quarantineCounts()).toEqual({ held: 2, evicted: 0 });
});

test("a full quarantine lets go what its sender still has before what is nowhere else", () => {
  const { evidence, db } = reopenable()();
  const entry = { atMs: 1, source: "gw-a", detail: "", bytes: Uint8Array.of(1) };
  const quarantine = (reason: string, n = 0) =>
    evidence.keep(() => evidence.quarantine({ ...entry, reason, bytes: Uint8Array.of(n) }));
  quarantine("after_hole");
  quarantine("id_conflict");
  quarantine("bad_signature");
  db.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9997)
    INSERT INTO quarantine (at_ms, times, source, reason, detail, size, digest, bytes)
    SELECT 1, 1, 'gw-a', 'chain_broken', '', 1, CAST(i AS BLOB), x'00' FROM n`);
  quarantine("oversized");
  quarantine("after_hole", 1);

  const counts = db
    .prepare("SELECT reason, count(*) FROM quarantine GROUP BY reason ORDER BY reason")
    .raw()
    .all();
  expect(counts).toEqual([
    ["after_hole", 2],
    ["chain_broken", 9_996],
    ["id_conflict", 1],
    ["oversized", 1],
  ]);
  expect(evidence.quarantineCounts()).toEqual({ held: 10_000, evicted: 2 });
});

test("when keeping fails in the middle, nothing of it is there", () => {
  const { append, evidence } = reopenable()();
  append(batch("gw-a", 1, ["a1"]));

  const half = () =>
    evidence.keep(() => {
      evidence.append(batch("gw-a", 2, ["a2"]), encodeBatch(batch("gw-a", 2, ["a2"])), 0);
      throw new Error("the power went");
    });

  expect(half).toThrow("the power went");
  expect(evidence.latest()).toBe(1);
  expect(evidence.numbering("gw-a", "e")?.through).toBe(1);
});

test("a statement is news once, until it says something else", () => {
  const { evidence } = reopenable()();
  const restate = (json: string) =>
    evidence.keep(() => evidence.restate("place", "R1", json)).value;

  expect([restate("a"), restate("a"), restate("b"), restate("a")]).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

test("a file that does not sync fully cannot be opened as evidence", () => {
  const path = join(temporaryFolder(), "evidence.db");
  const db = openDatabase(path, evidenceSchema, "durable");
  onTestFinished(() => void db.close());
  db.pragma("synchronous = NORMAL");

  expect(() => openEvidence(db, path)).toThrow("SYNC_NOT_FULL");
});

test("what is held and cannot be read any more is told as damage, and where it is", () => {
  const { evidence, append, db, told } = reopenable()();
  append(batch("gw-1", 1, ["a", "b"]));
  append(batch("gw-1", 3, ["c"]));
  db.exec("UPDATE segment SET body = substr(body, 1, 40) WHERE position = 3");

  expect(told).toThrow("EVIDENCE_CORRUPT: position 3: Batch cannot be decoded");
  expect(() => evidence.mismatches(batch("gw-1", 3, ["c"]), 1)).toThrow("EVIDENCE_CORRUPT");
});

function reopenable() {
  const path = join(temporaryFolder(), "evidence.db");
  return () => {
    const db = openDatabase(path, evidenceSchema, "durable");
    onTestFinished(() => void db.close());
    const evidence = openEvidence(db, path);
    return {
      evidence,
      db,
      append: (made: Batch, nowMs = 1_000) =>
        evidence.keep(() => evidence.append(made, encodeBatch(made), nowMs)),
      told: () =>
        [...evidence.from(1)].flatMap((segment) =>
          segment.batch.events.map((event, index) => {
            const { device } = decodeEvent(event);
            return `${segment.position + index} ${device}`;
          }),
        ),
    };
  };
}

/** A batch of events that are told apart by their device. */
function batch(gateway: string, firstSeq: number, devices: readonly string[]): Batch {
  return {
    gateway,
    epoch: "e",
    lane: "scan",
    firstSeq,
    goneThrough: 0,
    boot: 1,
    sentAtMs: 1_000,
    sentMonotonicMs: 10,
    events: devices.map((device) =>
      encodeEvent({
        boot: 1,
        gatewayTimeMs: 1_000,
        monotonicMs: 10,
        clock: "synced",
        sourceTimeMs: undefined,
        device,
        body: { kind: "device-state", state: "open", reason: "" },
      }),
    ),
  };
}
