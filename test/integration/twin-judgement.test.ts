/**
 * What a person asks the twin beyond "where": why an answer changed, what is owed, what is blocked,
 * what differs and how it was settled. Over the real program, on scans of a real gateway connection.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createEventCutter, type StreamEvent } from "../../src/cli/event-stream.ts";
import { run } from "../support/command.ts";
import { connectGateway, type PretendedGateway, scan } from "../support/pretended-gateway.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const page = (n: number) => `(253)9521234000013N0000${n}P01`;
const key = (n: number) => `253/9521234000013N0000${n}P01`;
const pageCode = (n: number) => `]d22539521234000013N0000${n}P01`;
const folder = (n: number) => `]d2800309521234005001F000${n}`;
const SITE = "(414)9521234000105";
const ROOM = "(414)9521234001003(254)ARCH";
const DESK = "(414)9521234001003(254)D1";
const SHELF = "]C14149521234001003254R1-S1";
const SHELF_2 = "]C14149521234001003254R1-S2";
const NOTES = [1, 2, 3, 4, 5, 6, 7, 8];
const MASTER_DATA = `version: 1
places:
  - { id: "${SITE}", kind: site, name: Moscow DC }
  - { id: "${ROOM}", kind: room, name: Archive, parent: "${SITE}" }
  - { id: "(414)9521234001003(254)OFFICE", kind: room, name: Office, parent: "${SITE}" }
  - { id: "${DESK}", kind: desk, name: Desk, parent: "(414)9521234001003(254)OFFICE" }
  - { id: "(414)9521234001003(254)R1-S1", kind: shelf, name: Shelf 1, parent: "${ROOM}" }
  - { id: "(414)9521234001003(254)R1-S2", kind: shelf, name: Shelf 2, parent: "${ROOM}" }
assetTypes:
  - { id: "(8003)09521234005001", kind: folder }
gateways:
  - { id: gw-1, site: "${SITE}", defaultPlace: "${ROOM}" }
  - { id: gw-cart, site: "${SITE}", defaultPlace: "${ROOM}" }
scanners:
  - { gateway: gw-1, id: scn-1, step: storing, order: item-first }
  - { gateway: gw-cart, id: scn-1, step: storing, order: item-first }
documents:
${NOTES.map((n) => `  - { id: N0000${n}, class: ${n === 7 ? "receipt-only" : n === 8 ? "nothing" : "consignment-note"}, pages: ["${page(n)}"] }`).join("\n")}
things:
${[1, 2, 3, 4].map((n) => `  - { id: "(8003)09521234005001F000${n}", kind: folder }`).join("\n")}
`;
const CONFIG = `version: 1
http: { host: 127.0.0.1, port: 0 }
broker: { host: 127.0.0.1, port: 0 }
policies:
  documentLevels: { receipt-only: received, nothing: none }
`;

const data = mkdtempSync(join(tmpdir(), "racktrace-"));
const config = join(data, "twin.yaml");
const masterData = join(data, "master-data.yaml");
const startMs = Date.now() - 3_600_000;
const at = (second: number) => new Date(startMs + second * 1_000).toISOString();
const sent = { "gw-1": 0, "gw-cart": 0 };
let gateways: Record<keyof typeof sent, PretendedGateway>;
let twin: Program;
let http: string;

beforeAll(async () => {
  writeFileSync(masterData, MASTER_DATA);
  writeFileSync(config, `${CONFIG}data: ${JSON.stringify(data)}\nmasterData: ${masterData}\n`);
  await start();
});
afterAll(async () => {
  await stop();
  rmSync(data, { recursive: true, force: true });
});

async function start(): Promise<void> {
  twin = await startProgram(["twin", "--config", config], data);
  http = String(twin.address["http"]);
  const broker = String(twin.address["broker"]);
  gateways = {
    "gw-1": await connectGateway(broker, "gw-1"),
    "gw-cart": await connectGateway(broker, "gw-cart"),
  };
}

async function stop(): Promise<void> {
  for (const gateway of Object.values(gateways)) await gateway.end();
  await twin.stop();
}

test("a scan that comes late changes where a page is, and why tells the evidence that changed it", async () => {
  await scans("gw-1", [pageCode(1), 0], [folder(1), 1], [SHELF, 2]);
  // Later, and about another: a late event that is older than all there is would be told no other way.
  await scans("gw-1", [pageCode(5), 20], [folder(3), 21]);
  const before = await moment();
  expect(places((await ask("where", { id: page(1) })).path)).toContain("Shelf 1");

  await scans("gw-cart", [pageCode(1), 10], [folder(2), 11], [SHELF_2, 12]);

  expect(places((await ask("where", { id: page(1) })).path)).toContain("Shelf 2");
  const why = await ask("why", { id: page(1), at: at(60), asKnownAt1: before });
  expect(why.changed).toBe(true);
  expect([places(why.before.path), places(why.after.path)]).toEqual([
    expect.arrayContaining(["Shelf 1"]),
    expect.arrayContaining(["Shelf 2"]),
  ]);
  const cited = why.reasons.filter((one: Json) => one.thing.key === key(1));
  expect(cited).toMatchObject([
    { change: "learned", moved: true, evidence: { gateway: "gw-cart", epoch: "scans", seq: 2 } },
  ]);
  const nothing = await ask("why", { id: page(1), at: at(60), asKnownAt1: await moment() });
  expect(nothing).toMatchObject({ changed: false, reasons: [] });
});

test("a void takes a page back, and why names the void; a void of a void is refused", async () => {
  await scans("gw-1", [pageCode(2), 100], [folder(1), 101]);
  const before = await moment();
  expect(places((await ask("where", { id: page(2) })).path)).toContain("Shelf 1");

  const { body: voided } = await post("voids", {
    ...{ gateway: "gw-1", epoch: "scans", seq: sent["gw-1"], reason: "wrong folder" },
  });

  expect((await ask("where", { id: page(2) })).path).toEqual([]);
  const why = await ask("why", { id: page(2), at: at(200), asKnownAt1: before });
  const { gateway, epoch, seq } = voided;
  expect(why.reasons).toContainEqual(
    expect.objectContaining({
      change: "withdrawn",
      voided: { by: { gateway, epoch, seq }, reason: "wrong folder" },
    }),
  );
  const again = await post("voids", { gateway, epoch, seq, reason: "no" });
  expect(again).toMatchObject({ status: 409, body: { title: "A void cannot be voided" } });
});

test("a void of an older scan is told live: what is retracted, and what is said instead", async () => {
  await scans("gw-1", [pageCode(2), 150], [folder(1), 151]);
  const filed = sent["gw-1"];
  await scans("gw-1", [pageCode(2), 160], [folder(2), 161]);
  const live = await watch();
  await post("voids", { gateway: "gw-1", epoch: "scans", seq: filed, reason: "not that one" });

  await until("it is told", () => live.some(({ name }) => name === "correction"));
  const told = (name: string) => JSON.parse(live.find((one) => one.name === name)?.data ?? "{}");
  const folderKey = "8003/09521234005001F0001";
  expect(told("retraction")).toMatchObject({
    ...{ key: key(2), at: at(151) },
    answer: { path: [{ key: folderKey }, {}, {}, {}] },
  });
  expect(told("correction")).toMatchObject({
    ...{ key: key(2), at: at(151), answer: { path: [] } },
    retracted: { path: [{ key: folderKey }, {}, {}, {}] },
  });
  expect(live.filter(({ name }) => name === "correction")).toHaveLength(1);
});

test("scans that come in order retract nothing", async () => {
  const live = await watch();
  await scans("gw-1", [pageCode(2), 200], [folder(1), 201], [SHELF_2, 202]);

  await until("the moves are told", () => live.some(({ name }) => name === "moved"));
  expect(live.filter(({ name }) => /retraction|correction/.test(name))).toEqual([]);
});

test("a gate opens by the thing's own scan; a void blocks it again, and what ran meanwhile is listed for review", async () => {
  const gate = { name: "release-3", entity: page(3), target: ROOM };
  await post("gates", { ...gate, issued: at(300), deadline: at(3_000) });
  expect(await gateOf("release-3")).toMatchObject({ status: "blocked", executions: [] });
  await scans("gw-1", [pageCode(3), 310], [folder(1), 311]);
  expect(await gateOf("release-3")).toMatchObject({ status: "open" });
  const ran = await post("executions", {
    ...{ gate: "release-3", process: "pay the carrier", by: "erp", time: await moment() },
  });
  expect((await ask("reviews")).reviews).toEqual([]);

  await post("voids", {
    ...{ gateway: "gw-1", epoch: "scans", seq: sent["gw-1"], reason: "another folder" },
  });

  const { gateway, epoch, seq } = ran.body;
  expect(await gateOf("release-3")).toMatchObject({
    status: "blocked",
    executions: [
      {
        ...{ process: "pay the carrier", by: "erp", believed: "open", now: "blocked" },
        statement: { gateway, epoch, seq },
      },
    ],
  });
  const { reviews } = await ask("reviews");
  expect(reviews).toMatchObject([
    { kind: "process", about: "release-3", what: "pay the carrier", believed: "open" },
    { kind: "gate", about: "release-3", believed: "open", now: "blocked" },
  ]);
  expect(reviews[0].reasons).toContainEqual(
    expect.objectContaining({ voided: expect.objectContaining({ reason: "another folder" }) }),
  );
});

test("a debt is cleared by a scan of the page in the archive and by nothing less; a reminder sent before a late scan came is for review", async () => {
  const owed = { issued: at(400), due: at(500), debtor: "Ocean Trade", responsible: "Boris" };
  await post("obligations", { document: "N00004", ...owed });
  expect(await documentOf("N00004")).toMatchObject({ status: "overdue", wholeness: "unknown" });
  await post("receipts", { document: "N00004", by: "anna", time: at(410) });
  expect((await documentOf("N00004")).status).toBe("overdue");
  await post("reminders", { document: "N00004", by: "erp", time: await moment() });
  expect((await ask("documents", { status: "overdue" })).documents).toMatchObject([
    { id: "N00004" },
  ]);
  expect((await ask("documents", { debtor: "Ocean Trade" })).documents).toMatchObject([
    {
      id: "N00004",
      obligations: [{ debtor: "Ocean Trade", responsible: "Boris" }],
      reminders: [{ by: "erp" }],
    },
  ]);
  expect((await ask("documents", { debtor: "Nobody" })).documents).toEqual([]);
  expect(await ask("search", { q: "N0000" })).toMatchObject({
    documents: expect.arrayContaining(["N00001", "N00004"]),
  });

  await scans("gw-cart", [pageCode(4), 420], [folder(2), 421]);

  expect(await documentOf("N00004")).toMatchObject({
    status: "cleared",
    obligations: [{ cleared: at(421) }],
    pages: [{ key: key(4), certainty: "observed" }],
  });
  expect(await documentOf("N00004", { at: at(415) })).toMatchObject({ status: "debt" });
  const { reviews } = await ask("reviews");
  expect(reviews).toContainEqual(
    expect.objectContaining({
      kind: "reminder",
      about: "N00004",
      believed: "overdue",
      now: "cleared",
    }),
  );
});

test("of a class that asks for a tick a person's word is enough, and of one that asks nothing nothing is owed", async () => {
  for (const document of ["N00007", "N00008"])
    await post("obligations", { document, issued: at(400), due: at(500) });
  expect(await documentOf("N00007")).toMatchObject({ status: "overdue", level: "received" });
  expect(await documentOf("N00008")).toMatchObject({ status: "none", level: "none", pages: [] });

  const { body } = await post("receipts", { document: "N00007", by: "anna", time: at(450) });
  expect(await documentOf("N00007")).toMatchObject({
    status: "cleared",
    received: { by: "anna", time: at(450) },
  });
  const { gateway, epoch, seq } = body;
  await post("voids", { gateway, epoch, seq, reason: "it was another one" });
  expect(await documentOf("N00007")).toMatchObject({ status: "overdue", received: null });
});

test("a discrepancy is taken note of, resolved by a person with a reason, and stays on record", async () => {
  const unknown = "(253)9521234000013X00001P01";
  await scans("gw-1", ["]d22539521234000013X00001P01", 600], [folder(3), 601]);
  const subject = "253/9521234000013X00001P01";
  const found = { kind: "unknown_identifier", subject, severity: "warn", resolved: null };
  expect((await ask("discrepancies", { subject: unknown })).open).toMatchObject([
    { ...found, acknowledged: null },
  ]);

  const said = { kind: "unknown_identifier", subject: unknown, by: "boris" };
  await post("discrepancies/acknowledgements", { ...said, reason: "asking the printer" });
  expect((await ask("discrepancies", { subject: unknown })).open).toMatchObject([
    { ...found, acknowledged: { by: "boris", reason: "asking the printer" } },
  ]);
  const before = await moment();
  const live = await watch();
  const { body: stated } = await post("discrepancies/resolutions", {
    ...{ ...said, reason: "a test label" },
  });

  await until("it is told live", () => live.some(({ name }) => name === "statement"));
  const told = live.find((one) => one.name === "statement");
  const name = { gateway: "twin", epoch: stated.epoch, seq: stated.seq };
  const word = { action: "resolve", by: "boris", reason: "a test label", statement: name };
  expect(JSON.parse(told?.data ?? "")).toMatchObject({
    kind: "resolution",
    about: subject,
    ...word,
  });
  const kept = await ask("event", { ...name, seq: String(name.seq) });
  expect(kept).toMatchObject({ ...name, statement: { kind: "resolution" } });
  expect(JSON.parse(kept.statement.json)).toMatchObject({ reason: "a test label" });

  expect((await ask("discrepancies", { subject: unknown })).open).toEqual([]);
  const { resolved } = await ask("discrepancies", { status: "resolved", subject: unknown });
  expect(resolved).toMatchObject([
    {
      kind: "unknown_identifier",
      resolved: { by: "human", person: "boris", reason: "a test label", statement: name },
    },
  ]);
  await post("voids", { ...name, reason: "it was none", by: "boris" });
  expect((await ask("discrepancies", { subject: unknown })).open).toHaveLength(1);
  const then = await ask("discrepancies", { subject: unknown, asKnownAt: before });
  expect(then.open).toHaveLength(1);
  await post("discrepancies/resolutions", { ...said, reason: "a test label after all" });
  expect((await ask("discrepancies", { subject: unknown })).open).toEqual([]);
});

test("discrepancies are told a page at a time, each once, and filtered by kind and severity", async () => {
  for (const n of [1, 2, 3, 4, 5])
    await scans("gw-1", [`]d22539521234000013Y0000${n}P01`, 700 + 4 * n], [folder(3), 701 + 4 * n]);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const asked = { kind: "unknown_identifier", limit: "2", ...(cursor ? { cursor } : {}) };
    const { open, next } = await ask("discrepancies", asked);
    expect(open.length).toBeLessThanOrEqual(2);
    seen.push(...open.map(({ subject }: Json) => subject));
    cursor = next ?? undefined;
  } while (cursor !== undefined);
  const mine = seen.filter((subject) => subject.includes("/9521234000013Y"));
  expect(mine).toHaveLength(5);
  expect(new Set(seen).size).toBe(seen.length);
  expect((await ask("discrepancies", { kind: "misread" })).open).toEqual([]);
  expect((await ask("discrepancies", { severity: "info", status: "all" })).open).toEqual([]);
});

test("a statement sent again under its key is recorded once, after a restart too", async () => {
  const words = { value: "OLD-LABEL-5", id: page(5) };
  const first = await post("aliases", words, { "idempotency-key": "k-1" });
  expect(first).toMatchObject({ status: 201, body: { gateway: "twin", repeated: false } });
  await stop();
  await start();

  const again = await post("aliases", words, { "idempotency-key": "k-1" });
  expect(again).toEqual({ status: 200, body: { ...first.body, repeated: true } });
  const other = await post("aliases", { ...words, value: "X" }, { "idempotency-key": "k-1" });
  expect(other).toMatchObject({ status: 422, body: { title: "This Idempotency-Key is spent" } });
  expect((await ask("where", { id: "OLD-LABEL-5" })).key).toBe(key(5));
  const { gateway, epoch, seq } = first.body;
  const voided = await post("voids", { gateway, epoch, seq, reason: "no" });
  expect(voided).toMatchObject({ status: 409, body: { title: "This is not an event" } });
});

test("a statement that is not clear is refused in a sentence, and nothing is recorded", async () => {
  const { next } = await ask("events", { after: "0", limit: "5000" });
  const refused: [string, object, string][] = [
    ["voids", { gateway: "gw-1", epoch: "scans", reason: "x" }, '"seq" is missing'],
    ["registrations", { id: "(253)9521234000014N1", kind: "page" }, "check digit"],
    ["registrations", { id: page(1), kind: "horse" }, "must be equal to one of"],
    ["labels", { id: "nobody", carrier: "dhl", tracking: "1" }, "not a whole GS1 barcode"],
    ["obligations", { document: "N1", issued: at(5), due: at(1) }, '"due" is before "issued"'],
    ["corrections", { type: "ADD", time: at(5), children: [page(1)] }, '"parent" or "place"'],
    ["corrections", { type: "ADD", time: at(5), how: 1 }, '"how" is not a parameter here'],
  ];
  for (const [path, body, detail] of refused) {
    const answer = await post(path, body);
    expect({ path, ...answer }).toMatchObject({
      ...{ path, status: 400 },
      body: { detail: expect.stringContaining(detail) },
    });
  }
  expect((await ask("events", { after: String(next), limit: "10" })).events).toEqual([]);
});

test("a correction puts a thing where no scan said, at the time it was so, under a person's name", async () => {
  await post("corrections", {
    ...{ type: "OBSERVE", epcs: [page(6)], place: DESK, time: at(900), by: "anna" },
  });

  expect(places((await ask("where", { id: page(6) })).path)).toEqual([
    "Desk",
    "Office",
    "Moscow DC",
  ]);
  const { moves } = await ask("history", { id: page(6) });
  expect(moves.at(-1)).toMatchObject({
    from: at(900),
    by: "anna",
    evidence: [{ gateway: "twin" }],
  });
});

test("the command line asks and states the same", async () => {
  const at_ = ["--twin", http];
  const lines = ({ stdout }: { stdout: string }) =>
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));

  const documents = await run(["documents", "--status", "overdue", "--json", ...at_]);
  expect(lines(documents)).toEqual((await ask("documents", { status: "overdue" })).documents);
  const one = await run(["documents", "N00004", ...at_]);
  expect(one.stdout).toContain("N00004  consignment-note  tracked  whole  cleared");
  const nobody = await run(["documents", "N99999", ...at_]);
  expect([nobody.status, nobody.stderr]).toEqual([1, expect.stringContaining("N99999")]);

  const gates = await run(["gates", "release-3", ...at_]);
  expect(gates.stdout).toMatch(/^blocked {2}release-3[\s\S]*ran pay the carrier \(erp\)/);
  const resolved = await run([
    "discrepancies",
    "--status",
    "resolved",
    "--kind",
    "unknown_identifier",
    ...at_,
  ]);
  expect(resolved.stdout).toContain("resolved by boris");
  const contents = await run(["contents", "(414)9521234001003(254)R1-S2", "--json", ...at_]);
  expect(lines(contents)).toEqual([await ask("contents", { id: "(414)9521234001003(254)R1-S2" })]);

  await scans("gw-1", [pageCode(6), 1_000], [folder(4), 1_001]);
  const before = await moment();
  const event = ["gw-1", "scans", String(sent["gw-1"])];
  const voided = await run([
    "void",
    ...event,
    "--reason",
    "not that one",
    "--key",
    "v-1",
    "--json",
    ...at_,
  ]);
  const [{ position }] = lines(voided);
  await reflected(position);
  const again = await run(["void", ...event, "--reason", "not that one", "--key", "v-1", ...at_]);
  expect([again.status, again.stdout]).toEqual([0, expect.stringContaining("already recorded")]);
  const why = await run(["why", page(6), "--as-known-at-1", before, ...at_]);
  expect(why.stdout).toMatch(
    /before +\(8003\)09521234005001F0004[\s\S]*withdrawn[\s\S]*not that one/,
  );

  const words = await run(["why", page(6), ...at_]);
  expect(words.status).toBe(2);
  for (const command of ["contents", "documents", "discrepancies", "gates", "why", "void"])
    expect((await run([command, "--help"])).stdout).toContain(`Usage: racktrace ${command}`);
});

test("everything derived again from the evidence is row by row what the twin has, and a row that was tampered with is told", async () => {
  const words = ["twin", "rebuild", "--config", config];
  const running = await run(words);
  expect([running.status, running.stderr]).toEqual([1, expect.stringContaining("DATA_IN_USE")]);
  await stop();

  const same = await run([...words, "--json"]);
  const report = JSON.parse(same.stdout);
  expect([same.status, report.identical, report.differences]).toEqual([0, true, []]);
  const rows = (table: string) => report.tables.find((one: Json) => one.table === table).rows;
  for (const table of ["link", "finding", "void", "resolution", "execution", "alias", "recorded"])
    expect({ table, rows: rows(table) }).not.toEqual({ table, rows: 0 });

  const db = new Sqlite(join(data, "twin.db"));
  db.exec(
    "UPDATE link SET parent = 0 WHERE (thing, time) = (SELECT thing, time FROM link WHERE parent > 0 LIMIT 1)",
  );
  db.exec("DELETE FROM void WHERE reason = 'wrong folder'");
  db.close();
  const other = await run(words);
  expect([other.status, other.stdout]).toEqual([1, expect.stringContaining("link: 1 rows differ")]);
  expect(other.stdout).toMatch(
    /void: 1 rows differ\n {2}stored {3}\(none\)\n {2}rebuilt .*wrong folder/,
  );
  const unknown = await run(["twin", "rebuild", "--data", data]);
  expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining("other policies")]);
  expect(readdirSync(data).filter((name) => name.includes("rebuild"))).toEqual([]);
});

async function watch(): Promise<readonly StreamEvent[]> {
  const stop_ = new AbortController();
  onTestFinished(() => stop_.abort());
  const response = await fetch(`${http}/api/v1/live`, {
    headers: twin.headers,
    signal: stop_.signal,
  });
  const events: StreamEvent[] = [];
  const cut = createEventCutter();
  void (async () => {
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? [])
      events.push(...cut(text));
  })().catch(() => {});
  return events;
}

/** The twin's clock has moved on when it resolves. */
async function moment(): Promise<string> {
  const nowMs = Date.now();
  await until("the clock moves on", () => Date.now() > nowMs + 2);
  return new Date(nowMs + 1).toISOString();
}

