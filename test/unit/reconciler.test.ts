import { expect, test } from "vitest";
import { ACT_KINDS } from "../../src/store/acts.ts";
import {
  folder,
  openWarehouse,
  page,
  ROOM,
  SHELF,
  SHELF2,
  SITE,
  START,
} from "../support/warehouse.ts";

const IN_SHELF_1 = ["Shelf 1", "Rack 1", "Archive", "Moscow"];

test("pages, then folder, then shelf: the pages are in the folder on the shelf", () => {
  const { scan, path, open, answers } = openWarehouse();
  scan(page(1), { atS: 0 });
  scan(page(2), { atS: 2 });
  scan(folder(1), { atS: 4 });
  scan(SHELF, { atS: 6 });

  expect(path(page(1))).toEqual([folder(1), ...IN_SHELF_1]);
  expect(path(page(2))).toEqual([folder(1), ...IN_SHELF_1]);
  expect(open()).toEqual(["unknown_identifier 8003/09521234005001F0001"]);
  expect(answers.contents(folder(1))).toMatchObject({ more: false, children: [{}, {}] });
});

test("contents follow their container, and the past stays where it was", () => {
  const { scan, path } = openWarehouse();
  scan(page(1), { atS: 0 });
  scan(folder(1), { atS: 2 });
  scan(SHELF, { atS: 4 });
  scan(folder(1), { atS: 600 });
  scan(SHELF2, { atS: 602 });

  expect(path(page(1))).toEqual([folder(1), "Shelf 2", "Rack 1", "Archive", "Moscow"]);
  expect(path(page(1), 300)).toEqual([folder(1), ...IN_SHELF_1]);
});

test("a scan that comes hours late changes what was, and not what was known", () => {
  const { scan, path } = openWarehouse();
  scan(page(1), { atS: 0 });
  scan(folder(1), { atS: 2 });
  scan(SHELF, { atS: 4 });
  scan(folder(1), { atS: 600 });
  scan(SHELF2, { atS: 602 });
  scan(page(1), { atS: 300, receivedS: 7200, gateway: "gw-cart" });
  scan(folder(2), { atS: 302, receivedS: 7200, gateway: "gw-cart" });
  scan(SHELF, { atS: 304, receivedS: 7200, gateway: "gw-cart" });

  expect(path(page(1), 700, 3600)).toEqual([folder(1), "Shelf 2", "Rack 1", "Archive", "Moscow"]);
  expect(path(page(1), 700)).toEqual([folder(2), ...IN_SHELF_1]);
});

test("history tells each stay with its folder, newest last", () => {
  const { scan, answers } = openWarehouse();
  scan(page(1), { atS: 0, operator: "op-anna" });
  scan(folder(1), { atS: 2, operator: "op-anna" });
  scan(page(1), { atS: 600 });
  scan(folder(2), { atS: 602 });

  const history = answers.history(page(1));
  expect(history).toMatchObject({
    moves: [
      { from: "2026-03-02T10:00:02.000Z", to: "2026-03-02T10:10:02.000Z", by: "op-anna" },
      { from: "2026-03-02T10:10:02.000Z", to: null },
    ],
  });
});

test("search finds by key first, then by the beginning of the serial", () => {
  const { answers } = openWarehouse();
  expect(answers.search(page(2)).results.map(({ elementString }) => elementString)).toEqual([
    page(2),
  ]);
  expect(answers.search("N0000").results).toHaveLength(4);
});

test("a bad check digit is a misread, and the next scan works", () => {
  const { scan, path, open } = openWarehouse();
  scan("(253)9521234000014N00001P01", { atS: 0 });
  scan(page(1), { atS: 5 });
  scan(ROOM, { atS: 7 });

  expect(open()).toEqual(["misread ]C12539521234000014N00001P01"]);
  expect(path(page(1))).toEqual(["Archive", "Moscow"]);
});

test("what has changed comes out for those who watch", () => {
  const { scan } = openWarehouse();
  scan(page(1), { atS: 0 });
  const changes = scan(ROOM, { atS: 2 });
  expect(changes.map(({ kind }) => kind)).toEqual(["scan", "moved"]);
  expect(changes[1]?.data).toMatchObject({ path: [{ name: "Archive" }, { name: "Moscow" }] });
});

for (const sweepMax of [0, 64])
  test(`a late move of a folder changes what was seen in it afterwards (sweep ${sweepMax})`, () => {
    const { scan, path } = openWarehouse({ engine: { sweepMax } });
    scan(page(1), { atS: 0 });
    scan(folder(1), { atS: 2 });
    scan(SHELF, { atS: 4 });
    // The page is looked at on the other shelf: as far as is known, it left its folder.
    scan(SHELF2, { atS: 600, step: "inspecting" });
    scan(page(1), { atS: 602, step: "inspecting" });
    expect(path(page(1))).toEqual(["Shelf 2", "Rack 1", "Archive", "Moscow"]);

    // An offline scanner tells that the folder went there before, with the page in it.
    scan(folder(1), { atS: 300, receivedS: 7200, gateway: "gw-cart" });
    scan(SHELF2, { atS: 302, receivedS: 7200, gateway: "gw-cart" });

    expect(path(page(1))).toEqual([folder(1), "Shelf 2", "Rack 1", "Archive", "Moscow"]);
    expect(path(page(1), 700, 3600)).toEqual(["Shelf 2", "Rack 1", "Archive", "Moscow"]);
  });

