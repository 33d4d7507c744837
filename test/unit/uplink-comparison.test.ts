import fc from "fast-check";
import { expect, test } from "vitest";
import { createComparison } from "../../src/gateway/uplink-comparison.ts";

type World = {
  /** What the twin was sent, and what is held here, by number; another text is another event. */
  readonly twin: readonly string[];
  readonly here: readonly string[];
  readonly goneThrough: number;
};

type Answer = Parameters<ReturnType<typeof createComparison>["heard"]>[0];

test("whatever the disk forgot: what is new to the twin begins where the two part", () => {
  const worlds = fc
    .record({
      common: fc.integer({ min: 0, max: 40 }),
      forgotten: fc.integer({ min: 0, max: 40 }),
      anew: fc.integer({ min: 0, max: 40 }),
      gone: fc.integer({ min: 0, max: 40 }),
      step: fc.integer({ min: 1, max: 9 }),
    })
    .map(({ common, forgotten, anew, gone, step }) => {
      const shared = Array.from({ length: common }, (_, n) => `both ${n}`);
      const twin = [...shared, ...Array.from({ length: forgotten }, (_, n) => `forgotten ${n}`)];
      const here = [...shared, ...Array.from({ length: anew }, (_, n) => `anew ${n}`)];
      return { twin, here, goneThrough: Math.min(gone, common), step, common };
    })
    .filter(
      ({ twin, here, goneThrough }) => twin.length > goneThrough && here.length > goneThrough,
    );

  fc.assert(
    fc.property(worlds, ({ step, common, ...world }) => {
      const found = compare(world, step);
      // The twin has no more than what both have: then it is a process that did not hear so.
      if (world.twin.length === common && world.here.length >= common)
        expect(found).toEqual({ kind: "same" });
      else expect(found).toEqual({ kind: "differs", fromSeq: common + 1 });
    }),
  );
});

test("where all is well, one event is asked about, however many there are", () => {
  const comparison = createComparison(1_000_000, { firstSeq: 1, lastSeq: 2_000_000 });

  expect(comparison.next()).toEqual({ kind: "show", firstSeq: 1_000_000, lastSeq: 1_000_000 });
  comparison.begun();
  expect(comparison.next()).toBeUndefined();
  expect(comparison.heard({ sameThrough: 1_000_000 })).toBe(true);
});

test("once it is known where they part, nothing is shown any more", () => {
  const comparison = createComparison(60, { firstSeq: 51, lastSeq: 55 });
  comparison.begun();

  expect(comparison.heard({ sameThrough: 55 })).toBe(false);
  expect(comparison.next()).toEqual({ kind: "differs", fromSeq: 56 });
});

test("what the twin was told is gone is new to it where what comes behind is", () => {
  const partsAt = (...answers: readonly Answer[]) => {
    const comparison = createComparison(90, { firstSeq: 51, lastSeq: 70 });
    for (const answer of answers) {
      comparison.begun();
      comparison.heard(answer);
    }
    return comparison.next();
  };
  const isGone = { sameThrough: 60, goneFrom: 56 };
  const isGoneFurther = { sameThrough: 65, goneFrom: 61 };
  const differsAt = (fromSeq: number) => ({ kind: "differs", fromSeq });

  expect(partsAt(isGone, isGoneFurther, { differsFrom: 66 })).toEqual(differsAt(56));
  expect(partsAt(isGone, isGoneFurther, { differsFrom: 68 })).toEqual(differsAt(68));
  expect(partsAt(isGone, { sameThrough: 70 })).toEqual(differsAt(71));
  expect(partsAt(isGone, { sameThrough: 70, goneFrom: 61 })).toEqual(differsAt(56));
});

test("the answer to a question of before is not taken for that to the next", () => {
  const comparison = createComparison(60, { firstSeq: 51, lastSeq: 70 });
  comparison.begun();
  comparison.heard({ differsFrom: 60 });
  comparison.begun();

  comparison.heard({ differsFrom: 60 });
  comparison.heard({});
  expect(comparison.next()).toBeUndefined();
  comparison.heard({ differsFrom: 53 });
  expect(comparison.next()).toEqual({ kind: "differs", fromSeq: 53 });
});

function compare({ twin, here, goneThrough }: World, step: number) {
  const held = { firstSeq: goneThrough + 1, lastSeq: here.length };
  const comparison = createComparison(twin.length, held);
  for (let asked = 0; asked < 1_000; asked++) {
    const next = comparison.next();
    if (next?.kind !== "show") return next;
    comparison.begun();
    const lastSeq = Math.min(next.lastSeq, next.firstSeq + step - 1);
    let differsFrom: number | undefined;
    for (let seq = lastSeq; seq >= next.firstSeq; seq--)
      if (twin[seq - 1] !== here[seq - 1]) differsFrom = seq;
    const answer = differsFrom === undefined ? { sameThrough: lastSeq } : { differsFrom };
    if (comparison.heard(answer)) return { kind: "same" };
  }
  throw new Error("nothing was found");
}
