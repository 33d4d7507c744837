/**
 * How devices come to the gateway's broker: on this machine anyone and in plain text, from anywhere else
 * devices that are known, by TLS. What is less than that has to be asked for by a word that says so.
 */
import { isLoopback } from "../kernel/loopback.ts";

export const UNPROTECTED = "plain-readable-by-anyone-on-the-way";
export const OPEN = "anyone-who-reaches-it";

export type DoorConfig = {
  readonly host: string;
  readonly port: number;
  readonly transport?: "plain" | "tls" | typeof UNPROTECTED;
  readonly access?: "known-devices" | "anyone-on-this-machine" | typeof OPEN;
  readonly names: readonly string[];
};

export const doorProperties = {
  transport: {
    enum: ["plain", "tls", UNPROTECTED],
    description: `plain: on this machine only; tls; ${UNPROTECTED}: what it says, passwords included. Left out: plain on a loopback address, tls on any other`,
  },
  access: {
    enum: ["known-devices", "anyone-on-this-machine", OPEN],
    description: `known-devices: those of \`racktrace device add\`; ${OPEN}: what it says. Left out: anyone on a loopback address, known devices on any other`,
  },
  names: {
    type: "array",
    maxItems: 32,
    default: [],
    items: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$" },
    description: "Names and addresses in the broker's certificate, as devices know it",
  },
} as const;

export function isSecured({ host, transport }: DoorConfig): boolean {
  return transport === undefined ? !isLoopback(host) : transport === "tls";
}

export function isForKnown({ host, access }: DoorConfig): boolean {
  return access === undefined ? !isLoopback(host) : access === "known-devices";
}

export function doorProblems({ host, transport, access }: DoorConfig) {
  if (isLoopback(host)) return [];
  return [
    ...(transport === "plain"
      ? [
          {
            path: ["mqtt", "transport"],
            what: `on ${host} whoever is on the way could read it; leave this out for TLS, or say ${UNPROTECTED}`,
          },
        ]
      : []),
    ...(access === "anyone-on-this-machine"
      ? [
          {
            path: ["mqtt", "access"],
            what: `${host} is reached from other machines; leave this out for known devices, or say ${OPEN}`,
          },
        ]
      : []),
  ];
}
