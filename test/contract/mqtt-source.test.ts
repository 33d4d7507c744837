/**
 * A broker of somebody else as the source: what MQTT.js must go on doing for us, against aedes, which
 * tells of each acknowledgement; and the whole way against mosquitto, which is neither ours nor written
 * in JavaScript.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Aedes, type Client } from "aedes";
import { connectAsync } from "mqtt";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { runSource } from "../../src/gateway/broker-source.ts";
import type { Act } from "../../src/gateway/directives.ts";
import { createIntake } from "../../src/gateway/intake.ts";
import { createSensors } from "../../src/gateway/sensors.ts";
import { chance, createClock } from "../../src/io/clock.ts";
import { createSourceOpener } from "../../src/io/mqtt-source.ts";
import type { OutboxPort } from "../../src/ports.ts";
import { decodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";
import { freePort } from "../support/programs.ts";
import { until } from "../support/until.ts";
import { hasProgram, wanted } from "../support/wanted.ts";

// Whole programs and real clients: a busy machine takes its time to start them.
vi.setConfig({ testTimeout: 120_000 });

test("thirty messages come without one acknowledgement, and all are acknowledged in order once they are on disk", async () => {
  const broker = await openAedes();
  const gateway = start(`mqtt://127.0.0.1:${broker.port}`);
  await until("it listens", () => gateway.state() === "open");
  const release = gateway.hold();
  const device = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
  onTestFinished(() => device.endAsync(true));
  const numbers = Array.from({ length: 30 }, (_, at) => `${at}`);
  for (const number of numbers) await device.publishAsync("dc1/s1/power", number, { qos: 1 });

  await until("all wait for the disk", () => gateway.waiting() === 30);
  expect(broker.acknowledged).toEqual([]);

  release();
  await until("all are acknowledged", () => broker.acknowledged.length === 30);
  expect(broker.acknowledged).toEqual(broker.acknowledged.toSorted((a, b) => a - b));
  expect(gateway.values()).toEqual(numbers.map(Number));
});

test("what the twin wants published there waits for a broker that is away, and ends with its own time only", async () => {
  const port = await freePort();
  const gateway = start(`mqtt://127.0.0.1:${port}`);
  await until("it has tried", () => !["opening", undefined].includes(gateway.state()));
  const waits = gateway.publish("dc1/s9/power", "9");
  const ends = gateway.publish("dc1/s9/power", "8", AbortSignal.timeout(50));
  expect(await ends).toEqual({
    outcome: "failed",
    reason: "its time was over before the broker was there",
  });
  await openAedes(port);
  expect(await waits).toEqual({ outcome: "done", reason: "" });
  await until("it comes back as everybody hears it", () => gateway.values().includes(9));
  expect(gateway.values()).toEqual([9]);
});

const hasMosquitto = wanted(
  "a source with a broker of another maker",
  hasProgram("mosquitto", "-h"),
  "apt-get install mosquitto",
);

describe.skipIf(!hasMosquitto)("mosquitto", () => {
  test("what could not be kept is not acknowledged, and comes again, once, in order", async () => {
    const broker = await openMosquitto();
    const gateway = start(broker.url);
    await until("it listens", () => gateway.state() === "open");
    await broker.publish("1");
    await until("it is stored", () => gateway.values().length === 1);

    gateway.outbox.refuse("full");
    for (const value of ["2", "3", "4"]) await broker.publish(value);
    // Absent for a moment only: the next try hears the same messages before it is begun, and is faulted.
    await until("it has turned away", () => gateway.state() !== "open");
    gateway.outbox.refuse(undefined);

    await until("all came again", () => gateway.values().length === 4, { timeoutMs: 20_000 });
    expect(gateway.values()).toEqual([1, 2, 3, 4]);
  });

  test("what came while nobody listened is heard afterwards, and the broker's restart is waited out", async () => {
    const broker = await openMosquitto();
    const first = start(broker.url);
    await until("it listens", () => first.state() === "open");
    await first.stop();
    await broker.publish("5");
    const gateway = start(broker.url);
    await until("it is heard", () => gateway.values().length === 1);

    await broker.restart();
    await until("it has noticed", () => gateway.state() !== "open" || gateway.connections() > 1);
    await until("it listens again", () => gateway.state() === "open", { timeoutMs: 20_000 });
    await broker.publish("6");
    await until("it hears again", () => gateway.values().length === 2);
  });

  test("what is not asked for any more is taken no more, though the broker goes on with the session", async () => {
    const broker = await openMosquitto();
    const first = start(broker.url, ["dc1/#", "dc2/#"]);
    await until("it listens", () => first.state() === "open");
    await first.stop();
    const gateway = start(broker.url);
    await until("it listens", () => gateway.state() === "open");
    await broker.publish("1", ["-t", "dc2/s1/other"]);
    await broker.publish("2");
    await until("what is asked for is stored", () => gateway.values().length === 1);
    expect(gateway.intake.counters).toMatchObject({ unasked: 1, quarantined: 0, accepted: 1 });
  });

  test("a filter that a new configuration leaves out is given up at the broker", async () => {
    const broker = await openMosquitto();
    const heard: string[] = [];
    const open = createSourceOpener({
      intake: {
        open: (_device, tell) => ({
          take({ topic }, ticket) {
            heard.push(topic);
            tell(ticket, { ok: true });
          },
          end() {},
        }),
        will() {},
      },
    });
    const source = { url: broker.url, clientId: "racktrace-test" };
    const stop = new AbortController().signal;
    await (await open({ ...source, topics: ["dc1/#", "dc2/#"] }, stop)).close();
    const session = await open({ ...source, topics: ["dc1/#"] }, stop);
    await broker.publish("1", ["-t", "dc2/s1/other"]);
    await broker.publish("2");
    await until("what is asked for is heard", () => heard.includes("dc1/s1/power"));
    expect(heard).toEqual(["dc1/s1/power"]);
    await session.close();
  });

  test("what the broker kept from before is no reading of now", async () => {
    const broker = await openMosquitto();
    await broker.publish("7", ["-r"]);
    const gateway = start(broker.url);
    await until("it listens", () => gateway.state() === "open");
    await until("the old one came", () => gateway.intake.counters.replays === 1);
    await broker.publish("8", ["-r"]);
    await until("the new one is stored", () => gateway.values().length === 1);
    expect(gateway.values()).toEqual([8]);
  });

  test("what the twin wants published there is done when the broker has it", async () => {
    const broker = await openMosquitto();
    const gateway = start(broker.url);
    await until("it listens", () => gateway.state() === "open");
    expect(await gateway.publish("dc1/s9/power", "9")).toEqual({ outcome: "done", reason: "" });
    await until("it comes back as everybody hears it", () => gateway.values().includes(9));
    expect(await gateway.publish("dc1/#", "9")).toMatchObject({ outcome: "failed" });
  });

  test("a broker that is not there is a state and a reason, and ends nothing", async () => {
    const gateway = start(`mqtt://127.0.0.1:${await freePort()}`);
    await until("it is missed", () => gateway.state() === "faulted");
    expect(gateway.reason()).toContain("SOURCE_LOST");
  });
});

type Acknowledging = {
  on(event: "ack", listener: (packet: { messageId?: number }, client: Client) => void): void;
};

/** aedes says `ack` for each PUBACK that it hears. */
async function openAedes(port = 0) {
  const broker = await Aedes.createBroker();
  const acknowledged: number[] = [];
  (broker as unknown as Acknowledging).on("ack", ({ messageId }) =>
    acknowledged.push(messageId ?? 0),
  );
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", () => resolve()));
  onTestFinished(async () => {
    await new Promise<void>((resolve) => broker.close(resolve));
    server.close();
  });
  return { port: (server.address() as { port: number }).port, acknowledged };
}

