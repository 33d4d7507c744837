import { expect, test } from "vitest";
import { openDiscrepancies } from "../../src/store/discrepancies.ts";
import { openWarehouse } from "../support/warehouse.ts";

const ENVELOPE = "(00)095212340000000013";
const HOUR = 3600;

/** What a trip of an envelope left on record, when its receipt came in at this hour. */
function tripReceived(atHour: number, heardHour: number) {
  const { db, answers, scan } = openWarehouse({ policies: { transitOverdueHours: 24 } });
  scan(ENVELOPE, { atS: 0, step: "departing" });
  scan(ENVELOPE, {
    atS: atHour * HOUR,
    receivedS: heardHour * HOUR,
    step: "receiving",
    scanner: "scn-2",
  });
  const asked = { status: "all", kind: "transit_overdue", limit: 10 } as const;
  const { open, resolved } = openDiscrepancies(db, answers).list({
    ...asked,
    at: Date.parse("2026-03-09T00:00:00Z"),
  });
  return [...open, ...resolved].map((one) => one.resolved?.by ?? "open");
}

test("a deadline that was kept leaves nothing on record, before it passes or after", () => {
  expect(tripReceived(20, 20)).toEqual([]);
});

test("a deadline that had passed, and turns out to have been kept, is settled by the late event", () => {
  expect(tripReceived(20, 50)).toEqual(["late_event"]);
});

test("a deadline that was not kept is settled by the event that came after it", () => {
  expect(tripReceived(30, 30)).toEqual(["event"]);
});
