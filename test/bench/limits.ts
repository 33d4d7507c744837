/**
 * What the parts could do alone on this machine: the broker without a disk, the disk without a broker,
 * the encoder without either. No goal of ours can be above these.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { decodeEvent, encodeEvent } from "../../src/wire/codec.ts";
import { createSensorEncoder, type SensorEvent } from "../../src/wire/sensor-event.ts";
import type { Bench, Figure } from "./figures.ts";
import { runLoad, startServer } from "./ingest.ts";

const ROUNDS = 5;
const EVENT_BYTES = 100;

export const bench: Bench = {
  async run() {
    const folder = mkdtempSync(join(tmpdir(), "racktrace-limits-"));
    try {
      return [...(await broker()), ...disk(folder), ...outbox(folder), ...wire()];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

async function broker(): Promise<Figure[]> {
  const server = await startServer("bare");
  const load = { connections: 16, window: 256, warmUpMs: 1000, ms: 3000, port: server.port };
  const { acknowledged, seconds } = await runLoad(load);
  await server.stop();
  return [{ name: "aedes alone, QoS 1", value: acknowledged / seconds, unit: "msg/s" }];
}

function disk(folder: string): Figure[] {
  const file = openSync(join(folder, "sync"), "w");
  const page = Buffer.alloc(4096, 1);
  const tookMs = Array.from({ length: 500 }, () => {
    writeSync(file, page);
    const startedMs = performance.now();
    fdatasyncSync(file);
    return performance.now() - startedMs;
  }).toSorted((a, b) => a - b);
  closeSync(file);
  return [
    { name: "fdatasync of 4 KiB, p50", value: tookMs[250] ?? 0, unit: "ms" },
    { name: "fdatasync of 4 KiB, p99", value: tookMs[495] ?? 0, unit: "ms" },
  ];
}

/** The real store on this thread: each flush is one transaction with synchronous=FULL. */
function outbox(folder: string): Figure[] {
  const limits = outboxLimits({ bytesMax: 2 ** 33, telemetryBytesMax: 2 ** 33 });
  const path = join(folder, "outbox.db");
  const { outbox } = openOutbox({ path, nowMs: () => Date.now() }, limits);
  const bytes = Buffer.alloc(EVENT_BYTES, 7);
  let origin = 0n;
  const flush = (events: number) =>
    outbox.flush([
      {
        kind: "put",
        lane: "telemetry",
        events: Array.from({ length: events }, () => ({ bytes, origin: origin++ })),
      },
    ]);
  const figures = [1, 256, 4096].map((events) => ({
    name: `outbox rows of ${EVENT_BYTES} bytes, FULL, ${events} a commit`,
    value: best(() =>
      perSecond(events, Math.ceil(20_000 / events / (events === 1 ? 20 : 1)), () => flush(events)),
    ),
    unit: "rows/s",
  }));
  const { lastSeq } = outbox.state("telemetry");
  const peeked = best(() =>
    perSecond(1024, Math.floor(lastSeq / 1024), (n) =>
      outbox.peek("telemetry", n * 1024 + 1, { events: 1024, bytes: 2 ** 20 }),
    ),
  );
  outbox.close("stopped");
  return [...figures, { name: "outbox rows peeked", value: peeked, unit: "rows/s" }];
}

function wire(): Figure[] {
  const event: SensorEvent = {
    boot: 1,
    gatewayTimeMs: 1_700_000_000_000,
    monotonicMs: 12_345_678,
    clock: "synced",
    sourceTimeMs: 1_700_000_000_000,
    device: "sensor-17",
    readings: [
      { property: "temperature", value: 21.4, unit: "Cel" },
      { property: "relative_humidity", value: 44.1, unit: "%" },
    ],
  };
  const { readings, ...rest } = event;
  const general = { ...rest, body: { kind: "sensor", readings } } as const;
  const encode = createSensorEncoder();
  const bytes = encodeEvent(general);
  const rate = (body: () => unknown) => best(() => perSecond(1, 200_000, body));
  return [
    {
      name: "protobufjs, event encoded",
      value: rate(() => encodeEvent(general)),
      unit: "events/s",
    },
    { name: "protobufjs, event decoded", value: rate(() => decodeEvent(bytes)), unit: "events/s" },
    { name: "sensor event encoded", value: rate(() => encode(event)), unit: "events/s" },
  ];
}

function perSecond(each: number, times: number, body: (n: number) => unknown): number {
  const startedMs = performance.now();
  for (let n = 0; n < times; n++) body(n);
  return (each * times * 1000) / (performance.now() - startedMs);
}

/** The best of a few: what disturbs a shared machine only ever takes away. */
function best(measure: () => number): number {
  return Math.max(...Array.from({ length: ROUNDS }, measure));
}
