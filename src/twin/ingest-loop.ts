/**
 * The writer thread's turn: take in a group of what was offered, let the acknowledgements leave,
 * derive one step, look again. Offers that arrive during a turn form the next group, so the busier
 * it is, the more of them share one write to the disk.
 */
import { Fault } from "../kernel/fault.ts";
import type { Clock, Journal } from "../ports.ts";
import { isDiskFull } from "../store/damage.ts";
import type { Kept } from "../store/evidence.ts";
import { type Ack, encodeAck } from "../wire/codec.ts";
import type { Ingest } from "./ingest.ts";
import type { EncodedAck, FromWriter, NotCalled, Tally, ToWriter } from "./ingest-messages.ts";
import type { Offer, Taken } from "./intake.ts";
import type { Call, Called, Statement } from "./statements.ts";

const GROUP_OFFERS_MAX = 64;
const GROUP_BYTES_MAX = 4 * 1024 * 1024;
/** How long deriving goes on after being asked to stop. */
const CLOSE_MS_MAX = 1_000;
/** How long to wait for room on a full disk. */
const FULL_WAIT_MS = 1_000;

export type IngestLoopDeps = {
  readonly ingest: Ingest;
  readonly post: (message: FromWriter) => void;
  readonly soon: (work: () => void) => void;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Called once, when all is done after `close`. */
  readonly finish: () => void;
};

export function createIngestLoop(deps: IngestLoopDeps) {
  const { ingest, post, soon, clock, journal, finish } = deps;
  let offers: Offer[] = [];
  let waking = false;
  let waiting = false;
  let ready = false;
  let closing = false;
  let closingMs = 0;
  let finished = false;
  const batches = { appended: 0, known: 0, resend: 0, refused: 0, greeted: 0 };
  let events = 0;
  let conflicts = 0;

  function wake(): void {
    if (waking || finished) return;
    waking = true;
    soon(turn);
  }

  function turn(): void {
    waking = false;
    if (finished) return;
    if (offers.length > 0 && mayTake()) takeGroup();
    const derived = deriveStep();
    tellStanding();
    if (!derived && !ready && !waiting) {
      ready = true;
      post({ kind: "ready" });
    }
    const more = offers.length > 0 && mayTake();
    if (more || (derived && !leaving())) wake();
    else if (closing) end();
  }

  function tellStanding(): void {
    const told: Tally = { batches: { ...batches }, events, conflicts };
    post({ kind: "standing", standing: ingest.standing(), tally: told });
  }

  function mayTake(): boolean {
    return ingest.ready() || closing;
  }

  /** What is not derived by then is derived after the next start. */
  function leaving(): boolean {
    return closing && clock.monotonicMs() - closingMs > CLOSE_MS_MAX;
  }

  function takeGroup(): void {
    const group = nextGroup();
    let kept: Kept<readonly Taken[]>;
    try {
      kept = ingest.take(group);
    } catch (error) {
      if (!isDiskFull(error)) throw stored(error);
      journal.error("disk-full", { offers: group.length });
      post({ kind: "failed", count: group.length, why: "the twin's disk is full" });
      return;
    }
    tally(kept.value);
    // First, so that nobody who heard the acknowledgement is told that nothing waits.
    tellStanding();
    const words = kept.value.flatMap(({ word }) => word ?? []);
    post({ kind: "taken", count: group.length, acks: acknowledge(group, kept), words });
  }

  function call(asked: Call): Called | NotCalled {
    return unlessFull({ call: asked.kind }, () => ingest.call(asked).value);
  }

  function state(statements: readonly Statement[]): number | NotCalled {
    return unlessFull({ statements: statements.length }, () => ingest.state(statements));
  }

  function unlessFull<T>(asked: Record<string, unknown>, work: () => T): T | NotCalled {
    try {
      return work();
    } catch (error) {
      if (!isDiskFull(error)) throw stored(error);
      journal.error("disk-full", asked);
      return { kind: "failed", why: "the twin's disk is full" };
    }
  }

  function nextGroup(): readonly Offer[] {
    let bytes = 0;
    let count = 0;
    for (const { message } of offers) {
      bytes += message.length;
      if (count === GROUP_OFFERS_MAX || (count > 0 && bytes > GROUP_BYTES_MAX)) break;
      count += 1;
    }
    const group = offers.slice(0, count);
    offers = offers.slice(count);
    return group;
  }

  /** Returns whether there may be more. */
  function deriveStep(): boolean {
    if (waiting) return false;
    try {
      return ingest.derive();
    } catch (error) {
      if (!isDiskFull(error)) throw stored(error);
      journal.error("disk-full", ingest.standing());
      waiting = true;
      clock.after(FULL_WAIT_MS, () => {
        waiting = false;
        wake();
      });
      return false;
    }
  }

  function tally(taken: readonly Taken[]): void {
    for (const one of taken) {
      batches[one.outcome] += 1;
      for (const { batch } of one.segments)
        if (batch.gateway === one.gateway) events += batch.events.length;
      conflicts += one.conflicts;
      if (one.outcome === "refused" || one.conflicts > 0)
        journal.warn("batch-quarantined", {
          gateway: one.gateway,
          refused: one.acks[0]?.refused,
          conflicts: one.conflicts,
        });
    }
  }

  function end(): void {
    finished = true;
    finish();
  }

  return {
    receive(message: ToWriter): void {
      switch (message.kind) {
        case "offer":
          offers.push(message);
          break;
        case "state":
          post({ kind: "stated", ask: message.ask, stated: state(message.statements) });
          break;
        case "call":
          post({ kind: "called", ask: message.ask, called: call(message.call) });
          break;
        case "awaited":
          ingest.awaitedBy(message.gateways);
          return;
        case "close":
          closing = true;
          closingMs = clock.monotonicMs();
          break;
      }
      wake();
    },
    wake,
  };
}

/**
 * Acknowledgements are cumulative: of a group, the last plain one of each numbering says it all. The
 * ticket is what makes an acknowledgement possible only after the commit.
 */
function acknowledge(group: readonly Offer[], kept: Kept<readonly Taken[]>): readonly EncodedAck[] {
  const plain = new Map<string, EncodedAck>();
  const others: EncodedAck[] = [];
  for (const [index, { gateway, acks }] of kept.value.entries()) {
    const carried = group[index]?.carried === true;
    for (const ack of acks) {
      const encoded = { gateway, ack: encodeAck(ack), ...(carried && { carried }) };
      if (isPlain(ack)) plain.set(`${carried}/${gateway}/${ack.epoch}`, encoded);
      else others.push(encoded);
    }
  }
  return [...plain.values(), ...others];
}

function isPlain({ resend, refused }: Ack): boolean {
  return !resend && refused === "";
}

function stored(error: unknown): unknown {
  const { code } = error as { code?: unknown };
  if (!String(code ?? "").startsWith("SQLITE_")) return error;
  return new Fault("STORE_FAILED", (error as Error).message, { cause: error });
}
