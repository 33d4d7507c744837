/**
 * The broker that devices publish to: aedes, with the commit inside `authorizePublish`, which is
 * asked before PUBACK (QoS 1) and PUBREC (QoS 2). A message that was not kept is not acknowledged:
 * the connection ends, and the device sends it again when it is back.
 *
 * Acknowledgements leave in the order of arrival [MQTT-4.6.0-2]. QoS 0 is stored too, but nobody
 * hears when it was not. Messages go to the intake and nowhere else: devices do not hear each other,
 * and nothing is retained here. Wills are counted; nobody measured them.
 *
 * With a doorkeeper a device is who its certificate or password says, and has topics of its own; without
 * one whoever reaches the door may publish, which is for loopback.
 */
import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import {
  Aedes,
  type AedesPublishPacket,
  type Client,
  type PublishPacket,
  type Subscription,
} from "aedes";
import { assert } from "../kernel/assert.ts";
import { createSeldom } from "../kernel/seldom.ts";
import { shown } from "../kernel/shown.ts";
import type { DeviceIntake, Journal, Taken } from "../ports.ts";
import { addressOf, type DoorKeys, letIn, openMqttDoor, peerOf } from "./mqtt-door.ts";
import { GUARD, type GuardLimits, type TurnedAwayWhy } from "./mqtt-guard.ts";
import { boundSessions, SESSIONS } from "./mqtt-sessions.ts";

export type DeviceBrokerOptions = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly connectionsMax: number;
  readonly packetBytesMax: number;
  /** How long a socket may take to say CONNECT. */
  readonly connectMs: number;
  /** Filters that any device may subscribe to, beside what is its own. Absent: none. */
  readonly maySubscribe?: (filter: string) => boolean;
  /** Absent: plain text. */
  readonly keys?: DoorKeys | undefined;
  /** What a socket gets before it is known, where it differs from GUARD. */
  readonly guard?: Partial<GuardLimits>;
  /** What one connection may do, where it differs from PACE. */
  readonly pace?: Partial<typeof PACE>;
};

/** Who may come in, and what is its own here (src/gateway/device-doorkeeper.ts). */
export type BrokerDoorkeeper = {
  admit(caller: {
    readonly clientId: string;
    readonly username: string | undefined;
    readonly password: string;
    readonly certificate: { readonly name: string; readonly serial: string } | undefined;
    readonly will: string | undefined;
    readonly address: string;
    isGone(): boolean;
  }): Promise<
    | { readonly ok: true; readonly rights: Rights }
    | { readonly ok: false; readonly kind: keyof typeof REFUSALS; readonly why: string }
  >;
  objection(rights: Rights): string | undefined;
  hasNews(): boolean;
};

type Rights = {
  readonly device: string;
  mayPublish(topic: string): boolean;
  mayHear(filter: string): boolean;
};

/** CONNACK codes, MQTT 3.1.1 section 3.2.2.3. */
const REFUSALS = { "wrong-id": 2, busy: 3, unknown: 4, forbidden: 5 } as const;
/** How often those who are here are looked at again, when somebody has changed the list. */
const LOOK_MS = 1_000;

export type DeviceBroker = {
  readonly host: string;
  readonly port: number;
  connections(): number;
  /** Connections not let in or let go, and messages dropped for devices that do not take them. */
  turnedAway(): Readonly<Record<TurnedAwayWhy | "dropped", number>>;
  /** For connections from now on. */
  renewKeys(keys: DoorKeys): void;
  /** Publishes to the devices that subscribed, at QoS 1, or 0 to those that want no more. */
  say(topic: string, bytes: Uint8Array, retain: boolean): void;
  /** Takes no more, lets what it took be acknowledged, then closes. */
  close(): Promise<void>;
};

/** Ten times what a busy sensor hub sends; what comes faster is read more slowly. */
export const PACE = {
  packetsPerSecond: 10_000,
  bytesPerSecond: 8 * 1024 * 1024,
  unreadBytesMax: 1024 * 1024,
};
/** How long one that does not read may hold up what is said to others. */
const DRAIN_MS = 10_000;
/** QoS 2 messages of one device that wait for PUBREL; common clients have 10 or 20 under way. */
const BEGUN_MAX = 256;
const DETAIL_MAX = 200;
/** MQTT 3.1.1 [MQTT-3.1.3-5] asks for 23 characters; a session that is kept keeps its name. */
const CLIENT_ID_MAX = 256;
/** What is meant for one device; each filter is kept with its session. */
const FILTERS_MAX = 64;
/** How long a stop waits for devices that do not read their acknowledgements. */
const FAREWELL_MS = 1000;
/** Answered entries that may lie before the first that waits. */
const COMPACT_ENTRIES = 4096;

type Acknowledge = (error?: Error | null) => void;

