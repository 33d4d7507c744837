/**
 * The sensors: devices of their own with MQTT clients of their own, QoS 1, 3.1.1.
 *
 * A reading becomes true in the truth file when the broker has acknowledged it, and once, however
 * often it had to be sent: what was not acknowledged before the connection broke is sent again with
 * DUP. A device that comes back may repeat its last report with the retain flag; that is no reading.
 */
import { connect, type MqttClient, Store } from "mqtt";
import type { Climate } from "./climate.ts";
import { createDialect, type Dialect, type Moment, type Said, type Values } from "./dialects.ts";
import type { Sleep } from "./pace.ts";
import type { Prng } from "./prng.ts";
import type { Scenario, SensorSpec } from "./scenario.ts";
import type { Truth, TruthReading } from "./truth.ts";

export type SensorCounts = { readings: number; cuts: number; retained: number };

export type SensorDeps = {
  readonly climate: Climate;
  readonly prng: Prng;
  readonly truth: Truth;
  readonly nowMs: () => number;
  readonly sleep: Sleep;
  readonly stop: AbortSignal;
};

export type SensorOptions = {
  readonly url: string;
  readonly mqtt: Scenario["mqtt"];
  readonly speed: number;
  readonly originMs: number;
};

type Report = { readonly said: readonly Said[]; readonly tells: readonly TruthReading[] };

/** A small device remembers a few reports; beyond them, and while it is cut off, it skips readings. */
const UNACKNOWLEDGED_MAX = 32;
const RECONNECT_MS = 400;
const LAST_ACKNOWLEDGEMENTS_MS = 2_000;

/** Runs one sensor until the simulator is told to stop. */
export async function runSensor(
  { climate, prng, truth, nowMs, sleep, stop }: SensorDeps,
  spec: SensorSpec,
  { url, mqtt, speed, originMs }: SensorOptions,
): Promise<SensorCounts> {
  const counts: SensorCounts = { readings: 0, cuts: 0, retained: 0 };
  const dialect = spec.speaks === "own" ? undefined : createDialect(spec.speaks, spec.id);
  const client = connectDevice(url, spec.id, dialect?.will);
  const bootMs = nowMs();
  let number = 0;
  let unacknowledged = 0;
  let last: Report | undefined;
  let connections = 0;
  let cutMs = nextCutMs();

  const moment = () => ({ number, timeMs: nowMs() });
  const say = ({ topic, payload, qos = 1, retain = false }: Said) =>
    client.publish(topic, payload, { qos, retain });
  client.on("message", (_topic, bytes) => dialect?.hears?.(bytes, moment()).forEach(say));
  client.on("connect", () => {
    connections += 1;
    if (dialect?.listens !== undefined) client.subscribe(dialect.listens, { qos: 1 });
    dialect?.hello(moment()).forEach(say);
    if (dialect !== undefined) return;
    if (connections === 1 || !mqtt.retainOnReconnect || spec.kind !== "climate") return;
    if (last === undefined) return;
    counts.retained += 1;
    for (const said of last.said) say({ ...said, retain: true });
  });

  function nextCutMs(): number {
    const every = mqtt.cutEverySeconds;
    return every === undefined ? Number.POSITIVE_INFINITY : nowMs() + prng.within(every) * 1_000;
  }

  function publish(report: Report): void {
    last = report;
    unacknowledged += 1;
    let open = report.said.length;
    const done = (error?: Error) => {
      open -= 1;
      if (open > 0) return;
      unacknowledged -= 1;
      if (error) return;
      counts.readings += report.tells.length;
      for (const reading of report.tells) truth.read(reading);
    };
    for (const { topic, payload, qos = 1 } of report.said)
      client.publish(topic, payload, { qos }, done);
  }

  function look(): Report {
    number += 1;
    const timeMs = nowMs();
    const air = climate.at((timeMs - originMs) * speed);
    const id = `${spec.id}-${bootMs.toString(36)}-${number}`;
    if (dialect !== undefined) return spoken(dialect, air, moment(), prng);
    return reportOf(spec, air, { id, timeMs, deviceMs: deviceClock(spec, bootMs, timeMs) }, prng);
  }

  await sleep(prng.within([0, Math.min(1, spec.everySeconds) * 1_000]));
  while (!stop.aborted) {
    if (client.connected && unacknowledged < UNACKNOWLEDGED_MAX) publish(look());
    if (client.connected && nowMs() >= cutMs) {
      cutMs = nextCutMs();
      counts.cuts += 1;
      // After the bytes have left, before the acknowledgement can have come.
      setImmediate(() => client.stream.destroy());
    }
    await sleep(spec.everySeconds * 1_000);
  }
  await end(client, () => unacknowledged === 0);
  return counts;
}

