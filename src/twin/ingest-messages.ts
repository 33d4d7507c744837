/** What the main thread and the writer thread of the twin say to each other. */
import type { FaultCode } from "../kernel/fault.ts";
import type { Outcome } from "./directive-outcomes.ts";
import type { GatewayWord } from "./gateway-word.ts";
import type { Standing } from "./ingest.ts";
import type { Offer, Taken } from "./intake.ts";
import type { News } from "./news.ts";
import type { Call, Called, Statement } from "./statements.ts";
import type { GatewayVerdicts } from "./verdict-desk.ts";

export type ToWriter =
  /** Answered in the order of asking, by a `taken`. */
  | ({ readonly kind: "offer" } & Offer)
  | { readonly kind: "state"; readonly ask: number; readonly statements: readonly Statement[] }
  | { readonly kind: "call"; readonly ask: number; readonly call: Call }
  /** These gateways wait for a word on their scans. */
  | { readonly kind: "awaited"; readonly gateways: readonly string[] }
  /** Finish what was offered, derive what waits, close the files, end. */
  | { readonly kind: "close" };

export type FromWriter =
  /** The files are open and whole: they can be read beside. */
  | { readonly kind: "opened" }
  /** What was taken in before this start is derived. */
  | { readonly kind: "ready" }
  /** The next `count` offers are on stable storage, or their refusal is. */
  | {
      readonly kind: "taken";
      readonly count: number;
      readonly acks: readonly EncodedAck[];
      readonly words: readonly GatewayWord[];
    }
  /** The next `count` offers were not taken in; their senders keep them. */
  | { readonly kind: "failed"; readonly count: number; readonly why: string }
  /** On stable storage, so many of them being news, or none of them is. */
  | { readonly kind: "stated"; readonly ask: number; readonly stated: number | NotCalled }
  /** On stable storage, or why it is not. */
  | { readonly kind: "called"; readonly ask: number; readonly called: Called | NotCalled }
  | { readonly kind: "news"; readonly news: readonly News[] }
  | { readonly kind: "outcomes"; readonly outcomes: readonly Outcome[] }
  | { readonly kind: "verdicts"; readonly verdicts: readonly GatewayVerdicts[] }
  | { readonly kind: "standing"; readonly standing: Standing; readonly tally: Tally }
  /** It cannot go on; the thread ends after this. */
  | { readonly kind: "fault"; readonly code: FaultCode; readonly detail: string };

/** Nothing was recorded; the caller may come again. */
export type NotCalled = { readonly kind: "failed"; readonly why: string };

export type EncodedAck = {
  readonly gateway: string;
  readonly ack: Uint8Array;
  /** For whoever brought what it answers, and not for the gateway. */
  readonly carried?: boolean;
};

/** Counted since the start. */
export type Tally = {
  readonly batches: Readonly<Record<Taken["outcome"], number>>;
  readonly events: number;
  readonly conflicts: number;
};
