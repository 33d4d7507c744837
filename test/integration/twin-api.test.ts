/** The twin's HTTP API over a real socket, on events that a real gateway connection brought. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { createEventCutter, type StreamEvent } from "../../src/cli/event-stream.ts";
import { run } from "../support/command.ts";
import {
  connectGateway,
  type PretendedGateway,
  reading,
  scan,
} from "../support/pretended-gateway.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const PAGE = "(253)9521234000013N00001P01";
const FOLDER = "(8003)09521234005001F0001";
const SHELF = "(414)9521234001003(254)R1-S1";
const MASTER_DATA = `version: 1
places:
  - { id: "(414)9521234000105", kind: site, name: Moscow DC }
  - { id: "(414)9521234001003(254)ARCH", kind: room, name: Archive, parent: "(414)9521234000105" }
  - { id: "(414)9521234001003(254)R1", kind: rack, name: Rack 1, parent: "(414)9521234001003(254)ARCH" }
  - { id: "${SHELF}", kind: shelf, name: Shelf 1, parent: "(414)9521234001003(254)R1" }
  - { id: "(414)9521234001003(254)R1-S2", kind: shelf, name: Shelf 2, parent: "(414)9521234001003(254)R1" }
assetTypes:
  - { id: "(8003)09521234005001", kind: folder }
gateways:
  - { id: gw-1, site: "(414)9521234000105", defaultPlace: "(414)9521234001003(254)ARCH" }
scanners:
  - { gateway: gw-1, id: scn-1, step: storing, order: item-first }
documents:
  - { id: N00001, class: consignment-note, pages: ["${PAGE}"] }
`;

const folder = mkdtempSync(join(tmpdir(), "racktrace-"));
const startMs = Date.now() - 60_000;
let twin: Program;
let http: string;
let gateway: PretendedGateway;
let sent = 0;

beforeAll(async () => {
  const masterData = join(folder, "master-data.yaml");
  writeFileSync(masterData, MASTER_DATA);
  twin = await startProgram(
    [
      ...["twin", "--data", folder, "--master-data", masterData],
      ...["--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"],
    ],
    folder,
  );
  http = String(twin.address["http"]);
  gateway = await connectGateway(String(twin.address["broker"]), "gw-1");
  await scans(["]d22539521234000013N00001P01", 0], ["]d2800309521234005001F0001", 1], [LABEL_1, 2]);
});
afterAll(async () => {
  await gateway.end();
  await twin.stop();
  rmSync(folder, { recursive: true, force: true });
});

const LABEL_1 = "]C14149521234001003254R1-S1";
const LABEL_2 = "]C14149521234001003254R1-S2";

test("a page is where it was filed, whatever form of its barcode is asked with", async () => {
  const forms = [
    "]d22539521234000013N00001P01",
    PAGE,
    "https://id.gs1.org/253/9521234000013N00001P01",
    "https://example.com/253/9521234000013N00001P01",
    "urn:epc:id:gdti:952123400.001.N00001P01",
    "253/9521234000013N00001P01",
    "N00001P01",
  ];
  for (const id of forms) {
    const { status, body } = await ask("where", { id });
    expect({ id, status, path: names(body.path) }).toEqual({
      id,
      status: 200,
      path: [FOLDER, "Shelf 1", "Rack 1", "Archive", "Moscow DC"],
    });
    expect(body).toMatchObject({
      key: "253/9521234000013N00001P01",
      elementString: PAGE,
      kind: "page",
      registered: true,
      state: "placed",
    });
    expect(body.since).toBe(new Date(startMs + 1_000).toISOString());
    // The scan that completed it; the evidence holds it at the position that is cited.
    const [cited] = body.evidence;
    expect(cited).toMatchObject({ gateway: "gw-1", epoch: "scans", seq: 2 });
    const after = String(cited.position - 1);
    const { events } = (await ask("events", { after, limit: "1" })).body;
    expect(events[0].scan.text).toBe("]d2800309521234005001F0001");
  }
});

test("a folder that is put on another shelf takes its page along, and both have a history", async () => {
  await scans(["]d2800309521234005001F0001", 30], [LABEL_2, 31]);

  const now = await ask("where", { id: PAGE });
  expect(names(now.body.path)).toEqual([FOLDER, "Shelf 2", "Rack 1", "Archive", "Moscow DC"]);
  expect(now.body.certainty).toBe("inferred");

  const before = await ask("where", { id: PAGE, at: new Date(startMs + 20_000).toISOString() });
  expect(names(before.body.path)).toContain("Shelf 1");
  const earlier = await ask("where", { id: PAGE, at: "2020-01-01T00:00:00Z" });
  expect(earlier.body).toMatchObject({ path: [] });

  const { body } = await ask("history", { id: FOLDER });
  const [first, second] = body.moves.slice(-2);
  expect([first.parent.name, second.parent.name]).toEqual(["Shelf 1", "Shelf 2"]);
  expect([first.to, second.to]).toEqual([second.from, null]);
});

test("the contents of a thing are told up to the limit, and that there is more", async () => {
  const rack = await ask("contents", { id: "(414)9521234001003(254)R1", limit: "1" });
  expect(rack.body.children).toHaveLength(1);
  expect(rack.body.more).toBe(true);

  const shelf = await ask("contents", { id: "(414)9521234001003(254)R1-S2" });
  expect(shelf.body).toMatchObject({ more: false, children: [{ elementString: FOLDER }] });
});

test("search finds by the beginning of a serial, the exact one first", async () => {
  const { body } = await ask("search", { q: "R1" });

  expect(names(body.results)).toEqual(["Rack 1", "Shelf 1", "Shelf 2"]);
});

test("an id that was misread, one never heard of and a question that is not one are told apart", async () => {
  const misread = await ask("where", { id: "(253)9521234000014N1" });
  expect(misread).toMatchObject({ status: 400, type: "application/problem+json; charset=utf-8" });
  expect(misread.body.detail).toContain("check digit");

  const unknown = await ask("where", { id: "(253)9521234000013N99999" });
  expect(unknown.status).toBe(404);
  expect(unknown.body.next).not.toBe("");

  const questions: [string, Record<string, string>, string][] = [
    ["where", {}, '"id" is missing'],
    ["where", { id: PAGE, at: "noon" }, '"at" must match format "date-time"'],
    ["where", { id: PAGE, asknownat: "x" }, '"asknownat" is not a parameter here'],
    ["where", { id: "x".repeat(5_000) }, '"id" must NOT have more than 4096 characters'],
    ["contents", { id: PAGE, limit: "100000" }, '"limit" must be <= 1000'],
    ["series/data", { device: "d", property: "p", points: "0" }, '"points" must be >= 1'],
  ];
  for (const [path, parameters, detail] of questions) {
    const { status, body } = await ask(path, parameters);
    expect({ path, parameters, status, detail: body.detail }).toEqual({
      path,
      parameters,
      status: 400,
      detail,
    });
  }
});

test("readings are a series that is asked for by time, in as many buckets as wanted", async () => {
  const atMs = Date.UTC(2026, 0, 1, 12);
  const values = [20, 22, 21, 25];
  await gateway.send({
    epoch: "telemetry",
    lane: "telemetry",
    events: values.map((value, n) => reading(value, { sourceTimeMs: atMs + n * 1_000 })),
  });
  await until("they are derived", async () => (await ask("series", {})).body.length > 0);

  expect((await ask("series", {})).body).toEqual([
    {
      ...{ device: "thermo-1", property: "temperature", unit: "Cel", gateway: "gw-1", readings: 4 },
      last: { time: "2026-01-01T12:00:03.000Z", value: 25 },
      ...{ range: null, alarm: null },
    },
  ]);
  const { body } = await ask("series/data", {
    ...{ device: "thermo-1", property: "temperature", points: "2" },
    ...{ from: "2026-01-01T12:00:00Z", to: "2026-01-01T15:00:04+03:00" },
  });
  expect(body.buckets).toEqual([
    { time: "2026-01-01T12:00:00.000Z", min: 20, max: 22, mean: 21, count: 2 },
    { time: "2026-01-01T12:00:02.000Z", min: 21, max: 25, mean: 23, count: 2 },
  ]);
  expect((await ask("series/data", { device: "nobody", property: "x" })).status).toBe(404);
});

test("a reading outside of what master data allows is an alarm until one is within, live and in the list", async () => {
  const atMs = Date.UTC(2026, 0, 1, 13);
  let seq = 4;
  const read = (value: number, second: number) =>
    gateway.send({
      ...{ epoch: "telemetry", lane: "telemetry", firstSeq: ++seq },
      events: [reading(value, { sourceTimeMs: atMs + second * 1_000 })],
    });
  const live = await watch();
  const alarms = () =>
    live.events.filter(({ name }) => name === "alarm").map(({ data }) => JSON.parse(data));
  await allow("gw-1,thermo-1,temperature,15,25,Cel");
  await until("the range is known", async () => (await ask("series", {})).body[0].range !== null);
  await read(30, 0);
  await read(31, 1);
  await until("it is told", () => alarms().length > 0);
  expect((await ask("series", {})).body[0]).toMatchObject({
    range: { low: 15, high: 25 },
    alarm: { since: "2026-01-01T13:00:00.000Z" },
  });
  const metrics = await (await fetch(`${http}/metrics`, { headers: twin.headers })).text();
  expect(metrics).toContain('racktrace_twin_series_outside_range{gateway="gw-1"} 1');

  await read(25, 2);
  await until("its end is told", () => alarms().length > 1);
  const since = "2026-01-01T13:00:00.000Z";
  expect(alarms()).toMatchObject([
    { state: "begun", device: "thermo-1", value: 30, since, range: { low: 15, high: 25 } },
    { state: "ended", value: 25, since, time: "2026-01-01T13:00:02.000Z" },
  ]);
  expect((await ask("series", {})).body[0].alarm).toBeNull();
});

/** One row of the list of ranges. */
async function allow(row: string): Promise<void> {
  const table = `gateway,device,property,low,high,unit\n${row}\n`;
  const response = await fetch(`${http}/api/v1/register/table`, {
    method: "POST",
    headers: { ...twin.headers, "content-type": "application/json" },
    body: JSON.stringify({ list: "ranges", table }),
  });
  expect(await response.json()).toMatchObject({ recorded: 1, problems: [] });
}

