/** The live events of the twin as the page uses them, and their reading from the stream. */
import type { Certainty, Discrepancy, Path, Thing } from "./api.ts";

type Happened = {
  readonly time: string;
  readonly gateway: string;
  readonly device: string;
};

export type Moved = Happened & {
  readonly kind: "moved";
  readonly thing: Thing;
  /** Direct parent first; empty: not known. */
  readonly from: Path;
  readonly path: Path;
  readonly step: string | null;
  readonly by: string | null;
  readonly certainty: Certainty;
};

export type Seen = Happened & {
  readonly kind: "seen";
  readonly thing: Thing;
  readonly path: Path;
  readonly step: string | null;
};

export type Scanned = Happened & {
  readonly kind: "scan";
  readonly text: string;
  readonly thing: Thing | null;
  /** Why it was not understood; null when it was. */
  readonly problem: string | null;
};

export type Read = Happened & {
  readonly kind: "reading";
  readonly property: string;
  readonly value: number;
  readonly unit: string;
};

export type Found = Happened & { readonly kind: "discrepancy"; readonly discrepancy: Discrepancy };

export type LiveEvent = Moved | Seen | Scanned | Read | Found;

const KINDS: readonly string[] = ["moved", "seen", "scan", "reading", "discrepancy"];

/** Undefined for what this page does not know: the twin may be newer than an open page. */
export function readLiveEvent(name: string, data: string): LiveEvent | undefined {
  if (!KINDS.includes(name)) return undefined;
  try {
    return { ...JSON.parse(data), kind: name } as LiveEvent;
  } catch {
    return undefined;
  }
}

/** Whether what is shown of the thing with this key can have changed with the event. */
export function concerns(event: LiveEvent, key: string, containers: ReadonlySet<string>): boolean {
  switch (event.kind) {
    case "moved":
      return (
        event.thing.key === key ||
        containers.has(event.thing.key) ||
        event.from[0]?.key === key ||
        event.path[0]?.key === key
      );
    case "seen":
      return event.thing.key === key || containers.has(event.thing.key);
    case "scan":
      return event.thing?.key === key;
    case "discrepancy":
      return event.discrepancy.subject === key;
    case "reading":
      return false;
  }
}
