/**
 * Sparkplug B payloads (sparkplug_b.proto of eclipse/tahu): the part of protobuf that they need, written
 * out because the folder is pure and the bytes come from anybody.
 *
 * Bounded: nothing is nested deeper than a metric's properties, and unknown fields are stepped over.
 */
import { textOf } from "../../barcode/text.ts";

export type Payload = {
  readonly timestampMs: number | undefined;
  readonly seq: number | undefined;
  readonly metrics: readonly Metric[];
};

export type Metric = {
  readonly name: string | undefined;
  readonly alias: string | undefined;
  readonly timestampMs: number | undefined;
  readonly datatype: number | undefined;
  readonly historical: boolean;
  readonly isNull: boolean;
  readonly unit: string | undefined;
  readonly value: MetricValue | undefined;
};

export type MetricValue =
  | { readonly kind: "int"; readonly value: number }
  | { readonly kind: "long"; readonly value: bigint }
  | { readonly kind: "real"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "other" };

/** How an edge node names the unit among a metric's properties; Ignition's name comes first. */
const UNIT_KEYS = ["engUnit", "EngUnit", "Engineering Units", "unit", "Units", "units"];
const METRICS_MAX = 10_000;

/** A reason when the bytes are no payload. */
export function decodePayload(bytes: Uint8Array): Payload | string {
  try {
    return readPayload(bytes);
  } catch (error) {
    if (error instanceof Malformed) return error.message;
    throw error;
  }
}

/** NCMD "Node Control/Rebirth" = true. */
export function encodeRebirth(timestampMs: number): Uint8Array {
  const name = [..."Node Control/Rebirth"].map((char) => char.charCodeAt(0));
  const metric = [0x0a, name.length, ...name, 0x20, 11, 0x70, 1];
  return Uint8Array.from([0x08, ...varint(BigInt(timestampMs)), 0x12, metric.length, ...metric]);
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

class Malformed extends Error {}

type Field =
  | { readonly number: number; readonly wire: "varint"; readonly value: bigint }
  | { readonly number: number; readonly wire: "bytes"; readonly value: Uint8Array }
  | { readonly number: number; readonly wire: "fixed32" | "fixed64"; readonly value: DataView };

function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;

  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw new Malformed("the payload ends in the middle of a number");
      at += 1;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new Malformed("a number has more than ten bytes");
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length)
      throw new Malformed("the payload ends in the middle of a field");
    at += length;
    return bytes.subarray(at - length, at);
  };

  while (at < bytes.length) {
    const tag = Number(readVarint() & 0xffff_ffffn);
    const number = tag >>> 3;
    if (number === 0) throw new Malformed("a field has the number 0");
    switch (tag & 7) {
      case 0:
        yield { number, wire: "varint", value: readVarint() };
        break;
      case 1:
        yield { number, wire: "fixed64", value: viewOf(take(8)) };
        break;
      case 2:
        yield { number, wire: "bytes", value: take(lengthOf(readVarint(), bytes.length)) };
        break;
      case 5:
        yield { number, wire: "fixed32", value: viewOf(take(4)) };
        break;
      default:
        throw new Malformed("the payload is not protobuf");
    }
  }
}

function lengthOf(value: bigint, most: number): number {
  if (value > BigInt(most)) throw new Malformed("the payload ends in the middle of a field");
  return Number(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readPayload(bytes: Uint8Array): Payload {
  let timestampMs: number | undefined;
  let seq: number | undefined;
  const metrics: Metric[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1 && field.wire === "varint") timestampMs = whole(field.value);
    if (field.number === 3 && field.wire === "varint") seq = whole(field.value);
    if (field.number !== 2 || field.wire !== "bytes") continue;
    if (metrics.length >= METRICS_MAX) throw new Malformed(`more than ${METRICS_MAX} metrics`);
    metrics.push(readMetric(field.value));
  }
  return { timestampMs, seq, metrics };
}

function readMetric(bytes: Uint8Array): Metric {
  let metric: Metric = {
    name: undefined,
    alias: undefined,
    timestampMs: undefined,
    datatype: undefined,
    historical: false,
    isNull: false,
    unit: undefined,
    value: undefined,
  };
  for (const field of fieldsOf(bytes)) metric = { ...metric, ...partOf(field) };
  return metric;
}

function partOf(field: Field): Partial<Metric> {
  const { number } = field;
  switch (field.wire) {
    case "varint":
      return varintPart(number, field.value);
    case "bytes":
      if (number === 1) return { name: textOf(field.value) };
      if (number === 9) return { unit: unitOf(field.value) };
      return number >= 15 && number <= 19 ? { value: { kind: "other" } } : {};
    case "fixed32":
      return number === 12 ? { value: { kind: "real", value: single(field.value) } } : {};
    case "fixed64":
      return number === 13
        ? { value: { kind: "real", value: field.value.getFloat64(0, true) } }
        : {};
  }
}

/** A float of 32 bits as people write it: 21.4, and not the 64-bit number next to it. */
function single(view: DataView): number {
  const value = view.getFloat32(0, true);
  return Number.isFinite(value) ? Number(value.toPrecision(7)) : value;
}

function varintPart(number: number, value: bigint): Partial<Metric> {
  switch (number) {
    case 2:
      return { alias: value.toString() };
    case 3:
      return { timestampMs: whole(value) };
    case 4:
      return { datatype: Number(value & 0xffff_ffffn) };
    case 5:
      return { historical: value !== 0n };
    case 7:
      return { isNull: value !== 0n };
    case 10:
      return { value: { kind: "int", value: Number(value & 0xffff_ffffn) } };
    case 11:
      return { value: { kind: "long", value } };
    case 14:
      return { value: { kind: "boolean", value: value !== 0n } };
    default:
      return {};
  }
}

function unitOf(bytes: Uint8Array): string | undefined {
  const keys: string[] = [];
  const values: (string | undefined)[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.wire !== "bytes") continue;
    if (field.number === 1) keys.push(textOf(field.value));
    if (field.number === 2) values.push(stringProperty(field.value));
  }
  for (const key of UNIT_KEYS) {
    const found = values[keys.indexOf(key)];
    if (found !== undefined && found !== "") return found;
  }
  return undefined;
}

function stringProperty(bytes: Uint8Array): string | undefined {
  let text: string | undefined;
  for (const field of fieldsOf(bytes))
    if (field.number === 8 && field.wire === "bytes") text = textOf(field.value);
  return text;
}

/** Times and sequence numbers; beyond 2^53 nobody's clock goes. */
function whole(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new Malformed("a time is beyond any calendar");
  return Number(value);
}
