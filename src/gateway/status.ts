/**
 * The gateway at a glance, for its page and for `doctor`: what /healthz says, and beside it the last scans
 * and readings, the budgets and the pace. Asked when somebody looks; nothing is counted for it in vain.
 */
import type { Clock, ClockQuality, Lane, OutboxPort } from "../ports.ts";
import type { GatewayConfig } from "./config.ts";
import type { RecentReading } from "./recent-readings.ts";
import type { RecentScan } from "./recent-scans.ts";
import type { Health, ScannerView } from "./run.ts";
import type { ScannerTally } from "./scanner-tally.ts";
import type { LineView } from "./sensing.ts";

export type Status = Omit<Health, "scanners"> & {
  readonly nowMs: number;
  readonly startedMs: number;
  readonly clock: {
    readonly quality: ClockQuality;
    /** The twin's clock minus ours; null: never heard of it. */
    readonly twinOffsetS: number | null;
  };
  readonly link: { readonly connected: boolean; readonly url: string };
  readonly budget: GatewayConfig["outbox"];
  /** Events on disk a second, since somebody looked last; null at the first look. */
  readonly pace: Readonly<Record<Lane, number>> | null;
  readonly scanners: readonly (ScannerView & ScannerTally)[];
  /** What came over the lines of instruments. */
  readonly lines: readonly LineView[];
  /** Readings that could not be kept and cannot be asked for again. */
  readonly lost: number;
  readonly scans: readonly RecentScan[];
  readonly readings: readonly RecentReading[];
};

type Look = { readonly atMs: number; readonly scan: number; readonly telemetry: number };

/** A shorter time says little. */
const PACE_MS_MIN = 900;
const PACE_MS_MAX = 10_000;

/** `pace()` between two looks that are a while apart, whoever looked. */
export function createPace({
  clock,
  outbox,
}: {
  readonly clock: Clock;
  readonly outbox: OutboxPort;
}): () => Status["pace"] {
  let looks: readonly Look[] = [];
  return () => {
    const now: Look = {
      atMs: clock.monotonicMs(),
      scan: outbox.state("scan").lastSeq,
      telemetry: outbox.state("telemetry").lastSeq,
    };
    looks = [...looks.filter(({ atMs }) => now.atMs - atMs <= PACE_MS_MAX), now].slice(-64);
    const before = looks.findLast(({ atMs }) => now.atMs - atMs >= PACE_MS_MIN);
    if (before === undefined) return null;
    const seconds = (now.atMs - before.atMs) / 1000;
    const pace = (lane: Lane) => Math.round((10 * (now[lane] - before[lane])) / seconds) / 10;
    return { scan: pace("scan"), telemetry: pace("telemetry") };
  };
}
