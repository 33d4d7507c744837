import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeEvent, encodeEvent } from "../../src/wire/codec.ts";
import { createSensorEncoder, type SensorEvent } from "../../src/wire/sensor-event.ts";

test("sensor events are the bytes that the codec makes, whatever is in them", () => {
  const encode = createSensorEncoder();
  fc.assert(
    fc.property(events(), (event) => {
      const { readings, ...rest } = event;
      const expected = encodeEvent({ ...rest, body: { kind: "sensor", readings } });
      expect(Buffer.from(encode(event)).toString("hex")).toBe(
        Buffer.from(expected).toString("hex"),
      );
    }),
    { numRuns: 2000 },
  );
});

test("an event keeps its bytes while later ones are encoded", () => {
  const encode = createSensorEncoder();
  const made = Array.from({ length: 3000 }, (_, n) => encode(reading(n)));
  for (const [n, bytes] of made.entries())
    expect(decodeEvent(bytes).body).toEqual({ kind: "sensor", readings: reading(n).readings });
});

test("an event bigger than the shared memory gets its own", () => {
  const encode = createSensorEncoder();
  encode(reading(1));
  const device = "ж".repeat(20_000);
  expect(decodeEvent(encode({ ...reading(2), device })).device).toBe(device);
  expect(decodeEvent(encode(reading(3))).device).toBe("s1");
});

function reading(value: number): SensorEvent {
  return {
    boot: 1,
    gatewayTimeMs: 1_700_000_000_000,
    monotonicMs: 5.5,
    clock: "unknown",
    sourceTimeMs: undefined,
    device: "s1",
    readings: [{ property: "temperature", value, unit: "Cel" }],
  };
}

function events(): fc.Arbitrary<SensorEvent> {
  const text = (maxLength: number) =>
    fc.oneof(
      fc.string({ maxLength }),
      fc.string({ maxLength, unit: "grapheme" }),
      fc.constantFrom("x".repeat(127), "x".repeat(128), "x".repeat(maxLength * 10), "ж".repeat(70)),
    );
  const timeMs = fc.oneof(
    fc.nat(),
    fc.maxSafeNat(),
    fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32),
  );
  return fc.record({
    boot: fc.nat(2 ** 31 - 1),
    gatewayTimeMs: timeMs,
    monotonicMs: fc.double({ min: 0, max: 2 ** 40, noNaN: true }),
    clock: fc.constantFrom("unknown", "synced", "unsynced", "stepped"),
    sourceTimeMs: fc.option(timeMs, { nil: undefined }),
    device: text(128),
    readings: fc.array(fc.record({ property: text(64), value: fc.double(), unit: text(32) }), {
      maxLength: 64,
    }),
  });
}
