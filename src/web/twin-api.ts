/** What the twin's API asks, takes and answers. Written by `npm run client`; do not edit. */

export type Role = "viewer" | "operator" | "archivist" | "approver" | "administrator";

export type PrincipalKind = "user" | "token" | "local";

export type TokenState = "valid" | "expired" | "revoked";

export type AccessKind = "done" | "refused";

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

export type Thing = {
  /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
  readonly key: string;

  /** As on the label, with brackets */
  readonly elementString: string;

  readonly kind: Kind;

  readonly name: string | null;
};

export type Path = readonly Thing[];

export type State = "placed" | "in_transit" | "unknown" | "destroyed";

export type Certainty = "observed" | "inferred" | "presumed" | "conflicted" | "unknown";

export type Evidence = {
  readonly gateway: string;

  readonly epoch: string;

  readonly seq: number;

  readonly position: number;

  /** UTC instant; empty where it has always been so */
  readonly time: string;
};

export type Move = {
  readonly from: string | null;

  readonly to: string | null;

  readonly parent: Thing | null;

  readonly path: Path;

  readonly action: string;

  readonly bizStep: string;

  readonly by: string;

  readonly certainty: Certainty;

  readonly knownFrom: string;

  readonly evidence: readonly Evidence[];
};

export type Child = {
  /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
  readonly key: string;

  /** As on the label, with brackets */
  readonly elementString: string;

  readonly kind: Kind;

  readonly name: string | null;

  readonly since: string | null;

  readonly certainty: Certainty;
};

export type Found = {
  /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
  readonly key: string;

  /** As on the label, with brackets */
  readonly elementString: string;

  readonly kind: Kind;

  readonly name: string | null;

  readonly path: Path;
};

export type Cell = {
  /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
  readonly key: string;

  /** As on the label, with brackets */
  readonly elementString: string;

  readonly kind: Kind;

  readonly name: string | null;

  /** Things directly in it */
  readonly holds: number;

  /** There are more than were counted */
  readonly more: boolean;

  readonly changed: string | null;
};

export type CountResult = {
  readonly expected: number;

  readonly found: number;

  readonly missing: readonly Thing[];

  readonly unexpected: readonly Thing[];
};

export type Holder = {
  readonly who: Thing;

  readonly since: string | null;
};

export type CarrierCheckpoint = {
  /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
  readonly time: string;

  /** As the carrier says: transit, delivered, ... */
  readonly status: string;

  readonly place: string | null;

  readonly of: Thing;

  readonly evidence: readonly Evidence[];
};

export type Recorded = {
  readonly gateway: string;

  readonly epoch: string;

  readonly seq: number;

  /** The log position that the answer reflects */
  readonly position: number;

  /** It had been recorded before, under this key */
  readonly repeated: boolean;
};

export type Severity = "error" | "warn" | "info";

export type EventName = {
  readonly gateway: string;

  readonly epoch: string;

  readonly seq: number;
};

export type ResolvedBy = "event" | "late_event" | "void" | "registration" | "human";

export type Discrepancy = {
  readonly kind: string;

  readonly severity: Severity;

  readonly subject: string;

  readonly since: string;

  readonly reason: string;

  readonly evidence: readonly Evidence[];

  /** Gateways that may still tell where a thing went that a count did not find; empty: final */
  readonly awaits: readonly string[];

  readonly acknowledged: {
    readonly by: string;

    readonly reason: string;

    readonly time: string;

    readonly statement: EventName;
  } | null;

  readonly assigned: {
    /** Who is to see to it */
    readonly to: string;

    readonly by: string;

    readonly time: string;

    readonly statement: EventName;
  } | null;

  readonly resolved: {
    readonly by: ResolvedBy;

    readonly reason: string;

    readonly person: string | null;

    readonly time: string | null;

    readonly statement: EventName | null;
  } | null;

  readonly place: {
    readonly path: Path;

    /** It is not known to be there now: it was last */
    readonly last: boolean;
  } | null;
};

export type Level = "none" | "received" | "tracked";

export type Wholeness = "whole" | "partial" | "unknown";

export type DocumentStatus = "none" | "debt" | "overdue" | "cleared";

export type DocumentPage = {
  /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
  readonly key: string;

  /** As on the label, with brackets */
  readonly elementString: string;

  readonly kind: Kind;

  readonly name: string | null;

  readonly path: Path;

  readonly state: State;

  readonly certainty: Certainty;

  readonly lastSeen: string | null;
};

export type Document = {
  readonly id: string;

  readonly class: string;

  readonly className: string | null;

  readonly level: Level;

  readonly wholeness: Wholeness;

  readonly status: DocumentStatus;

  readonly obligations: readonly {
    readonly status: DocumentStatus;

    readonly issued: string | null;

    readonly due: string | null;

    readonly cleared: string | null;

    readonly debtor: string | null;

    readonly debtorName: string | null;

    readonly responsible: string | null;

    readonly responsibleName: string | null;
  }[];

  readonly reminders: readonly {
    readonly time: string | null;

    readonly by: string;

    readonly note: string;
  }[];

  readonly received: {
    readonly time: string | null;

    readonly by: string;
  } | null;

  readonly pages: readonly DocumentPage[];
};

export type GateStatus = "blocked" | "open";

export type Gate = {
  readonly name: string;

  readonly entity: string;

  readonly target: string;

  readonly status: GateStatus;

  readonly since: string | null;

  readonly issued: string | null;

  readonly deadline: string | null;

  readonly cause: readonly {
    readonly kind: string;

    readonly reason: string;
  }[];

  readonly executions: readonly {
    readonly process: string;

    readonly time: string | null;

    readonly by: string;

    readonly statement: EventName;

    /** Of the gate, by what was known when it ran */
    readonly believed: string;

    /** Of the gate when it ran, by what is known */
    readonly now: string;
  }[];
};

