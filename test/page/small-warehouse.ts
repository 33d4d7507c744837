/**
 * A warehouse of two shelves with the real twin, and a gateway that is this test: it speaks the wire
 * contract over a real MQTT client, so that a test says to the event what was scanned and when.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mqtt from "mqtt";
import {
  decodeAck,
  type EventBody,
  encodeBatch,
  encodeEvent,
  encodeHello,
  type Lane,
} from "../../src/wire/codec.ts";
import { freePort, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const GATEWAY = "gw-test";

export const PLACE = {
  archive: "(414)9521234001003(254)ARCH",
  shelf1: "(414)9521234001003(254)R1-S1",
  shelf2: "(414)9521234001003(254)R1-S2",
} as const;

const MASTER_DATA = `version: 1
places:
  - { id: "(414)9521234000105", kind: site, name: Moscow DC }
  - { id: "${PLACE.archive}", kind: room, name: Archive, parent: "(414)9521234000105" }
  - { id: "(414)9521234001003(254)R1", kind: rack, parent: "${PLACE.archive}" }
  - { id: "${PLACE.shelf1}", kind: shelf, parent: "(414)9521234001003(254)R1" }
  - { id: "${PLACE.shelf2}", kind: shelf, parent: "(414)9521234001003(254)R1" }
assetTypes:
  - { id: "(8003)09521234005001", kind: folder }
gateways:
  - { id: ${GATEWAY}, site: "(414)9521234000105", defaultPlace: "${PLACE.archive}", unpackingPlace: "${PLACE.archive}" }
scanners:
  - { gateway: ${GATEWAY}, id: scn-1, step: storing, order: item-first }
documents:
  - { id: N00001, class: consignment-note, pages: ["${pageId(1)}", "${pageId(2)}"] }
  - { id: N00002, class: consignment-note, pages: ["${pageId(11)}", "${pageId(12)}"] }
  - { id: N00003, class: invoice, pages: ["${pageId(13)}"] }
  - { id: N00004, class: consignment-note, pages: ["${pageId(14)}"] }
`;

export function pageId(n: number): string {
  return `(253)9521234000013N${String(n).padStart(5, "0")}P01`;
}

export function pageKey(n: number): string {
  return pageId(n).replace("(253)", "253/");
}

export function folderId(n: number): string {
  return `(8003)09521234005001F${String(n).padStart(4, "0")}`;
}

/** What a scanner sends for a bracketed element string of one or two fixed elements. */
export function symbol(id: string): string {
  return `]d2${id.replaceAll(/[()]/g, "")}`;
}

export type SmallWarehouse = {
  readonly url: string;
  /** What a request to the twin brings, of its own machine. */
  headers(): Readonly<Record<string, string>>;
  /** One after the other; resolves when the twin has acknowledged all of them. */
  scan(...ids: readonly string[]): Promise<void>;
  /** An instant after all scans so far and before all that follow. */
  instant(): string;
  /** The raw text of one scan, AIM identifier and all. */
  scanRaw(text: string): Promise<void>;
  /** A scan that its gateway suspects to be one that it has already. */
  scanSuspected(id: string): Promise<void>;
  read(
    device: string,
    property: string,
    unit: string,
    values: readonly TimedValue[],
  ): Promise<void>;
  /** What the gateway says of a device, now. */
  deviceIs(device: string, state: string, reason: string): Promise<void>;
  /** What the gateway says from its next batch on: so many events wait behind it. */
  waits(count: number): void;
  /** What a person or a system states; resolves when it is recorded. */
  state(path: string, statement: object): Promise<void>;
  // biome-ignore lint/suspicious/noExplicitAny: each question has an answer of its own
  ask(path: string, parameters: Readonly<Record<string, string>>): Promise<any>;
  killTwin(): Promise<void>;
  startTwin(): Promise<void>;
  close(): Promise<void>;
};

export type TimedValue = { readonly timeMs: number; readonly value: number };

