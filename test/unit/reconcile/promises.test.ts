/** Rules 17, 18 and 21: documents and debts, what is taken back, and orders that hold a gate. */
import { describe, expect, test } from "vitest";
import { folder, openWarehouse, page, ROOM, SHELF, SHELF2 } from "../../support/warehouse.ts";

const MINUTE = 60;
const policies = {
  checkDocuments: true,
  minTravelHours: { "Moscow-Vladivostok": 6, "Moscow-Nome": 9 },
};
const FAR = "(414)9521234000204";

function at(second: number): string {
  return new Date(Date.parse("2026-03-02T10:00:00.000Z") + second * 1000).toISOString();
}

function open() {
  const warehouse = openWarehouse({ policies });
  const { scan, state, answers } = warehouse;
  state("place", { id: FAR, kind: "site", name: "Vladivostok" });
  state("gateway", { id: "gw-far", site: FAR, defaultPlace: FAR });
  // Where the folders stand before anything is put into them.
  for (const [i, id] of [folder(1), SHELF, folder(2), SHELF2].entries())
    scan(id, { atS: -900 + i, gateway: "gw-setup" });
  return {
    ...warehouse,
    /** Scans a second apart. */
    scans(atS: number, ...ids: readonly string[]): void {
      for (const [i, id] of ids.entries()) scan(id, { atS: atS + i });
    },
    status: (atS: number) => answers.debts(Date.parse(at(atS)))[0]?.status,
    gate: (atS: number, asKnownAtS?: number) =>
      answers.gates(
        Date.parse(at(atS)),
        asKnownAtS === undefined ? undefined : Date.parse(at(asKnownAtS)),
      )[0],
    kinds: (atS: number) =>
      answers
        .discrepancies(Date.parse(at(atS)))
        .open.map(({ kind }) => kind)
        .filter((kind) => kind !== "unknown_identifier")
        .sort(),
  };
}

const pages = [1, 2, 3, 4].map(page);

describe("a document (rule 17)", () => {
  test("is partial while its pages are in several containers, or one is nowhere known", () => {
    const { scans, kinds } = open();
    scans(0, page(1), page(2), page(3), folder(1), SHELF);
    expect(kinds(10)).toEqual(["partial_document"]);
    scans(MINUTE, page(4), folder(1), SHELF);
    expect(kinds(MINUTE + 10)).toEqual([]);
    scans(5 * MINUTE, page(4), folder(2), SHELF);
    expect(kinds(5 * MINUTE + 10)).toEqual(["partial_document"]);
  });

  test("is partial when all of it is nowhere known", () => {
    expect(open().kinds(0)).toEqual(["partial_document"]);
  });

  test("is owed until every page was seen in the archive, then settled for good", () => {
    const { scan, scans, state, status } = open();
    state("obligation", { document: "N1", issued: at(0), due: at(3600) }, -10);
    expect(status(-1)).toBe("none");
    scans(MINUTE, page(1), page(2), page(3), folder(1), SHELF);
    expect(status(2 * MINUTE)).toBe("debt");
    expect(status(3601)).toBe("overdue");
    scans(4000, page(4), folder(1), SHELF);
    expect(status(3999)).toBe("overdue");
    expect(status(4010)).toBe("cleared");
    scan(page(4), { atS: 90_000, step: "inspecting", gateway: "gw-far" });
    expect(status(90_010)).toBe("cleared");
  });

  test("is settled, once it is owed, by pages that were seen there before", () => {
    const { scans, state, status } = open();
    scans(0, ...pages, ROOM);
    state("obligation", { document: "N1", issued: at(600), due: at(3600) }, 500);
    expect(status(599)).toBe("none");
    expect(status(600)).toBe("cleared");
  });

  test("is not settled by pages that came in a folder, nor by one that was destroyed", () => {
    const { scan, scans, state, status } = open();
    state("obligation", { document: "N1", issued: at(0), due: at(3600) }, -10);
    for (const [i, id] of [...pages, folder(1)].entries())
      scan(id, { atS: 10 + i, gateway: "gw-far" });
    scans(30_000, folder(1), SHELF);
    expect(status(30_010)).toBe("overdue");
    scans(30_100, page(1), page(2), page(3), folder(1), SHELF);
    scan(page(4), { atS: 30_200, step: "destroying" });
    expect(status(30_300)).toBe("overdue");
  });

  test("is not settled by a sighting that cannot be true", () => {
    const { scan, scans, state, status } = open();
    state("obligation", { document: "N1", issued: at(0), due: at(900_000) }, -10);
    scans(10, page(1), page(2), page(3), folder(1), SHELF);
    scan(page(4), { atS: 20, gateway: "gw-far", step: "inspecting" });
    scans(MINUTE * 2, page(4), folder(1), SHELF);
    expect(status(MINUTE * 3)).toBe("debt");
    scans(7 * 3600, page(4), folder(1), SHELF);
    expect(status(7 * 3600 + 10)).toBe("cleared");
  });

  test("takes its other pages along when one is scanned for all, inferred and from the same place only", () => {
    const { scan, scans, path, answers } = open();
    scans(0, page(1), page(2), folder(1), SHELF);
    scans(2 * MINUTE, page(3), folder(2), SHELF2);
    scan("CMD:MODE:document", { atS: 4 * MINUTE });
    scans(4 * MINUTE + 1, page(1), folder(3), SHELF2);
    expect(path(page(2))[0]).toBe(folder(3));
    expect(answers.where(page(2))).toMatchObject({ certainty: "inferred" });
    expect(path(page(3))[0]).toBe(folder(2));
    expect(path(page(4))).toEqual([]);
  });

  test("takes nothing along when its pages are scanned one by one", () => {
    const { scans, path } = open();
    scans(0, page(1), page(2), folder(1), SHELF);
    scans(2 * MINUTE, page(1), folder(2), SHELF2);
    expect(path(page(2))[0]).toBe(folder(1));
  });

  test("that is named after its pages were scanned for all had them taken along", () => {
    const { scan, scans, state, path } = openWarehouseWith(["N8", [page(6), page(7)]]);
    scans(0, page(6), page(7), folder(1), SHELF);
    scan("CMD:MODE:document", { atS: 2 * MINUTE });
    scans(2 * MINUTE + 1, page(6), folder(2), SHELF2);
    state();
    expect(path(page(7))[0]).toBe(folder(2));
  });
});