export type Where = {
  /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
  readonly key: string;

  /** As on the label, with brackets */
  readonly elementString: string;

  readonly kind: Kind;

  readonly name: string | null;

  readonly registered: boolean;

  readonly path: Path;

  readonly state: State;

  readonly since: string | null;

  readonly lastSeen: string | null;

  readonly lastKnown: Path | null;

  readonly certainty: Certainty;

  readonly disposition: string;

  readonly tracking: string | null;

  readonly checkpoint: string | null;

  readonly evidence: readonly Evidence[];
};

export type Change = "learned" | "withdrawn";

export type WhyReason = {
  readonly change: Change;

  readonly thing: Thing;

  readonly parent: Thing | null;

  readonly action: string;

  readonly bizStep: string;

  readonly moved: boolean;

  readonly time: string | null;

  readonly knownFrom: string | null;

  readonly evidence: Evidence;

  readonly voided: {
    readonly by: EventName;

    readonly reason: string;
  } | null;
};

export type ReviewKind = "process" | "reminder" | "gate";

export type Review = {
  readonly kind: ReviewKind;

  readonly about: string;

  readonly what: string;

  readonly by: string;

  readonly time: string | null;

  readonly statement: EventName | null;

  readonly believed: string;

  readonly now: string;

  readonly reasons: readonly WhyReason[];
};

export type Ageing = {
  readonly notDue: number;

  readonly to30: number;

  readonly to60: number;

  readonly to90: number;

  readonly over90: number;
};

export type DebtGroup = {
  readonly debtor: string | null;

  readonly debtorName: string | null;

  readonly responsible: string | null;

  readonly responsibleName: string | null;

  readonly documents: number;

  readonly overdue: number;

  readonly ageing: Ageing;

  readonly oldestDue: string | null;

  readonly reminders: number;

  readonly lastReminder: string | null;
};

export type AuditedEvent = {
  readonly gateway: string;

  readonly epoch: string;

  readonly seq: number;

  readonly time: string | null;

  readonly action: string;

  readonly bizStep: string;

  readonly by: string;

  readonly things: readonly Thing[];

  readonly knownFrom: string | null;

  readonly voided: {
    readonly by: EventName;

    readonly reason: string;
  } | null;

  readonly refused: {
    /** It did nothing at all */
    readonly whole: boolean;

    readonly things: readonly {
      readonly key: string;

      readonly why: string;
    }[];
  } | null;
};

export type AuditedRead = {
  readonly gateway: string;

  readonly epoch: string;

  readonly seq: number;

  readonly time: string | null;

  readonly scanner: string;

  readonly code: string;

  /** taken, bounce, command, misread, foreign, wrong_class or refused */
  readonly became: string;

  readonly reason: string;
};

export type RegisterList =
  | "places"
  | "persons"
  | "parties"
  | "things"
  | "documents"
  | "documentClasses"
  | "gateways"
  | "scanners"
  | "ranges";

export type TableProblem = {
  /** 1 is the line of names */
  readonly line: number;

  readonly column: string;

  readonly what: string;
};

export type DocumentClass = {
  /** * stands for classes that are not named */
  readonly class: string;

  readonly name: string | null;

  readonly level: Level;

  readonly levels: readonly {
    readonly level: Level;

    readonly from: string | null;
  }[];
};

export type Phone = {
  /** The name it sends its scans under */
  readonly gateway: string;

  readonly label: string;

  /** Key of the site; empty when nobody said */
  readonly site: string;

  readonly enrolledAt: string;

  readonly revokedAt: string | null;
};

export type AllowedRange = {
  readonly low: number | null;

  readonly high: number | null;
};

export type Alarm = {
  /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
  readonly since: string;
};

export type Series = {
  readonly device: string;

  readonly property: string;

  /** UCUM code */
  readonly unit: string;

  readonly gateway: string;

  readonly readings: number;

  readonly last: {
    /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
    readonly time: string;

    readonly value: number;
  };

  readonly range: AllowedRange | null;

  readonly alarm: Alarm | null;
};

export type Bucket = {
  /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
  readonly time: string;

  readonly min: number;

  readonly max: number;

  readonly mean: number;

  readonly count: number;
};

export type ClockQuality = "synced" | "unsynced" | "stepped" | "unknown";

export type GatewayClock = {
  readonly quality: ClockQuality;

  /** The gateway's clock minus the twin's, less the shortest time on the way: below a second or two it says nothing */
  readonly aheadMs: number;

  /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
  readonly at: string;
};

export type DeviceState = {
  readonly device: string;

  /** absent, opening, open, silent or faulted */
  readonly state: string;

  /** Empty where there is nothing to say */
  readonly reason: string;

  /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
  readonly since: string;

  /** Of the event in which the gateway says so */
  readonly position: number;
};

export type Gateway = {
  readonly gateway: string;

  readonly connected: boolean;

  readonly since: string | null;

  readonly heardAt: string | null;

  readonly clock: GatewayClock | null;

  readonly lanes: readonly {
    readonly epoch: string;

    readonly lane: string;

    readonly through: number;

    readonly lastTakenInAt: string | null;

    readonly waiting: number | null;

    readonly waitingAt: string | null;

    /** What the gateway no longer had when it was asked for */
    readonly missing: {
      readonly events: number;

      /** How many ranges of numbers those are */
      readonly holes: number;

      /** The newest 20 of them, newest first */
      readonly ranges: readonly {
        readonly firstSeq: number;

        readonly lastSeq: number;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly since: string;
      }[];

      /** Empty where nothing is missing */
      readonly next: string;
    };
  }[];

  /** As last told; while the gateway is not connected, as it was then */
  readonly devices: readonly DeviceState[];
};

