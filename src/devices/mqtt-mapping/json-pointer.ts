/**
 * RFC 6901 pointers, compiled once from valid ones. Only own properties are found: not `__proto__`,
 * and no `length` of a list.
 */

/** The value at the pointer, or undefined when there is none. */
export type Pointer = (document: unknown) => unknown;

export function compilePointer(pointer: string): Pointer {
  const keys = pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
  const [only] = keys;
  if (keys.length === 1 && only !== undefined) return (document) => step(document, only);
  return (document) => keys.reduce(step, document);
}

function step(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return /^(0|[1-9]\d*)$/.test(key) ? value[Number(key)] : undefined;
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}
