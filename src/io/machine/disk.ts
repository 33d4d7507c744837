/** How much room the disk under a folder has, for those without the rights of root. */
import { statfsSync } from "node:fs";

export type DiskRoom = { readonly freeBytes: number; readonly totalBytes: number };

/** Null: the disk does not say. */
export function diskRoom(folder: string): DiskRoom | null {
  try {
    const { bsize, bavail, blocks } = statfsSync(folder);
    return { freeBytes: bsize * bavail, totalBytes: bsize * blocks };
  } catch {
    return null;
  }
}
