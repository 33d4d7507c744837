/** Scans without framing characters: a scan is what arrives between two silences. */
import type { Deframer } from "./cut.ts";
import { createHeld } from "./held.ts";

export function createGapDeframer(frameBytesMax: number): Deframer {
  const held = createHeld(frameBytesMax);

  return {
    push(chunk) {
      for (const byte of chunk) held.add(byte);
      return [held.dropped()].filter((cut) => cut !== undefined);
    },
    quiet: () => [held.end()].filter((cut) => cut !== undefined),
    close: () => [held.cutShort()].filter((cut) => cut !== undefined),
  };
}
