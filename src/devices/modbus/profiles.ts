/**
 * Registers of devices that many people have. Clones differ: what a label calls the same may have
 * another scale, other registers or another parity, so a configuration may say it all by itself.
 */
import type { Register } from "./registers.ts";

const climate: readonly Register[] = [
  { table: "input", address: 1, type: "int16", scale: 0.1, property: "temperature", unit: "Cel" },
  {
    table: "input",
    address: 2,
    type: "uint16",
    scale: 0.1,
    property: "relative_humidity",
    unit: "%",
  },
];

/** SHT20 and XY-MD02 class: function 4, 9600 baud, slave 1 as they are sold. */
export const PROFILES = {
  sht20: climate,
  "xy-md02": climate,
} as const satisfies Readonly<Record<string, readonly Register[]>>;

export type ProfileName = keyof typeof PROFILES;
