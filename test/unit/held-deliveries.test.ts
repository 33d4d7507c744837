/** Deliveries whose acknowledgement may never have arrived: so many are held, in memory of a fixed size. */
import { expect, test } from "vitest";
import { createFate, STORED } from "../../src/gateway/fate.ts";
import { createHeldDeliveries, type Held } from "../../src/gateway/held-deliveries.ts";

const MOST = 8;

test("what is held and let go in any order is told as it was, and what was held longest ago makes way", () => {
  const table = createHeldDeliveries(MOST);
  const expected = new Map<bigint, Held>();
  // Their low bits collide; of some only the high ones differ.
  const origins = Array.from({ length: 24 }, (_, n) => BigInt(n % 6) - (BigInt(n) << 40n));
  let state = 7;
  const below = (most: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % most;
  };

  for (let nth = 0; nth < 3_000; nth++) {
    const origin = origins[below(origins.length)] as bigint;
    if (below(3) === 0) {
      table.delete(origin);
      expected.delete(origin);
    } else {
      const held = {
        ...{ atMs: nth / 4, unmarked: below(2) === 0 },
        fate: below(4) === 0 ? createFate() : STORED,
      };
      table.set(origin, held);
      expected.delete(origin);
      expected.set(origin, held);
      const [oldest] = expected.keys();
      if (expected.size > MOST) expected.delete(oldest as bigint);
    }
    for (const one of origins) {
      expect(table.get(one)).toEqual(expected.get(one));
      expect(table.get(one)?.fate).toBe(expected.get(one)?.fate);
    }
  }
});

test("so many as a gateway holds take 33 bytes each, from the start", () => {
  const before = process.memoryUsage().arrayBuffers;
  const table = createHeldDeliveries(2 ** 17);
  for (let n = 0n; n < 2n ** 18n; n++)
    table.set(n * 7919n, { atMs: 1, unmarked: true, fate: STORED });
  expect((process.memoryUsage().arrayBuffers - before) / 2 ** 17).toBeLessThan(34);
  expect(table.get(7919n * (2n ** 17n - 1n))).toBeUndefined();
  expect(table.get(7919n * 2n ** 17n)?.atMs).toBe(1);
});
