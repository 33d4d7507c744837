/**
 * Tables that grow with the archive are never looked through from end to end: not for a question, and
 * not for a step of the writer. SQLite says how it would go about each statement that there is.
 */
import { expect, test } from "vitest";
import { DEFAULT_POLICIES } from "../../src/reconcile/policies.ts";
import { openAnswers } from "../../src/store/answers.ts";
import { openAudit } from "../../src/store/audit.ts";
import { type Database, openDatabase } from "../../src/store/database.ts";
import { openDiscrepancies } from "../../src/store/discrepancies.ts";
import { openDocuments } from "../../src/store/documents.ts";
import { openPlaces } from "../../src/store/places.ts";
import { openReconciler, reconcilerSchema } from "../../src/store/reconciler.ts";
import { openReviews } from "../../src/store/reviews.ts";
import { scansInMemory } from "../../src/store/scan-source.ts";
import { openWhy } from "../../src/store/why.ts";

const GROWS = /\bSCAN (assertion|link|held|entity|document|finding|void|apart|alias|scan_block)\b/;

/** Each with why it may. */
const MAY: readonly RegExp[] = [
  // Only the conformance runner asks these.
  /^SELECT kind, thing, subject, (closed|reason) FROM finding/,
  // A type that is told after its things were met: once in its life.
  /^UPDATE entity SET kind = \?, kind_known = 1/,
  // All that is voided, at the start, and at most a limit of it.
  /^SELECT DISTINCT gateway, epoch, seq FROM void/,
  // All counts of a numbering: the index holds counts and nothing else.
  /^SELECT DISTINCT scope FROM assertion WHERE \+stream = /,
];

function statementsOf(open: (db: Database) => void): readonly string[] {
  const db = openDatabase(":memory:", [reconcilerSchema.join(";\n")], "derived");
  const prepare = db.prepare.bind(db);
  const found: string[] = [];
  db.prepare = ((sql: string) => {
    found.push(sql);
    return prepare(sql);
  }) as Database["prepare"];
  open(db);
  db.close();
  return [...new Set(found)];
}

function planOf(db: Database, sql: string): string {
  const statement = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
  const named = Object.fromEntries([...sql.matchAll(/:(\w+)/g)].map(([, name]) => [name, 1]));
  const plain = [...sql.matchAll(/\?/g)].map(() => 1);
  const rows = Object.keys(named).length > 0 ? statement.all(named) : statement.all(...plain);
  return rows.map(({ detail }) => detail).join("; ");
}

const all = statementsOf((db) => {
  openReconciler(db, { source: scansInMemory() });
  const answers = openAnswers(db);
  openDocuments(db, answers, DEFAULT_POLICIES);
  openDiscrepancies(db, answers);
  openPlaces(db, answers);
  openReviews(db, answers, openWhy(db, answers));
  openAudit(db, answers, { source: scansInMemory(), sameSymbolWindowMs: 1_000 });
});
const empty = openDatabase(":memory:", [reconcilerSchema.join(";\n")], "derived");

test("no statement looks through a table that grows with the archive", () => {
  expect(all.length).toBeGreaterThan(80);
  const endless = all
    .map((sql) => [sql.replace(/\s+/g, " ").trim(), planOf(empty, sql)] as const)
    .filter(([sql, plan]) => GROWS.test(plan) && !MAY.some((may) => may.test(sql)));
  expect(endless).toEqual([]);
});

const only = (part: string) => {
  const sql = all.filter((one) => one.includes(part));
  expect(sql).toHaveLength(1);
  return planOf(empty, sql[0] ?? "");
};

test("counts of a numbering are found among the counts, not among all that was scanned", () => {
  expect(only("FROM assertion WHERE +stream = ")).toContain("assertion_count");
});

test("a page of the documents that are owed reads no more than a page", () => {
  const plan = only("GROUP BY obligation.document");
  expect(plan).toContain("SEARCH obligation USING");
  expect(plan).not.toContain("TEMP B-TREE");
});

test("open discrepancies come in their order, and are not put in order for each page", () => {
  const plans = all.filter((sql) => sql.includes("UNION ALL SELECT f.id AS id"));
  // The newest first, and those that have waited longest.
  expect(plans).toHaveLength(2);
  for (const sql of plans) {
    const plan = planOf(empty, sql);
    expect(plan).toContain("MERGE (UNION ALL)");
    // Only the few that end at a moment to come are.
    expect(plan.match(/TEMP B-TREE/g)).toHaveLength(1);
  }
});
