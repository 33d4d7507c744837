/**
 * A device's socket as the broker sees it, with two things the broker does not do itself:
 *
 * - a packet that is too long ends the connection at its header. The broker's parser would gather
 *   all of it first, up to 256 MiB, also from somebody it does not know yet;
 * - what the broker writes piece by piece leaves in one piece.
 */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

export type PacketLimits = {
  /** Of the first packet, which must be CONNECT. */
  readonly firstBytesMax: number;
  readonly packetBytesMax: number;
};

export function guardConnection(socket: Socket, limits: PacketLimits): Duplex {
  const guard = createPacketGuard(limits);
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
    const problem = guard(chunk);
    if (problem !== undefined) connection.destroy(new Error(problem));
    else if (!connection.push(chunk)) socket.pause();
  });
  socket.on("end", () => connection.push(null));
  socket.on("error", (error) => connection.destroy(error));
  socket.on("close", () => connection.destroy());
  return connection;
}

/**
 * Follows the packets' headers through the chunks; says what is wrong with one. MQTT 3.1.1, 2.2.3:
 * a type byte, then the length in groups of seven bits, the lowest first, at most four of them.
 */
function createPacketGuard(limits: PacketLimits): (chunk: Uint8Array) => string | undefined {
  let bytesMax = limits.firstBytesMax;
  let left = 0;
  let inLength = false;
  let length = 0;
  let weight = 1;
  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const skipped = Math.min(left, chunk.length - at);
        left -= skipped;
        at += skipped;
        continue;
      }
      const byte = chunk[at++] as number;
      if (!inLength) {
        inLength = true;
        length = 0;
        weight = 1;
        continue;
      }
      length += (byte & 127) * weight;
      weight *= 128;
      if (length > bytesMax) return `a packet has ${length} bytes or more; ${bytesMax} are allowed`;
      if (byte > 127) {
        if (weight > 128 ** 3) return "a packet's length has more than four bytes";
        continue;
      }
      inLength = false;
      left = length;
      bytesMax = limits.packetBytesMax;
    }
    return undefined;
  };
}