async function openMosquitto() {
  const port = await freePort();
  const config = join(temporaryFolder(), "mosquitto.conf");
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  let child: ChildProcess | undefined;
  const run = async (): Promise<void> => {
    child = spawn("mosquitto", ["-c", config], { stdio: "ignore" });
    await until("mosquitto answers", async () => {
      const client = await connectAsync(`mqtt://127.0.0.1:${port}`, {
        reconnectPeriod: 0,
        connectTimeout: 500,
      }).catch(() => undefined);
      await client?.endAsync(true);
      return client !== undefined;
    });
  };
  const end = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  onTestFinished(end);
  await run();
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async publish(value: string, words: readonly string[] = []) {
      const publisher = spawn("mosquitto_pub", [
        ...["-h", "127.0.0.1", "-p", `${port}`, "-t", "dc1/s1/power", "-q", "1", "-m", value],
        ...words,
      ]);
      expect((await once(publisher, "exit"))[0]).toBe(0);
    },
    async restart() {
      await end();
      await run();
    },
  };
}

function start(url: string, topics: readonly string[] = ["dc1/#"]) {
  const clock = createClock();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const outbox = createPretendedOutbox();
  let held: (() => void)[] | undefined;
  let waiting = 0;
  const slow: OutboxPort = {
    ...outbox,
    async put(lane, events) {
      waiting += events.length;
      const waits = held;
      if (waits !== undefined) await new Promise<void>((resolve) => waits.push(resolve));
      return outbox.put(lane, events);
    },
  };
  const sensors = createSensors(
    { clock, journal, outbox: createPretendedOutbox() },
    { silentMs: () => undefined, lookMs: 1_000, stateEveryMs: 1_000 },
  );
  const intake = createIntake(
    { outbox: slow, clock, sensors },
    {
      mappings: [
        {
          topic: "dc1/+/power",
          device: "{1}",
          payload: "number",
          readings: [{ property: "power", unit: "W" }],
        },
      ],
    },
  );
  let connections = 0;
  let act: Act | undefined;
  const openSource = createSourceOpener({ intake });
  const stop = new AbortController();
  const running = runSource(
    {
      clock,
      chance,
      journal,
      sensors,
      serve(_device, made) {
        act = made;
        return () => undefined;
      },
      async open(source, aborted) {
        const session = await openSource(source, aborted);
        connections += 1;
        return session;
      },
    },
    { id: "broker", url, clientId: "racktrace-test", topics },
    stop.signal,
  );
  const end = async () => {
    stop.abort();
    await running;
    await sensors.close();
  };
  onTestFinished(end);
  const view = () => sensors.views().find(({ id }) => id === "broker");
  return {
    outbox,
    intake,
    publish: (topic: string, text: string, over = new AbortController().signal) =>
      act?.({ kind: "publish", what: { topic, text } }, over, async () => true),
    stop: end,
    connections: () => connections,
    state: () => view()?.state,
    reason: () => view()?.reason,
    waiting: () => waiting,
    values: () =>
      outbox.held("telemetry").flatMap((bytes) => {
        const { body } = decodeEvent(bytes);
        return body.kind === "sensor" ? body.readings.map(({ value }) => value) : [];
      }),
    hold() {
      const waits: (() => void)[] = [];
      held = waits;
      return () => {
        held = undefined;
        for (const go of waits) go();
      };
    },
  };
}
