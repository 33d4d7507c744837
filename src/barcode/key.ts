/**
 * Keys: what a thing is called inside the product. A key is the path of the canonical GS1 Digital
 * Link URI, without host and without percent-encoding, e.g. `414/9521234001003/254/R1-S1`.
 *
 * Only the last part of a key can hold a slash, so a key reads back without loss.
 */
import { checkValue, findAi } from "./application-identifiers.ts";
import { type Element, NONE } from "./elements.ts";

export type KeyClass =
  | "gdti"
  | "sscc"
  | "grai"
  | "giai"
  | "sgln"
  | "gsrn"
  | "ginc"
  | "gsin"
  | "gln";

export type Key = {
  readonly key: string;
  readonly ai: string;
  readonly class: KeyClass;
  /**
   * What tells this thing from others of its type: the serial of a GDTI or GRAI (empty: the type
   * itself), the extension of a GLN (empty: the place itself), else the whole value.
   */
  readonly serial: string;
};

/** Keys of things, people and places. A label carries one of these. */
const THINGS: ReadonlyMap<string, KeyClass> = new Map([
  ["253", "gdti"],
  ["00", "sscc"],
  ["8003", "grai"],
  ["414", "sgln"],
  ["8004", "giai"],
  ["8018", "gsrn"],
  ["8017", "gsrn"],
]);

/** Keys of what a thing is about: beside the key of a thing they are attributes of it. */
const MATTERS: ReadonlyMap<string, KeyClass> = new Map([
  ["401", "ginc"],
  ["402", "gsin"],
  ["417", "gln"],
]);

export type Resolved =
  | { readonly kind: "key"; readonly key: Key; readonly attributes: readonly Element[] }
  | { readonly kind: "orphan" }
  | { readonly kind: "several"; readonly ais: readonly [string, string] }
  | { readonly kind: "none" };

/** Picks the key among the elements of one label. Orphan: an extension without its GLN. */
export function resolve(elements: readonly Element[]): Resolved {
  let primary: Element | undefined;
  let extension: Element | undefined;
  for (const classes of [THINGS, MATTERS]) {
    for (const element of elements) {
      if (element.ai === "254") extension = element;
      if (!classes.has(element.ai)) continue;
      if (primary !== undefined) return { kind: "several", ais: [primary.ai, element.ai] };
      primary = element;
    }
    if (primary !== undefined) break;
  }
  if (extension !== undefined && primary?.ai !== "414") return { kind: "orphan" };
  if (primary === undefined) return { kind: "none" };
  const key = keyOf(primary.ai, primary.value, extension?.value);
  if (key === undefined) return { kind: "none" };
  if (elements.length === (extension === undefined ? 1 : 2))
    return { kind: "key", key, attributes: NONE };
  const attributes = elements.filter((element) => element !== primary && element !== extension);
  return { kind: "key", key, attributes };
}

/** The values must have passed their AI's checks. Undefined: not an AI that names a thing here. */
function keyOf(ai: string, value: string, extension: string | undefined): Key | undefined {
  const kind = THINGS.get(ai) ?? MATTERS.get(ai);
  if (kind === undefined) return undefined;
  const tail = ai === "414" && extension !== undefined ? `/254/${extension}` : "";
  return { key: `${ai}/${value}${tail}`, ai, class: kind, serial: serialOf(ai, value, extension) };
}

function serialOf(ai: string, value: string, extension: string | undefined): string {
  switch (ai) {
    case "253":
      return value.slice(13);
    case "8003":
      return value.slice(14);
    case "414":
      return extension ?? "";
    default:
      return value;
  }
}

/** Reads a canonical key back; undefined when it is not one to the last character. */
export function parseKey(key: string): Key | undefined {
  const elements = elementsOf(key);
  if (elements === undefined) return undefined;
  for (const { ai, value } of elements) {
    const rule = findAi(ai);
    if (rule === undefined || checkValue(rule, value, 0, value.length) !== undefined)
      return undefined;
  }
  const [primary, extension] = elements;
  return primary && keyOf(primary.ai, primary.value, extension?.value);
}

/**
 * The part that a key shares with others of its type, and the serial; together they are the key. What
 * has not the shape of a key is all serial.
 */
export function splitKey(key: string): readonly [stem: string, serial: string] {
  const [primary, extension] = elementsOf(key) ?? [];
  if (primary === undefined) return ["", key];
  const serial = serialOf(primary.ai, primary.value, extension?.value);
  return [key.slice(0, key.length - serial.length), serial];
}

/** Cuts a key without checking its values; undefined when it has not the shape of a key. */
function elementsOf(key: string): readonly Element[] | undefined {
  const slash = key.indexOf("/");
  const ai = key.slice(0, Math.max(slash, 0));
  const value = key.slice(slash + 1);
  if (ai === "414" && value.length > 13) {
    if (value.slice(13, 18) !== "/254/") return undefined;
    return [
      { ai, value: value.slice(0, 13) },
      { ai: "254", value: value.slice(18) },
    ];
  }
  return THINGS.has(ai) || MATTERS.has(ai) ? [{ ai, value }] : undefined;
}

/** `(414)9521234001003(254)R1-S1`; a bracket inside a value becomes `\(`. */
export function elementString(key: string): string {
  const elements = elementsOf(key) ?? [];
  return elements.map(({ ai, value }) => `(${ai})${value.replaceAll("(", "\\(")}`).join("");
}

/** The canonical Digital Link URI of a key. */
export function digitalLink(key: string): string {
  const elements = elementsOf(key) ?? [];
  const path = elements.map(({ ai, value }) => `${ai}/${encode(value)}`);
  return `https://id.gs1.org/${path.join("/")}`;
}

/** All but RFC 3986's unreserved characters; values of set 82 are ASCII. */
function encode(value: string): string {
  return value.replace(
    /[^A-Za-z0-9._~-]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