function connectDevice(url: string, id: string, will: Said | undefined): MqttClient {
  const client = connect(url, {
    ...(will && {
      will: { qos: 1, retain: false, ...will, payload: Buffer.from(will.payload as string) },
    }),
    clientId: id,
    clean: false,
    protocolVersion: 4,
    reconnectPeriod: RECONNECT_MS,
    reconnectOnConnackError: true,
    outgoingStore: new DuplicateStore(),
  });
  // A broker that is down is the weather out here; the client tries again by itself.
  client.on("error", () => {});
  return client;
}

/** MQTT.js repeats from its store without the DUP flag that the protocol demands (3.3.1-1). */
class DuplicateStore extends Store {
  override put(...[packet, done]: Parameters<Store["put"]>): this {
    const kept = packet.cmd === "publish" ? { ...packet, dup: true } : packet;
    return super.put(kept, done) as this;
  }
}

async function end(client: MqttClient, quiet: () => boolean): Promise<void> {
  const untilMs = performance.now() + LAST_ACKNOWLEDGEMENTS_MS;
  while (!quiet() && performance.now() < untilMs)
    await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise<void>((resolve) => client.end(true, () => resolve()));
}

/** The device's own idea of the time, or none. */
function deviceClock(spec: SensorSpec, bootMs: number, timeMs: number): number | undefined {
  if (!spec.clock) return undefined;
  const driftMs = ((timeMs - bootMs) * spec.clockDriftPpm) / 1_000_000;
  return Math.round(timeMs + spec.clockOffsetMs + driftMs);
}

type Stamp = {
  readonly id: string;
  readonly timeMs: number;
  readonly deviceMs: number | undefined;
};

function reportOf(
  { id: device, kind }: SensorSpec,
  air: ReturnType<Climate["at"]>,
  { id, timeMs, deviceMs }: Stamp,
  prng: Prng,
): Report {
  const tell = (property: string, value: number, unit: string): TruthReading => {
    return { device, property, value, unit, timeMs };
  };
  switch (kind) {
    case "climate": {
      const { temperature, humidity } = measured(air, prng);
      const ts = deviceMs === undefined ? {} : { ts: deviceMs };
      return {
        said: [
          {
            topic: `dc1/${device}/climate`,
            payload: JSON.stringify({ id, ...ts, temperature, humidity }),
          },
        ],
        tells: [tell("temperature", temperature, "Cel"), tell("relative_humidity", humidity, "%")],
      };
    }
    case "door": {
      const open = air.doorOpen ? 1 : 0;
      return {
        said: [{ topic: `dc1/${device}/door`, payload: `${open}` }],
        tells: [tell("door_open", open, "1")],
      };
    }
    case "power": {
      const watts = rounded(air.powerW * prng.within([0.97, 1.03]), 1);
      return {
        said: [{ topic: `dc1/${device}/power`, payload: `${watts}` }],
        tells: [tell("power", watts, "W")],
      };
    }
  }
}

function measured(air: ReturnType<Climate["at"]>, prng: Prng): Values {
  return {
    temperature: rounded(air.temperature + prng.within([-0.06, 0.06]), 2),
    humidity: rounded(air.humidity + prng.within([-0.2, 0.2]), 1),
  };
}

/** A report in a vendor's way, and what a listener should make of it. */
function spoken(
  dialect: Dialect,
  air: ReturnType<Climate["at"]>,
  moment: Moment,
  prng: Prng,
): Report {
  const values = measured(air, prng);
  const tell = (property: string, value: number, unit: string): TruthReading => {
    return { device: dialect.device, property, value, unit, timeMs: moment.timeMs };
  };
  return {
    said: dialect.report(values, moment),
    tells: [
      tell("temperature", values.temperature, "Cel"),
      tell("relative_humidity", values.humidity, "%"),
    ],
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
