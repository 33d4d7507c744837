/** How much memory the twin's tables may be held in: a quarter of what the process may have. */
import { totalmem } from "node:os";

const SHARE = 4;
const BYTES_MIN = 64 * 1024 * 1024;

/** A unit's or a container's limit (`MemoryMax=`, cgroup v2 memory.max) counts where it is the smaller one. */
export function cacheBytes(): number {
  const limit = process.constrainedMemory();
  const memory = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return Math.max(BYTES_MIN, Math.floor(memory / SHARE));
}
