/**
 * What a climate sensor publishes in the way of each vendor: the words of its hello, of its last will and
 * of a report, and under which name and unit a listener should know its values.
 *
 * Written from the vendors' documents (test/vectors/mqtt names them), with no look at how the product
 * reads them.
 */
import { asksRebirth, payload, type SimMetric } from "./sparkplug.ts";

export const DIALECTS = [
  "own",
  "tasmota",
  "zigbee2mqtt",
  "shelly",
  "esphome",
  "senml",
  "sparkplug",
  "chirpstack",
  "ttn",
] as const;
export type DialectName = (typeof DIALECTS)[number];

export type Said = {
  readonly topic: string;
  readonly payload: string | Buffer;
  readonly retain?: boolean;
  readonly qos?: 0 | 1;
};

export type Values = { readonly temperature: number; readonly humidity: number };
export type Moment = { readonly number: number; readonly timeMs: number };

export type Dialect = {
  /** When it has connected. */
  hello(moment: Moment): readonly Said[];
  readonly will?: Said;
  report(values: Values, moment: Moment): readonly Said[];
  /** The name that its values should be known by. */
  readonly device: string;
  /** What it subscribes to, and what it says to what it hears. */
  readonly listens?: string;
  hears?(bytes: Uint8Array, moment: Moment): readonly Said[];
};

export function createDialect(name: Exclude<DialectName, "own">, id: string): Dialect {
  switch (name) {
    case "tasmota":
      return tasmota(id);
    case "zigbee2mqtt":
      return zigbee2mqtt(id);
    case "shelly":
      return shelly(id);
    case "esphome":
      return esphome(id);
    case "senml":
      return senml(id);
    case "sparkplug":
      return sparkplug(id);
    case "chirpstack":
      return chirpstack(id);
    case "ttn":
      return ttn(id);
  }
}

function tasmota(id: string): Dialect {
  const lwt = `tele/${id}/LWT`;
  return {
    device: `${id}/SHT3X`,
    hello: () => [{ topic: lwt, payload: "Online", retain: true }],
    will: { topic: lwt, payload: "Offline", retain: true },
    report: ({ temperature, humidity }, { timeMs }) => [
      {
        topic: `tele/${id}/SENSOR`,
        payload: JSON.stringify({
          // Local time, in a house that keeps UTC.
          Time: new Date(timeMs).toISOString().slice(0, 19),
          SHT3X: { Temperature: temperature, Humidity: humidity },
          TempUnit: "C",
        }),
      },
    ],
  };
}

function zigbee2mqtt(id: string): Dialect {
  return {
    device: id,
    hello: () => [
      { topic: "zigbee2mqtt/bridge/state", payload: '{"state":"online"}', retain: true },
      { topic: `zigbee2mqtt/${id}/availability`, payload: '{"state":"online"}', retain: true },
    ],
    report: ({ temperature, humidity }) => [
      { topic: `zigbee2mqtt/${id}`, payload: JSON.stringify({ humidity, temperature }) },
    ],
  };
}

function shelly(id: string): Dialect {
  const online = `${id}/online`;
  return {
    device: id,
    hello: () => [{ topic: online, payload: "true", retain: true }],
    will: { topic: online, payload: "false", retain: true },
    report: ({ temperature, humidity }, { timeMs }) => [
      {
        topic: `${id}/events/rpc`,
        payload: JSON.stringify({
          src: id,
          dst: `${id}/events`,
          method: "NotifyFullStatus",
          params: {
            ts: Math.round(timeMs / 10) / 100,
            "temperature:0": { id: 0, tC: temperature, tF: temperature * 1.8 + 32 },
            "humidity:0": { id: 0, rh: humidity },
          },
        }),
      },
    ],
  };
}

function esphome(id: string): Dialect {
  const state = (name: string) => `${id}/sensor/${name}/state`;
  const describe = (name: string, kind: string, unit: string): Said => ({
    topic: `homeassistant/sensor/${id}/${name}/config`,
    retain: true,
    payload: JSON.stringify({
      dev_cla: kind,
      unit_of_meas: unit,
      stat_t: state(name),
      avty_t: `${id}/status`,
      uniq_id: `ESPsensor${name}`,
      dev: { ids: `mac-of-${id}`, name: id },
    }),
  });
  return {
    device: id,
    hello: () => [
      { topic: `${id}/status`, payload: "online", retain: true },
      describe("air_temperature", "temperature", "°C"),
      describe("air_humidity", "humidity", "%"),
    ],
    will: { topic: `${id}/status`, payload: "offline", retain: true },
    report: ({ temperature, humidity }) => [
      { topic: state("air_temperature"), payload: `${temperature}` },
      { topic: state("air_humidity"), payload: `${humidity}` },
    ],
  };
}

