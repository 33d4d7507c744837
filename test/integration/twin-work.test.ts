/** Who is to see to what: assigned discrepancies, debts by customer, and things by a carrier's number. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askAs, type ExampleTwin, openExampleTwin } from "../support/api-examples.ts";
import { until } from "../support/until.ts";

const FOLDER = "8003/09521234005001F0001";
const SHELF = "(414)9521234001003(254)R1-S1";
const ENVELOPE = "(00)095212340000000013";
const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), "racktrace-work-"));
let twin: ExampleTwin;

beforeAll(async () => {
  twin = await openExampleTwin(folder);
}, 60_000);
afterAll(async () => {
  await twin?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a discrepancy is one person's work at a time, and nobody's again", async () => {
  const about = { kind: "unknown_identifier", subject: FOLDER };
  const assignedTo = async (assignee: string) =>
    (await ask("discrepancies", { ...about, assignee })).open.length;
  await state("discrepancies/assignments", { ...about, to: "Boris", by: "Anna" });
  expect(await assignedTo("Boris")).toBe(1);
  const [one] = (await ask("discrepancies", about)).open;
  expect(one.assigned).toMatchObject({ to: "Boris", by: "Anna" });
  expect(one.acknowledged).toBeNull();

  await state("discrepancies/assignments", { ...about, to: "Clara", by: "Anna" });
  expect([await assignedTo("Boris"), await assignedTo("Clara")]).toEqual([0, 1]);
  await state("discrepancies/assignments", { ...about, to: "", by: "Clara" });
  expect((await ask("discrepancies", about)).open[0].assigned).toBeNull();
});

test("discrepancies are found by the place where their thing is, and by their age", async () => {
  const kinds = async (filter: object) =>
    (await ask("discrepancies", filter)).open.map(({ kind }: { kind: string }) => kind);
  expect(await kinds({ place: SHELF })).toEqual(["unknown_identifier"]);
  expect(await kinds({ place: "(414)9521234000105", subject: FOLDER })).toHaveLength(1);
  expect(await kinds({ place: "(414)9521234001003(254)R9", subject: FOLDER })).toEqual([]);
  expect(await kinds({ subject: FOLDER, before: "2026-11-18T07:59:00.000Z" })).toEqual([]);
  expect(await kinds({ subject: FOLDER, before: "2026-11-18T09:00:00.000Z" })).toHaveLength(1);
});

test("debts are summed up by customer and account manager, by age, with the last reminder", async () => {
  const nowMs = Date.now();
  const at = (days: number) => new Date(nowMs + days * DAY_MS).toISOString();
  const owe = async (document: string, dueInDays: number, debtor: string) => {
    await state("documents", { id: document, pages: [] });
    const [issued, due] = [at(-200), at(dueInDays)];
    await state("obligations", { document, issued, due, debtor, responsible: "Boris" });
  };
  await owe("D1", -10, "Vostok");
  await owe("D2", -45, "Vostok");
  await owe("D3", 5, "Vostok");
  await owe("D4", -100, "Zapad");
  await state("reminders", { document: "D2", by: "Boris", time: at(-1) });

  const { groups, more } = await ask("debts", {});
  expect(more).toBe(false);
  expect(groups).toEqual([
    {
      ...{
        debtor: "Vostok",
        debtorName: null,
        responsible: "Boris",
        responsibleName: null,
        documents: 3,
        overdue: 2,
      },
      ageing: { notDue: 1, to30: 1, to60: 1, to90: 0, over90: 0 },
      ...{ oldestDue: at(-45), reminders: 1, lastReminder: at(-1) },
    },
    {
      ...{
        debtor: "Zapad",
        debtorName: null,
        responsible: "Boris",
        responsibleName: null,
        documents: 1,
        overdue: 1,
      },
      ageing: { notDue: 0, to30: 0, to60: 0, to90: 0, over90: 1 },
      ...{ oldestDue: at(-100), reminders: 0, lastReminder: null },
    },
  ]);
  const found = await ask("documents", { responsible: "Boris", debtor: "Zapad" });
  expect(found.documents.map(({ id }: { id: string }) => id)).toEqual(["D4"]);
  expect((await ask("documents", { responsible: "Nobody" })).documents).toEqual([]);
});

test("an envelope is found by the number on its carrier's label, a person by name, a place by name", async () => {
  await state("registrations", { id: ENVELOPE, kind: "envelope" });
  const label = { id: ENVELOPE, carrier: "DHL", tracking: "JJD000390007882" };
  await state("labels", { ...label, time: "2026-11-20T08:00:00.000Z" });
  const keys = async (q: string) =>
    (await ask("search", { q })).results.map(({ key }: { key: string }) => key);
  expect(await keys("JJD000390007882")).toEqual(["00/095212340000000013"]);
  expect(await keys("jjd0003")).toEqual(["00/095212340000000013"]);
  expect(await keys("JJD0004")).toEqual([]);
  expect(await keys("ann")).toEqual(["8018/952123400000000772"]);
  expect(await keys("Rack 1")).toEqual(["414/9521234001003/254/R1"]);
});

// biome-ignore lint/suspicious/noExplicitAny: each question has an answer of its own
async function ask(path: string, query: object): Promise<any> {
  const asked = { method: "GET", path: `/api/v1/${path}`, query: { ...query } };
  return (await askAs(twin, asked)).answer;
}

/** Resolves when what was said is reflected. */
async function state(path: string, body: object): Promise<void> {
  const said = await askAs(twin, { method: "POST", path: `/api/v1/${path}`, query: {}, body });
  expect(said.status, JSON.stringify(said.answer)).toBe(201);
  const { position } = said.answer as { position: number };
  await until("it is reflected", async () => (await ask("sites", {})).position >= position);
}
