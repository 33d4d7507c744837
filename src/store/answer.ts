/** What answers have in common: evidence, what is at odds, and moments as text. */
import type { FindingKind } from "../reconcile/assertion.ts";
import type { Traced } from "./chains.ts";

export type Evidence = {
  readonly gateway: string;
  readonly epoch: string;
  readonly seq: number;
  readonly position: number;
  readonly time: string;
};

export type OpenDiscrepancy = {
  readonly kind: FindingKind;
  readonly severity: string;
  readonly subject: string;
  readonly since: string;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
};

/** Null for what has always been so, and for what never ends. */
export function iso(ms: number | undefined): string | null {
  return ms === undefined || ms <= 0 || ms >= 8.64e15 ? null : new Date(ms).toISOString();
}

/** Of a text that `iso` made; what has always been so begins before everything. */
export function msOf(text: string): number {
  return text === "" ? 0 : Date.parse(text);
}

export function evidence(
  origin: Pick<Traced, "gateway" | "epoch" | "seq" | "timeMs" | "position">,
): Evidence {
  const { seq, timeMs, position } = origin;
  // A statement stands in the fold under no gateway, so that it comes first; see manualOrder.
  const named = origin.gateway === "" ? origin.epoch.split("/") : [origin.gateway, origin.epoch];
  const [gateway = "", epoch = ""] = named;
  return { gateway, epoch, seq, position, time: iso(timeMs) ?? "" };
}
