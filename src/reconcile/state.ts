/**
 * What is known of one thing after one assertion: a link of its chain. Everything that a later
 * assertion asks of the thing stands here, so that a chain is read at one point and not replayed.
 */
import type { FindingKind } from "./assertion.ts";

export type State = {
  /** Direct parent; 0 when unknown, or for a site. */
  readonly parent: number;
  /** The last known direct parent when the parent is unknown. */
  readonly lastKnown: number;
  /** When the direct parent became what it is. */
  readonly movedAt: number;
  /** The thing's own last scan, the gateway that made it, and the site of that gateway. */
  readonly seenAt: number;
  readonly seenBy: string;
  readonly seenSite: number;
  /** Last scans at other sites, while they still matter for travel times. */
  readonly elsewhere: readonly (readonly [site: number, atMs: number])[];
  /** Looked for in a count or an emptied container, and not there. */
  readonly missing: boolean;
  /** Put onto a shelf without the folder, box or envelope that it needs. */
  readonly loose: boolean;
  readonly ended: "" | "destroyed" | "disposed";
  readonly seal: "" | "closed" | "open";
  /** Departed and not yet received. */
  readonly shipped: boolean;
  readonly tracking: string;
  readonly labelCarrier: number;
  readonly labelTracking: string;
  readonly checkpoint: string;
  readonly deliveredAt: number;
  /** Its last scan cannot be true together with an earlier one elsewhere. */
  readonly conflicted: boolean;
  /** Its key is not registered, and that was said. */
  readonly strange: boolean;
  /** Place only: its last count could not be concluded. */
  readonly inconclusive: boolean;
  /** The last places before this one, for telling a clone from a move; only if policy asks. */
  readonly trail: readonly (readonly [parent: number, atMs: number])[];
};

export const BLANK: State = {
  parent: 0,
  lastKnown: 0,
  movedAt: 0,
  seenAt: 0,
  seenBy: "",
  seenSite: 0,
  elsewhere: [],
  missing: false,
  loose: false,
  ended: "",
  seal: "",
  shipped: false,
  tracking: "",
  labelCarrier: 0,
  labelTracking: "",
  checkpoint: "",
  deliveredAt: 0,
  conflicted: false,
  strange: false,
  inconclusive: false,
  trail: [],
};

/** What one assertion did to one thing. */
export type Effect = {
  readonly state: State;
  /** The parent or place that the assertion named for this thing; 0 when none. */
  readonly target: number;
  readonly moved: boolean;
  /** Whether the thing itself was scanned. */
  readonly scanned: boolean;
  /** Not empty: the assertion was refused for this thing, and why. */
  readonly refused: FindingKind | "not_with_carrier" | "";
};

export type Finding = {
  readonly kind: FindingKind;
  /** A thing, or a text when what it is about is none. */
  readonly subject: number | string;
  readonly validFrom: number;
  readonly reason: string;
};

export function sameState(a: State, b: State): boolean {
  return (
    a === b ||
    (a.parent === b.parent &&
      a.lastKnown === b.lastKnown &&
      a.movedAt === b.movedAt &&
      a.seenAt === b.seenAt &&
      a.seenBy === b.seenBy &&
      a.seenSite === b.seenSite &&
      a.missing === b.missing &&
      a.loose === b.loose &&
      a.ended === b.ended &&
      a.seal === b.seal &&
      a.shipped === b.shipped &&
      a.tracking === b.tracking &&
      a.labelCarrier === b.labelCarrier &&
      a.labelTracking === b.labelTracking &&
      a.checkpoint === b.checkpoint &&
      a.deliveredAt === b.deliveredAt &&
      a.conflicted === b.conflicted &&
      a.strange === b.strange &&
      a.inconclusive === b.inconclusive &&
      samePairs(a.elsewhere, b.elsewhere) &&
      samePairs(a.trail, b.trail))
  );
}

type Pairs = readonly (readonly [number, number])[];

function samePairs(a: Pairs, b: Pairs): boolean {
  return (
    a.length === b.length &&
    a.every(([first, second], i) => first === b[i]?.[0] && second === b[i]?.[1])
  );
}

/** Whether a finding that closes by itself still stands in this state; undefined: it never does so. */
export function stands(kind: FindingKind, state: State, custodian: number): boolean | undefined {
  switch (kind) {
    case "missing_item":
      return state.missing;
    case "missed_container_scan":
      return state.loose;
    case "count_inconclusive":
      return state.inconclusive;
    case "delivered_not_received":
    case "transit_overdue":
      return state.shipped;
    case "custody_gap":
      return state.parent === custodian;
    default:
      return undefined;
  }
}
