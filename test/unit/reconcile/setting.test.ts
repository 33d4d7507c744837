import { expect, test } from "vitest";
import { folder, openWarehouse, page, SHELF } from "../../support/warehouse.ts";

/** Rule 0: what a scan meant does not change with what its scanner is set to afterwards. */
test("a scanner that is set otherwise keeps the meaning of what it scanned before, also when a scan of then comes late", () => {
  const { scan, state, path } = openWarehouse();
  state("scanner", { gateway: "gw-1", id: "scn-1", order: "item-first", step: "storing" });
  scan(page(1), { atS: 0, seq: 1 });
  scan(folder(1), { atS: 2, seq: 2 });
  scan(page(2), { atS: 4, seq: 3 });
  state(
    "scanner",
    { gateway: "gw-1", id: "scn-1", order: "container-first", step: "storing" },
    100,
  );
  scan(SHELF, { atS: 200, seq: 6 });
  scan(folder(2), { atS: 202, seq: 7 });
  scan(page(3), { atS: 204, seq: 8 });
  const check = () => {
    expect(path(page(1))[0]).toBe(folder(1));
    expect(path(page(3))[0]).toBe(folder(2));
    expect(path(folder(2))[0]).toBe("Shelf 1");
  };
  check();
  scan(folder(3), { atS: 6, seq: 4, receivedS: 300 });
  check();
  expect(path(page(2))[0]).toBe(folder(3));
});

test("a setting that is told late to have been in force gives what was scanned since then its meaning", () => {
  const { scan, state, path } = openWarehouse();
  state("scanner", { gateway: "gw-1", id: "scn-1", order: "item-first" });
  scan(folder(1), { atS: 10 });
  scan(page(1), { atS: 12 });
  expect(path(page(1))).toEqual([]);
  const since = "2026-03-02T10:00:05.000Z";
  state("scanner", { gateway: "gw-1", id: "scn-1", order: "container-first", since }, 60);
  expect(path(page(1))[0]).toBe(folder(1));
});
