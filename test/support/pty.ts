/** Ttys that go away with the test, and names for them as udev gives. */
import { readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { onTestFinished } from "vitest";
import { createPty, type Pty } from "./tty.ts";

export type { Pty } from "./tty.ts";

const links = new WeakMap<Pty, string>();

export function openPty(): Pty {
  const pty = createPty();
  const hangup = () => {
    // The name goes first, as with udev: the number is another test's terminal as soon as it is free.
    const link = links.get(plugged);
    if (link !== undefined && pointsTo(link, pty.path)) rmSync(link);
    pty.hangup();
  };
  const plugged = { ...pty, hangup };
  onTestFinished(hangup);
  return plugged;
}

/** Points `link` at the tty, as udev does for /dev/serial/by-id when a plug goes in. */
export function plugIn(link: string, pty: Pty): void {
  symlinkSync(pty.path, `${link}.new`);
  renameSync(`${link}.new`, link);
  links.set(pty, link);
}

function pointsTo(link: string, path: string): boolean {
  try {
    return readlinkSync(link) === path;
  } catch {
    return false;
  }
}
