/** What is told of reads and events afterwards is what they came to then. */
import { expect, test } from "vitest";
import { openAudit } from "../../src/store/audit.ts";
import { openWarehouse, page, SHELF, SHELF2, START } from "../support/warehouse.ts";

function openAudited() {
  const warehouse = openWarehouse();
  const { db, answers, source } = warehouse;
  const audit = openAudit(db, answers, { source, sameSymbolWindowMs: 1_000 });
  const became = (gateway: string, limit = 100) =>
    audit
      .reads(gateway, { fromMs: START, at: START + 86_400_000, limit })
      .reads.map((read) => read.became);
  return { ...warehouse, became };
}

test("a read is told by what its scanner was set to when it was made", () => {
  const { scan, state, became } = openAudited();
  const set = (aim: boolean, second: number) =>
    state("scanner", { gateway: "gw-1", id: "scn-1", step: "storing", aim }, second);
  // Where it sends no identifier, "]C1..." is text that names nothing.
  set(false, 0);
  set(true, 100);
  scan(page(1), { atS: 110 });
  set(false, 200);
  scan(page(1), { atS: 210 });
  expect(became("gw-1")).toEqual(["taken", "foreign"]);
});

test("a number that names no thing is told as foreign, as the scanner's session takes it", () => {
  const { scan, became } = openAudited();
  scan("(401)9521234000013N1", { atS: 10 });
  expect(became("gw-1")).toEqual(["foreign"]);
});

test("a refused read is told so however much other gateways had to tell before it", () => {
  const { scan, became } = openAudited();
  for (let i = 0; i < 20; i++) {
    scan(page(2), { atS: i * 100, gateway: "gw-2" });
    scan(i % 2 === 0 ? SHELF : SHELF2, { atS: i * 100 + 1, gateway: "gw-2" });
  }
  scan(page(1), { atS: 3_000, step: "destroying" });
  scan(page(1), { atS: 4_000, step: "storing" });
  scan(SHELF, { atS: 4_002, step: "storing" });
  expect(became("gw-1", 5)).toEqual(["taken", "refused", "refused"]);
});
