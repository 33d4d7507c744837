/**
 * Cuts the stream of an SSI scanner into packets whose checksum is right.
 *
 * A packet that fails costs one byte: we step over what looked like its length and look again, since a
 * flipped length would otherwise swallow the good packet behind it. What could be a packet and is not
 * complete waits for its rest; when the line falls silent first, it never was one. The length is one
 * byte, so what is held is bounded by it.
 *
 * Bytes that are no packet are told when the line is silent behind them, as "checksum": the session asks
 * once for what they were. With a packet behind them the scanner has gone on, and they are "outside".
 */
import type { Cut, Deframer } from "../framing/cut.ts";
import { CHECKSUM_BYTES, checksum, DECODER, HEAD_BYTES } from "./ssi-packet.ts";

export function createSsiDeframer(): Deframer {
  let held = new Uint8Array(0);
  let noise = 0;

  function cut(bytes: Uint8Array, flowing: boolean): readonly Cut[] {
    const cuts: Cut[] = [];
    let at = 0;
    const tellNoise = (why: "outside" | "checksum") => {
      if (noise > 0) cuts.push({ kind: "noise", bytes: noise, why });
      noise = 0;
    };
    while (at < bytes.length) {
      const size = packetSize(bytes.subarray(at));
      if (size === "incomplete" && flowing) break;
      if (typeof size === "number") {
        tellNoise("outside");
        cuts.push({ kind: "frame", frame: bytes.slice(at, at + size) });
        at += size;
      } else {
        noise += 1;
        at += 1;
      }
    }
    if (!flowing) tellNoise("checksum");
    held = bytes.slice(at);
    return cuts;
  }

  return {
    push(chunk) {
      const all = new Uint8Array(held.length + chunk.length);
      all.set(held);
      all.set(chunk, held.length);
      return cut(all, true);
    },
    quiet: () => cut(held, false),
    close() {
      const bytes = held.length + noise;
      held = new Uint8Array(0);
      return bytes === 0 ? [] : [{ kind: "noise", bytes, why: "cut-short" }];
    },
  };
}

/** How long the packet at the start is, if there is one. */
function packetSize(bytes: Uint8Array): number | "incomplete" | "none" {
  const [length = 0, , source] = bytes;
  if (length < HEAD_BYTES || (source !== undefined && source !== DECODER)) return "none";
  const size = length + CHECKSUM_BYTES;
  if (bytes.length < size) return "incomplete";
  const [high = 0, low = 0] = bytes.subarray(length, size);
  return checksum(bytes.subarray(0, length)) === ((high << 8) | low) ? size : "none";
}
