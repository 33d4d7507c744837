import fc from "fast-check";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { openScanIndex, type PlacedScan, scanIndexSchema } from "../../src/store/scan-index.ts";
import { openWords, wordsSchema } from "../../src/store/words.ts";

const SKEWS = ["", "offset", "no-clock", "back", "future"] as const;

const scans = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 1, max: 3 }),
      afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10_000_000_000 })),
      scanner: fc.constantFrom("scn-1", "scn-2", ""),
      skew: fc.constantFrom(...SKEWS),
    }),
    { minLength: 1, maxLength: 600 },
  )
  .map((all) => {
    let [seq, timeMs] = [0, 1_700_000_000_000];
    return all.map(({ gap, afterMs, scanner, skew }): PlacedScan => {
      seq += gap;
      timeMs += afterMs;
      return { seq, timeMs, scanner, skew };
    });
  });

function open() {
  const db = openDatabase(":memory:", [wordsSchema + scanIndexSchema], "derived");
  const words = openWords(db);
  return { index: openScanIndex(db, words), again: () => openScanIndex(db, openWords(db)) };
}

test("scans in their turn read back from any number and any time, also after a restart", () => {
  fc.assert(
    fc.property(scans, fc.nat(), (all, n) => {
      const { index, again } = open();
      for (const scan of all) index.append(1, scan);
      const one = all[n % all.length] as PlacedScan;
      index.flush();
      for (const read of [index, again()]) {
        expect([...read.from(1, one.seq)]).toEqual(all.filter(({ seq }) => seq >= one.seq));
        expect([...read.since(1, one.timeMs)]).toEqual(
          all.filter(({ timeMs }) => timeMs >= one.timeMs),
        );
        expect(read.before(1, one.seq)).toEqual(all.findLast(({ seq }) => seq < one.seq));
        expect(read.get(1, one.seq)).toEqual(one);
        expect(read.last(1)).toEqual(all.at(-1));
        expect([...read.from(2, 0)]).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});

test("scans that come late lie among the others, and those behind them keep their order", () => {
  fc.assert(
    fc.property(scans, fc.array(fc.boolean(), { minLength: 1 }), (all, late) => {
      const { index } = open();
      const isLate = (i: number) => late[i % late.length] === true && i !== all.length - 1;
      for (const [i, scan] of all.entries()) if (!isLate(i)) index.append(1, scan);
      index.change(
        1,
        all.filter((_, i) => isLate(i)),
      );
      expect([...index.from(1, 0)]).toEqual(all);
      const later = all.map((scan) => ({ ...scan, timeMs: scan.timeMs + 5 }));
      const from = Math.floor(all.length / 2);
      index.change(1, later.slice(from));
      expect([...index.from(1, 0)]).toEqual([...all.slice(0, from), ...later.slice(from)]);
    }),
    { numRuns: 60 },
  );
});
