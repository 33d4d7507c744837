/**
 * What a socket gets before anyone knows who it is: five seconds, few neighbours, and (in
 * mqtt-connection.ts) one packet of 64 KiB. Whoever is not known by then is a stranger.
 *
 * When there are too many strangers, of one address or in all, the one that has waited longest goes:
 * who means it says CONNECT within milliseconds, so a crowd that holds its places costs a newcomer
 * nothing. Known connections do not count here and lose nothing to a flood.
 */
import type { Socket } from "node:net";
import { neighbourhood } from "../kernel/neighbourhood.ts";

export type GuardLimits = {
  /** Strangers of one address; IPv6 hosts own a /64 each. */
  readonly strangersPerAddress: number;
  readonly strangersMax: number;
  /** From accept to the moment it is known, a TLS handshake included. */
  readonly strangerMs: number;
  readonly strangerBytesMax: number;
  /** Connections in all, known or not. */
  readonly connectionsMax: number;
};

export const GUARD: GuardLimits = {
  strangersPerAddress: 20,
  strangersMax: 256,
  strangerMs: 5_000,
  strangerBytesMax: 64 * 1024,
  connectionsMax: 4_096,
};

/** Why a connection was not let in, or was ended. */
export type TurnedAwayWhy =
  | "crowded"
  | "late"
  | "too-many"
  | "too-long"
  | "malformed"
  | "slow-reader"
  | "tls"
  | "refused";

export type Stranger = {
  /** From here on it is somebody. */
  known(): void;
};

export type Guard = {
  /** Undefined: it was turned away. */
  admit(socket: Socket): Stranger | undefined;
  strangers(): number;
  connections(): number;
  /** Ends all strangers. */
  dismiss(): void;
};

export function createGuard(
  { turnedAway }: { readonly turnedAway: (why: TurnedAwayWhy, address: string) => void },
  limits: GuardLimits,
): Guard {
  /** In order of coming; so is the set of each address. */
  const strangers = new Set<Entry>();
  const byAddress = new Map<string, Set<Entry>>();
  let connections = 0;

  function forget(entry: Entry): void {
    clearTimeout(entry.timer);
    strangers.delete(entry);
    const neighbours = byAddress.get(entry.address);
    neighbours?.delete(entry);
    if (neighbours?.size === 0) byAddress.delete(entry.address);
  }

  function turnAway(entry: Entry, why: TurnedAwayWhy): void {
    forget(entry);
    turnedAway(why, entry.address);
    entry.socket.destroy();
  }

  function makeRoom(entries: ReadonlySet<Entry>, most: number): void {
    const [oldest] = entries;
    if (entries.size > most && oldest !== undefined) turnAway(oldest, "crowded");
  }

  return {
    admit(socket) {
      const address = neighbourhood(socket.remoteAddress ?? "");
      if (connections >= limits.connectionsMax) {
        turnedAway("too-many", address);
        socket.destroy();
        return undefined;
      }
      connections += 1;
      const entry: Entry = {
        socket,
        address,
        timer: setTimeout(() => {
          // What TLS has gathered is seen by nobody else.
          const late = socket.bytesRead > limits.strangerBytesMax ? "too-long" : "late";
          turnAway(entry, late);
        }, limits.strangerMs),
      };
      strangers.add(entry);
      const neighbours = byAddress.get(address) ?? new Set();
      byAddress.set(address, neighbours.add(entry));
      socket.once("close", () => {
        connections -= 1;
        forget(entry);
      });
      makeRoom(neighbours, limits.strangersPerAddress);
      makeRoom(strangers, limits.strangersMax);
      return { known: () => forget(entry) };
    },
    dismiss() {
      for (const { socket } of strangers) socket.destroy();
    },
    strangers: () => strangers.size,
    connections: () => connections,
  };
}

type Entry = {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: NodeJS.Timeout;
};
