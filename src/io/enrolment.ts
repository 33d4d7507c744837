/**
 * How a gateway comes to its first certificate, and to each that follows: it asks for one over MQTT, and
 * the twin signs. The key stays here.
 */
import type { TLSSocket } from "node:tls";
import { MqttClient } from "mqtt";
import { Fault } from "../kernel/fault.ts";
import type { InvitationText } from "../wire/invitation.ts";
import { SIGNING_KEY, topicOf } from "../wire/topics.ts";
import { makeRequest } from "./certificates.ts";
import type { Identity, IdentityStore } from "./identity.ts";
import { authorityBehind, connectSecured } from "./twin-tls.ts";

export type EnrolOptions = {
  readonly connectMs: number;
  readonly answerMs: number;
  /** The key that this gateway signs its events with; the twin takes no other from then on. */
  readonly signingKey?: Uint8Array;
};

/** Throws Fault LINK_LOST, TWIN_STRANGE, INVITATION_REFUSED. */
export async function enrolAt(
  url: string,
  { name, fingerprint, secret }: InvitationText,
  store: IdentityStore,
  { connectMs, answerMs, signingKey }: EnrolOptions,
): Promise<Identity> {
  const stop = AbortSignal.timeout(connectMs + answerMs);
  const authority = await authorityBehind(url, fingerprint, connectMs, stop);
  const secured = { connectMs, clockIsGood: false };
  const socket = await connectSecured(url, { authority }, secured, stop);
  const client = new MqttClient(() => socket, {
    clientId: name,
    username: "enrol",
    password: secret,
    protocolVersion: 4,
    clean: true,
    manualConnect: true,
    reconnectPeriod: 0,
    resubscribe: false,
    connectTimeout: connectMs,
  });
  try {
    const failed = whenFailed(client, socket, stop);
    const answer = new Promise<string>((resolve) => {
      client.on("message", (_topic, payload) => resolve(payload.toString()));
    });
    const asked = connected(client).then(() =>
      ask(client, name, "enrol", store.draftKey(), signingKey),
    );
    const [given] = await Promise.race([Promise.all([answer, asked]), failed]);
    return store.become(certificateIn(given), authority);
  } finally {
    client.end(true);
  }
}

/** Asks for the certificate of a key; it comes as a message of the channel `certificate`. */
export async function ask(
  client: MqttClient,
  gateway: string,
  channel: "enrol" | "renew",
  key: string,
  signingKey?: Uint8Array,
): Promise<void> {
  await client.subscribeAsync(topicOf(gateway, "certificate"), { qos: 0 });
  const request = await makeRequest(key, gateway);
  // Behind the request, where a twin that does not know it takes no notice of it.
  const more =
    signingKey === undefined
      ? ""
      : `\n${SIGNING_KEY}${Buffer.from(signingKey).toString("base64")}\n`;
  await client.publishAsync(topicOf(gateway, channel), `${request}${more}`, { qos: 1 });
}

/** Throws Fault INVITATION_REFUSED with the twin's words. */
export function certificateIn(answer: string): string {
  const [, why] = /^refused: (.*)$/s.exec(answer) ?? [];
  if (why !== undefined) throw new Fault("INVITATION_REFUSED", why);
  return answer;
}

function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    client.once("connect", () => resolve());
    client.connect();
  });
}

function whenFailed(client: MqttClient, socket: TLSSocket, stop: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    client.on("error", (cause) => {
      const { code } = cause as { code?: unknown };
      // CONNACK says that, and the twin's journal why, MQTT 3.1.1 section 3.2.2.3.
      const kind = typeof code === "number" ? "INVITATION_REFUSED" : "LINK_LOST";
      reject(new Fault(kind, cause.message, { cause }));
    });
    socket.once("close", () => reject(new Fault("LINK_LOST", "the twin ended the connection")));
    stop.addEventListener("abort", () =>
      reject(new Fault("LINK_LOST", "the twin did not answer in time")),
    );
  });
}
