/**
 * Scans of one length, with nothing around them.
 *
 * A byte that is lost would shift all scans behind it, so a silence in the middle of a scan gives it up:
 * the next byte begins a scan.
 */
import type { Cut, Deframer } from "./cut.ts";
import { createHeld } from "./held.ts";

export function createLengthDeframer(length: number): Deframer {
  const held = createHeld(length);
  let count = 0;

  function giveUp(): readonly Cut[] {
    count = 0;
    return [held.cutShort()].filter((cut) => cut !== undefined);
  }

  return {
    push(chunk) {
      const cuts: Cut[] = [];
      for (const byte of chunk) {
        held.add(byte);
        count += 1;
        if (count < length) continue;
        count = 0;
        const frame = held.end();
        if (frame !== undefined) cuts.push(frame);
      }
      return cuts;
    },
    quiet: giveUp,
    close: giveUp,
  };
}
