/** Brings the names in a folder to stable storage: without it a power cut takes a new name back, whatever the file. */
import { closeSync, fsyncSync, openSync } from "node:fs";

/** Throws what the file system says, as where it knows no such thing (SMB, FUSE). */
export function syncFolder(folder: string): void {
  const opened = openSync(folder, "r");
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
