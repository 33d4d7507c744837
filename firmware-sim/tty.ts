/**
 * A scanner's cable: a pseudo terminal behind a symbolic link that stays where it is, however often
 * the device behind it comes and goes.
 *
 * The master end is used with plain system calls. The sockets that the library would put around both
 * ends keep the slave open for ever; without them the kernel tells whether anybody has opened the
 * port, because reading a master whose slave nobody holds fails with EIO. What the reader writes to
 * the scanner is read at the same time, so nothing is echoed and no buffer fills; a scanner that listens
 * takes it, for others it is dropped.
 */
import { spawnSync } from "node:child_process";
import {
  closeSync,
  lstatSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Sleep } from "./pace.ts";
import { ScenarioError } from "./scenario.ts";

type OpenPty = (columns: number, rows: number) => { master: number; slave: number; pty: string };
const { requireBinary } = createRequire(import.meta.url)("@lydell/node-pty/requireBinary.js");
const { open: openPty } = requireBinary("pty.node") as { open: OpenPty };

export type Tty = {
  readonly path: string;
  /** Since when the port has been open at the other end without a break; undefined: nobody holds it. */
  openSinceMs(): number | undefined;
  /** Resolves with false when the bytes could not be handed over: nobody reads them. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** What the reader has written since this was last asked, up to a limit. */
  take(): Uint8Array;
  /** The device is gone, the name too, until it is plugged in again. */
  unplug(): void;
  plug(): void;
  close(): void;
};

export type TtyDeps = { readonly nowMs: () => number; readonly sleep: Sleep };

/** Often enough that a reader that goes and comes back is not taken for one that stayed. */
const WATCH_MS = 25;
const STUCK_MS = 2_000;
const HEARD_CHUNKS_MAX = 64;

/** Throws ScenarioError where something else has the name. */
export function openTty({ nowMs, sleep }: TtyDeps, folder: string, name: string): Tty {
  const path = join(folder, name);
  const scratch = new Uint8Array(4_096);
  let master: number | undefined;
  let slave = "";
  let openSinceMs: number | undefined;
  let heard: Uint8Array[] = [];

  function look(): void {
    const open = master !== undefined && isOpen(master, scratch, keep);
    openSinceMs = open ? (openSinceMs ?? nowMs()) : undefined;
  }

  /** A scanner that never listens holds little. */
  function keep(bytes: Uint8Array): void {
    heard = [...heard.slice(1 - HEARD_CHUNKS_MAX), bytes];
  }

  function plug(): void {
    const pty = openPty(80, 24);
    // Raw before anybody opens it: no echo, no translation of CR or of control characters.
    const stty = spawnSync("stty", ["-F", pty.pty, "raw", "-echo"], { encoding: "utf8" });
    closeSync(pty.slave);
    if (stty.status !== 0) throw new Error(`stty ${pty.pty}: ${stty.stderr || stty.error}`);
    master = pty.master;
    slave = pty.pty;
    // The name appears with a rename, so that nobody ever finds half of it.
    symlinkSync(pty.pty, `${path}.new`);
    renameSync(`${path}.new`, path);
  }

  function unplug(): void {
    // The name goes first: its number may be given to another terminal as soon as it is free. By then another
    // simulator may have taken the name.
    if (terminalAt(path) === slave) rmSync(path, { force: true });
    if (master !== undefined) closeSync(master);
    master = undefined;
    openSinceMs = undefined;
    heard = [];
  }

  // A killed simulator leaves its names behind; whatever else is there is somebody's.
  if (terminalAt(path) === "other")
    throw new ScenarioError(`${path} is there already, and is no port of a simulator`);
  rmSync(`${path}.new`, { force: true });
  plug();
  const watch = setInterval(look, WATCH_MS);
  watch.unref();

  return {
    path,
    openSinceMs() {
      look();
      return openSinceMs;
    },
    async write(bytes) {
      const untilMs = nowMs() + STUCK_MS;
      for (let at = 0; at < bytes.length; ) {
        if (master === undefined) return false;
        at += written(master, bytes.subarray(at));
        if (at < bytes.length && nowMs() > untilMs) return false;
        if (at < bytes.length) await sleep(5);
      }
      return true;
    },
    take() {
      look();
      const bytes = Buffer.concat(heard);
      heard = [];
      return bytes;
    },
    unplug,
    plug,
    close() {
      clearInterval(watch);
      unplug();
    },
  };
}

/** Which one the name leads to; undefined: nothing is there. */
function terminalAt(path: string): string | "other" | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const target = found.isSymbolicLink() ? readlinkSync(path) : "";
  return target.startsWith("/dev/pts/") ? target : "other";
}

function isOpen(master: number, scratch: Uint8Array, keep: (bytes: Uint8Array) => void): boolean {
  for (;;) {
    try {
      keep(scratch.slice(0, readSync(master, scratch)));
    } catch (error) {
      if (codeOf(error) === "EAGAIN") return true;
      if (codeOf(error) === "EIO") return false;
      throw error;
    }
  }
}

/** How many bytes the terminal took: none while its buffer is full. */
function written(master: number, bytes: Uint8Array): number {
  try {
    return writeSync(master, bytes);
  } catch (error) {
    if (codeOf(error) === "EAGAIN") return 0;
    throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
