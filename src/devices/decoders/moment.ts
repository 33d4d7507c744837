/** Devices' own times. A clock that was never set makes no claim. */
import { readSourceTime } from "../mqtt-mapping/source-time.ts";

/** Clocks start in 1970 or 2000 and tell that until the network answers. */
const SET_MS_MIN = Date.UTC(2001, 0, 1);

function set(ms: number): number | undefined {
  return ms >= SET_MS_MIN ? ms : undefined;
}

/** Unix time; undefined when it is none, or the clock was not set. */
export function unixTime(value: unknown, unit: "s" | "ms"): number | undefined {
  const read = readSourceTime(value, unit);
  return read.ok ? set(read.ms) : undefined;
}

export function isoTime(value: unknown): number | undefined {
  const read = readSourceTime(value, "iso8601");
  return read.ok ? set(read.ms) : undefined;
}

const LOCAL = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d([.,]\d+)?)?$/;

/** A wall time without a zone means nothing unless somebody says which zone the device lives in. */
export function localTime(value: unknown, utcOffset: string | undefined): number | undefined {
  if (typeof value !== "string") return undefined;
  if (!LOCAL.test(value)) return isoTime(value);
  return utcOffset === undefined ? undefined : isoTime(`${value}${utcOffset}`);
}
