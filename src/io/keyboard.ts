/**
 * A scanner that plays keyboard, read from its event device (evdev) as a ByteLine of key events.
 *
 * Reading such a device blocks, and Node's own readers would hold a thread of its pool for each one,
 * also when the program wants to end. So `cat` reads it, and ends with the line.
 *
 * Exclusive use is not taken: EVIOCGRAB is an ioctl, and Node has none. The rules in
 * deploy/99-racktrace.rules keep a desktop away from the scanner; the kernel's text console listens to
 * every keyboard, and no rule forbids it, so a box with such a scanner has no login there (runbook).
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import type { Readable } from "node:stream";
import { Fault } from "../kernel/fault.ts";
import type { OpenLine } from "../ports.ts";

export const openKeyboard: OpenLine = async ({ path }) => {
  await access(path, constants.R_OK).catch((cause: NodeJS.ErrnoException) => {
    const state = cause.code === "EACCES" ? "not permitted" : "absent";
    throw new Fault("SERIAL_LOST", `${path} is ${state} (${cause.message})`, { cause });
  });
  const reading = await start(path).catch((cause: Error) => {
    throw new Fault("SERIAL_LOST", `${path} cannot be read (${cause.message})`, { cause });
  });

  return {
    async *read() {
      const chunks = reading.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
      for (;;) {
        // A stream that was destroyed fails; as a line it has ended.
        const { done, value } = await chunks.next().catch(() => ENDED);
        if (done === true) return;
        yield value;
      }
    },
    async write() {
      throw new Fault("SERIAL_LOST", `${path}: a keyboard cannot be told anything`);
    },
    async close() {
      reading.kill("SIGKILL");
    },
  };
};

const ENDED = { done: true, value: undefined } as const;

/** It ends by itself when the device is unplugged. Rejects when there is no `cat`, or no room for it. */
async function start(path: string): Promise<ChildProcessByStdio<null, Readable, null>> {
  const child = spawn("cat", ["--", path], { stdio: ["ignore", "pipe", "ignore"] });
  await once(child, "spawn");
  child.on("error", () => {});
  child.stdout.on("error", () => {});
  return child;
}
