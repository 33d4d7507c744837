/**
 * Simulated devices that publish in the way of each vendor, cut off now and then, against the real
 * broker and intake: what the simulator says was measured is what stands in the outbox, once.
 */
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { DialectName } from "../../firmware-sim/dialects.ts";
import { createSleep } from "../../firmware-sim/pace.ts";
import { createPrng } from "../../firmware-sim/prng.ts";
import { runSensor } from "../../firmware-sim/sensors.ts";
import type { TruthReading } from "../../firmware-sim/truth.ts";
import type { DecoderName } from "../../src/devices/decoders/convention.ts";
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

// Whole programs and real clients: a busy machine takes its time to start them.
vi.setConfig({ testTimeout: 120_000 });

const COUNT = 12;

describe("a simulated device", () => {
  test.each([
    ["tasmota", ["tasmota"]],
    ["zigbee2mqtt", ["zigbee2mqtt"]],
    ["shelly", ["shelly"]],
    ["esphome", ["esphome", "homeassistant"]],
    ["senml", ["senml"]],
    ["sparkplug", ["sparkplug"]],
    ["chirpstack", ["chirpstack"]],
    ["ttn", ["ttn"]],
  ] as const)("that speaks %s is understood in all it says", async (speaks, decoders) => {
    const gateway = await start(decoders);
    const truth = await live(speaks, gateway.port, speaks !== "sparkplug");

    await until(
      "the outbox has what was acknowledged",
      () => missing(truth, gateway.readings()) === 0,
    );

    const stored = gateway.readings();
    expect(truth.length).toBeGreaterThanOrEqual(2 * COUNT);
    // A report that was stored just before its connection was cut, or a birth's own values.
    expect(stored.length - truth.length).toBeLessThan(20);
    expect(gateway.quarantine()).toEqual([]);
  });
});

/** Lets the device live until it has reported so often, and tells what was acknowledged. */
async function live(
  speaks: DialectName,
  port: number,
  cuts: boolean,
): Promise<readonly TruthReading[]> {
  const readings: TruthReading[] = [];
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  let simulatedMs = 0;
  const device = runSensor(
    {
      climate: {
        at: () => {
          simulatedMs += 1;
          return {
            temperature: 20 + Math.sin(simulatedMs),
            humidity: 40,
            doorOpen: false,
            powerW: 1,
          };
        },
      },
      prng: createPrng(1, speaks),
      truth: {
        moved: () => undefined,
        read: (reading) => readings.push(reading),
        close: () => undefined,
        pages: () => 0,
      },
      nowMs: Date.now,
      sleep: createSleep(stop.signal),
      stop: stop.signal,
    },
    {
      id: `sim-${speaks}`,
      kind: "climate",
      everySeconds: 0.05,
      speaks,
      clock: true,
      clockOffsetMs: 0,
      clockDriftPpm: 0,
    },
    {
      url: `mqtt://127.0.0.1:${port}`,
      mqtt: { cutEverySeconds: cuts ? [0.4, 0.7] : undefined, retainOnReconnect: false },
      speed: 1,
      originMs: Date.now(),
    },
  );
  await until("it has reported", () => readings.length >= 2 * COUNT, { timeoutMs: 25_000 });
  stop.abort();
  await device;
  return readings;
}

type Stored = {
  readonly device: string;
  readonly property: string;
  readonly value: number;
  readonly unit: string;
};

/** How many of the true readings are not stored, each counted as often as it was told. */
function missing(truth: readonly TruthReading[], stored: readonly Stored[]): number {
  const counts = new Map<string, number>();
  const keyOf = ({ device, property, value, unit }: Stored) =>
    `${device} ${property} ${value} ${unit}`;
  for (const reading of stored) counts.set(keyOf(reading), (counts.get(keyOf(reading)) ?? 0) + 1);
  return truth.filter((reading) => {
    const left = counts.get(keyOf(reading)) ?? 0;
    counts.set(keyOf(reading), left - 1);
    return left <= 0;
  }).length;
}

async function start(decoders: readonly DecoderName[]) {
  const folder = temporaryFolder();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const clock = createClock();
  const limits = outboxLimits({ bytesMax: 2 ** 30, telemetryBytesMax: 2 ** 29 });
  const outbox = await openOutboxThread({ journal }, { folder, limits });
  onTestFinished(() => outbox.close());
  const sensors = createSensors(
    { clock, journal, outbox },
    { silentMs: () => undefined, lookMs: 1_000, stateEveryMs: 1_000 },
  );
  onTestFinished(() => sensors.close());
  const settings = decoders.map((decoder) => ({ decoder, utcOffset: "+00:00" }));
  const intake = createIntake({ outbox, clock, sensors }, { mappings: [], decoders: settings });
  const broker = await openDeviceBroker(
    { intake, journal },
    {
      host: "127.0.0.1",
      port: 0,
      connectionsMax: 100,
      packetBytesMax: 65_536,
      connectMs: 5_000,
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
  return {
    port: broker.port,
    readings: (): readonly Stored[] =>
      look((inspector) => [...inspector.events("telemetry", 0)])
        .map(({ bytes }) => decodeEvent(bytes))
        .flatMap(({ device, body }) =>
          body.kind === "sensor" ? body.readings.map((reading) => ({ device, ...reading })) : [],
        ),
    quarantine: () => look((inspector) => [...inspector.quarantine(0)].map(({ reason }) => reason)),
  };
}
