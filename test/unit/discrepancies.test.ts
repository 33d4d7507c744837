/** Lists of discrepancies go through millions of findings a page at a time, whatever is asked. */
import { expect, test } from "vitest";
import type { DiscrepancyQuestion } from "../../src/store/discrepancies.ts";
import { openWarehouse, page, ROOM, START } from "../support/warehouse.ts";

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
