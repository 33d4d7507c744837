/**
 * The first packet of a stranger, collected before anything is made for him: it is CONNECT, it is whole, and
 * it is not too long (MQTT 3.1.1, section 3.1). Until then he costs a socket and what he sent, and whoever
 * talks of something else is let go at his first byte.
 */
import type { Socket } from "node:net";
import type { TurnedAwayWhy } from "./mqtt-guard.ts";
import { firstPacketEnd } from "./mqtt-limit.ts";

const CONNECT = 0x10;
const FIRST_ROOM_BYTES = 128;

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

  const refuse = (why: TurnedAwayWhy, detail: string) => {
    socket.off("data", hear);
    refused(why, detail);
    socket.destroy();
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
    socket.off("data", hear).pause();
    heard(room.subarray(0, used));
  };
  socket.on("error", () => {}).on("data", hear);
}
