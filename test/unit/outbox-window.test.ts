import fc from "fast-check";
import { expect, test } from "vitest";
import { createRetransmissionWindow } from "../../src/store/retransmission-window.ts";

test("whatever is added and asked, the latest seq of each origin of the last rows is known", () => {
  const origin = fc.bigInt({ min: -3n, max: 3n });
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ add: fc.option(origin, { nil: undefined }) }) },
    { weight: 1, arbitrary: fc.record({ ask: origin }) },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(step, { maxLength: 80 }),
      (size, steps) => {
        const window = createRetransmissionWindow(size);
        const rows: (bigint | undefined)[] = [];
        for (const one of steps as { add?: bigint; ask?: bigint }[]) {
          if (one.ask === undefined) window.add(rows.push(one.add), one.add);
          else {
            const at = rows.lastIndexOf(one.ask);
            const expected = at >= 0 && at >= rows.length - size ? at + 1 : undefined;
            expect(window.seqOf(one.ask)).toBe(expected);
          }
        }
      },
    ),
    { numRuns: 2000 },
  );
});