test("the live stream tells a move as it is taken in, and resumes after the last position heard", async () => {
  const first = await watch();
  await scans(["]d2800309521234005001F0001", 40], [LABEL_1, 41]);
  await until("the move is told", () => first.events.some(({ name }) => name === "moved"));
  first.stop();
  const last = first.events.at(-1)?.id ?? "";

  await scans(["]d2800309521234005001F0001", 50], [LABEL_2, 51]);
  const resumed = await watch({ "last-event-id": last });
  await until("the next move is told", () => resumed.events.some(({ name }) => name === "moved"));

  const positions = resumed.events.map(({ id }) => Number(id));
  expect(Math.min(...positions)).toBeGreaterThanOrEqual(Number(last));
  const move = resumed.events.find(({ name }) => name === "moved");
  const { path, elementString } = JSON.parse(move?.data ?? "{}");
  expect([elementString, names(path)[0]]).toEqual([FOLDER, "Shelf 2"]);
  expect(resumed.events.some(({ name }) => name === "reset")).toBe(false);
});

test("a scan that cannot be understood is on the live stream too, with the reason", async () => {
  const live = await watch();
  await scans(["]C0HELLO", 60]);
  await until("it is told", () => live.events.some(({ name }) => name === "scan"));

  const told = JSON.parse(live.events.find(({ name }) => name === "scan")?.data ?? "{}");
  expect(told).toMatchObject({ gateway: "gw-1", scanner: "scn-1", code: "]C0HELLO" });
});

