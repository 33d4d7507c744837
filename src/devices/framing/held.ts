/**
 * The part of a frame that has arrived, in one buffer of fixed size.
 *
 * A frame that outgrows the buffer is given up: what was held and what follows is counted as
 * dropped until the owner says that a frame ended.
 */
import type { Cut } from "./cut.ts";

export type Held = {
  /** Adds a byte to the frame, or to what is dropped once the frame has outgrown the buffer. */
  add(byte: number): void;
  /** The frame ended: it is taken out, or undefined when it is empty or was given up. */
  end(): Cut | undefined;
  /** What is held will never become a frame. */
  cutShort(): Cut | undefined;
  /** What was dropped as oversize since the last call. */
  dropped(): Cut | undefined;
};

export function createHeld(frameBytesMax: number): Held {
  const buffer = new Uint8Array(frameBytesMax);
  let length = 0;
  let oversize = false;
  let lost = 0;

  return {
    add(byte) {
      if (!oversize && length < frameBytesMax) {
        buffer[length++] = byte;
        return;
      }
      lost += oversize ? 1 : length + 1;
      oversize = true;
      length = 0;
    },
    end() {
      const frame = length > 0 ? buffer.slice(0, length) : undefined;
      length = 0;
      oversize = false;
      return frame && { kind: "frame", frame };
    },
    cutShort() {
      const bytes = length;
      length = 0;
      oversize = false;
      return bytes > 0 ? { kind: "noise", bytes, why: "cut-short" } : undefined;
    },
    dropped() {
      const bytes = lost;
      lost = 0;
      return bytes > 0 ? { kind: "noise", bytes, why: "oversize" } : undefined;
    },
  };
}
