/**
 * When a scan really happened (rule 12), from what its gateway's clocks said and when it came in.
 *
 * The offset of a boot is the least of (taken in - sent) over its batches: the network can only make
 * it larger. A boot without trusted time is placed by its monotonic clock in the same way.
 */
export type BootClock = {
  /** Least of taken in minus sent, by wall clock and by monotonic clock; undefined: no batch told. */
  readonly offsetMs: number | undefined;
  readonly monotonicOffsetMs: number | undefined;
};

export type Stamp = {
  readonly gatewayTimeMs: number;
  readonly monotonicMs: number;
  /** The gateway says that its wall clock orders nothing. */
  readonly unsynced: boolean;
  readonly takenInAtMs: number;
};

export type Corrected = {
  readonly timeMs: number;
  /** Not empty when the clock was out by more than the tolerance. */
  readonly skew: "" | "offset" | "no-clock" | "back" | "future";
};

/**
 * What a change of an offset is worth at least: all scans of its boot are placed again, and a clock that drifts
 * changes it by a millisecond each minute. How long a batch was under way hides more than this.
 */
const OFFSET_STEP_MS = 100;

/** No gateway of this product was made before; such a time means that there was no clock. */
const PLAUSIBLE_MS = Date.UTC(2020, 0, 1);

/** `floorMs` is the corrected time of the scan before it in the gateway's own sequence. */
export function correct(
  stamp: Stamp,
  boot: BootClock,
  floorMs: number,
  toleranceMs: number,
): Corrected {
  const { takenInAtMs } = stamp;
  const byRunning = isClockless(stamp) && boot.monotonicOffsetMs !== undefined;
  const offsetMs = offsetOf(stamp, boot, toleranceMs);
  let timeMs = (byRunning ? stamp.monotonicMs : stamp.gatewayTimeMs) + offsetMs;
  let skew: Corrected["skew"] = byRunning ? "no-clock" : offsetMs !== 0 ? "offset" : "";
  if (timeMs < PLAUSIBLE_MS) {
    // Nothing tells when it was, and 1970 it was not: it was there when it came in.
    timeMs = takenInAtMs;
    skew = "no-clock";
  }
  if (timeMs > takenInAtMs) {
    if (skew === "" && timeMs - takenInAtMs > toleranceMs) skew = "future";
    timeMs = takenInAtMs;
  }
  if (timeMs < floorMs) {
    if (skew === "" && floorMs - timeMs > toleranceMs) skew = "back";
    timeMs = floorMs;
  }
  return { timeMs: Math.round(timeMs), skew };
}

/** What is added to the time that a scan's gateway said, by wall clock or where that orders nothing since its start. */
export function offsetOf(
  scan: Pick<Stamp, "unsynced" | "gatewayTimeMs">,
  { offsetMs = 0, monotonicOffsetMs }: BootClock,
  toleranceMs: number,
): number {
  const steps = (ms: number) => Math.floor(ms / OFFSET_STEP_MS) * OFFSET_STEP_MS;
  if (isClockless(scan) && monotonicOffsetMs !== undefined) return steps(monotonicOffsetMs);
  return Math.abs(offsetMs) > toleranceMs ? steps(offsetMs) : 0;
}

export function isClockless({
  unsynced,
  gatewayTimeMs,
}: Pick<Stamp, "unsynced" | "gatewayTimeMs">): boolean {
  return unsynced || gatewayTimeMs < PLAUSIBLE_MS;
}

/** What one more batch of this boot says about its clocks. */
export function sharpen(
  boot: BootClock,
  batch: {
    readonly takenInAtMs: number;
    readonly sentAtMs: number;
    readonly sentMonotonicMs: number;
  },
): BootClock {
  const least = (known: number | undefined, seen: number) =>
    known === undefined || seen < known ? seen : known;
  const offsetMs =
    batch.sentAtMs > 0 ? least(boot.offsetMs, batch.takenInAtMs - batch.sentAtMs) : boot.offsetMs;
  const monotonicOffsetMs =
    batch.sentMonotonicMs > 0
      ? least(boot.monotonicOffsetMs, batch.takenInAtMs - batch.sentMonotonicMs)
      : boot.monotonicOffsetMs;
  return offsetMs === boot.offsetMs && monotonicOffsetMs === boot.monotonicOffsetMs
    ? boot
    : { offsetMs, monotonicOffsetMs };
}
