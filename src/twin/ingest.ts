/**
 * All that writes in the twin, in the order that keeps its promises: evidence on stable storage,
 * then the acknowledgement, then what follows from it.
 *
 * Deriving may lag behind the evidence, within a bound: beyond it nothing more is taken in until it
 * has caught up, and the gateways hold on to their events meanwhile.
 */
import type { Clock, Journal, Signer } from "../ports.ts";
import type { Derived } from "../store/derived.ts";
import type { Evidence, Kept, Segment } from "../store/evidence.ts";
import type { Seals } from "../store/seals.ts";
import { createDerivation, type Reconciler } from "./derive.ts";
import { type Outcome, outcomesIn } from "./directive-outcomes.ts";
import { createIntake, type Offer, type Taken } from "./intake.ts";
import { createNewsDesk, type News } from "./news.ts";
import { createSealing } from "./sealing.ts";
import { type Call, type Called, createStatementBook, type Statement } from "./statements.ts";
import { type GatewayVerdicts, verdictsOf } from "./verdict-desk.ts";

const STEP_MS = 50;
const STEP_EVENTS_MAX = 4_096;
const HELD_EVENTS_MAX = 32_768;
const LAG_EVENTS_MAX = 20_000;
const NEWS_LIMITS = {
  ...{ notesPerSecond: 1_000, changesPerSecond: 1_000 },
  charsPerSecond: 8 * 1024 * 1024,
};

export type IngestDeps = {
  readonly evidence: Evidence;
  readonly derived: Derived;
  readonly openReconciler: () => Reconciler;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly mintEpoch: () => string;
  readonly seals: Seals;
  /** Of the twin's own statements; absent: they are not signed. */
  readonly signer?: Signer | undefined;
  readonly tell: (news: readonly News[]) => void;
  /** What the scans of a step came to, for gateways that wait for it. */
  readonly tellVerdicts?: (verdicts: readonly GatewayVerdicts[]) => void;
  /** What became of directives, as soon as it is on stable storage. */
  readonly tellOutcomes?: (outcomes: readonly Outcome[]) => void;
};

export type Ingest = {
  /** False while deriving lags too far behind. */
  ready(): boolean;
  take(offers: readonly Offer[]): Kept<readonly Taken[]>;
  /** Records those that are news; returns how many. */
  state(statements: readonly Statement[]): number;
  /** On stable storage when it returns. */
  call(call: Call): Kept<Called>;
  /** Derives one step; false when nothing waits. */
  derive(): boolean;
  /** From now on these gateways wait for a word on their scans, and no others. */
  awaitedBy(gateways: readonly string[]): void;
  standing(): Standing;
};

export type Standing = {
  readonly latest: number;
  readonly reflected: number;
};

export function createIngest(deps: IngestDeps): Ingest {
  const { clock } = deps;
  // Unique for this process and growing with each start, as a boot number is.
  const boot = Math.floor(clock.nowMs() / 1000);
  const sealing = createSealing(deps);
  const book = createStatementBook({ ...deps, sealing }, { boot });
  const intake = createIntake({ ...deps, statements: book, sealing });
  let waiting: ReadonlySet<string> = new Set();
  const waits = (gateway: string) => waiting.has(gateway);
  const derivation = createDerivation(
    { ...deps, waits },
    {
      stepMs: STEP_MS,
      stepEventsMax: STEP_EVENTS_MAX,
      heldEventsMax: HELD_EVENTS_MAX,
    },
  );
  const desk = createNewsDesk(deps, NEWS_LIMITS);
  const derivedFrom = deps.evidence.latest();

  return {
    ready: () => derivation.lag() < LAG_EVENTS_MAX,

    take(offers) {
      const taken = intake.take(offers);
      for (const { segments } of taken.value) segments.forEach(derivation.hand);
      const outcomes = taken.value.flatMap(({ segments }) => outcomesIn(segments));
      if (outcomes.length > 0) deps.tellOutcomes?.(outcomes);
      return taken;
    },

    state(statements) {
      const segments = deps.evidence.keep(() => book.append(statements)).value;
      segments.forEach(derivation.hand);
      return segments.reduce((sum, { batch }) => sum + batch.events.length, 0);
    },

    call(call) {
      let segments: readonly Segment[] = [];
      const kept = deps.evidence.keep(() => {
        const made = book.call(call);
        segments = made.segments;
        return made.called;
      });
      segments.forEach(derivation.hand);
      return kept;
    },

    derive() {
      const step = derivation.step();
      if (step === undefined) return false;
      // What was taken in before this start is old news: who comes back is told to ask again.
      if (step.position > derivedFrom) {
        // Somebody holds a scanner and waits: before those who only watch.
        if (step.scans.length > 0) deps.tellVerdicts?.(verdictsOf(step));
        desk.report(step);
      }
      return true;
    },

    awaitedBy(gateways) {
      waiting = new Set(gateways);
    },

    standing() {
      const reflected = derivation.reflected();
      return { reflected, latest: reflected + derivation.lag() };
    },
  };
}
