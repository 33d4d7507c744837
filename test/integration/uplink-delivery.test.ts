/**
 * The uplink with its real neighbours: the outbox thread on disk below, MQTT on loopback above, and
 * at the far end a sink that takes contiguous batches and whose line breaks again and again.
 */
import { createServer, type Socket } from "node:net";
import { Aedes, type AedesPublishPacket, type Client } from "aedes";
import { expect, onTestFinished, test } from "vitest";
import { createUplink, UPLINK_DEFAULTS } from "../../src/gateway/uplink.ts";
import { chance, createClock } from "../../src/io/clock.ts";
import { createMqttLink } from "../../src/io/mqtt-link.ts";
import { openOutboxThread } from "../../src/io/outbox-thread.ts";
import type { Lane } from "../../src/ports.ts";
import { outboxLimits } from "../../src/store/outbox.ts";
import { decodeBatch, decodeHello, encodeAck } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

test("a backlog and what comes meanwhile arrive once and in order over a line that keeps breaking", {
  timeout: 90_000,
}, async () => {
  const site = await begin();
  await site.put("telemetry", 0, 20_000);
  const { uplink, sink } = await site.connect();
  for (let n = 0; n < 200; n++) {
    await site.put("scan", n, 1);
    if (n % 10 === 0) sink.cut();
    if (n % 40 === 0) await until("a batch gets through", () => sink.batches() > n / 40);
  }
  sink.calm();

  await until("all of it is released", () => site.waiting() === 0, { timeoutMs: 60_000 });
  await uplink.drained();

  expect(sink.taken("telemetry")).toEqual(numbers(20_000));
  expect(sink.taken("scan")).toEqual(numbers(200));
  expect(sink.cuts()).toBeGreaterThan(5);
});

async function begin() {
  const journal = { note() {}, warn() {}, error() {} };
  const limits = outboxLimits({ bytesMax: 64 * 1024 * 1024, telemetryBytesMax: 32 * 1024 * 1024 });
  const outbox = await openOutboxThread({ journal }, { folder: temporaryFolder(), limits });
  onTestFinished(() => outbox.close());

  return {
    waiting: () => outbox.state("scan").waiting + outbox.state("telemetry").waiting,
    async put(lane: Lane, first: number, count: number) {
      const events = Array.from({ length: count }, (_, n) => ({
        bytes: Buffer.from(`${first + n}`),
        origin: undefined,
      }));
      expect(await outbox.put(lane, events)).toMatchObject({ ok: true });
    },
    async connect() {
      const sink = await openSink();
      const link = createMqttLink({
        url: `mqtt://127.0.0.1:${sink.port}`,
        gateway: "gw",
        connectMs: 5_000,
        keepaliveMs: 15_000,
      });
      const record = {
        sent() {},
        acknowledged() {},
        wentBack() {},
        refused() {},
        session() {},
        clockOffset() {},
      };
      const uplink = createUplink(
        { link, outbox, clock: createClock(), chance, journal, record },
        { gateway: "gw", ...UPLINK_DEFAULTS, reconnect: { firstMs: 5, lastMs: 50 } },
      );
      const stop = new AbortController();
      const ended = uplink.run(stop.signal);
      onTestFinished(async () => {
        stop.abort();
        await ended;
      });
      return { uplink, sink };
    },
  };
}

/** Takes in what follows on, and loses a line after some batches: before or after it answered. */
async function openSink() {
  const taken: Record<Lane, number[]> = { scan: [], telemetry: [] };
  const laneOf = new Map<string, Lane>();
  const sockets = new Set<Socket>();
  let batches = 0;
  let cuts = 0;
  let wild = true;
  const cut = () => {
    for (const socket of sockets) {
      socket.destroy();
      cuts += 1;
    }
    sockets.clear();
  };
  const say = (client: Client, epoch: string, resend = false) => {
    const through = taken[laneOf.get(epoch) ?? "scan"].length;
    const ack = encodeAck({ epoch, through, resend, refused: "", twinTimeMs: Date.now() });
    const packet = { topic: "racktrace/v1/gw/ack", payload: Buffer.from(ack), qos: 0 };
    client.publish(packet as AedesPublishPacket, () => {});
  };

  const broker = await Aedes.createBroker({
    authorizePublish(client, { topic, payload }, done) {
      const message = payload as Buffer;
      if (client === null) return done(null);
      if (topic.endsWith("/hello")) {
        for (const { epoch, lane } of decodeHello(message).numberings) {
          laneOf.set(epoch, lane);
          say(client, epoch);
        }
        return done(null);
      }
      batches += 1;
      if (wild && batches % 7 === 0) cut();
      const { epoch, lane, firstSeq, events } = decodeBatch(message);
      const held = taken[lane];
      const gap = firstSeq > held.length + 1;
      if (!gap)
        for (const event of events.slice(held.length + 1 - firstSeq))
          held.push(Number(Buffer.from(event).toString()));
      say(client, epoch, gap);
      if (wild && batches % 11 === 0) cut();
      return done(null);
    },
  });
  const server = createServer((socket) => {
    sockets.add(socket);
    broker.handle(socket);
  });
  onTestFinished(async () => {
    cut();
    broker.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
  });
  return {
    port,
    cut,
    cuts: () => cuts,
    batches: () => batches,
    taken: (lane: Lane) => taken[lane],
    calm() {
      wild = false;
    },
  };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
