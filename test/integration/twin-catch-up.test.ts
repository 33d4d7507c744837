/** A real twin that is killed between taking in and deriving, or loses its derived file. */
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../support/folder.ts";
import {
  connectGateway,
  type PretendedGateway,
  reading,
  scan,
} from "../support/pretended-gateway.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { rowsOf, valueIn } from "../support/tables.ts";
import { until } from "../support/until.ts";

const KILLS = 5;
const SHELF = "]C14149521234001003254R1-S1";

test("killed with acknowledged events not yet derived, the twin catches up to the rows of an undisturbed one", async () => {
  const folder = temporaryFolder();
  const events = story(3_000);
  let behind = 0;
  for (let sent = 0, kills = 0; sent < events.length; kills++) {
    const twin = await start(folder);
    const gateway = await connectGateway(String(twin.address["broker"]), "gw-1");
    await gateway.hello(["scans"]);
    const { through } = await gateway.ack("scans", () => true);
    expect(through).toBeGreaterThanOrEqual(sent);
    const last = kills < KILLS ? through + 500 : events.length;
    sent = await sendThrough(gateway, events, through, last);
    if (kills < KILLS) await twin.kill();
    else await settled(twin);
    await gateway.end();
    await twin.stop();
    if (valueIn<number>(derived(folder), REFLECTED) < sent) behind += 1;
  }
  expect(behind).toBeGreaterThan(0);

  const undisturbed = temporaryFolder();
  cpSync(join(folder, "evidence.db"), join(undisturbed, "evidence.db"));
  await (await start(undisturbed)).stop();

  expect(valueIn(derived(folder), REFLECTED)).toBe(events.length);
  expect(rowsOf(derived(folder))).toEqual(rowsOf(derived(undisturbed)));
}, 120_000);

test("what the transport has acknowledged is there after a kill in the same moment", async () => {
  const folder = temporaryFolder();
  const events = story(900);
  for (const sent of [0, 300, 600]) {
    const twin = await start(folder);
    const gateway = await connectGateway(String(twin.address["broker"]), "gw-1");
    await gateway.hello(["scans"]);
    expect(await gateway.ack("scans", () => true)).toMatchObject({ through: sent });

    await gateway.send({ firstSeq: sent + 1, events: events.slice(sent, sent + 300) });
    await twin.kill();
    await gateway.end();
  }
  const seqs = "SELECT group_concat(first_seq || '+' || events) FROM segment";
  expect(valueIn(join(folder, "evidence.db"), seqs)).toBe("1+300,301+300,601+300");
}, 60_000);

test("a writer that cannot write ends the twin with the reason; nothing it had acknowledged is missing then", async () => {
  const { folder } = await withEvents(100);
  const twin = await start(folder);
  const gateway = await connectGateway(String(twin.address["broker"]), "gw-1");
  const intruder = new Sqlite(join(folder, "evidence.db"));
  intruder.exec("BEGIN IMMEDIATE");
  const heard: string[] = [];
  const sending = gateway.send({ firstSeq: 101, events: story(200).slice(100) });
  void sending.then(
    () => heard.push("PUBACK"),
    () => {},
  );

  expect(await twin.ended).toBe(1);
  expect(twin.log()).toMatch(/STORE_FAILED: .*locked\nCheck the disk/);
  expect([heard, gateway.acks]).toEqual([[], []]);
  await gateway.end();

  intruder.exec("ROLLBACK");
  intruder.close();
  await (await start(folder)).stop();
  expect(valueIn(derived(folder), REFLECTED)).toBe(100);
}, 60_000);

test("a damaged derived file is set aside, and everything is derived anew from the evidence", async () => {
  const { folder, rows } = await withEvents(500);
  writeFileSync(derived(folder), "this was a database once");

  const twin = await start(folder);
  await twin.stop();

  expect(rowsOf(derived(folder))).toEqual(rows);
  expect(readdirSync(folder).some((name) => name.startsWith("twin.db.damaged-"))).toBe(true);
}, 60_000);

test("other policies make other rows: everything is derived anew", async () => {
  const { folder } = await withEvents(50);
  const config = join(folder, "twin.yaml");
  const shared = `version: 1\ndata: ${folder}\nhttp: { port: 0 }\nbroker: { port: 0 }\n`;
  writeFileSync(config, `${shared}policies: { sessionTimeoutSeconds: 5 }\n`);

  const twin = await startProgram(["twin", "--config", config], folder);
  await twin.stop();

  expect(twin.log()).toContain('"why":"recipe"');
  expect(valueIn(derived(folder), REFLECTED)).toBe(50);
}, 60_000);

test("damaged evidence is never emptied or replaced: the twin says what to do and stops", async () => {
  const { folder } = await withEvents(500);
  truncateSync(join(folder, "evidence.db"), 20_000);

  await expect(start(folder)).rejects.toThrow(/EVIDENCE_CORRUPT[\s\S]*backup/);

  expect(readdirSync(folder).filter((name) => name.startsWith("evidence.db"))).toContain(
    "evidence.db",
  );
}, 60_000);

