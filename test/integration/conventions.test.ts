/**
 * Devices of vendors on the real broker, spoken by clients that are not ours: mosquitto's, and Tahu's
 * encoder. The payloads are those of test/vectors/mqtt.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { get } from "sparkplug-payload";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DecoderSetting } from "../../src/devices/decoders/convention.ts";
import { isCommandFilter } from "../../src/devices/decoders/sparkplug.ts";
import { createIntake } from "../../src/gateway/intake.ts";
import { createSensors } from "../../src/gateway/sensors.ts";
import { createClock } from "../../src/io/clock.ts";
import { openDeviceBroker } from "../../src/io/device-broker.ts";
import { OUTBOX_FILE, openOutboxThread } from "../../src/io/outbox-thread.ts";
import { openOutboxInspector, outboxLimits } from "../../src/store/outbox.ts";
import { decodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";
import { hasProgram, wanted } from "../support/wanted.ts";

const hasMosquitto = wanted(
  "sensors' conventions with a publisher of another maker",
  hasProgram("mosquitto_pub", "--help"),
  "apt-get install mosquitto-clients",
);

describe.skipIf(!hasMosquitto)("mosquitto_pub", () => {
  test.each([
    ["tasmota", "tele/tasmota/SENSOR", 2],
    ["zigbee2mqtt", "zigbee2mqtt/0x00158d0001dc126a", 2],
    ["shelly", "shellyplusht-b8d61a8b17cc/events/rpc", 6],
    ["senml", "senml/a", 1],
    ["ttn", "v3/weather-stations@ttn/devices/dev-eu868-01/up", 3],
    [
      "chirpstack",
      "application/17c82e96-be03-4f38-aef3-f83d48582d97/device/0101010101010101/event/status",
      2,
    ],
  ] as const)(
    "publishes what %s publishes, and it is on disk when it hears so",
    async (name, topic, count) => {
      const { setting, payload } = vector(name, topic);
      const gateway = await start([setting]);

      await mosquitto(gateway.port, ["-t", topic, "-m", payload, "-q", "1"]);

      expect(gateway.readings()).toHaveLength(count);
      expect(gateway.quarantine()).toEqual([]);
    },
  );

  test("ESPHome's values have units once its discovery was heard, and wait in quarantine before", async () => {
    const gateway = await start([{ decoder: "esphome" }, { decoder: "homeassistant" }]);
    const say = (topic: string, payload: string) =>
      mosquitto(gateway.port, ["-t", topic, "-m", payload, "-q", "1", "-r"]);
    const { payload: config } = vector(
      "esphome",
      "homeassistant/sensor/livingroom/living_room_temperature/config",
    );

    await say("livingroom/sensor/living_room_temperature/state", "22.5");
    expect(gateway.readings()).toEqual([]);
    expect(gateway.quarantine()).toHaveLength(1);

    await say("homeassistant/sensor/livingroom/living_room_temperature/config", config);
    await say("livingroom/sensor/living_room_temperature/state", "22.6");
    expect(gateway.readings()).toEqual([["livingroom", "temperature", 22.6, "Cel"]]);
    expect(gateway.quarantine()).toHaveLength(1);
  });

  test("a value without a unit keeps one message in quarantine, however often it comes", async () => {
    const gateway = await start([{ decoder: "zigbee2mqtt" }]);
    for (const voltage of [2985, 2975, 2965])
      await mosquitto(gateway.port, [
        "-t",
        "zigbee2mqtt/tag",
        "-q",
        "1",
        "-m",
        `{"battery":86,"voltage":${voltage}}`,
      ]);

    expect(gateway.readings()).toHaveLength(3);
    await until("the message is in quarantine", () => gateway.quarantine().length === 1);
    expect(gateway.quarantine()[0]).toContain("voltage");
    expect(gateway.intake.counters.unread).toBe(3);
  });

  test("a last will says that the device is gone, and its next birth that it is back", async () => {
    const gateway = await start([{ decoder: "tasmota" }]);
    const child = spawn("mosquitto_sub", [
      ...["-h", "127.0.0.1", "-p", `${gateway.port}`, "-i", "plug", "-t", "racktrace/plug/x"],
      ...["--will-topic", "tele/plug/LWT", "--will-payload", "Offline", "--will-retain"],
    ]);
    onTestFinished(() => void child.kill("SIGKILL"));
    await until("it is connected", () => gateway.broker.connections() === 1);
    const online = ["-t", "tele/plug/LWT", "-m", "Online", "-q", "1", "-r"];
    await mosquitto(gateway.port, online);
    expect(gateway.state("plug")).toBe("open");

    child.kill("SIGKILL");
    await until("the device is absent", () => gateway.state("plug") === "absent");

    // The same retained words as before: they tell nothing new to the disk, and all to the state.
    await mosquitto(gateway.port, online);
    expect(gateway.state("plug")).toBe("open");
    await gateway.closeSensors();
    expect(gateway.states()).toContainEqual(["plug", "open"]);
  });
});

test("an edge node that speaks before its birth is asked to be born again, and hears it", async () => {
  const encoder = get("spBv1.0");
  const gateway = await start([{ decoder: "sparkplug" }]);
  const node = await connectAsync(`mqtt://127.0.0.1:${gateway.port}`);
  onTestFinished(() => node.endAsync(true));
  const asked: unknown[] = [];
  node.on("message", (topic, bytes) =>
    asked.push([topic, encoder?.decodePayload(bytes).metrics?.[0]?.name]),
  );
  await node.subscribeAsync("spBv1.0/plant/NCMD/edge1/#", { qos: 1 });
  const say = (type: string, seq: number, metric: object) =>
    node.publishAsync(
      `spBv1.0/plant/${type}/edge1`,
      Buffer.from(
        encoder?.encodePayload({ timestamp: Date.now(), seq, metrics: [metric as never] }) ?? [],
      ),
    );

  await say("NDATA", 7, { alias: 1, type: "Float", value: 21 });
  await until("the node is asked", () => asked.length === 1);
  expect(asked).toEqual([["spBv1.0/plant/NCMD/edge1", "Node Control/Rebirth"]]);
  expect(gateway.readings()).toEqual([]);

  const properties = { engUnit: { type: "String", value: "°C" } };
  await say("NBIRTH", 0, { name: "Temperature", alias: 1, type: "Float", value: 21, properties });
  await say("NDATA", 1, { alias: 1, type: "Float", value: 21.5 });
  await until("both are on disk", () => gateway.readings().length === 2);
  expect(gateway.readings()).toEqual([
    ["plant/edge1", "temperature", 21, "Cel"],
    ["plant/edge1", "temperature", 21.5, "Cel"],
  ]);
});

test.each([
  ["spBv1.0/plant/NCMD/edge1/#", true],
  ["spBv1.0/plant/NCMD/edge1", true],
  ["spBv1.0/plant/DCMD/edge1/#", true],
  ["spBv1.0/STATE/host", true],
  ["STATE/host", true],
  ["spBv1.0/#", false],
  ["spBv1.0/plant/NDATA/edge1", false],
  ["spBv1.0/plant/NCMD/+", false],
  ["spBv1.0/+/NCMD/edge1", false],
  ["#", false],
])("an edge node's subscription to %s is its own: %s", (filter, its) => {
  expect(isCommandFilter(filter)).toBe(its);
});

/** The first payload of the convention's file under the topic, with the setting it stands under. */
function vector(name: string, topic: string) {
  const path = new URL(`../vectors/mqtt/${name}.txt`, import.meta.url);
  const lines = readFileSync(path, "utf8").split("\n");
  const at = lines.indexOf(`> ${topic}`);
  const settings = lines.slice(0, at).filter((line) => line.startsWith("@ "));
  const { also: _also, ...setting } = JSON.parse(settings.at(-1)?.slice(2) ?? "{}");
  return { setting: setting as DecoderSetting, payload: lines[at + 1] ?? "" };
}

