/**
 * Tasmota: tele/<topic>/SENSOR, /STATE and /LWT (tasmota.github.io/docs/MQTT).
 *
 * - `Time` is local time without a zone: it counts only with `utcOffset`, and not while it says 1970.
 * - SENSOR comes whole each period and in part on events; what is left out is not gone.
 * - The number in `DS18B20-2` is a place in a list and moves when a sensor fails: where the sensor
 *   tells its own `Id`, that names it.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";
import {
  type Convention,
  type DecoderSetting,
  meaning,
  NOTHING,
  presence,
  unclear,
} from "./convention.ts";
import { at, isObject, type JsonObject, numberOf, objectOf, textAt } from "./json.ts";
import { localTime } from "./moment.ts";
import { asProperty, compileNames, type Names, type Quantity, short } from "./names.ts";
import { ucumOfWritten } from "./units.ts";

const q = (property: string, unit: string): Quantity => ({ property, unit });

/** Units that Tasmota's drivers have fixed (xsns_*.ino); temperature and pressure name theirs. */
const OWN: Readonly<Record<string, Quantity>> = {
  Humidity: q("relative_humidity", "%"),
  Illuminance: q("illuminance", "lx"),
  CarbonDioxide: q("co2", "[ppm]"),
  eCO2: q("eco2", "[ppm]"),
  TVOC: q("tvoc", "[ppb]"),
  Gas: q("gas_resistance", "kOhm"),
  PM1: q("pm1", "ug/m3"),
  "PM2.5": q("pm2_5", "ug/m3"),
  PM10: q("pm10", "ug/m3"),
  Battery: q("battery_level", "%"),
  Power: q("power", "W"),
  ApparentPower: q("apparent_power", "V.A"),
  ReactivePower: q("reactive_power", "V.A{reactive}"),
  Factor: q("power_factor", "1"),
  Frequency: q("frequency", "Hz"),
  Voltage: q("voltage", "V"),
  Current: q("current", "A"),
  Total: q("energy_total", "kW.h"),
  Yesterday: q("energy_yesterday", "kW.h"),
  Today: q("energy_today", "kW.h"),
  Period: q("energy_period", "W.h"),
};
const TEMPERATURES = new Set(["Temperature", "DewPoint"]);
const PRESSURES = new Set(["Pressure", "SeaPressure"]);
const NO_VALUES = new Set(["Id", "Address", "Channel", "RSSI"]);
/** Each driver has a unit of its own for `Distance`, and none says which: to AS3935 it is a thunderstorm's. */
const DISTANCES: Readonly<Record<string, Quantity>> = {
  SR04: q("distance", "cm"),
  VL53L0X: q("distance", "mm"),
  VL53L1X: q("distance", "mm"),
};

export function compileTasmota({ base = "tele", utcOffset, readings }: DecoderSetting): Convention {
  const names = compileNames(readings, OWN);
  const own = `${base}/`;
  const channel = (topic: string) => topic.slice(topic.lastIndexOf("/") + 1);
  return {
    owns: (topic) => topic.startsWith(own) && topic.slice(own.length).includes("/"),
    decode(message) {
      const { topic, text } = message;
      const device = topic.slice(own.length, topic.lastIndexOf("/"));
      if (channel(topic) === "LWT")
        return presence(device, text === "Online", `its last will says ${text ?? "nothing"}`);
      if (channel(topic) !== "SENSOR" && channel(topic) !== "STATE") return NOTHING;
      const document = objectOf(message);
      if (typeof document === "string") return unclear(document);
      const sourceTimeMs = localTime(document["Time"], utcOffset);
      const told =
        channel(topic) === "STATE"
          ? { reports: [stateOf(device, document)], unread: [] }
          : sensorsOf(device, document, names);
      if (typeof told === "string") return unclear(told);
      const reports = told.reports
        .filter((report) => report.readings.length > 0)
        .map((report) => ({ ...report, sourceTimeMs, id: undefined }));
      return meaning({ reports, unread: told.unread });
    },
  };
}

type Told = { readonly device: string; readonly readings: readonly Reading[] };

/** What the board says about itself. */
function stateOf(device: string, document: JsonObject): Told {
  const readings: Reading[] = [];
  const add = (value: unknown, property: string, unit: string) => {
    const number = numberOf(value);
    if (number !== undefined) readings.push({ property, value: number, unit });
  };
  add(document["UptimeSec"], "uptime", "s");
  add(document["Vcc"], "supply_voltage", "V");
  add(at(document, "Wifi", "Signal"), "wifi_signal", "dB{mW}");
  return { device, readings };
}

function sensorsOf(
  device: string,
  document: JsonObject,
  names: Names,
): { reports: readonly Told[]; unread: readonly string[] } | string {
  const units = new Map<string, string>();
  for (const key of ["TempUnit", "PressureUnit"]) {
    const written = textAt(document, key);
    if (written === undefined) continue;
    const unit = ucumOfWritten(written);
    if (unit === undefined) return `${key} "${short(written)}" has no UCUM code here`;
    units.set(key, unit);
  }
  const unread: string[] = [];
  const reports = Object.entries(document).flatMap(([key, value]): Told[] => {
    const input = switchOf(key, value);
    if (input !== undefined) return [{ device, readings: [input] }];
    if (!isObject(value)) return [];
    const id = textAt(value, "Id");
    const driver = key.replace(/-\d+$/, "");
    const sensor = id === undefined ? key : `${driver}-${id}`;
    const read = valuesOf(value, { names, units, driver });
    unread.push(
      ...[...read.unread].map(
        (name) => `no unit is known for "${short(key)}.${short(name)}"; name it under readings`,
      ),
    );
    return [{ device: `${device}/${sensor}`, readings: read.readings }];
  });
  return { reports, unread };
}

function switchOf(key: string, value: unknown): Reading | undefined {
  if (!/^(Switch|Button)\d+$/.test(key) || (value !== "ON" && value !== "OFF")) return undefined;
  return { property: asProperty(key), value: value === "ON" ? 1 : 0, unit: "1" };
}

type Known = {
  readonly names: Names;
  readonly units: ReadonlyMap<string, string>;
  readonly driver: string;
};

function valuesOf(
  values: JsonObject,
  known: Known,
): { readings: Reading[]; unread: ReadonlySet<string> } {
  const readings: Reading[] = [];
  const unread = new Set<string>();
  for (const [name, value] of Object.entries(values)) {
    if (NO_VALUES.has(name)) continue;
    // Meters of several phases list them.
    const list = Array.isArray(value) ? value : [value];
    list.forEach((item, at) => {
      const number = numberOf(item);
      if (number === undefined) return;
      const found = quantityOf(name, known);
      if (found === undefined) unread.add(name);
      else {
        const property = list.length === 1 ? found.property : `${found.property}_${at + 1}`;
        readings.push({ property, value: number, unit: found.unit });
      }
    });
  }
  return { readings, unread };
}

function quantityOf(name: string, { names, units, driver }: Known): Quantity | undefined {
  const said = names.number(name);
  if (said !== undefined) return said;
  if (name === "Distance" && Object.hasOwn(DISTANCES, driver)) return DISTANCES[driver];
  const key = TEMPERATURES.has(name) ? "TempUnit" : PRESSURES.has(name) ? "PressureUnit" : "";
  const unit = units.get(key);
  return unit === undefined ? undefined : { property: asProperty(name), unit };
}
