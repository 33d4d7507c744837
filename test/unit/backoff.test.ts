import fc from "fast-check";
import { expect, test } from "vitest";
import { createBackoff } from "../../src/kernel/backoff.ts";

const OPTIONS = { firstMs: 250, lastMs: 30_000 };

test("the n-th wait lies anywhere between none and twice the one before, up to the last", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 0.999, noNaN: true })), (chances) => {
      let at = 0;
      const backoff = createBackoff(OPTIONS, () => chances[at] ?? 0);
      for (const [n, chance] of chances.entries()) {
        at = n;
        const ceilingMs = Math.min(30_000, 250 * 2 ** n);
        expect(backoff.nextMs()).toBe(Math.round(chance * ceilingMs));
      }
    }),
  );
});

test("after a success the next failure starts over", () => {
  const backoff = createBackoff(OPTIONS, () => 0.999_999);
  for (let n = 0; n < 100; n++) backoff.nextMs();
  expect(backoff.nextMs()).toBe(30_000);

  backoff.reset();

  expect(backoff.nextMs()).toBe(250);
});
