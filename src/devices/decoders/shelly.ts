/**
 * Shelly Gen2 and later: <id>/events/rpc with NotifyStatus and NotifyFullStatus, <id>/status/<component>
 * and <id>/online (shelly-api-docs.shelly.cloud/gen2).
 *
 * - NotifyStatus holds what changed and nothing else; what is left out is not gone.
 * - `ts` is unix seconds with a fraction, and null before the clock is set.
 * - A battery device wakes, sends NotifyFullStatus with its wakeup period, and leaves: its last will
 *   then says no more than that it sleeps.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";
import {
  type Convention,
  type DecoderSetting,
  type Memory,
  meaning,
  NOTHING,
  presence,
  unclear,
} from "./convention.ts";
import { at, isObject, type JsonObject, numberOf, objectOf, textAt } from "./json.ts";
import { unixTime } from "./moment.ts";

/** Path inside a component, our property, unit. */
type Rule = readonly [path: string, property: string, unit: string];

const METER: readonly Rule[] = [
  ["apower", "power", "W"],
  ["voltage", "voltage", "V"],
  ["current", "current", "A"],
  ["pf", "power_factor", "1"],
  ["freq", "frequency", "Hz"],
  ["aenergy.total", "energy_total", "W.h"],
  ["temperature.tC", "device_temperature", "Cel"],
];
const PHASES: readonly Rule[] = ["a", "b", "c"].flatMap((phase): Rule[] => [
  [`${phase}_voltage`, `voltage_${phase}`, "V"],
  [`${phase}_current`, `current_${phase}`, "A"],
  [`${phase}_act_power`, `power_${phase}`, "W"],
  [`${phase}_aprt_power`, `apparent_power_${phase}`, "V.A"],
  [`${phase}_pf`, `power_factor_${phase}`, "1"],
]);

/** Values of each component; the Fahrenheit twin `tF` says the same as `tC`. */
const COMPONENTS: Readonly<Record<string, readonly Rule[]>> = {
  temperature: [["tC", "temperature", "Cel"]],
  humidity: [["rh", "relative_humidity", "%"]],
  devicepower: [
    ["battery.V", "battery_voltage", "V"],
    ["battery.percent", "battery_level", "%"],
    ["external.present", "external_power", "1"],
  ],
  illuminance: [["lux", "illuminance", "lx"]],
  voltmeter: [["voltage", "voltage", "V"]],
  smoke: [["alarm", "smoke", "1"]],
  flood: [["alarm", "water_leak", "1"]],
  input: [
    ["state", "input", "1"],
    ["percent", "input_level", "%"],
  ],
  switch: [["output", "switch_on", "1"], ...METER],
  pm1: METER,
  em1: [
    ["act_power", "power", "W"],
    ["voltage", "voltage", "V"],
    ["current", "current", "A"],
    ["aprt_power", "apparent_power", "V.A"],
    ["pf", "power_factor", "1"],
    ["freq", "frequency", "Hz"],
  ],
  em1data: [["total_act_energy", "energy_total", "W.h"]],
  em: [...PHASES, ["total_act_power", "power", "W"], ["total_current", "current", "A"]],
  emdata: [["total_act", "energy_total", "W.h"]],
  wifi: [["rssi", "wifi_signal", "dB{mW}"]],
};

const TOPIC = /^([^/]+)\/(events\/rpc|online|status\/(.+))$/;

export function compileShelly({ base }: DecoderSetting): Convention {
  const own = base === undefined ? "" : `${base}/`;
  const parse = (topic: string) =>
    topic.startsWith(own) ? TOPIC.exec(topic.slice(own.length)) : null;
  return {
    owns: (topic) => parse(topic) !== null,
    decode(message, recall) {
      const [, device = "", channel = "", component] = parse(message.topic) ?? [];
      const sleeper = `sleeper ${device}`;
      if (channel === "online") {
        const there = message.text === "true";
        if (!there && recall(sleeper) !== undefined) return NOTHING;
        return presence(device, there, `online is ${message.text}`);
      }
      const document = objectOf(message);
      if (typeof document === "string") return unclear(document);
      if (component !== undefined)
        return reportOf(device, componentReadings(component, document), undefined, []);
      const params = document["params"];
      const method = textAt(document, "method") ?? "";
      if (!/^Notify(Full)?Status$/.test(method) || !isObject(params)) return NOTHING;
      const readings = Object.entries(params).flatMap(([name, value]) =>
        isObject(value) ? componentReadings(name, value) : [],
      );
      const sleeps = (numberOf(at(params, "sys", "wakeup_period")) ?? 0) > 0;
      const remember: [string, Memory][] = sleeps ? [[sleeper, { kind: "sleeper" }]] : [];
      return reportOf(device, readings, unixTime(params["ts"], "s"), remember);
    },
  };
}

function reportOf(
  device: string,
  readings: readonly Reading[],
  sourceTimeMs: number | undefined,
  remember: readonly [string, Memory][],
) {
  // The same instant to the hundredth of a second and the same bytes: sent again after a lost PUBACK.
  const id = sourceTimeMs === undefined ? undefined : `ts ${sourceTimeMs}`;
  const reports = readings.length === 0 ? [] : [{ device, readings, sourceTimeMs, id }];
  return meaning({ reports, remember });
}

function componentReadings(name: string, status: JsonObject): Reading[] {
  const [kind = "", index = "0"] = name.split(":");
  const rules = Object.hasOwn(COMPONENTS, kind) ? (COMPONENTS[kind] ?? []) : [];
  return rules.flatMap(([path, property, unit]) => {
    const found = at(status, ...path.split("."));
    const value = typeof found === "boolean" ? Number(found) : numberOf(found);
    // A second sensor of a kind is a property of its own: temperature_101 is the first of an add-on.
    const own = index === "0" ? property : `${property}_${index}`;
    return value === undefined ? [] : [{ property: own, value, unit }];
  });
}
