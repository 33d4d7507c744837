/**
 * The way to the twin over MQTT 3.1.1, by mqtt.js. The seam for an external broker: whatever carries
 * `hello`, `batch` and `ack` between a gateway and the twin can stand here.
 *
 *   racktrace/v1/<gateway>/hello, batch   QoS 1, to the twin
 *   racktrace/v1/<gateway>/ack            from the twin, subscribed before `connect` returns
 *   racktrace/v1/<gateway>/verdict        from the twin, when somebody here waits for its word on scans
 *   racktrace/v1/<gateway>/renew          to the twin, for a certificate to follow this one: `certificate`
 *
 * With an identity the connection is TLS to the twin that gave it, both ends certified; it is read anew for
 * each connection, and a certificate of which a third is over is renewed while the line is there.

 * mqtt.js is used as a protocol and nothing else: one client per connection, no reconnecting of its
 * own, nothing queued while offline. What it holds is what the caller has under way.
 */
import type { Socket } from "node:net";
import mqtt, { type IClientOptions, MqttClient } from "mqtt";
import { Fault } from "../kernel/fault.ts";
import { withoutUser } from "../kernel/shown.ts";
import type { ClockQuality, Journal, Link, LinkSession } from "../ports.ts";
import { type Heard, type Said, topicOf } from "../wire/topics.ts";
import { ask, certificateIn } from "./enrolment.ts";
import type { Identity, IdentityStore } from "./identity.ts";
import { createLoss, type Loss } from "./mqtt-loss.ts";
import { boundPacketMemory } from "./mqtt-packet-memory.ts";
import { connectSecured } from "./twin-tls.ts";

export type MqttLinkOptions = {
  readonly url: string;
  readonly gateway: string;
  readonly connectMs: number;
  readonly keepaliveMs: number;
  /** Who this gateway is to a twin that speaks TLS. Absent: nobody. */
  readonly identity?: LinkIdentity;
};

export type LinkIdentity = {
  readonly store: IdentityStore;
  readonly journal: Journal;
  readonly nowMs: () => number;
  readonly quality: () => ClockQuality;
};

/** How often it is asked whether the certificate should be renewed. */
const RENEW_LOOK_MS = 3_600_000;

/** Messages from the twin that wait for the reader; then the socket is not read. */
const WAITING_MAX = 64;
/** CONNACK, MQTT 3.1.1 section 3.2.2.3: 3 is "server unavailable" and passes; the others do not. */
const SERVER_UNAVAILABLE = 3;

/**
 * Verdicts and directives go past the messages that are read in order: the first are worth nothing late,
 * and the others are sent again.
 */
export function createMqttLink(
  options: MqttLinkOptions,
  onVerdicts?: (message: Uint8Array) => void,
  onDirectives?: (message: Uint8Array) => void,
): Link {
  boundPacketMemory();
  const settings: IClientOptions = {
    clientId: options.gateway,
    protocolVersion: 4,
    clean: true,
    manualConnect: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: options.connectMs,
    keepalive: Math.round(options.keepaliveMs / 1000),
  };
  const topic = (channel: Said | Heard) => topicOf(options.gateway, channel);

  async function open(identity: Identity | undefined, stop: AbortSignal): Promise<MqttClient> {
    if (identity === undefined) return mqtt.connect(options.url, settings);
    const clockIsGood = options.identity?.quality() === "synced";
    const { connectMs } = options;
    const socket = await connectSecured(options.url, identity, { connectMs, clockIsGood }, stop);
    return new MqttClient(() => socket, settings);
  }

  return {
    async connect(stop) {
      if (stop.aborted) throw new Fault("LINK_LOST", "stopped before it was connected");
      const isSecured = options.url.startsWith("mqtts:");
      const identity = isSecured ? options.identity?.store.read() : undefined;
      const client = await open(identity, stop);
      const inbox = createInbox();
      const lost = createLoss();
      const renewal = createRenewal(client, options, identity, lost);
      client.handleMessage = (packet, taken) => {
        const message = packet.payload as Buffer;
        if (packet.topic === topic("verdict")) onVerdicts?.(message);
        else if (packet.topic === topic("directive")) onDirectives?.(message);
        else if (packet.topic === topic("certificate")) renewal.hear(message.toString());
        else return inbox.put(message, taken);
        taken();
      };
      client.on("error", (error) => {
        lost.because(error);
        client.end(true);
      });
      client.on("close", () => {
        lost.because(new Error("the connection was closed"));
        renewal.end();
        inbox.end();
      });
      const abandon = () => client.end(true);
      stop.addEventListener("abort", abandon, { once: true });
      try {
        const begun = lost.unless(begin(client, topic("ack")));
        // It may have been said while the line was secured, when nobody listened for it here.
        if (stop.aborted) abandon();
        await begun;
        // A twin of an earlier release has none, and refuses; then every scan is judged here.
        if (onVerdicts !== undefined) client.subscribe(topic("verdict"), { qos: 0 }, () => {});
        if (onDirectives !== undefined) client.subscribe(topic("directive"), { qos: 0 }, () => {});
      } catch (cause) {
        client.end(true);
        throw asFault(
          cause as Error,
          withoutUser(options.url),
          isSecured && identity === undefined,
        );
      } finally {
        stop.removeEventListener("abort", abandon);
      }
      renewal.begin();
      return asSession(client, { inbox, lost, topic });
    },
  };
}

