/**
 * Zigbee2MQTT: zigbee2mqtt/<friendly name>, /availability and /bridge/state
 * (zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html).
 *
 * - `last_seen` is off by default, so most messages make no claim of time. Where it is on, it also
 *   tells a repeated message from a new one.
 * - A message holds what the bridge last heard of each value, old ones too, and no units. `contact`
 *   true means closed. A value whose unit differs from device to device needs the bridge's discovery
 *   messages (`homeassistant`), or the configuration.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";
import {
  type Convention,
  type DecoderSetting,
  meaning,
  NOTHING,
  presence,
  type Recall,
  unclear,
} from "./convention.ts";
import { entitiesUnder } from "./entities.ts";
import { readFlat } from "./flat.ts";
import { type JsonObject, objectOf, parseJson, textAt } from "./json.ts";
import { isoTime, unixTime } from "./moment.ts";
import { compileNames, type Quantity } from "./names.ts";

const q = (property: string, unit: string): Quantity => ({ property, unit });

const OWN: Readonly<Record<string, Quantity>> = {
  pressure: q("pressure", "hPa"),
  linkquality: q("link_quality", "1"),
  power: q("power", "W"),
  current: q("current", "A"),
  energy: q("energy_total", "kW.h"),
  soil_moisture: q("soil_moisture", "%"),
  device_temperature: q("device_temperature", "Cel"),
  local_temperature: q("temperature", "Cel"),
  illuminance_lux: q("illuminance", "lx"),
  formaldehyd: q("formaldehyde", "mg/m3"),
  voc_index: q("voc_index", "1"),
};
/** Settings, counters of the radio and what somebody pressed. */
const NO_VALUES = new Set([
  "last_seen",
  "elapsed",
  "update_available",
  "power_outage_count",
  "trigger_count",
  "requested_brightness_level",
  "requested_brightness_percent",
  "brightness",
  "color_temp",
]);

export function compileZigbee2mqtt({ base = "zigbee2mqtt", readings }: DecoderSetting): Convention {
  const names = compileNames(readings, OWN);
  const own = `${base}/`;
  return {
    owns: (topic) => topic.startsWith(own),
    decode(message, recall) {
      const name = message.topic.slice(own.length);
      if (name === "bridge/state")
        return presence(base, isOnline(message.text), "the bridge says so");
      if (name.startsWith("bridge/") || /\/(set|get)(\/|$)/.test(`${name}/`)) return NOTHING;
      if (name.endsWith("/availability")) {
        const device = name.slice(0, -"/availability".length);
        return presence(device, isOnline(message.text), "the bridge says so");
      }
      // An empty message takes a device that was renamed or removed off the broker.
      if (message.bytes.length === 0) return NOTHING;
      const document = objectOf(message);
      if (typeof document === "string") return unclear(document);
      const discovered = readDiscovered(document, message.topic, recall);
      const flat = readFlat(
        document,
        names,
        new Set([...NO_VALUES, ...ignoredOf(document), ...discovered.names]),
      );
      const read = [...flat.readings, ...discovered.readings];
      const seen = document["last_seen"];
      const sourceTimeMs = typeof seen === "string" ? isoTime(seen) : unixTime(seen, "ms");
      const id = sourceTimeMs === undefined ? undefined : `last_seen ${sourceTimeMs}`;
      const reports = read.length === 0 ? [] : [{ device: name, readings: read, sourceTimeMs, id }];
      return meaning({ reports, unread: flat.unread });
    },
  };
}

/**
 * Parts that describe the device's firmware or its configuration; and `illuminance` of a bridge before 2.0,
 * which is what the device counted and no lux: those came as `illuminance_lux` beside it.
 */
function ignoredOf(document: JsonObject): readonly string[] {
  const raw = Object.hasOwn(document, "illuminance_lux") ? ["illuminance"] : [];
  const parts = Object.entries(document).flatMap(([key, value]) =>
    typeof value === "object" &&
    value !== null &&
    ["update", "device", "color", "level_config"].includes(key)
      ? Object.keys(value).map((inner) => `${key}.${inner}`)
      : [],
  );
  return [...raw, ...parts];
}

/** What the bridge's discovery messages describe goes before what the names usually mean. */
function readDiscovered(
  document: JsonObject,
  topic: string,
  recall: Recall,
): { readings: readonly Reading[]; names: readonly string[] } {
  const found = entitiesUnder(topic, recall).flatMap(({ property, unit, path, on }) => {
    const name = path?.join(".") ?? "";
    const value = document[name];
    return on === undefined && typeof value === "number"
      ? [{ name, reading: { property, value, unit } }]
      : [];
  });
  return { readings: found.map(({ reading }) => reading), names: found.map(({ name }) => name) };
}

/** `online`, or {"state":"online"} since 2.0. */
function isOnline(text: string | undefined): boolean {
  if (text === "online") return true;
  const parsed = parseJson(text ?? "");
  return parsed !== undefined && textAt(parsed.value, "state") === "online";
}
