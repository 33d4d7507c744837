/** Commands that write into a data folder write as its owner, or its program could not read what is new. */
import { statSync } from "node:fs";
import { Fault } from "../kernel/fault.ts";

/** Throws Fault DATA_UNREADABLE. */
export function asOwner(folder: string): void {
  const owner = statSync(folder, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner === process.getuid?.()) return;
  const detail = `${folder} belongs to user ${owner}: run this as that user, such as by sudo -u`;
  throw new Fault("DATA_UNREADABLE", detail);
}
