/** Instruments on lines, silence, stuck values and deadbands, with the real parts but for the clock. */
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openSerialCable } from "../../firmware-sim/serial-cable.ts";
import type { GatewayConfig } from "../../src/gateway/config.ts";
import { readGatewayConfig } from "../../src/gateway/config.ts";
import { startSensing } from "../../src/gateway/sensing.ts";
import { chance, createClock } from "../../src/io/clock.ts";
import { openLine } from "../../src/io/line.ts";
import { createSourceOpener } from "../../src/io/mqtt-source.ts";
import { whenAppears } from "../../src/io/path-watch.ts";
import type { Clock, Committed, OutboxPort } from "../../src/ports.ts";
import { decodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { openBus, openModbus } from "../support/modbus.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";
import { openPty, plugIn } from "../support/pty.ts";
import { until } from "../support/until.ts";

const text = (line: string) => new TextEncoder().encode(line);

describe("an instrument that sends lines", () => {
  test("is read through a banner, half a line and noise, and what is wrong is kept once", async () => {
    const cable = openSerialCable(() => undefined);
    onTestFinished(cable.close);
    const gateway = start(`
lines:
  - id: clim-hall
    path: ${cable.path}
    format: { kind: pairs }
    readings:
      - { field: T, property: temperature, unit: Cel }
      - { field: H, property: relative_humidity, unit: "%" }
`);
    await until("the line is open", () => gateway.state("clim-hall") === "open");
    cable.send(text("DHT22 logger v1.2\r\nT=21.5;H=4"));
    cable.send(text("0\r\nT=oops\r\nT=oops\r\nT=22\n"));
    await until("three values", () => gateway.readings().length === 3);
    expect(gateway.readings()).toEqual([
      ["clim-hall", "temperature", 21.5, "Cel"],
      ["clim-hall", "relative_humidity", 40, "%"],
      ["clim-hall", "temperature", 22, "Cel"],
    ]);
    expect(gateway.quarantined).toEqual(['T is "oops", not a number']);

    cable.close();
    await until("the line is gone", () => gateway.state("clim-hall") === "absent");
  });

  test("is read as soon as it is plugged in, and not when its line would be tried again", async () => {
    const path = join(temporaryFolder(), "by-id-hall");
    const stands = createPretendedClock();
    const gateway = start(
      `
lines:
  - id: clim-hall
    path: ${path}
    format: { kind: pairs }
    readings: [ { field: T, property: temperature, unit: Cel } ]
`,
      stands,
    );
    await until("it is absent", () => gateway.state("clim-hall") === "absent");

    const pty = openPty();
    plugIn(path, pty);
    await until("it is open", () => gateway.state("clim-hall") === "open");
    await pty.write("T=21\r\n");
    await until("it is read", () => gateway.readings().length === 1);
  });
});

describe("devices on MQTT", () => {
  const MAPPED = `
mqtt:
  mappings:
    - { topic: "dc1/+/t", device: "{1}", payload: number, readings: [ { property: temperature, unit: Cel } ] }
`;

  test("a device that falls silent is told, and told again when it speaks", async () => {
    const clock = createPretendedClock();
    const gateway = start(`${MAPPED}sensors: [ { device: "s*", silentAfterS: 60 } ]\n`, clock);
    const publish = gateway.connect();
    publish("dc1/s1/t", "20");
    await clock.advance(30_000);
    expect(gateway.state("s1")).toBe("open");
    await clock.advance(40_000);
    expect(gateway.state("s1")).toBe("silent");
    publish("dc1/s1/t", "20");
    expect(gateway.state("s1")).toBe("open");
    await clock.advance(2_000);
    expect(gateway.states()).toEqual([
      ["s1", "open"],
      ["s1", "silent"],
      ["s1", "open"],
    ]);
  });

  test("a value that is stuck makes the device faulted with the reason, until it moves", async () => {
    const clock = createPretendedClock();
    const gateway = start(`${MAPPED}sensors: [ { device: "s1", stuckAfterS: 300 } ]\n`, clock);
    const publish = gateway.connect();
    for (let minute = 0; minute < 6; minute++) {
      publish("dc1/s1/t", "20");
      await clock.advance(60_000);
    }
    expect(gateway.reason("s1")).toBe("temperature has said 20 Cel for 300 s");
    expect(gateway.state("s1")).toBe("faulted");
    publish("dc1/s1/t", "20");
    expect(gateway.state("s1")).toBe("faulted");
    publish("dc1/s1/t", "20.1");
    expect(gateway.state("s1")).toBe("open");
  });

  test("a device that was stuck is not for ever, though the rule that said so was changed", async () => {
    const clock = createPretendedClock();
    const sensors = (stuckAfterS: number) =>
      `${MAPPED}sensors: [ { device: "s1", stuckAfterS: ${stuckAfterS} } ]\n`;
    const gateway = start(sensors(300), clock);
    const publish = gateway.connect();
    for (let minute = 0; minute < 7; minute++) {
      publish("dc1/s1/t", "20");
      await clock.advance(60_000);
    }
    expect(gateway.state("s1")).toBe("faulted");
    await gateway.become(sensors(600));
    publish("dc1/s1/t", "20.1");
    expect(gateway.state("s1")).toBe("open");
  });

  test("a device that was stuck and then falls silent is silent, and stuck again if it comes back so", async () => {
    const clock = createPretendedClock();
    const rule = "{ device: s1, stuckAfterS: 300, silentAfterS: 120 }";
    const gateway = start(`${MAPPED}sensors: [ ${rule} ]\n`, clock);
    const publish = gateway.connect();
    for (let minute = 0; minute < 7; minute++) {
      publish("dc1/s1/t", "20");
      await clock.advance(60_000);
    }
    expect(gateway.state("s1")).toBe("faulted");
    await clock.advance(120_000);
    expect(gateway.state("s1")).toBe("silent");
    publish("dc1/s1/t", "20");
    expect(gateway.state("s1")).toBe("faulted");
    publish("dc1/s1/t", "21");
    expect(gateway.state("s1")).toBe("open");
  });

  test("a silence that nobody minds any more is no trouble any more, one that is minded later is none yet", async () => {
    const clock = createPretendedClock();
    const rule = (device: string, s: number) => `{ device: ${device}, silentAfterS: ${s} }`;
    const gateway = start(`${MAPPED}sensors: [ ${rule("s1", 60)}, ${rule("s2", 60)} ]\n`, clock);
    const publish = gateway.connect();
    for (const device of ["s1", "s2"]) publish(`dc1/${device}/t`, "20");
    await clock.advance(70_000);
    expect(gateway.troubles()).toEqual(["s1 silent", "s2 silent"]);

    await gateway.become(`${MAPPED}sensors: [ ${rule("s2", 90)} ]\n`);
    await clock.advance(2_000);
    expect(gateway.troubles()).toEqual([]);
    expect(gateway.states().slice(-2).toSorted()).toEqual([
      ["s1", "absent"],
      ["s2", "open"],
    ]);
    await clock.advance(30_000);
    expect(gateway.troubles()).toEqual(["s2 silent"]);
  });

  test("a device that a rule names is missed when it does not come back with the gateway", async () => {
    const clock = createPretendedClock();
    const rule = (device: string) => `{ device: "${device}", silentAfterS: 60 }`;
    const gateway = start(`${MAPPED}sensors: [ ${rule("s1")}, ${rule("other-*")} ]\n`, clock);
    await clock.advance(30_000);
    expect(gateway.state("s1")).toBeUndefined();
    await clock.advance(40_000);
    expect(gateway.troubles()).toEqual(["s1 silent"]);
    gateway.connect()("dc1/s1/t", "20");
    expect(gateway.state("s1")).toBe("open");

    await gateway.become(`${MAPPED}sensors: [ ${rule("s1")}, ${rule("s2")} ]\n`);
    await clock.advance(70_000);
    expect(gateway.troubles()).toEqual(["s1 silent", "s2 silent"]);
    await gateway.become(MAPPED);
    expect(gateway.troubles()).toEqual([]);
  });

  test("whoever is minded is known, however many others a device makes up; where all are minded it is said", async () => {
    const clock = createPretendedClock();
    const rules = (...names: readonly string[]) =>
      `sensors: [ ${names.map((name) => `{ device: "${name}", silentAfterS: 60 }`).join(", ")} ]\n`;
    const decoder = "  decoders: [ { decoder: tasmota } ]\n";
    const gateway = start(`${MAPPED}${decoder}${rules("s1")}`, clock);
    const publish = gateway.connect();
    for (let n = 0; n < 8_192; n++) publish(`tele/made-up-${n}/LWT`, "Online");
    await clock.advance(2_000);
    publish("dc1/s1/t", "20");
    await clock.advance(70_000);
    expect(gateway.troubles()).toEqual(["s1 silent"]);
    expect(gateway.warnings).not.toContain("devices-crowded");

    await gateway.become(`${MAPPED}${decoder}${rules("*")}`);
    for (let n = 0; n < 8_192; n++) publish(`dc1/another-${n}/t`, "20");
    await clock.advance(2_000);
    for (let n = 0; n < 8_192; n++) publish(`dc1/one-more-${n}/t`, "20");
    await clock.advance(2_000);
    expect(gateway.warnings.filter((what) => what === "devices-crowded")).toHaveLength(1);
  });

  test("a value within the deadband is acknowledged and not stored; one that could not be stored comes again", async () => {
    const clock = createPretendedClock();
    const gateway = start(`${MAPPED}sensors: [ { device: "s1", deadband: 0.5 } ]\n`, clock);
    const publish = gateway.connect();
    publish("dc1/s1/t", "20");
    publish("dc1/s1/t", "20.2");
    await clock.advance(1);
    expect(gateway.readings()).toHaveLength(1);
    expect(gateway.answers).toEqual(["ok", "ok"]);

    gateway.outbox.refuse("full");
    publish("dc1/s1/t", "25");
    await clock.advance(1);
    gateway.outbox.refuse(undefined);
    publish("dc1/s1/t", "25");
    await clock.advance(1);
    expect(gateway.answers).toEqual(["ok", "ok", "full", "ok"]);
    expect(gateway.readings().at(-1)).toEqual(["s1", "temperature", 25, "Cel"]);
  });
});

describe("slaves of a Modbus line", () => {
  const bus = (path: string, ...slaves: readonly string[]) => `
modbus:
  - id: bus
    path: ${path}
    carrier: tcp
    timeoutMs: 500
    slaves: [ ${slaves.join(", ")} ]
`;
  const slave = (id: string, number: number) =>
    `{ id: ${id}, slave: ${number}, everyMs: 500, registers: [ { table: input, address: 1, property: temperature, unit: Cel } ] }`;
  const climate = () => ({ inputs: { 1: 21 }, holdings: {} });

  test("one whose value is stuck is faulted with the reason, however often it answers, until it moves", async () => {
    const hall = climate();
    const { path } = await openBus("tcp", { slaves: new Map([[1, hall]]) });
    const sensors = "sensors: [ { device: hall, stuckAfterS: 1, silentAfterS: 1 } ]\n";
    const gateway = start(`${bus(path, slave("hall", 1))}${sensors}`);
    await until("it is stuck", () => gateway.states().at(-1)?.[1] === "faulted");
    expect(gateway.reason("hall")).toMatch("temperature has said 21 Cel for");
    await gateway.become(`${bus(path, slave("hall", 1), slave("gate", 2))}${sensors}`);
    await until("it is stuck all the same", () => gateway.state("hall") === "faulted");
    hall.inputs[1] = 22;
    await until("it moves", () => gateway.states().at(-1)?.[1] === "open");
  });

  test("one that is taken out of a line that stays is absent, and the others go on", async () => {
    const slaves = new Map([1, 2].map((number) => [number, climate()] as const));
    const { path } = await openBus("tcp", { slaves });
    const gateway = start(bus(path, slave("hall", 1), slave("gate", 2)));
    await until("both are told", () => gateway.states().length === 3);
    await gateway.become(bus(path, slave("hall", 1)));
    expect(gateway.states().at(-1)).toEqual(["gate", "absent"]);
    await until("the line is open", () => gateway.state("hall") === "open");
    expect(gateway.state("gate")).toBeUndefined();
  });

  test("a name that moves from one kind of line to another is known as the new one", async () => {
    const cable = openSerialCable(() => undefined);
    onTestFinished(cable.close);
    const { path } = await openBus("tcp", { slaves: new Map([[1, climate()]]) });
    const line = `
lines:
  - { id: bus, path: ${cable.path}, format: { kind: pairs }, readings: [ { field: T, property: temperature, unit: Cel } ] }
`;
    const gateway = start(line);
    await until("it is told", () => gateway.states().length === 1);
    await gateway.become(bus(path, slave("hall", 1)));
    await until("it is open again", () => gateway.state("bus") === "open");
  });
});

function start(yaml: string, clock: Clock = createClock()) {
  const read = readGatewayConfig(`version: 1\ngateway: gw\n${yaml}`);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const config: GatewayConfig = read.config;
  const outbox = createPretendedOutbox();
  const quarantined: string[] = [];
  const kept: OutboxPort = {
    ...outbox,
    async quarantine(entry) {
      quarantined.push(entry.reason);
      return { ok: true, commit: { firstSeq: 1, lastSeq: 1 } as Committed };
    },
  };
  const warnings: string[] = [];
  const warn = (what: string) => void warnings.push(what);
  const journal = { note: () => undefined, warn, error: () => undefined };
  const stop = new AbortController();
  const sensing = startSensing(
    {
      clock,
      chance,
      journal,
      outbox: kept,
      open: openLine,
      openModbus,
      appears: whenAppears,
      openSourceTo: createSourceOpener,
      modbusRecord: { asked: () => undefined },
      serve: () => () => undefined,
    },
    config,
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await Promise.all(sensing.activities);
  });
  const answers: string[] = [];
  const events = () => outbox.held("telemetry").map((bytes) => decodeEvent(bytes));
  const view = (id: string) => sensing.sensors.views().find((one) => one.id === id);
  return {
    outbox,
    quarantined,
    warnings,
    answers,
    become: async (next: string) => {
      const read = readGatewayConfig(`version: 1\ngateway: gw\n${next}`);
      if (!read.ok) throw new Error(JSON.stringify(read.problems));
      for (const begin of await sensing.become(read.config)) begin();
    },
    state: (id: string) => view(id)?.state,
    troubles: () => sensing.sensors.troubles().map(({ id, state }) => `${id} ${state}`),
    reason: (id: string) => view(id)?.reason,
    states: () =>
      events().flatMap(({ device, body }) =>
        body.kind === "device-state" ? [[device, body.state]] : [],
      ),
    readings: () =>
      events().flatMap(({ device, body }) =>
        body.kind === "sensor"
          ? body.readings.map(({ property, value, unit }) => [device, property, value, unit])
          : [],
      ),
    connect() {
      let ticket = 0;
      const session = sensing.intake.open({ clientId: "c", resumes: false }, (_ticket, taken) => {
        answers.push(taken.ok ? "ok" : taken.why);
      });
      return (topic: string, payload: string) => {
        ticket += 1;
        session.take(
          { topic, payload: text(payload), qos: 1, dup: false, retain: false, packetId: ticket },
          ticket,
        );
      };
    },
  };
}
