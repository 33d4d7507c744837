/**
 * Readings out of a line of text, as small instruments send them: named values (`T=21.5;H=40`), a
 * position in a list (CSV, NMEA 0183), or a pattern with named groups. Pure; compiled once.
 *
 * A line that has none of the fields is a banner, a prompt or a comment and says nothing. A checksum that
 * is wrong, and a field that is there and no number, say why.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";

export type LineFormat =
  | { readonly kind: "pairs"; readonly separator: string; readonly equals: string }
  | { readonly kind: "csv"; readonly separator: string }
  | { readonly kind: "pattern"; readonly pattern: string };

export type LineReading = {
  /** Name of a pair or of a group; place in a list, from 1. */
  readonly field: string | number;
  readonly property: string;
  readonly unit: string;
  readonly scale?: number | undefined;
  readonly offset?: number | undefined;
};

export type LineRule = {
  readonly format: LineFormat;
  /** nmea: `*` and two hexadecimal digits at the end, the XOR of what is between `$` or `!` and `*`. */
  readonly checksum: "none" | "nmea";
  readonly decimal: "." | ",";
  /** Only lines that begin so; the others are somebody else's. */
  readonly begins?: string | undefined;
  readonly readings: readonly LineReading[];
};

export type LineRead =
  | { readonly kind: "readings"; readonly readings: readonly Reading[] }
  | { readonly kind: "nothing" }
  | { readonly kind: "wrong"; readonly why: string };

type Fields = (field: string | number) => string | undefined;

const NOTHING: LineRead = { kind: "nothing" };

export function compileLine(rule: LineRule): (line: string) => LineRead {
  const { checksum, begins = "", readings, decimal } = rule;
  const split = compileFormat(rule.format);
  return (line) => {
    const text =
      checksum === "nmea" ? summed(line.trim()) : { ok: true as const, body: line.trim() };
    // Before the checksum is known to be right nobody can say whose line it is.
    if (!text.ok) return text.why === undefined ? NOTHING : { kind: "wrong", why: text.why };
    if (!text.body.startsWith(begins)) return NOTHING;
    const fields = split(text.body);
    if (fields === undefined) return NOTHING;
    return readFields(fields, readings, decimal);
  };
}

function readFields(fields: Fields, rules: readonly LineReading[], decimal: "." | ","): LineRead {
  const readings: Reading[] = [];
  for (const { field, property, unit, scale = 1, offset = 0 } of rules) {
    const written = fields(field)?.trim();
    // An instrument leaves a field empty that it does not know.
    if (written === undefined || written === "") continue;
    const value = numberOf(written, decimal);
    if (value === undefined)
      return { kind: "wrong", why: `${field} is "${written}", not a number` };
    const whole = scale === 1 && offset === 0;
    readings.push({
      property,
      unit,
      value: whole ? value : Number((value * scale + offset).toPrecision(12)),
    });
  }
  return readings.length === 0 ? NOTHING : { kind: "readings", readings };
}

/**
 * A number, with the unit that some instruments write behind it. Digits can be matched in one way only: with
 * two, the time to find no number grows with their square.
 */
const NUMBER = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(?:[A-Za-z%°][A-Za-z0-9%°/]*)?$/;

function numberOf(written: string, decimal: "." | ","): number | undefined {
  // With a decimal comma a point would part thousands, and we would guess.
  if (decimal === "," && written.includes(".")) return undefined;
  const match = NUMBER.exec(decimal === "," ? written.replace(",", ".") : written);
  const value = match === null ? Number.NaN : Number(match[1]);
  return Number.isFinite(value) ? value : undefined;
}

function compileFormat(format: LineFormat): (body: string) => Fields | undefined {
  switch (format.kind) {
    case "pairs":
      return (body) => pairsOf(body, format.separator, format.equals);
    case "csv":
      return (body) => {
        const parts = body.split(format.separator);
        return (field) => (typeof field === "number" ? parts[field - 1] : undefined);
      };
    case "pattern": {
      const pattern = new RegExp(format.pattern, "u");
      return (body) => {
        const groups = pattern.exec(body)?.groups;
        return groups === undefined
          ? undefined
          : (field) => (Object.hasOwn(groups, field) ? groups[field] : undefined);
      };
    }
  }
}

function pairsOf(body: string, separator: string, equals: string): Fields {
  const pairs = new Map<string, string>();
  for (const part of body.split(separator)) {
    const at = part.indexOf(equals);
    if (at > 0) pairs.set(part.slice(0, at).trim(), part.slice(at + equals.length));
  }
  return (field) => pairs.get(String(field));
}

type Summed =
  | { readonly ok: true; readonly body: string }
  | { readonly ok: false; readonly why: string | undefined };

function summed(line: string): Summed {
  const match = /^[$!]([^*]*)\*([0-9A-Fa-f]{2})$/.exec(line);
  // Without the marks it is no sentence at all, such as a banner.
  if (match === null)
    return { ok: false, why: /[$!]/.test(line) ? "no checksum at the end" : undefined };
  const [, body = "", digits = ""] = match;
  let sum = 0;
  for (let at = 0; at < body.length; at++) sum ^= body.charCodeAt(at);
  return sum === Number.parseInt(digits, 16)
    ? { ok: true, body }
    : { ok: false, why: "the checksum is wrong" };
}
