/** A disk of a few megabytes, and somebody else who fills it. Mounting needs the rights of root. */
import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

export type SmallDisk = {
  readonly folder: string;
  /** Takes all that is free but for so many bytes. */
  fill(leaveBytes: number): void;
  release(): void;
  unmount(): void;
};

/** Undefined: it cannot be had here. */
export function mountSmallDisk(folder: string, megabytes: number): SmallDisk | undefined {
  mkdirSync(folder, { recursive: true });
  const options = ["-t", "tmpfs", "-o", `size=${megabytes}m`, "racktrace-gate", folder];
  if (spawnSync("mount", options).status !== 0) return undefined;
  const filler = join(folder, "somebody-else");
  // Lazily: a program that was killed a moment ago may still be letting go.
  const unmount = () => void spawnSync("umount", ["-l", folder]);
  // Before the folder itself is removed.
  process.prependOnceListener("exit", unmount);
  return {
    folder,
    fill(leaveBytes) {
      const fd = openSync(filler, "w");
      const size = takeAll(fd);
      ftruncateSync(fd, Math.max(0, size - leaveBytes));
      closeSync(fd);
    },
    release: () => rmSync(filler, { force: true }),
    unmount() {
      process.off("exit", unmount);
      unmount();
    },
  };
}

function takeAll(fd: number): number {
  let size = 0;
  for (let chunk = Buffer.alloc(1024 * 1024); chunk.length > 0; )
    try {
      size += writeSync(fd, chunk, 0, chunk.length, size);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      chunk = chunk.subarray(0, Math.floor(chunk.length / 2));
    }
  return size;
}
