/** What stays of telemetry when its room is spent: in the real file, and in the function by itself. */
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { NewEvent } from "../../src/ports.ts";
import { openOutbox, outboxLimits } from "../../src/store/outbox.ts";
import { summarise } from "../../src/store/summary.ts";
import { decodeEvent, type Event, type EventBody, encodeEvent } from "../../src/wire/codec.ts";
import { temporaryFolder } from "../support/folder.ts";

const T0 = Date.UTC(2026, 0, 5, 8);
const SECOND = 1_000;
const MINUTE = 60_000;

describe("a lane whose room is spent", () => {
  test("no sample is lost from the count, and each series keeps its least and greatest value", () => {
    const outbox = open(512 * 1024);
    const told = new Map<string, number[]>();
    for (let from = 0; from < 1_500; from += 20) {
      const events = Array.from({ length: 100 }, (_, place): NewEvent => {
        const at = from + Math.floor(place / 5);
        const device = "abcde"[place % 5] ?? "";
        const value = 20 + (place % 5) + Math.sin(at / 40);
        told.set(device, [...(told.get(device) ?? []), value]);
        return { bytes: sensor(device, value, T0 + at * 2 * SECOND), origin: undefined };
      });
      expect(outbox.flush([{ kind: "put", lane: "telemetry", events }])).toMatchObject({
        ok: true,
      });
    }

    const { evicted, waitingBytes } = outbox.state("telemetry");
    expect(evicted).toBeGreaterThan(1_000);
    expect(waitingBytes).toBeLessThan(512 * 1024);
    const left = eventsOf(outbox);
    for (const [device, values] of told) {
      const course = courseOf(left, device);
      expect(course.samples).toBe(values.length);
      expect(course.min).toBeCloseTo(Math.min(...values), 9);
      expect(course.max).toBeCloseTo(Math.max(...values), 9);
      expect(course.mean).toBeCloseTo(
        values.reduce((sum, value) => sum + value, 0) / values.length,
        9,
      );
    }
    // The newest are there one by one.
    expect(left.at(-1)?.body).toEqual(
      decodeEvent(sensor("e", told.get("e")?.at(-1) ?? 0, T0)).body,
    );
  });

  test("scans that need the room take the summaries, too", () => {
    const outbox = open(512 * 1024, 1024 * 1024);
    for (let from = 0; from < 4_000; from += 500) {
      const events = Array.from({ length: 500 }, (_, at): NewEvent => {
        return { bytes: sensor("a", at, T0 + (from + at) * SECOND), origin: undefined };
      });
      outbox.flush([{ kind: "put", lane: "telemetry", events }]);
    }
    expect(outbox.state("telemetry").waiting).toBeGreaterThan(1_000);

    const scans = (count: number): readonly NewEvent[] =>
      Array.from({ length: count }, () => ({ bytes: encodeEvent(scan(1_000)), origin: undefined }));
    let kept = 0;
    while (answersOf(outbox.flush([{ kind: "put", lane: "scan", events: scans(20) }]))[0])
      kept += 20;
    expect(kept).toBeGreaterThan(900);
    // Less than a scan takes.
    expect(outbox.state("telemetry").waitingBytes).toBeLessThan(20 * 1_100);
    expect(outbox.state("scan").evicted).toBe(0);
  });
});

