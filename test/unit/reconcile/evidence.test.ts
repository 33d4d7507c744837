/** Rules 1a, 9, 13 and 14: what comes twice, late, not at all, or names nothing that is known. */
import { describe, expect, test } from "vitest";
import {
  folder,
  openWarehouse,
  page,
  ROOM,
  type ScanOptions,
  SHELF,
  SHELF2,
} from "../../support/warehouse.ts";

const IN_SHELF = ["Shelf 1", "Rack 1", "Archive", "Moscow"];
const only = (kind: string, found: readonly string[]) =>
  found.filter((one) => one.startsWith(kind));

describe("a number that comes again (rule 1a)", () => {
  const first: ScanOptions = { atS: 0, seq: 1, step: "departing", operator: "op-anna" };
  const again = (raw: string, given: Partial<ScanOptions>) => {
    const { scan, found } = openWarehouse();
    scan(page(1), first);
    scan(raw, { ...first, receivedS: 9, ...given });
    scan(raw, { ...first, receivedS: 12, ...given });
    return only("id_conflict", found());
  };

  test("with the same content is the same scan", () => {
    expect(again(page(1), {})).toEqual([]);
  });

  for (const [what, raw, other] of [
    ["symbol", page(2), {}],
    ["time", page(1), { atS: 1 }],
    ["scanner", page(1), { scanner: "scn-2" }],
    ["step", page(1), { step: "destroying" }],
    ["operator", page(1), { operator: "op-boris" }],
    ["marker", page(1), { marker: "open" }],
  ] as const)
    test(`with another ${what} is a conflict, told once; the first stands`, () => {
      expect(again(raw, other)).toEqual(["id_conflict gw-1/gw-1-1/1 0"]);
    });
});

describe("a scan that comes late (rule 9)", () => {
  test("is told after as long as a session lasts, and not before", () => {
    const late = (receivedS: number) => {
      const { scan, found } = openWarehouse();
      scan(page(1), { atS: 0, step: "departing", receivedS, sentS: -0.01 });
      return only("late_event", found());
    };
    expect(late(4)).toEqual([]);
    const slow = openWarehouse();
    slow.scan(page(2), { atS: -1, step: "departing" });
    slow.scan(page(1), { atS: 0, step: "departing", receivedS: 60 });
    expect(only("late_event", slow.found())).toEqual([]);
    slow.scan(page(3), { atS: 1, step: "departing", receivedS: 61.5 });
    expect(only("late_event", slow.found())).toEqual(["late_event gw-1"]);
  });

  test("takes back what was said of that moment, and says what holds instead", () => {
    const { scan } = openWarehouse();
    scan(page(1), { atS: 0 });
    scan(SHELF, { atS: 2 });
    scan(page(1), { atS: 600 });
    scan(SHELF2, { atS: 602 });
    scan(page(1), { atS: 300, receivedS: 7200, gateway: "gw-cart" });
    const changes = scan(folder(1), { atS: 302, receivedS: 7200, gateway: "gw-cart" });
    const told = changes.filter(({ kind }) => kind === "retraction" || kind === "correction");
    expect(told.map(({ kind, data }) => [kind, data["key"], data["at"]])).toEqual([
      ["retraction", "253/9521234000013N00001P01", "2026-03-02T10:05:02.000Z"],
      ["correction", "253/9521234000013N00001P01", "2026-03-02T10:05:02.000Z"],
    ]);
    expect(told[1]?.data).toMatchObject({ retracted: { path: [{ name: "Shelf 1" }, {}, {}, {}] } });
  });

  test("in its turn takes nothing back", () => {
    const { scan } = openWarehouse();
    scan(page(1), { atS: 0 });
    expect(scan(SHELF, { atS: 2 }).map(({ kind }) => kind)).toEqual([
      "scan",
      "moved",
      "discrepancy",
    ]);
  });

  test("shows a reminder to have been unfounded; one that was right is not for review", () => {
    const { scan, state, reviews } = openWarehouse({ policies: { archiveRoom: "Archive" } });
    state("document", { id: "N9", pages: [page(9)] });
    const owed = { issued: at(0), due: at(60) };
    state("obligation", { document: "N9", ...owed }, 0);
    state("reminder", { document: "N9", by: "anna", time: at(100) }, 100);
    state("reminder", { document: "N9", by: "anna", time: at(20) }, 100);
    expect(reviews.list(undefined, undefined, 10).reviews).toEqual([]);
    scan(page(9), { atS: 50, receivedS: 7200 });
    scan(ROOM, { atS: 52, receivedS: 7200 });
    expect(reviews.list(undefined, undefined, 10).reviews).toMatchObject([
      { kind: "reminder", about: "N9", time: at(100), believed: "overdue", now: "cleared" },
    ]);
  });
});

function at(second: number): string {
  return new Date(Date.parse("2026-03-02T10:00:00.000Z") + second * 1000).toISOString();
}

