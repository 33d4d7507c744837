/** Sends bytes to a label printer's TCP port, and says plainly how far that came (labels/job: Sent). */
import { connect, type Socket } from "node:net";
import type { SendToPrinter } from "../labels/job.ts";
import { ASK_STATE, type PrinterState, readState } from "../labels/zpl.ts";

const CONNECT_MS = 5_000;
const STATE_MS = 1_500;
/** A printer with a full buffer takes no more until labels have come out: so long between two bytes. */
const STALLED_MS = 60_000;
/** How long a printer that has been told that this is all may keep the connection. */
const CLOSE_MS = 2_000;
const HEARD_CHARS_MAX = 4_096;

export const sendToPrinter: SendToPrinter = async ({ host, port, asksState }, bytes) => {
  let socket: Socket;
  try {
    socket = await open(host, port);
  } catch (error) {
    return { state: "not-reached", why: (error as Error).message };
  }
  try {
    const printer = asksState ? await stateOf(socket) : undefined;
    if (printer !== undefined && Object.values(printer).some((wrong) => wrong))
      return { state: "not-ready", printer };
    const why = await deliver(socket, bytes);
    return why === undefined
      ? { state: "sent", heard: printer !== undefined }
      : { state: "uncertain", why };
  } finally {
    socket.destroy();
  }
};

function open(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const timer = setTimeout(
      () => socket.destroy(new Error(`no answer in ${CONNECT_MS / 1000} s`)),
      CONNECT_MS,
    );
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      // Whoever waits for the socket hears that it closed.
      socket.on("error", () => {});
      resolve(socket);
    });
  });
}

/** Undefined: it does not say. */
function stateOf(socket: Socket): Promise<PrinterState | undefined> {
  return new Promise((resolve) => {
    let heard = "";
    const done = () => {
      clearTimeout(timer);
      socket.removeListener("data", hear);
      socket.removeListener("close", done);
      resolve(readState(heard));
    };
    const hear = (chunk: Buffer) => {
      heard = (heard + chunk.toString("latin1")).slice(0, HEARD_CHARS_MAX);
      if (readState(heard) !== undefined) done();
    };
    const timer = setTimeout(done, STATE_MS);
    socket.on("data", hear);
    socket.once("close", done);
    socket.write(ASK_STATE);
  });
}

/** What went wrong after the first byte may have left; undefined: all was taken. */
function deliver(socket: Socket, bytes: Uint8Array): Promise<string | undefined> {
  if (socket.destroyed) return Promise.resolve("it closed the connection");
  return new Promise((resolve) => {
    let isHandedOver = false;
    const early = () => resolve(isHandedOver ? undefined : "it closed the connection too early");
    // A connection that it breaks off after the last byte was not read to the end.
    socket.once("error", (error) => resolve(error.message));
    socket.once("close", early);
    socket.setTimeout(STALLED_MS, () =>
      resolve(isHandedOver ? undefined : `it took nothing for ${STALLED_MS / 1000} s`),
    );
    // What it says meanwhile is read, or the end of it would never be.
    socket.resume();
    socket.end(bytes, () => {
      isHandedOver = true;
      socket.setTimeout(CLOSE_MS);
    });
  });
}
