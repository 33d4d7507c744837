/** Lists of discrepancies go through millions of findings a page at a time, whatever is asked. */
import { expect, test } from "vitest";
import type { DiscrepancyQuestion } from "../../src/store/discrepancies.ts";
import { folder, openWarehouse, page, ROOM, SHELF, START } from "../support/warehouse.ts";

const MANY = 45_000;

/** One that is old and rare, and many of another kind since. */
function openCrowded() {
  const warehouse = openWarehouse();
  warehouse.scan("(253)9521234000014N00001P01", { atS: 0 });
  warehouse.scan(page(1), { atS: 5 });
  warehouse.scan(ROOM, { atS: 7 });
  const { db, discrepancies } = warehouse;
  const put = db.prepare(
    `INSERT INTO finding SELECT NULL, 'unknown_identifier', 0, ?, ?, valid_to, known_from, known_to,
       assertion, '', NULL FROM finding WHERE id = 1`,
  );
  db.transaction(() => {
    for (let i = 0; i < MANY; i++) put.run(`text ${i}`, START + 10_000 + i);
  })();
  /** Each page's number of findings. */
  const pagesOf = (question: Partial<DiscrepancyQuestion>) => {
    const pages: number[] = [];
    let cursor: string | undefined;
    do {
      const { open, resolved, next } = discrepancies.list({
        at: START + 1_000_000_000,
        status: "open",
        limit: 100,
        ...question,
        cursor,
      });
      pages.push(open.length + resolved.length);
      cursor = next ?? undefined;
    } while (cursor !== undefined);
    return pages;
  };
  return { ...warehouse, pagesOf };
}

test("a rare kind among many costs more pages, not one that never ends", () => {
  const { pagesOf } = openCrowded();
  for (const status of ["open", "all"] as const) {
    const pages = pagesOf({ status, kind: "misread" });
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.reduce((sum, n) => sum + n)).toBe(1);
  }
});

test("what is about one thing, or one text, is found at once", () => {
  const { pagesOf } = openCrowded();
  expect(pagesOf({ subject: "text 7" })).toEqual([1]);
  expect(pagesOf({ status: "all", subject: "text 7" })).toEqual([1]);
  expect(pagesOf({ subject: page(1) })).toEqual([0]);
});

test("as known then, and as it stood then", () => {
  const { pagesOf } = openCrowded();
  expect(pagesOf({ kind: "misread", asKnownAt: START - 60_000 }).reduce((a, b) => a + b)).toBe(0);
  expect(pagesOf({ kind: "misread", at: START - 1_000 }).reduce((a, b) => a + b)).toBe(0);
  expect(pagesOf({ kind: "misread", at: START + 1_000 }).reduce((a, b) => a + b)).toBe(1);
});

/** A misread, a document in two folders, and what was put there of two kinds, the newest first. */
function openTroubled() {
  const warehouse = openWarehouse({ policies: { checkDocuments: true } });
  warehouse.scan("(253)9521234000014N00001P01", { atS: 0 });
  warehouse.scan(folder(1), { atS: 1 });
  warehouse.scan(SHELF, { atS: 2 });
  warehouse.scan(page(1), { atS: 5 });
  warehouse.scan(folder(1), { atS: 6 });
  warehouse.scan(page(2), { atS: 8 });
  warehouse.scan(ROOM, { atS: 9 });
  const { db, answers } = warehouse;
  const thing = answers.within.find(page(1));
  const put = db.prepare(
    `INSERT INTO finding SELECT NULL, ?, ?, ?, ?, valid_to, known_from, known_to, assertion, '', NULL
     FROM finding WHERE kind = 'misread' AND id = 1`,
  );
  for (const second of [70, 60, 50]) {
    put.run("unknown_identifier", 0, `text ${second}`, START + second * 1000);
    put.run("missing_item", thing, "", START + second * 1000);
  }
  put.run("unrecorded_move", thing, "", START + 40_000);
  return warehouse;
}

test("the queue of work begins with the gravest, and of one gravity with what has waited longest", () => {
  const { discrepancies } = openTroubled();
  for (const limit of [1, 2, 3, 100]) {
    const told: string[] = [];
    let cursor: string | undefined;
    do {
      const { open, next } = discrepancies.list({
        ...{ at: START + 100_000, status: "open", order: "gravest", limit, cursor },
      });
      expect(open.length).toBeLessThanOrEqual(limit);
      told.push(...open.map(({ kind, since }) => `${kind} ${(Date.parse(since) - START) / 1000}`));
      cursor = next ?? undefined;
    } while (cursor !== undefined);
    expect(told).toEqual([
      ...["missing_item 50", "missing_item 60", "missing_item 70"],
      ...["partial_document 9", "misread 0"],
      ...[
        "unknown_identifier 2",
        "unknown_identifier 50",
        "unknown_identifier 60",
        "unknown_identifier 70",
      ],
    ]);
  }
});

test("the queue can be asked for one kind, and for what only informs", () => {
  const { discrepancies } = openTroubled();
  const asked = { at: START + 100_000, status: "open", order: "gravest", limit: 100 } as const;
  const kinds = (more: Partial<DiscrepancyQuestion>) =>
    discrepancies.list({ ...asked, ...more }).open.map(({ kind }) => kind);
  expect(kinds({ kind: "partial_document" })).toEqual(["partial_document"]);
  expect(kinds({ kind: "unrecorded_move" })).toEqual(["unrecorded_move"]);
  expect(kinds({ severity: "info" })).toEqual(["unrecorded_move"]);
  expect(kinds({ kind: "misread", severity: "error" })).toEqual([]);
  expect(kinds({ subject: page(1) })).toHaveLength(3);
});

test("each says where the thing is, and nothing of what has no place", () => {
  const { discrepancies } = openTroubled();
  const placeOf = (kind: string, subject?: string) => {
    const asked = { at: START + 100_000, status: "open", limit: 100, kind, subject } as const;
    const place = discrepancies.list(asked).open[0]?.place;
    return place && [place.last, ...place.path.map(({ name }) => name)];
  };
  expect(placeOf("missing_item")).toEqual([false, "", "Shelf 1", "Rack 1", "Archive", "Moscow"]);
  expect(placeOf("misread")).toBeNull();
  expect(placeOf("partial_document")).toBeNull();
});