function senml(id: string): Dialect {
  const name = `urn:dev:ops:32473-${id}`;
  return {
    device: name,
    hello: () => [],
    report: ({ temperature, humidity }, { timeMs }) => [
      {
        topic: `senml/${id}`,
        payload: JSON.stringify([
          { bn: `${name}:`, bt: timeMs / 1000, n: "temperature", u: "Cel", v: temperature },
          { n: "relative_humidity", u: "%RH", v: humidity },
        ]),
      },
    ],
  };
}

const TEMPERATURE = 11;
const HUMIDITY = 12;

function sparkplug(id: string): Dialect {
  const topic = (type: string, device = "") =>
    `spBv1.0/sim/${type}/edge-${id}${device === "" ? "" : `/${device}`}`;
  const session = 0;
  let seq = 0;
  const next = () => (seq = (seq + 1) % 256);
  const sessionMetric = (): SimMetric => ({
    name: "bdSeq",
    value: { kind: "uint64", value: session },
  });
  const float = (alias: number, value: number): SimMetric => ({
    alias,
    value: { kind: "float", value },
  });
  let last: Values = { temperature: 20, humidity: 40 };

  const births = ({ timeMs }: Moment): Said[] => {
    seq = 0;
    const node = payload(timeMs, 0, [
      sessionMetric(),
      { name: "Node Control/Rebirth", value: { kind: "boolean", value: false } },
    ]);
    const device = payload(timeMs, next(), [
      { ...float(TEMPERATURE, last.temperature), name: "temperature", unit: "°C" },
      { ...float(HUMIDITY, last.humidity), name: "relative_humidity", unit: "%" },
    ]);
    return [
      { topic: topic("NBIRTH"), payload: node, qos: 0 },
      { topic: topic("DBIRTH", id), payload: device, qos: 0 },
    ];
  };

  return {
    device: `sim/edge-${id}/${id}`,
    hello: births,
    will: { topic: topic("NDEATH"), payload: payload(0, undefined, [sessionMetric()]), qos: 1 },
    listens: `${topic("NCMD")}/#`,
    hears: (bytes, moment) => (asksRebirth(bytes) ? births(moment) : []),
    report(values, { timeMs }) {
      last = values;
      const metrics = [float(TEMPERATURE, values.temperature), float(HUMIDITY, values.humidity)];
      return [{ topic: topic("DDATA", id), payload: payload(timeMs, next(), metrics), qos: 0 }];
    },
  };
}

function chirpstack(id: string): Dialect {
  const eui = Buffer.from(id).toString("hex").padEnd(16, "0").slice(-16);
  return {
    device: eui,
    hello: () => [],
    report: (object, { number, timeMs }) => [
      {
        topic: `application/sim/device/${eui}/event/up`,
        payload: JSON.stringify({
          deduplicationId: `${id}-${timeMs}-${number}`,
          time: new Date(timeMs).toISOString().replace("Z", "+00:00"),
          deviceInfo: { deviceName: id, devEui: eui },
          ...(number === 0 ? {} : { fCnt: number }),
          fPort: 1,
          data: "qg==",
          object,
        }),
      },
    ],
  };
}

function ttn(id: string): Dialect {
  return {
    device: id,
    hello: () => [],
    report: (decoded, { number, timeMs }) => [
      {
        topic: `v3/sim@ttn/devices/${id}/up`,
        payload: JSON.stringify({
          end_device_ids: { device_id: id, application_ids: { application_id: "sim" } },
          received_at: new Date(timeMs).toISOString(),
          uplink_message: {
            session_key_id: "AXBSH1Pk6Z0G166RlH16CQ==",
            f_port: 1,
            ...(number === 0 ? {} : { f_cnt: number }),
            frm_payload: "ASsBKAAA",
            decoded_payload: decoded,
            received_at: new Date(timeMs).toISOString(),
          },
        }),
      },
    ],
  };
}
