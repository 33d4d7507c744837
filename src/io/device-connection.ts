/**
 * A device's socket as the broker sees it, with two things the broker does not do itself:
 *
 * - a packet that is too long ends the connection at its header (see mqtt-limit.ts);
 * - what the broker writes piece by piece leaves in one piece: an acknowledgement is three writes,
 *   and they come by the hundred.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { createPacketLengths, type PacketLimit } from "./mqtt-limit.ts";

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
    writev(chunks, done) {
      socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
    },
    final(done) {
      socket.end(done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
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
