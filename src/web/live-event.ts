/** The live events of the twin as the page uses them, and their reading from the stream, which is brief. */
import { nowMs } from "./clock.ts";
import { elementStringOf } from "./thing.ts";
import type { AllowedRange, Discrepancy, Series, Thing, Where } from "./twin-api.ts";

/** A thing has another place, or the twin knows another one; `where` is its state after that. */
export type Moved = {
  readonly kind: "moved";
  readonly time: string;
  readonly where: Where;
  /** By which scan, when the feed has put both together. */
  readonly scanner?: string;
  /** Of that scan, when the feed has put both together. */
  readonly suspectedRepeat?: true;
  /** What was found about the move, when the feed has put both together. */
  readonly note?: string;
};

/** A thing was seen where it was known to be. */
export type Seen = {
  readonly kind: "seen";
  readonly time: string;
  readonly where: Where;
  /** By which scan, when the feed has put both together. */
  readonly scanner?: string;
  /** Of that scan, when the feed has put both together. */
  readonly suspectedRepeat?: true;
};

export type Scanned = {
  readonly kind: "scan";
  readonly time: string;
  readonly scanner: string;
  readonly code: string;
  /** Null: the scan names no thing. */
  readonly thing: Thing | null;
  /** What the scan was instead of a thing: a command, or why it was not understood. */
  readonly why: string | null;
  readonly understood: boolean;
  /** It may be the scan before it, sent again because the answer to it was lost. */
  readonly suspectedRepeat?: true;
};

export type Read = Pick<Series, "gateway" | "device" | "property" | "unit"> & {
  readonly kind: "reading";
  readonly time: string;
  readonly value: number;
};

/** A series went outside of its allowed range, or is within it again. */
export type Alarmed = Pick<Series, "gateway" | "device" | "property" | "unit"> & {
  readonly kind: "alarm";
  readonly state: "begun" | "ended";
  readonly time: string;
  readonly since: string;
  readonly value: number;
  /** Null: there is none any more. */
  readonly range: AllowedRange | null;
};

export type Found = {
  readonly kind: "discrepancy";
  readonly time: string;
  readonly discrepancy: Omit<
    Discrepancy,
    "evidence" | "awaits" | "acknowledged" | "assigned" | "resolved" | "place"
  >;
};

/** The past of a thing has changed: what is said now of the moment `time`. */
export type Corrected = {
  readonly kind: "correction";
  readonly time: string;
  readonly where: Where;
};

/** A person or a system said something about what is owed, ordered or settled, or took it back. */
export type Stated = {
  readonly kind: "statement";
  readonly time: string;
  /** resolution, void, obligation, receipt, reminder, gate or execution. */
  readonly what: string;
  /** Of a resolution: resolve or acknowledge. */
  readonly action: string | null;
  /** A key, the number of a document, the name of a gate or of an event. */
  readonly about: string;
  readonly by: string | null;
  readonly reason: string | null;
};

/** What a gateway says now of a scanner or another device of its own. */
export type Told = {
  readonly kind: "device";
  readonly time: string;
  readonly gateway: string;
  readonly device: string;
  /** absent, opening, open, silent or faulted. */
  readonly state: string;
  /** Empty where there is nothing to say. */
  readonly reason: string;
};

export type LiveEvent =
  | (Moved | Seen | Scanned | Read)
  | (Alarmed | Found | Corrected | Stated | Told);

/** Undefined for what this page does not know: the twin may be newer than an open page. */
export function readLiveEvent(name: string, data: string): LiveEvent | undefined {
  let told: Data;
  try {
    told = JSON.parse(data);
  } catch {
    return undefined;
  }
  switch (name) {
    case "moved":
    case "seen":
      return { kind: name, time: momentOf(name, told), where: whole(told) };
    case "scan":
      return {
        kind: "scan",
        time: told.time,
        scanner: told.scanner,
        code: told.code,
        thing: told.key === undefined ? null : wholeThing({ ...told, name: null }),
        why: told.why ?? null,
        understood: told.understood,
        ...(told.suspectedRepeat === true && { suspectedRepeat: true }),
      };
    case "reading":
      return { ...told, kind: "reading" };
    case "alarm":
      return { ...told, kind: "alarm" };
    case "discrepancy":
      return { kind: "discrepancy", time: told.since, discrepancy: told };
    case "correction":
      return { kind: "correction", time: told.at, where: whole(told.answer) };
    case "statement":
      return { ...told, kind: "statement", what: told.kind };
    case "device":
      return { ...told, kind: "device", time: told.since };
    default:
      // What is retracted is said once more by the correction that follows.
      return undefined;
  }
}

/** What the brief form leaves out and a key tells. */
function whole(told: Data): Where {
  return { ...told, ...wholeThing(told), path: told.path.map(wholeThing) };
}

function wholeThing({ key, kind, name = null }: Data): Thing {
  return { key, kind, name, elementString: elementStringOf(key) };
}

/** What arrives is the twin's own; its shape is promised by the API and not checked again here. */
// biome-ignore lint/suspicious/noExplicitAny: each name has a shape of its own
type Data = any;

function momentOf(name: "moved" | "seen", { since, lastSeen }: Where): string {
  const told = name === "moved" ? (since ?? lastSeen) : (lastSeen ?? since);
  // What a register says has always been so; here it is news of this moment.
  return told ?? new Date(nowMs()).toISOString();
}

/** Whether what is shown of the thing with this key can have changed with the event. */
export function concerns(event: LiveEvent, key: string, containers: ReadonlySet<string>): boolean {
  switch (event.kind) {
    case "moved":
    case "seen":
    case "correction":
      return event.where.key === key || containers.has(event.where.key);
    case "scan":
      return event.thing?.key === key;
    case "discrepancy":
      return event.discrepancy.subject === key;
    case "statement":
      // A void may take back anything.
      return event.what === "void" || event.about === key;
    case "reading":
    case "alarm":
    case "device":
      return false;
  }
}
