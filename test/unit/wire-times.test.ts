import { expect, test } from "vitest";
import { createOrigins } from "../../src/gateway/origin.ts";
import { decodeEvent, type Event, encodeEvent, WireError } from "../../src/wire/codec.ts";

test("a time beyond any calendar is refused where it arrives, before anything computes with it", () => {
  expect(() => decodeEvent(encodeEvent(at(8.64e15)))).not.toThrow();
  expect(() => decodeEvent(encodeEvent(at(Number.MAX_SAFE_INTEGER)))).toThrow(WireError);
});

test("an id that comes round with another payload names another delivery", () => {
  const { ofClaim } = createOrigins();
  const payload = (text: string) => new TextEncoder().encode(text);
  expect(ofClaim("t", "1", payload("a"))).toBe(ofClaim("t", "1", payload("a")));
  expect(ofClaim("t", "1", payload("a"))).not.toBe(ofClaim("t", "1", payload("b")));
});

function at(gatewayTimeMs: number): Event {
  const body = { kind: "sensor", readings: [] } as const;
  const stamp = { boot: 1, monotonicMs: 1, clock: "synced", sourceTimeMs: undefined } as const;
  return { ...stamp, gatewayTimeMs, device: "d", body };
}
