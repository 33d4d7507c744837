/**
 * Every word of the domain as a person reads it: kinds, certainty, steps, discrepancies, units.
 * A word the page does not know is shown as it came, with its underscores as spaces.
 */
import type { Certainty, Kind, State } from "./api.ts";

const KINDS: Readonly<Record<Kind, string>> = {
  page: "Page",
  document: "Document",
  envelope: "Envelope",
  folder: "Folder",
  box: "Box",
  shelf: "Shelf",
  desk: "Desk",
  rack: "Rack",
  room: "Room",
  site: "Site",
  person: "Person",
  carrier: "Carrier",
  gateway: "Gateway",
  scanner: "Scanner",
  sensor: "Sensor",
  unknown: "Thing",
};

const CERTAINTIES: Readonly<Record<Certainty, { word: string; why: string }>> = {
  observed: { word: "Observed", why: "It was scanned here itself." },
  inferred: { word: "Inferred", why: "It follows from the container that it is in." },
  presumed: { word: "Presumed", why: "The last sighting is old, or scans are missing since then." },
  conflicted: {
    word: "Conflicted",
    why: "Sightings contradict each other. The later one is shown.",
  },
  unknown: { word: "Unknown", why: "Nothing says where it is now." },
};

const STATES: Readonly<Record<State, string>> = {
  placed: "In place",
  in_transit: "In transit",
  unknown: "Place unknown",
  destroyed: "Destroyed",
};

/** Steps of CBV as a short past: what was done. */
const STEPS: Readonly<Record<string, string>> = {
  commissioning: "Labelled",
  encoding: "Printed",
  packing: "Packed",
  unpacking: "Unpacked",
  storing: "Filed",
  picking: "Picked",
  collecting: "Collected",
  loading: "Loaded",
  departing: "Departed",
  shipping: "Shipped",
  transporting: "On its way",
  arriving: "Arrived",
  receiving: "Received",
  accepting: "Handed over",
  inspecting: "Inspected",
  holding: "Held",
  dispensing: "Handed out",
  stock_taking: "Counted",
  cycle_counting: "Counted",
  installing: "Installed",
  removing: "Removed",
  destroying: "Destroyed",
  decommissioning: "Label retired",
};

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
  return KINDS[kind as Kind] ?? spaced(kind);
}

export function certaintyWord(certainty: string): { readonly word: string; readonly why: string } {
  return CERTAINTIES[certainty as Certainty] ?? { word: spaced(certainty), why: "" };
}

export function stateWord(state: string): string {
  return STATES[state as State] ?? spaced(state);
}

export function stepWord(step: string): string {
  return STEPS[step] ?? spaced(step);
}

export function unitWord(unit: string): string {
  return UNITS[unit] ?? unit;
}

/** `missing_item` and `relative_humidity` as a reader expects them. */
export function spaced(word: string): string {
  const text = word.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const NUMBER = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 4 });
const COUNT = new Intl.NumberFormat("en-GB");

/** A measured value with its unit: "21.4 °C". A door is open or closed rather than 1 or 0. */
export function valueWord(value: number, unit: string, property: string): string {
  if (unit === "1" && property.endsWith("_open")) return value === 0 ? "closed" : "open";
  const word = unitWord(unit);
  // Narrow no-break space, as the SI brochure asks for; the percent sign keeps close in English.
  return NUMBER.format(value) + (word === "" ? "" : word === "%" ? "%" : `\u202f${word}`);
}

export function countWord(count: number): string {
  return COUNT.format(count);
}

/** "1 page", "2 pages". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countWord(count)} ${count === 1 ? one : many}`;
}
