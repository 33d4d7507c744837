/**
 * The twin's MQTT door for gateways, on aedes.
 *
 * aedes writes PUBACK right after authorizePublish and before anything else (lib/handlers/publish.js),
 * so the taking in happens there, and a gateway's message is acknowledged when it is on disk. What a
 * gateway may say and hear under its own name is a table (wire/topics.ts), and there is nothing else.
 *
 * With a doorkeeper the door is TLS and a gateway is who its certificate says; without one it is who it
 * says it is, which is for loopback.
 *
 * Acknowledgements go straight to the connection with QoS 0: they are cumulative, and a gateway that
 * missed one asks with its next hello. Sessions are never kept.
 */
import type { EventEmitter } from "node:events";
import { Aedes, type AedesPublishPacket, type Client } from "aedes";
import { shown } from "../kernel/shown.ts";
import type { Journal } from "../ports.ts";
import { isDiskTrouble } from "../store/damage.ts";
import { GATEWAY_NAME } from "../wire/names.ts";
import {
  type GatewayRole,
  type Heard,
  heardOn,
  type Said,
  saidOn,
  topicOf,
} from "../wire/topics.ts";
import { type DoorKeys, letIn, openMqttDoor, peerOf } from "./mqtt-door.ts";
import { GUARD, type GuardLimits, type TurnedAwayWhy } from "./mqtt-guard.ts";

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
const NOT_AUTHORIZED = 5;
/** As this user, with an invitation for a password, comes who has no certificate yet. */
const ENROL = "enrol";
/** Behind the name of a newcomer, whose session is not that of the gateway of this name. */
const NEWCOMER = "+enrol";
/** How often those who are here are looked at again; sooner when the list was changed. */
const LOOK_MS = 1_000;
const LOOK_AGAIN_MS = 60_000;
/** Of those who left it is remembered when; at a plain door anyone may bear any name. */
const REMEMBERED_MAX = 4_096;

export type GatewayBroker = {
  readonly url: string;
  /** From here on gateways are served; before, they are asked to come back. */
  admit(): void;
  connected(): readonly string[];
  /** When it came, or when it left; undefined: it was not here yet. */
  sinceMs(gateway: string): number | undefined;
  /** To the gateway if it is connected. */
  send(gateway: string, channel: Exclude<Heard, "certificate">, message: Uint8Array): void;
  /** Gateways that listen for directives; those of an earlier release do not. */
  listening(): readonly string[];
  /** Connections that were not let in, or let go. */
  turnedAway(): Readonly<Record<TurnedAwayWhy, number>>;
  /** For connections from now on. */
  renewKeys(keys: DoorKeys): void;
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
    /** Of a hello: keys that the gateway was enrolled with. Absent: nobody asks who comes. */
    readonly trust?: { readonly enrolled: readonly string[] };
  }) => Promise<void>;
  /** Whenever it changes: who listens for verdicts. */
  readonly onAwaiting?: (gateways: readonly string[]) => void;
  /** A gateway has come that listens for directives. */
  readonly onListening?: (gateway: string) => void;
  /** Absent: gateways are who they say they are. */
  readonly doorkeeper?: BrokerDoorkeeper | undefined;
};

/** Who may come in by certificate or invitation (src/twin/doorkeeper.ts). Objections are for people. */
export type BrokerDoorkeeper = {
  objection(name: string, serial: string): string | undefined;
  greeted(serial: string): void;
  objectionTo(invitation: string, name: string): string | undefined;
  enrol(name: string, invitation: string, request: string): Promise<CertificateAnswer>;
  renew(name: string, serial: string, request: string): Promise<CertificateAnswer>;
  /** What it signs its events with, as it was enrolled; base64. */
  signingKeys(name: string): readonly string[];
  hasNews(): boolean;
};

type CertificateAnswer =
  | { readonly ok: true; readonly certificate: string; readonly untilMs: number }
  | { readonly ok: false; readonly why: string };

/** What a client of aedes is here. */
type Guest = {
  readonly gateway: string;
  readonly role: GatewayRole;
  /** Of a newcomer. */
  readonly invitation: string;
  /** Of the certificate that it was let in with. */
  readonly serial: string | undefined;
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
  /** With a doorkeeper: the keys of the door. */
  readonly keys?: DoorKeys | undefined;
};

