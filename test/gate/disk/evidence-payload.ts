/** What a gateway sends to the recorded twin: readings and scans of which every byte can be told again. */
import { encodeBatch, encodeEvent, type Lane } from "../../../src/wire/codec.ts";

export const GATEWAY = "gw-gate";
export const EPOCHS = ["scans", "telemetry"] as const;
const BEGIN_MS = Date.UTC(2024, 5, 3, 8);

const laneOf = (epoch: string): Lane => (epoch === "scans" ? "scan" : "telemetry");

export function eventOf(epoch: string, seq: number): Uint8Array {
  const common = {
    ...{ device: `d${seq % 5}`, boot: 1, clock: "synced" as const },
    ...{ gatewayTimeMs: BEGIN_MS + seq, monotonicMs: seq, sourceTimeMs: undefined },
  };
  if (epoch === "telemetry")
    return encodeEvent({
      ...common,
      body: { kind: "sensor", readings: [{ property: "count", value: seq, unit: "1" }] },
    });
  return encodeEvent({
    ...common,
    body: {
      kind: "scan",
      raw: Buffer.from(`]d22539521234000013K${String(1 + (seq % 400)).padStart(7, "0")}`),
      aim: "]d2",
      framing: "delimiter",
      ...{ step: undefined, operator: undefined, documentMode: undefined },
    },
  });
}

export function eventsOf(epoch: string, first: number, count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, at) => eventOf(epoch, first + at));
}

export function batchOf(
  epoch: string,
  firstSeq: number,
  events: readonly Uint8Array[],
): Uint8Array {
  return encodeBatch({
    gateway: GATEWAY,
    epoch,
    lane: laneOf(epoch),
    firstSeq,
    goneThrough: 0,
    boot: 1,
    sentAtMs: BEGIN_MS,
    sentMonotonicMs: firstSeq,
    events,
  });
}
