/** The feed as a list of rows, without a browser. */
import { expect, test } from "vitest";
import { addEvents, addGap, choiceOf, EMPTY, type Feed, ROWS_MAX } from "../../src/web/feed.ts";
import type { LiveEvent, Moved, Scanned, Told } from "../../src/web/live-event.ts";
import type { Severity } from "../../src/web/twin-api.ts";

const TIME = "2026-03-03T10:00:00.000Z";

test("the newest event stands first", () => {
  const feed = addEvents(EMPTY, [move("P1"), move("P2")]);
  expect(shown(addEvents(feed, [move("P3")]))).toEqual(["P3", "P2", "P1"]);
});

test("the feed never holds more rows than it may, however many come at once", () => {
  const many = Array.from({ length: 3 * ROWS_MAX }, (_, n) => move(`P${n}`));
  const feed = addEvents(addEvents(EMPTY, many), many.slice(0, 7));
  expect(feed.rows).toHaveLength(ROWS_MAX);
  expect(shown(feed)[0]).toBe("P6");
});

test("each row keeps a number of its own, so that a row that stays is not drawn again", () => {
  const before = addEvents(EMPTY, [move("P1"), reading("t1", 20), move("P2")]);
  const after = addEvents(before, [move("P3")]);
  expect(after.rows.slice(1)).toEqual(before.rows);
  expect(new Set(after.rows.map(({ n }) => n)).size).toBe(after.rows.length);
});

test("readings that follow one another share a row with the latest value of each series", () => {
  const feed = addEvents(addEvents(EMPTY, [move("P1"), reading("t1", 20)]), [
    reading("t2", 30),
    reading("t1", 21),
  ]);
  expect(shown(feed)).toEqual(["t1=21 t2=30", "P1"]);
});

test("a scan has one row, which ends as what the scan meant, with the scanner that made it", () => {
  const seen = { ...move("F1"), kind: "seen" } as const;
  const feed = addEvents(EMPTY, [scan("P1"), scan("F1")]);
  expect(shown(feed)).toEqual(["scan", "scan"]);
  const after = addEvents(feed, [seen, move("P1"), scan("S1")]);
  expect(shown(after)).toEqual(["scan", "P1", "seen"]);
  expect(after.rows[1]).toMatchObject({ event: { kind: "moved", scanner: "scn" } });
});

test("a misread is told once", () => {
  const misread = { ...scan(""), thing: null, understood: false, why: "check digit" };
  const about = { kind: "misread", severity: "warn" as const, subject: "x", since: TIME };
  const discrepancy = { ...about, reason: "check digit" };
  const feed = addEvents(EMPTY, [misread, { kind: "discrepancy", time: TIME, discrepancy }]);
  expect(shown(feed)).toEqual(["scan"]);
});

test("a mere note about a move stands in the row of the move; a problem has its own", () => {
  const feed = addEvents(EMPTY, [move("P1"), found("P1", "info"), found("P1", "warn")]);
  expect(shown(feed)).toEqual(["discrepancy", "P1"]);
  expect(feed.rows[1]).toMatchObject({ event: { note: "because" } });
});

test("a sighting without a scan beside it keeps a row of its own", () => {
  const feed = addEvents(EMPTY, [scan("F2"), { ...move("F1"), kind: "seen" }]);
  expect(shown(feed)).toEqual(["seen", "scan"]);
});

test("a flood of readings does not wash the moves away", () => {
  const flood = Array.from({ length: 10_000 }, (_, n) => reading(`t${n % 500}`, n));
  const feed = addEvents(addEvents(EMPTY, [move("P1")]), flood);
  expect(feed.rows).toHaveLength(2);
  expect(shown(feed)[1]).toBe("P1");
});

test("a gap stays visible between what came before and after it, once, and with its reason", () => {
  const feed = addGap(addGap(addEvents(EMPTY, [move("P1")]), "cut"), "cut");
  expect(shown(addEvents(feed, [move("P2")]))).toEqual(["P2", "gap: cut", "P1"]);
});

test("an empty feed has no gap: nothing was claimed yet", () => {
  expect(addGap(EMPTY, "cut").rows).toEqual([]);
});

test("a scan that was not understood is a problem, one that was is a scan", () => {
  const feed = addEvents(EMPTY, [
    { ...scan("F1"), thing: null, why: "UNDO" },
    { ...scan("F1"), thing: null, understood: false, why: "check digit" },
  ]);
  expect(feed.rows.map(choiceOf)).toEqual(["problems", "scans"]);
});

test("what a scan was suspected to be stays with the row of what it meant", () => {
  const feed = addEvents(EMPTY, [{ ...scan("P1"), suspectedRepeat: true }, move("P1")]);
  expect(feed.rows[0]).toMatchObject({ event: { kind: "moved", suspectedRepeat: true } });
});

test("a device tells where it stands, once, and not that it is on the way", () => {
  const rows = ["opening", "open", "absent", "opening", "absent", "opening", "open"];
  const feed = addEvents(
    EMPTY,
    rows.map((state) => device(state)),
  );
  expect(feed.rows.map((row) => row.kind === "event" && row.event)).toMatchObject([
    { state: "open" },
    { state: "absent" },
    { state: "open" },
  ]);
  expect(feed.rows.map(choiceOf)).toEqual(["problems", "problems", "problems"]);
});

function shown(feed: Feed): string[] {
  return feed.rows.map((row) => {
    if (row.kind === "gap") return `gap: ${row.why}`;
    if (row.kind === "readings")
      return row.latest.map(({ device, value }) => `${device}=${value}`).join(" ");
    return row.event.kind === "moved" ? row.event.where.key : row.event.kind;
  });
}

function move(key: string): Moved {
  const thing = {
    position: 1,
    id: key,
    key,
    elementString: key,
    kind: "page",
    name: null,
  } as const;
  const state = {
    registered: true,
    path: [],
    state: "placed",
    certainty: "observed",
    disposition: "",
  } as const;
  const seen = {
    since: TIME,
    lastSeen: TIME,
    lastKnown: null,
    tracking: null,
    checkpoint: null,
    evidence: [],
  };
  return { kind: "moved", time: TIME, where: { ...thing, ...state, ...seen } };
}

function scan(key: string): Scanned {
  const thing = { key, elementString: key, kind: "folder", name: null } as const;
  return {
    kind: "scan",
    time: TIME,
    scanner: "scn",
    code: key,
    thing,
    why: null,
    understood: true,
  };
}

function found(subject: string, severity: Severity): LiveEvent {
  const discrepancy = {
    kind: "unrecorded_move",
    severity,
    subject,
    since: TIME,
    reason: "because",
  };
  return { kind: "discrepancy", time: TIME, discrepancy };
}

function device(state: string): Told {
  return { kind: "device", time: TIME, gateway: "gw", device: "scn-1", state, reason: "" };
}

function reading(device: string, value: number): LiveEvent {
  const series = { gateway: "gw", device, property: "temperature", unit: "Cel" };
  return { kind: "reading", time: TIME, value, ...series };
}
