import { expect, test } from "vitest";
import { DEFAULT_POLICIES, type DocumentLevels, levelOf } from "../../src/reconcile/policies.ts";
import { openAnswers } from "../../src/store/answers.ts";
import { openDebts } from "../../src/store/debts.ts";
import { readDocumentClasses } from "../../src/store/document-classes.ts";
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

test("a class that a person follows less closely is followed so for what is issued from then on, and as before when that is taken back", () => {
  const { warehouse, list } = openArchive("tracked");
  const { state } = warehouse;
  state("document", { id: "N1", class: "note" });
  owe(warehouse, 0);
  state("receipt", { document: "N1", by: "anna", time: at(5) }, 5);
  state("document_class", { class: "note", name: "Note", level: "received" }, 100);
  expect(list(150)[0]).toMatchObject({
    ...{ className: "Note", level: "tracked", obligations: [{ status: "debt" }] },
  });

  owe(warehouse, 200);
  state("receipt", { document: "N1", by: "anna", time: at(220) }, 220);
  const ticked = { level: "received", obligations: [{ status: "debt" }, { status: "cleared" }] };
  expect(list(250)[0]).toMatchObject(ticked);
  const seq = warehouse.db.prepare("SELECT seq FROM document_class").pluck().get();
  state("void", { gateway: "twin", epoch: "twin-1", seq, reason: "not agreed" }, 300);
  expect(list(350)[0]).toMatchObject({
    level: "tracked",
    obligations: [{ status: "debt" }, { status: "debt" }],
  });
  expect(list(350, 250)[0]).toMatchObject(ticked);
});

test("a person's word on a class stands over the configuration, on all others only over what it says of all others", () => {
  const levels = { memo: "none", "*": "received" } as const;
  const policies = { ...DEFAULT_POLICIES, documentLevels: levels };
  const { db, state } = openWarehouse({ policies });
  const levelAt = (name: string, second: number) =>
    readDocumentClasses(db, policies).levelAt(name, START + second * 1000, 1_000_000);
  const told = () => ["memo", "invoice", "note"].map((name) => levelAt(name, 100));
  expect(told()).toEqual(["none", "received", "received"]);
  state("document_class", { class: "*", level: "tracked", from: at(50) });
  expect(told()).toEqual(["none", "tracked", "tracked"]);
  state("document_class", { class: "invoice", level: "none", from: at(70) });
  state("document_class", { class: "memo", level: "received", from: at(60) });
  state("document_class", { class: "memo", level: "tracked", from: at(60) }, 10);
  // Said before the last word, and taken in after it.
  state("document_class", { class: "memo", level: "none", from: at(60) }, 5);
  expect(told()).toEqual(["tracked", "none", "tracked"]);
  expect([50, 69, 70].map((second) => levelAt("invoice", second))).toEqual([
    ...["tracked", "tracked", "none"],
  ]);

  // What is shown of a class is what holds, at every moment.
  const { classes, others } = readDocumentClasses(db, policies).describe(
    ["note"],
    START,
    1_000_000,
  );
  for (const { class: name, levels: steps } of [...classes, others])
    for (const second of [0, 50, 60, 70, 100]) {
      const begun = steps.filter(({ from }) => (from ?? "") <= at(second));
      expect([name, second, begun.at(-1)?.level]).toEqual([name, second, levelAt(name, second)]);
    }
});

