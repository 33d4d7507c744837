/** What is wrong with the clock: what it says goes into every event. */
import type { ClockQuality } from "../../ports.ts";
import { type Finding, finding } from "./finding.ts";

export type ClockFacts = {
  readonly nowMs: number;
  readonly quality: ClockQuality;
  /** The twin's minus ours; null: not heard. */
  readonly twinOffsetS: number | null;
  /** A program that sets the clock runs. */
  readonly isKept: boolean;
};

const OFFSET_S_MAX = 5;

export function judgeClock({
  nowMs,
  quality,
  twinOffsetS,
  isKept,
}: ClockFacts): readonly Finding[] {
  if (quality === "unsynced")
    return [
      finding("clock-not-set", "clock", [
        `it says ${new Date(nowMs).toISOString().slice(0, 10)}, which is before this release was made`,
        "it has no battery, and nobody has set it since the power came",
        "let systemd-timesyncd or chrony run and reach a time server: `timedatectl`",
      ]),
    ];
  if (twinOffsetS !== null && Math.abs(twinOffsetS) > OFFSET_S_MAX)
    return [
      finding("clock-differs", "clock", [
        `it is ${Math.abs(twinOffsetS).toFixed(1)} s ${twinOffsetS > 0 ? "behind" : "ahead of"} the twin's`,
        "one of the two is not set by a time server",
        "`timedatectl` on both; events keep their order, and the twin corrects what it can",
      ]),
    ];
  if (quality !== "synced" && !isKept)
    return [
      finding(
        "clock-unkept",
        "clock",
        [
          "nothing keeps it right",
          "no time service runs here (systemd-timesyncd, chrony, ntpd)",
          "timedatectl set-ntp true",
        ],
        false,
      ),
    ];
  return [];
}
