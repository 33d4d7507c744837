/**
 * zstd (RFC 8878), whose working room is given back at once.
 *
 * Node keeps what each of its zlib calls worked in until it collects the old generation: the native handle has a
 * finalizer, so no scavenge frees the buffers behind it. A gateway that drains a backlog compresses hundreds of
 * batches a second. So all of it is one buffer here, as large as the worst frame, and it is detached when the
 * frame is copied out.
 */
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** More than the pool that small buffers of the process share: never a part of it. */
const ROOM_BYTES_MIN = 65_600;
/** Readings of one device after the other are a tenth of themselves. */
const USUAL_RATIO = 16;

/** One zstd frame. The caller owns it. */
export function compress(bytes: Uint8Array): Uint8Array {
  const chunkSize = Math.max(ROOM_BYTES_MIN, longestFrame(bytes.length));
  return moved(zstdCompressSync(bytes, { chunkSize }), chunkSize);
}

/**
 * What is in a frame; the caller owns it. Throws what zlib throws, also when it is more than `bytesMax`.
 *
 * Nobody knows how large it will be: what is smaller than usual room leaves nothing behind.
 */
export function decompress(frame: Uint8Array, bytesMax: number): Uint8Array {
  const chunkSize = Math.max(ROOM_BYTES_MIN, Math.min(bytesMax, frame.length * USUAL_RATIO));
  return moved(zstdDecompressSync(frame, { chunkSize, maxOutputLength: bytesMax }), chunkSize);
}

/** Out of the room that was made for it, which is given back. What took several rooms is its own already. */
function moved(inPlace: Buffer<ArrayBuffer>, roomBytes: number): Uint8Array {
  if (inPlace.buffer.byteLength !== roomBytes) return inPlace;
  const bytes = Uint8Array.from(inPlace);
  inPlace.buffer.transfer(0);
  return bytes;
}

/** ZSTD_COMPRESSBOUND of zstd.h, where the margin for small inputs is not made smaller as they grow. */
function longestFrame(bytes: number): number {
  return bytes + (bytes >> 8) + 64;
}
