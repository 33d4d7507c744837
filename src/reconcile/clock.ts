/**
 * When a scan really happened (rule 12), from what its gateway's clocks said and when it came in.
 *
 * The offset of a clock is the least of (taken in - sent) over the batches of a boot: the network can only
 * make it larger. A wall clock that is set anew has another offset from then on, and what it said before
 * is as right or wrong as it was; the monotonic clock runs through. So each setting has an offset of its
 * own, and a scan of a setting in which no batch was sent is placed by the monotonic clock, as is one of
 * which the gateway says that its wall clock was never set.
 */

/** What the wall clock was set to: the seconds by which it was ahead of the monotonic one, or one of these. */
export type Setting = number;
/** Of a scan without monotonic time: the offset is the least of all batches, whatever the clock was set to. */
const ANY = 0;
/** The monotonic clock itself. */
const RUNNING = -1;

/** Of one boot: the least of taken in minus sent by each setting, in milliseconds; absent: no batch told. */
export type BootClock = ReadonlyMap<Setting, number>;

/** Two readings of clocks at one moment, in milliseconds. `monotonicMs` 0: not known. */
export type Reading = {
  readonly gatewayTimeMs: number;
  readonly monotonicMs: number;
  /** The gateway says that its wall clock orders nothing. */
  readonly unsynced: boolean;
};

export type Stamp = Reading & { readonly takenInAtMs: number };

export type Corrected = {
  readonly timeMs: number;
  /** Not empty when the clock was out by more than the tolerance. */
  readonly skew: "" | "offset" | "no-clock" | "back" | "future";
};

/** Smaller steps than this are drift; a scan near the edge of two settings is placed the same by both. */
const SETTING_MS = 1_000;

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
  let { timeMs, skew } = placed(stamp, boot, toleranceMs);
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

function placed(reading: Reading, boot: BootClock, toleranceMs: number): Corrected {
  const { gatewayTimeMs, monotonicMs } = reading;
  const setting = settingOf(reading);
  const { by, ms } = offsetBy(boot, setting);
  if (setting === RUNNING && by === RUNNING)
    return { timeMs: monotonicMs + stepped(ms), skew: "no-clock" };
  const offsetMs = by === RUNNING ? stepped(ms) - (gatewayTimeMs - monotonicMs) : ms;
  return Math.abs(offsetMs) > toleranceMs
    ? { timeMs: gatewayTimeMs + stepped(offsetMs), skew: "offset" }
    : { timeMs: gatewayTimeMs, skew: "" };
}

function offsetBy(
  boot: BootClock,
  setting: Setting,
): { readonly by: Setting; readonly ms: number } {
  const choices = setting === ANY ? [ANY] : [setting, RUNNING, ANY];
  const by = choices.find((one) => boot.has(one)) ?? ANY;
  return { by, ms: boot.get(by) ?? 0 };
}

const stepped = (ms: number): number => Math.floor(ms / OFFSET_STEP_MS) * OFFSET_STEP_MS;

/** Where two clocks say the same of a setting, they place each scan of it at the same time. */
export function says(boot: BootClock, setting: Setting, toleranceMs: number): string {
  const { by, ms } = offsetBy(boot, setting);
  return by === RUNNING || Math.abs(ms) > toleranceMs ? `${by} ${stepped(ms)}` : "right";
}

export function settingOf(reading: Reading): Setting {
  const { gatewayTimeMs, monotonicMs } = reading;
  if (isClockless(reading)) return RUNNING;
  if (monotonicMs === 0) return ANY;
  return Math.max(1, Math.round((gatewayTimeMs - monotonicMs) / SETTING_MS));
}

export function isClockless({
  unsynced,
  gatewayTimeMs,
}: Pick<Reading, "unsynced" | "gatewayTimeMs">): boolean {
  return unsynced || gatewayTimeMs < PLAUSIBLE_MS;
}

/** What one more batch of this boot says about its clocks; the same value where that is nothing new. 0: it did not say. */
export function sharpen(
  boot: BootClock,
  batch: {
    readonly takenInAtMs: number;
    readonly sentAtMs: number;
    readonly sentMonotonicMs: number;
  },
): BootClock {
  const { takenInAtMs, sentAtMs, sentMonotonicMs } = batch;
  const sent = { gatewayTimeMs: sentAtMs, monotonicMs: sentMonotonicMs, unsynced: false };
  const told: [Setting, number][] = [];
  if (sentMonotonicMs > 0) told.push([RUNNING, takenInAtMs - sentMonotonicMs]);
  if (sentAtMs > 0) told.push([ANY, takenInAtMs - sentAtMs]);
  if (sentAtMs > 0 && settingOf(sent) > 0) told.push([settingOf(sent), takenInAtMs - sentAtMs]);
  const fresh = told.filter(
    ([setting, ms]) => ms < (boot.get(setting) ?? Number.POSITIVE_INFINITY),
  );
  return fresh.length === 0 ? boot : new Map([...boot, ...fresh]);
}