async function begin(client: MqttClient, ackTopic: string): Promise<void> {
  await new Promise<void>((resolve) => {
    client.once("connect", () => resolve());
    client.connect();
  });
  // A scan is a small packet; the kernel would hold it back for the acknowledgement of the last one.
  (client.stream as Socket).setNoDelay(true);
  await client.subscribeAsync(ackTopic, { qos: 1 }).catch((cause: Error) => {
    throw client.connected ? new Refusal(ackTopic, { cause }) : cause;
  });
}

class Refusal extends Error {
  constructor(topic: string, options: ErrorOptions) {
    super(`the subscription to ${topic} was refused`, options);
  }
}

/** Asks for the next certificate in time, and ends the connection when it is there: the next one shows it. */
function createRenewal(
  client: MqttClient,
  { identity: mine, gateway }: MqttLinkOptions,
  identity: Identity | undefined,
  lost: Loss,
) {
  let timer: NodeJS.Timeout | undefined;
  const failed = (error: Error) =>
    mine?.journal.warn("certificate-not-renewed", { detail: error.message });

  /** A disk without room for the next key is no reason to send nothing: what waits there may be what fills it. */
  async function look(): Promise<void> {
    if (mine === undefined || identity === undefined) return;
    const { fromMs, untilMs } = identity;
    if (mine.nowMs() - fromMs < (untilMs - fromMs) / 3) return;
    try {
      await ask(client, gateway, "renew", mine.store.draftKey());
    } catch (error) {
      failed(error as Error);
    }
  }

  return {
    begin() {
      if (identity === undefined) return;
      timer = setInterval(() => void look(), RENEW_LOOK_MS);
      void look();
    },
    hear(answer: string) {
      if (mine === undefined || identity === undefined) return;
      try {
        const { untilMs } = mine.store.become(certificateIn(answer), identity.authority);
        mine.journal.note("certificate-renewed", { until: new Date(untilMs).toISOString() });
        lost.because(new Error("the certificate was renewed; the next connection shows it"));
        client.end(true);
      } catch (error) {
        failed(error as Error);
      }
    },
    end: () => clearInterval(timer),
  };
}

/** What TLS says when nobody whom we know has signed for the other end. */
const UNKNOWN_SIGNER =
  /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|self[- ]signed|unable to (verify|get)/i;

function asFault(cause: Error, url: string, isNobody: boolean): Fault {
  if (cause instanceof Fault) return cause;
  const { code } = cause as { code?: unknown };
  if (isNobody && UNKNOWN_SIGNER.test(`${code} ${cause.message}`))
    return new Fault("NOT_ENROLLED", `${url}: ${cause.message}`, { cause });
  const refused =
    cause instanceof Refusal || (typeof code === "number" && code !== SERVER_UNAVAILABLE);
  return new Fault(refused ? "TWIN_REFUSED" : "LINK_LOST", `${url}: ${cause.message}`, { cause });
}

type Parts = {
  readonly inbox: Inbox;
  readonly lost: Loss;
  readonly topic: (channel: Said | Heard) => string;
};

function asSession(client: MqttClient, { inbox, lost, topic }: Parts): LinkSession {
  return {
    async send(channel, message) {
      const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
      const handedOver = new Promise<void>((resolve, reject) => {
        client.publish(topic(channel), bytes, { qos: 1 }, (error) =>
          error ? reject(error) : resolve(),
        );
      });
      // mqtt.js does not call back for what was under way when the connection went.
      await lost.unless(handedOver).catch((cause: Error) => {
        throw new Fault("LINK_LOST", cause.message, { cause });
      });
    },
    receive: () => inbox.read(),
    async close() {
      client.end(true);
      inbox.end();
    },
  };
}

type Inbox = ReturnType<typeof createInbox>;

function createInbox() {
  const messages: Uint8Array[] = [];
  let heldUp: (() => void) | undefined;
  let ended = false;
  let wake: (() => void) | undefined;

  async function* read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = messages.shift();
      if (message !== undefined) {
        heldUp?.();
        heldUp = undefined;
        yield message;
      } else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  }

  return {
    read,
    /** Calls `taken` when there is room for the next message; until then the socket is not read. */
    put(bytes: Uint8Array, taken: () => void): void {
      if (ended) return;
      messages.push(bytes);
      wake?.();
      if (messages.length < WAITING_MAX) taken();
      else heldUp = taken;
    },
    end(): void {
      ended = true;
      wake?.();
    },
  };
}
