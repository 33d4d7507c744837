/**
 * Which reads fetch a device's registers: neighbours of one table together, and nothing in between that
 * was not asked for, since devices answer the read of a register they do not have with an exception.
 */
import { isBits, type Register, type Table, widthOf } from "./registers.ts";

export type Read = {
  readonly table: Table;
  readonly address: number;
  readonly count: number;
  readonly registers: readonly Register[];
};

// Application Protocol 1.1b3, sections 6.1 to 6.4.
const REGISTERS_MAX = 125;
const BITS_MAX = 2000;

export function planReads(
  registers: readonly Register[],
  countMax = Number.POSITIVE_INFINITY,
): readonly Read[] {
  const reads: (Omit<Read, "registers"> & { registers: Register[]; count: number })[] = [];
  const sorted = registers.toSorted(
    (a, b) => a.table.localeCompare(b.table) || a.address - b.address,
  );
  for (const register of sorted) {
    const { table, address } = register;
    const end = address + widthOf(register);
    const last = reads.at(-1);
    const most = Math.min(isBits(table) ? BITS_MAX : REGISTERS_MAX, countMax);
    const joins =
      last?.table === table && address <= last.address + last.count && end - last.address <= most;
    if (last !== undefined && joins) {
      last.registers.push(register);
      last.count = Math.max(last.count, end - last.address);
    } else reads.push({ table, address, count: end - address, registers: [register] });
  }
  return reads;
}

/** The words of one register out of what its read delivered. */
export function wordsOf(
  read: Read,
  register: Register,
  data: readonly number[],
): readonly number[] {
  const at = register.address - read.address;
  return data.slice(at, at + widthOf(register));
}
