/**
 * Ends an MQTT connection before a packet is collected that is too long.
 *
 * The parser beneath aedes gathers up to 256 MiB for one packet, before anyone has said who it is.
 * The length of a packet stands in its second to fifth byte (MQTT 3.1.1, section 2.2.3), so one look
 * at the headers is enough, and the bytes themselves pass untouched.
 */
import type { Socket } from "node:net";

export type PacketLimit = { readonly firstBytesMax: number; readonly bytesMax: number };

/** The first packet is CONNECT, from whoever could reach the port: it gets a limit of its own. */
export function limitPackets(socket: Socket, { firstBytesMax, bytesMax }: PacketLimit): void {
  const lengths = createPacketLengths();
  let limit = firstBytesMax;
  const read = socket.read.bind(socket);
  // aedes pulls with read(): this is the one place where the bytes can be seen without a copy.
  socket.read = (size?: number) => {
    const chunk: Uint8Array | null = read(size);
    if (chunk === null) return chunk;
    for (const length of lengths(chunk)) {
      if (length > limit) {
        socket.destroy(new Error(`an MQTT packet of ${length} bytes; ${limit} are allowed`));
        return null;
      }
      limit = bytesMax;
    }
    return chunk;
  };
}

/** Feed it the stream; it returns the length of each packet that begins, as soon as that is known. */
export function createPacketLengths(): (chunk: Uint8Array) => readonly number[] {
  /** Bytes of the current packet still to come. */
  let rest = 0;
  /** Undefined: the next byte is a packet's first. Else the length gathered so far. */
  let length: number | undefined;
  let scale = 1;

  return (chunk) => {
    const found: number[] = [];
    for (let at = 0; at < chunk.length; ) {
      if (rest > 0) {
        const passed = Math.min(rest, chunk.length - at);
        rest -= passed;
        at += passed;
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (length === undefined) {
        length = 0;
        scale = 1;
        continue;
      }
      length += (byte & 0x7f) * scale;
      scale *= 128;
      // A fifth length byte is malformed: reported as it stands, for the parser to refuse.
      if ((byte & 0x80) !== 0 && scale <= 128 ** 3) continue;
      found.push(length);
      rest = length;
      length = undefined;
    }
    return found;
  };
}
