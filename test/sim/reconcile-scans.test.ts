/**
 * Properties of the way from scans to rows: sessions, clocks and holes in numberings. RUNS=10000 for
 * a long run; SEED=n replays.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { type Entry, openReconciler, reconcilerSchema } from "../../src/store/reconciler.ts";
import { scansInMemory } from "../../src/store/scan-source.ts";
import { clockReadings, clockThatIsSet } from "../support/gateway-clock.ts";
import { arrival, BEGIN_MS, currentRows, POLICIES, shuffled } from "../support/history.ts";

const numRuns = Number(process.env["RUNS"] ?? 60);
const seed = process.env["SEED"] === undefined ? {} : { seed: Number(process.env["SEED"]) };
const LONG_MS = 600_000;
/** All is taken in at one moment, so that being late or clamped does not depend on the order. */
const TAKEN_IN_MS = BEGIN_MS + 40_000_000;

const CODES = [
  "]d22539521234000013N1",
  "]d22539521234000013N2",
  "]d22539521234000013N3",
  "]C1800309521234005001F1",
  "]C1800309521234005001F2",
  "]C1800309521234006008B1",
  "]C100095212340000000013",
  "]C14149521234001003254S1",
  "]C14149521234001003254S2",
  "]C14149521234001003254ROOM1",
  "]d22539521234000014N1",
  "]C03318810025",
  "]C0SOMETHING ELSE",
  "CMD:UNDO",
  "CMD:ORDER:container-first",
  "CMD:STEP:unpacking",
];

const scan = fc.record({
  code: fc.constantFrom(...CODES),
  afterMs: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 300, max: 20_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(-30_000, 59_000, 120_000) },
  ),
  scanner: fc.constantFrom("s1", "s2"),
  step: fc.constantFrom("", "", "storing", "packing", "unpacking", "stock_taking", "departing"),
  marker: fc.oneof(
    { weight: 8, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.constantFrom("count-start", "count-end", "close", "empty-all") },
  ),
});

/** What one gateway sends: its scans, where its boots begin, how wrong its clock is. */
const gateway = fc.record({
  scans: fc.array(scan, { minLength: 1, maxLength: 14 }),
  rebootAfter: fc.integer({ min: 1, max: 14 }),
  wrongMs: fc.constantFrom(0, 0, 2_000, -7_200_000),
  delaysMs: fc.array(fc.constantFrom(10, 50, 3_000, 9_000), { minLength: 14, maxLength: 14 }),
  ...clockThatIsSet(14),
});

const sent: fc.Arbitrary<readonly Entry[]> = fc.tuple(gateway, gateway).map((gateways) =>
  gateways.flatMap(({ scans, rebootAfter, wrongMs, delaysMs, ...clock }, g) => {
    let ms = BEGIN_MS + 10_000_000 + g * 1_000;
    return scans.map(({ code, afterMs, scanner, step, marker }, i): Entry => {
      ms += afterMs;
      const sentMs = TAKEN_IN_MS - (delaysMs[i] ?? 0);
      const said = clockReadings(clock, { at: i, ms: ms + wrongMs, sentMs: sentMs + wrongMs });
      return {
        position: 0,
        id: { gateway: `gw-${"ab"[g]}`, epoch: "e", seq: i + 1 },
        takenInAtMs: TAKEN_IN_MS,
        ...said.sent,
        event: {
          boot: i < rebootAfter ? 1 : 2,
          ...said.scanned,
          sourceTimeMs: undefined,
          device: scanner,
          body: {
            kind: "scan",
            raw: new TextEncoder().encode(code),
            framing: "delimiter",
            aim: "",
            step: step === "" ? undefined : step,
            operator: undefined,
            documentMode: undefined,
            ...(marker === "" ? {} : { marker }),
          },
        },
      };
    });
  }),
);

test(
  "scans that come in any order and twice end in the rows of scans that came in turn",
  () => {
    fc.assert(
      fc.property(sent, arrival, (entries, numbers) => {
        expect(rowsAfter(shuffled(entries, numbers))).toEqual(rowsAfter(entries));
      }),
      { numRuns, ...seed },
    );
  },
  LONG_MS,
);

function rowsAfter(entries: readonly Entry[]): readonly string[] {
  const db = openDatabase(":memory:", reconcilerSchema, "derived");
  const source = scansInMemory();
  const reconciler = openReconciler(db, { policies: POLICIES, source, markScans: 3 });
  let position = 0;
  const next = (entry: Omit<Entry, "position">) => {
    position += 1;
    source.note(entry.id, entry.event, entry.takenInAtMs);
    reconciler.take([{ ...entry, position }]);
  };
  for (const [i, [statement, record]] of MASTER_DATA.entries())
    next({
      id: { gateway: "twin", epoch: "t", seq: i + 1 },
      takenInAtMs: BEGIN_MS,
      sentAtMs: 0,
      sentMonotonicMs: 0,
      event: {
        boot: 1,
        gatewayTimeMs: BEGIN_MS,
        monotonicMs: 0,
        clock: "synced",
        sourceTimeMs: undefined,
        device: "",
        body: { kind: "statement", statement, json: JSON.stringify(record) },
      },
    });
  for (const entry of entries) next(entry);
  const rows = currentRows({ db });
  db.close();
  return rows;
}

const MASTER_DATA: readonly (readonly [string, object])[] = [
  ["place", { id: "(414)9521234000105", kind: "site", name: "SITE1" }],
  ["place", { id: "(414)9521234001003(254)ROOM1", kind: "room", parent: "(414)9521234000105" }],
  [
    "place",
    { id: "(414)9521234001003(254)S1", kind: "shelf", parent: "(414)9521234001003(254)ROOM1" },
  ],
  [
    "place",
    { id: "(414)9521234001003(254)S2", kind: "shelf", parent: "(414)9521234001003(254)ROOM1" },
  ],
  ["asset_type", { id: "(8003)09521234005001", kind: "folder" }],
  ["asset_type", { id: "(8003)09521234006008", kind: "box" }],
  [
    "gateway",
    { id: "gw-a", site: "(414)9521234000105", defaultPlace: "(414)9521234001003(254)ROOM1" },
  ],
  [
    "gateway",
    { id: "gw-b", site: "(414)9521234000105", defaultPlace: "(414)9521234001003(254)ROOM1" },
  ],
];
