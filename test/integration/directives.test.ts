/** What the twin wants done: told by the real twin, done by the real gateway and a simulated slave. */
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Aedes } from "aedes";
import { connectAsync } from "mqtt";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type Asked, openModbusTcp, type Spoilt } from "../../firmware-sim/modbus-slave.ts";
import { type Act, type Acted, createDirectiveBox } from "../../src/gateway/directives.ts";
import { createWaitingActs } from "../../src/gateway/waiting-acts.ts";
import { chance, createClock } from "../../src/io/clock.ts";
import { openOutboxThread } from "../../src/io/outbox-thread.ts";
import type { OutboxPort, Refusal } from "../../src/ports.ts";
import { outboxLimits } from "../../src/store/outbox.ts";
import { decodeEvent, encodeDirectives } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { freePort, type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

// Whole programs and real clients: a busy machine takes its time to start them.
vi.setConfig({ testTimeout: 120_000 });

const WRITE_CODE = 6;

describe("with the real programs", () => {
  test("a register is written, a message is published, and both outcomes come back", async () => {
    const site = await start();
    const write = await site.post({
      device: "pump",
      kind: "write",
      what: { table: "holding", address: 7, values: [42] },
    });
    await until("it is done", async () => (await site.state(write)) === "done");
    expect(site.holdings[7]).toBe(42);

    const device = await connectAsync(site.gateway.address["mqtt"] ?? "", { clientId: "panel" });
    onTestFinished(() => device.endAsync(true));
    const heard: string[] = [];
    device.on("message", (topic, bytes) => heard.push(`${topic} ${bytes}`));
    await device.subscribeAsync("racktrace/panel/show", { qos: 1 });
    const publish = await site.post({
      device: "mqtt",
      kind: "publish",
      what: { topic: "racktrace/panel/show", text: "WRONG SHELF" },
    });
    await until("it is done", async () => (await site.state(publish)) === "done");
    await until("the device hears it", () => heard.length === 1);
    expect(heard).toEqual(["racktrace/panel/show WRONG SHELF"]);
  });

  test("what cannot be done says why", async () => {
    const site = await start();
    const nobody = await site.post({
      device: "ghost",
      kind: "write",
      what: { table: "coil", address: 0, values: [1] },
    });
    await until("it has failed", async () => (await site.state(nobody)) === "failed");
    expect(await site.reason(nobody)).toBe("no device here is called ghost");
    const refused = await site.post({
      device: "pump",
      kind: "write",
      what: { table: "holding", address: 9, values: [1] },
    });
    await until("it has failed", async () => (await site.state(refused)) === "failed");
    expect(await site.reason(refused)).toContain("Modbus exception 2");
  });

  test("a gateway that is killed while the device acts does it once, and says that it does not know", async () => {
    const site = await start(({ code, answer }) =>
      code === WRITE_CODE ? [] : [{ afterMs: 0, bytes: answer }],
    );
    const id = await site.post({
      device: "pump",
      kind: "write",
      what: { table: "holding", address: 7, values: [42] },
    });
    await until("the slave is asked", () => site.writes() === 1);
    await site.gateway.kill();

    await site.restart();
    await until("its outcome is known", async () => (await site.state(id)) === "uncertain", {
      timeoutMs: 20_000,
    });
    expect(site.writes()).toBe(1);
    expect(await site.reason(id)).toContain("stopped while it was being done");
  });
});

test("a broker that is away is waited for, and a stop ends nothing that waits for it", async () => {
  const port = await freePort();
  const site = await start(undefined, port);
  const order = { device: "hall", kind: "publish", what: { topic: "panel", text: "HERE" } };
  const id = await site.post(order);
  const marker = await site.post({ device: "ghost", kind: "publish", what: order.what });
  await until("what came with it is told", async () => (await site.state(marker)) === "failed");
  expect(await site.state(id)).toBe("waiting");

  const heard: string[] = [];
  const end = await openHall(port, heard);
  await until("it is done", async () => (await site.state(id)) === "done", { timeoutMs: 40_000 });
  expect(heard).toEqual(["panel HERE"]);
  await end();
  const waits = await site.post(order);
  await site.gateway.stop();
  await site.restart();
  await openHall(port, heard);
  await until("it is done", async () => (await site.state(waits)) === "done", {
    timeoutMs: 40_000,
  });
  expect(heard).toEqual(["panel HERE", "panel HERE"]);
});

describe("the box by itself", () => {
  test("a directive that is told again and again is done once", async () => {
    const box = await open();
    for (let times = 0; times < 5; times++) box.tell("d-1");
    await until("its outcome is stored", () => box.outcomes().length === 2);
    box.tell("d-1");
    box.tell("d-2");
    await until("the other's too", () => box.outcomes().length === 4);
    expect(box.outcomes()).toEqual(["d-1 begun", "d-1 done", "d-2 begun", "d-2 done"]);
    expect(box.acts).toEqual(["d-1", "d-2"]);
  });

  test("another life of the gateway knows what was done, and does not unsay it", async () => {
    const first = await open();
    first.tell("d-1");
    await until("it is done", () => first.outcomes().length === 2);
    const second = await open(first.outbox);
    second.tell("d-1");
    second.tell("d-3");
    await until("the new one is done", () => second.acts.length === 1);
    await second.close();
    await until("all is stored", () => second.outcomes().length === 4);
    expect(second.acts).toEqual(["d-3"]);
    expect(second.outcomes()).toEqual(["d-1 begun", "d-1 done", "d-3 begun", "d-3 done"]);
    expect([first.counted, second.counted]).toEqual([["done"], ["done"]]);
  });

  test("what cannot be remembered is not done, and is done when it is told again and can be", async () => {
    const box = await open();
    box.refuse("full");
    box.tell("d-1");
    await until("it was refused", () => box.refusals() === 1);
    expect(box.acts).toEqual([]);
    box.refuse(undefined);
    await until("it is done", () => {
      box.tell("d-1");
      return box.acts.length > 0;
    });
    await box.close();
    expect(box.acts).toEqual(["d-1"]);
  });

  test("an outcome waits for the disk, and is told then", async () => {
    const box = await open();
    box.whenActing(() => box.refuse("failed"));
    box.tell("d-1");
    await until("its outcome was refused", () => box.refusals() > 1);
    box.refuse(undefined);
    await until("its outcome is stored", () => box.outcomes().length === 2);
    expect(box.outcomes()).toEqual(["d-1 begun", "d-1 done"]);
  });

  test("a stop waits neither for a device that never answers nor for a disk that takes nothing", async () => {
    const box = await open();
    box.serve("stone", async (_order, _over, begin) => {
      await begin();
      return new Promise(() => undefined);
    });
    box.tell("d-1", 60_000, "stone");
    await until("it is begun", () => box.outcomes().length === 1);
    box.whenActing(() => box.refuse("failed"));
    box.tell("d-2");
    await until("an outcome was refused", () => box.refusals() > 0);
    const startedMs = performance.now();
    await box.close();
    // What is in hand would take a minute.
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test("what only waits is not begun and not ended by a stop, and the next life does it", async () => {
    const first = await open();
    first.serve("desk", waitsFor("nothing"));
    first.tell("d-1", 60_000, "desk");
    first.tell("d-2");
    await until("the other is done", () => first.outcomes().length === 2);
    await first.close();
    const second = await open(first.outbox);
    second.serve("desk", waitsFor("its turn"));
    second.tell("d-1", 60_000, "desk");
    await until("it is done", () => second.outcomes().length === 4);
    expect(second.outcomes()).toEqual(["d-2 begun", "d-2 done", "d-1 begun", "d-1 done"]);
  });

  test("what waits for a device that is configured anew is done when it is told again", async () => {
    const box = await open();
    const release = box.serve("desk", waitsFor("nothing"));
    box.tell("d-1", 60_000, "desk");
    release();
    // Between its end and its new beginning.
    await new Promise((resolve) => setTimeout(resolve, 50));
    box.tell("d-1", 60_000, "desk");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(box.outcomes()).toEqual([]);
    box.serve("desk", waitsFor("its turn"));
    await until("it is done", () => {
      box.tell("d-1", 60_000, "desk");
      return box.outcomes().length === 2;
    });
    expect(box.outcomes()).toEqual(["d-1 begun", "d-1 done"]);
  });

  test("what was begun by a gateway that was killed is uncertain, whoever is there now", async () => {
    const first = await open();
    first.serve("stone", async (_order, _over, begin) => {
      await begin();
      return new Promise(() => undefined);
    });
    first.tell("d-1", 60_000, "stone");
    first.tell("d-2", 60_000, "stone");
    await until("both are begun", () => first.outcomes().length === 2);
    const second = await open(first.outbox);
    second.tell("d-1", 60_000, "stone");
    await until("it is told", () => second.outcomes().length === 3);
    second.serve("stone", waitsFor("nothing"));
    second.tell("d-2", 200, "stone");
    await until("it is told", () => second.outcomes().length === 4);
    expect(second.outcomes().slice(2)).toEqual(["d-1 uncertain", "d-2 uncertain"]);
  });

  test("what is over is not begun, and bytes that are no directives harm nobody", async () => {
    const box = await open();
    box.tell("late", 0);
    box.hear(Uint8Array.of(255, 255));
    box.tell("d-1");
    await until("it is done", () => box.outcomes().length === 2);
    expect(box.acts).toEqual(["d-1"]);
  });
});

/** A device whose line can be used after a while, or never. */
function waitsFor(what: "its turn" | "nothing"): Act {
  const waiting = createWaitingActs<string>({ outcome: "failed", reason: "late" });
  return ({ kind }, over, begin) => {
    const acted = waiting.put(kind, over, begin);
    if (what === "its turn")
      void waiting.take().then((act) => act?.settle({ outcome: "done", reason: "" }));
    return acted;
  };
}

/** A broker of somebody else; the returned function ends it. */
async function openHall(port: number, heard: string[]): Promise<() => Promise<void>> {
  const broker = await Aedes.createBroker();
  broker.on("publish", ({ topic, payload }, client) => {
    if (client) heard.push(`${topic} ${payload}`);
  });
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
  let ended = false;
  const end = async () => {
    if (ended) return;
    ended = true;
    await new Promise<void>((resolve) => broker.close(resolve));
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  onTestFinished(end);
  return end;
}

async function start(spoil?: (asked: Asked) => Spoilt | undefined, hallPort?: number) {
  const folder = temporaryFolder();
  const holdings: Record<number, number> = { 0: 1, 7: 0 };
  let writes = 0;
  const slave = await openModbusTcp({
    slaves: new Map([[1, { holdings }]]),
    onAsked: ({ code }) => {
      if (code === WRITE_CODE) writes += 1;
    },
    ...(spoil && { spoil }),
  });
  onTestFinished(() => slave.close());
  const twinData = join(folder, "twin");
  const twin = await startProgram(
    ["twin", "--data", twinData, "--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"],
    twinData,
  );
  onTestFinished(() => twin.kill());
  const data = join(folder, "gateway");
  const file = join(folder, "gateway.yaml");
  const url = `mqtt://127.0.0.1:${hallPort}`;
  const hall =
    hallPort === undefined ? "" : `, sources: [{ id: hall, url: "${url}", topics: [hall] }]`;
  writeFileSync(
    file,
    `
version: 1
gateway: gw-1
data: ${data}
http: { port: 0 }
twin: { url: "${twin.address["broker"]}" }
mqtt: { port: 0${hall} }
modbus:
  - id: bus
    path: tcp://127.0.0.1:${slave.port}
    carrier: tcp
    timeoutMs: 3000
    slaves: [ { id: pump, slave: 1, everyMs: 60000, registers: [ { table: holding, address: 0, property: speed, unit: "1" } ] } ]
`,
  );
  const run = async (): Promise<Program> => {
    const program = await startProgram(["gateway", "--config", file], data);
    onTestFinished(() => program.kill());
    return program;
  };
  let gateway = await run();
  const api = `${twin.address["http"]}/api/v1/directives`;
  type Row = { readonly id: string; readonly state: string; readonly reason: string };
  const find = async (id: string): Promise<Row | undefined> => {
    const answer = await fetch(`${api}?id=${encodeURIComponent(id)}`, { headers: twin.headers });
    return ((await answer.json()) as { directives: Row[] }).directives[0];
  };
  return {
    holdings,
    writes: () => writes,
    get gateway() {
      return gateway;
    },
    async restart() {
      gateway = await run();
    },
    async post(order: object): Promise<string> {
      const answer = await fetch(api, {
        method: "POST",
        headers: { ...twin.headers, "content-type": "application/json" },
        body: JSON.stringify({ gateway: "gw-1", ...order }),
      });
      expect(answer.status).toBe(201);
      return ((await answer.json()) as Row).id;
    },
    state: async (id: string) => (await find(id))?.state,
    reason: async (id: string) => (await find(id))?.reason,
  };
}

async function open(outbox?: OutboxPort) {
  const clock = createClock();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const kept = outbox ?? (await openKept());
  let refusal: Refusal | undefined;
  let refusals = 0;
  const watched: OutboxPort = {
    ...kept,
    async put(lane, events) {
      if (refusal !== undefined) {
        refusals += 1;
        return { ok: false, why: refusal };
      }
      return kept.put(lane, events);
    },
  };
  const counted: string[] = [];
  const record = { acted: (outcome: string) => void counted.push(outcome) };
  const box = createDirectiveBox({ clock, chance, journal, outbox: watched, record });
  const acts: string[] = [];
  let acting: () => void = () => undefined;
  box.serve("pump", async ({ what }, _over, begin): Promise<Acted> => {
    if (!(await begin())) return { outcome: "failed", reason: "not begun" };
    acts.push(String(what["id"]));
    acting();
    return { outcome: "done", reason: "" };
  });
  onTestFinished(() => box.close());
  let rows: readonly string[] = [];
  const look = setInterval(() => {
    void kept.peek("scan", 1, { events: 1_000, bytes: 1_000_000 }).then(({ events }) => {
      rows = events.flatMap((bytes) => {
        const { body } = decodeEvent(bytes);
        if (body.kind !== "statement") return [];
        const { id, outcome } = JSON.parse(body.json) as { id: string; outcome: string };
        return [`${id} ${outcome}`];
      });
    });
  }, 10);
  onTestFinished(() => clearInterval(look));
  return {
    outbox: kept,
    acts,
    counted,
    close: box.close,
    hear: box.hear,
    outcomes: () => rows,
    refusals: () => refusals,
    refuse(why: Refusal | undefined) {
      refusal = why;
    },
    whenActing(then: () => void) {
      acting = then;
    },
    serve: box.serve,
    tell(id: string, remainingMs = 60_000, device = "pump") {
      box.hear(
        encodeDirectives([
          { id, device, kind: "write", json: JSON.stringify({ id }), remainingMs },
        ]),
      );
    },
  };
}

async function openKept(): Promise<OutboxPort> {
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  const outbox = await openOutboxThread({ journal }, { folder: temporaryFolder(), limits });
  onTestFinished(() => outbox.close());
  return outbox;
}