test("who resumes from before what is held is told to ask again", async () => {
  const live = await watch({ "last-event-id": "1" });

  await until("reset comes", () => live.events.some(({ name }) => name === "reset"));
});

test("lanes, evidence, health and metrics say the same of what was taken in", async () => {
  const gateways = await ask("gateways", {});
  const lane = gateways.body[0].lanes.find(({ epoch }: Json) => epoch === "scans");
  expect(gateways.body).toMatchObject([{ gateway: "gw-1", connected: true }]);
  expect(lane).toMatchObject({ lane: "scan", through: sent });

  const events = await ask("events", { after: "0", limit: "5000" });
  const own = events.body.events.filter((one: Json) => one.epoch === "scans");
  expect(own.map(({ seq }: Json) => seq)).toEqual(Array.from({ length: sent }, (_, n) => n + 1));
  expect(own[0].scan).toMatchObject({ text: "]d22539521234000013N00001P01", aim: "]d2" });
  const rest = await ask("events", { after: String(own[1].position), limit: "1" });
  expect(rest.body.events[0].position).toBe(own[1].position + 1);

  const health = await (await fetch(`${http}/healthz`)).json();
  expect(health).toMatchObject({ status: "ok", lag: 0, latest: events.body.next });
  const metrics = await (await fetch(`${http}/metrics`, { headers: twin.headers })).text();
  expect(metrics).toContain(`racktrace_twin_position ${events.body.next}`);
  expect(metrics).toMatch(/racktrace_twin_batches_total\{outcome="appended"\} [1-9]/);
});

