/**
 * How people and programs come to the twin. It speaks plain HTTP: on this machine nobody is in between,
 * and beyond it a proxy speaks TLS for it. Plain text to anywhere else has to be asked for by a word that
 * says what it is, since passwords and sessions travel on it.
 */
import { isIP } from "node:net";
import { isLoopback } from "../kernel/loopback.ts";

export const UNPROTECTED = "plain-readable-by-anyone-on-the-way";

export type HttpConfig = {
  readonly host: string;
  readonly port: number;
  readonly transport?: "plain" | typeof UNPROTECTED;
  readonly origins?: readonly string[];
  readonly trustedProxies?: readonly string[];
  readonly sessions: { readonly idleMinutes: number; readonly hours: number };
};

/** `host` and `port` are those of every listener. */
export const httpSchema = <Host, Port>(host: Host, port: Port) =>
  ({
    type: "object",
    additionalProperties: false,
    default: {},
    description: "Page, API, health and metrics",
    properties: {
      host,
      port,
      transport: {
        enum: ["plain", UNPROTECTED],
        description: `plain: on this machine only, which is usual; ${UNPROTECTED}: what it says, passwords included`,
      },
      origins: {
        type: "array",
        maxItems: 16,
        items: { type: "string", pattern: "^https?://[a-z0-9.-]+(:[0-9]{1,5})?$" },
        description:
          "Where people reach it besides, through a proxy or by a name: https://twin.example.com",
      },
      trustedProxies: {
        type: "array",
        maxItems: 16,
        items: { type: "string", pattern: "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$" },
        description:
          "Addresses or networks (10.0.0.0/24) of proxies whose X-Forwarded-For says who asks; of nobody else it is heeded",
      },
      sessions: {
        type: "object",
        additionalProperties: false,
        default: {},
        description: "How long somebody stays logged in",
        properties: {
          idleMinutes: {
            type: "integer",
            minimum: 1,
            maximum: 10_080,
            default: 60,
            description: "Without a question for so long a session is over",
          },
          hours: {
            type: "integer",
            minimum: 1,
            maximum: 720,
            default: 12,
            description: "So long after the login it is over in any case",
          },
        },
      },
    },
  }) as const;

export function httpProblems({ host, transport, trustedProxies = [] }: HttpConfig) {
  const unfit = trustedProxies.flatMap((proxy, at) =>
    isNetwork(proxy)
      ? []
      : [
          {
            path: ["http", "trustedProxies", `${at}`],
            what: "an address, or a network such as 10.0.0.0/24",
          },
        ],
  );
  if (isLoopback(host) || transport === UNPROTECTED) return unfit;
  const what = `on ${host} whoever is on the way could read passwords; listen on 127.0.0.1 behind a proxy that speaks TLS and list its address under origins, or say transport: ${UNPROTECTED}`;
  return [...unfit, { path: ["http", "host"], what }];
}

function isNetwork(text: string): boolean {
  const [address = "", bits] = text.split("/");
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return bits === undefined ? most > 0 : Number(bits) >= 1 && Number(bits) <= most;
}
