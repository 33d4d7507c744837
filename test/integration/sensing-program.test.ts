/** The gateway program with every kind of sensor in its configuration: read, stored, and told. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { expect, onTestFinished, test, vi } from "vitest";
import { createSerialBus, openModbusTcp } from "../../firmware-sim/modbus-slave.ts";
import { openSerialCable } from "../../firmware-sim/serial-cable.ts";
import type { Health } from "../../src/gateway/run.ts";
import { OUTBOX_FILE } from "../../src/io/outbox-thread.ts";
import { openOutboxInspector } from "../../src/store/outbox.ts";
import { decodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { freePort, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

// Whole programs and real clients: a busy machine takes its time to start them.
vi.setConfig({ testTimeout: 120_000 });

test("Modbus lines, instruments and vendors' devices come from one configuration", async () => {
  const data = temporaryFolder();
  const tcp = await openModbusTcp({ slaves: new Map([[7, { holdings: { 0: 231 } }]]) });
  onTestFinished(() => tcp.close());
  const rtu = openSerialCable(
    createSerialBus({ slaves: new Map([[1, { inputs: { 1: 305, 2: 546 } }]]) }, (bytes) =>
      rtu.send(bytes),
    ),
  );
  onTestFinished(rtu.close);
  const instrument = openSerialCable(() => undefined);
  onTestFinished(instrument.close);
  const file = join(data, "gateway.yaml");
  writeFileSync(
    file,
    `
version: 1
gateway: gw-test
data: ${data}
http: { port: 0 }
twin: { url: "mqtt://127.0.0.1:${await freePort()}" }
mqtt:
  port: 0
  decoders: [ { decoder: sparkplug, host: racktrace }, { decoder: zigbee2mqtt } ]
  sources: [ { id: away, url: "mqtt://127.0.0.1:${await freePort()}", topics: ["#"] } ]
modbus:
  - id: bus
    path: ${rtu.path}
    timeoutMs: 200
    slaves:
      - { id: clim-1, slave: 1, profile: xy-md02, everyMs: 300 }
      - { id: clim-2, slave: 2, profile: xy-md02, everyMs: 300 }
  - id: meters
    path: tcp://127.0.0.1:${tcp.port}
    carrier: tcp
    slaves:
      - id: meter
        slave: 7
        everyMs: 600
        registers: [ { table: holding, address: 0, type: uint16, property: voltage, unit: V } ]
lines:
  - id: scale
    path: ${instrument.path}
    format: { kind: pattern, pattern: "(?<mass>[\\\\d.]+) kg" }
    readings: [ { field: mass, property: mass, unit: kg } ]
`,
  );
  const program = await startProgram(["gateway", "--config", file], data);
  onTestFinished(() => program.kill());
  const states = async () => {
    const answer = await fetch(`${program.address["http"]}/healthz`);
    const { sensors } = (await answer.json()) as { sensors: { id: string; state: string }[] };
    return Object.fromEntries(sensors.map(({ id, state }) => [id, state]));
  };
  await until("all lines are open", async () => (await states())["scale"] === "open");
  instrument.send(new TextEncoder().encode("S 1.25 kg\r\n"));

  const device = await connectAsync(program.address["mqtt"] ?? "");
  onTestFinished(() => device.endAsync(true));
  const host: string[] = [];
  device.on("message", (topic, bytes) => host.push(`${topic} ${bytes}`));
  await device.subscribeAsync("spBv1.0/STATE/racktrace", { qos: 1 });
  await device.publishAsync("zigbee2mqtt/door", '{"contact":false}', { qos: 1 });
  await until("the host says that it is there", () => host.length === 1);
  expect(host[0]).toMatch(/^spBv1\.0\/STATE\/racktrace \{"online":true,"timestamp":\d+\}$/);

  const wanted = [
    "clim-1 temperature 30.5 Cel",
    "clim-1 relative_humidity 54.6 %",
    "meter voltage 231 V",
    "scale mass 1.25 kg",
    "door door_open 1 1",
  ];
  await until("all are on disk", () => wanted.every((one) => stored(data).includes(one)));
  await until("the dead slave is missed", async () => (await states())["clim-2"] === "silent");
  await until("the broker is missed", async () => (await states())["away"] === "faulted");
  expect(await states()).toMatchObject({
    bus: "open",
    meters: "open",
    "clim-1": "open",
    meter: "open",
  });
  const health = (await (await fetch(`${program.address["http"]}/healthz`)).json()) as Health;
  expect(health.status).toBe("degraded");
  const about = health.reasons.map(({ what, detail }) => [what, detail.split(": ")[0]]);
  expect(about).toContainEqual(["device-silent", "clim-2"]);
  expect(about).toContainEqual(["device-faulted", "away"]);
  expect(about.map(([, id]) => id)).not.toContain("scale");
  const metrics = await (await fetch(`${program.address["http"]}/metrics`)).text();
  expect(metrics).toMatch(
    /racktrace_gateway_modbus_requests_total\{device="clim-2",outcome="silent",gateway="gw-test"\} [1-9]/,
  );

  for (const [device, state] of [
    ["away", "faulted"],
    ["clim-2", "silent"],
    ["scale", "open"],
  ])
    expect(metrics).toContain(
      `racktrace_gateway_device_state{device="${device}",state="${state}",gateway="gw-test"} 1\n`,
    );
  expect(metrics).not.toContain('device_state{device="door"');
  expect(metrics).toContain(
    'racktrace_gateway_lines_total{device="scale",outcome="readings",gateway="gw-test"} 1\n',
  );
  expect(metrics).toContain(
    'racktrace_gateway_line_noise_bytes_total{device="scale",gateway="gw-test"} 0\n',
  );
  expect(metrics).toContain('racktrace_gateway_readings_lost_total{gateway="gw-test"} 0\n');

  expect(await program.stop()).toBe(0);
});

function stored(data: string): readonly string[] {
  const inspector = openOutboxInspector(join(data, OUTBOX_FILE));
  try {
    return [...inspector.events("telemetry", 0)]
      .map(({ bytes }) => decodeEvent(bytes))
      .flatMap(({ device, body }) =>
        body.kind === "sensor"
          ? body.readings.map(
              ({ property, value, unit }) => `${device} ${property} ${value} ${unit}`,
            )
          : [],
      );
  } finally {
    inspector.close();
  }
}
