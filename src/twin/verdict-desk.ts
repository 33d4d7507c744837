/**
 * The twin's word on scans of a moment ago, for gateways that pass it on to whoever holds the scanner.
 *
 * An operator waits for it with the scanner in hand, so only fresh scans are spoken of, and few at once:
 * a backlog that drains is nobody's scan of a moment ago. Nothing is done while no gateway wants it.
 */
import type { FindingKind } from "../reconcile/assertion.ts";
import { encodeVerdicts, type Verdict } from "../wire/codec.ts";
import type { FreshScan, Step } from "./derive.ts";

export type GatewayVerdicts = { readonly gateway: string; readonly message: Uint8Array };

/** More scans than this in one step are no work of hands. */
const SCANS_MAX = 256;

/** Reads the data of the changes of those scans. */
export function verdictsOf({ scans, changes }: Step): readonly GatewayVerdicts[] {
  if (scans.length === 0) return [];
  const fresh = new Map(scans.slice(-SCANS_MAX).map((scan) => [scan.position, scan]));
  const verdicts = new Map<number, Verdict>();
  for (const [position, scan] of fresh) verdicts.set(position, verdict(scan, "accepted", ""));
  for (const { position, kind, data } of changesOf(changes, fresh)) {
    const scan = fresh.get(position);
    if (scan === undefined) continue;
    // What was not understood is a discrepancy too; that it should be read again says more.
    if (kind === "scan" && data["understood"] === false)
      verdicts.set(position, verdict(scan, "unknown", text(data["why"])));
    else if (kind === "scan" || !isOfTheScan(data)) continue;
    else if (verdicts.get(position)?.kind !== "unknown") {
      const word = data["kind"] === "unknown_identifier" ? "unknown" : "discrepancy";
      verdicts.set(position, verdict(scan, word, text(data["reason"])));
    }
  }
  const said = new Map<string, Verdict[]>();
  for (const [position, word] of verdicts) {
    const gateway = fresh.get(position)?.gateway ?? "";
    said.set(gateway, [...(said.get(gateway) ?? []), word]);
  }
  return [...said].map(([gateway, words]) => ({ gateway, message: encodeVerdicts(words) }));
}

/** What came to light with the scan and is no matter of the hand that made it. */
const OF_OTHERS: ReadonlySet<unknown> = new Set<FindingKind>([
  "sequence_gap",
  "clock_skew",
  "late_event",
  "carrier_mismatch",
  "transit_overdue",
  "delivered_not_received",
  "replication_pending",
  "replication_mismatch",
  "replication_overdue",
]);

function isOfTheScan(data: Readonly<Record<string, unknown>>): boolean {
  return data["severity"] !== "info" && !OF_OTHERS.has(data["kind"]);
}

function changesOf(changes: Step["changes"], fresh: ReadonlyMap<number, FreshScan>) {
  return changes.filter(
    ({ position, kind }) => fresh.has(position) && (kind === "scan" || kind === "discrepancy"),
  );
}

function verdict({ epoch, seq }: FreshScan, kind: Verdict["kind"], reason: string): Verdict {
  return { epoch, seq, kind, reason };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
