/**
 * What the outside does not finish must not stay for ever: lines that end in the wrong moment, brokers that never
 * acknowledge, and what each request leaves behind.
 */
import { getEventListeners, once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Aedes } from "aedes";
import { expect, onTestFinished, test, vi } from "vitest";
import { runSource } from "../../src/gateway/broker-source.ts";
import { createDeviceState } from "../../src/gateway/device-state.ts";
import { startEnquiring } from "../../src/gateway/enquire.ts";
import { createPublishing } from "../../src/gateway/publish-act.ts";
import { createClock } from "../../src/io/clock.ts";
import { openKeyboard } from "../../src/io/keyboard.ts";
import { createModbusOpener } from "../../src/io/modbus.ts";
import { createSourceOpener } from "../../src/io/mqtt-source.ts";
import { openSerial } from "../../src/io/serial.ts";
import { openTcpLine } from "../../src/io/tcp-line.ts";
import type { ByteLine, ModbusExchange, OutboxPort, SerialSettings } from "../../src/ports.ts";
import { decodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { heapBytes } from "../support/heap.ts";
import { createPretendedClock, rest } from "../support/pretended-clock.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";
import { openPty } from "../support/pty.ts";
import { until } from "../support/until.ts";

const SERIAL = { baudRate: 9600, dataBits: 8, parity: "none", stopBits: 1 } as const;

test("a keyboard that nothing can read is a fault, and breaks nothing", async () => {
  const { PATH } = process.env;
  process.env["PATH"] = temporaryFolder();
  onTestFinished(() => void Object.assign(process.env, { PATH }));
  await expect(openKeyboard({ ...SERIAL, path: "/dev/null" })).rejects.toMatchObject({
    code: "SERIAL_LOST",
    message: expect.stringContaining("/dev/null cannot be read"),
  });
});

test("a line that is closed twice is closed for whoever waits for it", async () => {
  const pty = openPty();
  const settings: SerialSettings = { ...SERIAL, path: pty.path };
  for (let round = 0; round < 20; round++) {
    const line = await openSerial(settings);
    void line.close();
    await line.close();
  }
});

test.each(["tcp", "rfc2217"])(
  "a stop ends the opening of a %s line that nobody answers",
  async (scheme) => {
    // The line's own patience never ends here: only the stop can.
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const server = createServer(() => {});
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const stop = new AbortController();
    const opening = openTcpLine({ ...SERIAL, path: `${scheme}://127.0.0.1:${port}` }, stop.signal);
    if (scheme === "rfc2217") await once(server, "connection");
    stop.abort();
    await expect(opening).rejects.toMatchObject({ code: "SERIAL_LOST" });
  },
);

test("a Modbus master that is asked for months does not grow", async () => {
  const master = await openEcho();
  const ask = () => master.read({ slave: 1, code: 3, address: 0, count: 1 }, 1_000);
  expect(await ask()).toEqual({ ok: true, data: [7] });
  for (let times = 0; times < 2_000; times++) await ask();
  const before = heapBytes();
  for (let times = 0; times < 20_000; times++) await ask();
  expect(heapBytes() - before).toBeLessThan(2_000_000);
});

test("a broker that is told to do things for months makes nothing grow", async () => {
  const url = await openBroker((_topic, acknowledge) => acknowledge());
  const intake = { open: () => ({ take() {}, end() {} }), will() {} };
  const open = createSourceOpener({ intake: intake as never });
  const source = { url, clientId: "gw", topics: ["dc1/#"] };
  const session = await open(source as never, new AbortController().signal);
  const say = () => session.say("dc2/pump", Uint8Array.of(1), false);
  for (let times = 0; times < 1_000; times++) await say();
  const before = heapBytes();
  for (let times = 0; times < 10_000; times++) await say();
  expect(heapBytes() - before).toBeLessThan(2_000_000);
  await session.close();
});

test("a scanner whose line takes nothing is not invited again and again", async () => {
  const clock = createPretendedClock();
  const invited: Uint8Array[] = [];
  const write = (bytes: Uint8Array) => {
    invited.push(bytes);
    return new Promise<void>(() => {});
  };
  const line = { write } as unknown as ByteLine;
  startEnquiring({ clock, line }, { enquireMs: 500, mayAsk: () => true });
  await clock.advance(60_000);
  expect(invited).toEqual([Uint8Array.of(5)]);
});

test("of a device that stays faulted it is told what is wrong with it now, and no more than once a minute", async () => {
  const [clock, outbox] = [createPretendedClock(), createPretendedOutbox()];
  const journal = { note() {}, warn() {}, error() {} };
  const state = createDeviceState({ clock, journal, outbox }, { device: "scn-1", everyMs: 1_000 });
  state.become("faulted", "it is not permitted");
  await clock.advance(2_000);
  for (let tries = 0; tries < 120; tries++) {
    state.become("opening", "");
    state.become("faulted", `ModemManager holds it (${tries})`);
    await clock.advance(1_000);
  }
  await state.close();
  const reasons = outbox.held("telemetry").map((bytes) => {
    const { body } = decodeEvent(bytes);
    return body.kind === "device-state" ? body.reason : "";
  });
  expect(reasons[0]).toBe("it is not permitted");
  expect(reasons.at(-1)).toBe("ModemManager holds it (119)");
  expect(reasons.length).toBeLessThanOrEqual(4);
});

test("a broker that comes and goes leaves nothing behind at the one who stops us", async () => {
  const stop = new AbortController();
  const [sessions, ended] = [50, Promise.resolve("the connection was closed")];
  let opened = 0;
  const session = { gone: ended, unsure: [], say: async () => {}, close: async () => {} };
  const open = async () => {
    opened += 1;
    return session;
  };
  const state = { become() {} };
  const deps = {
    clock: { ...createClock(), sleep: () => rest() },
    chance: () => 0,
    sensors: { stateOf: () => state },
    serve: () => () => {},
    open,
  };
  const source = { id: "hall", url: "mqtt://hall", clientId: "gw", topics: ["#"] };
  const running = runSource(deps as never, source, stop.signal);
  await until("it has come and gone", () => opened >= sessions);
  expect(getEventListeners(stop.signal, "abort").length).toBeLessThan(5);
  stop.abort();
  await running;
});

test("a device that does not work for another reason than before says the new one", () => {
  const clock = createPretendedClock();
  const outbox = createPretendedOutbox();
  const journal = { note() {}, warn() {}, error() {} };
  const state = createDeviceState({ clock, journal, outbox }, { device: "scn-1", everyMs: 1_000 });
  state.become("faulted", "the port is busy");
  state.become("opening", "");
  state.become("faulted", "the port is not permitted");
  expect(state.settled()).toMatchObject({ state: "faulted", reason: "the port is not permitted" });
});

test("a device whose state is on its way to disk as the gateway stops has told it once", async () => {
  const clock = createPretendedClock();
  const outbox = createPretendedOutbox();
  const journal = { note() {}, warn() {}, error() {} };
  let goOn = () => {};
  const disk = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const slow: OutboxPort = {
    ...outbox,
    put: async (lane, events) => disk.then(() => outbox.put(lane, events)),
  };
  const options = { device: "scn-1", everyMs: 1_000 };
  const state = createDeviceState({ clock, journal, outbox: slow }, options);
  state.become("open", "");
  await clock.advance(1_000);
  const closed = state.close();
  goOn();
  await closed;
  await rest();
  expect(outbox.held("telemetry")).toHaveLength(1);
});

test("what is published where nobody acknowledges it is uncertain when its time is over", async () => {
  const publishing = createPublishing();
  publishing.through(() => new Promise(() => {}));
  const what = { topic: "dc1/pump", text: "on" };
  const over = AbortSignal.timeout(50);
  expect(await publishing.act({ kind: "publish", what }, over, async () => true)).toEqual({
    outcome: "uncertain",
    reason: "nobody acknowledged it before its time was over",
  });
});

test("a broker that acknowledges nothing does not keep us from leaving it", async () => {
  const broker = await openDeaf();
  const intake = { open: () => ({ take() {}, end() {} }), will() {} };
  const open = createSourceOpener({ intake: intake as never });
  const presence = { topic: "STATE/host", there: new Uint8Array(1), gone: new Uint8Array(1) };
  const source = { url: broker.url, clientId: "gw", topics: ["dc1/#"], presence };
  const session = await open(source as never, new AbortController().signal);
  await until("it says that it is there", () => broker.heard.length > 0);
  await session.close();
  expect(new Set(broker.heard)).toEqual(new Set(["STATE/host"]));
}, 15_000);

/** A line that answers each request at once, with the register 7. */
function openEcho() {
  const replies: Uint8Array[] = [];
  let wake: () => void = () => undefined;
  const line: ByteLine = {
    async *read() {
      for (;;) {
        const next = replies.shift();
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
    async write() {
      replies.push(Uint8Array.of(1));
      wake();
    },
    async close() {},
  };
  const framing = (): ModbusExchange => ({
    bytes: Uint8Array.of(0),
    // Slave 1, function 3, two bytes, the register, and its checksum.
    push: () => Uint8Array.of(1, 3, 2, 0, 7, 0xf9, 0x86),
    instead: () => "",
    broken: () => false,
  });
  const open = createModbusOpener({ openLine: async () => line, framing });
  return open({ ...SERIAL, path: "tcp://nowhere:502", carrier: "tcp", echoes: false });
}

/** A broker that lets in and listens, and acknowledges nothing that is published. */
async function openDeaf() {
  const heard: string[] = [];
  return { url: await openBroker((topic) => void heard.push(topic)), heard };
}

async function openBroker(heard: (topic: string, acknowledge: () => void) => void) {
  const broker = await Aedes.createBroker({
    authorizePublish: (_client, { topic }, done) => heard(topic, done),
  });
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    broker.close();
  });
  const { port } = server.address() as { port: number };
  return `mqtt://127.0.0.1:${port}`;
}
