/**
 * Bounds on what aedes keeps in memory for sessions that are to go on (clean session 0): how many there
 * are, and how many messages wait in each. What is beyond them is dropped and counted: QoS 1 to a device
 * that does not come back is no promise that anyone can keep.
 *
 * Of a QoS 2 message on its way in only the packet id is kept until PUBREL: what it says is on disk already.
 *
 * And two things that MQTT 3.1.1 wants said of them and aedes does not say: that there is a session also
 * where it holds no subscription [MQTT-3.2.2-2], and that a message was sent before [MQTT-3.3.1-1].
 */
import { Readable } from "node:stream";
import type { Aedes, Client } from "aedes";

export type SessionLimits = { readonly sessionsMax: number; readonly waitingMax: number };

export const SESSIONS: SessionLimits = { sessionsMax: 1_024, waitingMax: 256 };

type Persistence = {
  outgoingEnqueue(sub: { clientId: string }, packet: object): Promise<void>;
  outgoingEnqueueCombi(subs: readonly { clientId: string }[], packet: object): Promise<void>;
  outgoingStream(client: { id: string }): AsyncIterable<{ messageId?: number }>;
  subscriptionsByClient(client: { id: string }): Promise<readonly { topic: string; qos: number }[]>;
  /** Takes it from the queue, because it was acknowledged or may not be heard; undefined: it is not there. */
  outgoingClearMessageId(client: { id: string }, packet: object): Promise<object | undefined>;
  cleanSubscriptions(client: { id: string }): Promise<void>;
  cleanIncoming(client: { id: string }): Promise<void>;
  incomingStorePacket(client: { id: string }, packet: { messageId: number }): Promise<void>;
};

/** No filter at all, so nothing matches it, and nobody is granted it. */
const NOTHING = { topic: "$session", qos: 0 };

/** A message whose id is not free yet. */
const BEGUN = { cmd: "publish", topic: "", payload: Buffer.alloc(0), qos: 2, retain: false };

/** Returns how many messages were dropped so far. */
export function boundSessions(broker: Aedes, limits: SessionLimits): () => number {
  const { persistence } = broker as unknown as { readonly persistence: Persistence };
  /** Of clients that were here with a session to go on, the one that left longest ago first. */
  const away = new Set<string>();
  const waiting = new Map<string, number>();
  let dropped = 0;

  const hasRoom = ({ clientId }: { clientId: string }): boolean => {
    const count = waiting.get(clientId) ?? 0;
    if (count < limits.waitingMax) waiting.set(clientId, count + 1);
    else dropped += 1;
    return count < limits.waitingMax;
  };
  const enqueue = persistence.outgoingEnqueue.bind(persistence);
  const enqueueCombi = persistence.outgoingEnqueueCombi.bind(persistence);
  persistence.outgoingEnqueue = async (sub, packet) => {
    if (hasRoom(sub)) await enqueue(sub, packet);
  };
  persistence.outgoingEnqueueCombi = (subs, packet) => enqueueCombi(subs.filter(hasRoom), packet);

  const clear = persistence.outgoingClearMessageId.bind(persistence);
  persistence.outgoingClearMessageId = async (client, packet) => {
    const cleared = await clear(client, packet);
    const count = waiting.get(client.id) ?? 0;
    if (cleared !== undefined && count > 1) waiting.set(client.id, count - 1);
    else if (cleared !== undefined) waiting.delete(client.id);
    return cleared;
  };

  const storeIncoming = persistence.incomingStorePacket.bind(persistence);
  persistence.incomingStorePacket = (client, { messageId }) =>
    storeIncoming(client, { messageId, ...BEGUN });

  const subscriptions = persistence.subscriptionsByClient.bind(persistence);
  persistence.subscriptionsByClient = async (client) => {
    const found = await subscriptions(client);
    // aedes tells a session by its subscriptions; this one it asks leave for, as for each, and drops.
    return found.length === 0 && away.has(client.id) ? [NOTHING] : found;
  };
  const stream = persistence.outgoingStream.bind(persistence);
  persistence.outgoingStream = (client) => Readable.from(sentBefore(stream(client)));

  async function forget(id: string): Promise<void> {
    await persistence.cleanSubscriptions({ id });
    await persistence.cleanIncoming({ id });
    for await (const packet of persistence.outgoingStream({ id }))
      await persistence.outgoingClearMessageId({ id }, packet);
    waiting.delete(id);
  }

  broker.on("client", ({ id }: Client) => void away.delete(id));
  broker.on("clientDisconnect", ({ id, clean }: Client) => {
    if (clean) return;
    away.add(id);
    const [oldest] = away;
    if (away.size <= limits.sessionsMax || oldest === undefined) return;
    away.delete(oldest);
    void forget(oldest);
  });
  return () => dropped;
}

/** What has a packet id has been sent under it. */
async function* sentBefore<T extends { messageId?: number }>(packets: AsyncIterable<T>) {
  for await (const packet of packets)
    yield packet.messageId === undefined ? packet : { ...packet, dup: true };
}
