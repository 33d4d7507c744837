/** A device with QoS 1, as MQTT has it: what was not acknowledged is sent again with DUP when it comes back. */
import type { Prng } from "../../../firmware-sim/prng.ts";
import type { Intake } from "../../../src/gateway/intake.ts";
import type { DeviceSession } from "../../../src/ports.ts";

export type SimDevice = {
  connect(intake: Intake): void;
  /** The line breaks, and it comes back at once. */
  reconnect(): void;
  publish(): void;
  unanswered(): readonly number[];
};

const IN_FLIGHT_MAX = 6;
const PACKET_IDS = 40;

export function createDevice(
  chance: Prng,
  number: number,
  accepted: (value: number) => void,
): SimDevice {
  const clientId = `p${number}`;
  /** Some clients do not say that they repeat, though they go on with their session. */
  const saysDup = number % 3 !== 2;
  const flying = new Map<number, number>();
  let next = number * 1_000_000;
  let packetId = 0;
  let intake: Intake | undefined;
  let session: DeviceSession | undefined;
  /** Answers to an earlier connection are not heard. */
  let connection = 0;

  function send(id: number, value: number, dup: boolean): void {
    const payload = Buffer.from(String(value));
    const rest = { qos: 1, dup, retain: false, packetId: id } as const;
    session?.take({ topic: `load/${clientId}/count`, payload, ...rest }, id);
  }

  function begin(): void {
    connection += 1;
    const mine = connection;
    const refused: number[] = [];
    session = intake?.open({ clientId, resumes: true }, (ticket, taken) => {
      if (mine !== connection) return;
      if (!taken.ok) return void refused.push(ticket);
      const value = flying.get(ticket);
      if (value === undefined) return;
      flying.delete(ticket);
      accepted(value);
    });
    for (const [id, value] of flying) send(id, value, saysDup);
  }

  return {
    connect(to) {
      intake = to;
      begin();
    },
    reconnect() {
      session?.end("broken");
      begin();
    },
    publish() {
      if (flying.size >= IN_FLIGHT_MAX) return;
      do packetId = (packetId % PACKET_IDS) + 1;
      while (flying.has(packetId));
      next += chance.wholeWithin([1, 3]);
      flying.set(packetId, next);
      send(packetId, next, false);
    },
    unanswered: () => [...flying.values()],
  };
}