export type TakenIn = {
  readonly position: number;

  readonly gateway: string;

  readonly epoch: string;

  readonly seq: number;

  readonly lane: string;

  /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
  readonly takenInAt: string;

  readonly device?: string | undefined;

  readonly boot?: number | undefined;

  readonly clock?: string | undefined;

  /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
  readonly gatewayTime?: string | undefined;

  readonly sourceTime?: string | null | undefined;

  readonly scan?:
    | {
        readonly text: string;

        /** base64 */
        readonly raw: string;

        readonly aim: string;

        readonly framing: string;

        readonly step: string | null;

        readonly operator: string | null;

        /** It may be the scan before it, sent again because the answer to it was lost; it counts as a scan of its own */
        readonly suspectedRepeat: boolean;
      }
    | undefined;

  readonly readings?:
    | readonly {
        readonly property: string;

        readonly value: number;

        readonly unit: string;
      }[]
    | undefined;

  readonly statement?:
    | {
        readonly kind: string;

        readonly json: string;
      }
    | undefined;

  readonly deviceState?:
    | {
        readonly state: string;

        readonly reason: string;
      }
    | undefined;

  /** Why it is not understood */
  readonly problem?: string | undefined;
};

export type TwinApi = {
  /** Log in: the answer sets the cookie of a session */
  readonly "POST login": {
    readonly body: {
      readonly name: string;

      readonly password: string;
    };
    readonly answer: {
      readonly name: string;

      /** As statements name them */
      readonly person: string;

      readonly role: Role;

      readonly kind: PrincipalKind;
    };
  };
  /** Log in by a link that works once */
  readonly "POST login/key": {
    readonly body: {
      readonly key: string;
    };
    readonly answer: {
      readonly name: string;

      /** As statements name them */
      readonly person: string;

      readonly role: Role;

      readonly kind: PrincipalKind;
    };
  };
  /** A key for a link that logs a user in, once: /login#KEY */
  readonly "POST login/keys": {
    readonly body: {
      /** What they log in with */
      readonly name: string;
    };
    readonly answer: {
      readonly name: string;

      readonly key: string;

      /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
      readonly ends: string;
    };
  };
  /** End the session that asks, or all of its user */
  readonly "POST logout": {
    readonly body: {
      readonly everywhere?: boolean | undefined;
    };
    readonly answer: {
      readonly loggedOut: boolean;
    };
  };
  /** Who the twin takes the caller for */
  readonly "GET whoami": {
    readonly answer: {
      readonly name: string;

      /** As statements name them */
      readonly person: string;

      readonly role: Role;

      readonly kind: PrincipalKind;
    };
  };
  /** Change one's own password; other sessions end */
  readonly "POST password": {
    readonly body: {
      readonly current: string;

      readonly password: string;
    };
    readonly answer: {
      readonly name: string;
    };
  };
  /** The users of the twin */
  readonly "GET users": {
    readonly answer: {
      readonly users: readonly {
        readonly name: string;

        readonly person: string;

        readonly role: Role;

        readonly disabled: boolean;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly made: string;

        readonly lastLogin: string | null;
      }[];
    };
  };
  /** A new user; without a password one is made and told once */
  readonly "POST users": {
    readonly body: {
      /** What they log in with */
      readonly name: string;

      /** As statements name them */
      readonly person?: string | undefined;

      readonly role: "viewer" | "operator" | "archivist" | "approver" | "administrator";

      readonly password?: string | undefined;
    };
    readonly answer: {
      readonly name: string;

      readonly person: string;

      readonly role: Role;

      readonly disabled: boolean;

      /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
      readonly made: string;

      readonly lastLogin: string | null;

      readonly password: string | null;
    };
  };
  /** What a user may, is called, or whether they may log in at all */
  readonly "POST users/changes": {
    readonly body: {
      /** What they log in with */
      readonly name: string;

      /** As statements name them */
      readonly person?: string | undefined;

      readonly role?:
        | "viewer"
        | "operator"
        | "archivist"
        | "approver"
        | "administrator"
        | undefined;

      readonly disabled?: boolean | undefined;
    };
    readonly answer: {
      readonly name: string;

      readonly person: string;

      readonly role: Role;

      readonly disabled: boolean;

      /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
      readonly made: string;

      readonly lastLogin: string | null;
    };
  };
  /** A new password for a user, whose sessions end; without one it is made and told once */
  readonly "POST users/passwords": {
    readonly body: {
      /** What they log in with */
      readonly name: string;

      readonly password?: string | undefined;
    };
    readonly answer: {
      readonly name: string;

      readonly person: string;

      readonly role: Role;

      readonly disabled: boolean;

      /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
      readonly made: string;

      readonly lastLogin: string | null;

      readonly password: string | null;
    };
  };
  /** Tokens of machines, revoked and expired ones among them */
  readonly "GET tokens": {
    readonly answer: {
      readonly tokens: readonly {
        readonly name: string;

        readonly role: Role;

        readonly state: TokenState;

        readonly madeBy: string;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly made: string;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly ends: string;

        readonly lastUsed: string | null;
      }[];
    };
  };
  /** A token for a machine; it is told this once */
  readonly "POST tokens": {
    readonly body: {
      readonly name: string;

      readonly role: "viewer" | "operator" | "archivist" | "approver" | "administrator";

      readonly days?: number | undefined;
    };
    readonly answer: {
      readonly name: string;

      readonly role: Role;

      readonly state: TokenState;

      readonly madeBy: string;

      /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
      readonly made: string;

      /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
      readonly ends: string;

      readonly lastUsed: string | null;

      readonly token: string;
    };
  };
  /** A token is good for nothing from now on; streams that rest on it end */
  readonly "POST tokens/revocations": {
    readonly body: {
      readonly name: string;
    };
    readonly answer: {
      readonly name: string;

      readonly revoked: boolean;
    };
  };
  /** Every address that is served here, and the least role that may ask it */
  readonly "GET audit/routes": {
    readonly answer: {
      readonly routes: readonly {
        readonly method: string;

        readonly url: string;

        readonly role: string;
      }[];
    };
  };
  /** Who logged in, wrote and was refused, the newest first */
  readonly "GET audit/access": {
    readonly query: {
      readonly limit?: number | undefined;

      readonly before?: number | undefined;

      readonly who?: string | undefined;
    };

    readonly answer: {
      readonly entries: readonly {
        readonly n: number;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly time: string;

        readonly kind: AccessKind;

        /** Empty when nobody was recognised */
        readonly who: string;

        readonly role: string;

        readonly address: string;

        readonly what: string;

        readonly status: number;

        readonly times: number;
      }[];

      readonly next: number | null;
    };
  };
  /** Where a thing is, or was `at` a time, as it was known `asKnownAt` a time */
  readonly "GET where": {
    readonly query: {
      readonly id: string;

      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;
    };

    readonly answer: {
      readonly id: string;

      /** The log position that the answer reflects */
      readonly position: number;

      /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
      readonly key: string;

      /** As on the label, with brackets */
      readonly elementString: string;

      readonly kind: Kind;

      readonly name: string | null;

      readonly registered: boolean;

      readonly path: Path;

      readonly state: State;

      readonly since: string | null;

      readonly lastSeen: string | null;

      readonly lastKnown: Path | null;

      readonly certainty: Certainty;

      readonly disposition: string;

      readonly tracking: string | null;

      readonly checkpoint: string | null;

      readonly evidence: readonly Evidence[];
    };
  };
  /** Every place a thing was in, newest last */
  readonly "GET history": {
    readonly query: {
      readonly id: string;

      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;
    };

    readonly answer: {
      readonly id: string;

      /** The log position that the answer reflects */
      readonly position: number;

      /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
      readonly key: string;

      /** As on the label, with brackets */
      readonly elementString: string;

      readonly kind: Kind;

      readonly name: string | null;

      readonly moves: readonly Move[];
    };
  };
  /** What is directly in a thing */
  readonly "GET contents": {
    readonly query: {
      readonly id: string;

      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;

      readonly limit?: number | undefined;

      readonly cursor?: number | undefined;
    };

    readonly answer: {
      readonly id: string;

      /** The log position that the answer reflects */
      readonly position: number;

      /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
      readonly key: string;

      /** As on the label, with brackets */
      readonly elementString: string;

      readonly kind: Kind;

      readonly name: string | null;

      readonly children: readonly Child[];

      readonly more: boolean;

      readonly next: number | null;
    };
  };
  /** Things by any barcode form, the beginning of a serial, of a tracking number or of a name; an exact match comes first */
  readonly "GET search": {
    readonly query: {
      readonly q: string;

      readonly limit?: number | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly results: readonly Found[];

      /** Documents whose number begins so */
      readonly documents: readonly string[];

      /** When nothing was found: what has nearly this serial */
      readonly near: readonly Found[];
    };
  };
  /** The sites that gateways stand at: where a map begins */
  readonly "GET sites": {
    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly sites: readonly Thing[];
    };
  };
  /** What is directly in a place, with how much is in each of it and when that changed */
  readonly "GET map": {
    readonly query: {
      readonly id: string;

      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
      readonly key: string;

      /** As on the label, with brackets */
      readonly elementString: string;

      readonly kind: Kind;

      readonly name: string | null;

      readonly path: Path;

      readonly cells: readonly Cell[];

      readonly more: boolean;
    };
  };
  /** What the last concluded count of a place came to */
  readonly "GET counts": {
    readonly query: {
      readonly id: string;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
      readonly key: string;

      /** As on the label, with brackets */
      readonly elementString: string;

      readonly kind: Kind;

      readonly name: string | null;

      readonly last: CountResult | null;
    };
  };
  /** What carriers said of a thing or of what it is in, and who has it */
  readonly "GET checkpoints": {
    readonly query: {
      readonly id: string;

      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly id: string;

      /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
      readonly key: string;

      /** As on the label, with brackets */
      readonly elementString: string;

      readonly kind: Kind;

      readonly name: string | null;

      readonly heldBy: Holder | null;

      /** The oldest first */
      readonly checkpoints: readonly CarrierCheckpoint[];
    };
  };
  /** What a carrier says of an envelope that it has */
  readonly "POST checkpoints": {
    readonly body: {
      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly id: string;

      /** transit, delivered, ... */
      readonly status: string;

      readonly time: string;

      /** Where, in the carrier's words */
      readonly place?: string | undefined;

      /** Name of the carrier */
      readonly carrier?: string | undefined;

      /** Whether origin, destination and service are the shipment's */
      readonly matches?: boolean | undefined;
    };
    readonly answer: Recorded;
  };
  /** Where model and world differ or did, why, and how it was settled */
  readonly "GET discrepancies": {
    readonly query: {
      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;

      readonly status?: "open" | "resolved" | "all" | undefined;

      readonly kind?: string | undefined;

      readonly severity?: "info" | "warn" | "error" | undefined;

      readonly subject?: string | undefined;

      readonly place?: string | undefined;

      readonly before?: string | undefined;

      readonly assignee?: string | undefined;

      readonly order?: "newest" | "gravest" | undefined;

      readonly limit?: number | undefined;

      readonly cursor?: string | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly open: readonly Discrepancy[];

      readonly resolved: readonly Discrepancy[];

      readonly next: string | null;
    };
  };
  /** Documents: their pages and where each is, whether they are together and whether owed */
  readonly "GET documents": {
    readonly query: {
      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;

      readonly id?: string | undefined;

      readonly class?: string | undefined;

      readonly status?: "debt" | "overdue" | "cleared" | "none" | "partial" | undefined;

      readonly debtor?: string | undefined;

      readonly responsible?: string | undefined;

      readonly limit?: number | undefined;

      readonly cursor?: string | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly documents: readonly Document[];

      readonly next: string | null;
    };
  };
  /** A document and its pages; pages named later are added */
  readonly "POST documents": {
    readonly body: {
      /** Number of the document */
      readonly id: string;

      /** consignment-note, invoice, ... */
      readonly class?: string | undefined;

      readonly pages: readonly string[];
    };
    readonly answer: Recorded;
  };
  /** What has to be where before a process may run, whether it is, and what ran meanwhile */
  readonly "GET gates": {
    readonly query: {
      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;

      readonly name?: string | undefined;

      readonly status?: "blocked" | "open" | undefined;

      readonly limit?: number | undefined;

      readonly cursor?: number | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly gates: readonly Gate[];

      readonly next: number | null;
    };
  };
  /** A thing is to be somewhere before a process may run; open once it was observed there */
  readonly "POST gates": {
    readonly body: {
      /** Name of the gate */
      readonly name: string;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly entity: string;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly target: string;

      readonly issued: string;

      readonly deadline: string;
    };
    readonly answer: Recorded;
  };
  /** Why the answer changed between two moments of knowledge, and by what evidence */
  readonly "GET why": {
    readonly query: {
      readonly id: string;

      readonly at?: string | undefined;

      readonly asKnownAt1: string;

      readonly asKnownAt2?: string | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly id: string;

      /** GS1 Digital Link path; https://id.gs1.org/<key> names it to others */
      readonly key: string;

      /** As on the label, with brackets */
      readonly elementString: string;

      readonly kind: Kind;

      readonly name: string | null;

      readonly at: string | null;

      readonly changed: boolean;

      readonly before: Where;

      readonly after: Where;

      readonly reasons: readonly WhyReason[];

      readonly more: boolean;
    };
  };
  /** Processes, reminders and gates that rested on what is no longer believed */
  readonly "GET reviews": {
    readonly query: {
      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;

      readonly limit?: number | undefined;

      readonly cursor?: number | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly reviews: readonly Review[];

      readonly more: boolean;

      readonly next: number | null;
    };
  };
  /** Debts by customer and account manager: how many, how old, and when one was reminded */
  readonly "GET debts": {
    readonly query: {
      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly groups: readonly DebtGroup[];

      /** More is owed than was summed up */
      readonly more: boolean;
    };
  };
  /** What scans and statements came to mean, voided and refused events among them */
  readonly "GET audit/events": {
    readonly query: {
      readonly from: string;

      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;

      readonly limit?: number | undefined;

      readonly cursor?: string | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly events: readonly AuditedEvent[];

      /** There are more */
      readonly more: boolean;

      readonly next: string | null;
    };
  };
  /** What became of each read of a gateway's scanners */
  readonly "GET audit/reads": {
    readonly query: {
      readonly from: string;

      readonly at?: string | undefined;

      readonly asKnownAt?: string | undefined;

      readonly limit?: number | undefined;

      readonly cursor?: string | undefined;

      readonly gateway: string;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly reads: readonly AuditedRead[];

      /** There are more */
      readonly more: boolean;

      readonly next: string | null;
    };
  };
  /** Master data, a list a page at a time */
  readonly "GET register": {
    readonly query: {
      readonly list: RegisterList;

      readonly limit?: number | undefined;

      readonly cursor?: string | undefined;
    };

    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly columns: readonly string[];

      readonly rows: readonly Readonly<Record<string, string>>[];

      readonly next: string | null;
    };
  };
  /** Master data, a list as CSV (RFC 4180, UTF-8) that a spreadsheet opens */
  readonly "GET register/table": {
    readonly query: {
      readonly list: RegisterList;
    };

    readonly answer: string;
  };
  /** A list as CSV: tried, or taken in if no row has a mistake */
  readonly "POST register/table": {
    readonly body: {
      readonly list: RegisterList;

      /** CSV with a line of names */
      readonly table: string;

      /** Says what is wrong and takes nothing in */
      readonly only?: "preview" | undefined;
    };
    readonly answer: {
      /** A list of this position has what was taken in */
      readonly position: number;

      readonly rows: number;

      readonly recorded: number | null;

      readonly problems: readonly TableProblem[];
    };
  };
  /** Classes of documents and how closely each is followed: what people said over the configuration */
  readonly "GET register/classes": {
    readonly answer: {
      /** The log position that the answer reflects */
      readonly position: number;

      readonly classes: readonly DocumentClass[];

      readonly others: DocumentClass;
    };
  };
  /** What is kept: since when, how much, and what was lost before it came in */
  readonly "GET retention": {
    readonly answer: {
      /** In the evidence; none is ever deleted */
      readonly events: number;

      readonly since: string | null;

      /** Numbers that never came in; GET /api/v1/gateways says of which gateway */
      readonly lost: number;

      readonly quarantine: {
        /** Not taken in, and kept: GET /api/v1/quarantine */
        readonly held: number;

        /** Older ones that made room */
        readonly evicted: number;
      };
    };
  };
  /** An event that did not happen as it was read; it may not have been taken in yet */
  readonly "POST voids": {
    readonly body: {
      /** Of the event; twin for what was stated here */
      readonly gateway: string;

      /** Numbering of the event */
      readonly epoch: string;

      readonly seq: number;

      /** Why */
      readonly reason: string;

      /** Who says so; the caller, if not said */
      readonly by?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A person settles a discrepancy, with the reason; it stays on record */
  readonly "POST discrepancies/resolutions": {
    readonly body: {
      /** Kind of the discrepancy */
      readonly kind: string;

      /** What it is about: any form of an id, or its text */
      readonly subject: string;

      /** Why it is settled */
      readonly reason: string;

      /** Who settles it; the caller, if not said */
      readonly by?: string | undefined;

      readonly time?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A person has taken note of a discrepancy; it stays open */
  readonly "POST discrepancies/acknowledgements": {
    readonly body: {
      /** Kind of the discrepancy */
      readonly kind: string;

      /** What it is about: any form of an id, or its text */
      readonly subject: string;

      /** What is being done */
      readonly reason?: string | undefined;

      /** Who has taken note; the caller, if not said */
      readonly by?: string | undefined;

      readonly time?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A person is to see to a discrepancy; the last one said counts, and nobody takes it back */
  readonly "POST discrepancies/assignments": {
    readonly body: {
      /** Kind of the discrepancy */
      readonly kind: string;

      /** What it is about: any form of an id, or its text */
      readonly subject: string;

      /** Who is to see to it; empty: nobody */
      readonly to: string;

      /** Who says so; the caller, if not said */
      readonly by?: string | undefined;

      readonly time?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A label or place that is in use from now on; what was scanned of it before is attached */
  readonly "POST registrations": {
    readonly body: {
      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly id: string;

      /** What it is: page, envelope, folder, box, person, site, room, rack, shelf, desk */
      readonly kind:
        | "page"
        | "envelope"
        | "folder"
        | "box"
        | "person"
        | "site"
        | "room"
        | "rack"
        | "shelf"
        | "desk";

      /** What people call it */
      readonly name?: string | undefined;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly parent?: string | undefined;

      readonly since?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A foreign barcode that stands for a thing; earlier scans of it take on that meaning */
  readonly "POST aliases": {
    readonly body: {
      /** The barcode as it was read */
      readonly value: string;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly id: string;
    };
    readonly answer: Recorded;
  };
  /** A carrier's label bound to an envelope before it leaves */
  readonly "POST labels": {
    readonly body: {
      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly id: string;

      /** Name of the carrier */
      readonly carrier: string;

      /** Number on the label */
      readonly tracking: string;

      readonly time?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A gateway has told everything up to a moment: what counts missed is then final */
  readonly "POST watermarks": {
    readonly body: {
      /** Its name */
      readonly gateway: string;

      readonly through: string;

      /** Who says so; the caller, if not said */
      readonly by?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A document that is owed to the archive */
  readonly "POST obligations": {
    readonly body: {
      /** Its number */
      readonly document: string;

      readonly issued: string;

      readonly due: string;

      /** Who owes it */
      readonly debtor?: string | undefined;

      /** Who of us sees to it that it comes */
      readonly responsible?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A person has received a document: enough where its class asks for no more */
  readonly "POST receipts": {
    readonly body: {
      /** Its number */
      readonly document: string;

      /** Who received it; the caller, if not said */
      readonly by?: string | undefined;

      readonly time?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A debtor was reminded of a document */
  readonly "POST reminders": {
    readonly body: {
      /** Its number */
      readonly document: string;

      /** Words */
      readonly note?: string | undefined;

      /** Who says so; the caller, if not said */
      readonly by?: string | undefined;

      readonly time?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** A process ran behind a gate */
  readonly "POST executions": {
    readonly body: {
      /** Name of the gate */
      readonly gate: string;

      /** What ran */
      readonly process: string;

      /** Who says so; the caller, if not said */
      readonly by?: string | undefined;

      readonly time?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** What no scan said, at the time at which it was true */
  readonly "POST corrections": {
    readonly body: {
      /** What happened: ADD, DELETE, OBSERVE, CLOSE, OPEN, SHIP, RECEIVE, DISCARD, DESTROY, COUNT */
      readonly type:
        | "ADD"
        | "DELETE"
        | "OBSERVE"
        | "CLOSE"
        | "OPEN"
        | "SHIP"
        | "RECEIVE"
        | "DISCARD"
        | "DESTROY"
        | "COUNT";

      readonly time: string;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly parent?: string | undefined;

      readonly children?: readonly string[] | undefined;

      readonly inferredChildren?: readonly string[] | undefined;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly place?: string | undefined;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly epc?: string | undefined;

      readonly epcs?: readonly string[] | undefined;

      readonly scanned?: readonly string[] | undefined;

      readonly start?: string | undefined;

      /** Depth of a count: pages, containers */
      readonly depth?: "pages" | "containers" | undefined;

      readonly confirmedEmpty?: boolean | undefined;

      /** Name of the carrier */
      readonly carrier?: string | undefined;

      /** Number on the label */
      readonly tracking?: string | undefined;

      /** storing, packing, ... */
      readonly bizStep?: string | undefined;

      /** Who says so; the caller, if not said */
      readonly by?: string | undefined;
    };
    readonly answer: Recorded;
  };
  /** What a device shall do: at least once told, at most once done, until its time is over */
  readonly "POST directives": {
    readonly body: {
      readonly gateway: string;

      /** A scanner or a Modbus slave of the gateway, a broker that it listens to, or mqtt for its own */
      readonly device: string;

      readonly kind: "write" | "publish" | "beep" | "led" | "text";

      /** write: {table, address, values}; publish: {topic, text, retain?}; beep: {pitch?: high or low, times?: 1 to 5}; led: {on, color?: green or red}; text: {text}. What a scanner cannot do comes back as failed, with the reason */
      readonly what: Readonly<Record<string, unknown>>;

      readonly validForS?: number | undefined;
    };
    readonly answer: {
      readonly id: string;

      readonly position: number;

      /** It had been recorded before, under this key */
      readonly repeated: boolean;
    };
  };
  /** Directives and what became of them, the newest first */
  readonly "GET directives": {
    readonly query: {
      readonly id?: string | undefined;

      readonly limit?: number | undefined;

      readonly cursor?: number | undefined;
    };

    readonly answer: {
      readonly directives: readonly {
        readonly id: string;

        readonly gateway: string;

        readonly device: string;

        readonly kind: string;

        readonly what: unknown;

        /** waiting, begun, done, failed, uncertain (it may have been done) or expired */
        readonly state: string;

        readonly reason: string;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly statedAt: string;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly validUntil: string;

        readonly outcomeAt: string | null;

        readonly by: string | null;
      }[];

      readonly next: number | null;
    };
  };
  /** Gives a browser that scans its gateway name; asked again, the same one */
  readonly "POST phones": {
    readonly body: {
      readonly epoch: string;

      readonly key: string;

      /** What its owner calls it */
      readonly label: string;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly site?: string | undefined;
    };
    readonly answer: Phone;
  };
  /** Browsers that were enrolled as scanners, the newest first */
  readonly "GET phones": {
    readonly query: {
      readonly limit?: number | undefined;

      readonly cursor?: string | undefined;
    };

    readonly answer: {
      readonly phones: readonly Phone[];

      readonly next: string | null;
    };
  };
  /** Takes nothing in any more from a phone that was lost, or again */
  readonly "POST phones/changes": {
    readonly body: {
      readonly gateway: string;

      readonly revoked: boolean;
    };
    readonly answer: Phone;
  };
  /** Scans of a phone, exactly once and in order; on stable storage when the answer leaves */
  readonly "POST phones/scans": {
    readonly body: {
      readonly gateway: string;

      readonly key: string;

      readonly epoch: string;

      readonly boot: number;

      readonly firstSeq: number;

      /** Everything up to here has left the phone */
      readonly goneThrough: number;

      /** The phone's own clock at sending */
      readonly sentAtMs: number;

      /** Not used; pages that were opened before an upgrade say it */
      readonly sentMonotonicMs?: number | undefined;

      /** In order from firstSeq; none: how far is it? */
      readonly scans: readonly {
        readonly boot: number;

        /** The phone's own clock at the scan */
        readonly timeMs: number;

        /** Since the page was opened (boot) */
        readonly monotonicMs: number;

        /** What was read, AIM identifier and all, in base64 */
        readonly raw: string;

        readonly step?: string | undefined;

        /** A claim, as a badge is: not bound to who sends it */
        readonly operator?: string | undefined;

        readonly documentMode?: boolean | undefined;

        readonly marker?: string | undefined;

        readonly confirmedEmpty?: boolean | undefined;
      }[];
    };
    readonly answer: {
      /** Everything up to here is the twin's now. Less than was sent: send from there */
      readonly through: number;

      /** On scans of a moment ago, as far as it is known yet; without scans, the last */
      readonly verdicts: readonly {
        readonly seq: number;

        /** accepted, discrepancy or unknown */
        readonly kind: string;

        readonly reason: string;
      }[];
    };
  };
  /** Begin to take a gateway's backlog in from a file: whose it is, and by which key */
  readonly "POST backlogs/greetings": {
    readonly body: {
      /** The file's hello, as src/wire encodes it, base64 */
      readonly message: string;

      /** Of the gateway's key, as it was compared by another way */
      readonly fingerprint?: string | undefined;
    };
    readonly answer: {
      readonly gateway: string;

      readonly fingerprint: string;

      readonly numberings: readonly {
        readonly epoch: string;

        readonly lane: "scan" | "telemetry";

        readonly through: number;
      }[];
    };
  };
  /** Take a signed batch in that was carried here as a file */
  readonly "POST backlogs/batches": {
    readonly body: {
      /** The batch, as src/wire encodes it, base64 */
      readonly message: string;
    };
    readonly answer: {
      readonly gateway: string;

      readonly epoch: string;

      readonly lane: "scan" | "telemetry";

      /** Everything up to here is on stable storage */
      readonly through: number;

      /** Events that were new */
      readonly taken: number;

      /** Events that were here already */
      readonly known: number;

      /** Why none of it counts as known, although the numbering is beyond it: what of it is not held is in quarantine. Mostly empty */
      readonly objection: string;
    };
  };
  /** What can be printed, on which sheets, and at which printers */
  readonly "GET labels/choices": {
    readonly answer: {
      readonly kinds: readonly {
        readonly kind: string;

        /** New ones can be numbered */
        readonly ready: boolean;

        readonly detail: string;
      }[];

      readonly carriers: readonly string[];

      readonly formats: readonly {
        readonly id: string;

        readonly name: string;

        readonly page: {
          readonly width: number;

          readonly height: number;
        };

        readonly label: {
          readonly width: number;

          readonly height: number;
        };

        readonly columns: number;

        readonly rows: number;

        /** On a sheet */
        readonly labels: number;
      }[];

      readonly printers: readonly {
        readonly id: string;

        readonly name: string;

        readonly label: {
          readonly width: number;

          readonly height: number;
        };

        readonly dpi: number;
      }[];

      readonly languages: readonly string[];

      readonly commands: readonly {
        readonly text: string;

        /** In each of the languages */
        readonly words: readonly string[];
      }[];
    };
  };
  /** Numbers for new labels, never given twice; what they stand for is registered */
  readonly "POST labels/allocations": {
    readonly body: {
      /** What the labels are for: document, page, envelope, folder, box, shelf, rack, desk, room, person */
      readonly kind:
        | "document"
        | "page"
        | "envelope"
        | "folder"
        | "box"
        | "shelf"
        | "rack"
        | "desk"
        | "room"
        | "person";

      /** How many; 1 */
      readonly count?: number | undefined;

      /** Number of the document */
      readonly document?: string | undefined;

      /** consignment-note, invoice, ... */
      readonly class?: string | undefined;

      /** Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial */
      readonly parent?: string | undefined;

      /** What people call it */
      readonly name?: string | undefined;
    };
    readonly answer: {
      readonly id: string;

      readonly kind: string;

      readonly document: string | null;

      /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
      readonly time: string;

      readonly count: number;

      readonly labels: readonly {
        readonly key: string;

        readonly elementString: string;
      }[];

      /** Answers that reflect it know the labels */
      readonly position: number;

      /** It was asked before, under this key */
      readonly repeated: boolean;
    };
  };
  /** Labels that were numbered, the newest first */
  readonly "GET labels/allocations": {
    readonly query: {
      readonly id?: string | undefined;

      readonly limit?: number | undefined;
    };

    readonly answer: {
      readonly allocations: readonly {
        readonly id: string;

        readonly kind: string;

        readonly document: string | null;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly time: string;

        readonly count: number;

        readonly labels: readonly {
          readonly key: string;

          readonly elementString: string;
        }[];
      }[];
    };
  };
  /** Labels on sheets, as a PDF to be printed at its true size */
  readonly "POST labels/sheets": {
    readonly body: {
      /** Labels of these things */
      readonly ids?: readonly string[] | undefined;

      /** Labels that were numbered */
      readonly allocation?: string | undefined;

      /** A label for each of its pages */
      readonly document?: string | undefined;

      /** Command barcodes; an empty list is all of them */
      readonly commands?: readonly string[] | undefined;

      /** Language of the words beside commands: en, de, ru */
      readonly language?: "en" | "de" | "ru" | undefined;

      /** Symbol: GS1 DataMatrix or GS1-128; commands are plain Data Matrix or Code 128: datamatrix, gs1-128 */
      readonly carrier?: "datamatrix" | "gs1-128" | undefined;

      /** Of choices; else the first */
      readonly format?: string | undefined;

      /** Places of the first sheet used up */
      readonly skip?: number | undefined;
    };
    readonly answer: unknown;
  };
  /** One sheet of labels as SVG, as it will be printed */
  readonly "POST labels/previews": {
    readonly body: {
      /** Labels of these things */
      readonly ids?: readonly string[] | undefined;

      /** Labels that were numbered */
      readonly allocation?: string | undefined;

      /** A label for each of its pages */
      readonly document?: string | undefined;

      /** Command barcodes; an empty list is all of them */
      readonly commands?: readonly string[] | undefined;

      /** Language of the words beside commands: en, de, ru */
      readonly language?: "en" | "de" | "ru" | undefined;

      /** Symbol: GS1 DataMatrix or GS1-128; commands are plain Data Matrix or Code 128: datamatrix, gs1-128 */
      readonly carrier?: "datamatrix" | "gs1-128" | undefined;

      /** Of choices; else the first */
      readonly format?: string | undefined;

      /** Places of the first sheet used up */
      readonly skip?: number | undefined;

      /** As it comes out of this printer */
      readonly printer?: string | undefined;

      /** Which sheet; 0 */
      readonly sheet?: number | undefined;
    };
    readonly answer: {
      readonly svg: string;

      readonly sheets: number;

      readonly labels: number;

      readonly page: {
        readonly width: number;

        readonly height: number;
      };
    };
  };
  /** Labels sent to a printer of the configuration; the answer says how far that came */
  readonly "POST labels/prints": {
    readonly body: {
      /** Labels of these things */
      readonly ids?: readonly string[] | undefined;

      /** Labels that were numbered */
      readonly allocation?: string | undefined;

      /** A label for each of its pages */
      readonly document?: string | undefined;

      /** Command barcodes; an empty list is all of them */
      readonly commands?: readonly string[] | undefined;

      /** Language of the words beside commands: en, de, ru */
      readonly language?: "en" | "de" | "ru" | undefined;

      /** Symbol: GS1 DataMatrix or GS1-128; commands are plain Data Matrix or Code 128: datamatrix, gs1-128 */
      readonly carrier?: "datamatrix" | "gs1-128" | undefined;

      /** Of choices */
      readonly printer: string;

      /** Of each label; 1 */
      readonly copies?: number | undefined;
    };
    readonly answer: {
      readonly id: string;

      /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
      readonly time: string;

      readonly printer: string;

      readonly labels: number;

      readonly bytes: number;

      /** sending; sent: the printer took all; not-ready or not-reached: nothing was sent; uncertain: some may have been printed */
      readonly state: string;

      readonly detail: string;

      /** It was asked before: nothing was sent again */
      readonly repeated: boolean;
    };
  };
  /** What was sent to printers, the newest first */
  readonly "GET labels/prints": {
    readonly query: {
      readonly id?: string | undefined;

      readonly limit?: number | undefined;
    };

    readonly answer: {
      readonly prints: readonly {
        readonly id: string;

        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly time: string;

        readonly printer: string;

        readonly labels: number;

        readonly bytes: number;

        /** sending; sent: the printer took all; not-ready or not-reached: nothing was sent; uncertain: some may have been printed */
        readonly state: string;

        readonly detail: string;
      }[];
    };
  };
  /** The series there are, each with its last reading, its range, and whether it is outside */
  readonly "GET series": {
    readonly answer: readonly Series[];
  };
  /** One series over a span, in at most `points` buckets; the last day if nothing is said */
  readonly "GET series/data": {
    readonly query: {
      readonly device: string;

      readonly property: string;

      readonly gateway?: string | undefined;

      readonly unit?: string | undefined;

      readonly from?: string | undefined;

      readonly to?: string | undefined;

      readonly points?: number | undefined;
    };

    readonly answer: {
      readonly gateway: string;

      readonly device: string;

      readonly property: string;

      /** UCUM code */
      readonly unit: string;

      readonly buckets: readonly Bucket[];
    };
  };
  /** Gateways, whether they are connected, what waits there, their clocks, how far each lane was taken in, and what was last said of devices */
  readonly "GET gateways": {
    readonly answer: readonly Gateway[];
  };
  /** The evidence: every event taken in, in the twin's order, from a position on */
  readonly "GET events": {
    readonly query: {
      readonly after?: number | undefined;

      readonly limit?: number | undefined;
    };

    readonly answer: {
      readonly events: readonly TakenIn[];

      /** Ask with this as `after` for what follows */
      readonly next: number;
    };
  };
  /** One event of the evidence by its name, as it was taken in */
  readonly "GET event": {
    readonly query: {
      readonly gateway: string;

      readonly epoch: string;

      readonly seq: number;
    };

    readonly answer: TakenIn;
  };
  /** What was not taken in, or is not understood, newest first, as it came */
  readonly "GET quarantine": {
    readonly query: {
      readonly limit?: number | undefined;

      readonly cursor?: string | undefined;
    };

    readonly answer: {
      readonly held: number;

      /** Older entries that made room */
      readonly evicted: number;

      readonly entries: readonly {
        /** UTC with milliseconds, such as 2026-11-22T08:00:00.000Z */
        readonly time: string;

        /** How often the same came */
        readonly times: number;

        readonly source: string;

        readonly reason: string;

        readonly detail: string;

        readonly position: number | null;

        readonly bytes: string | null;
      }[];

      readonly next: string | null;
    };
  };
  /** Server-sent events: moved, seen, scan, reading, alarm, device, discrepancy, retraction, correction, statement; id is the position; reset when something was missed */
  readonly "GET live": {
    readonly query: {
      readonly recent?: number | undefined;

      readonly brief?: boolean | undefined;
    };

    readonly answer: unknown;
  };
};
