/** An instrument on a line in memory: what of its lines is kept, counted and told. */
import { expect, onTestFinished, test } from "vitest";
import type { LineSensorConfig } from "../../src/gateway/line-sensor.ts";
import { runLineSensor } from "../../src/gateway/line-sensor.ts";
import { createSensors } from "../../src/gateway/sensors.ts";
import type { ByteLine, Committed, OutboxPort } from "../../src/ports.ts";
import { createPretendedClock, rest } from "../support/pretended-clock.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";

test("a wrong line that the quarantine refused is kept when it comes again, and then no more", async () => {
  const instrument = begin();
  instrument.quarantineRefuses = true;
  await instrument.says("T=oops\n");
  instrument.quarantineRefuses = false;
  await instrument.says("T=oops\n");
  await instrument.says("T=oops\n");

  expect(instrument.quarantined).toEqual(['T is "oops", not a number']);
});

function begin() {
  const clock = createPretendedClock();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const line = pretendedLine();
  const quarantined: string[] = [];
  const told = { quarantined, quarantineRefuses: false };
  const outbox: OutboxPort = {
    ...createPretendedOutbox(),
    async quarantine({ reason }) {
      if (told.quarantineRefuses) return { ok: false, why: "full" };
      quarantined.push(reason);
      return { ok: true, commit: { firstSeq: 1, lastSeq: 1 } as Committed };
    },
  };
  const sensors = createSensors(
    { clock, journal, outbox },
    { silentMs: () => undefined, lookMs: 1_000, stateEveryMs: 1 },
  );
  const stop = new AbortController();
  const ended = runLineSensor(
    {
      clock,
      chance: { random: () => 0.5 } as never,
      journal,
      outbox,
      open: async () => line,
      sensors,
      telemetry: { tell: () => undefined, counters: { stored: 0, lost: 0 } },
    },
    SENSOR,
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  return Object.assign(told, {
    async says(text: string) {
      line.bring(Buffer.from(text, "latin1"));
      await rest();
    },
  });
}

const SENSOR = {
  id: "clim",
  path: "/dev/clim",
  format: { kind: "pairs", separator: ";", equals: "=" },
  checksum: "none",
  decimal: ".",
  readings: [{ field: "T", property: "temperature", unit: "Cel" }],
  lineBytesMax: 256,
} as unknown as LineSensorConfig;

function pretendedLine(): ByteLine & { bring(bytes: Uint8Array): void } {
  const waiting: Uint8Array[] = [];
  let wake: () => void = () => undefined;
  let closed = false;
  return {
    async *read() {
      while (!closed) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    bring(bytes) {
      waiting.push(bytes);
      wake();
    },
    async close() {
      closed = true;
      wake();
    },
    write: async () => undefined,
  } as ByteLine & { bring(bytes: Uint8Array): void };
}
