/** Modbus lines as the gateway polls them: real ttys and sockets, our simulator and one of another house. */
import { EventEmitter } from "node:events";
import { createServer } from "node:net";
import { server as foreign } from "jsmodbus";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type Bus, createSerialBus } from "../../firmware-sim/modbus-slave.ts";
import { openSerialCable } from "../../firmware-sim/serial-cable.ts";
import type { Reading } from "../../src/devices/mqtt-mapping/mapping.ts";
import { BUS_DEFAULTS, runBus } from "../../src/gateway/modbus-bus.ts";
import { completeBus, type ModbusText } from "../../src/gateway/sensor-config.ts";
import { createSensors } from "../../src/gateway/sensors.ts";
import { chance, createClock } from "../../src/io/clock.ts";
import { whenAppears } from "../../src/io/path-watch.ts";
import type { ModbusLine } from "../../src/ports.ts";
import { openBus, openModbus } from "../support/modbus.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";
import { until } from "../support/until.ts";

// Whole programs and real clients: a busy machine takes its time to start them.
vi.setConfig({ testTimeout: 120_000 });

describe("a bus with a dead slave", () => {
  test.each(["rtu", "tcp"] as const)(
    "its neighbours keep their period over %s",
    async (carrier) => {
      // What a busy machine does to the beat, it does to a bus without a dead slave as well.
      const calm = await watch(carrier, [1, 2, 3]);
      const troubled = await watch(carrier, [1, 2, 9, 3]);
      const neighbours = [1, 2, 3];
      const ratios = () =>
        neighbours.map(
          (slave) =>
            meanOf(troubled.beats(slave).slice(-20)) / meanOf(calm.beats(slave).slice(-20)),
        );
      const asked = () =>
        neighbours.every((slave) => Math.min(...both(slave).map(({ length }) => length)) >= 20);
      const both = (slave: number) => [calm.beats(slave), troubled.beats(slave)];
      // Or not to the same beats of both: then the next twenty tell.
      await until(
        "twenty periods in a row are those of a calm bus, within 10 %",
        () => asked() && ratios().every((ratio) => ratio > 0.9 && ratio < 1.1),
        { timeoutMs: 60_000 },
      ).catch((error: Error) => {
        throw new Error(`${error.message}; they are ${ratios().map((one) => one.toFixed(2))}`);
      });
      const { gateway } = troubled;
      expect(gateway.state("slave-9")).toBe("silent");
      expect(gateway.state("slave-1")).toBe("open");
      expect(gateway.state("bus")).toBe("open");
      expect(gateway.told("slave-9")).toEqual([]);
    },
  );

  test("it is heard of when it is back", async () => {
    const slaves = new Map([[1, climate(210, 400)]]);
    const gateway = start(await openBus("rtu", { slaves }), [
      { slave: 1, everyMs: 100, timeoutMs: 60 },
      { slave: 2, everyMs: 100, timeoutMs: 60 },
    ]);
    await until("it is missed", () => gateway.state("slave-2") === "silent");
    slaves.set(2, climate(190, 500));
    await until("it is back", () => gateway.state("slave-2") === "open");
    expect(gateway.told("slave-2").slice(0, 2)).toEqual([
      { property: "temperature", value: 19, unit: "Cel" },
      { property: "relative_humidity", value: 50, unit: "%" },
    ]);
  });
});

test("a slave that refuses one register is faulted with the reason, and the others are read", async () => {
  const gateway = start(
    await openBus("tcp", { slaves: new Map([[1, { inputs: { 1: 215, 2: 400 }, holdings: {} }]]) }),
    [
      {
        slave: 1,
        everyMs: 100,
        timeoutMs: 60,
        registers: [{ table: "holding", address: 7, property: "setpoint", unit: "Cel" }],
      },
    ],
  );
  await until("it is faulted", () => gateway.state("slave-1") === "faulted");
  expect(gateway.reason("slave-1")).toContain("holding 7: Modbus exception 2");
  expect(gateway.told("slave-1")).toContainEqual({
    property: "temperature",
    value: 21.5,
    unit: "Cel",
  });
});

test("a line that is unplugged is absent, not its slaves silent, and comes back by itself", async () => {
  const bus: Bus = { slaves: new Map([[1, climate(215, 400)]]) };
  let cable = openSerialCable(createSerialBus(bus, (bytes) => cable.send(bytes)));
  const gateway = start(
    () => ({ ...SERIAL, path: cable.path }),
    [{ slave: 1, everyMs: 250, timeoutMs: 240 }],
  );
  await until("it is read", () => gateway.told("slave-1").length > 0);

  cable.close();
  await until("the line is gone", () => gateway.state("bus") === "absent");
  expect(gateway.state("slave-1")).toBe("open");

  const before = gateway.told("slave-1").length;
  const again = openSerialCable(createSerialBus(bus, (bytes) => again.send(bytes)));
  cable = again;
  onTestFinished(() => again.close());
  await until("it is read again", () => gateway.told("slave-1").length > before);
  expect(gateway.state("bus")).toBe("open");
});

