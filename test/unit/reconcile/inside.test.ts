/** What is in a thing now is asked without going through all that was ever in it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { folder, openWarehouse, page, ROOM, SHELF, SHELF2 } from "../../support/warehouse.ts";

const PLACES = [folder(1), folder(2), SHELF, SHELF2, ROOM];

const step = fc.record({
  things: fc.subarray([page(1), page(2), page(3), page(4), folder(1)], { minLength: 1 }),
  into: fc.constantFrom(...PLACES),
  step: fc.constantFrom("storing", "unpacking", "destroying"),
  undo: fc.boolean(),
  late: fc.boolean(),
});

test("the contents of everything now are the contents as of the last moment", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 10 }), (steps) => {
      const { scan, answers, db } = openWarehouse();
      let atS = 0;
      for (const { things, into, step: named, undo, late } of steps) {
        const fromS = late ? atS - 1000 : atS;
        const [gateway, scanner] = late ? ["gw-late", `scn-${atS}`] : ["gw-1", "scn-1"];
        const where = { gateway, scanner, step: named };
        const codes = named === "storing" ? [...things, into] : [into, ...things];
        for (const [i, one] of codes.entries())
          scan(one, { ...where, atS: fromS + i * 2, receivedS: atS + i * 2 + 0.2 });
        if (undo) scan("CMD:UNDO", { ...where, atS: fromS + 14, receivedS: atS + 14.2 });
        atS += 2000;
      }
      const last = db.prepare<[], number>("SELECT max(time) FROM link").pluck().get() ?? 0;
      for (const place of PLACES) {
        const [now, then] = [answers.contents(place), answers.contents(place, last)];
        expect(now).toEqual(then);
      }
    }),
    { numRuns: 60 },
  );
});

test("contents are told a few at a time, each once, now and as of a moment", () => {
  const { scan, answers } = openWarehouse();
  for (const [i, one] of [1, 2, 3, 4].map(page).concat(folder(1)).entries()) scan(one, { atS: i });
  for (const at of [undefined, Date.parse("2026-03-02T11:00:00Z")]) {
    const found: string[] = [];
    let next: number | null = 0;
    for (let answersGiven = 0; next !== null; answersGiven++) {
      expect(answersGiven).toBeLessThan(4);
      const some = answers.contents(folder(1), at, 2, undefined, next);
      if (!some.ok) throw new Error("the folder is known");
      found.push(...some.children.map(({ elementString }) => elementString));
      next = some.next;
    }
    expect(found).toEqual([1, 2, 3, 4].map(page));
  }
});
