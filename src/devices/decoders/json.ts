/** JSON documents of devices: looked at with care, since anybody may have written them. */
import type { Message } from "./convention.ts";
import { short } from "./names.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** The payload as a JSON object, or the reason why it is none. */
export function objectOf({ text }: Message): JsonObject | string {
  if (text === undefined) return "the payload is not UTF-8";
  const parsed = parseJson(text);
  if (parsed === undefined) return "the payload is not JSON";
  return isObject(parsed.value) ? parsed.value : "the payload is not a JSON object";
}

/** The own property at the path. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value;
  for (const key of path) {
    if (!isObject(here) || !Object.hasOwn(here, key)) return undefined;
    here = here[key];
  }
  return here;
}

/** JSON.parse makes Infinity of 1e999. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** Numbers and booleans of nested objects, by their path; one that is too long is cut, and so nobody's. */
export function leaves(value: JsonObject, depthMax = 4): readonly (readonly [string, unknown])[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = short(key);
    if (!isObject(inner)) return [[name, inner] as const];
    if (depthMax === 0) return [];
    return leaves(inner, depthMax - 1).map(
      ([path, leaf]) => [short(`${name}.${path}`), leaf] as const,
    );
  });
}
