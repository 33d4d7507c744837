/** Labels that are numbered and printed while the disk of the twin has no room. */
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { openLabelStore } from "../../src/store/labels.ts";
import type { Printer } from "../../src/twin/label-config.ts";
import { createLabelDesk } from "../../src/twin/label-desk.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedClock, rest } from "../support/pretended-clock.ts";

const PRINTER: Printer = {
  ...{ id: "desk", host: "127.0.0.1", port: 9100, asksState: true },
  ...{ dpi: 203, label: { width: 50, height: 25 }, padding: 1 },
};
const SHEET = { printer: PRINTER, bytes: new Uint8Array(1), labels: 1, asked: "one" };
const AGAIN_MS = 5_000;

test("a printer goes on once there is room for what became of its last job", async () => {
  const { desk, store, clock, printed } = open();
  const settle = fullFor(store, "settle");
  void desk.print({ ...SHEET, idempotencyKey: "first" });
  void desk.print({ ...SHEET, idempotencyKey: "second" });
  await clock.advance(AGAIN_MS);
  expect(printed()).toBe(1);
  settle.mockRestore();
  await clock.advance(AGAIN_MS);
  expect(["first", "second"].map((key) => store.printed(key)?.outcome)).toEqual(["sent", "sent"]);
});

test("numbers whose statements are recorded are stated, once there is room to write that down", async () => {
  const { desk, store, clock, number } = open();
  number();
  const stated = fullFor(store, "stated");
  await desk.resume();
  stated.mockRestore();
  expect(store.unstated()).toHaveLength(1);
  await clock.advance(AGAIN_MS);
  await rest();
  expect(store.unstated()).toEqual([]);
});

test("numbers that are being stated while the twin stops are left to its next start", async () => {
  const { desk, store, number } = open();
  number();
  const resumed = desk.resume();
  desk.close();
  store.close();
  await resumed;
});

function fullFor(store: ReturnType<typeof openLabelStore>, write: "settle" | "stated") {
  return vi.spyOn(store, write).mockImplementation(() => {
    throw Object.assign(new Error("database or disk is full"), { code: "SQLITE_FULL" });
  });
}

function open() {
  const store = openLabelStore(join(temporaryFolder(), "labels.db"), () => "mark");
  onTestFinished(() => void store.close());
  const clock = createPretendedClock();
  let sent = 0;
  const desk = createLabelDesk(
    {
      ...{ store, clock, isKnown: () => false, journal: { note() {}, warn() {}, error() {} } },
      call: async () => ({ kind: "recorded", repeated: false, epoch: "e", seq: 1, position: 1 }),
      async send() {
        sent += 1;
        return { state: "sent", heard: true };
      },
    },
    {},
  );
  onTestFinished(desk.close);
  const number = () => {
    const stem = "8003/09521234005001F";
    const series = { stem, keyOf: (n: number) => `${stem}${n}` };
    const asked = JSON.stringify({ kind: "folder", count: 1 });
    const by = { asked, idempotencyKey: undefined, atMs: 0 };
    store.allocate({ ...by, series, count: 1, isTaken: () => false });
  };
  return { desk, store, clock, number, printed: () => sent };
}
