/**
 * A serial device server as a ByteLine: raw over TCP, or telnet with the COM port option (RFC 2217),
 * which sets the far port up as this line was asked to be.
 *
 * Reading is on demand: while the reader is busy, bytes wait in the kernel, and then at the far end. A
 * server that goes without a word is found by TCP's keep-alive.
 */
import { connect, type Socket } from "node:net";
import { Fault } from "../kernel/fault.ts";
import type { ByteLine, OpenLine } from "../ports.ts";
import { createTelnet, type Telnet } from "./telnet.ts";

const CONNECT_MS = 5_000;
const SET_UP_MS = 3_000;
const KEEP_ALIVE_MS = 10_000;
/** What a server says to be set up, and a scanner meanwhile, is far less; so is what waits to be taken. */
const HELD_BYTES_MAX = 64 * 1024;

export const openTcpLine: OpenLine = async (settings, stop) => {
  const { path } = settings;
  const { protocol, hostname, port } = new URL(path);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const abandon = () => socket.destroy(new Error("stopped"));
  stop?.addEventListener("abort", abandon, { once: true });
  if (stop?.aborted) abandon();
  const telnet = protocol === "rfc2217:" ? createTelnet(settings) : undefined;
  const early: Uint8Array[] = [];
  let chunks: AsyncIterator<Buffer>;
  try {
    await connected(path, socket);
    chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    if (telnet !== undefined) await setUp(path, { socket, chunks, telnet, early });
  } finally {
    stop?.removeEventListener("abort", abandon);
  }

  async function* read(): AsyncGenerator<Uint8Array> {
    yield* early.splice(0);
    for (;;) {
      const { done, value } = await chunks.next().catch(() => ENDED);
      if (done === true) break;
      const data = heard(socket, telnet, value);
      if (data.length > 0) yield data;
    }
    socket.destroy();
  }

  const line: ByteLine = {
    read,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(telnet?.escape(bytes) ?? bytes, (error) =>
          error == null ? resolve() : reject(lost(path, error)),
        );
      }),
    async close() {
      socket.destroy();
    },
  };
  return line;
};

const ENDED = { done: true, value: undefined } as const;

function connected(path: string, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error("no answer")));
    socket.once("error", (error) => reject(lost(path, error, "is absent")));
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.removeAllListeners("error");
      // What breaks later ends the reading.
      socket.on("error", () => {});
      resolve();
    });
  });
}

type Opened = {
  readonly socket: Socket;
  readonly chunks: AsyncIterator<Buffer>;
  readonly telnet: Telnet;
  /** What the scanner sends while the port is set up. */
  readonly early: Uint8Array[];
};

const NO_ANSWER = "no answer to RFC 2217; for a raw server write tcp://";

async function setUp(path: string, { socket, chunks, telnet, early }: Opened): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), SET_UP_MS);
  socket.write(telnet.hello);
  let held = 0;
  try {
    while (telnet.state() === "asking") {
      const { done, value } = await chunks.next().catch(() => ENDED);
      if (done === true) throw lost(path, socket.errored ?? new Error(NO_ANSWER));
      const data = heard(socket, telnet, value);
      if (data.length > 0) early.push(data);
      held += data.length;
      if (held > HELD_BYTES_MAX) socket.destroy(new Error("it sends on and is never set up"));
    }
  } finally {
    clearTimeout(timer);
  }
  const state = telnet.state();
  if (state === "ready") return;
  socket.destroy();
  const why = typeof state === "object" ? state.other : "RFC 2217 is refused; write tcp://";
  throw lost(path, new Error(why), "cannot be set up");
}

function heard(socket: Socket, telnet: Telnet | undefined, chunk: Buffer): Uint8Array {
  if (telnet === undefined) return chunk;
  const { data, reply } = telnet.hear(chunk);
  if (reply.length > 0) socket.write(reply);
  if (socket.writableLength > HELD_BYTES_MAX)
    socket.destroy(new Error("it asks on and takes no answer"));
  return data;
}

function lost(path: string, cause: Error, what = "is faulty"): Fault {
  return new Fault("SERIAL_LOST", `${path} ${what} (${cause.message})`, { cause });
}
