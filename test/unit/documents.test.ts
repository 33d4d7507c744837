import { expect, test } from "vitest";
import { DEFAULT_POLICIES, type DocumentLevels, levelOf } from "../../src/reconcile/policies.ts";
import { openAnswers } from "../../src/store/answers.ts";
import { type DocumentsQuestion, openDocuments } from "../../src/store/documents.ts";
import { folder, openWarehouse, page, SHELF, START } from "../support/warehouse.ts";

const at = (second: number) => new Date(START + second * 1000).toISOString();

test("a document of which a tick is enough is settled by one page seen in the archive, and an envelope's arrival settles nothing", () => {
  const { status, warehouse } = openArchive("received");
  warehouse.state("registration", { id: ENVELOPE, kind: "envelope" });
  owe(warehouse, 0);
  warehouse.scan(ENVELOPE, { atS: 10 });
  warehouse.scan(SHELF, { atS: 12 });
  expect(status(20)).toBe("debt");

  warehouse.scan(page(1), { atS: 30 });
  warehouse.scan(folder(1), { atS: 32 });
  warehouse.scan(SHELF, { atS: 34 });
  expect([status(31), status(40)]).toEqual(["debt", "cleared"]);
});

test("a tracked document is owed until its last page was seen in the archive, whatever a person says", () => {
  const { status, warehouse } = openArchive("tracked");
  owe(warehouse, 0);
  warehouse.state("receipt", { document: "N1", by: "anna", time: at(5) }, 5);
  for (const n of [1, 2, 3]) warehouse.scan(page(n), { atS: 10 + n });
  warehouse.scan(folder(1), { atS: 15 });
  expect(status(40)).toBe("debt");

  warehouse.scan(page(4), { atS: 50 });
  warehouse.scan(folder(1), { atS: 52 });
  expect([status(51), status(60)]).toEqual(["debt", "cleared"]);
});

test("a level that is raised asks more of what is issued from then on, and keeps what was settled and seen", () => {
  const { status, warehouse, list } = openArchive([
    { level: "received" },
    { level: "tracked", from: at(100) },
  ]);
  owe(warehouse, 0);
  warehouse.state("receipt", { document: "N1", by: "anna", time: at(5) }, 5);
  expect(status(50)).toBe("cleared");

  owe(warehouse, 200);
  expect(status(250)).toBe("debt");
  const [document] = list(250);
  expect(document).toMatchObject({
    level: "tracked",
    received: { by: "anna" },
    obligations: [{ status: "cleared" }, { status: "debt" }],
  });
});

test("what is owed is told a page at a time, each document once", () => {
  const { pageOf, warehouse } = openArchive("tracked");
  for (const id of ["N9", "N1", "N5"]) {
    warehouse.state("document", { id, class: id === "N5" ? "memo" : "note", pages: [] });
    for (const atS of [0, 1])
      warehouse.state("obligation", { document: id, issued: at(atS), due: at(900) }, atS);
  }
  const ids: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { documents, next } = pageOf({ status: "debt", limit: 1, cursor: cursor ?? undefined });
    ids.push(...documents.map(({ id }) => id));
    cursor = next;
  }
  expect(ids.sort()).toEqual(["N1", "N5", "N9"]);
  const memos = pageOf({ status: "debt", class: "memo", limit: 9 });
  expect(memos.documents.map(({ id }) => id)).toEqual(["N5"]);
});

test("a level is found by class, then for the classes that are not named, else everything is tracked", () => {
  const policies = {
    ...DEFAULT_POLICIES,
    documentLevels: { memo: "none", "*": "received" } as const,
  };

  expect(levelOf(policies, "memo", 0)).toBe("none");
  expect(levelOf(policies, "invoice", 0)).toBe("received");
  expect(levelOf(DEFAULT_POLICIES, "invoice", 0)).toBe("tracked");
});

const ENVELOPE = "(00)095212340000000013";

function openArchive(levels: DocumentLevels) {
  const policies = { ...DEFAULT_POLICIES, documentLevels: { "*": levels } };
  const warehouse = openWarehouse({ policies });
  const documents = openDocuments(warehouse.db, openAnswers(warehouse.db, policies), policies);
  const list = (second: number) =>
    documents.list({ id: "N1", at: START + second * 1000, limit: 10 }).documents;
  const pageOf = (question: DocumentsQuestion) =>
    documents.list({ at: START + 60_000, ...question });
  return { warehouse, list, pageOf, status: (second: number) => list(second)[0]?.status };
}

function owe({ state }: ReturnType<typeof openWarehouse>, second: number): void {
  state("obligation", { document: "N1", issued: at(second), due: at(10_000) }, second);
}
