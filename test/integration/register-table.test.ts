/** Master data through a spreadsheet: written out, changed, tried, and taken in whole or not at all. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { askAs, type ExampleTwin, openExampleTwin } from "../support/api-examples.ts";
import { run } from "../support/command.ts";
import { until } from "../support/until.ts";

const ROOM = "(414)9521234001003(254)ARCH";
const RACK = "(414)9521234001003(254)R7";
const folder = mkdtempSync(join(tmpdir(), "racktrace-register-"));
let twin: ExampleTwin;

beforeAll(async () => {
  twin = await openExampleTwin(folder);
}, 60_000);
afterAll(async () => {
  await twin?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("each list that is written out says nothing new when it is taken in as it is", async () => {
  const lists = ["places", "persons", "parties", "things", "documents", "documentClasses"];
  for (const list of [...lists, "gateways", "scanners", "ranges"]) {
    const table = await tableOf(list);
    const { problems, recorded } = await take(list, table);
    expect({ list, problems, recorded }).toEqual({ list, problems: [], recorded: 0 });
  }
});

test("what was added and renamed is recorded, and nothing else; a second time nothing is", async () => {
  const table = `id;kind;name;parent\r\n${ROOM};room;"Archive ""A""";(414)9521234000105\r\n${RACK};rack;Стеллаж 7;${ROOM}\r\n`;
  expect(await take("places", table, "preview")).toMatchObject({
    rows: 2,
    recorded: null,
    problems: [],
  });
  expect((await tableOf("places")).includes("Стеллаж")).toBe(false);
  expect(await take("places", table)).toMatchObject({ rows: 2, recorded: 2, problems: [] });
  await until("it is reflected", async () => (await tableOf("places")).includes("Стеллаж 7"));
  const written = await tableOf("places");
  expect(written).toContain(`${ROOM},room,"Archive ""A""",(414)9521234000105`);
  expect(written).toContain(`${RACK},rack,Стеллаж 7,${ROOM}`);
  expect((await take("places", table)).recorded).toBe(0);
});

test("every mistake is told with its line and column, and a table with one changes nothing", async () => {
  const before = await tableOf("places");
  const table = `id,kind,name,floor\n${RACK},cupboard,X,1\n,rack,Y,1\n(414)9521234001004(254)R8,rack,Z,1\n`;
  const { recorded, problems } = await take("places", table);
  expect(recorded).toBeNull();
  expect(problems).toEqual([
    { line: 1, column: "floor", what: expect.stringContaining("is none of id, kind") },
    { line: 2, column: "kind", what: expect.stringContaining('"cupboard" is none of') },
    { line: 3, column: "id", what: "is missing" },
  ]);
  const misread = await take("places", `id,kind\n(414)9521234001004(254)R8,rack\n`);
  expect(misread.problems).toEqual([
    { line: 2, column: "id", what: expect.stringMatching(/check digit/) },
  ]);
  const nowhere = await take("places", `id,kind,parent\n${RACK},rack,(414)9521234001003(254)NO\n`);
  expect(nowhere.problems).toEqual([
    { line: 2, column: "parent", what: expect.stringContaining("is not known") },
  ]);
  const open = await take("places", `id,kind,name\n${RACK},rack,"never closed\n`);
  expect(open.problems).toHaveLength(1);
  expect(await tableOf("places")).toBe(before);
});

test("what a table from elsewhere says, and what was asked, moves no cursor of whoever takes it in", async () => {
  const file = join(folder, "from-elsewhere.csv");
  writeFileSync(file, `id,kind\n${RACK},cup\u001b[2Jboard\n`);
  const [, token = ""] = String(twin.program.headers["authorization"]).split(" ");
  const at = ["--twin", twin.url, "--token", token];
  const told = await run(["register", "import", "places", file, ...at]);
  expect([told.status, told.stderr]).toEqual([1, ""]);
  expect(told.stdout).toContain('2  kind  "cup\\x1b[2Jboard" is none of');
  const nowhere = join(file, "out.csv");
  const out = await run(["register", "export", "places", "--out", nowhere, ...at]);
  expect(out).toMatchObject({ status: 1, stderr: expect.stringMatching(/^DATA_UNREADABLE: /) });
  const asked = await run(["where", "odd\u001b[2J", ...at]);
  expect(asked.stderr).toMatch(/^odd\\x1b\[2J was never seen/);
});

test("a party is a company and no place: its own kind of number, a number of a person of ours that reads right, or a name", async () => {
  const table = (rows: string) => `id,name,responsible\n${rows}`;
  const site = "(414)9521234000105,Vostok,";
  const badge = "(417)9521234000815,Zapad,(8018)952123400000000773";
  expect(
    (await take("parties", table(`${site}\n${badge}\n(417)9521234000814,Sever,\n`))).problems,
  ).toEqual([
    { line: 2, column: "id", what: expect.stringContaining("names no party") },
    { line: 3, column: "responsible", what: expect.stringMatching(/check digit/) },
    { line: 4, column: "id", what: expect.stringMatching(/check digit/) },
  ]);
  const right = table("https://id.gs1.org/417/9521234000815,Zapad,Boris K.\n");
  expect((await take("parties", right)).recorded).toBe(1);
  await until("it is reflected", async () => (await tableOf("parties")).includes("Zapad"));
  expect(await tableOf("parties")).toContain("(417)9521234000815,Zapad,Boris K.");
  const cleared = table("(417)9521234000815,Zapad,\n");
  expect((await take("parties", cleared)).recorded).toBe(1);
  await until("nobody sees to it", async () => !(await tableOf("parties")).includes("Boris K."));
});

test("a range is written as people write numbers, in the unit that is read, and is lifted by an empty one", async () => {
  const table = (row: string) =>
    `gateway;device;property;low;high;unit\ngw-test;thermo-1;temperature;${row}\n`;
  const what = async (row: string) =>
    (await take("ranges", table(row))).problems.map(({ column, what }) => [column, what]);
  expect(await what("warm;1;Cel")).toEqual([["low", '"warm" is no number']]);
  expect(await what("25;15;Cel")).toEqual([["low", "25 is above the highest, 15"]]);
  expect(await what("15;25;K")).toEqual([["unit", "temperature of thermo-1 is read in Cel"]]);
  expect((await take("ranges", table("-18,5;;Cel"))).recorded).toBe(1);
  await until("it is reflected", async () => (await tableOf("ranges")).includes("-18.5"));
  expect((await take("ranges", await tableOf("ranges"))).recorded).toBe(0);
  expect((await take("ranges", table(";;Cel"))).recorded).toBe(1);
  await until("it is lifted", async () => !(await tableOf("ranges")).includes("thermo-1"));
});

test("a name that a spreadsheet would take for a formula is written so that it is none, and stays the name", async () => {
  const table = `id,name\n(8018)952123400000000772,"'=HYPERLINK(""http://x"")"\n`;
  expect((await take("persons", table)).recorded).toBe(1);
  await until("it is reflected", async () => (await tableOf("persons")).includes("HYPERLINK"));
  expect(await tableOf("persons")).toContain(`"'=HYPERLINK(""http://x"")"`);
  const asked = { method: "GET", path: "/api/v1/register", query: { list: "persons" } };
  const { rows } = (await askAs(twin, asked)).answer as { rows: { name: string }[] };
  expect(rows.map(({ name }) => name)).toEqual(['=HYPERLINK("http://x")']);
});

test("a class is followed as a person says, for what is issued from then on, and said again it is no news", async () => {
  const told = async () => {
    const asking = { method: "GET", path: "/api/v1/register/classes", query: {} };
    const { classes } = (await askAs(twin, asking)).answer as { classes: Told[] };
    return classes.find((one) => one.class === "consignment-note");
  };
  const levels = [{ level: "tracked", from: null }];
  expect(await told()).toEqual({
    ...{ class: "consignment-note", name: null, level: "tracked", levels },
  });
  const by = (rows: string) => `class,name,level,from\n${rows}`;
  const { problems } = await take("documentClasses", by("memo,,watched,\nmemo,,none,soon\n"));
  expect(problems).toEqual([
    { line: 2, column: "level", what: expect.stringContaining("is none of none, received") },
    { line: 3, column: "from", what: expect.stringMatching(/not written as it has to be/) },
  ]);
  const twice = by("memo,,none,2026-02-01\nmemo,,received,2026-02-01\n");
  expect((await take("documentClasses", twice)).problems).toEqual([
    { line: 3, column: "class", what: expect.stringContaining("is there twice") },
  ]);

  const waybill = by("consignment-note,Waybill,received,\n");
  expect((await take("documentClasses", waybill)).recorded).toBe(1);
  await until("it is reflected", async () => (await told())?.level === "received");
  expect(await told()).toEqual({
    class: "consignment-note",
    name: "Waybill",
    level: "received",
    levels: [...levels, { level: "received", from: expect.stringMatching(/^20/) }],
  });
  expect((await take("documentClasses", waybill)).recorded).toBe(0);
  const written = await tableOf("documentClasses");
  expect(written).toMatch(/consignment-note,Waybill,received,20\d\d-.*Z\r\n/);
  expect((await take("documentClasses", written)).recorded).toBe(0);
  // Back, and there again: what was said first is said anew.
  for (const level of ["tracked", "received"]) {
    const row = by(`consignment-note,,${level},\n`);
    expect((await take("documentClasses", row)).recorded).toBe(1);
    await until("it is reflected", async () => (await told())?.level === level);
  }
});

type Told = { readonly class: string; readonly level: string };

test("classes that are in use are told with the level that holds for them, and what is kept with since when", async () => {
  const ask = async (path: string) =>
    (await askAs(twin, { method: "GET", path, query: {} })).answer as Record<string, unknown>;
  const { classes, others } = await ask("/api/v1/register/classes");
  const levels = [{ level: "tracked", from: null }];
  expect(classes).toContainEqual({
    ...{ class: "invoice", name: "Invoice", level: "received" },
    levels: [...levels, { level: "received", from: "2026-01-01T00:00:00.000Z" }],
  });
  expect(others).toEqual({ class: "*", name: null, level: "tracked", levels });
  const kept = await ask("/api/v1/retention");
  expect(kept).toMatchObject({ lost: 0, quarantine: { held: 0, evicted: 0 } });
  expect(Number(kept["events"])).toBeGreaterThan(10);
  expect(Date.parse(String(kept["since"]))).toBeLessThan(Date.now());
});

async function tableOf(list: string): Promise<string> {
  const query = { list };
  return String((await askAs(twin, { method: "GET", path: PATH, query })).answer);
}

async function take(list: string, table: string, only?: "preview") {
  const body = { list, table, ...(only !== undefined && { only }) };
  const { status, answer } = await askAs(twin, { method: "POST", path: PATH, query: {}, body });
  expect(status, JSON.stringify(answer)).toBe(200);
  return answer as { rows: number; recorded: number | null; problems: readonly Problem[] };
}

type Problem = { readonly line: number; readonly column: string; readonly what: string };
const PATH = "/api/v1/register/table";