test.each([
  ["gone", (path: string) => rmSync(path)],
  ["empty", (path: string) => truncateSync(path)],
])(
  "evidence that is %s, beside what was derived from it, is not begun anew: not at the next start either",
  async (_what, lose) => {
    const { folder, rows } = await withEvents(500);
    lose(join(folder, "evidence.db"));
    writeFileSync(join(folder, "evidence.db-wal"), "what was acknowledged last");

    for (const _start of ["first", "second"])
      await expect(start(folder)).rejects.toThrow(/EVIDENCE_CORRUPT.*evidence.db[\s\S]*backup/);

    expect(rowsOf(derived(folder))).toEqual(rows);
    expect(readFileSync(join(folder, "evidence.db-wal"), "utf8")).toContain("acknowledged last");
    // Whoever has no copy says so.
    for (const name of readdirSync(folder).filter((one) => /^(twin|evidence)[.]db/.test(one)))
      rmSync(join(folder, name));
    await (await start(folder)).stop();
  },
  60_000,
);

test("of evidence that is damaged behind its first page, and of a damaged list, it says the same", async () => {
  for (const [name, fault] of [
    ["access.db", "LIST_CORRUPT"],
    ["evidence.db", "EVIDENCE_CORRUPT"],
  ] as const) {
    const folder = temporaryFolder();
    await (await start(folder)).stop();
    const path = join(folder, name);
    const damaged = readFileSync(path).fill("?", 4_096);
    writeFileSync(path, damaged);
    for (const log of ["-wal", "-shm"]) rmSync(path + log, { force: true });
    await expect(start(folder)).rejects.toThrow(new RegExp(`${fault}.*${name}[^]*backup`));
    expect(readFileSync(path).includes(damaged.subarray(4_096))).toBe(true);
  }
}, 60_000);

test("a data folder serves one twin, and a taken port is said by name", async () => {
  const folder = temporaryFolder();
  const twin = await start(folder);
  onTestFinished(async () => void (await twin.stop()));

  await expect(start(folder)).rejects.toThrow("DATA_IN_USE");

  const other = temporaryFolder();
  const taken = String(twin.address["http"]).replace("http://", "");
  const words = ["twin", "--data", other, "--http", taken, "--broker", "127.0.0.1:0"];
  await expect(startProgram(words, other)).rejects.toThrow(/PORT_TAKEN.*\n.*Stop it/);
}, 60_000);

const REFLECTED = "SELECT position FROM reflected";
const derived = (folder: string) => join(folder, "twin.db");

async function start(folder: string): Promise<Program> {
  mkdirSync(folder, { recursive: true });
  const words = ["twin", "--data", folder, "--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  return startProgram(words, folder);
}

async function withEvents(count: number) {
  const folder = temporaryFolder();
  const twin = await start(folder);
  const gateway = await connectGateway(String(twin.address["broker"]), "gw-1");
  await sendThrough(gateway, story(count), 0, count);
  await settled(twin);
  await gateway.end();
  await twin.stop();
  return { folder, rows: rowsOf(derived(folder)) };
}

async function settled(twin: Program): Promise<void> {
  await until("all is derived", async () => {
    const health = await (await fetch(`${twin.address["http"]}/healthz`)).json();
    return (health as { lag: number }).lag === 0;
  });
}

/** Sends (through, last] as one batch; returns what the twin has acknowledged then. */
async function sendThrough(
  gateway: PretendedGateway,
  events: readonly Uint8Array[],
  through: number,
  last: number,
): Promise<number> {
  let acknowledged = through;
  while (acknowledged < last) {
    const part = events.slice(acknowledged, Math.min(last, acknowledged + 1_000));
    const from = gateway.acks.length;
    await gateway.send({ firstSeq: acknowledged + 1, events: part });
    const expected = acknowledged + part.length;
    acknowledged = (await gateway.ack("scans", (ack) => ack.through >= expected, from)).through;
  }
  return acknowledged;
}

/** Pages go into folders and these onto a shelf, with readings in between. */
function story(count: number): Uint8Array[] {
  const startMs = Date.UTC(2026, 10, 22, 8);
  return Array.from({ length: count }, (_, n) => {
    const at = { gatewayTimeMs: startMs + n * 100, monotonicMs: n * 100 };
    const serial = String(Math.floor(n / 5)).padStart(6, "0");
    switch (n % 5) {
      case 0:
        return scan(`]d22539521234000013${serial}P01`, at);
      case 1:
        return scan(`]d22539521234000013${serial}P02`, at);
      case 2:
        return scan(`]d2800309521234005001F${String(Math.floor(n / 50)).padStart(4, "0")}`, at);
      case 3:
        return scan(SHELF, at);
      default:
        return reading(20 + (n % 7) / 10, { ...at, sourceTimeMs: startMs + n * 100 });
    }
  });
}