function openWarehouseWith([id, named]: readonly [string, readonly string[]]) {
  const { state, ...rest } = open();
  for (const one of named) state("registration", { id: one, kind: "page" });
  return { ...rest, state: () => state("document", { id, pages: named }, 3600) };
}

test("a way that takes exactly as long as it must is possible, whatever others take (rule 7)", () => {
  const seen = (hours: number) => {
    const { scan, kinds } = open();
    scan(page(1), { atS: 0, step: "inspecting" });
    scan(page(1), { atS: hours * 3600, step: "inspecting", gateway: "gw-far" });
    return kinds(10 * 3600).filter((kind) => kind === "location_conflict");
  };
  expect(seen(6)).toEqual([]);
  expect(seen(5.999)).toEqual(["location_conflict"]);
});

test("what a document had for pages is what was known of it then (rule 0)", () => {
  const { scans, state, answers } = open();
  state("obligation", { document: "N7", issued: at(0), due: at(600) }, -10);
  state("document", { id: "N7", pages: [page(5)] }, -5);
  scans(0, page(5), folder(1), SHELF);
  const status = (knownS?: number) =>
    answers.debts(Date.parse(at(300)), knownS === undefined ? undefined : Date.parse(at(knownS)))[0]
      ?.status;
  expect(status()).toBe("cleared");
  state("registration", { id: page(6), kind: "page" }, 400);
  state("document", { id: "N7", pages: [page(6)] }, 500);
  expect(status()).toBe("debt");
  expect(status(450)).toBe("cleared");
});

describe("what is taken back (rule 18)", () => {
  const name = (seq: number) => ({ gateway: "gw-1", epoch: "gw-1-1", seq, reason: "wrong" });

  test("is void whether the void or the scan is heard first, and names one event only", () => {
    for (const first of [true, false]) {
      const { scan, state, path } = open();
      if (first) state("void", name(4));
      for (const [i, id] of [page(1), folder(1), page(2), folder(2)].entries())
        scan(id, { atS: i * 100 + (i % 2 === 1 ? -90 : 0), seq: i + 1 });
      scan(page(3), { atS: 400, seq: 4, gateway: "gw-2" });
      scan(ROOM, { atS: 402, seq: 5, gateway: "gw-2" });
      if (!first) state("void", name(4));
      expect(path(page(1))[0]).toBe(folder(1));
      expect(path(page(2))).toEqual([]);
      expect(path(page(3))).toEqual(["Archive", "Moscow"]);
    }
  });

  test("by a scan that comes late is another than was thought", () => {
    const { scan, path } = open();
    scan(page(1), { atS: 0, seq: 1 });
    scan(folder(1), { atS: 2, seq: 2 });
    scan("CMD:UNDO", { atS: 20, seq: 5 });
    expect(path(page(1))).toEqual([]);
    scan(page(2), { atS: 10, seq: 3, receivedS: 60 });
    scan(folder(2), { atS: 12, seq: 4, receivedS: 60 });
    expect(path(page(1))[0]).toBe(folder(1));
    expect(path(page(2))).toEqual([]);
  });

  test("is also a statement of the twin; a discrepancy that rested on it is closed by the void", () => {
    const { state, path, discrepancies } = open();
    const said = { type: "ADD", parent: folder(1), children: [folder(2)], time: at(100) };
    state("correction", said, 200);
    const refused = { kind: "hierarchy_violation", limit: 10 } as const;
    expect(discrepancies.list({ ...refused, status: "open" }).open).toHaveLength(1);
    state("void", { gateway: "twin", epoch: "twin-1", seq: 11, reason: "wrong" }, 300);
    expect(discrepancies.list({ ...refused, status: "open" }).open).toEqual([]);
    expect(discrepancies.list({ ...refused, status: "resolved" }).resolved).toMatchObject([
      { resolved: { by: "void" } },
    ]);
    expect(path(folder(2))[0]).toBe("Shelf 2");
  });

  test("is put right by a correction, which holds from the time it speaks of", () => {
    const { scans, state, path } = open();
    scans(0, page(1), folder(1), SHELF);
    state(
      "correction",
      { type: "ADD", parent: folder(2), children: [page(1)], time: at(100) },
      900,
    );
    expect(path(page(1), 99)[0]).toBe(folder(1));
    expect(path(page(1), 100)[0]).toBe(folder(2));
  });
});

