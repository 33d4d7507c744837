/**
 * Names for deliveries, 64 bits each: what recognises a retransmission in the outbox.
 *
 * A name need not be secret: the client is part of it, so a device that forges one harms its own
 * readings. Two 32-bit hashes side by side, mixed as in cyrb53 (public domain, github.com/bryc).
 */
export type Origins = {
  /** One PUBLISH. Packet ids come round again, so only DUP makes this origin count. */
  ofDelivery(client: string, packetId: number, topic: string, payload: Uint8Array): bigint;
  /**
   * The id a payload gives itself, unique among the messages of its topic. The payload counts too: the
   * counter of a device that started anew comes round with other readings.
   */
  ofClaim(topic: string, id: string, payload: Uint8Array): bigint;
  ofContent(bytes: Uint8Array): bigint;
  /** What a scanner sent. Labels are read many times, so only a repetition makes this origin count. */
  ofScan(scanner: string, frame: Uint8Array): bigint;
};

const FIRST = 2654435761;
const SECOND = 1597334677;

export function createOrigins(): Origins {
  const halves = new Int32Array(2);
  const whole = new BigInt64Array(halves.buffer);
  let one = 0;
  let two = 0;

  const begin = (seed: number): void => {
    one = 0xdeadbeef ^ seed;
    two = 0x41c6ce57 ^ seed;
  };

  /** Locals, since a loop over captured variables takes three times as long. */
  const addText = (text: string): void => {
    let a = one ^ text.length;
    let b = two ^ text.length;
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      a = Math.imul(a ^ unit, FIRST);
      b = Math.imul(b ^ unit, SECOND);
    }
    one = a ^ (a >>> 15);
    two = b ^ (b >>> 15);
  };

  const addBytes = (bytes: Uint8Array): void => {
    let a = one ^ bytes.length;
    let b = two ^ bytes.length;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      a = Math.imul(a ^ byte, FIRST);
      b = Math.imul(b ^ byte, SECOND);
    }
    one = a ^ (a >>> 15);
    two = b ^ (b >>> 15);
  };

  const end = (): bigint => {
    const first =
      Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(two ^ (two >>> 13), 3266489909);
    halves[0] = first;
    halves[1] =
      Math.imul(two ^ (two >>> 16), 2246822507) ^ Math.imul(first ^ (first >>> 13), 3266489909);
    return whole[0] as bigint;
  };

  return {
    ofDelivery(client, packetId, topic, payload) {
      begin(packetId);
      addText(client);
      addText(topic);
      addBytes(payload);
      return end();
    },
    // Packet ids have 16 bits, so these seeds are nobody's.
    ofClaim(topic, id, payload) {
      begin(0x10000);
      addText(topic);
      addText(id);
      addBytes(payload);
      return end();
    },
    ofContent(bytes) {
      begin(0x20000);
      addBytes(bytes);
      return end();
    },
    ofScan(scanner, frame) {
      begin(0x30000);
      addText(scanner);
      addBytes(frame);
      return end();
    },
  };
}