/** Resolves when the client has ended: with QoS 1, when it was acknowledged. */
async function mosquitto(port: number, words: readonly string[]): Promise<void> {
  const child = spawn("mosquitto_pub", ["-h", "127.0.0.1", "-p", `${port}`, ...words]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const [status] = await once(child, "exit");
  expect(status).toBe(0);
}

async function start(decoders: readonly DecoderSetting[]) {
  const folder = temporaryFolder();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  const clock = createClock();
  const outbox = await openOutboxThread({ journal }, { folder, limits });
  onTestFinished(() => outbox.close());
  const sensors = createSensors(
    { clock, journal, outbox },
    { silentMs: () => undefined, lookMs: 1_000, stateEveryMs: 1 },
  );
  onTestFinished(() => sensors.close());
  const intake = createIntake({ outbox, clock, sensors }, { mappings: [], decoders });
  const broker = await openDeviceBroker(
    { intake, journal },
    {
      host: "127.0.0.1",
      port: 0,
      connectionsMax: 100,
      packetBytesMax: 65_536,
      connectMs: 5000,
      maySubscribe: isCommandFilter,
    },
  );
  onTestFinished(() => broker.close());
  const look = <T>(read: (inspector: ReturnType<typeof openOutboxInspector>) => T): T => {
    const inspector = openOutboxInspector(join(folder, OUTBOX_FILE));
    try {
      return read(inspector);
    } finally {
      inspector.close();
    }
  };
  const events = () =>
    look((inspector) =>
      [...inspector.events("telemetry", 0)].map(({ bytes }) => decodeEvent(bytes)),
    );
  return {
    port: broker.port,
    intake,
    broker,
    readings: () =>
      events().flatMap(({ device, body }) =>
        body.kind === "sensor"
          ? body.readings.map(({ property, value, unit }) => [device, property, value, unit])
          : [],
      ),
    states: () =>
      events().flatMap(({ device, body }) =>
        body.kind === "device-state" ? [[device, body.state]] : [],
      ),
    state: (device: string) => sensors.views().find(({ id }) => id === device)?.state,
    closeSensors: sensors.close,
    quarantine: () => look((inspector) => [...inspector.quarantine(0)].map(({ reason }) => reason)),
  };
}
