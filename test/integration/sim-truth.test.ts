/**
 * Whether the simulator's truth is what its devices told: a reader who knows nothing but the bytes
 * on the ttys and the packets at the broker must come to the same end. The small twin at the bottom
 * was written for this test and shares nothing with the product or the simulator.
 */
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { Aedes } from "aedes";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { temporaryFolder } from "../support/folder.ts";
import { readPorts, readTruth, startSimulator } from "../support/simulator.ts";
import { until } from "../support/until.ts";

const SCENARIOS = new URL("../../firmware-sim/scenarios", import.meta.url).pathname;
const ROUGH = join(SCENARIOS, "rough-day.yaml");
const CHECK = new URL("../../firmware-sim/check.ts", import.meta.url).pathname;

test("through pulled cables, noise and bounces the labels tell where every page is and was", {
  timeout: 120_000,
}, async () => {
  const day = await liveDay(["--pages", "40", "--seed", "5"]);

  const finals = day.truth.filter(({ kind }) => kind === "final");
  expect(finals).toHaveLength(40);
  for (const { id, path } of finals) {
    expect(day.twin.pathOf(id)).toEqual(path);
    const moves = day.truth.filter((line) => line.kind === "move" && line.id === id);
    expect(day.twin.movesOf(id)).toEqual(moves.map((line) => line.path[0]));
  }
  expect(day.counts).toMatchObject({ pages: 40 });
  expect(day.counts["unplugs"]).toBeGreaterThan(0);
  expect(day.counts["bounces"]).toBeGreaterThan(0);
  expect(day.counts["noises"]).toBeGreaterThan(0);
});

test("the truth ends with what its moves add up to, also when the day is cut short", {
  timeout: 60_000,
}, async () => {
  const day = await liveDay(["--seed", "6", "--duration", "4"]);

  const parents = new Map(
    day.truth.filter(({ kind }) => kind === "move").map(({ id, path }) => [id, path[0] ?? ""]),
  );
  const finals = day.truth.filter(({ kind }) => kind === "final");
  expect(finals.length).toBeGreaterThan(0);
  for (const { id, path } of finals) {
    expect(path[0]).toBe(parents.get(id));
    const container = path[0] ?? "";
    if (parents.has(container)) expect(path[1]).toBe(parents.get(container));
  }
  expect(finals.filter(({ id, path }) => day.twin.pathOf(id).join() !== path.join())).toEqual([]);
});

test("a reading is in the truth once, when the broker has acknowledged it, however often it was sent", {
  timeout: 120_000,
}, async () => {
  const broker = await startBroker();
  const climate = () => broker.packets.filter(({ topic }) => topic.endsWith("climate"));

  // A connection has broken by then, and what was said meanwhile was said again.
  const day = await liveDay(["--mqtt", broker.url], () =>
    until(
      "enough was said, repeated and retained",
      () =>
        new Set(climate().map(({ payload }) => payload)).size > 40 &&
        broker.packets.some(({ dup }) => dup) &&
        broker.packets.some(({ retain }) => retain),
      { timeoutMs: 50_000 },
    ),
  );

  const told = day.truth.filter(({ kind, property }) => kind === "reading" && property !== "power");
  const temperatures = told.filter(({ property }) => property === "temperature");
  const received = new Set(climate().map(({ payload }) => payload));
  expect(day.counts["cuts"]).toBeGreaterThan(0);
  expect(broker.packets.some(({ dup }) => dup)).toBe(true);
  expect(broker.packets.some(({ retain }) => retain)).toBe(true);
  expect(temperatures.length).toBeGreaterThan(20);
  // What the broker holds and never acknowledged may be missing in the truth, nothing else.
  expect(received.size - temperatures.length).toBeGreaterThanOrEqual(0);
  expect(received.size - temperatures.length).toBeLessThanOrEqual(2);
  const drifting = [...received].map(
    (payload) => JSON.parse(payload) as { id: string; ts?: number },
  );
  expect(drifting.filter(({ id }) => id.startsWith("clim-dock")).every(({ ts }) => !ts)).toBe(true);
  const late = drifting.find(({ ts }) => ts !== undefined);
  expect(Math.abs(Date.now() - 7_200_000 - (late?.ts ?? 0))).toBeLessThan(60_000);
});

test("the checker finds the one page that a twin has wrong, and the one it does not have", async () => {
  const file = join(temporaryFolder(), "truth.jsonl");
  const ids = Array.from({ length: 12 }, (_, at) => `(253)9521234000013N00001P${at + 10}`);
  const right = new Map(ids.map((id) => [id, ["(8003)09521234005001F0001", "(414)9521234000105"]]));
  for (const [id, path] of right)
    appendFileSync(file, `${JSON.stringify({ kind: "final", id, path })}\n`);
  const [wrong, unknown] = [...right.keys()];

  const agreed = await check(file, right);
  right.set(wrong as string, ["(414)9521234001003(254)R01"]);
  right.delete(unknown as string);
  const disputed = await check(file, right);

  expect(agreed).toEqual({ status: 0, told: { pages: 12, equal: 12, different: 0, missing: 0 } });
  expect(disputed).toEqual({ status: 1, told: { pages: 12, equal: 10, different: 1, missing: 1 } });
});

