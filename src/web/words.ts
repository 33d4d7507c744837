/**
 * Every word of the domain as a person reads it: kinds, certainty, steps, discrepancies, units.
 * A word the page does not know is shown as it came, with its underscores as spaces.
 */
import { countsOf } from "./language/counts.ts";
import { words } from "./language/spoken.ts";
import { type Called, nameOf } from "./thing.ts";
import type { AllowedRange, Certainty } from "./twin-api.ts";

/** UCUM codes; what is missing here is shown as its code. */
const UNITS: Readonly<Record<string, string>> = {
  Cel: "°C",
  "[degF]": "°F",
  K: "K",
  "%": "%",
  "1": "",
  "{count}": "",
  W: "W",
  kW: "kW",
  "W.h": "Wh",
  "kW.h": "kWh",
  V: "V",
  A: "A",
  Pa: "Pa",
  hPa: "hPa",
  mbar: "mbar",
  bar: "bar",
  lx: "lx",
  "[ppm]": "ppm",
  "[ppb]": "ppb",
  "ug/m3": "µg/m³",
  "m/s": "m/s",
  "m/s2": "m/s²",
  "dB[SPL]": "dB",
  dB: "dB",
  Hz: "Hz",
  kg: "kg",
  s: "s",
  ms: "ms",
};

export function kindWord(kind: string): string {
  return wordIn(words.kinds, kind);
}

/** "Rack R06" needs no "Rack" before it. */
export function nameSaysKind(thing: Called): boolean {
  return nameOf(thing).toLowerCase().startsWith(kindWord(thing.kind).toLowerCase());
}

/** What it is and how it is called, each said once. */
export function thingWord(thing: Called): string {
  return nameSaysKind(thing) ? nameOf(thing) : `${kindWord(thing.kind)} ${nameOf(thing)}`;
}

export function certaintyWord(certainty: string): { readonly word: string; readonly why: string } {
  return words.certainties[certainty as Certainty] ?? { word: spaced(certainty), why: "" };
}

export function stateWord(state: string): string {
  return wordIn(words.states, state);
}

/** Of a device, as its gateway says. */
export function deviceWord(state: string): string {
  return words.gateways.states[state as keyof typeof words.gateways.states] ?? spaced(state);
}

/** How closely documents are followed. */
export function levelWord(level: string): string {
  return wordIn(words.documents.levels, level);
}

export function stepWord(step: string): string {
  return wordIn(words.steps, step);
}

export function severityWord(severity: string): string {
  return wordIn(words.severities, severity);
}

/** What a discrepancy is, and what a person can do about it. */
export function discrepancyWord(kind: string): { readonly word: string; readonly next: string } {
  const known: Readonly<Record<string, { word: string; next: string }>> = words.discrepancyKinds;
  return known[kind] ?? { word: spaced(kind), next: "" };
}

/** The twin's own reason; what it says with names and numbers in it stays as it says it. */
export function reasonWord(reason: string): { readonly word: string; readonly lang?: "en" } {
  const known = words.reasons[reason];
  return known === undefined ? { word: reason, lang: "en" } : { word: known };
}

export function propertyWord(property: string): string {
  return wordIn(words.sensors.properties, property);
}

export function unitWord(unit: string): string {
  return UNITS[unit] ?? unit;
}

function wordIn(known: Readonly<Record<string, string>>, word: string): string {
  return known[word] ?? spaced(word);
}

/** `missing_item` and `relative_humidity` as a reader expects them. */
export function spaced(word: string): string {
  const text = word.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A measured value with its unit: "21.4 °C". A door is open or closed rather than 1 or 0. */
export function valueWord(value: number, unit: string, property: string): string {
  if (unit === "1" && property.endsWith("_open"))
    return value === 0 ? words.sensors.closed : words.sensors.open;
  const word = unitWord(unit);
  const number = new Intl.NumberFormat(words.locale, { maximumSignificantDigits: 4 }).format(value);
  // Narrow no-break space, as the SI brochure asks for; the percent sign keeps close in English.
  return number + (word === "" ? "" : word === "%" ? words.percent : `\u202f${word}`);
}

/** "15 °C to 25 °C", or one side of it. */
export function allowedWord({ low, high }: AllowedRange, unit: string, property: string): string {
  const shown = (value: number) => valueWord(value, unit, property);
  if (low !== null && high !== null) return words.sensors.between(shown(low), shown(high));
  if (low !== null) return words.sensors.atLeast(shown(low));
  return high === null ? "" : words.sensors.atMost(shown(high));
}

export function countWord(count: number): string {
  return countsOf(words.locale).count(count);
}
