/**
 * Sends directives to the gateways that listen, again and again until their outcome has come or their
 * time is over: at least once, and the gateway sees to it that it acts at most once.
 */
import type { Clock, Journal } from "../ports.ts";
import { isDiskFull } from "../store/damage.ts";
import type {
  DirectiveOutcome,
  DirectiveRow,
  Directives,
  NewDirective,
} from "../store/directives.ts";
import type { EvidenceReader } from "../store/evidence.ts";
import { encodeDirectives } from "../wire/codec.ts";
import { type Outcome, outcomesIn } from "./directive-outcomes.ts";

export type DirectiveDesk = {
  /** It stands in the evidence already. False: its id is that of another one, and nothing is given. */
  give(row: NewDirective): boolean;
  /** A gateway has come that listens. */
  greet(gateway: string): void;
  hear(outcomes: readonly Outcome[]): void;
  close(): void;
};

export type DirectiveDeskDeps = {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly directives: Directives;
  readonly evidence: Pick<EvidenceReader, "from" | "latest">;
  readonly listening: () => readonly string[];
  readonly send: (gateway: string, message: Uint8Array) => void;
};

const OUTCOMES: ReadonlySet<string> = new Set<DirectiveOutcome>([
  "begun",
  "done",
  "failed",
  "uncertain",
  "expired",
]);

/** What came in time may have been missed, too, and its time be over since: for so long it is looked for. */
const MISSED_MS = 3_600_000;

export function createDirectiveDesk(
  { clock, journal, directives, evidence, listening, send }: DirectiveDeskDeps,
  { againMs }: { readonly againMs: number },
): DirectiveDesk {
  /** The disk had no room for them. They are in the evidence, too: none is lost with this process. */
  const owed = new Map<string, Outcome>();
  let closed = false;
  let cancel = clock.after(againMs, remind);

  /** Of what came while this program was down, or just before it went. */
  function catchUp(): void {
    // Behind where they were stated, when the evidence was restored from a copy.
    directives.logEndsAt(evidence.latest());
    const from = directives.oldestWaiting(clock.nowMs() - MISSED_MS);
    if (from === undefined) return;
    for (const segment of evidence.from(from)) hear(outcomesIn([segment]));
  }

  function greet(gateway: string): void {
    if (closed) return;
    const nowMs = clock.nowMs();
    const waiting = directives.waiting(gateway, nowMs);
    if (waiting.length === 0) return;
    send(gateway, encodeDirectives(waiting.map((row) => asDirective(row, nowMs))));
  }

  function remind(): void {
    hear([]);
    listening().forEach(greet);
    cancel = clock.after(againMs, remind);
  }

  function hear(outcomes: readonly Outcome[]): void {
    // What is taken in while the twin stops is found in the evidence at the next start.
    if (closed) return;
    const all = [...owed.values(), ...outcomes];
    owed.clear();
    for (const one of all) {
      const { gateway, id, outcome, reason } = one;
      // Nobody settles what was meant for another.
      if (!OUTCOMES.has(outcome) || directives.find(id)?.gateway !== gateway) continue;
      try {
        if (directives.settle(id, outcome as DirectiveOutcome, reason, clock.nowMs()))
          journal.note("directive-outcome", { gateway, id, outcome, reason });
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        // The first that ends it stays.
        if ((owed.get(id)?.outcome ?? "begun") === "begun") owed.set(id, one);
      }
    }
  }

  catchUp();
  return {
    give(row) {
      if (!directives.put(row)) return false;
      if (listening().includes(row.gateway)) greet(row.gateway);
      return true;
    },
    greet,
    hear,
    close() {
      closed = true;
      cancel();
    },
  };
}

function asDirective({ id, device, kind, json, validUntilMs }: DirectiveRow, nowMs: number) {
  return { id, device, kind, json, remainingMs: validUntilMs - nowMs };
}