test("a count is drawn again when a late scan changes what was to be found", () => {
  const { scan, open } = openWarehouse();
  scan(page(1), { atS: 0 });
  scan(folder(1), { atS: 2 });
  scan(SHELF, { atS: 4 });
  scan(SHELF, { atS: 600, step: "stock_taking", marker: "count-start" });
  scan(folder(1), { atS: 602, step: "stock_taking" });
  scan(SHELF, { atS: 640, step: "stock_taking", marker: "count-end" });
  expect(open().filter((text) => text.startsWith("missing"))).toEqual([]);

  scan(folder(2), { atS: 300, receivedS: 7200, gateway: "gw-cart" });
  scan(SHELF, { atS: 302, receivedS: 7200, gateway: "gw-cart" });

  expect(open().filter((text) => text.startsWith("missing"))).toEqual([
    "missing_item 8003/09521234005001F0002",
  ]);
});

test("a folder that is told late to have stood there before the count began was looked for in it", () => {
  const { scan, open } = openWarehouse();
  scan(folder(2), { atS: 0 });
  scan(SHELF2, { atS: 2 });
  scan(SHELF2, { atS: 200, step: "stock_taking", marker: "count-start", scanner: "scn-2" });
  scan(folder(1), { atS: 300 });
  scan(SHELF2, { atS: 302 });
  scan(folder(2), { atS: 350, step: "stock_taking", scanner: "scn-2" });
  scan(SHELF2, { atS: 400, step: "stock_taking", marker: "count-end", scanner: "scn-2" });
  const missing = () => open().filter((text) => text.startsWith("missing"));
  expect(missing()).toEqual([]);

  scan(folder(1), { atS: 100, receivedS: 7200, gateway: "gw-cart" });
  scan(SHELF2, { atS: 102, receivedS: 7200, gateway: "gw-cart" });
  expect(missing()).toEqual(["missing_item 8003/09521234005001F0001"]);
});

test("where a folder was put is cited however many pages were put into it since", () => {
  const { scan, answers } = openWarehouse();
  scan(folder(1), { atS: 0 });
  scan(SHELF, { atS: 2 });
  for (let i = 0; i < 120; i++) {
    scan(page(1), { atS: 100 + i * 100 });
    scan(folder(1), { atS: 102 + i * 100 });
  }

  const answer = answers.where(folder(1));
  const times = answer.ok && answer.evidence.map(({ time }) => time);
  expect(times).toEqual(["2026-03-02T10:00:02.000Z", "2026-03-02T13:20:02.000Z"]);
});

test("of a folder only what was said while a page was in it is looked at for the page", () => {
  const { scan, answers } = openWarehouse();
  const use = (from: number, n: number) => {
    scan(page(n), { atS: from });
    scan(folder(1), { atS: from + 2 });
  };
  for (let i = 0; i < 5; i++) use(i * 100, 2);
  use(1_000, 1);
  use(1_100, 2);
  scan(page(1), { atS: 1_200 });
  scan(folder(2), { atS: 1_202 });
  for (let i = 0; i < 5; i++) use(2_000 + i * 100, 2);

  const thing = answers.within.find(page(1));
  const seconds = answers
    .moments(Number(thing), START + 5_000_000, Number.MAX_SAFE_INTEGER - 1)
    .map((ms) => (ms - START) / 1_000);
  expect(seconds.filter((second) => second > 0)).toEqual([1_002, 1_102, 1_202]);
});

test("of two folders at one moment the one that comes last in the fold is what the page is in", () => {
  const { scan, answers } = openWarehouse();
  for (const [gateway, n] of [
    ["gw-2", 2],
    ["gw-1", 1],
  ] as const) {
    scan(page(1), { atS: 10, gateway });
    scan(folder(n), { atS: 10, gateway });
  }
  scan(folder(2), { atS: 50 });
  scan(SHELF, { atS: 52 });

  const thing = Number(answers.within.find(page(1)));
  expect(answers.moments(thing, START + 60_000, Number.MAX_SAFE_INTEGER - 1)).toContain(
    START + 52_000,
  );
});

test("what is understood again and means what it meant is not taken back and said anew", () => {
  const { scan, db } = openWarehouse();
  const step = "inspecting";
  scan(SHELF, { atS: 0, seq: 1, step });
  scan(page(1), { atS: 2, seq: 2, step });
  scan(SHELF2, { atS: 100, seq: 4, step });
  scan(page(2), { atS: 102, seq: 5, step });
  scan(page(3), { atS: 4, seq: 3, step, receivedS: 200 });

  const ended = db
    .prepare(
      `SELECT id FROM assertion WHERE kind = ${ACT_KINDS.indexOf("observe")} AND known_to <> 0`,
    )
    .all();
  expect(ended).toEqual([]);
});

test("a gateway states nothing: no void, no place and no gate, and its numbering has no hole for it", () => {
  const { scan, state, path, open, found } = openWarehouse();
  scan(page(1), { atS: 0, seq: 1 });
  scan(folder(1), { atS: 2, seq: 2 });
  const before = [path(page(1)), open(), found()];
  const stranger = "gw-stranger";
  for (const seq of [1, 2])
    state("void", { gateway: "gw-1", epoch: "gw-1-1", seq, reason: "forged" }, 10, stranger);
  state("place", { id: SHELF, kind: "shelf", parent: SITE }, 11, stranger);
  state("gate", { name: "audit", entity: page(1), target: SHELF2 }, 12, stranger);
  state("registration", { id: page(2), kind: "page", name: "forged" }, 13, stranger);
  expect([path(page(1)), open(), found()]).toEqual(before);
  expect(path(SHELF)).toEqual(["Rack 1", "Archive", "Moscow"]);
  state("void", { gateway: "gw-1", epoch: "gw-1-1", seq: 2, reason: "said by a person" }, 14);
  expect(path(page(1))).not.toEqual(before[0]);
});