/** Throws Fault PORT_TAKEN. */
export async function openDeviceBroker(
  {
    intake,
    journal,
    doorkeeper,
  }: {
    readonly intake: DeviceIntake;
    readonly journal: Journal;
    /** Absent: whoever reaches the door may publish. */
    readonly doorkeeper?: BrokerDoorkeeper | undefined;
  },
  options: DeviceBrokerOptions,
): Promise<DeviceBroker> {
  const { maySubscribe = () => false } = options;
  const sessions = new WeakMap<Client, Session>();
  const rightsOf = new WeakMap<Client, Rights>();
  const wills = new WeakMap<Client, string>();
  /** Those who want a session to go on and say no name for it. */
  const nameless = new WeakSet<Client>();
  const known = new Set<Client>();
  /** What each has been granted. */
  const filtersOf = new WeakMap<Client, Set<string>>();
  /** Who was here; of all others the door tells. */
  const admitted = new WeakSet<Client>();
  let pending = 0;
  let closing = false;
  let whenIdle: (() => void) | undefined;

  const sessionOf = (client: Client): Session => {
    const known = sessions.get(client);
    if (known !== undefined) return known;
    const settled = () => {
      pending -= 1;
      if (pending === 0) whenIdle?.();
    };
    const session = createSession(client, intake, {
      settled,
      say: (...said) => say(...said, false),
    });
    sessions.set(client, session);
    return session;
  };

  const broker = await Aedes.createBroker({
    connectTimeout: options.connectMs,
    drainTimeout: DRAIN_MS,
    maxInflightInbound: BEGUN_MAX,
    preConnect(client, packet, done) {
      if (packet.will !== undefined) wills.set(client, packet.will.topic);
      if (packet.clientId === "" && !packet.clean) nameless.add(client);
      done(null, true);
    },
    authenticate(client, username, password, done) {
      admit(client, username, password?.toString() ?? "").then(
        () => done(null, true),
        (why: Error) => done(why as Parameters<typeof done>[0], false),
      );
    },
    authorizePublish(client, packet, acknowledge) {
      if (client === null) return acknowledge(new Error("the will of nobody who is here"));
      const rights = rightsOf.get(client);
      if (doorkeeper !== undefined && rights?.mayPublish(packet.topic) !== true)
        return acknowledge(refusal("forbidden", `${client.id}: ${packet.topic} is not its topic`));
      if (packet === willOf(client)) {
        intake.will(client.id, packet.topic, packet.payload as Buffer);
        return acknowledge();
      }
      pending += 1;
      if (closing) sessionOf(client).refuse(acknowledge);
      else sessionOf(client).publish(packet, acknowledge);
    },
    authorizeSubscribe(client, subscription, answer) {
      const isGranted = mayHear(client, subscription.topic) && hasRoom(client, subscription.topic);
      if (isGranted) keep(client, subscription);
      answer(null, isGranted ? subscription : null);
    },
    // Asked of what waited for it, too: its rights may be others than when that was queued.
    authorizeForward: (client, packet) => (mayHear(client, packet.topic) ? packet : null),
  });
  endAtIntake(broker);
  keepNoWills(broker);
  const keep = keepGrantedOnly(broker);

  function hasRoom(client: Client, filter: string): boolean {
    const filters = filtersOf.get(client) ?? new Set(subscribedBy(client));
    filtersOf.set(client, filters);
    if (filters.size >= FILTERS_MAX && !filters.has(filter)) return false;
    filters.add(filter);
    return true;
  }

  function mayHear(client: Client, filter: string): boolean {
    if (doorkeeper !== undefined) return rightsOf.get(client)?.mayHear(filter) === true;
    return isOwn(client.id, filter) || maySubscribe(filter);
  }

  async function admit(client: Client, username: string | undefined, password: string) {
    if (nameless.has(client)) throw refusal("wrong-id", "no client id, and no clean session");
    if (client.id.length > CLIENT_ID_MAX)
      throw refusal("wrong-id", `a client id of ${client.id.length} characters`);
    if (doorkeeper !== undefined) {
      const peer = peerOf(client);
      if (peer.kind === "wrong") throw refusal("unknown", `${peer.why} (${shown(peer.name)})`);
      const certificate = peer.kind === "certified" ? peer : undefined;
      const will = wills.get(client);
      const answer = await doorkeeper.admit({
        ...{ clientId: client.id, username, password, certificate, will },
        address: addressOf(client),
        isGone: () => client.closed,
      });
      if (!answer.ok) throw refusal(answer.kind, answer.why);
      // Its end was told before it was here.
      if (client.closed) throw new Error(`${client.id}: closed`);
      rightsOf.set(client, answer.rights);
      known.add(client);
      // aedes tells nobody of the end of one that has not come in yet.
      client.conn.once("close", () => known.delete(client));
      const why = doorkeeper.objection(answer.rights);
      if (why !== undefined) {
        known.delete(client);
        throw refusal("unknown", why);
      }
    }
    admitted.add(client);
    letIn(client);
  }

  /** Ends those who were removed or have other rights now. */
  function lookAgain(): void {
    if (doorkeeper?.hasNews() !== true) return;
    for (const client of known) {
      const rights = rightsOf.get(client);
      const why = rights && doorkeeper.objection(rights);
      if (why === undefined) continue;
      journal.warn("device-sent-away", { device: rights?.device, why });
      client.close();
    }
  }

  function say(topic: string, bytes: Uint8Array, retain: boolean): void {
    const payload = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const packet = { cmd: "publish" as const, topic, payload, qos: 1 as const, dup: false };
    // aedes would retain it first and let what is said next overtake it; and what was overtaken it takes for
    // said already (lib/client.js), and drops.
    if (retain) void persistenceOf(broker).storeRetained({ ...packet, retain });
    broker.publish({ ...packet, retain: false }, (error) => {
      if (error) journal.warn("device-not-told", { topic, detail: error.message });
    });
  }

  // An EventEmitter's own event, which aedes's types leave out; unheard it would end the process.
  (broker as EventEmitter).on("error", (error: Error) =>
    journal.error("device-broker-failed", { detail: error.message }),
  );
  const losses = createSeldom(
    ({ address }, details) => journal.note("device-lost", { address, ...details }),
    (ms, fn) => setTimeout(fn, ms).unref(),
  );
  const lost = (client: Client, error: Error) => {
    if (!admitted.has(client) || sessions.get(client)?.isReported() === true) return;
    const told = { client: shown(client.id), detail: shown(error.message, DETAIL_MAX) };
    // At a door that is open to anyone its name is the stranger's own.
    losses.tell({ why: "lost", address: addressOf(client), name: told.client }, told);
  };
  broker.on("unsubscribe", (filters, client) => {
    for (const filter of filters) filtersOf.get(client)?.delete(filter);
  });
  broker.on("clientDisconnect", (client) => sessions.get(client)?.end());
  broker.on("clientError", lost);
  broker.on("connectionError", lost);

  const dropped = boundSessions(broker, SESSIONS);
  const { host, port: wanted, connectMs, connectionsMax, packetBytesMax } = options;
  const door = await openMqttDoor(
    { broker, journal },
    {
      ...{ host, port: wanted, audience: "devices", keys: options.keys },
      guard: { ...GUARD, strangerMs: connectMs, connectionsMax, ...options.guard },
      connection: { bytesMax: packetBytesMax, ...PACE, ...options.pace },
    },
  ).catch((fault) => {
    broker.close();
    throw fault;
  });

  const looking = doorkeeper && setInterval(lookAgain, LOOK_MS);

  return {
    host: options.host,
    port: door.port,
    connections: () => broker.connectedClients,
    turnedAway: () => ({ ...door.tally.counts(), dropped: dropped() }),
    say,
    renewKeys: door.renew,
    async close() {
      closing = true;
      clearInterval(looking);
      door.close();
      await new Promise<void>((resolve) => {
        if (pending === 0) resolve();
        else whenIdle = resolve;
      });
      await farewell(door.connections);
      await new Promise<void>((resolve) => broker.close(resolve));
    },
  };
}

