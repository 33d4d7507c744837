/**
 * What a warehouse may decide for itself: which thing goes into which, windows, tolerances and
 * deadlines. A kind of discrepancy whose policy is absent is never raised.
 */
export type Kind =
  | "page"
  | "envelope"
  | "folder"
  | "box"
  | "shelf"
  | "desk"
  | "rack"
  | "room"
  | "site"
  | "person"
  | "party"
  | "carrier"
  | "other";

export type ScanOrder = "item-first" | "container-first";

/**
 * How closely documents of a class are followed: not at all, whether they have been received, or
 * every page and every move.
 */
export type DocumentLevel = "none" | "received" | "tracked";

/** A level, or levels that each hold for what was issued from a moment on, oldest first. */
export type DocumentLevels =
  | DocumentLevel
  | readonly { readonly level: DocumentLevel; readonly from?: string }[];

export type Policies = {
  readonly sameSymbolWindowMs: number;
  readonly sessionTimeoutSeconds: number;
  readonly scanOrderDefault: ScanOrder;
  /** Hours by "A-B", where A and B are names or keys of sites; either direction. */
  readonly minTravelHours: Readonly<Record<string, number>>;
  readonly deliveredNotReceivedHours: number | undefined;
  readonly transitOverdueHours: number | undefined;
  readonly custodyGapHours: number | undefined;
  readonly duplicateWindowHours: number | undefined;
  readonly presumedAfterDays: number | undefined;
  readonly undoWindowSeconds: number | undefined;
  readonly clockUncertaintySeconds: number;
  readonly clockSkewToleranceSeconds: number;
  readonly debtEvidence: "observed" | "inferred";
  /** Name or key of the place where documents are archived. */
  readonly archiveRoom: string;
  /** Raise partial_document for documents that are not together. */
  readonly checkDocuments: boolean;
  /** By document class; "*" for classes that are not named. Without either: tracked. */
  readonly documentLevels: Readonly<Record<string, DocumentLevels>>;
  readonly rankOrder: Readonly<Record<string, number>>;
  /** Pairs of (child, parent). */
  readonly allowedContainment: readonly (readonly [string, string])[];
};

export const DEFAULT_POLICIES: Policies = {
  sameSymbolWindowMs: 1000,
  sessionTimeoutSeconds: 60,
  scanOrderDefault: "item-first",
  minTravelHours: {},
  deliveredNotReceivedHours: 24,
  transitOverdueHours: undefined,
  custodyGapHours: undefined,
  duplicateWindowHours: undefined,
  presumedAfterDays: undefined,
  undoWindowSeconds: undefined,
  clockUncertaintySeconds: 2,
  clockSkewToleranceSeconds: 5,
  debtEvidence: "observed",
  archiveRoom: "Archive",
  checkDocuments: false,
  documentLevels: {},
  rankOrder: {
    page: 0,
    document: 1,
    envelope: 2,
    folder: 2,
    box: 3,
    shelf: 4,
    desk: 4,
    person: 4,
    rack: 5,
    room: 6,
    site: 7,
  },
  allowedContainment: [
    ["box", "box"],
    ["box", "desk"],
    ["box", "rack"],
    ["box", "room"],
    ["box", "shelf"],
    ["desk", "room"],
    ["envelope", "box"],
    ["envelope", "desk"],
    ["envelope", "person"],
    ["envelope", "room"],
    ["envelope", "shelf"],
    ["folder", "box"],
    ["folder", "desk"],
    ["folder", "person"],
    ["folder", "room"],
    ["folder", "shelf"],
    ["page", "box"],
    ["page", "desk"],
    ["page", "envelope"],
    ["page", "folder"],
    ["page", "person"],
    ["page", "room"],
    ["page", "shelf"],
    ["person", "room"],
    ["person", "site"],
    ["rack", "room"],
    ["room", "site"],
    ["shelf", "rack"],
    ["shelf", "room"],
  ],
};

/**
 * What was scanned is kept whatever the level, so that one raised later finds it there; `from` says
 * since when more is asked, and what was settled before by less stays settled.
 */
export function levelOf(
  { documentLevels }: Pick<Policies, "documentLevels">,
  documentClass: string,
  atMs: number,
): DocumentLevel {
  const said = documentLevels[documentClass] ?? documentLevels["*"] ?? "tracked";
  if (typeof said === "string") return said;
  const begun = said.filter(({ from }) => from === undefined || Date.parse(from) <= atMs);
  return begun.at(-1)?.level ?? "none";
}

export type Rules = {
  readonly policies: Policies;
  rank(kind: Kind): number;
  mayHold(parent: Kind, child: Kind): boolean;
  /** Whether `parent` counts as higher than `child` in a chain of scans. */
  higher(parent: Kind, child: Kind): boolean;
  /** Least travel time between two sites, each by its names; 0 when none is known. */
  travelMs(from: readonly string[], to: readonly string[]): number;
  readonly travelMaxMs: number;
};

export function rulesOf(policies: Policies): Rules {
  const pairs = new Set(policies.allowedContainment.map(([child, parent]) => `${child}>${parent}`));
  const rank = (kind: Kind) => policies.rankOrder[kind] ?? 4;
  const mayHold = (parent: Kind, child: Kind) => pairs.has(`${child}>${parent}`);
  const travelMaxMs = 3_600_000 * Math.max(0, ...Object.values(policies.minTravelHours));
  return {
    policies,
    rank,
    mayHold,
    higher(parent, child) {
      const difference = rank(parent) - rank(child);
      return difference > 0 || (difference === 0 && mayHold(parent, child));
    },
    travelMs(from, to) {
      if (travelMaxMs === 0) return 0;
      for (const a of from)
        for (const b of to) {
          const hours =
            policies.minTravelHours[`${a}-${b}`] ?? policies.minTravelHours[`${b}-${a}`];
          if (hours !== undefined) return hours * 3_600_000;
        }
      return 0;
    },
    travelMaxMs,
  };
}

/** Places stand where they were put up; no scan of something else moves them. */
export function isFixed(kind: Kind): boolean {
  switch (kind) {
    case "shelf":
    case "desk":
    case "rack":
    case "room":
    case "site":
    case "carrier":
      return true;
    default:
      return false;
  }
}

export function isContainer(kind: Kind): boolean {
  return kind === "folder" || kind === "box" || kind === "envelope";
}
