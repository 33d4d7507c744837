/** A device's own claim of when: read in the unit it is configured to use, and never corrected. */

export type TimeUnit = "ms" | "s" | "iso8601";

export type SourceTime =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly why: string };

/** The last instant ECMAScript can name; the wire carries no time before 1970. */
const MS_MAX = 8.64e15;

// Without a zone a wall time names 25 instants; we refuse to choose one.
const ISO = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d:?\d\d)$/;

export function readSourceTime(value: unknown, unit: TimeUnit): SourceTime {
  if (unit === "iso8601") return readIso(value);
  if (typeof value !== "number") return { ok: false, why: "is not a number" };
  return within(Math.round(unit === "s" ? value * 1000 : value));
}

function readIso(value: unknown): SourceTime {
  if (typeof value !== "string" || !ISO.test(value))
    return { ok: false, why: "is not an ISO 8601 time with a zone" };
  const strict = value
    .toUpperCase()
    .replace(" ", "T")
    .replace(",", ".")
    .replace(/([+-]\d\d)(\d\d)$/, "$1:$2");
  return within(Date.parse(strict));
}

function within(ms: number): SourceTime {
  if (ms >= 0 && ms <= MS_MAX) return { ok: true, ms };
  return { ok: false, why: "is not an instant since 1970" };
}
