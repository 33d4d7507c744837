/**
 * Which readings are worth keeping, and which values have stopped meaning anything.
 *
 * Report by exception: a value within the deadband of the last one kept is dropped, but never for longer
 * than the heartbeat, so that "no change" and "no device" stay two things. A value that does not move by
 * its last digit for too long, though the device goes on reporting, is stuck: a frozen sensor and a still
 * room look alike to everybody else.
 *
 * Pure but for the table of what was last seen, which has a limit.
 */
import type { Reading } from "../mqtt-mapping/mapping.ts";

export type ReportingRule = {
  /** Name of a device; `*` stands for any part of it. */
  readonly device: string;
  /** Absent: whatever it measures. */
  readonly property?: string | undefined;
  readonly deadband?: number | undefined;
  readonly heartbeatS?: number | undefined;
  readonly stuckAfterS?: number | undefined;
  readonly silentAfterS?: number | undefined;
};

export type Reported = {
  readonly keep: readonly Reading[];
  /** What has just stopped moving, in words. */
  readonly stuck: readonly string[];
  /** Nothing of the device is stuck any more, or of what was nobody knows any more. */
  readonly moves: boolean;
};

export type Reporting = {
  report(device: string, readings: readonly Reading[], nowMs: number): Reported;
  /** What was to be kept was not: the next values of the device are. What is stuck stays so until it moves. */
  forget(device: string): void;
  /** It is another one from now on. */
  leave(device: string): void;
  /** Undefined: nobody minds its silence. */
  silentMs(device: string): number | undefined;
};

type Seen = {
  kept: number;
  keptMs: number;
  last: number;
  sinceMs: number;
  reports: number;
  stuck: boolean;
};

type Device = {
  readonly seen: Map<string, Seen>;
  /** How many of these are. */
  stuck: number;
};

/** Any device may make up new names of what it measures. */
const PROPERTIES_MAX = 256;
const DEVICES_MAX = 16_384;
/** With a deadband and no heartbeat given. */
const HEARTBEAT_MS = 900_000;
/** Fewer reports than this say nothing about a sensor that reports seldom. */
const STUCK_REPORTS_MIN = 3;

export function createReporting(rules: readonly ReportingRule[]): Reporting {
  const compiled = rules.map((rule) => ({ rule, fits: compileGlob(rule.device) }));
  const rulesOf = remembering(DEVICES_MAX, (device: string) =>
    compiled.filter(({ fits }) => fits(device)).map(({ rule }) => rule),
  );
  const devices = new Map<string, Device>();

  const deviceOf = (device: string): Device => {
    const known = devices.get(device);
    if (known !== undefined) return known;
    if (devices.size >= DEVICES_MAX) devices.clear();
    const fresh: Device = { seen: new Map(), stuck: 0 };
    devices.set(device, fresh);
    return fresh;
  };

  const see = (
    device: Device,
    key: string,
    value: number,
    nowMs: number,
  ): { known: Seen; isFirst: boolean } => {
    const { seen } = device;
    const known = seen.get(key);
    if (known !== undefined) return { known, isFirst: false };
    if (seen.size >= PROPERTIES_MAX) {
      seen.clear();
      device.stuck = 0;
    }
    const fresh = {
      kept: value,
      keptMs: nowMs,
      last: value,
      sinceMs: nowMs,
      reports: 0,
      stuck: false,
    };
    seen.set(key, fresh);
    return { known: fresh, isFirst: true };
  };

  return {
    silentMs(device) {
      const seconds = rulesOf(device).find(
        ({ silentAfterS }) => silentAfterS !== undefined,
      )?.silentAfterS;
      return seconds === undefined ? undefined : seconds * 1000;
    },
    forget(device) {
      for (const known of devices.get(device)?.seen.values() ?? [])
        known.keptMs = Number.NEGATIVE_INFINITY;
    },
    leave: (device) => void devices.delete(device),
    report(name, readings, nowMs) {
      const own = rulesOf(name);
      if (own.length === 0) return { keep: readings, stuck: [], moves: false };
      const keep: Reading[] = [];
      const stuck: string[] = [];
      const isNew = !devices.has(name);
      const device = deviceOf(name);
      const before = device.stuck;
      for (const reading of readings) {
        const { property, value, unit } = reading;
        const rule = own.find((one) => one.property === undefined || one.property === property);
        if (rule === undefined) {
          keep.push(reading);
          continue;
        }
        const { known, isFirst } = see(device, property, value, nowMs);
        if (known.last !== value) {
          if (known.stuck) device.stuck -= 1;
          Object.assign(known, { last: value, sinceMs: nowMs, reports: 0, stuck: false });
        }
        known.reports += 1;
        const limitMs = (rule.stuckAfterS ?? Number.POSITIVE_INFINITY) * 1000;
        if (
          !known.stuck &&
          known.reports >= STUCK_REPORTS_MIN &&
          nowMs - known.sinceMs >= limitMs
        ) {
          known.stuck = true;
          device.stuck += 1;
          stuck.push(
            `${property} has said ${value} ${unit} for ${Math.round((nowMs - known.sinceMs) / 1000)} s`,
          );
        }
        if (!isFirst && !worthKeeping(rule, known, value, nowMs)) continue;
        known.kept = value;
        known.keptMs = nowMs;
        keep.push(reading);
      }
      return { keep, stuck, moves: (before > 0 || isNew) && device.stuck === 0 };
    },
  };
}

function worthKeeping(
  rule: ReportingRule,
  { kept, keptMs }: Seen,
  value: number,
  nowMs: number,
): boolean {
  if (rule.deadband === undefined) return true;
  const heartbeatMs = rule.heartbeatS === undefined ? HEARTBEAT_MS : rule.heartbeatS * 1000;
  // Binary fractions must not decide whether 0.3 is 0.3 away.
  return Math.abs(value - kept) >= rule.deadband * (1 - 1e-9) || nowMs - keptMs >= heartbeatMs;
}

function compileGlob(glob: string): (name: string) => boolean {
  const parts = glob.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join(".*")}$`, "su");
  return (name) => pattern.test(name);
}

function remembering<T>(most: number, find: (key: string) => T): (key: string) => T {
  const found = new Map<string, T>();
  return (key) => {
    const known = found.get(key);
    if (known !== undefined) return known;
    if (found.size >= most) found.clear();
    const fresh = find(key);
    found.set(key, fresh);
    return fresh;
  };
}