/** `over`: when the day is cut short, if it is. */
async function liveDay(words: readonly string[], over?: () => Promise<void>) {
  const folder = temporaryFolder();
  const file = join(folder, "truth.jsonl");
  const simulator = startSimulator([
    ...["--scenario", ROUGH, "--speed", "5000"],
    ...["--ports", join(folder, "ports"), "--truth", file, ...words],
  ]);
  onTestFinished(simulator.stop);
  const stop = new AbortController();
  const twin = createSmallTwin();
  const reading = readPorts(await simulator.ready, stop.signal, twin.hear);
  await over?.().finally(simulator.stop);
  const counts = await simulator.done;
  stop.abort();
  await reading;
  return { twin, counts, truth: readTruth(file) };
}

async function startBroker() {
  const broker = await Aedes.createBroker();
  const packets: { topic: string; payload: string; dup: boolean; retain: boolean }[] = [];
  // Some time passes before the acknowledgement, as with a disk: time in which connections break.
  broker.authorizePublish = (_client, { topic, payload, dup, retain }, done) => {
    packets.push({ topic, payload: payload.toString(), dup, retain });
    setTimeout(done, 20, null);
  };
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    broker.close();
    server.close();
  });
  return { packets, url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Runs the checker against a twin that answers with these paths. */
async function check(truth: string, paths: ReadonlyMap<string, readonly string[]>) {
  const server = createHttpServer((request, response) => {
    const id = new URL(request.url ?? "", "http://twin").searchParams.get("id") ?? "";
    const path = paths.get(id)?.map((elementString) => ({ elementString }));
    response.statusCode = path === undefined ? 404 : 200;
    response.end(JSON.stringify(path ? { path, state: "placed" } : { detail: "never seen" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const twin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const child = spawn(process.execPath, [CHECK, "--truth", truth, "--twin", twin], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const status = await new Promise((resolve) => child.once("close", resolve));
  server.close();
  return { status, told: JSON.parse(output) };
}

const SITE = "(414)9521234000105";
const BUILDING = "(414)9521234001003(254)";

/** Hears bytes, knows each scanner's step and framing, and follows item-first chains. */
function createSmallTwin() {
  const { scanners } = parse(readFileSync(ROUGH, "utf8")) as {
    scanners: { id: string; role: string; suffix: string }[];
  };
  const parents = new Map<string, string>();
  const moves: { readonly id: string; readonly into: string }[] = [];
  const lines = new Map(
    scanners.map(({ id, role, suffix }) => [
      id,
      { role, end: suffix === "stx-etx" ? "\u0003" : /\r\n|\r|\n/, held: "", ...freshChain() },
    ]),
  );

  function move(id: string, into: string): void {
    if (parents.get(id) !== into) moves.push({ id, into });
    parents.set(id, into);
  }

  function hear(scanner: string, bytes: Uint8Array): void {
    const line = lines.get(scanner);
    if (line === undefined) throw new Error(`nobody knows ${scanner}`);
    line.held += new TextDecoder("latin1").decode(bytes);
    const frames = line.held.split(line.end);
    line.held = frames.pop() ?? "";
    for (const frame of frames) {
      // A pulled cable leaves half a label before the whole one: what counts is the last beginning.
      const text = /.*\](?:C1|d2|Q3)(.+)$/s.exec(frame)?.[1];
      if (text !== undefined) understand(line, elementOf(text));
    }
  }

  function understand(line: ReturnType<typeof freshChain> & { role: string }, key: string): void {
    switch (line.role) {
      case "print":
      case "sign":
        if (rankOf(key) === 4) line.place = key;
        else move(key, line.place);
        return;
      case "depart":
        move(key, "carrier:house-courier");
        return;
      case "receive":
        move(key, `${BUILDING}ARCH`);
        return;
      default:
        chain(line, key);
    }
  }

  /** Whatever waits goes into the first thing of a higher rank; that one waits in its turn. */
  function chain(line: ReturnType<typeof freshChain>, key: string): void {
    const rank = rankOf(key);
    const higher = line.waiting.length > 0 && line.waiting.every((each) => rankOf(each) < rank);
    if (higher) for (const each of line.waiting) move(each, key);
    if (higher && rank === 2 && !parents.has(key)) move(key, `${BUILDING}ARCH`);
    const samePile = rank === 0 && line.waiting.every((each) => rankOf(each) === 0);
    line.waiting = samePile ? [...line.waiting, key] : [key];
  }

  function pathOf(key: string): string[] {
    const parent = parents.get(key) ?? roomOf(key);
    return parent === undefined ? [] : [parent, ...pathOf(parent)];
  }

  const movesOf = (id: string) => moves.filter((each) => each.id === id).map(({ into }) => into);
  return { hear, pathOf, movesOf };
}

function freshChain(): { waiting: string[]; place: string } {
  return { waiting: [], place: "" };
}

function elementOf(text: string): string {
  if (text.startsWith("414")) return `(414)${text.slice(3, 16)}(254)${text.slice(19)}`;
  const ai = ["253", "8003", "00"].find((each) => text.startsWith(each)) ?? "";
  return `(${ai})${text.slice(ai.length)}`;
}

function rankOf(element: string): number {
  if (element.startsWith("(253)")) return 0;
  if (!element.startsWith("(414)")) return 2;
  return /\(254\)R\d+$/.test(element) ? 5 : 4;
}

/** What the signs in the building say: desks in the office, shelves in racks, racks in the archive. */
function roomOf(element: string): string | undefined {
  const name = element.split("(254)")[1];
  if (name === undefined) return undefined;
  if (name.startsWith("DESK-")) return `${BUILDING}OFFICE`;
  if (/^R\d+-S\d+$/.test(name)) return `${BUILDING}${name.split("-")[0]}`;
  return /^R\d+$/.test(name) ? `${BUILDING}ARCH` : SITE;
}