type Session = {
  publish(packet: PublishPacket, acknowledge: Acknowledge): void;
  /** Not taken, but what came before is acknowledged first. */
  refuse(acknowledge: Acknowledge): void;
  /** Whether its end has been told; says yes from the second time on. */
  isReported(): boolean;
  end(): void;
};

type Waiting = {
  readonly acknowledge: Acknowledge;
  readonly qos: number;
  taken: Taken | undefined;
};

/** One connection: whatever order the answers come in, acknowledgements leave in order of arrival. */
function createSession(
  client: Client,
  intake: DeviceIntake,
  {
    settled,
    say,
  }: {
    readonly settled: () => void;
    readonly say: (topic: string, bytes: Uint8Array) => void;
  },
): Session {
  let waiting: Waiting[] = [];
  /** The ticket of the first that waits, and its place. */
  let firstTicket = 0;
  let first = 0;
  let ending = false;
  let reported = false;

  const identity = { clientId: client.id, resumes: !client.clean };
  const heard = (ticket: number, taken: Taken) => {
    const entry = waiting[first + ticket - firstTicket];
    assert(entry !== undefined, "each message is answered once");
    entry.taken = taken;
    if (ticket === firstTicket) acknowledgeInOrder();
  };
  const device = intake.open(identity, heard, say);

  const acknowledgeInOrder = () => {
    for (let next = waiting[first]; next?.taken !== undefined; next = waiting[first]) {
      first += 1;
      firstTicket += 1;
      settled();
      // A closed client's callback would only report again that it is closed.
      if (!ending && !client.closed) answer(next, next.taken);
    }
    if (first === waiting.length) {
      waiting = [];
      first = 0;
    } else if (first > COMPACT_ENTRIES) {
      waiting = waiting.slice(first);
      first = 0;
    }
  };

  const answer = ({ acknowledge, qos }: Waiting, taken: Taken): void => {
    // QoS 0 asks for nothing: a full disk is no reason to cut the device off.
    if (taken.ok || (qos === 0 && taken.why !== "illegal")) acknowledge();
    else {
      // What was kept before is acknowledged, and the rest is not; an error at once would drop both.
      ending = true;
      setImmediate(acknowledge, new Error(`not kept: ${taken.why}`));
    }
  };

  return {
    publish({ topic, payload, qos, dup, retain, messageId }, acknowledge) {
      const ticket = firstTicket + waiting.length - first;
      waiting.push({ acknowledge, qos, taken: undefined });
      const packetId = messageId ?? 0;
      device.take({ topic, payload: payload as Buffer, qos, dup, retain, packetId }, ticket);
    },
    refuse(acknowledge) {
      waiting.push({ acknowledge, qos: 1, taken: { ok: false, why: "stopping" } });
      if (waiting.length === first + 1) acknowledgeInOrder();
    },
    isReported() {
      const before = reported;
      reported = true;
      return before;
    },
    end: () => device.end(saidDisconnect(client) ? "said" : "broken"),
  };
}

