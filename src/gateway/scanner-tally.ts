/** What a scanner's line gave since the start, counted for the page beside the figures for Prometheus. */
import type { ScannerRecord } from "./reader.ts";

export type ScannerTally = {
  readonly opens: number;
  readonly scans: number;
  /** Bytes that belong to no scan, by why. */
  readonly noise: Readonly<Record<string, number>>;
};

export function tallied(record: ScannerRecord): {
  readonly record: ScannerRecord;
  readonly tally: ScannerTally;
} {
  const noise: Record<string, number> = {};
  const tally = { opens: 0, scans: 0, noise };
  return {
    tally,
    record: {
      ...record,
      opened() {
        tally.opens += 1;
        record.opened();
      },
      scans(count) {
        tally.scans += count;
        record.scans(count);
      },
      noise(why, bytes) {
        noise[why] = (noise[why] ?? 0) + bytes;
        record.noise(why, bytes);
      },
    },
  };
}