describe("an order (rule 21)", () => {
  const order = (deadlineS: number) =>
    ({
      name: "invoice",
      entity: page(1),
      target: SHELF,
      issued: at(100),
      deadline: at(deadlineS),
    }) as const;

  test("opens its gate when the thing itself was seen in the place, at any depth, and keeps it open", () => {
    const { scans, state, gate, kinds } = open();
    state("gate", order(3600), 90);
    expect(gate(100)).toMatchObject({ status: "blocked", since: at(100) });
    scans(200, page(1), folder(1), SHELF);
    expect(gate(210)).toMatchObject({ status: "open", since: at(201) });
    scans(400, page(1), folder(2), SHELF2);
    expect(gate(500)).toMatchObject({ status: "open", since: at(201) });
    expect(kinds(4000)).not.toContain("replication_overdue");
  });

  test("is fulfilled by older evidence that is still true, not by a folder that was brought there", () => {
    const older = open();
    older.scans(0, page(1), folder(1), SHELF);
    older.state("gate", order(3600), 90);
    expect(older.gate(99)?.status).toBe("blocked");
    expect(older.gate(100)).toMatchObject({ status: "open", since: at(100) });

    const { scans, state, gate } = open();
    scans(0, page(1), folder(1), SHELF2);
    state("gate", order(3600), 90);
    scans(200, folder(1), SHELF);
    expect(gate(300)?.status).toBe("blocked");
  });

  test("is mismatched when the thing goes elsewhere after it, overdue after its deadline, and both", () => {
    const { scans, state, kinds } = open();
    scans(0, ...pages, folder(1), SHELF2);
    state("gate", order(3600), 90);
    expect(kinds(200)).toEqual([]);
    expect(kinds(3600)).toEqual(["replication_overdue"]);
    scans(4000, ...pages, folder(2), SHELF2);
    expect(kinds(4100)).toEqual(["replication_mismatch", "replication_overdue"]);
  });

  test("is blocked again by a void; the gate and what ran behind it are for review", () => {
    const { scans, state, gate, reviews } = open();
    state("gate", order(3600), 90);
    scans(200, page(1), folder(1), SHELF);
    state("execution", { gate: "invoice", process: "send", by: "anna", time: at(300) }, 300);
    state("execution", { gate: "invoice", process: "early", by: "anna", time: at(150) }, 300);
    expect(reviews.list(undefined, undefined, 10).reviews).toEqual([]);
    state("void", { gateway: "gw-1", epoch: "gw-1-1", seq: 2, reason: "wrong page" }, 400);
    expect(gate(500)?.status).toBe("blocked");
    expect(reviews.list(undefined, undefined, 10).reviews).toMatchObject([
      { kind: "process", about: "invoice", what: "send", believed: "open", now: "blocked" },
      { kind: "gate", about: "invoice", believed: "open", now: "blocked" },
    ]);
  });

  test("of two things under one name opens the gate when both are there", () => {
    const { scans, state, reviews } = open();
    state("gate", order(3600), 90);
    state("gate", { ...order(3600), entity: page(2) }, 90);
    scans(200, page(1), folder(1), SHELF);
    const run = (time: number) =>
      reviews.executionsOf("invoice", Date.parse(at(time)), Number.MAX_SAFE_INTEGER - 1);
    state("execution", { gate: "invoice", process: "send", by: "anna", time: at(300) }, 300);
    expect(run(300)).toMatchObject([{ believed: "blocked" }]);
    scans(400, page(2), folder(1), SHELF);
    state("execution", { gate: "invoice", process: "again", by: "anna", time: at(500) }, 500);
    expect(run(500)).toMatchObject([{ believed: "blocked" }, { believed: "open" }]);
  });
});
