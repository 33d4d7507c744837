/**
 * Whether this machine's wall clock can be trusted, as far as it tells.
 *
 * systemd-timesyncd leaves a file once it has set the clock. Other clients leave nothing that can be
 * read without rights, so their machines are `unknown` when the date is plausible, and `unsynced` when
 * the date is before this release was made, as on a box without a battery before its first answer.
 */
import { existsSync } from "node:fs";
import type { ClockQuality } from "../ports.ts";

export type ClockQualityOptions = {
  readonly syncedFile: string;
  /** Wall time moved so much against the monotonic clock between two looks: it was set. */
  readonly stepMs: number;
  readonly lookMs: number;
};

export const CLOCK_QUALITY_DEFAULTS: ClockQualityOptions = {
  syncedFile: "/run/systemd/timesync/synchronized",
  stepMs: 1_000,
  lookMs: 10_000,
};

const MADE_MS = Date.UTC(2025, 0, 1);

export type ClockWatch = {
  /** Cheap: asked for each event. `stepped` is said until the next look finds the clock steady. */
  quality(): ClockQuality;
  close(): void;
};

export function watchClock(
  { syncedFile, stepMs, lookMs }: ClockQualityOptions = CLOCK_QUALITY_DEFAULTS,
  clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
): ClockWatch {
  const offset = () => clock.nowMs() - clock.monotonicMs();
  let lookedAt = offset();
  let steady = look();
  let stepped = false;

  function look(): ClockQuality {
    if (clock.nowMs() < MADE_MS) return "unsynced";
    return existsSync(syncedFile) ? "synced" : "unknown";
  }

  function hasStepped(): boolean {
    return Math.abs(offset() - lookedAt) > stepMs;
  }

  const timer = setInterval(() => {
    stepped = hasStepped();
    lookedAt = offset();
    steady = look();
  }, lookMs);
  timer.unref();

  return {
    quality: () => (stepped || hasStepped() ? "stepped" : steady),
    close: () => clearInterval(timer),
  };
}
