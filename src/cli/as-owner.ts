/** Commands that write into a data folder write as its owner, or its program could not read what is new. */
import { mkdirSync, statSync } from "node:fs";
import { Fault } from "../kernel/fault.ts";

/** Makes it where it is not there. Throws Fault DATA_UNREADABLE, as asOwner does. */
export function ownFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${folder}: ${(cause as Error).message}`, { cause });
  }
  asOwner(folder);
}

export function asOwner(folder: string): void {
  const owner = statSync(folder, { throwIfNoEntry: false })?.uid;
  if (owner === undefined || owner === process.getuid?.()) return;
  const detail = `${folder} belongs to user ${owner}: run this as that user, such as by sudo -u`;
  throw new Fault("DATA_UNREADABLE", detail);
}