/** aedes answers CONNACK with the code, and the door counts whoever it is for. */
function refusal(kind: keyof typeof REFUSALS, why: string) {
  const returnCode = REFUSALS[kind];
  return Object.assign(new Error(why), { returnCode, errorCode: returnCode });
}

/** Lets the last acknowledgements leave, unless a device does not read them. */
async function farewell(connections: ReadonlySet<Duplex>): Promise<void> {
  const ended = [...connections].map(
    (connection) => new Promise<void>((resolve) => connection.end(resolve)),
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FAREWELL_MS);
  });
  await Promise.race([Promise.all(ended), late]);
  clearTimeout(timer);
}

/** aedes notes a valid DISCONNECT on the client. */
function saidDisconnect(client: Client): boolean {
  return (client as unknown as { _disconnected: boolean })._disconnected;
}

/** aedes hands over the very object that it keeps on the client. */
function willOf(client: Client): unknown {
  return (client as unknown as { will: unknown }).will;
}

/** Of a session that goes on as well; aedes's types leave it out. */
function subscribedBy(client: Client): readonly string[] {
  return Object.keys((client as unknown as { readonly subscriptions: object }).subscriptions);
}

/** Devices subscribe to what is meant for them, and to nothing of others. */
function isOwn(clientId: string, filter: string): boolean {
  return !/[+#/]/.test(clientId) && filter.startsWith(`racktrace/${clientId}/`);
}

/**
 * For a session that goes on, aedes stores all filters of a SUBSCRIBE with each one of them that is granted
 * (lib/handlers/subscribe.js), and queues by what is stored. Here each is stored by itself, when it is granted.
 */
function keepGrantedOnly(broker: Aedes): (client: Client, filter: Subscription) => void {
  const persistence = persistenceOf(broker);
  const add = persistence.addSubscriptions.bind(persistence);
  persistence.addSubscriptions = () => Promise.resolve();
  return (client, filter) => {
    if (!client.clean) void add(client, [filter]);
  };
}

/**
 * aedes keeps wills for a cluster, where brokers speak those of one that has been silent for three minutes of the
 * wall clock. It is alone here, and where its clock is set forward that would be its own, of all who are there.
 */
function keepNoWills(broker: Aedes): void {
  persistenceOf(broker).putWill = () => Promise.resolve();
}

type Persistence = {
  addSubscriptions(client: Client, filters: readonly Subscription[]): Promise<void>;
  storeRetained(packet: PublishPacket): Promise<void>;
  putWill(client: Client, will: object): Promise<void>;
};

/** In memory; aedes's types leave it out. */
function persistenceOf(broker: Aedes): Persistence {
  return (broker as unknown as { readonly persistence: Persistence }).persistence;
}

/**
 * What a device published has reached its end when it is on disk. Routing it would look up
 * subscribers that cannot exist, and keep each retained message in memory for ever.
 */
function endAtIntake(broker: Aedes): void {
  const route = broker.publish.bind(broker) as (...args: unknown[]) => void;
  broker.publish = (packet: PublishPacket | AedesPublishPacket, ...rest: unknown[]) => {
    const [client, done] = rest;
    if (typeof client !== "object" || client === null) return route(packet, ...rest);
    if (typeof done === "function") done();
  };
}
