/**
 * The lengths of MQTT packets, told before a packet is collected that is too long.
 *
 * The parser beneath aedes gathers up to 256 MiB for one packet, before anyone has said who it is.
 * The length of a packet stands in its second to fifth byte (MQTT 3.1.1, section 2.2.3), so one look
 * at the headers is enough, and the bytes themselves pass untouched.
 */

/** The first packet is CONNECT, from whoever could reach the port: it gets a limit of its own. */
export type PacketLimit = { readonly firstBytesMax: number; readonly bytesMax: number };

/** Where the packet that begins with these bytes ends; undefined while its length is not all there. */
export function firstPacketEnd(head: readonly number[]): number | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(head.length, 5); at++) {
    const byte = head[at] ?? 0;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if ((byte & 0x80) === 0 || at === 4) return at + 1 + length;
  }
  return undefined;
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