test("a gateway that left has its last word: what waits there, its clock, and since when it is away", async () => {
  const other = await connectGateway(String(twin.address["broker"]), "gw-2");
  const outlook = { lastSeq: 8, clock: "synced" } as const;
  const sentAtMs = Date.now() + 90_000;
  await other.send({ epoch: "o", lane: "telemetry", events: [reading(20)], outlook, sentAtMs });
  const here = (await ask("gateways", {})).body[1];
  expect(here).toMatchObject({ connected: true, clock: { quality: "synced" } });
  await other.end();
  await until("it is away", async () => !(await ask("gateways", {})).body[1].connected);

  const away = (await ask("gateways", {})).body[1];
  expect(Date.parse(away.since)).toBeGreaterThanOrEqual(Date.parse(here.since));
  expect(Math.round(away.clock.aheadMs / 1_000)).toBe(90);
  expect(away.lanes).toMatchObject([{ lane: "telemetry", through: 1, waiting: 7 }]);
  const metrics = await (await fetch(`${http}/metrics`, { headers: twin.headers })).text();
  expect(metrics).toContain(
    'racktrace_twin_gateway_waiting_events{gateway="gw-2",lane="telemetry"} 7',
  );
  expect(metrics).toContain('racktrace_twin_gateway_clock_synced{gateway="gw-2"} 1');
  const { stdout } = await run(["gateways", "--twin", http]);
  expect(stdout).toMatch(/gw-2 {2}not connected since .*\n.*90\.\d s ahead.*\n.*waiting there 7/);
});

test("the published description names every question, and each answer it gives is described", async () => {
  const { paths } = (await (
    await fetch(`${http}/openapi.json`, { headers: twin.headers })
  ).json()) as Json;
  const questions = Object.keys(paths).sort();

  // src/web/twin-api.ts is written from all of them, and a test compares it.
  expect(questions).toEqual(
    expect.arrayContaining(["/api/v1/where", "/api/v1/voids", "/api/v1/login", "/healthz"]),
  );
  for (const path of questions)
    for (const { summary } of Object.values<Json>(paths[path])) expect(summary).toBeTruthy();
});

