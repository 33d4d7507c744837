/**
 * How gateways come to the twin: in plain text on this machine, by TLS from anywhere else. Plain text
 * beyond this machine has to be asked for by a word that says what it is.
 */
import { isLoopback } from "../kernel/loopback.ts";

export const UNPROTECTED = "plain-readable-and-writable-by-anyone";

export type BrokerConfig = {
  readonly host: string;
  readonly port: number;
  readonly transport?: "plain" | "tls" | typeof UNPROTECTED;
  readonly names: readonly string[];
  readonly certificateDays: number;
};

/** `host` and `port` are those of every listener. */
export const brokerSchema = <Host, Port>(host: Host, port: Port) =>
  ({
    type: "object",
    additionalProperties: false,
    default: {},
    description: "The broker that gateways send to",
    properties: {
      host,
      port,
      transport: {
        enum: ["plain", "tls", UNPROTECTED],
        description: `plain: on this machine only; tls: gateways are enrolled; ${UNPROTECTED}: what it says. Left out: plain on a loopback address, tls on any other`,
      },
      names: {
        type: "array",
        maxItems: 32,
        default: [],
        items: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9.:-]{0,252}$" },
        description:
          "Names and addresses in the certificate of the broker, for other clients than gateways",
      },
      certificateDays: {
        type: "integer",
        minimum: 2,
        maximum: 1825,
        default: 365,
        description: "How long a gateway's certificate lasts; it renews it after a third of that",
      },
    },
  }) as const;

export function isSecured({ host, transport }: BrokerConfig): boolean {
  return transport === undefined ? !isLoopback(host) : transport === "tls";
}

export function brokerProblems({ host, transport }: BrokerConfig) {
  if (transport !== "plain" || isLoopback(host)) return [];
  const what = `on ${host} whoever is on the way could read and write it; leave this out for TLS, or say ${UNPROTECTED}`;
  return [{ path: ["broker", "transport"], what }];
}
