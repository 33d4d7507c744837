/** Rule 17 among millions: documents that are apart are known without looking at the others. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  folder,
  openWarehouse,
  page,
  ROOM,
  SHELF,
  SHELF2,
  START,
} from "../../support/warehouse.ts";

const policies = { checkDocuments: true };
const PAGES_MAX = 3;

function open() {
  const warehouse = openWarehouse({ policies });
  const { discrepancies, state } = warehouse;
  for (const n of [2, 3])
    state("document", { id: `N${n}`, pages: [page(n * 10), page(n * 10 + 1)] });
  return {
    ...warehouse,
    /** Page by page, as a person would; by all that is known, or by what was known at a moment. */
    apart(at?: number): readonly string[] {
      const found: string[] = [];
      let cursor: string | undefined;
      for (;;) {
        const asked = { status: "open", kind: "partial_document", limit: 1 } as const;
        const { open: some, next } = discrepancies.list({ ...asked, at, cursor });
        found.push(...some.map(({ subject, reason }) => `${subject}: ${reason}`));
        if (next === null) return found;
        cursor = next;
      }
    },
  };
}

const step = fc.record({
  things: fc.subarray([page(1), page(2), page(3), page(4), page(20), page(21), page(30)], {
    minLength: 1,
    maxLength: PAGES_MAX,
  }),
  into: fc.constantFrom(folder(1), folder(2), SHELF, SHELF2, ROOM),
  undo: fc.boolean(),
  late: fc.boolean(),
});

test("what is told of documents now is what looking at every document tells", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
      const { scan, apart, db } = open();
      let atS = 0;
      for (const { things, into, undo, late } of steps) {
        const fromS = late ? atS - 1000 : atS;
        const [gateway, scanner] = late ? ["gw-late", `scn-${atS}`] : ["gw-1", "scn-1"];
        for (const [i, one] of [...things, into].entries())
          scan(one, { atS: fromS + i * 2, receivedS: atS + i * 2 + 0.2, gateway, scanner });
        if (undo) scan("CMD:UNDO", { atS: fromS + 12, receivedS: atS + 12.2, gateway, scanner });
        atS += 2000;
      }
      // A moment earlier nothing was otherwise, and every document is looked at.
      const latest = db.prepare<[], number>("SELECT max(at_ms) FROM recorded").pluck().get() ?? 0;
      expect(apart()).toEqual(apart(latest - 1));
      expect(latest).toBeGreaterThan(START);
    }),
    { numRuns: 60 },
  );
});

test("a document that came together again is apart no more, and one asked for is told by itself", () => {
  const { scan, apart, discrepancies } = open();
  const scans = (atS: number, ...ids: readonly string[]) => {
    for (const [i, id] of ids.entries()) scan(id, { atS: atS + i });
  };
  scans(0, page(1), page(2), page(3), page(4), folder(1));
  expect(apart().filter((one) => one.startsWith("N1:"))).toEqual([]);
  scans(100, page(1), folder(2));
  expect(apart()).toContain("N1: pages are in several containers");
  const asked = { status: "open", subject: "N1", limit: 10 } as const;
  expect(discrepancies.list(asked).open.map(({ kind }) => kind)).toEqual(["partial_document"]);
  scans(200, page(1), folder(1));
  expect(apart().filter((one) => one.startsWith("N1:"))).toEqual([]);
});

test("a document whose stray page is said to be another's is apart no more", () => {
  const { scan, apart, state, db } = open();
  const kept = db.prepare("SELECT name FROM apart JOIN document ON document.id = document").pluck();
  for (const [i, id] of [page(1), page(2), page(3), folder(1)].entries()) scan(id, { atS: i });
  scan(page(4), { atS: 100 });
  scan(folder(2), { atS: 101 });
  expect(apart()).toContain("N1: pages are in several containers");
  state("document", { id: "N9", pages: [page(4)] }, 200);
  expect(apart().filter((one) => /^N[19]:/.test(one))).toEqual([]);
  expect(kept.all()).not.toContain("N1");
});
