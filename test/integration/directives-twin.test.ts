/** Directives on the twin's side: the real program, and a gateway that is pretended. */
import { copyFileSync, cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, onTestFinished, test, vi } from "vitest";
import { type Directive, decodeDirectives } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { connectGateway, event, type PretendedGateway } from "../support/pretended-gateway.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

// Whole programs and real clients: a busy machine takes its time to start them.
vi.setConfig({ testTimeout: 120_000 });

const WRITE = {
  gateway: "gw-1",
  device: "pump",
  kind: "write",
  what: { table: "holding", address: 7, values: [1] },
};

test("a directive reaches its gateway, again until its outcome has come, and is looked up by its id", async () => {
  const twin = await start(join(temporaryFolder(), "twin"));
  const gateway = await listen(twin, "gw-1");
  const other = await listen(twin, "gw-2");

  const given = await post(twin, WRITE);
  expect(given.status).toBe(201);
  const { id } = given.body;
  await until("it is told twice", () => gateway.heard.filter((one) => one.id === id).length >= 2, {
    timeoutMs: 15_000,
  });
  expect(gateway.heard[0]).toMatchObject({
    device: "pump",
    kind: "write",
    json: JSON.stringify(WRITE.what),
  });
  expect(gateway.heard[0]?.remainingMs).toBeGreaterThan(50_000);
  expect(other.heard).toEqual([]);
  expect(await state(twin, id)).toBe("waiting");

  // Whose it is not does not settle it.
  await other.tell(1, { id, outcome: "done", reason: "" });
  await gateway.tell(1, { id, outcome: "begun", reason: "" });
  await until("it is in hand", async () => (await state(twin, id)) === "begun");
  await gateway.tell(2, { id, outcome: "done", reason: "" });
  await until("it is done", async () => (await state(twin, id)) === "done");
  await gateway.tell(3, { id, outcome: "failed", reason: "too late" });
  expect(await state(twin, id)).toBe("done");
});

test("the same call again gives the same directive, and what is not clear is refused", async () => {
  const twin = await start(join(temporaryFolder(), "twin"));
  const first = await post(twin, WRITE, "k-1");
  const again = await post(twin, WRITE, "k-1");
  expect([first.status, again.status]).toEqual([201, 200]);
  expect(again.body.id).toBe(first.body.id);
  expect((await post(twin, { ...WRITE, device: "fan" }, "k-1")).status).toBe(422);
  expect(
    (await post(twin, { ...WRITE, what: { table: "input", address: 7, values: [1] } })).status,
  ).toBe(400);
  expect(
    (await post(twin, { ...WRITE, what: { table: "coil", address: 7, values: [70_000] } })).status,
  ).toBe(400);
  expect(
    (await post(twin, { ...WRITE, kind: "publish", what: { topic: "a/#", text: "x" } })).status,
  ).toBe(400);
  expect((await post(twin, { ...WRITE, kind: "explode" })).status).toBe(400);
  const asked = async (kind: string, what: object) =>
    (await post(twin, { gateway: "gw-1", device: "desk", kind, what })).status;
  expect(await asked("beep", {})).toBe(201);
  expect(await asked("beep", { times: 6 })).toBe(400);
  expect(await asked("beep", { pitch: "middle" })).toBe(400);
  expect(await asked("led", { on: true, color: "red" })).toBe(201);
  expect(await asked("led", { on: "yes" })).toBe(400);
  expect(await asked("text", { text: "x" })).toBe(201);
  expect(await asked("text", { text: "" })).toBe(400);
});

test("who gave a directive stands beside it, in the evidence and in the access log", async () => {
  const twin = await start(join(temporaryFolder(), "twin"));
  const { body } = await post(twin, WRITE);
  const { events } = await asked(twin, "events?limit=5000");
  const said = events.flatMap(({ statement }: { statement?: { kind: string; json: string } }) =>
    statement?.kind === "directive" ? [JSON.parse(statement.json)] : [],
  );
  expect(said).toMatchObject([{ device: "pump", by: expect.stringMatching(/./) }]);
  const { directives } = await asked(twin, "directives");
  expect(directives).toMatchObject([{ id: body.id, by: said[0].by }]);
  const { entries } = await asked(twin, "audit/access");
  expect(entries).toContainEqual(
    expect.objectContaining({ what: `POST /api/v1/directives ${body.id}` }),
  );
});

