/** The file of numbers: what it gave it never gives again, and what it began to send it remembers. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { type LabelStore, openLabelStore } from "../../src/store/labels.ts";
import { temporaryFolder } from "../support/folder.ts";

const FOLDERS = { stem: "8003/09521234005001F", keyOf: (n: number) => `F${n}` };
const NOBODY = () => false;

test("numbers go on where they ended, also in a file that is opened again", () => {
  const open = reopenable();
  expect(given(open(), { count: 3 })).toEqual(["F1", "F2", "F3"]);
  expect(given(open(), { count: 2 })).toEqual(["F4", "F5"]);
  const boxes = { stem: "8003/09521234006008B", keyOf: (n: number) => `B${n}` };
  expect(given(open(), { count: 1, series: boxes })).toEqual(["B1"]);
});

test("numbers that are taken are left out, and are not offered again", () => {
  const store = reopenable()();
  const isTaken = (key: string) => ["F1", "F3"].includes(key);
  expect(given(store, { count: 3, isTaken })).toEqual(["F2", "F4", "F5"]);
  expect(given(store, { count: 1 })).toEqual(["F6"]);
});

test("asked again under its key the same is given, and something else is refused", () => {
  const open = reopenable();
  const first = open().allocate(asked({ count: 2, idempotencyKey: "k", asked: "two" }));
  const again = open().allocate(asked({ count: 2, idempotencyKey: "k", asked: "two" }));
  expect(first).toMatchObject({ kind: "allocated", repeated: false });
  expect(again).toMatchObject({
    kind: "allocated",
    repeated: true,
    allocation: { keys: ["F1", "F2"] },
  });
  const other = open().allocate(asked({ count: 3, idempotencyKey: "k", asked: "three" }));
  expect(other).toEqual({ kind: "key_spent" });
  expect(given(open(), { count: 1 })).toEqual(["F3"]);
});

test("a series that has no more numbers gives none, and loses none", () => {
  const store = reopenable()();
  const series = { ...FOLDERS, keyOf: (n: number) => (n > 5 ? undefined : `F${n}`) };
  expect(given(store, { count: 3, series })).toEqual(["F1", "F2", "F3"]);
  expect(store.allocate(asked({ count: 3, series }))).toEqual({ kind: "used_up" });
  expect(given(store, { count: 2, series })).toEqual(["F4", "F5"]);
});

test("what was not stated is still to be stated when the file is opened again", () => {
  const open = reopenable();
  const store = open();
  given(store, { count: 1 });
  given(store, { count: 1 });
  const [first] = store.unstated();
  store.stated(first?.id ?? "");
  expect(open().unstated()).toMatchObject([{ keys: ["F2"] }]);
});

test("each allocation has a mark of its own, which it keeps", () => {
  const open = reopenable();
  given(open(), { count: 1 });
  given(open(), { count: 1 });
  const marks = () =>
    open()
      .unstated()
      .map(({ mark }) => mark);
  expect(new Set(marks()).size).toBe(2);
  expect(marks()).toEqual(marks());
});

test("what is sent is begun once for its key", () => {
  const store = reopenable()();
  const job = { asked: "a", printer: "desk", labels: 1, bytes: 10, atMs: 1, idempotencyKey: "k" };
  expect(store.begin(job)).toMatchObject({ kind: "begun", print: { outcome: "sending" } });
  store.settle("1", "sent", "");
  expect(store.begin(job)).toMatchObject({ kind: "known", print: { outcome: "sent" } });
  expect(store.begin({ ...job, asked: "b" })).toEqual({ kind: "key_spent" });
  expect(store.begin({ ...job, idempotencyKey: undefined })).toMatchObject({ kind: "begun" });
});

test("what was being sent when the twin ended is uncertain", () => {
  const open = reopenable();
  const store = open();
  const job = { asked: "a", printer: "desk", labels: 1, bytes: 10, atMs: 1 };
  store.begin({ ...job, idempotencyKey: undefined });
  expect(open().print("1")).toMatchObject({
    outcome: "uncertain",
    detail: "the twin ended while it was sending",
  });
});

type Request = Parameters<LabelStore["allocate"]>[0];

function asked(request: Partial<Request>): Request {
  return {
    ...{ asked: "some", idempotencyKey: undefined, atMs: 1, count: 1 },
    ...{ series: FOLDERS, isTaken: NOBODY },
    ...request,
  };
}

function given(store: LabelStore, request: Partial<Request>): readonly string[] {
  const allocated = store.allocate(asked(request));
  if (allocated.kind !== "allocated") throw new Error(allocated.kind);
  return allocated.allocation.keys;
}

let marksMade = 0;
function reopenable(): () => LabelStore {
  const path = join(temporaryFolder(), "labels.db");
  let opened: LabelStore | undefined;
  return () => {
    opened?.close();
    opened = openLabelStore(path, () => `mark-${++marksMade}`);
    return opened;
  };
}