describe("slaves of another house (jsmodbus)", () => {
  test("over TCP: the profile and registers of all four tables", async () => {
    const server = createServer();
    const slave = new foreign.TCP(server as never, tables());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    onTestFinished(() => void server.close());
    expect(slave.input.readUInt16BE(2)).toBe(305);
    const { port } = server.address() as { port: number };
    const gateway = start({ ...SERIAL, carrier: "tcp", path: `tcp://127.0.0.1:${port}` }, [ALL]);
    await until("it is read", () => gateway.told("slave-1").length >= EXPECTED.length);
    expect(gateway.told("slave-1").slice(0, EXPECTED.length).toSorted(byName)).toEqual(
      EXPECTED.toSorted(byName),
    );
    expect(gateway.state("slave-1")).toBe("open");
  });

  test("over a tty: the same", async () => {
    const port = Object.assign(new EventEmitter(), {
      write(bytes: Uint8Array, done?: () => void) {
        cable.send(bytes);
        done?.();
        return true;
      },
    });
    const cable = openSerialCable((bytes) => port.emit("data", Buffer.from(bytes)));
    onTestFinished(cable.close);
    new foreign.RTU(port as never, tables());
    const gateway = start({ ...SERIAL, path: cable.path }, [ALL]);
    await until("it is read", () => gateway.told("slave-1").length >= EXPECTED.length);
    expect(gateway.told("slave-1").slice(0, EXPECTED.length).toSorted(byName)).toEqual(
      EXPECTED.toSorted(byName),
    );
  });
});

/** A bus of slaves that are asked four times a second; slave 9 is dead. */
async function watch(carrier: "rtu" | "tcp", slaves: readonly number[]) {
  const asked = new Map<number, number[]>();
  const line = await openBus(carrier, {
    slaves: new Map([1, 2, 3].map((slave) => [slave, climate(200 + slave, 400)])),
    onAsked: ({ slave }) => asked.set(slave, [...(asked.get(slave) ?? []), performance.now()]),
  });
  const gateway = start(
    line,
    slaves.map((slave) => ({ slave, everyMs: 250, timeoutMs: 100 })),
  );
  return { gateway, beats: (slave: number) => asked.get(slave) ?? [] };
}

/** From the third beat on: the first time-out of the dead one comes as a surprise. */
function meanOf(beats: readonly number[]): number {
  const counted = beats.slice(3, 20);
  return ((counted.at(-1) ?? 0) - (counted[0] ?? 0)) / (counted.length - 1);
}

const SERIAL: ModbusLine = {
  path: "",
  baudRate: 115_200,
  dataBits: 8,
  parity: "none",
  stopBits: 1,
  carrier: "rtu",
  echoes: false,
};

const ALL = {
  slave: 1,
  everyMs: 200,
  timeoutMs: 150,
  registers: [
    { table: "holding", address: 4, type: "float32", property: "voltage", unit: "V" },
    { table: "coil", address: 0, property: "pump_on", unit: "1" },
    { table: "discrete", address: 1, property: "door_open", unit: "1" },
  ],
} as const;

const EXPECTED: readonly Reading[] = [
  { property: "temperature", value: 30.5, unit: "Cel" },
  { property: "relative_humidity", value: 54.6, unit: "%" },
  { property: "voltage", value: 230.5, unit: "V" },
  { property: "pump_on", value: 1, unit: "1" },
  { property: "door_open", value: 0, unit: "1" },
];

function byName(a: Reading, b: Reading): number {
  return a.property.localeCompare(b.property);
}

function tables() {
  const input = Buffer.alloc(16);
  input.writeUInt16BE(305, 2);
  input.writeUInt16BE(546, 4);
  const holding = Buffer.alloc(32);
  holding.writeFloatBE(230.5, 8);
  const coils = Buffer.from([0b0000_0001]);
  const discrete = Buffer.from([0b0000_0001]);
  return { input, holding, coils, discrete };
}

function climate(temperature: number, humidity: number) {
  return { inputs: { 1: temperature, 2: humidity } };
}

type SlaveText = Partial<ModbusText["slaves"][number]> & { readonly slave: number };

function start(line: ModbusLine | (() => ModbusLine), slaves: readonly SlaveText[]) {
  const clock = createClock();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const sensors = createSensors(
    { clock, journal, outbox: createPretendedOutbox() },
    { silentMs: () => undefined, lookMs: 1_000, stateEveryMs: 1 },
  );
  const told = new Map<string, Reading[]>();
  const lineOf = typeof line === "function" ? line : () => line;
  const bus = completeBus({
    ...lineOf(),
    id: "bus",
    timeoutMs: 100,
    slaves: slaves.map((slave) => {
      return { id: `slave-${slave.slave}`, everyMs: 1_000, profile: "sht20", ...slave };
    }),
  });
  const stop = new AbortController();
  const running = runBus(
    {
      clock,
      chance,
      open: () => openModbus(lineOf()),
      appears: whenAppears,
      telemetry: {
        tell: (device, readings) => told.set(device, [...(told.get(device) ?? []), ...readings]),
        counters: { stored: 0, lost: 0 },
      },
      stateOf: sensors.stateOf,
      record: { asked: () => undefined },
      serve: () => () => undefined,
    },
    { bus, ...BUS_DEFAULTS },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await running;
    await sensors.close();
  });
  const view = (id: string) => sensors.views().find((one) => one.id === id);
  return {
    told: (device: string) => told.get(device) ?? [],
    state: (id: string) => view(id)?.state,
    reason: (id: string) => view(id)?.reason,
  };
}