/** `more`: further lines of the twin's configuration. */
export async function openSmallWarehouse(folder: string, more = ""): Promise<SmallWarehouse> {
  const data = join(folder, "twin");
  const masterData = join(folder, "master-data.yaml");
  const config = join(folder, "twin.yaml");
  const [http, broker] = [await freePort(), await freePort()];
  mkdirSync(data);
  writeFileSync(masterData, MASTER_DATA);
  writeFileSync(
    config,
    `version: 1
data: ${data}
log: info
http: { host: 127.0.0.1, port: ${http} }
broker: { host: 127.0.0.1, port: ${broker} }
masterData: ${masterData}
${more}`,
  );
  const start = () => startProgram(["twin", "--config", config], data);
  let twin = await start();
  let scannedMs = Date.now() - LAST_HALF_HOUR_MS;
  const scanned = (text: string) => {
    scannedMs += SCAN_EVERY_MS;
    return scanOf(text, scannedMs);
  };
  const gateway = await openGateway(`mqtt://127.0.0.1:${broker}`);

  const url = `http://127.0.0.1:${http}`;

  return {
    url,
    headers: () => twin.headers,
    scan: (...ids) => gateway.send("scan", ids.map(symbol).map(scanned)),
    scanRaw: (text) => gateway.send("scan", [scanned(text)]),
    scanSuspected(id) {
      const { body, ...told } = scanned(symbol(id));
      return gateway.send("scan", [{ ...told, body: { ...body, suspectedRepeat: true } }]);
    },
    instant: () => new Date(scannedMs + SCAN_EVERY_MS / 2).toISOString(),
    read: (device, property, unit, values) =>
      gateway.send(
        "telemetry",
        values.map(({ timeMs, value }) => ({
          device,
          timeMs,
          body: { kind: "sensor", readings: [{ property, value, unit }] },
        })),
      ),
    deviceIs: (device, state, reason) =>
      gateway.send("telemetry", [
        { device, timeMs: Date.now(), body: { kind: "device-state", state, reason } },
      ]),
    waits: gateway.waits,
    async state(path, statement) {
      const response = await fetch(`${url}/api/v1/${path}`, {
        method: "POST",
        headers: { ...twin.headers, "content-type": "application/json" },
        body: JSON.stringify(statement),
      });
      if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    },
    async ask(path, parameters) {
      const question = `${url}/api/v1/${path}?${new URLSearchParams(parameters)}`;
      return (await fetch(question, { headers: twin.headers })).json();
    },
    killTwin: () => twin.kill(),
    async startTwin() {
      twin = await start();
    },
    async close() {
      await gateway.close();
      await twin.stop();
    },
  };
}

/** Scans follow one another at a person's pace: closer reads of a symbol would count as one. */
const SCAN_EVERY_MS = 2_000;
const LAST_HALF_HOUR_MS = 1_800_000;

type Told = {
  readonly device: string;
  readonly timeMs: number;
  readonly body: EventBody;
};

function scanOf(text: string, timeMs: number) {
  const raw = new TextEncoder().encode(text);
  const rest = { step: undefined, operator: undefined, documentMode: undefined };
  const body = { kind: "scan", raw, framing: "delimiter", aim: text.slice(0, 3), ...rest } as const;
  return { device: "scn-1", timeMs, body } satisfies Told;
}

async function openGateway(broker: string) {
  const bootMs = Date.now() - 2 * LAST_HALF_HOUR_MS;
  const lanes: Record<Lane, { epoch: string; lastSeq: number; through: number }> = {
    scan: { epoch: randomBytes(8).toString("hex"), lastSeq: 0, through: 0 },
    telemetry: { epoch: randomBytes(8).toString("hex"), lastSeq: 0, through: 0 },
  };
  // A twin that starts again asks to come back later while it catches up.
  const client = await mqtt.connectAsync(broker, {
    clientId: GATEWAY,
    reconnectPeriod: 200,
    reconnectOnConnackError: true,
  });
  client.on("error", () => {});
  client.on("message", (_topic, message) => {
    const ack = decodeAck(message);
    for (const lane of Object.values(lanes))
      if (lane.epoch === ack.epoch) lane.through = Math.max(lane.through, ack.through);
  });
  client.on("connect", () => void greet());
  const topic = (channel: string) => `racktrace/v1/${GATEWAY}/${channel}`;

  async function greet(): Promise<void> {
    await client.subscribeAsync(topic("ack"));
    const numberings = Object.entries(lanes).map(([lane, { epoch, lastSeq }]) => ({
      epoch,
      lane: lane as Lane,
      firstSeq: lastSeq + 1,
      lastSeq,
    }));
    const hello = encodeHello({ gateway: GATEWAY, numberings });
    await client.publishAsync(topic("hello"), Buffer.from(hello), { qos: 1 });
  }
  await greet();
  let backlog = 0;

  return {
    /** What the next batches say that waits behind them. */
    waits(count: number): void {
      backlog = count;
    },
    async send(lane: Lane, told: readonly Told[]): Promise<void> {
      const numbering = lanes[lane];
      const events = told.map(({ device, timeMs, body }) =>
        encodeEvent({
          boot: 1,
          gatewayTimeMs: timeMs,
          monotonicMs: timeMs - bootMs,
          clock: "synced",
          sourceTimeMs: body.kind === "sensor" ? timeMs : undefined,
          device,
          body,
        }),
      );
      const firstSeq = numbering.lastSeq + 1;
      numbering.lastSeq += events.length;
      const batch = encodeBatch({
        gateway: GATEWAY,
        epoch: numbering.epoch,
        lane,
        firstSeq,
        goneThrough: firstSeq - 1,
        boot: 1,
        sentAtMs: Date.now(),
        sentMonotonicMs: Date.now() - bootMs,
        events,
        outlook: { lastSeq: numbering.lastSeq + backlog, clock: "synced" },
      });
      await client.publishAsync(topic("batch"), Buffer.from(batch), { qos: 1 });
      const { lastSeq } = numbering;
      await until(`the twin has taken in ${lane} ${lastSeq}`, () => numbering.through >= lastSeq);
    },
    close: () => client.endAsync(),
  };
}
