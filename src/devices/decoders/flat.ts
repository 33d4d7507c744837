/**
 * Readings out of an object of named values, for conventions that name values and not units. A number
 * without a known name is told as unread; texts and lists are settings and identities.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";
import { type JsonObject, leaves, numberOf } from "./json.ts";
import type { Names } from "./names.ts";

export type FlatReadings = {
  readonly readings: readonly Reading[];
  readonly unread: readonly string[];
};

export function readFlat(
  values: JsonObject,
  names: Names,
  ignored: ReadonlySet<string> = new Set(),
): FlatReadings {
  const readings: Reading[] = [];
  const unread: string[] = [];
  for (const [name, value] of leaves(values)) {
    if (ignored.has(name) || value === null) continue;
    if (typeof value === "boolean") {
      const flag = names.flag(name);
      if (flag !== undefined)
        readings.push({ ...flagOf(flag), value: Number(value !== (flag.inverted ?? false)) });
      continue;
    }
    const number = numberOf(value);
    if (number === undefined) continue;
    const quantity = names.number(name);
    if (quantity === undefined)
      unread.push(`no unit is known for "${name}"; name it under readings`);
    else readings.push({ property: quantity.property, value: number, unit: quantity.unit });
  }
  for (const { name, property, unit } of names.zeros)
    if (!readings.some((reading) => reading.property === property) && !hasLeaf(values, name))
      readings.push({ property, value: 0, unit });
  return { readings, unread };
}

function flagOf({ property, unit }: { property: string; unit: string }) {
  return { property, unit };
}

function hasLeaf(values: JsonObject, name: string): boolean {
  return leaves(values).some(([path]) => path === name);
}