describe("a summary", () => {
  test("tells the mean, the least, the greatest and how many, at the time of the last", () => {
    const rows = [21.2, 21.4, 21.9].map((value, at) => sensor("a", value, T0 + at * SECOND));
    const [summary, ...others] = summarise(rows, 10_000).map((bytes) => decodeEvent(bytes));
    expect(others).toEqual([]);
    expect(summary?.sourceTimeMs).toBe(T0 + 2 * SECOND);
    expect(summary?.body).toEqual({
      kind: "sensor",
      readings: [
        { property: "temperature", value: 21.5, unit: "Cel" },
        { property: "temperature_min", value: 21.2, unit: "Cel" },
        { property: "temperature_max", value: 21.9, unit: "Cel" },
        { property: "temperature_samples", value: 3, unit: "1" },
      ],
    });
  });

  test("of summaries weighs them by their samples", () => {
    const first = summarise(
      [10, 10, 10].map((value) => sensor("a", value, T0)),
      10_000,
    );
    const second = summarise(
      [20, 40].map((value) => sensor("a", value, T0)),
      10_000,
    );
    const again = summarise([...first, ...second, sensor("a", 30, T0 + SECOND)], 10_000);
    expect(courseOf(again.map(decodeEvent), "a")).toEqual({
      samples: 6,
      mean: 20,
      min: 10,
      max: 40,
    });
    expect(again).toHaveLength(1);
  });

  test("stretches further where minutes take too much room, and gives up where hours do", () => {
    const rows = Array.from({ length: 120 }, (_, at) => sensor("a", at, T0 + at * MINUTE));
    expect(summarise(rows, 100_000)).toHaveLength(120);
    expect(summarise(rows, 3_000)).toHaveLength(12);
    expect(summarise(rows, 700)).toHaveLength(2);
    expect(summarise(rows, 100)).toEqual([]);
  });

  test("of a device with more properties than fit into an event is several, and summed up again as one", () => {
    const names = Array.from({ length: 1_200 }, (_, n) => `line ${n}, temperature of the motor`);
    const rows = [1, 3].flatMap((value) =>
      [names.slice(0, 600), names.slice(600)].map((some) => {
        const readings = some.map((property) => ({ property, value, unit: "Cel" }));
        return encodeEvent(event("plc", { kind: "sensor", readings }, T0));
      }),
    );
    const once = summarise(rows, 1_000_000);
    for (const summary of [once, summarise([...once, ...once], 1_000_000)]) {
      // The twin understands each of them.
      const told = summary.map((bytes) => decodeEvent(bytes).body);
      const said = told.flatMap((body) => (body.kind === "sensor" ? body.readings : []));
      expect(said).toHaveLength(4 * names.length);
      expect(said.filter(({ property }) => property === names[700])).toMatchObject([{ value: 2 }]);
    }
  });

  test("keeps a single value as it is, the last state of each device, and nothing it does not understand", () => {
    const rows = [
      sensor("a", 21.25, T0),
      state("a", "open"),
      state("a", "silent"),
      state("b", "open"),
      Uint8Array.of(255, 255),
    ];
    expect(summarise(rows, 10_000).map((bytes) => decodeEvent(bytes).body)).toEqual([
      { kind: "device-state", state: "silent", reason: "" },
      { kind: "device-state", state: "open", reason: "" },
      { kind: "sensor", readings: [{ property: "temperature", value: 21.25, unit: "Cel" }] },
    ]);
  });
});

function open(telemetryBytesMax: number, bytesMax = 8 * 1024 * 1024) {
  const { outbox } = openOutbox(
    { path: join(temporaryFolder(), "outbox.db"), nowMs: () => T0 },
    outboxLimits({ bytesMax, telemetryBytesMax }),
  );
  onTestFinished(() => outbox.close("stopped"));
  return outbox;
}

function answersOf(flushed: ReturnType<ReturnType<typeof open>["flush"]>): readonly boolean[] {
  return flushed.ok ? flushed.answers.map(({ ok }) => ok) : [];
}

function eventsOf(outbox: ReturnType<typeof open>): readonly Event[] {
  const events: Event[] = [];
  for (let from = 1; ; ) {
    const peeked = outbox.peek("telemetry", from, { events: 1_000, bytes: 10_000_000 });
    events.push(...peeked.events.map((bytes) => decodeEvent(bytes)));
    if (peeked.events.length === 0) return events;
    from = peeked.firstSeq + peeked.events.length;
  }
}

/** Summaries and single readings of a device, taken together. */
function courseOf(events: readonly Event[], device: string) {
  let samples = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const { body, device: whose } of events) {
    if (body.kind !== "sensor" || whose !== device) continue;
    const said = new Map(body.readings.map(({ property, value }) => [property, value]));
    const value = said.get("temperature") ?? 0;
    const count = said.get("temperature_samples") ?? 1;
    samples += count;
    sum += value * count;
    min = Math.min(min, said.get("temperature_min") ?? value);
    max = Math.max(max, said.get("temperature_max") ?? value);
  }
  return { samples, mean: sum / samples, min, max };
}

function event(device: string, body: EventBody, sourceTimeMs: number): Event {
  return {
    boot: 1,
    gatewayTimeMs: T0,
    monotonicMs: 1,
    clock: "synced",
    sourceTimeMs,
    device,
    body,
  };
}

function sensor(device: string, value: number, timeMs: number): Uint8Array {
  const readings = [{ property: "temperature", value, unit: "Cel" }];
  return encodeEvent(event(device, { kind: "sensor", readings }, timeMs));
}

function state(device: string, name: string): Uint8Array {
  return encodeEvent(event(device, { kind: "device-state", state: name, reason: "" }, T0));
}

function scan(size: number): Event {
  const raw = new Uint8Array(size);
  const rest = { aim: "", step: undefined, operator: undefined, documentMode: undefined };
  return event("s", { kind: "scan", raw, framing: "delimiter", ...rest }, T0);
}
