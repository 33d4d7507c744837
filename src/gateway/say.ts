/** What cannot be said any more is not: the line is about to end, and reading it tells so. */
import { Fault } from "../kernel/fault.ts";
import type { ByteLine } from "../ports.ts";

export async function say(line: ByteLine, bytes: Uint8Array): Promise<void> {
  try {
    await line.write(bytes);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
  }
}
