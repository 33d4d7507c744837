/**
 * A tty with a device at its far end that listens and speaks: what is written to the tty comes out here,
 * and what is sent here arrives there. The master end is used with plain system calls, as in tty.ts.
 */
import { spawnSync } from "node:child_process";
import { closeSync, readSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

type OpenPty = (columns: number, rows: number) => { master: number; slave: number; pty: string };
const { requireBinary } = createRequire(import.meta.url)("@lydell/node-pty/requireBinary.js");
const { open: openPty } = requireBinary("pty.node") as { open: OpenPty };

export type SerialCable = {
  readonly path: string;
  send(bytes: Uint8Array): void;
  /** The cable is pulled: whoever holds the tty sees its end. */
  close(): void;
};

/** A slave answers within milliseconds; looking more seldom would be its delay. */
const LOOK_MS = 1;

export function openSerialCable(heard: (bytes: Uint8Array) => void): SerialCable {
  const { master, slave, pty } = openPty(80, 24);
  const stty = spawnSync("stty", ["-F", pty, "raw", "-echo"], { encoding: "utf8" });
  if (stty.status !== 0) throw new Error(`stty ${pty}: ${stty.stderr || stty.error}`);
  const chunk = new Uint8Array(4_096);
  let open = true;

  const look = setInterval(() => {
    for (let size = readSome(master, chunk); size > 0; size = readSome(master, chunk))
      heard(chunk.slice(0, size));
  }, LOOK_MS);

  return {
    path: pty,
    send(bytes) {
      if (!open) return;
      try {
        writeSync(master, bytes);
      } catch (error) {
        // Nobody reads the tty and its buffer is full: on a wire the bytes would be gone, too.
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      }
    },
    close() {
      if (!open) return;
      open = false;
      clearInterval(look);
      closeSync(master);
      closeSync(slave);
    },
  };
}

function readSome(master: number, chunk: Uint8Array): number {
  try {
    return readSync(master, chunk);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EAGAIN" || code === "EIO") return 0;
    throw error;
  }
}
