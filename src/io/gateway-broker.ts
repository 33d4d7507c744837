/**
 * The twin's MQTT door for gateways, on aedes.
 *
 * aedes writes PUBACK right after authorizePublish and before anything else (lib/handlers/publish.js),
 * so the taking in happens there, and a gateway's message is acknowledged when it is on disk. What a
 * gateway may do is little: say `hello` and `batch` under its own name, and hear its own `ack`, its own
 * `directive` and, when somebody waits for it there, its own `verdict`.
 *
 * Acknowledgements go straight to the connection with QoS 0: they are cumulative, and a gateway that
 * missed one asks with its next hello. Sessions are never kept.
 */
import type { EventEmitter } from "node:events";
import { Aedes, type AedesPublishPacket, type Client } from "aedes";
import type { Journal } from "../ports.ts";
import { letIn, openMqttDoor } from "./mqtt-door.ts";
import { GUARD, type GuardLimits, type TurnedAwayWhy } from "./mqtt-guard.ts";

const TOPICS = "racktrace/v1/";
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** Gateways are few, and say little before they are known. */
const STRANGERS: GuardLimits = {
  ...GUARD,
  strangersMax: 64,
  strangerBytesMax: 16 * 1024,
  connectionsMax: 256,
};
/** Above what a batch may be: one that is too long is kept and refused by name, not cut off. */
const CONNECTION = {
  bytesMax: 4 * 1024 * 1024,
  packetsPerSecond: 5_000,
  bytesPerSecond: 64 * 1024 * 1024,
  unreadBytesMax: 4 * 1024 * 1024,
};
const DRAIN_MS = 10_000;
/** CONNACK codes, MQTT 3.1.1 section 3.2.2.3. */
const IDENTIFIER_REJECTED = 2;
const SERVER_UNAVAILABLE = 3;

export type GatewayBroker = {
  readonly url: string;
  /** From here on gateways are served; before, they are asked to come back. */
  admit(): void;
  connected(): readonly string[];
  /** To the gateway if it is connected. */
  send(gateway: string, channel: "ack" | "verdict" | "directive", message: Uint8Array): void;
  /** Gateways that listen for directives; those of an earlier release do not. */
  listening(): readonly string[];
  /** Connections that were not let in, or let go. */
  turnedAway(): Readonly<Record<TurnedAwayWhy, number>>;
  /** Takes nothing more in, lets what is being taken in be acknowledged, and ends the connections. */
  close(): Promise<void>;
};

export type GatewayBrokerDeps = {
  readonly journal: Journal;
  /** Resolves when the message may be acknowledged; rejects when its sender shall keep it. */
  readonly take: (message: {
    readonly gateway: string;
    readonly channel: "hello" | "batch";
    readonly message: Uint8Array;
  }) => Promise<void>;
  /** Whenever it changes: who listens for verdicts. */
  readonly onAwaiting?: (gateways: readonly string[]) => void;
  /** A gateway has come that listens for directives. */
  readonly onListening?: (gateway: string) => void;
};

export type GatewayBrokerOptions = {
  readonly host: string;
  readonly port: number;
  /** No gateway may bear these names. */
  readonly reserved: readonly string[];
  /** Nor any that begins so: they speak elsewhere. */
  readonly reservedPrefix?: string;
  /** What a socket gets before it is known, where it differs. */
  readonly guard?: Partial<GuardLimits>;
};