test("a twin that was killed goes on telling, and finds the outcomes that it missed in its evidence", async () => {
  const folder = join(temporaryFolder(), "twin");
  const twin = await start(folder);
  const before = await listen(twin, "gw-1");
  const waits = await post(twin, WRITE);
  const done = await post(twin, { ...WRITE, device: "fan" });
  await until("both are told", () => new Set(before.heard.map(({ id }) => id)).size === 2);
  await before.tell(1, { id: done.body.id, outcome: "done", reason: "" });
  await twin.kill();
  // As if it had died before it noted the outcome, and as the release left it that kept nobody's name.
  forgetOutcomes(join(folder, "directives.db"));
  forgetNames(join(folder, "directives.db"));

  const again = await start(folder);
  const after = await listen(again, "gw-1");
  await until("the one that waits is told", () => after.heard.length > 0);
  expect(after.heard.map(({ id }) => id)).toEqual([waits.body.id]);
  expect(await state(again, done.body.id)).toBe("done");
  const next = await post(again, WRITE);
  const { directives } = await asked(again, "directives");
  expect(directives.map(({ id, by }: { id: string; by: unknown }) => [id, by])).toEqual([
    [next.body.id, expect.stringMatching(/./)],
    [done.body.id, null],
    [waits.body.id, null],
  ]);
});

test("a twin that was restored from a copy of its evidence gives each directive a name of its own", async () => {
  const folder = join(temporaryFolder(), "twin");
  const twin = await start(folder);
  const before = await listen(twin, "gw-1");
  const first = await post(twin, WRITE);
  await before.tell(1, { id: first.body.id, outcome: "done", reason: "" });
  await until("it is done", async () => (await state(twin, first.body.id)) === "done");
  const copy = join(temporaryFolder(), "evidence.db");
  await copyEvidence(folder, copy);
  const done = await post(twin, { ...WRITE, device: "door" });
  await before.tell(2, { id: done.body.id, outcome: "done", reason: "" });
  await until("it is done", async () => (await state(twin, done.body.id)) === "done");
  const waits = await post(twin, { ...WRITE, device: "lamp", validForS: 600 });
  await twin.stop();

  restore(folder, copy);
  const restored = await start(folder);
  const gateway = await listen(restored, "gw-1");
  const given = await post(restored, { ...WRITE, device: "pump" }, "k-1");
  expect(given.status).toBe(201);
  await until("it is told", () => gateway.heard.some(({ id }) => id === given.body.id));
  expect(gateway.heard.filter(({ id }) => id === given.body.id)[0]?.device).toBe("pump");
  expect(await state(restored, given.body.id)).toBe("waiting");
  const again = await post(restored, { ...WRITE, device: "pump" }, "k-1");
  expect(again).toMatchObject({ status: 200, body: { id: given.body.id } });
  // The newest first, though the log has gone back behind the positions of those before.
  const devices: string[] = [];
  for (let page = await asked(restored, "directives?limit=1"); page.directives.length > 0; ) {
    devices.push(page.directives[0].device);
    if (page.next === null) break;
    page = await asked(restored, `directives?limit=1&cursor=${page.next}`);
  }
  expect(devices).toEqual(["pump", "lamp", "door", "pump"]);

  // An outcome that it misses now stands in the evidence before where its directive once stood.
  await gateway.tell(2, { id: waits.body.id, outcome: "done", reason: "" });
  await gateway.tell(3, { id: given.body.id, outcome: "done", reason: "" });
  await until("both are", async () => (await state(restored, given.body.id)) === "done");
  await restored.kill();
  forgetOutcomes(join(folder, "directives.db"), waits.body.id);
  expect(await state(await start(folder), waits.body.id)).toBe("done");
});

