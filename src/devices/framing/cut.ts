/**
 * What a deframer makes of a byte stream: frames, and noise that is counted.
 *
 * Garbage is data: every byte ends up in a frame, is a framing character, or is counted here.
 */

/** One piece of the stream: a frame without its framing characters, or bytes that belong to none. */
export type Cut =
  | { readonly kind: "frame"; readonly frame: Uint8Array }
  | { readonly kind: "noise"; readonly bytes: number; readonly why: Noise };

/**
 * `oversize`: longer than a scan can be. `cut-short`: a scan whose end never came.
 * `outside`: between the end of one scan and the start of the next. `checksum`: what could have been
 * a packet and is none. `keys`: keys that stand for no character.
 */
export type Noise = "oversize" | "cut-short" | "outside" | "checksum" | "keys";

export type Deframer = {
  push(chunk: Uint8Array): readonly Cut[];
  /** The line fell silent for as long as the shell was told to wait. Only a gap framing cares. */
  quiet(): readonly Cut[];
  /** The line is closed: whatever is held is noise. The deframer is not used after this. */
  close(): readonly Cut[];
};
