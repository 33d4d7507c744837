/** How a thing is called on the page, taken from its key: a GS1 Digital Link path without host. */
import { words } from "./language/spoken.ts";
import type { Thing } from "./twin-api.ts";

/** Documents, which have no key, are named as things are. */
export type Called = Pick<Thing, "key" | "name"> & { readonly kind: string };

/** The name that people gave it, else the serial that is printed on it. */
export function nameOf(thing: Called): string {
  const name = thing.name || serialOf(thing.key);
  return thing.kind === "carrier" && name === "unknown" ? words.someCarrier : name;
}

export function hasName({ name }: Called): boolean {
  return name !== null && name !== "";
}

/** Discrepancies are also about what has no key: a document, a gateway, a scan that was not understood. */
export function isKey(text: string): boolean {
  return /^\d{2,4}\//.test(text);
}

/** Keys whose value begins with a number of fixed length before the serial. */
const FIXED_DIGITS: Readonly<Record<string, number>> = { "253": 13, "8003": 14 };

/** The part of a key that tells things of one kind apart. */
export function serialOf(key: string): string {
  const parts = key.split("/").map(decoded);
  const [ai = "", value = ""] = parts;
  const extension = parts[3];
  if (ai === "414" && extension !== undefined) return extension;
  const serial = value.slice(FIXED_DIGITS[ai] ?? 0);
  return serial || value || key;
}

/** As on the label, with brackets: a key is its application identifiers and values, one after the other. */
export function elementStringOf(key: string): string {
  if (!isKey(key)) return key;
  const parts = key.split("/").map(decoded);
  return parts.map((part, n) => (n % 2 === 0 ? `(${part})` : part.replaceAll("(", "\\("))).join("");
}

/** Addresses carry keys percent-encoded, and people write anything into them. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