async function scans(
  name: keyof typeof sent,
  ...read: readonly (readonly [code: string, second: number])[]
): Promise<void> {
  const events = read.map(([code, second]) =>
    scan(code, { gatewayTimeMs: startMs + second * 1_000, monotonicMs: second * 1_000 }),
  );
  const firstSeq = sent[name] + 1;
  sent[name] += events.length;
  const through = sent[name];
  await gateways[name].send({ firstSeq, events, sentAtMs: Date.now() });
  await gateways[name].ack("scans", (ack) => ack.through >= through);
  await derived();
}

async function derived(): Promise<void> {
  await until("all is derived", async () => {
    const health: Json = await (await fetch(`${http}/healthz`)).json();
    return health.lag === 0;
  });
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of another program, checked by what is done with it
type Json = any;

async function ask(path: string, parameters: Record<string, string> = {}): Promise<Json> {
  const url = `${http}/api/v1/${path}?${new URLSearchParams(parameters)}`;
  return (await fetch(url, { headers: twin.headers })).json();
}

async function post(path: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${http}/api/v1/${path}`, {
    method: "POST",
    headers: { ...twin.headers, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const answer: Json = await response.json();
  if (response.ok) await reflected(answer.position);
  return { status: response.status, body: answer };
}

async function reflected(position: number): Promise<void> {
  await until("it is derived", async () => (await ask("discrepancies")).position >= position);
}

async function gateOf(name: string): Promise<Json> {
  return (await ask("gates", { name })).gates[0];
}

async function documentOf(id: string, more: Record<string, string> = {}): Promise<Json> {
  return (await ask("documents", { id, ...more })).documents[0];
}

function places(path: readonly { name: string; elementString: string }[]): readonly string[] {
  return path.map(({ name, elementString }) => name || elementString);
}
