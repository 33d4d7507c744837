/** An instrument on a line in memory: what of its lines is kept, counted and told. */
import { expect, onTestFinished, test } from "vitest";
import type { LineSensorConfig } from "../../src/gateway/line-sensor.ts";
import { createLineTally, runLineSensor } from "../../src/gateway/line-sensor.ts";
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

test("an instrument at a wrong baud rate is counted, and faulted after a minute, until it can be read", async () => {
  const instrument = begin();
  const noise = "\xfe\x00\x80\xe6\x98\xfe\x1e\x06\xf8\x80\n".repeat(3) + "\xfe".repeat(300);
  await instrument.says(noise);
  expect(instrument.state()).toMatchObject({ state: "open" });
  expect(instrument.tally).toMatchObject({ readings: 0, nothing: 0, noiseBytes: 30 + 300 });
  await instrument.passes(61_000);
  await instrument.says(noise);
  expect(instrument.state()).toMatchObject({ state: "faulted" });
  expect(instrument.state()?.reason).toContain("baudRate");

  await instrument.says("\nT=21.5\n");
  expect(instrument.state()).toMatchObject({ state: "open", reason: "" });
  expect(instrument.tally.readings).toBe(1);
});

test("so is one whose lines have none of the fields, and not one that only greets", async () => {
  const instrument = begin();
  await instrument.says("Logger v1\nready\n");
  await instrument.passes(61_000);
  await instrument.says("ready\n");
  expect(instrument.state()).toMatchObject({ state: "open" });
  await instrument.says("Temp=21.5\n".repeat(10));
  expect(instrument.state()).toMatchObject({ state: "faulted" });
  expect(instrument.tally.nothing).toBe(13);
});

test("one that was read may say other things for long", async () => {
  const instrument = begin();
  await instrument.says("T=21.5\n");
  await instrument.passes(61_000);
  await instrument.says("$GPGSV\n".repeat(50));
  expect(instrument.state()).toMatchObject({ state: "open" });
});

function begin() {
  const clock = createPretendedClock();
  const journal = { note: () => undefined, warn: () => undefined, error: () => undefined };
  const line = pretendedLine();
  const quarantined: string[] = [];
  const tally = createLineTally();
  const told = { quarantined, tally, quarantineRefuses: false };
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
      appears: async () => new Promise(() => undefined),
      sensors,
      tally,
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
    passes: (ms: number) => clock.advance(ms),
    state: () => sensors.views().find(({ id }) => id === "clim"),
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
