/**
 * Sparkplug B as an edge node writes it: protobuf by hand, after sparkplug_b.proto of eclipse/tahu.
 * Numbers of fields: Payload timestamp 1, metrics 2, seq 3; Metric name 1, alias 2, timestamp 3,
 * datatype 4, properties 9, long 11, float 12, boolean 14; PropertySet keys 1, values 2; PropertyValue
 * type 1, string 8.
 */
export type SimMetric = {
  readonly name?: string;
  readonly alias?: number;
  readonly unit?: string;
  readonly value:
    | { readonly kind: "float"; readonly value: number }
    | { readonly kind: "uint64"; readonly value: number }
    | { readonly kind: "boolean"; readonly value: boolean };
};

const TYPES = { float: 9, uint64: 8, boolean: 11 } as const;
const STRING_TYPE = 12;

export function payload(
  timeMs: number,
  seq: number | undefined,
  metrics: readonly SimMetric[],
): Buffer {
  return Buffer.concat([
    numberField(1, timeMs),
    ...metrics.map((metric) => bytesField(2, encodeMetric(metric, timeMs))),
    ...(seq === undefined ? [] : [numberField(3, seq)]),
  ]);
}

/** Whether the bytes are a command to be born again; the name is enough to know it by. */
export function asksRebirth(bytes: Uint8Array): boolean {
  return Buffer.from(bytes).includes("Node Control/Rebirth");
}

function encodeMetric({ name, alias, unit, value }: SimMetric, timeMs: number): Buffer {
  return Buffer.concat([
    ...(name === undefined ? [] : [bytesField(1, Buffer.from(name))]),
    ...(alias === undefined ? [] : [numberField(2, alias)]),
    numberField(3, timeMs),
    numberField(4, TYPES[value.kind]),
    ...(unit === undefined ? [] : [bytesField(9, unitProperty(unit))]),
    encodeValue(value),
  ]);
}

function encodeValue(value: SimMetric["value"]): Buffer {
  if (value.kind === "uint64") return numberField(11, value.value);
  if (value.kind === "boolean") return numberField(14, Number(value.value));
  const bytes = Buffer.alloc(5);
  bytes[0] = (12 << 3) | 5;
  bytes.writeFloatLE(value.value, 1);
  return bytes;
}

function unitProperty(unit: string): Buffer {
  const text = Buffer.concat([numberField(1, STRING_TYPE), bytesField(8, Buffer.from(unit))]);
  return Buffer.concat([bytesField(1, Buffer.from("engUnit")), bytesField(2, text)]);
}

function numberField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const more = rest > 127n ? 128 : 0;
    bytes.push(Number(rest & 127n) | more);
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}
