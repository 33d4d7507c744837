/**
 * Room on the disk that is taken while there is plenty, and given back when there is none: deleting needs
 * room too, and an outbox that cannot delete could not make room by sending.
 *
 * Beside it the floor: below so much free space nothing more is taken in, so that it is somebody else who
 * fills the disk in the end.
 */
import { randomFillSync } from "node:crypto";
import { closeSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

export type RoomLimits = {
  /** Free space below which nothing is taken in; 0: as far as the disk goes. */
  readonly freeBytesMin: number;
  readonly ballastBytes: number;
};

export type Ballast = {
  /** Less than the floor is free. */
  isShort(): boolean;
  /** So little is free that not even a few pages can be written. */
  isOut(): boolean;
  /** Takes the room, when there is plenty and it is not taken yet. */
  take(): void;
  /** Gives it back; false when there was nothing to give. */
  give(): boolean;
};

const CHUNK_BYTES = 1024 * 1024;
/** Pages of a few transactions, and what a start writes. */
const OUT_BYTES = 512 * 1024;

export function openBallast(
  path: string,
  { freeBytesMin, ballastBytes }: RoomLimits,
  freeBytes: () => number | undefined = () => freeBytesAt(dirname(path)),
): Ballast {
  let held = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= ballastBytes;
  /** A disk that does not say is taken for one that has room: it says no by itself. */
  const free = () => freeBytes() ?? Number.POSITIVE_INFINITY;

  function give(): boolean {
    const had = held;
    held = false;
    rmSync(path, { force: true });
    return had;
  }

  return {
    isShort: () => freeBytesMin > 0 && free() < freeBytesMin,
    isOut: () => free() < Math.min(OUT_BYTES, ballastBytes),
    give,
    take() {
      if (held || ballastBytes === 0 || free() < freeBytesMin + 2 * ballastBytes) return;
      try {
        fill(path, ballastBytes);
        held = true;
      } catch {
        // Somebody was faster. What was taken of it must not stay.
        give();
      }
    },
  };
}

/** Of bytes that no file system can make smaller. */
function fill(path: string, bytes: number): void {
  const chunk = randomFillSync(Buffer.alloc(Math.min(CHUNK_BYTES, bytes)));
  const fd = openSync(path, "w", 0o600);
  try {
    for (let at = 0; at < bytes; )
      at += writeSync(fd, chunk, 0, Math.min(bytes - at, chunk.length), at);
  } finally {
    closeSync(fd);
  }
}

function freeBytesAt(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
