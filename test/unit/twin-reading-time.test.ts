import { expect, test } from "vitest";
import { readingTime } from "../../src/twin/reading-time.ts";
import type { ClockQuality, Event } from "../../src/wire/codec.ts";

const NOON = Date.UTC(2026, 10, 22, 12);

test("a reading is of the device's time, unless that clock was never set or runs ahead", () => {
  check(`
    device   gateway  clock     age   sent    -> time     by
    -5s      0s       synced    -     -       -> -5s      device
    -        0s       synced    -     -       -> 0s       gateway
    -9999s   0s       synced    -     -       -> -9999s   device
    +59s     0s       synced    -     -       -> +59s     device
    +61s     0s       synced    -     -       -> 0s       gateway
    1970     0s       synced    -     -       -> 0s       gateway
  `);
});

test("a gateway without trusted time is believed about ages only, and within one boot", () => {
  check(`
    device   gateway  clock     age   sent    -> time     by
    -        1970     unsynced  30s   same    -> -30s     age
    -        0s       unsynced  30s   same    -> -30s     age
    -        0s       unsynced  30s   later   -> 0s       age
    -        +9999s   synced    30s   same    -> -30s     age
    -31s     1970     unsynced  30s   same    -> -31s     device
    +29s     1970     unsynced  30s   same    -> +29s     device
    +31s     1970     unsynced  30s   same    -> -30s     age
  `);
});

/** Times are relative to the moment of taking in; `sent` is the boot that sent the event. */
function check(table: string): void {
  const [, ...lines] = table.trim().split("\n");
  for (const line of lines) {
    const [device = "", gateway = "", clock = "", age = "", sent = "", , time = "", by = ""] = line
      .trim()
      .split(/\s+/);
    const event: Event = {
      boot: 1,
      gatewayTimeMs: timeOf(gateway) ?? 0,
      monotonicMs: 100_000,
      clock: clock as ClockQuality,
      sourceTimeMs: timeOf(device),
      device: "thermo-1",
      body: { kind: "sensor", readings: [] },
    };
    const ageMs = age === "-" ? 0 : Number.parseInt(age, 10) * 1_000;
    const receipt = {
      takenInAtMs: NOON,
      sentMonotonicMs: 100_000 + ageMs,
      sentBoot: sent === "later" ? 2 : 1,
    };
    expect({ line, ...readingTime(event, receipt) }).toEqual({ line, timeMs: timeOf(time), by });
  }
}

function timeOf(text: string): number | undefined {
  if (text === "-") return undefined;
  return text === "1970" ? 60_000 : NOON + Number.parseInt(text, 10) * 1_000;
}
