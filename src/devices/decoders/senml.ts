/**
 * SenML packs in JSON (RFC 8428, units of RFC 8798).
 *
 * - Base fields hold for their record and all that follow, until they are said again.
 * - A time below 2^28 is relative to now, and negative when it has passed (section 4.5.3).
 * - A label that ends in `_`, and a version above 10, forbid reading the pack without knowing them
 *   (section 4.4), so the whole pack waits in quarantine.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";
import {
  type Convention,
  type DecoderSetting,
  type Meaning,
  type Message,
  meaning,
  type Report,
  unclear,
} from "./convention.ts";
import { isObject, type JsonObject, numberOf, parseJson } from "./json.ts";
import { unixTime } from "./moment.ts";
import { asProperty, NAME_CHARS_MAX, short } from "./names.ts";
import { ucumOfSenml } from "./units.ts";

const VERSION_MAX = 10;
const RELATIVE_S_MAX = 2 ** 28;
const RECORDS_MAX = 4096;
const NAME = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/;

type Base = {
  readonly bn: string;
  readonly bt: number;
  readonly bu: string | undefined;
  readonly bv: number;
  readonly bs: number;
};

type Told = {
  readonly device: string;
  readonly reading: Reading;
  readonly sourceTimeMs: number | undefined;
};

/** A record that nobody knows the unit of: the others mean what they mean without it. */
type Unread = { readonly unread: string };

/** The pack may come under any topic, so the base is a topic filter's beginning. */
export function compileSenml({ base = "senml" }: DecoderSetting): Convention {
  return {
    owns: (topic) => topic === base || topic.startsWith(`${base}/`),
    decode: (message) => decodePack(message),
  };
}

function decodePack(message: Message): Meaning {
  const { text } = message;
  if (text === undefined) return unclear("the payload is not UTF-8; packs in CBOR are not read");
  const parsed = parseJson(text);
  if (parsed === undefined) return unclear("the payload is not JSON");
  const { value: pack } = parsed;
  if (!Array.isArray(pack)) return unclear("a SenML pack is a list of records");
  if (pack.length > RECORDS_MAX) return unclear(`the pack has more than ${RECORDS_MAX} records`);
  let base: Base = { bn: "", bt: 0, bu: undefined, bv: 0, bs: 0 };
  const told: Told[] = [];
  const unread: string[] = [];
  for (const [at, record] of pack.entries()) {
    if (!isObject(record)) return unclear(`record ${at + 1} is not an object`);
    const next = baseOf(record, base);
    if (typeof next === "string") return unclear(`record ${at + 1}: ${next}`);
    base = next;
    const read = readRecord(record, base, message.atMs);
    if (typeof read === "string") return unclear(`record ${at + 1}: ${read}`);
    if (read === undefined) continue;
    if (Array.isArray(read)) told.push(...read);
    else unread.push(`record ${at + 1}: ${read.unread}`);
  }
  return meaning({ reports: reportsOf(told), unread });
}

function baseOf(record: JsonObject, before: Base): Base | string {
  const must = Object.keys(record).find((label) => label.endsWith("_"));
  if (must !== undefined) return `"${must}" must be understood, and is not`;
  const version = record["bver"];
  if (version !== undefined && !(typeof version === "number" && version <= VERSION_MAX))
    return `version ${String(version)} is above ${VERSION_MAX}`;
  const { bn = before.bn, bu = before.bu } = record;
  if (typeof bn !== "string" || (bu !== undefined && typeof bu !== "string"))
    return "a base name or base unit is not a text";
  const numbers = { bt: before.bt, bv: before.bv, bs: before.bs };
  for (const key of ["bt", "bv", "bs"] as const) {
    if (record[key] === undefined) continue;
    const number = numberOf(record[key]);
    if (number === undefined) return `"${key}" is not a number`;
    numbers[key] = number;
  }
  return { bn, bu, ...numbers };
}