describe("a hole in a numbering (rule 13)", () => {
  const certainty = (warehouse: ReturnType<typeof openWarehouse>, id: string, atS?: number) => {
    const where = warehouse.answers.where(id, atS === undefined ? undefined : Date.parse(at(atS)));
    return where.ok ? where.certainty : "";
  };

  test("is told from the first scan after it on, and what the gateway saw is presumed until it is filled", () => {
    const warehouse = openWarehouse();
    const { scan, open } = warehouse;
    scan(page(1), { atS: 0, seq: 1 });
    scan(ROOM, { atS: 2, seq: 2 });
    scan(page(2), { atS: 20, seq: 6 });
    expect(open(19)).toEqual([]);
    expect(open(20)).toEqual(["sequence_gap gw-1"]);
    expect([certainty(warehouse, page(1), 19), certainty(warehouse, page(1), 20)]).toEqual([
      "observed",
      "presumed",
    ]);
    scan(page(3), { atS: 10, seq: 4, receivedS: 30 });
    expect(open(10)).toEqual(["sequence_gap gw-1"]);
    expect(open(20)).toEqual(["sequence_gap gw-1", "sequence_gap gw-1"]);
    scan(page(3), { atS: 8, seq: 3, receivedS: 31 });
    expect(open(19)).toEqual([]);
    expect(open(20)).toEqual(["sequence_gap gw-1"]);
    scan(page(3), { atS: 15, seq: 5, receivedS: 32 });
    expect(open()).toEqual([]);
    expect(certainty(warehouse, page(1))).toBe("observed");
  });

  test("is counted from the lowest number that is known", () => {
    const { scan, open } = openWarehouse();
    scan(page(1), { atS: 20, seq: 5 });
    expect(open()).toEqual([]);
    scan(page(2), { atS: 10, seq: 2, receivedS: 30 });
    expect(open(19)).toEqual([]);
    expect(open(20)).toEqual(["sequence_gap gw-1"]);
    scan(page(2), { atS: 14, seq: 3, receivedS: 31 });
    scan(page(2), { atS: 16, seq: 4, receivedS: 32 });
    expect(open()).toEqual([]);
  });

  test("before the end of a count leaves it open, after the end it does not; filled, it is concluded", () => {
    const { scan, open } = openWarehouse();
    scan(folder(1), { atS: 0, seq: 1 });
    scan(SHELF, { atS: 2, seq: 2 });
    scan(SHELF, { atS: 600, seq: 3, step: "stock_taking", marker: "count-start" });
    scan(folder(2), { atS: 604, seq: 5, step: "stock_taking" });
    scan(SHELF, { atS: 620, seq: 6, step: "stock_taking", marker: "count-end" });
    const told = () => open().filter((one) => !one.startsWith("un"));
    expect(told()).toEqual(["count_inconclusive 414/9521234001003/254/R1-S1", "sequence_gap gw-1"]);
    scan(page(1), { atS: 602, seq: 4, scanner: "scn-2", receivedS: 700 });
    expect(told()).toEqual(["missing_item 8003/09521234005001F0001"]);
    scan(page(2), { atS: 900, seq: 9 });
    expect(told()).toEqual(["missing_item 8003/09521234005001F0001", "sequence_gap gw-1"]);
  });

  test("in the numbering of one count leaves open what another gateway concluded with it, until it is filled", () => {
    const { scan, open } = openWarehouse();
    scan(folder(1), { atS: 0, seq: 1 });
    scan(SHELF, { atS: 2, seq: 2 });
    scan(SHELF, { atS: 600, seq: 3, step: "stock_taking", marker: "count-start" });
    scan(SHELF, { atS: 620, seq: 5, step: "stock_taking", marker: "count-end" });
    const other = { gateway: "gw-2", step: "stock_taking" };
    scan(SHELF, { atS: 610, marker: "count-start", ...other });
    scan(folder(2), { atS: 612, ...other });
    scan(SHELF, { atS: 640, marker: "count-end", ...other });
    const told = () => open().filter((one) => !one.startsWith("un"));
    expect(told()).toEqual(["count_inconclusive 414/9521234001003/254/R1-S1", "sequence_gap gw-1"]);
    scan(page(1), { atS: 605, seq: 4, scanner: "scn-2", receivedS: 700 });
    expect(told()).toEqual(["missing_item 8003/09521234005001F0001"]);
  });
});

describe("what names nothing that is known (rule 14)", () => {
  test("is a place holder until it is registered, which attaches its history and settles the matter", () => {
    const { scan, state, path, open, discrepancies } = openWarehouse();
    scan(page(7), { atS: 0, step: "inspecting" });
    scan(page(7), { atS: 10, step: "inspecting" });
    const key = "253/9521234000013N00007P01";
    expect(open()).toEqual([`unknown_identifier ${key}`]);
    state("registration", { id: page(7), kind: "page", name: "seventh" }, 60);
    expect(open()).toEqual([]);
    expect(path(page(7))).toEqual(["Archive", "Moscow"]);
    const { resolved } = discrepancies.list({ status: "resolved", subject: page(7), limit: 10 });
    expect(resolved).toMatchObject([{ resolved: { by: "registration" } }]);
  });

  test("is a foreign symbol, kept in its place until somebody says what it stands for", () => {
    const { scan, state, path, open } = openWarehouse();
    scan("CMD:ORDER:item-first", { atS: 0 });
    scan(page(1), { atS: 1 });
    scan("(10)OLD-LABEL", { atS: 2 });
    scan(SHELF, { atS: 4 });
    expect(open()).toContain("unknown_identifier ]C110OLD-LABEL");
    expect(path(page(1))).toEqual(IN_SHELF);
    state("alias", { value: "]C110OLD-LABEL", id: folder(1) }, 60);
    expect(open()).not.toContain("unknown_identifier ]C110OLD-LABEL");
    expect(path(page(1))).toEqual([folder(1), ...IN_SHELF]);
  });

  test("is the number of a shipment: it names no thing, so nothing is put into it", () => {
    const { scan, open, path } = openWarehouse();
    scan(page(1), { atS: 1 });
    scan("(401)SHIPMENT9", { atS: 2 });
    scan(SHELF, { atS: 4 });
    expect(open()).toContain("unknown_identifier ]C1401SHIPMENT9");
    expect(path(page(1))).toEqual(IN_SHELF);
  });
});
