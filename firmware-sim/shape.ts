/**
 * Reads untrusted values into types, and collects every problem instead of the first. Unknown keys
 * are problems too: a misspelt word must not silently leave the default in force.
 */
import type { Range } from "./prng.ts";

export type Shape<T> = (value: unknown, at: string, problems: string[]) => T;

export function number(min: number, max: number): Shape<number> {
  return (value, at, problems) => {
    if (typeof value === "number" && value >= min && value <= max) return value;
    problems.push(`${at}: a number from ${min} to ${max} is needed, not ${told(value)}`);
    return min;
  };
}

export function whole(min: number, max: number): Shape<number> {
  return (value, at, problems) => {
    if (Number.isInteger(value)) return number(min, max)(value, at, problems);
    problems.push(`${at}: a whole number from ${min} to ${max} is needed, not ${told(value)}`);
    return min;
  };
}

/** Two numbers, low and high; a single number is both. */
export function range(min: number, max: number): Shape<Range> {
  return (value, at, problems) => {
    const pair = Array.isArray(value) ? value : [value, value];
    const [low, high] = pair.map((end) => number(min, max)(end, at, problems));
    if (pair.length === 2 && low !== undefined && high !== undefined && low <= high)
      return [low, high];
    problems.push(`${at}: two numbers, the lower one first, are needed, not ${told(value)}`);
    return [min, min];
  };
}

export const flag: Shape<boolean> = (value, at, problems) => {
  if (typeof value !== "boolean") problems.push(`${at}: true or false, not ${told(value)}`);
  return value === true;
};

export function text(pattern: RegExp): Shape<string> {
  return (value, at, problems) => {
    if (typeof value === "string" && pattern.test(value)) return value;
    problems.push(`${at}: text like ${pattern} is needed, not ${told(value)}`);
    return "";
  };
}

export function oneOf<const T extends string | number>(...words: readonly T[]): Shape<T> {
  return (value, at, problems) => {
    const found = words.find((word) => word === value);
    if (found === undefined) problems.push(`${at}: one of ${words.join(", ")}, not ${told(value)}`);
    return found ?? (words[0] as T);
  };
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return (value, at, problems) => {
    if (Array.isArray(value)) return value.map((each, n) => item(each, `${at}[${n}]`, problems));
    problems.push(`${at}: a list is needed, not ${told(value)}`);
    return [];
  };
}

/** What may be left out, and what holds then. */
export function otherwise<T, const D>(shape: Shape<T>, fallback: D): Shape<T | D> {
  return (value, at, problems) => (value === undefined ? fallback : shape(value, at, problems));
}

type Shapes = Readonly<Record<string, Shape<unknown>>>;
type Read<S extends Shapes> = { readonly [K in keyof S]: ReturnType<S[K]> };

export function record<S extends Shapes>(shapes: S): Shape<Read<S>> {
  return (value, at, problems) => {
    const given = typeof value === "object" && value !== null ? Object.entries(value) : undefined;
    if (given === undefined || Array.isArray(value))
      problems.push(`${at}: keys and values are needed, not ${told(value)}`);
    const found = new Map(given);
    for (const key of found.keys())
      if (!Object.hasOwn(shapes, key)) problems.push(`${at}.${key}: this key is not known`);
    const read = Object.entries(shapes).map(([key, shape]) => [
      key,
      shape(found.get(key), `${at}.${key}`, problems),
    ]);
    return Object.fromEntries(read) as Read<S>;
  };
}

const told = (value: unknown): string => JSON.stringify(value) ?? "nothing";
