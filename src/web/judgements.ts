/** Questions about what the twin thinks of the world: discrepancies, documents, why an answer changed. */
import type { Certainty, EventName, Evidence, Path, State, Thing, Where } from "./api.ts";
import { type Answer, ask, type Parameters } from "./http.ts";

export type Severity = "error" | "warn" | "info";

export type Discrepancy = {
  readonly kind: string;
  readonly severity: Severity;
  /** A key, the number of a document, the name of a gateway, or a scan as it was read. */
  readonly subject: string;
  readonly since: string;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
  readonly acknowledged: {
    readonly by: string;
    readonly reason: string;
    readonly time: string;
    readonly statement: EventName;
  } | null;
  readonly resolved: {
    readonly by: "event" | "late_event" | "void" | "registration" | "human";
    readonly reason: string;
    readonly person: string | null;
    readonly time: string | null;
    /** Of a person's word: what to void to take it back. */
    readonly statement: EventName | null;
  } | null;
};

export type DiscrepancyQuestion = {
  readonly status?: "open" | "resolved" | "all" | undefined;
  readonly kind?: string | undefined;
  readonly severity?: string | undefined;
  readonly subject?: string | undefined;
  readonly at?: string | undefined;
  readonly asKnownAt?: string | undefined;
  readonly limit?: number | undefined;
};

export type Discrepancies = {
  readonly position: number;
  readonly open: readonly Discrepancy[];
  readonly resolved: readonly Discrepancy[];
  readonly next: string | null;
};

export type DocumentStatus = "debt" | "overdue" | "cleared" | "none";

export type DocumentPage = Thing & {
  readonly path: Path;
  readonly state: State;
  readonly certainty: Certainty;
  readonly lastSeen: string | null;
};

export type Document = {
  readonly id: string;
  readonly class: string;
  readonly level: "none" | "received" | "tracked";
  readonly wholeness: "whole" | "partial" | "unknown";
  readonly status: DocumentStatus;
  readonly obligations: readonly {
    readonly status: DocumentStatus;
    readonly issued: string | null;
    readonly due: string | null;
    readonly cleared: string | null;
    readonly debtor: string | null;
    readonly responsible: string | null;
  }[];
  readonly reminders: readonly {
    readonly time: string | null;
    readonly by: string;
    readonly note: string;
  }[];
  readonly received: { readonly time: string | null; readonly by: string } | null;
  readonly pages: readonly DocumentPage[];
};

export type Documents = {
  readonly position: number;
  readonly documents: readonly Document[];
  readonly next: string | null;
};

export type DocumentQuestion = {
  readonly id?: string | undefined;
  readonly status?: string | undefined;
  readonly debtor?: string | undefined;
  readonly at?: string | undefined;
  readonly asKnownAt?: string | undefined;
};

export type Why = Thing & {
  readonly position: number;
  readonly changed: boolean;
  readonly before: Where;
  readonly after: Where;
  readonly reasons: readonly WhyReason[];
  readonly more: boolean;
};

export type WhyReason = {
  readonly change: "learned" | "withdrawn";
  readonly thing: Thing;
  /** Null: nowhere known. */
  readonly parent: Thing | null;
  readonly bizStep: string;
  readonly moved: boolean;
  readonly time: string | null;
  readonly knownFrom: string | null;
  readonly evidence: Evidence;
  readonly voided: { readonly by: EventName; readonly reason: string } | null;
};

/** A deed that rested on a belief that has changed since. */
export type Review = {
  readonly kind: "process" | "reminder" | "gate";
  /** The gate or the document. */
  readonly about: string;
  readonly what: string;
  readonly by: string;
  readonly time: string | null;
  readonly believed: string;
  readonly now: string;
};

export const reviews = (signal: AbortSignal) =>
  ask<{ readonly position: number; readonly reviews: readonly Review[] }>("reviews", {}, signal);

/** A thing that is to be somewhere before a process may run. */
export type Gate = {
  readonly name: string;
  /** Keys of the thing and of where it is to be. */
  readonly entity: string;
  readonly target: string;
  readonly status: "blocked" | "open";
  readonly since: string | null;
  readonly issued: string | null;
  readonly deadline: string | null;
  readonly cause: readonly { readonly kind: string; readonly reason: string }[];
  readonly executions: readonly {
    readonly process: string;
    readonly time: string | null;
    readonly by: string;
    readonly believed: string;
    readonly now: string;
  }[];
};

export const gates = (status: string | undefined, signal: AbortSignal) =>
  ask<{ readonly position: number; readonly gates: readonly Gate[] }>("gates", { status }, signal);

/** `pages`: so many pages of the list, as one. */
export const discrepancies = (question: DiscrepancyQuestion, pages: number, signal: AbortSignal) =>
  askPages<Discrepancies>(
    (cursor) => ask("discrepancies", { ...question, cursor }, signal),
    (all, more) => ({
      ...more,
      open: [...all.open, ...more.open],
      resolved: [...all.resolved, ...more.resolved],
    }),
    pages,
  );

export const documents = (question: DocumentQuestion, pages: number, signal: AbortSignal) =>
  askPages<Documents>(
    (cursor) => ask("documents", { ...question, cursor }, signal),
    (all, more) => ({ ...more, documents: [...all.documents, ...more.documents] }),
    pages,
  );

export const why = (
  id: string,
  question: Parameters & { readonly asKnownAt1: string },
  signal: AbortSignal,
) => ask<Why>("why", { id, ...question }, signal);

async function askPages<T extends { readonly next: string | null }>(
  askOne: (cursor: string | undefined) => Promise<Answer<T>>,
  join: (all: T, more: T) => T,
  pages: number,
): Promise<Answer<T>> {
  let all = await askOne(undefined);
  for (let page = 1; page < pages && all.kind === "ok"; page++) {
    if (all.value.next === null) break;
    const more = await askOne(all.value.next);
    if (more.kind !== "ok") return more;
    all = { kind: "ok", value: join(all.value, more.value) };
  }
  return all;
}