test("pages are told what they may load, and an address that is nobody's is a problem with a next step", async () => {
  const page = await fetch(`${http}/`);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(page.headers.get("x-content-type-options")).toBe("nosniff");

  const nowhere = await ask("nowhere", {});
  expect(nowhere).toMatchObject({ status: 404, type: "application/problem+json; charset=utf-8" });
  const post = await fetch(`${http}/api/v1/where`, { method: "POST", body: "x".repeat(100_000) });
  expect(post.status).toBeGreaterThanOrEqual(400);
  expect(post.status).toBeLessThan(500);
});

test("headers without end are cut off, and the next question is answered", async () => {
  const { hostname, port } = new URL(http);
  const socket = connectSocket(Number(port), hostname);
  await once(socket, "connect");
  socket.on("error", () => {});
  socket.write(`GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(64 * 1024)}`);
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 431/);

  expect((await fetch(`${http}/healthz`)).status).toBe(200);
});

test("the command line answers as the API does, for one id and for many", async () => {
  const one = await run(["where", PAGE, "--json", "--twin", http]);
  expect(JSON.parse(one.stdout)).toEqual((await ask("where", { id: PAGE })).body);

  const plain = await run(["where", PAGE, "--twin", http]);
  expect(plain.stdout).toMatch(
    /is in +\(8003\)09521234005001F0001 › Shelf \d › Rack 1 › Archive › Moscow DC/,
  );

  const many = await run(["where", "-", "--twin", http], `${PAGE}\nnobody\n${FOLDER}\n`);
  expect(many.status).toBe(1);
  const lines = many.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ id, problem }) => [id, problem])).toEqual([
    [PAGE, undefined],
    ["nobody", expect.stringContaining("never seen")],
    [FOLDER, undefined],
  ]);

  const history = await run(["history", FOLDER, "--twin", http]);
  expect(history.stdout).toContain("Shelf 1");
  expect(history.status).toBe(0);
});

test("the command line says in a sentence what is wrong, and its exit status tells which kind of wrong", async () => {
  const unknown = await run(["where", "nobody", "--twin", http]);
  expect([unknown.status, unknown.stderr.split("\n")[0]]).toEqual([
    1,
    "nobody was never seen and is not registered.",
  ]);
  const silent = await run(["where", PAGE, "--twin", "http://127.0.0.1:9"]);
  expect([silent.status, silent.stderr]).toEqual([1, expect.stringContaining("TWIN_UNREACHABLE")]);
  const words = await run(["where", PAGE, "--at", "yesterday-ish", "--twin", http]);
  expect(words.status).toBe(2);
});

/** Scans of scn-1, each at so many seconds after the start; resolves when they are derived. */
async function scans(...read: readonly (readonly [code: string, second: number])[]): Promise<void> {
  const events = read.map(([code, second]) => {
    const gatewayTimeMs = startMs + second * 1_000;
    return scan(code, { gatewayTimeMs, monotonicMs: second * 1_000 });
  });
  const firstSeq = sent + 1;
  sent += events.length;
  await gateway.send({ firstSeq, events, sentAtMs: Date.now() });
  await gateway.ack("scans", ({ through }) => through >= sent);
  await until("they are derived", async () => {
    const health: Json = await (await fetch(`${http}/healthz`)).json();
    return health.lag === 0;
  });
}

async function watch(headers: Record<string, string> = {}) {
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const response = await fetch(`${http}/api/v1/live`, {
    headers: { ...twin.headers, ...headers },
    signal: stop.signal,
  });
  const events: StreamEvent[] = [];
  const cut = createEventCutter();
  void (async () => {
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? [])
      events.push(...cut(text));
  })().catch(() => {});
  return { events, stop: () => stop.abort() };
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of another program, checked by what is done with it
type Json = any;

async function ask(path: string, parameters: Record<string, string>) {
  const url = `${http}/api/v1/${path}?${new URLSearchParams(parameters)}`;
  const response = await fetch(url, { headers: twin.headers });
  const body: Json = await response.json();
  return { status: response.status, type: response.headers.get("content-type"), body };
}

function names(path: readonly { name: string; elementString: string }[]): readonly string[] {
  return path.map(({ name, elementString }) => name || elementString);
}
