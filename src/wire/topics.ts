/**
 * The topics between gateways and the twin: racktrace/v1/<gateway>/<channel>. Who may say or hear what is
 * this table and nothing else; the twin's broker asks it, and a test makes its matrix of it.
 *
 * A `member` is a gateway that the twin knows (by its certificate, or on loopback by its word). A
 * `newcomer` holds an invitation and no certificate yet.
 */
export type GatewayRole = "member" | "newcomer";

export const CHANNELS = [
  { channel: "hello", from: "gateway", roles: ["member"] },
  { channel: "batch", from: "gateway", roles: ["member"] },
  /** A certificate request (PKCS #10, PEM): with an invitation, and to follow a certificate. */
  { channel: "enrol", from: "gateway", roles: ["newcomer"] },
  { channel: "renew", from: "gateway", roles: ["member"] },
  { channel: "ack", from: "twin", roles: ["member"] },
  { channel: "verdict", from: "twin", roles: ["member"] },
  { channel: "directive", from: "twin", roles: ["member"] },
  /** The certificate (PEM) that was asked for, or `refused: ` and why. */
  { channel: "certificate", from: "twin", roles: ["member", "newcomer"] },
] as const satisfies readonly {
  readonly channel: string;
  readonly from: "gateway" | "twin";
  readonly roles: readonly GatewayRole[];
}[];

/** Behind the request on `enrol`: the key that the gateway signs its events with, base64. */
export const SIGNING_KEY = "signing-key: ";

type Row = (typeof CHANNELS)[number];
/** What a gateway says. */
export type Said = Extract<Row, { readonly from: "gateway" }>["channel"];
/** What a gateway hears. */
export type Heard = Extract<Row, { readonly from: "twin" }>["channel"];

const ROOT = "racktrace/v1";

export function topicOf(gateway: string, channel: Said | Heard): string {
  return `${ROOT}/${gateway}/${channel}`;
}

/** The channel that a gateway says something on; undefined: it may not, or there is none. */
export function saidOn(topic: string, gateway: string, role: GatewayRole): Said | undefined {
  return channelOf("gateway", topic, gateway, role) as Said | undefined;
}

/** The channel that a gateway wants to hear; a filter with a wildcard is none. */
export function heardOn(filter: string, gateway: string, role: GatewayRole): Heard | undefined {
  return channelOf("twin", filter, gateway, role) as Heard | undefined;
}

function channelOf(from: Row["from"], topic: string, gateway: string, role: GatewayRole) {
  const row = CHANNELS.find(
    (each) =>
      each.from === from &&
      (each.roles as readonly GatewayRole[]).includes(role) &&
      topic === topicOf(gateway, each.channel),
  );
  return row?.channel;
}
