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
  const clockless = isClockless(stamp);
  let skew: Corrected["skew"] = "";
  let timeMs = stamp.gatewayTimeMs;
  if (clockless && boot.monotonicOffsetMs !== undefined) {
    timeMs = stamp.monotonicMs + boot.monotonicOffsetMs;
    skew = "no-clock";
  } else if (boot.offsetMs !== undefined && Math.abs(boot.offsetMs) > toleranceMs) {
    timeMs += boot.offsetMs;
    skew = "offset";
  }
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
