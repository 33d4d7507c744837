/**
 * When a reading was taken, from three clocks of which none is trusted. Pure.
 *
 * The device's own time, unless its clock was never set or runs ahead; then the gateway's; and when
 * the gateway itself had no time since its boot, what its monotonic clock says about the age of the
 * event when it was sent. The times as they were claimed stay in the evidence.
 */
import type { Event } from "../wire/codec.ts";

/** Earlier than any device of ours: a clock that says so was never set. */
const SET_MS_MIN = Date.UTC(2020, 0, 1);
/** Drift that is no reason to distrust a clock. */
const AHEAD_MS_MAX = 60_000;

export type Receipt = {
  readonly takenInAtMs: number;
  readonly sentMonotonicMs: number;
  /** Boot of the gateway process that sent the event; monotonic times compare within one boot only. */
  readonly sentBoot: number;
};

export type ReadingTime = { readonly timeMs: number; readonly by: "device" | "gateway" | "age" };

export function readingTime(event: Event, receipt: Receipt): ReadingTime {
  const received = receivedAt(event, receipt);
  const { sourceTimeMs } = event;
  if (sourceTimeMs === undefined || !plausible(sourceTimeMs, received.timeMs)) return received;
  return { timeMs: sourceTimeMs, by: "device" };
}

function receivedAt(event: Event, receipt: Receipt): ReadingTime {
  const { gatewayTimeMs, clock, boot, monotonicMs } = event;
  if (clock !== "unsynced" && plausible(gatewayTimeMs, receipt.takenInAtMs))
    return { timeMs: gatewayTimeMs, by: "gateway" };
  const ageMs = boot === receipt.sentBoot ? Math.max(0, receipt.sentMonotonicMs - monotonicMs) : 0;
  return { timeMs: receipt.takenInAtMs - ageMs, by: "age" };
}

function plausible(claimedMs: number, laterMs: number): boolean {
  return claimedMs >= SET_MS_MIN && claimedMs <= laterMs + AHEAD_MS_MAX;
}