/** Undefined when the record has no value that measures: a text, bytes, or base fields alone. */
function readRecord(
  record: JsonObject,
  base: Base,
  nowMs: number,
): Told[] | Unread | string | undefined {
  const { n = "" } = record;
  if (typeof n !== "string") return "the name is not a text";
  const flag = record["vb"];
  const value = typeof flag === "boolean" ? Number(flag) : record["v"];
  const sum = record["s"];
  if (value === undefined && sum === undefined) return undefined;
  const name = base.bn + n;
  if (name.length > NAME_CHARS_MAX)
    return `the name "${short(name)}" is longer than ${NAME_CHARS_MAX} characters`;
  if (!NAME.test(name)) return `the name "${name}" is not one of section 4.5.1`;
  const written = typeof record["u"] === "string" ? record["u"] : base.bu;
  const ucum =
    typeof flag === "boolean" && written === undefined
      ? { unit: "1", factor: 1 }
      : ucumOfSenml(written ?? "");
  if (ucum === undefined)
    return {
      unread:
        written === undefined
          ? `"${name}" has no unit`
          : `the unit "${short(written)}" of "${name}" has no UCUM code here`,
    };
  const sourceTimeMs = timeOf(record["t"], base.bt, nowMs);
  if (typeof sourceTimeMs === "string") return sourceTimeMs;
  const { device, property } = split(base.bn, n, written);

  const told: Told[] = [];
  const add = (own: string, number: number | undefined, unit: string) => {
    if (number === undefined) return false;
    told.push({
      device,
      reading: { property: own, value: number * ucum.factor, unit },
      sourceTimeMs,
    });
    return true;
  };
  const offset = typeof flag === "boolean" ? 0 : base.bv;
  if (value !== undefined && !add(property, plus(value, offset), ucum.unit))
    return "the value is not a number";
  if (sum !== undefined && !add(`${property}_sum`, plus(sum, base.bs), `${ucum.unit}.s`))
    return "the sum is not a number";
  return told;
}

function plus(value: unknown, base: number): number | undefined {
  const number = numberOf(value);
  return number === undefined ? undefined : numberOf(number + base);
}

/** Undefined: it says "now", and now is what the gateway's clock says when it hears it. */
function timeOf(t: unknown, bt: number, nowMs: number): number | undefined | string {
  const own = t === undefined ? 0 : numberOf(t);
  if (own === undefined) return "the time is not a number";
  const seconds = bt + own;
  if (seconds === 0) return undefined;
  if (seconds >= RELATIVE_S_MAX) return unixTime(seconds, "s");
  return unixTime(nowMs + seconds * 1000, "ms");
}

/** The base name is the device, without what joins it to the names; else all but the last part. */
function split(
  bn: string,
  n: string,
  written: string | undefined,
): { device: string; property: string } {
  const unnamed = (written !== undefined && QUANTITIES.get(written)) || "value";
  if (n === "") return { device: bn, property: unnamed };
  if (bn !== "") return { device: bn.replace(/[:/.\-_]+$/, ""), property: asProperty(n) };
  const at = Math.max(n.lastIndexOf("/"), n.lastIndexOf(":"));
  if (at <= 0) return { device: n, property: unnamed };
  return { device: n.slice(0, at), property: asProperty(n.slice(at + 1)) };
}

/** What a value without a name is, by SenML's unit: in UCUM a battery's percent is that of the air. */
const QUANTITIES: ReadonlyMap<string, string> = new Map([
  ["Cel", "temperature"],
  ["K", "temperature"],
  ["%RH", "relative_humidity"],
  ["%EL", "battery_level"],
  ["V", "voltage"],
  ["A", "current"],
  ["W", "power"],
  ["Pa", "pressure"],
  ["hPa", "pressure"],
  ["lx", "illuminance"],
]);

function reportsOf(told: readonly Told[]): readonly Report[] {
  const reports = new Map<
    string,
    { device: string; readings: Reading[]; sourceTimeMs: number | undefined }
  >();
  for (const { device, reading, sourceTimeMs } of told) {
    const key = `${sourceTimeMs} ${device}`;
    const report = reports.get(key) ?? { device, readings: [], sourceTimeMs };
    report.readings.push(reading);
    reports.set(key, report);
  }
  return [...reports.values()].map((report) => ({ ...report, id: undefined }));
}
