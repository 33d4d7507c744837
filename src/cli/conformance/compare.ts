/**
 * What a case expects of a list, in each way a case may say it: how many, whether any, exactly these,
 * or by name.
 */

/** Something that the twin listed: what a case may call it, and what more is known of it. */
export type Item = { readonly names: readonly string[] } & Readonly<Record<string, unknown>>;

/** What the twin said, in the words of the expectation; undefined when it is as expected. */
export function unlike(expected: unknown, items: readonly Item[]): unknown {
  if (typeof expected === "number") return expected === items.length ? undefined : items.length;
  if (typeof expected === "boolean") {
    const any = items.length > 0;
    return any === expected ? undefined : any;
  }
  if (expected === null || expected === undefined)
    return items.length === 0 ? undefined : items.map(told);
  if (Array.isArray(expected)) return matched(expected, items) ? undefined : items.map(told);
  if (typeof expected !== "object") return matched([expected], items) ? undefined : items.map(told);
  const wrong = Object.entries(expected).filter(
    ([name, value]) =>
      unlike(
        value,
        items.filter((item) => isCalled(item, name)),
      ) !== undefined,
  );
  return wrong.length === 0 ? undefined : items.map(told);
}

/** Each expected one is there, and there is no other. */
function matched(expected: readonly unknown[], items: readonly Item[]): boolean {
  const rest = [...items];
  for (const one of expected) {
    const at = rest.findIndex((item) => isMeant(one, item));
    if (at === -1) return false;
    rest.splice(at, 1);
  }
  return rest.length === 0;
}

function isMeant(one: unknown, item: Item): boolean {
  if (typeof one !== "object" || one === null) return isCalled(item, String(one));
  return Object.entries(one).every(([field, value]) =>
    item[field] === undefined ? true : same(item[field], value) || isCalled(item, String(value)),
  );
}

function isCalled({ names, time }: Item, name: string): boolean {
  return names.includes(name) || (typeof time === "string" && same(time, name));
}

/** Times are the same however many digits they are written with. */
export function same(a: unknown, b: unknown): boolean {
  if (typeof a === "string" && typeof b === "string" && /^\d{4}-\d\d-\d\dT/.test(a))
    return a === b || Date.parse(a) === Date.parse(b);
  return JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
}

function told({ names }: Item): string | undefined {
  return names[0];
}

export function entriesOf(expected: unknown): readonly (readonly [string, unknown])[] {
  if (typeof expected !== "object" || expected === null || Array.isArray(expected))
    throw new Error("expected values are given by name");
  return Object.entries(expected);
}
