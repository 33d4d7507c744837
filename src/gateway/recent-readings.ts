/** The last value of each thing that devices measure, for a page; what was heard longest ago gives way. */
import type { Reading } from "../devices/mqtt-mapping/mapping.ts";

export type RecentReading = Reading & { readonly device: string; readonly atMs: number };

export type RecentReadings = {
  notice(device: string, readings: readonly Reading[], atMs: number): void;
  /** Newest first. */
  list(): readonly RecentReading[];
};

/** Any device may make up new names. */
const DEVICES_MAX = 1_024;
const SHOWN_MAX = 200;

export function createRecentReadings(): RecentReadings {
  const devices = new Map<string, { atMs: number; readonly values: Map<string, Reading> }>();
  const PROPERTIES_MAX = 64;

  return {
    notice(device, readings, atMs) {
      let known = devices.get(device);
      if (known === undefined) {
        if (devices.size >= DEVICES_MAX) devices.delete(devices.keys().next().value ?? "");
        known = { atMs, values: new Map() };
        devices.set(device, known);
      }
      known.atMs = atMs;
      for (const reading of readings)
        if (known.values.size < PROPERTIES_MAX || known.values.has(reading.property))
          known.values.set(reading.property, reading);
    },
    list() {
      const newest = [...devices].toSorted(([, a], [, b]) => b.atMs - a.atMs);
      return newest
        .flatMap(([device, { atMs, values }]) =>
          [...values.values()].map((reading) => ({ ...reading, device, atMs })),
        )
        .slice(0, SHOWN_MAX);
    },
  };
}
