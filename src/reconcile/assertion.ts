/**
 * What scans and statements mean, in the order in which they are folded. Entities are numbers here:
 * the store gives them, and a number means nothing beyond being the same thing.
 */
import type { Kind } from "./policies.ts";

/** The place of an assertion in the fold. Nothing else decides which of two comes first. */
export type Order = {
  readonly timeMs: number;
  readonly gateway: string;
  readonly seq: number;
  readonly epoch: string;
  /** One scan may mean two things; they come in this order. */
  readonly part: number;
};

export function compareOrder(a: Order, b: Order): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  if (a.gateway !== b.gateway) return a.gateway < b.gateway ? -1 : 1;
  if (a.seq !== b.seq) return a.seq - b.seq;
  if (a.epoch !== b.epoch) return a.epoch < b.epoch ? -1 : 1;
  return a.part - b.part;
}

export type Act =
  /** `along`: moved with the children and not scanned. `document`: and so are co-located pages. */
  | {
      readonly kind: "add";
      readonly parent: number;
      readonly things: readonly number[];
      readonly along?: readonly number[];
      readonly document?: boolean;
    }
  /** Without things: everything that is in the parent. Without place: where the gateway unpacks. */
  | {
      readonly kind: "delete";
      readonly parent: number;
      readonly things?: readonly number[];
      readonly place?: number;
    }
  | { readonly kind: "observe"; readonly things: readonly number[]; readonly place?: number }
  | { readonly kind: "close"; readonly thing: number }
  /** `ifSealed`: an envelope taken up for unpacking; opens it when it was closed. */
  | { readonly kind: "open"; readonly thing: number; readonly ifSealed?: boolean }
  | {
      readonly kind: "ship";
      readonly thing: number;
      readonly carrier?: number;
      readonly tracking?: string;
    }
  | { readonly kind: "receive"; readonly thing: number; readonly place?: number }
  | { readonly kind: "destroy"; readonly things: readonly number[] }
  | {
      readonly kind: "checkpoint";
      readonly thing: number;
      readonly status: string;
      readonly place: string;
      readonly matches: boolean;
      readonly carrier?: number;
    }
  /** A carrier's label bound to a thing before it leaves. */
  | {
      readonly kind: "label";
      readonly thing: number;
      readonly carrier: number;
      readonly tracking: string;
    }
  /**
   * A finished count of `scope`; `closes` names the scan that began it. `begun`: it has a start and
   * no end yet, or, with `closes`, it was given up.
   */
  | {
      readonly kind: "count";
      readonly scope: number;
      readonly things: readonly number[];
      readonly startMs: number;
      readonly confirmedEmpty: boolean;
      readonly begun?: boolean;
      readonly closes?: number;
      readonly depth?: "pages" | "containers";
    }
  /** Master data: where a thing was put up. `parent` 0: a site, which is in nothing. */
  | { readonly kind: "place"; readonly thing: number; readonly parent: number }
  /** A finding about evidence itself. */
  | {
      readonly kind: "note";
      readonly finding: FindingKind;
      readonly subject: string;
      readonly reason: string;
    };

/** Every thing that an act names; 0 among them names none. */
export function mentionedIn(act: Act): readonly number[] {
  switch (act.kind) {
    case "add":
      return [act.parent, ...act.things, ...(act.along ?? [])];
    case "delete":
      return [act.parent, ...(act.things ?? []), act.place ?? 0];
    case "observe":
      return [...act.things, act.place ?? 0];
    case "receive":
      return [act.thing, act.place ?? 0];
    case "place":
      return [act.thing, act.parent];
    case "destroy":
      return act.things;
    case "count":
      return [act.scope, ...act.things];
    case "ship":
    case "checkpoint":
    case "label":
      return [act.thing, act.carrier ?? 0];
    case "open":
    case "close":
      return [act.thing];
    case "note":
      return [];
  }
}

export type Assertion = Order & {
  readonly id: number;
  readonly act: Act;
  readonly step: string;
  readonly operator: string;
};

export type FindingKind =
  | "missing_item"
  | "unexpected_item"
  | "unknown_identifier"
  | "misread"
  | "missed_container_scan"
  | "unrecorded_move"
  | "containment_conflict"
  | "location_conflict"
  | "ambiguous_order"
  | "containment_cycle"
  | "hierarchy_violation"
  | "duplicate_identifier"
  | "id_conflict"
  | "sequence_gap"
  | "late_event"
  | "clock_skew"
  | "count_inconclusive"
  | "partial_document"
  | "seal_broken"
  | "delivered_not_received"
  | "transit_overdue"
  | "carrier_mismatch"
  | "event_after_end_of_life"
  | "custody_gap"
  | "replication_pending"
  | "replication_mismatch"
  | "replication_overdue";

export type Severity = "info" | "warn" | "error";

const ERRORS: ReadonlySet<FindingKind> = new Set<FindingKind>([
  "missing_item",
  "containment_conflict",
  "location_conflict",
  "containment_cycle",
  "hierarchy_violation",
  "duplicate_identifier",
  "id_conflict",
  "sequence_gap",
  "event_after_end_of_life",
  "replication_mismatch",
  "replication_overdue",
]);
const INFOS: ReadonlySet<FindingKind> = new Set<FindingKind>([
  "unrecorded_move",
  "late_event",
  "replication_pending",
]);

export function severityOf(kind: FindingKind): Severity {
  return ERRORS.has(kind) ? "error" : INFOS.has(kind) ? "info" : "warn";
}

/** What is known of a thing apart from where it is. */
export type Thing = {
  readonly id: number;
  readonly key: string;
  readonly kind: Kind;
  /** False when the kind is only guessed from the key: nothing is refused because of it. */
  readonly kindKnown: boolean;
  readonly name: string;
  readonly registered: boolean;
  readonly document: number;
};

export type Gateway = {
  readonly name: string;
  readonly site: number;
  readonly defaultPlace: number;
  readonly unpackingPlace: number;
};
