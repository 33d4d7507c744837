import fc from "fast-check";
import { expect, test } from "vitest";
import type { Act } from "../../src/reconcile/assertion.ts";
import { ACT_KINDS, packAct, sameAct, unpackAct } from "../../src/store/acts.ts";

const thing = fc.integer({ min: 0, max: 2 ** 48 });
const things = fc.array(thing, { maxLength: 20 });
const flag = fc.constant(true);

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record(
    { kind: fc.constant("add" as const), parent: thing, things, along: things, document: flag },
    { requiredKeys: ["kind", "parent", "things"] },
  ),
  fc.record(
    { kind: fc.constant("delete" as const), parent: thing, things, place: thing },
    { requiredKeys: ["kind", "parent"] },
  ),
  fc.record(
    { kind: fc.constant("observe" as const), things, place: thing },
    { requiredKeys: ["kind", "things"] },
  ),
  fc.record({ kind: fc.constant("place" as const), thing, parent: thing }),
  fc.record(
    { kind: fc.constant("open" as const), thing, ifSealed: flag },
    { requiredKeys: ["kind", "thing"] },
  ),
  fc.record({
    kind: fc.constant("count" as const),
    scope: thing,
    things,
    startMs: thing,
    confirmedEmpty: fc.boolean(),
  }),
);

test("an act reads back from its row as it was", () => {
  fc.assert(
    fc.property(act, (one) => {
      expect(unpackAct(ACT_KINDS.indexOf(one.kind), packAct(one))).toEqual(one);
      expect(sameAct(one, unpackAct(ACT_KINDS.indexOf(one.kind), packAct(one)))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("acts are the same only when every word of them is", () => {
  fc.assert(
    fc.property(act, act, (one, other) => {
      const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
      expect(sameAct(one, other)).toBe(same);
    }),
    { numRuns: 500 },
  );
});

function sorted(one: Act): unknown {
  return Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1));
}
