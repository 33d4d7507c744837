/**
 * The way to the twin over MQTT 3.1.1, by mqtt.js. The seam for an external broker: whatever carries
 * `hello`, `batch` and `ack` between a gateway and the twin can stand here.
 *
 *   racktrace/v1/<gateway>/hello, batch   QoS 1, to the twin
 *   racktrace/v1/<gateway>/ack            from the twin, subscribed before `connect` returns
 *   racktrace/v1/<gateway>/verdict        from the twin, when somebody here waits for its word on scans
 *
 * mqtt.js is used as a protocol and nothing else: one client per connection, no reconnecting of its
 * own, nothing queued while offline. What it holds is what the caller has under way.
 */
import type { Socket } from "node:net";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { Fault } from "../kernel/fault.ts";
import type { Link, LinkSession } from "../ports.ts";

export type MqttLinkOptions = {
  readonly url: string;
  readonly gateway: string;
  readonly connectMs: number;
  readonly keepaliveMs: number;
};

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
  const topic = (channel: string) => `racktrace/v1/${options.gateway}/${channel}`;

  return {
    async connect(stop) {
      if (stop.aborted) throw new Fault("LINK_LOST", "stopped before it was connected");
      const client = mqtt.connect(options.url, settings);
      const inbox = createInbox();
      const lost = createLoss();
      client.handleMessage = (packet, taken) => {
        const message = packet.payload as Buffer;
        if (packet.topic === topic("verdict")) onVerdicts?.(message);
        else if (packet.topic === topic("directive")) onDirectives?.(message);
        else return inbox.put(message, taken);
        taken();
      };
      client.on("error", (error) => {
        lost.because(error);
        client.end(true);
      });
      client.on("close", () => {
        lost.because(new Error("the connection was closed"));
        inbox.end();
      });
      const abandon = () => client.end(true);
      stop.addEventListener("abort", abandon, { once: true });
      try {
        await lost.unless(begin(client, topic("ack")));
        // A twin of an earlier release has none, and refuses; then every scan is judged here.
        if (onVerdicts !== undefined) client.subscribe(topic("verdict"), { qos: 0 }, () => {});
        if (onDirectives !== undefined) client.subscribe(topic("directive"), { qos: 0 }, () => {});
      } catch (cause) {
        client.end(true);
        throw asFault(cause as Error, options.url);
      } finally {
        stop.removeEventListener("abort", abandon);
      }
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

function asFault(cause: Error, url: string): Fault {
  const { code } = cause as { code?: unknown };
  const refused =
    cause instanceof Refusal || (typeof code === "number" && code !== SERVER_UNAVAILABLE);
  return new Fault(refused ? "TWIN_REFUSED" : "LINK_LOST", `${url}: ${cause.message}`, { cause });
}

type Parts = {
  readonly inbox: Inbox;
  readonly lost: Loss;
  readonly topic: (channel: string) => string;
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

type Loss = ReturnType<typeof createLoss>;

/** The end of a connection, for everyone who waits for something from it. */
function createLoss() {
  const waiting = new Set<(reason: Error) => void>();
  let reason: Error | undefined;

  function because(error: Error): void {
    reason ??= error;
    for (const reject of waiting) reject(reason);
    waiting.clear();
  }

  return {
    /** The first reason counts. */
    because,
    /** What `work` comes to, or a rejection once the connection is lost. */
    unless<T>(work: Promise<T>): Promise<T> {
      return new Promise((resolve, reject) => {
        if (reason !== undefined) reject(reason);
        else waiting.add(reject);
        work.then(resolve, reject).finally(() => waiting.delete(reject));
      });
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