export async function openGatewayBroker(
  { journal, take, onAwaiting, onListening, doorkeeper }: GatewayBrokerDeps,
  options: GatewayBrokerOptions,
): Promise<GatewayBroker> {
  const clients = new Map<string, Client>();
  const takings = new Set<Promise<void>>();
  const awaiting = new Set<Client>();
  const listening = new Set<Client>();
  const guests = new WeakMap<Client, Guest>();
  const moments = new Map<string, number>();
  let admitting = false;
  let closing = false;

  const broker = await Aedes.createBroker({
    connectTimeout: STRANGERS.strangerMs,
    drainTimeout: DRAIN_MS,
    maxTopicLevels: 4,
    preConnect(_client, packet, done) {
      // Nothing is kept for an absent gateway, and nothing is said in its name.
      packet.clean = true;
      // Of an empty name aedes would make one of its own that looks like a gateway's.
      if (packet.clientId === "") packet.clientId = "?";
      if (packet.username === ENROL && !packet.clientId.endsWith(NEWCOMER))
        packet.clientId += NEWCOMER;
      if (packet.will === undefined) return done(null, true);
      done(new Error("a gateway leaves no will"), false);
    },
    authenticate(client, username, password, done) {
      const guest = guestOf(client, username, password?.toString() ?? "");
      if ("refused" in guest) return done(guest.refused, false);
      const why = greet(guest);
      if (why !== undefined) return done(why, false);
      guests.set(client, guest);
      letIn(client);
      done(null, true);
    },
    authorizePublish(client, packet, done) {
      const guest = client === null ? undefined : guests.get(client);
      // Without an acknowledgement of the transport a gateway could not tell what to send again.
      const channel =
        guest !== undefined && packet.qos === 1
          ? saidOn(packet.topic, guest.gateway, guest.role)
          : undefined;
      if (client === null || guest === undefined || channel === undefined)
        return done(new Error(`not a topic of this gateway: ${packet.topic}`));
      // Left without an answer: the gateway sends it again to whoever listens next.
      if (closing) return;
      packet.retain = false;
      const taking = hear(client, guest, channel, packet.payload as Buffer).then(
        () => done(null),
        (why: Error) => done(why),
      );
      takings.add(taking);
      void taking.finally(() => takings.delete(taking));
    },
    authorizeSubscribe(client, subscription, done) {
      const guest = guests.get(client);
      const channel = guest && heardOn(subscription.topic, guest.gateway, guest.role);
      done(null, channel === undefined ? null : subscription);
      if (channel === "verdict") tellAwaiting(awaiting.add(client));
      if (channel === "directive") {
        listening.add(client);
        onListening?.(client.id);
      }
    },
  });

  async function hear(client: Client, guest: Guest, channel: Said, message: Buffer): Promise<void> {
    const { gateway, invitation, serial = "" } = guest;
    if (channel === "batch") return take({ gateway, channel, message });
    if (channel === "hello") {
      const enrolled = guest.serial === undefined ? undefined : doorkeeper?.signingKeys(gateway);
      return take({ gateway, channel, message, ...(enrolled && { trust: { enrolled } }) });
    }
    if (doorkeeper === undefined) throw new Error("there is no authority here: the door is plain");
    const request = message.toString();
    const answer = await (channel === "enrol"
      ? doorkeeper.enrol(gateway, invitation, request)
      : doorkeeper.renew(gateway, serial, request));
    const untilMs = answer.ok ? new Date(answer.untilMs).toISOString() : undefined;
    if (answer.ok) journal.note("certificate-issued", { gateway, on: channel, until: untilMs });
    else journal.warn("certificate-refused", { gateway, on: channel, why: answer.why });
    const text = answer.ok ? answer.certificate : `refused: ${answer.why}`;
    tell(client, topicOf(gateway, "certificate"), Buffer.from(text));
  }

  function guestOf(client: Client, username: string | undefined, password: string) {
    const isNewcomer = client.id.endsWith(NEWCOMER);
    const gateway = isNewcomer ? client.id.slice(0, -NEWCOMER.length) : client.id;
    const guest = { gateway, role: "member", invitation: "", serial: undefined } as const;
    const refused = (code: number, why: string) => ({
      refused: refusal(code, `${JSON.stringify(shown(gateway))}: ${why}`),
    });
    const isForeign =
      options.reservedPrefix !== undefined && gateway.startsWith(options.reservedPrefix);
    if (!GATEWAY_NAME.test(gateway) || isForeign || options.reserved.includes(gateway))
      return refused(IDENTIFIER_REJECTED, "this is no name for a gateway");
    const peer = peerOf(client);
    if (doorkeeper === undefined || peer.kind === "plain") {
      if (isNewcomer) return refused(NOT_AUTHORIZED, "nobody enrols at a plain door");
      return admitting ? guest : refused(SERVER_UNAVAILABLE, "the twin is catching up");
    }
    if (peer.kind === "wrong") return refused(NOT_AUTHORIZED, `${peer.why} (${shown(peer.name)})`);
    if (isNewcomer || peer.kind === "nobody") {
      if (!isNewcomer || username !== ENROL)
        return refused(NOT_AUTHORIZED, "it has no certificate; it must be enrolled first");
      const why = doorkeeper.objectionTo(password, gateway);
      if (why !== undefined) return refused(NOT_AUTHORIZED, why);
      return { ...guest, role: "newcomer", invitation: password } as const;
    }
    if (peer.name !== gateway)
      return refused(
        IDENTIFIER_REJECTED,
        `it calls itself so, and its certificate is of ${peer.name}`,
      );
    const why = doorkeeper.objection(gateway, peer.serial);
    if (why !== undefined) return refused(NOT_AUTHORIZED, why);
    if (!admitting) return refused(SERVER_UNAVAILABLE, "the twin is catching up");
    return { ...guest, serial: peer.serial } as const;
  }

  /** Why it is not let in now: an older certificate of its name would stay good beside the one that it shows. */
  function greet({ gateway, serial }: Guest): ReturnType<typeof refusal> | undefined {
    try {
      if (serial !== undefined) doorkeeper?.greeted(serial);
      return undefined;
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
      const detail = (error as Error).message;
      journal.error("gateway-not-greeted", { gateway, detail });
      return refusal(SERVER_UNAVAILABLE, `${gateway}: ${detail}`);
    }
  }

  /** Ends those whose certificate is not good any more. */
  function lookAgain(): void {
    for (const client of [...clients.values()]) {
      const { gateway, serial } = guests.get(client) ?? {};
      if (gateway === undefined || serial === undefined) continue;
      const why = doorkeeper?.objection(gateway, serial);
      if (why === undefined) continue;
      journal.warn("gateway-sent-away", { gateway, why });
      client.close();
    }
  }

  function remember(gateway: string): void {
    moments.delete(gateway);
    moments.set(gateway, Date.now());
    const [oldest] = moments.keys();
    if (moments.size > REMEMBERED_MAX && oldest !== undefined) moments.delete(oldest);
  }

  function tell(client: Client, topic: string, payload: Buffer): void {
    client.publish({ topic, payload, qos: 0 } as AedesPublishPacket, () => {});
  }

  function tellAwaiting(clientsNow: ReadonlySet<Client>): void {
    onAwaiting?.([...clientsNow].map(({ id }) => id));
  }

  broker.on("client", (client) => {
    if (guests.get(client)?.role === "newcomer") return;
    clients.set(client.id, client);
    remember(client.id);
    journal.note("gateway-connected", { gateway: client.id });
  });
  broker.on("clientDisconnect", (client) => {
    if (guests.get(client)?.role === "newcomer") return;
    if (clients.get(client.id) === client) {
      clients.delete(client.id);
      remember(client.id);
    }
    if (awaiting.delete(client)) tellAwaiting(awaiting);
    listening.delete(client);
    journal.note("gateway-disconnected", { gateway: client.id });
  });
  broker.on("clientError", (client, error) => {
    // Each message that waits on a lost connection fails by itself; the loss is said once.
    if (clients.get(client.id) !== client) return;
    journal.warn("gateway-cut-off", { gateway: client.id, error: shown(error.message, 200) });
  });
  // An EventEmitter's own event, which aedes's types leave out; unheard it would end the process.
  (broker as EventEmitter).on("error", (error: Error) =>
    journal.error("broker-failed", { error: error.message }),
  );

  const { host, port, guard, keys } = options;
  const door = await openMqttDoor(
    { broker, journal },
    {
      ...{ host, port, audience: "gateways", keys: doorkeeper && keys },
      guard: { ...STRANGERS, ...guard },
      connection: CONNECTION,
    },
  ).catch((fault: unknown) => {
    // A broker that was made has timers; unclosed they would keep a program that cannot run.
    broker.close();
    throw fault;
  });

  let sinceMs = 0;
  const looking =
    doorkeeper &&
    setInterval(() => {
      sinceMs += LOOK_MS;
      if (!doorkeeper.hasNews() && sinceMs < LOOK_AGAIN_MS) return;
      sinceMs = 0;
      lookAgain();
    }, LOOK_MS);

  return {
    url: `${doorkeeper === undefined ? "mqtt" : "mqtts"}://${host}:${door.port}`,

    admit() {
      admitting = true;
    },

    connected: () => [...clients.keys()],
    sinceMs: (gateway) => moments.get(gateway),
    listening: () => [...listening].map(({ id }) => id),
    turnedAway: door.tally.counts,

    send(gateway, channel, message) {
      const client = clients.get(gateway);
      // What is lost with a connection is asked for again by the next hello.
      if (client !== undefined) tell(client, topicOf(gateway, channel), Buffer.from(message));
    },
    renewKeys: door.renew,

    async close() {
      closing = true;
      clearInterval(looking);
      await Promise.allSettled(takings);
      door.close();
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const connection of door.connections) connection.destroy();
      await door.closed;
    },
  };
}

function refusal(returnCode: number, message: string) {
  return Object.assign(new Error(message), { returnCode });
}