export async function openGatewayBroker(
  { journal, take, onAwaiting, onListening }: GatewayBrokerDeps,
  options: GatewayBrokerOptions,
): Promise<GatewayBroker> {
  const clients = new Map<string, Client>();
  const takings = new Set<Promise<void>>();
  const awaiting = new Set<Client>();
  const listening = new Set<Client>();
  let admitting = false;
  let closing = false;

  const broker = await Aedes.createBroker({
    connectTimeout: STRANGERS.strangerMs,
    drainTimeout: DRAIN_MS,
    maxTopicLevels: 4,
    preConnect(_client, packet, done) {
      // Nothing is kept for an absent gateway, and nothing is said in its name.
      packet.clean = true;
      if (packet.will === undefined) return done(null, true);
      done(new Error("a gateway leaves no will"), false);
    },
    authenticate(client, _username, _password, done) {
      const refusal = refusalOf(client.id);
      if (refusal === undefined) letIn(client);
      done(refusal ?? null, refusal === undefined);
    },
    authorizePublish(client, packet, done) {
      const channel = client === null ? undefined : channelOf(client.id, packet);
      if (client === null || channel === undefined)
        return done(new Error(`not a topic of this gateway: ${packet.topic}`));
      // Left without an answer: the gateway sends it again to whoever listens next.
      if (closing) return;
      packet.retain = false;
      const taking = take({ gateway: client.id, channel, message: packet.payload as Buffer }).then(
        () => done(null),
        (why: Error) => done(why),
      );
      takings.add(taking);
      void taking.finally(() => takings.delete(taking));
    },
    authorizeSubscribe(client, subscription, done) {
      const own = `${TOPICS}${client.id}/`;
      const { topic } = subscription;
      const verdict = topic === `${own}verdict`;
      const directive = topic === `${own}directive`;
      done(null, verdict || directive || topic === `${own}ack` ? subscription : null);
      if (verdict) tellAwaiting(awaiting.add(client));
      if (directive) {
        listening.add(client);
        onListening?.(client.id);
      }
    },
  });

  function tellAwaiting(clientsNow: ReadonlySet<Client>): void {
    onAwaiting?.([...clientsNow].map(({ id }) => id));
  }

  function refusalOf(name: string) {
    const { reserved, reservedPrefix } = options;
    const foreign = reservedPrefix !== undefined && name.startsWith(reservedPrefix);
    if (!NAME.test(name) || foreign || reserved.includes(name))
      return refusal(IDENTIFIER_REJECTED, `${JSON.stringify(name)} is no name for a gateway`);
    if (!admitting) return refusal(SERVER_UNAVAILABLE, "the twin is catching up");
    return undefined;
  }

  broker.on("client", (client) => {
    clients.set(client.id, client);
    journal.note("gateway-connected", { gateway: client.id });
  });
  broker.on("clientDisconnect", (client) => {
    if (clients.get(client.id) === client) clients.delete(client.id);
    if (awaiting.delete(client)) tellAwaiting(awaiting);
    listening.delete(client);
    journal.note("gateway-disconnected", { gateway: client.id });
  });
  broker.on("clientError", (client, error) => {
    // Each message that waits on a lost connection fails by itself; the loss is said once.
    if (clients.get(client.id) !== client) return;
    journal.warn("gateway-cut-off", { gateway: client.id, error: error.message });
  });
  // An EventEmitter's own event, which aedes's types leave out; unheard it would end the process.
  (broker as EventEmitter).on("error", (error: Error) =>
    journal.error("broker-failed", { error: error.message }),
  );

  const { host, port, guard } = options;
  const door = await openMqttDoor(
    { broker, journal },
    {
      ...{ host, port, audience: "gateways" },
      guard: { ...STRANGERS, ...guard },
      connection: CONNECTION,
    },
  ).catch((fault: unknown) => {
    // A broker that was made has timers; unclosed they would keep a program that cannot run.
    broker.close();
    throw fault;
  });

  return {
    url: `mqtt://${host}:${door.port}`,

    admit() {
      admitting = true;
    },

    connected: () => [...clients.keys()],
    listening: () => [...listening].map(({ id }) => id),
    turnedAway: door.tally.counts,

    send(gateway, channel, message) {
      const payload = Buffer.from(message);
      const packet = { topic: `${TOPICS}${gateway}/${channel}`, payload, qos: 0 };
      // What is lost with a connection is asked for again by the next hello.
      clients.get(gateway)?.publish(packet as AedesPublishPacket, () => {});
    },

    async close() {
      closing = true;
      await Promise.allSettled(takings);
      door.close();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const connection of door.connections) connection.destroy();
      await door.closed;
    },
  };
}

function channelOf(
  gateway: string,
  { topic, qos }: { readonly topic: string; readonly qos: number },
): "hello" | "batch" | undefined {
  // Without an acknowledgement of the transport a gateway could not tell what to send again.
  if (qos !== 1) return undefined;
  if (topic === `${TOPICS}${gateway}/batch`) return "batch";
  return topic === `${TOPICS}${gateway}/hello` ? "hello" : undefined;
}

function refusal(returnCode: number, message: string) {
  return Object.assign(new Error(message), { returnCode });
}
