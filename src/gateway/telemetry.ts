/**
 * Readings of devices that the gateway asks or listens to, on their way to disk. Nobody waits for an
 * acknowledgement here and nothing can be asked for again, so a reading that the outbox refuses is lost:
 * counted, and journalled with what came together meanwhile.
 */
import type { Reading } from "../devices/mqtt-mapping/mapping.ts";
import type { Clock, Journal, OutboxPort } from "../ports.ts";
import { createSensorEncoder } from "../wire/sensor-event.ts";
import type { IntakeDeps, Sift } from "./intake.ts";

export type Telemetry = {
  tell(device: string, readings: readonly Reading[], sourceTimeMs?: number): void;
  readonly counters: { readonly stored: number; readonly lost: number };
};

const LOSS_EVERY_MS = 10_000;

export function createTelemetry({
  clock,
  journal,
  outbox,
  sift,
  noticed,
}: {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly outbox: OutboxPort;
  /** What of it is worth keeping. */
  readonly sift: Sift;
  readonly noticed?: IntakeDeps["noticed"];
}): Telemetry {
  const encode = createSensorEncoder();
  const { boot } = outbox.state("telemetry");
  const counters = { stored: 0, lost: 0 };
  let untold = 0;
  let nextMs = Number.NEGATIVE_INFINITY;

  const lost = (why: string): void => {
    counters.lost += 1;
    untold += 1;
    if (clock.monotonicMs() < nextMs) return;
    journal.warn("readings-lost", { events: untold, why });
    untold = 0;
    nextMs = clock.monotonicMs() + LOSS_EVERY_MS;
  };

  return {
    counters,
    tell(device, told, sourceTimeMs) {
      noticed?.(device, told, clock.nowMs());
      const readings = sift.keep(device, told);
      if (readings.length === 0) return;
      const bytes = encode({
        boot,
        gatewayTimeMs: clock.nowMs(),
        monotonicMs: clock.monotonicMs(),
        clock: clock.quality(),
        sourceTimeMs,
        device,
        readings,
      });
      void outbox.put("telemetry", [{ bytes, origin: undefined }]).then((put) => {
        if (put.ok) counters.stored += 1;
        else {
          sift.failed([device]);
          lost(put.why);
        }
      });
    },
  };
}
