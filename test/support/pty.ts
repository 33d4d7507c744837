/**
 * A real tty without hardware: what is written here arrives at the tty whose path is given.
 *
 * `hangup` is a pulled plug: the reader of the tty sees the end at once, and its path is gone.
 */
import { closeSync, renameSync, symlinkSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { onTestFinished } from "vitest";

type Native = {
  open(columns: number, rows: number): { master: number; slave: number; pty: string };
};

const native = createRequire(import.meta.url)(
  `@lydell/node-pty-${process.platform}-${process.arch}/pty.node`,
) as Native;

export type Pty = {
  readonly path: string;
  /** Resolves when the kernel took all of it; waits while the tty's buffer is full. */
  write(bytes: string | Uint8Array): Promise<void>;
  hangup(): void;
};

export function openPty(): Pty {
  const { master, slave, pty } = native.open(80, 24);
  let open = true;
  const hangup = () => {
    if (!open) return;
    open = false;
    closeSync(master);
    closeSync(slave);
  };
  onTestFinished(hangup);
  return {
    path: pty,
    async write(bytes) {
      let rest = Buffer.from(bytes as string);
      while (rest.length > 0 && open) {
        const taken = writeSome(master, rest);
        rest = rest.subarray(taken);
        if (rest.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    hangup,
  };
}

/** Points `link` at the tty, as udev does for /dev/serial/by-id when a plug goes in. */
export function plugIn(link: string, { path }: Pty): void {
  symlinkSync(path, `${link}.new`);
  renameSync(`${link}.new`, link);
}

function writeSome(master: number, bytes: Buffer): number {
  try {
    return writeSync(master, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}
