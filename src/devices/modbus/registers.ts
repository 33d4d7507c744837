/**
 * Values out of registers and coils. A register has 16 bits, its high byte first; how two or four of
 * them make one number, vendors do not agree: the order is written as the places of its bytes, `abcd`
 * being the usual one and `cdab` the one with swapped words.
 */
export type Table = "coil" | "discrete" | "input" | "holding";
export type RegisterType =
  | "bool"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "float32"
  | "int64"
  | "uint64"
  | "float64";
export type ByteOrder = "abcd" | "cdab" | "badc" | "dcba";

export type Register = {
  readonly table: Table;
  /** As it stands in the request, from 0; documents that say 30002 mean input 1. */
  readonly address: number;
  readonly type: RegisterType;
  readonly order?: ByteOrder | undefined;
  /** A single bit of a register, 0 the lowest. */
  readonly bit?: number | undefined;
  readonly scale?: number | undefined;
  readonly offset?: number | undefined;
  /** Raw values by which the device says that it has none, such as 32767. */
  readonly invalid?: readonly number[] | undefined;
  readonly property: string;
  readonly unit: string;
};

/** Function code that reads a table. */
export const READ_CODES: Readonly<Record<Table, number>> = {
  coil: 1,
  discrete: 2,
  holding: 3,
  input: 4,
};

const WIDTHS: Readonly<Record<RegisterType, number>> = {
  bool: 1,
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  float32: 2,
  int64: 4,
  uint64: 4,
  float64: 4,
};

export function isBits(table: Table): boolean {
  return table === "coil" || table === "discrete";
}

/** Registers, or coils, that a value takes. */
export function widthOf({ table, type }: Pick<Register, "table" | "type">): number {
  return isBits(table) ? 1 : WIDTHS[type];
}

/** Undefined: the device says that it has no value, or there is none (NaN). */
export function readRegister(register: Register, words: readonly number[]): number | undefined {
  const raw = rawOf(register, words);
  if (raw === undefined || register.invalid?.includes(raw)) return undefined;
  const { scale = 1, offset = 0 } = register;
  return tidy(raw * scale + offset, scale, offset);
}

function rawOf(
  { table, type, order = "abcd", bit }: Register,
  words: readonly number[],
): number | undefined {
  const [first = 0] = words;
  if (isBits(table)) return first;
  if (bit !== undefined) return (first >>> bit) & 1;
  const view = viewOf(words, order);
  switch (type) {
    case "bool":
      return first === 0 ? 0 : 1;
    case "int16":
      return view.getInt16(0);
    case "uint16":
      return view.getUint16(0);
    case "int32":
      return view.getInt32(0);
    case "uint32":
      return view.getUint32(0);
    case "float32":
      return finite(Number(view.getFloat32(0).toPrecision(7)));
    case "float64":
      return finite(view.getFloat64(0));
    case "int64":
      return safe(view.getBigInt64(0));
    case "uint64":
      return safe(view.getBigUint64(0));
  }
}

/** The bytes in the order that `abcd` means. */
function viewOf(words: readonly number[], order: ByteOrder): DataView {
  const placed = order === "cdab" || order === "dcba" ? words.toReversed() : words;
  const swapped = order === "badc" || order === "dcba";
  const bytes = placed.flatMap((word) => {
    const [high, low] = [word >>> 8, word & 0xff];
    return swapped ? [low, high] : [high, low];
  });
  return new DataView(Uint8Array.from(bytes).buffer);
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

function safe(value: bigint): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** 305 times 0.1 is 30.5, and not what binary fractions make of it. */
function tidy(value: number, scale: number, offset: number): number {
  const digits = Math.max(decimals(scale), decimals(offset));
  return digits === 0 || digits > 12 ? value : Number(value.toFixed(Math.max(digits, 6)));
}

function decimals(value: number): number {
  const text = `${value}`;
  if (text.includes("e")) return 13;
  return text.split(".")[1]?.length ?? 0;
}