test("a debtor that is a party's number is called by the party's name in whatever form it is written, and another word stays that word", () => {
  const { pageOf, warehouse } = openArchive("tracked");
  const debts = openDebts({ list: pageOf });
  warehouse.state("person", { id: ANNA, name: "Anna" });
  const forms = [VOSTOK, "https://id.gs1.org/417/9521234000808", "417/9521234000808"];
  const debtors = [...forms, "9521234000808", "Zapad", "9521234000105"];
  for (const [n, debtor] of debtors.entries()) {
    const document = `D${n}`;
    warehouse.state("document", { id: document, pages: [] });
    warehouse.state("obligation", { document, issued: at(0), due: at(900), debtor });
  }
  const told = () =>
    debts
      .debts({ at: START + 60_000 })
      .groups.map(({ debtor, debtorName, documents }) => [debtor, debtorName, documents]);
  // Before anybody said what the number is, its forms are one number, and bare digits are a word.
  expect(told()).toEqual([
    [VOSTOK, null, 3],
    ["9521234000808", null, 1],
    ["Zapad", null, 1],
    ["9521234000105", null, 1],
  ]);

  warehouse.state("party", { id: VOSTOK, name: "Vostok Trade" });
  expect(told()).toEqual([
    [VOSTOK, "Vostok Trade", 4],
    ["Zapad", null, 1],
    ["9521234000105", null, 1],
  ]);
  const named = pageOf({ debtor: "https://id.gs1.org/417/9521234000808", limit: 9 });
  expect(named.documents.map(({ id }) => id).sort()).toEqual(["D0", "D1", "D2", "D3"]);
});

test("who sees to a party sees to its documents that name nobody, by the name on the badge", () => {
  const { pageOf, warehouse } = openArchive("tracked");
  warehouse.state("person", { id: ANNA, name: "Anna" });
  warehouse.state("party", { id: VOSTOK, name: "Vostok Trade", responsible: ANNA });
  const owe = (document: string, responsible?: string) =>
    warehouse.state("obligation", {
      ...{ document, issued: at(0), due: at(900), debtor: VOSTOK, responsible },
    });
  owe("N1");
  owe("N2", "Boris");
  const seen = (responsible: string) =>
    pageOf({ responsible, limit: 9 }).documents.map(({ id, obligations }) => [
      id,
      obligations[0]?.responsibleName,
    ]);
  expect(seen(ANNA)).toEqual([["N1", "Anna"]]);
  expect(seen("8018/952123400000000772")).toEqual([["N1", "Anna"]]);
  expect(seen("Boris")).toEqual([["N2", null]]);

  warehouse.state("party", { id: VOSTOK, name: "Vostok Trade", responsible: "Boris" });
  expect(seen("Boris")).toEqual([
    ["N1", null],
    ["N2", null],
  ]);
});

test("a party's number on a label is no thing in the archive, and a place does not become a party", () => {
  const { warehouse } = openArchive("tracked");
  warehouse.state("party", { id: VOSTOK, name: "Vostok Trade" });
  warehouse.state("party", { id: SHELF, name: "Vostok Trade" });
  warehouse.scan(VOSTOK, { atS: 10 });
  warehouse.scan(SHELF, { atS: 12 });
  expect(warehouse.answers.where(SHELF)).toMatchObject({ kind: "shelf", name: "Shelf 1" });
  expect(warehouse.answers.where(VOSTOK)).toMatchObject({ kind: "party", path: [] });
  expect(warehouse.found()).toEqual([expect.stringMatching(/^unknown_identifier .*9521234000808/)]);
});

const VOSTOK = "(417)9521234000808";
const ANNA = "(8018)952123400000000772";
const ENVELOPE = "(00)095212340000000013";

function openArchive(levels: DocumentLevels) {
  const policies = { ...DEFAULT_POLICIES, documentLevels: { "*": levels } };
  const warehouse = openWarehouse({ policies });
  const documents = openDocuments(warehouse.db, openAnswers(warehouse.db, policies), policies);
  const list = (second: number, known?: number) =>
    documents.list({
      ...{ id: "N1", at: START + second * 1000, limit: 10 },
      asKnownAt: known === undefined ? undefined : START + known * 1000,
    }).documents;
  const pageOf = (question: DocumentsQuestion) =>
    documents.list({ at: START + 60_000, ...question });
  return { warehouse, list, pageOf, status: (second: number) => list(second)[0]?.status };
}

function owe({ state }: ReturnType<typeof openWarehouse>, second: number): void {
  state("obligation", { document: "N1", issued: at(second), due: at(10_000) }, second);
}
