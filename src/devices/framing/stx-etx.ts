/**
 * Scans between STX and ETX.
 *
 * An STX inside a scan starts over: the end of the first one was lost, and waiting for it would take
 * the good scan behind it along. Line ends between scans are how some hosts are served, not noise.
 */
import type { Cut, Deframer } from "./cut.ts";
import { createHeld } from "./held.ts";

const STX = 0x02;
const ETX = 0x03;
const LF = 0x0a;
const CR = 0x0d;

export function createStxEtxDeframer(frameBytesMax: number): Deframer {
  const held = createHeld(frameBytesMax);
  let inside = false;

  return {
    push(chunk) {
      const cuts: Cut[] = [];
      const keep = (cut: Cut | undefined) => cut && cuts.push(cut);
      let outside = 0;
      const keepOutside = () => {
        if (outside > 0) cuts.push({ kind: "noise", bytes: outside, why: "outside" });
        outside = 0;
      };
      for (const byte of chunk) {
        if (byte === STX) {
          keepOutside();
          keep(held.dropped());
          keep(held.cutShort());
          inside = true;
        } else if (inside && byte === ETX) {
          keep(held.dropped());
          keep(held.end());
          inside = false;
        } else if (inside) {
          held.add(byte);
        } else if (byte !== CR && byte !== LF) {
          outside += 1;
        }
      }
      keepOutside();
      keep(held.dropped());
      return cuts;
    },
    quiet: () => [],
    close() {
      inside = false;
      return [held.cutShort()].filter((cut) => cut !== undefined);
    },
  };
}
