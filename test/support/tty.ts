/**
 * A real tty without hardware: what is written to its master arrives at the tty whose path is given.
 */
import { closeSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

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
  /** A pulled plug: the reader of the tty sees the end at once, and its path is gone. */
  hangup(): void;
};

export function createPty(): Pty {
  const { master, slave, pty } = native.open(80, 24);
  let open = true;
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
    hangup() {
      if (!open) return;
      open = false;
      closeSync(master);
      closeSync(slave);
    },
  };
}

function writeSome(master: number, bytes: Buffer): number {
  try {
    return writeSync(master, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw error;
  }
}
