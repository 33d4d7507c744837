/** Ttys that go away with the test, and names for them as udev gives. */
import { renameSync, symlinkSync } from "node:fs";
import { onTestFinished } from "vitest";
import { createPty, type Pty } from "./tty.ts";

export type { Pty } from "./tty.ts";

export function openPty(): Pty {
  const pty = createPty();
  onTestFinished(pty.hangup);
  return pty;
}

/** Points `link` at the tty, as udev does for /dev/serial/by-id when a plug goes in. */
export function plugIn(link: string, { path }: Pty): void {
  symlinkSync(path, `${link}.new`);
  renameSync(`${link}.new`, link);
}