test("a twin whose whole folder was put back gives no directive the name of another one", async () => {
  const folder = join(temporaryFolder(), "twin");
  const twin = await start(folder);
  await post(twin, WRITE);
  await twin.stop();
  const copy = temporaryFolder();
  cpSync(folder, copy, { recursive: true });
  const ids: string[] = [];
  for (const device of ["door", "pump"]) {
    rmSync(folder, { recursive: true });
    cpSync(copy, folder, { recursive: true });
    const again = await start(folder);
    ids.push((await post(again, { ...WRITE, device })).body.id);
    await again.stop();
  }
  expect(new Set(ids).size).toBe(2);
});

test("what is over is told no more", async () => {
  const twin = await start(join(temporaryFolder(), "twin"));
  const { body } = await post(twin, { ...WRITE, validForS: 1 });
  await until("its time is over", async () => (await state(twin, body.id)) === "expired");
  const gateway = await listen(twin, "gw-1");
  const live = await post(twin, { ...WRITE, device: "fan" });
  await until("the other is told", () => gateway.heard.length > 0);
  expect(new Set(gateway.heard.map(({ id }) => id))).toEqual(new Set([live.body.id]));
});

async function start(data: string): Promise<Program> {
  const words = ["twin", "--data", data, "--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  const program = await startProgram(words, data);
  onTestFinished(() => program.kill());
  return program;
}

type Listening = {
  readonly heard: Directive[];
  tell(seq: number, outcome: { id: string; outcome: string; reason: string }): Promise<void>;
};

async function listen(twin: Program, name: string): Promise<Listening> {
  const gateway: PretendedGateway = await connectGateway(twin.address["broker"] ?? "", name);
  onTestFinished(() => gateway.end());
  const heard: Directive[] = [];
  gateway.client.removeAllListeners("message");
  gateway.client.on("message", (topic, bytes) => {
    if (topic.endsWith("/directive")) heard.push(...decodeDirectives(bytes));
  });
  await gateway.client.subscribeAsync(`racktrace/v1/${name}/directive`);
  return {
    heard,
    tell: (seq, outcome) =>
      gateway.send({
        epoch: `scans-${name}`,
        firstSeq: seq,
        events: [
          event(
            { kind: "statement", statement: "directive-outcome", json: JSON.stringify(outcome) },
            { device: "pump" },
          ),
        ],
      }),
  };
}

type Given = { readonly id: string; readonly repeated: boolean };

async function post(twin: Program, body: object, key?: string) {
  const answer = await fetch(`${twin.address["http"]}/api/v1/directives`, {
    method: "POST",
    headers: {
      ...twin.headers,
      "content-type": "application/json",
      ...(key !== undefined && { "idempotency-key": key }),
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Given };
}

async function state(twin: Program, id: string): Promise<string | undefined> {
  const url = `${twin.address["http"]}/api/v1/directives?id=${encodeURIComponent(id)}`;
  const answer = await fetch(url, { headers: twin.headers });
  const { directives } = (await answer.json()) as { directives: { state: string }[] };
  return directives[0]?.state;
}

// biome-ignore lint/suspicious/noExplicitAny: each answer has a shape of its own
async function asked(twin: Program, path: string): Promise<any> {
  const answer = await fetch(`${twin.address["http"]}/api/v1/${path}`, { headers: twin.headers });
  return await answer.json();
}

async function copyEvidence(folder: string, path: string): Promise<void> {
  const db = new Sqlite(join(folder, "evidence.db"), { readonly: true });
  await db.backup(path);
  db.close();
}

/** As the runbook has it. */
function restore(folder: string, copy: string): void {
  for (const name of ["evidence.db", "twin.db"])
    for (const suffix of ["", "-wal", "-shm"])
      rmSync(join(folder, `${name}${suffix}`), { force: true });
  copyFileSync(copy, join(folder, "evidence.db"));
}

function forgetOutcomes(path: string, id?: string): void {
  const db = new Sqlite(path);
  const what = "UPDATE directive SET outcome = NULL, outcome_at_ms = NULL WHERE ? IN (id, '')";
  db.prepare(what).run(id ?? "");
  db.close();
}

function forgetNames(path: string): void {
  const db = new Sqlite(path);
  db.exec("ALTER TABLE directive DROP COLUMN by; PRAGMA application_id = 0");
  db.close();
}
