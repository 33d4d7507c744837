/**
 * What a message under a topic means: a device's name out of the topic, and readings with units out
 * of the payload, as the configuration says. Compiled once; the first mapping that matches wins.
 *
 * A message is understood whole or not at all: one wrong value sends all of it to quarantine, where
 * it waits byte for byte for a better mapping. A value that is absent is not wrong: sensors that
 * report what changed leave the rest out.
 */
import { compilePointer, type Pointer } from "./json-pointer.ts";
import { readSourceTime, type TimeUnit } from "./source-time.ts";
import { matchTopic } from "./topic.ts";

export type Mapping = {
  /** MQTT topic filter. */
  readonly topic: string;
  /** The device's name; `{n}` is what the n-th wildcard stands for. */
  readonly device: string;
  readonly payload: "json" | "number";
  readonly time?: { readonly pointer: string; readonly unit: TimeUnit } | undefined;
  /** Pointer to the payload's own id, which recognises a retransmission. */
  readonly id?: string | undefined;
  readonly readings: readonly ReadingRule[];
};

/** `pointer` is for JSON only; a plain number is the whole payload. `unit` is a UCUM code. */
export type ReadingRule = {
  readonly pointer?: string | undefined;
  readonly property: string;
  readonly unit: string;
};

export type Reading = { readonly property: string; readonly value: number; readonly unit: string };

export type Decoded =
  | {
      readonly ok: true;
      readonly readings: readonly Reading[];
      readonly sourceTimeMs: number | undefined;
      readonly id: string | undefined;
    }
  | { readonly ok: false; readonly why: string };

/** What one topic stands for. */
export type Source = { readonly device: string; decode(payload: string): Decoded };

export type Found =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly why: string };

export type Mappings = { find(topic: string): Found };

const DEVICE_CHARS_MAX = 128;
const ID_CHARS_MAX = 256;
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const DEVICE_UNFIT = /[\u0000-\u001f\u007f-\u009f\ufffd]/;
// Digits can be matched in one way only: with two, the time to find no number grows with their square.
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** Why no device can be called so; undefined when one can. */
export function deviceProblem(device: string): string | undefined {
  return device === "" || device.length > DEVICE_CHARS_MAX || DEVICE_UNFIT.test(device)
    ? "the topic gives no usable device name"
    : undefined;
}

/** The mappings have passed the configuration's checks. */
export function compileMappings(mappings: readonly Mapping[]): Mappings {
  const compiled = mappings.map((mapping) => ({ mapping, decode: compileDecoder(mapping) }));
  return {
    find(topic) {
      for (const { mapping, decode } of compiled) {
        const wildcards = matchTopic(mapping.topic, topic);
        if (wildcards === undefined) continue;
        const device = mapping.device.replace(/\{(\d+)\}/g, (_, n) => wildcards[n - 1] ?? "");
        const problem = deviceProblem(device);
        if (problem !== undefined) return { ok: false, why: problem };
        return { ok: true, source: { device, decode } };
      }
      return { ok: false, why: "no mapping matches the topic" };
    },
  };
}

function compileDecoder(mapping: Mapping): (payload: string) => Decoded {
  return mapping.payload === "json" ? jsonDecoder(mapping) : numberDecoder(mapping);
}

function numberDecoder({ readings: [rule] }: Mapping): (payload: string) => Decoded {
  const { property = "", unit = "" } = rule ?? {};
  return (payload) => {
    const text = payload.trim();
    const value = Number(text);
    if (!NUMBER.test(text) || !Number.isFinite(value)) return wrong("the payload is not a number");
    return {
      ok: true,
      readings: [{ property, value, unit }],
      sourceTimeMs: undefined,
      id: undefined,
    };
  };
}

function jsonDecoder(mapping: Mapping): (payload: string) => Decoded {
  const readReadings = readingsReader(mapping.readings);
  const readTime = timeReader(mapping.time);
  const readId = idReader(mapping.id);
  return (payload) => {
    let document: unknown;
    try {
      document = JSON.parse(payload);
    } catch {
      return wrong("the payload is not JSON");
    }
    const readings = readReadings(document);
    if (typeof readings === "string") return wrong(readings);
    const sourceTimeMs = readTime(document);
    if (typeof sourceTimeMs === "string") return wrong(sourceTimeMs);
    const id = readId(document);
    if (typeof id === "object") return wrong(id.why);
    return { ok: true, readings, sourceTimeMs, id };
  };
}

/** The reader's answer is a reason when it is a string. */
function readingsReader(rules: readonly ReadingRule[]) {
  const compiled = rules.map(({ pointer = "", property, unit }) => ({
    find: compilePointer(pointer),
    pointer,
    property,
    unit,
  }));
  const nothing = `no reading at ${compiled.map(({ pointer }) => pointer).join(", ")}`;
  return (document: unknown): readonly Reading[] | string => {
    const readings: Reading[] = [];
    for (const { find, pointer, property, unit } of compiled) {
      const value = find(document);
      if (value === undefined || value === null) continue;
      // JSON.parse makes Infinity of 1e999.
      if (typeof value !== "number" || !Number.isFinite(value)) return `${pointer} is not a number`;
      readings.push({ property, value, unit });
    }
    return readings.length === 0 ? nothing : readings;
  };
}

function timeReader(time: Mapping["time"]) {
  if (time === undefined) return () => undefined;
  const find = compilePointer(time.pointer);
  return (document: unknown): number | string | undefined => {
    const value = find(document);
    if (value === undefined || value === null) return undefined;
    const read = readSourceTime(value, time.unit);
    return read.ok ? read.ms : `${time.pointer} ${read.why}`;
  };
}

function idReader(id: string | undefined) {
  if (id === undefined) return () => undefined;
  const find: Pointer = compilePointer(id);
  return (document: unknown): string | undefined | { why: string } => {
    const value = find(document);
    if (value === undefined || value === null) return undefined;
    // 7 and "7" are different ids, so the text of a number is marked.
    if (Number.isSafeInteger(value)) return `#${value}`;
    if (typeof value === "string" && value !== "" && value.length <= ID_CHARS_MAX)
      return `"${value}`;
    return { why: `${id} is neither a whole number nor a text of at most ${ID_CHARS_MAX}` };
  };
}

function wrong(why: string): Decoded {
  return { ok: false, why };
}
