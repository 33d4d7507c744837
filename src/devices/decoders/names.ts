/**
 * Names that many vendors give to the same quantities, in the units that all of them use. A name whose
 * unit differs from vendor to vendor (`voltage` is mV of a battery here and V of the mains there) is
 * left out: a discovery message or the configuration says it.
 */
import type { NamedReading } from "./convention.ts";

export type Quantity = {
  readonly property: string;
  readonly unit: string;
  /** The vendor's yes is our no: a contact that is closed is a door that is not open. */
  readonly inverted?: boolean;
};

const quantity = (property: string, unit: string): Quantity => ({ property, unit });

const COMMON: Readonly<Record<string, Quantity>> = {
  temperature: quantity("temperature", "Cel"),
  humidity: quantity("relative_humidity", "%"),
  relative_humidity: quantity("relative_humidity", "%"),
  battery: quantity("battery_level", "%"),
  illuminance: quantity("illuminance", "lx"),
  co2: quantity("co2", "[ppm]"),
  pm25: quantity("pm2_5", "ug/m3"),
  pm10: quantity("pm10", "ug/m3"),
};

/** Booleans and texts that say yes or no. */
const FLAGS: Readonly<Record<string, Quantity>> = {
  contact: { property: "door_open", unit: "1", inverted: true },
  occupancy: quantity("occupancy", "1"),
  presence: quantity("occupancy", "1"),
  motion: quantity("motion", "1"),
  water_leak: quantity("water_leak", "1"),
  smoke: quantity("smoke", "1"),
  carbon_monoxide: quantity("carbon_monoxide", "1"),
  gas: quantity("gas", "1"),
  vibration: quantity("vibration", "1"),
  tamper: quantity("tamper", "1"),
  battery_low: quantity("battery_low", "1"),
};

export type Names = {
  /** What the configuration says, before whatever the source says of itself. */
  configured(name: string): Quantity | undefined;
  /** Of a number. */
  number(name: string): Quantity | undefined;
  /** Of a yes or no. */
  flag(name: string): Quantity | undefined;
  /** Names that say 0 by not being there. */
  readonly zeros: readonly NamedReading[];
};

/** What the configuration says comes before what vendors usually mean. */
export function compileNames(
  configured: readonly NamedReading[] = [],
  own: Readonly<Record<string, Quantity>> = {},
): Names {
  const said = new Map<string, Quantity>(
    configured.map(({ name, property, unit }) => [name, { property, unit }]),
  );
  const known = new Map([...Object.entries(COMMON), ...Object.entries(own), ...said]);
  const flags = new Map([...Object.entries(FLAGS), ...said]);
  return {
    configured: (name) => said.get(name),
    number: (name) => known.get(name),
    flag: (name) => flags.get(name),
    zeros: configured.filter(({ absentIsZero }) => absentIsZero === true),
  };
}

/** No name of a value is longer. */
export const NAME_CHARS_MAX = 256;

/**
 * A name as it is told in a reason. One message may say a name of its own length for each of thousands
 * of values, and that is more than any memory holds.
 */
export function short(name: string): string {
  return name.length <= NAME_CHARS_MAX ? name : `${name.slice(0, NAME_CHARS_MAX - 1)}…`;
}

/** A vendor's name as a property: `PM2.5` is `pm2_5`, `CarbonDioxide` is `carbon_dioxide`. */
export function asProperty(name: string): string {
  const property = name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return property === "" ? "value" : property;
}
