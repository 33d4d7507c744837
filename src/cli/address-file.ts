/**
 * Where a running program listens, for those who start it: `address.json` in its data folder. It is
 * there when the program is ready, whole whenever it is there, and gone after an orderly stop.
 */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type Addresses = Readonly<Record<string, string | number>>;

export function writeAddressFile(folder: string, addresses: Addresses): void {
  const path = join(folder, "address.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(addresses)}\n`);
  renameSync(`${path}.new`, path);
}

export function removeAddressFile(folder: string): void {
  rmSync(join(folder, "address.json"), { force: true });
}
