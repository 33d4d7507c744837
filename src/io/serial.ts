/**
 * A tty as a ByteLine, through serialport's binding for this machine.
 *
 * The binding opens, locks and sets up the line; reading and writing are ours. serialport's own stream asks
 * again for ever when a read returns nothing, which is how a tty says that it was hung up, so an unplug in
 * the wrong microsecond would leave a busy loop and no `close`. Here nothing read means the end. And what
 * the other side does not take holds up only what is behind it, not what it sends (tty-wait.ts).
 *
 * Reading is on demand, so nothing is queued: while the reader is busy, bytes wait in the kernel's
 * tty buffer. What the kernel held before the line was opened is discarded by the binding.
 */
import { readSync, writeSync } from "node:fs";
import { SerialPort } from "serialport";
import { Fault } from "../kernel/fault.ts";
import type { ByteLine, OpenLine, SerialSettings } from "../ports.ts";
import { createTtyWait, type Poller } from "./tty-wait.ts";

/** The part of the POSIX bindings that is used; it is their public shape. */
type Port = {
  readonly fd: number | null;
  readonly poller: Poller;
  close(): Promise<void>;
};

/** The kernel hands out at most a page of a tty's buffer at once. */
const CHUNK_BYTES_MAX = 4096;
const LAST_WORDS_MS = 200;

export const openSerial: OpenLine = async (settings) => {
  const port = await openPort(settings);
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES_MAX);
  let open = true;
  let closed: Promise<void> | undefined;
  const ready = createTtyWait(port.poller);
  /** Each waits for the one before. */
  let written = Promise.resolve();

  async function* read(): AsyncGenerator<Uint8Array> {
    while (open) {
      const chunk = readNow(port, buffer);
      if (chunk === "hung-up") break;
      if (chunk !== "nothing-yet") yield chunk;
      else if (!(await ready("readable"))) break;
    }
    await close();
  }

  async function writeAll(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const taken = writeNow(port, bytes.subarray(at));
      at += taken;
      if (taken === 0 && !(await ready("writable"))) throw new Error("the line has ended");
    }
  }

  /** Whoever closes it last waits as long as the first: only then may it be opened again. */
  function close(): Promise<void> {
    closed ??= leave();
    return closed;
  }

  async function leave(): Promise<void> {
    open = false;
    // What was said last leaves first, unless nobody takes it.
    await Promise.race([written, pause(LAST_WORDS_MS)]);
    // The descriptor of a tty that went away may refuse to close; it is gone either way.
    await port.close().catch(() => undefined);
  }

  const line: ByteLine = {
    read,
    async write(bytes) {
      const turn = written.then(() => writeAll(Buffer.from(bytes)));
      written = turn.catch(() => undefined);
      try {
        await turn;
      } catch (cause) {
        throw new Fault("SERIAL_LOST", `${settings.path}: ${(cause as Error).message}`, { cause });
      }
    },
    close,
  };
  return line;
};

async function openPort(settings: SerialSettings): Promise<Port> {
  try {
    return (await SerialPort.binding.open(bindingOf(settings))) as unknown as Port;
  } catch (cause) {
    const { message } = cause as Error;
    // "Error: No such file or directory, cannot open /dev/x" says one thing worth telling.
    const why = message.replace(/^Error:? /, "").replace(/, cannot open .*$/i, "");
    const detail = `${settings.path} is ${stateFrom(message)} (${why})`;
    throw new Fault("SERIAL_LOST", detail, { cause });
  }
}

function bindingOf({ path, baudRate, dataBits, parity, stopBits, flowControl }: SerialSettings) {
  const software = flowControl === "software";
  const flow = { rtscts: flowControl === "hardware", xon: software, xoff: software };
  return { path, baudRate, dataBits, parity, stopBits, ...flow, lock: true };
}

/** The binding reports errors of the system as text only. */
function stateFrom(message: string): "absent" | "busy" | "not permitted" | "not a serial port" {
  if (/Permission denied|not permitted/i.test(message)) return "not permitted";
  if (/Cannot lock port|busy/i.test(message)) return "busy";
  if (/Inappropriate ioctl/i.test(message)) return "not a serial port";
  return "absent";
}

function readNow(port: Port, buffer: Buffer): Uint8Array | "nothing-yet" | "hung-up" {
  if (port.fd === null) return "hung-up";
  try {
    const bytes = readSync(port.fd, buffer, 0, buffer.length, null);
    return bytes === 0 ? "hung-up" : Uint8Array.prototype.slice.call(buffer, 0, bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EAGAIN" || code === "EINTR" ? "nothing-yet" : "hung-up";
  }
}

/** How many bytes the kernel took. */
function writeNow(port: Port, bytes: Buffer): number {
  if (port.fd === null) throw new Error("the line is closed");
  try {
    return writeSync(port.fd, bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EAGAIN" || code === "EINTR") return 0;
    throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
