/**
 * The first packet of a stranger, collected before anything is made for him: it is CONNECT, it is whole, it is
 * not too long, and of a protocol that is spoken here (MQTT 3.1.1, section 3.1; 3.1 is let in, too). Until then
 * he costs a socket and what he sent, and whoever talks of something else is let go at his first byte.
 */
import type { Socket } from "node:net";
import type { TurnedAwayWhy } from "./mqtt-guard.ts";
import { firstPacketEnd } from "./mqtt-limit.ts";

const CONNECT = 0x10;
const FIRST_ROOM_BYTES = 128;
/** The level of each protocol by its name. */
const LEVELS: Readonly<Record<string, number>> = { MQTT: 4, MQIsdp: 3 };
/** CONNACK: unacceptable protocol level [MQTT-3.1.2-2]. */
const OTHER_LEVEL = Uint8Array.of(0x20, 2, 0, 1);

/** Calls `heard` once with all that came; the socket then rests until somebody listens to it. */
export function hearGreeting(
  socket: Socket,
  bytesMax: number,
  {
    heard,
    refused,
  }: {
    readonly heard: (opening: Buffer) => void;
    readonly refused: (why: TurnedAwayWhy, detail: string) => void;
  },
): void {
  let room = Buffer.alloc(FIRST_ROOM_BYTES);
  let used = 0;

  const refuse = (why: TurnedAwayWhy, detail: string, answer?: Uint8Array) => {
    socket.off("data", hear);
    refused(why, detail);
    // Who does not hang up upon the answer is a stranger until his time is over.
    if (answer === undefined) socket.destroy();
    else socket.end(answer);
  };

  const hear = (chunk: Buffer): void => {
    if (used + chunk.length > room.length) {
      const larger = Buffer.alloc(Math.max(room.length * 2, used + chunk.length));
      room.copy(larger, 0, 0, used);
      room = larger;
    }
    chunk.copy(room, used);
    used += chunk.length;
    if (room[0] !== CONNECT) {
      refuse("malformed", "its first packet is not CONNECT");
      return;
    }
    const end = firstPacketEnd([...room.subarray(0, Math.min(used, 5))]);
    if (end === undefined) return;
    if (end > bytesMax) {
      refuse("too-long", `a packet of ${end} bytes; ${bytesMax} are allowed`);
      return;
    }
    if (used < end) return;
    const { name, level } = protocolOf(room.subarray(0, end));
    if (LEVELS[name] !== level) {
      const detail = `it speaks ${JSON.stringify(name)}, level ${level}`;
      if (name === "MQTT" && level !== undefined) refuse("refused", detail, OTHER_LEVEL);
      else refuse("malformed", detail);
      return;
    }
    socket.off("data", hear).pause();
    heard(room.subarray(0, used));
  };
  socket.on("error", () => {}).on("data", hear);
}

/** What the first fields of CONNECT say; of one that is too short, nothing. */
function protocolOf(packet: Buffer): { readonly name: string; readonly level: number | undefined } {
  const at = packet.findIndex((byte, index) => index > 0 && byte < 0x80) + 1;
  const bytes = packet.length < at + 2 ? 0 : packet.readUInt16BE(at);
  const name = packet.subarray(at + 2, at + 2 + Math.min(bytes, FIRST_ROOM_BYTES)).toString();
  return { name, level: packet[at + 2 + bytes] };
}
