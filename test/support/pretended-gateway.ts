/**
 * A gateway as the twin sees one: a real MQTT client that numbers events and sends batches of them,
 * in order or not, as a test needs it. Knows the acknowledgements it heard.
 */
import mqtt, { type MqttClient } from "mqtt";
import {
  type Ack,
  type Batch,
  decodeAck,
  type Event,
  type EventBody,
  encodeBatch,
  encodeEvent,
  encodeHello,
  type Lane,
} from "../../src/wire/codec.ts";
import { until } from "./until.ts";

export type PretendedGateway = {
  readonly client: MqttClient;
  readonly acks: readonly Ack[];
  /** Resolves with the first acknowledgement of this epoch from `from` on that fits. */
  ack(epoch: string, fits: (ack: Ack) => boolean, from?: number): Promise<Ack>;
  /** Sends one batch and resolves with its PUBACK. */
  send(batch: Partial<Batch> & { readonly events: readonly Uint8Array[] }): Promise<void>;
  sendRaw(channel: "hello" | "batch", message: Uint8Array): Promise<void>;
  /** `firstSeq`: the lowest that was never acknowledged. */
  hello(epochs: readonly string[], firstSeq?: number): Promise<void>;
  end(): Promise<void>;
};

export async function connectGateway(broker: string, gateway: string): Promise<PretendedGateway> {
  const client = await mqtt.connectAsync(broker, { clientId: gateway, reconnectPeriod: 0 });
  client.on("error", () => {});
  const acks: Ack[] = [];
  client.on("message", (_topic, payload) => acks.push(decodeAck(payload)));
  const topic = (channel: string) => `racktrace/v1/${gateway}/${channel}`;
  await client.subscribeAsync(topic("ack"), { qos: 1 });

  async function sendRaw(channel: "hello" | "batch", message: Uint8Array): Promise<void> {
    await client.publishAsync(topic(channel), Buffer.from(message), { qos: 1 });
  }

  return {
    client,
    acks,
    sendRaw,
    async ack(epoch, fits, from = 0) {
      let found: Ack | undefined;
      await until(`an acknowledgement of ${epoch}`, () => {
        found = acks.slice(from).find((ack) => ack.epoch === epoch && fits(ack));
        return found !== undefined;
      });
      return found as Ack;
    },
    send: (batch) =>
      sendRaw(
        "batch",
        encodeBatch({
          gateway,
          epoch: "scans",
          lane: "scan",
          firstSeq: 1,
          goneThrough: 0,
          boot: 1,
          sentAtMs: Date.now(),
          // Its events come from any time, and do not say how long it had been running then.
          sentMonotonicMs: 0,
          ...batch,
        }),
      ),
    hello: (epochs, firstSeq = 1) =>
      sendRaw(
        "hello",
        encodeHello({
          gateway,
          numberings: epochs.map((epoch) => ({
            epoch,
            lane: "scan" as Lane,
            firstSeq,
            lastSeq: firstSeq,
          })),
        }),
      ),
    end: () => client.endAsync(true),
  };
}

export function event(body: EventBody, more: Partial<Event> = {}): Uint8Array {
  return encodeEvent({
    boot: 1,
    gatewayTimeMs: Date.now(),
    monotonicMs: performance.now(),
    clock: "synced",
    sourceTimeMs: undefined,
    device: "scn-1",
    body,
    ...more,
  });
}

/** `code` with its AIM identifier, as the scanner sends it. */
export function scan(code: string, more: Partial<Event> = {}): Uint8Array {
  return event(
    {
      kind: "scan",
      raw: new TextEncoder().encode(code),
      framing: "delimiter",
      aim: code.slice(0, 3),
      step: undefined,
      operator: undefined,
      documentMode: undefined,
    },
    more,
  );
}

export function reading(value: number, more: Partial<Event> = {}): Uint8Array {
  return event(
    { kind: "sensor", readings: [{ property: "temperature", value, unit: "Cel" }] },
    { device: "thermo-1", ...more },
  );
}
