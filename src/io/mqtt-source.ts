/**
 * Devices behind a broker of somebody else: a client that subscribes there, and acknowledges a message
 * (PUBACK) only when it is on disk here, in the order of arrival [MQTT-4.6.0-2]. What is not acknowledged
 * the broker sends again in the next session, which goes on with this one.
 *
 * MQTT.js hands over one message at a time and acknowledges when it is called back, so each would wait
 * for the disk by itself. An error in that call makes it go on without an acknowledgement, which we send
 * when the group is on disk. That, and sending by `_sendPacket`, is not its public face: the version is
 * pinned by the lock file, and test/contract/mqtt-source.test.ts holds both.
 */
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import { Fault } from "../kernel/fault.ts";
import type { BrokerSource, DeviceIntake, OpenSource, SourceSession, Taken } from "../ports.ts";
import { createLoss, type Loss } from "./mqtt-loss.ts";
import { passwordIn } from "./password-file.ts";

const CONNECT_MS = 10_000;
const KEEPALIVE_S = 30;
/** Messages under way to the disk; beyond them the socket is not read. */
const UNDER_WAY_MAX = 1024;
/** A broker that acknowledges nothing is left without its word. */
const FAREWELL_MS = 2_000;

export function createSourceOpener({ intake }: { readonly intake: DeviceIntake }): OpenSource {
  /** What each session was asked for last. */
  const before = new Map<string, readonly string[]>();
  return async (source, stop) => {
    const name = `${source.clientId} ${source.url}`;
    const client = mqtt.connect(source.url, settingsOf(source));
    const lost = createLoss();
    client.on("error", ({ message }) => {
      lost.because(new Error(message || "it cannot be reached"));
      client.end(true);
    });
    client.on("close", () => lost.because(new Error("the connection was closed")));
    const receiver = createReceiver(client, intake, source);
    const abandon = () => void client.end(true);
    stop.addEventListener("abort", abandon, { once: true });
    if (stop.aborted) abandon();
    try {
      const unsure = await lost.unless(begin(client, source));
      // The session would go on with them, and so would what waits for us at the broker.
      const left = before.get(name)?.filter((topic) => !source.topics.includes(topic)) ?? [];
      if (left.length > 0) await lost.unless(client.unsubscribeAsync(left));
      before.set(name, source.topics);
      return asSession(client, { lost, receiver, unsure, source });
    } catch (cause) {
      client.end(true);
      receiver.end("broken");
      throw new Fault("SOURCE_LOST", `${source.url}: ${(cause as Error).message}`, { cause });
    } finally {
      stop.removeEventListener("abort", abandon);
    }
  };
}

function settingsOf({ clientId, username, passwordFile, presence }: BrokerSource): IClientOptions {
  return {
    clientId,
    protocolVersion: 4,
    // The broker keeps for us what comes while we are away.
    clean: false,
    manualConnect: true,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    connectTimeout: CONNECT_MS,
    keepalive: KEEPALIVE_S,
    ...(username !== undefined && { username }),
    ...(passwordFile !== undefined && { password: passwordOf(passwordFile) }),
    ...(presence !== undefined && {
      will: { topic: presence.topic, payload: asBuffer(presence.gone), qos: 1, retain: true },
    }),
  };
}

