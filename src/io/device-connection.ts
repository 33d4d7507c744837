/**
 * A device's socket as the broker sees it, with two things the broker does not do itself:
 *
 * - a packet that is too long ends the connection at its header (see mqtt-limit.ts);
 * - what the broker writes piece by piece leaves in one piece. An acknowledgement is three writes,
 *   and they come by the hundred: the stream's bookkeeping would cost more than decoding a reading.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { createPacketLengths, type PacketLimit } from "./mqtt-limit.ts";

const GATHER_BYTES = 4096;
/** Longer pieces go their own way. */
const PIECE_BYTES = 64;

export function openDeviceConnection(
  socket: Socket,
  { firstBytesMax, bytesMax }: PacketLimit,
): Duplex {
  const lengths = createPacketLengths();
  let limit = firstBytesMax;
  const connection = new Duplex({
    read() {
      socket.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      socket.write(chunk, done);
    },
    final(done) {
      gathered.flush(socket);
      socket.end(done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  const gathered = gatherWrites(connection);
  socket.on("data", (chunk) => {
    for (const length of lengths(chunk)) {
      if (length > limit) {
        connection.destroy(new Error(`a packet of ${length} bytes; ${limit} are allowed`));
        return;
      }
      limit = bytesMax;
    }
    if (!connection.push(chunk)) socket.pause();
  });
  socket.on("end", () => connection.push(null));
  socket.on("error", (error) => connection.destroy(error));
  socket.on("close", () => connection.destroy());
  return connection;
}

type Sink = { write(bytes: Buffer): boolean };

/** Small writes are kept until the code that writes has come to rest, or a larger one follows. */
function gatherWrites(connection: Duplex): { flush(sink: Sink): void } {
  const through: Sink = { write: connection.write.bind(connection) };
  const gathered = Buffer.allocUnsafe(GATHER_BYTES);
  let used = 0;
  let scheduled = false;

  const flush = (sink: Sink): void => {
    if (used === 0) return;
    const bytes = Buffer.from(gathered.subarray(0, used));
    used = 0;
    sink.write(bytes);
  };

  const flushLater = (): void => {
    scheduled = false;
    if (connection.writable) flush(through);
  };

  // mqtt-packet writes numbers as bytes, and topics as texts.
  const write = (piece: Buffer | string): boolean => {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    if (used + bytes.length > GATHER_BYTES || bytes.length > PIECE_BYTES) flush(through);
    if (bytes.length > PIECE_BYTES) return through.write(bytes);
    for (let at = 0; at < bytes.length; at++) gathered[used++] = bytes[at] as number;
    if (!scheduled) {
      scheduled = true;
      queueMicrotask(flushLater);
    }
    return !connection.writableNeedDrain;
  };

  // mqtt-packet corks a stream that can be corked, once for each packet; this one need not be.
  Object.assign(connection, { write, cork: undefined });
  return { flush };
}
