import { expect, test } from "vitest";
import { openWarehouse, page, RACK } from "../../support/warehouse.ts";

/** A label that can be on anything: it is taken for a box's until somebody says. */
const LABEL = "(8004)0952123400SHELF9";
const EVER = new Date(0).toISOString();

/** Rule 14: a registration attaches what was scanned before, as if it had been known. */
test("what was taken for a box and turns out to be a shelf never was where a box would have been", () => {
  const before = openWarehouse();
  const after = openWarehouse();
  const register = ({ state }: typeof before) =>
    state("place", { id: LABEL, kind: "shelf", name: "Shelf 9", parent: RACK, since: EVER }, 100);
  const scan = (warehouse: typeof before) => {
    warehouse.scan(page(1), { atS: 0, receivedS: 200 });
    warehouse.scan(LABEL, { atS: 2, receivedS: 200 });
  };
  register(before);
  scan(before);
  scan(after);
  register(after);

  expect(before.path(page(1))).toEqual(["Shelf 9", "Rack 1", "Archive", "Moscow"]);
  expect(after.path(page(1))).toEqual(before.path(page(1)));
  expect(after.path(LABEL)).toEqual(before.path(LABEL));
});
