/**
 * zstd (RFC 8878), whose working room is given back at once.
 *
 * Node keeps what each of its zlib calls worked in until it collects the old generation: the native handle has a
 * finalizer, so no scavenge frees the buffers behind it. A gateway that drains a backlog compresses hundreds of
 * batches a second. So all of it is one buffer here, as large as the worst frame, and it is detached when the
 * frame is copied out.
 */
import { zstdCompressSync } from "node:zlib";

/** More than the pool that all small buffers of the process share. */
const ROOM_BYTES_MIN = 16_384;

/** One zstd frame. The caller owns it. */
export function compress(bytes: Uint8Array): Uint8Array {
  const chunkSize = Math.max(ROOM_BYTES_MIN, longestFrame(bytes.length));
  const inPlace = zstdCompressSync(bytes, { chunkSize });
  const frame = Uint8Array.from(inPlace);
  if (inPlace.buffer.byteLength === chunkSize) inPlace.buffer.transfer(0);
  return frame;
}

/** ZSTD_COMPRESSBOUND of zstd.h, where the margin for small inputs is not made smaller as they grow. */
function longestFrame(bytes: number): number {
  return bytes + (bytes >> 8) + 64;
}