function passwordOf(file: string): string {
  try {
    return passwordIn(file);
  } catch (cause) {
    throw new Fault("SOURCE_LOST", `the password file ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Resolves with the topics that the broker grants QoS 0 only. */
async function begin(client: MqttClient, { topics, presence }: BrokerSource): Promise<string[]> {
  await new Promise<void>((resolve) => {
    client.once("connect", () => resolve());
    client.connect();
  });
  const granted = await client.subscribeAsync([...topics], { qos: 1 });
  if (presence !== undefined)
    client.publish(presence.topic, asBuffer(presence.there), { qos: 1, retain: true }, () => {});
  const refused = granted.find(({ qos }) => qos > 2);
  if (refused !== undefined) throw new Error(`the subscription to ${refused.topic} was refused`);
  return granted.filter(({ qos }) => qos === 0).map(({ topic }) => topic);
}

type Receiver = { end(how: "said" | "broken"): void; drained(): Promise<void> };

type Waiting = { readonly messageId: number | undefined; taken: Taken | undefined };

function createReceiver(client: MqttClient, intake: DeviceIntake, source: BrokerSource): Receiver {
  const waiting: Waiting[] = [];
  let firstTicket = 0;
  let heldUp: (() => void) | undefined;
  let whenIdle: (() => void) | undefined;
  let broken = false;

  const answered = (ticket: number, taken: Taken): void => {
    const entry = waiting[ticket - firstTicket];
    if (entry !== undefined) entry.taken = taken;
    acknowledgeInOrder();
  };

  const acknowledgeInOrder = (): void => {
    for (let [first] = waiting; first?.taken !== undefined; [first] = waiting) {
      waiting.shift();
      firstTicket += 1;
      if (broken || first.messageId === undefined) continue;
      // What breaks the rules here will break them again: the broker need not keep it for us.
      if (first.taken.ok || first.taken.why === "illegal") acknowledge(client, first.messageId);
      else {
        // Nothing behind it may be acknowledged before it: it comes again, and they with it.
        broken = true;
        client.end(true);
      }
    }
    if (waiting.length < UNDER_WAY_MAX) heldUp?.();
    if (waiting.length < UNDER_WAY_MAX) heldUp = undefined;
    if (waiting.length === 0) whenIdle?.();
  };

  const say = (topic: string, bytes: Uint8Array): void => {
    client.publish(topic, asBuffer(bytes), { qos: 1 }, () => {});
  };
  const { clientId, topics: asked } = source;
  const identity = { clientId, asked, resumes: true, keepsRetained: true };
  const session = intake.open(identity, answered, say);

  client.handleMessage = (packet: IPublishPacket, done) => {
    const { topic, qos, dup, retain, messageId = 0 } = packet;
    const ticket = firstTicket + waiting.length;
    waiting.push({ messageId: qos === 0 ? undefined : messageId, taken: undefined });
    const goOn = () => done(qos === 0 ? undefined : HELD);
    session.take(
      { topic, payload: packet.payload as Buffer, qos, dup, retain, packetId: messageId },
      ticket,
    );
    if (waiting.length < UNDER_WAY_MAX) goOn();
    else heldUp = goOn;
  };

  return {
    end: (how) => session.end(how),
    drained: () =>
      new Promise((resolve) => {
        if (waiting.length === 0) resolve();
        else whenIdle = resolve;
      }),
  };
}

const HELD = new Error("acknowledged when it is on disk");

type Sending = { _sendPacket(packet: object): void };

function acknowledge(client: MqttClient, messageId: number): void {
  if (client.connected)
    (client as unknown as Sending)._sendPacket({ cmd: "puback", messageId, reasonCode: 0 });
}

type Parts = {
  readonly lost: Loss;
  readonly receiver: Receiver;
  readonly unsure: readonly string[];
  readonly source: BrokerSource;
};

function asSession(client: MqttClient, { lost, receiver, unsure, source }: Parts): SourceSession {
  let saysGoodbye = false;
  const gone = lost.unless(new Promise<never>(() => {})).catch(({ message }: Error) => {
    receiver.end(saysGoodbye ? "said" : "broken");
    return message;
  });
  return {
    gone,
    unsure,
    async say(topic, bytes, retain) {
      await lost.unless(client.publishAsync(topic, asBuffer(bytes), { qos: 1, retain }));
    },
    async close() {
      if (client.connected) {
        // Nothing more comes in; what did is stored and acknowledged, and then we say goodbye.
        client.handleMessage = () => {};
        await Promise.race([receiver.drained(), gone]);
        const { presence } = source;
        if (presence !== undefined && client.connected) {
          const { topic, gone: bye } = presence;
          const said = client.publishAsync(topic, asBuffer(bye), { qos: 1, retain: true });
          await within(FAREWELL_MS, said, gone);
        }
      }
      // It waits for acknowledgements that may never come. A cut makes the broker speak our last will.
      saysGoodbye = client.connected;
      await within(FAREWELL_MS, client.endAsync(!client.connected), gone);
      client.stream.destroy();
      await gone;
    },
  };
}

/** Returns when one of them has settled, or after `ms`. */
async function within(ms: number, ...works: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([enough, ...works.map((work) => work.catch(() => undefined))]);
  clearTimeout(timer);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
