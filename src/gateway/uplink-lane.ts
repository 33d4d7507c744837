/**
 * One lane of the outbox on its way to the twin: batches out, acknowledgements in, releases.
 *
 * Lives as long as the uplink; `begin` starts a connection. Releases are late by a moment and then
 * many in one: an event that was acknowledged and not released before a power cut is not sent again,
 * since the twin says where it is. A twin that says less than it once acknowledged was restored from a
 * copy: it gets what the outbox still holds. One that says more than it is known to have (uplink-known.ts) is
 * shown what is held, before anything is released.
 */
import { assert, never } from "../kernel/assert.ts";
import { createBackoff } from "../kernel/backoff.ts";
import { Fault } from "../kernel/fault.ts";
import type { Lane, LaneState, Waiting } from "../ports.ts";
import { sealed } from "../wire/chain.ts";
import { type Ack, encodeBatch } from "../wire/codec.ts";
import type { UplinkDeps, UplinkOptions } from "./uplink.ts";
import { createKnown } from "./uplink-known.ts";
import { createWindow, type Finding, type Window } from "./uplink-window.ts";

export type UplinkLane = {
  readonly name: Lane;
  /** A new connection: nothing is known of the twin. */
  begin(): void;
  /** A Hello goes out; nothing is sent before its answer. */
  ask(): void;
  /** In how long a batch may be sent: 0 is now; undefined is not before something happens. */
  dueInMs(): number | undefined;
  /** Undefined when, on a closer look, there is nothing to send. */
  nextBatch(): Promise<Uint8Array | undefined>;
  /** Its numbers are new: the twin is to be asked anew. */
  isRenumbered(): boolean;
  hear(ack: Ack): HeardByLane;
  isOverdue(): boolean;
  /** Whether events wait for an acknowledgement that can be expected. */
  isWaiting(): boolean;
  /** What keeps this lane from being sent. */
  trouble(): string | undefined;
  releaseNow(): Promise<void>;
};

export type HeardByLane = {
  /** It told anything new. */
  readonly moved: boolean;
  /** The twin has more than it ever had, as far as this process knows. */
  readonly advanced: boolean;
  /** The batch was refused; ask anew after so long. */
  readonly askAgainMs: number | undefined;
};

/** More than is ever under way or late to be released. */
const FAR_EVENTS = 32_768;
const RELEASE_STEP = 16_384;

export function createUplinkLane(deps: UplinkDeps, options: UplinkOptions, name: Lane): UplinkLane {
  const { outbox, clock, chance, journal, record, signer } = deps;
  const patience = createBackoff(options.refused, chance);
  let releases = createReleases(deps, options.release, name);
  let window: Window = createWindow(options);
  const known = createKnown();
  let isRenumbered = false;
  /** The twin has nothing of this epoch, and may lack the end of the one before. */
  let isUnheardOf = false;
  /** The epoch began on this connection: the twin has what was before it. */
  let isBegun = false;
  let acked = 0;
  let trouble: string | undefined;
  /** lastSeq at which nothing unsent was held, although numbers were left: evicted unsent. */
  let emptyAt = 0;
  let sentAtMs = Number.NEGATIVE_INFINITY;

  return {
    name,
    begin() {
      window = createWindow(options);
      isBegun = false;
      emptyAt = 0;
      trouble = undefined;
    },
    ask() {
      known.ask(acked);
      isRenumbered = false;
      isUnheardOf = false;
      window.ask(clock.monotonicMs());
    },
    dueInMs() {
      if (isUnheardOf) return 0;
      const comparing = known.comparing();
      if (comparing !== undefined) return comparing.comparison.next() && 0;
      const { lastSeq } = outbox.state(name);
      const pending = lastSeq - window.nextSeq() + 1;
      if (pending <= 0 || !window.hasRoom() || lastSeq === emptyAt) return undefined;
      if (name === "scan" || pending >= options.batch.events) return 0;
      if (window.underWay() > 0) return undefined;
      return Math.max(0, sentAtMs + options.telemetryPaceMs - clock.monotonicMs());
    },
    async nextBatch() {
      if (isUnheardOf) return await returnToEpochBefore();
      return await (known.comparing() === undefined ? nextBatch() : compare());
    },
    isRenumbered: () => isRenumbered,
    hear(heardAck) {
      const held = { ...outbox.state(name), acked };
      const ack = known.heard(heardAck, held, clock.monotonicMs());
      if (ack === undefined) return { moved: true, advanced: false, askAgainMs: undefined };
      const answersHello = window.phase() === "asking" && ack.refused === "";
      const heard = window.heard(ack, held.lastSeq, clock.monotonicMs());
      if (heard.delayMs !== undefined) record.acknowledged(name, heard.delayMs / 1000);
      const advanced = heard.release !== undefined && heard.release > acked;
      if (answersHello) meet(ack);
      if (heard.release !== undefined) {
        acked = heard.release;
        releases.due(acked);
      }
      if (advanced) {
        patience.reset();
        trouble = undefined;
      }
      const askAgainMs = heard.finding && act(heard.finding);
      return { moved: heard.moved, advanced, askAgainMs };
    },
    isOverdue() {
      const movedAtMs = known.comparing()?.movedAtMs;
      return movedAtMs === undefined
        ? window.isOverdue(clock.monotonicMs(), options.overdueMs)
        : clock.monotonicMs() - movedAtMs >= options.overdueMs;
    },
    isWaiting: () => trouble === undefined && outbox.state(name).lastSeq > acked,
    trouble: () => trouble,
    releaseNow: () => releases.now(),
  };

  /** The next question of a comparison; or what was found is done. */
  async function compare(): Promise<Uint8Array | undefined> {
    const comparing = known.comparing();
    const step = comparing?.comparison.next();
    if (comparing === undefined || step === undefined) return undefined;
    comparing.comparison.begun();
    if (step.kind === "differs") {
      await renumber(comparing.answer.through, step.fromSeq);
      return undefined;
    }
    const events = Math.min(options.batch.events, step.lastSeq - step.firstSeq + 1);
    const waiting = await outbox.peek(name, step.firstSeq, { ...options.batch, events });
    // Evicted meanwhile: no answer comes, and the twin is asked anew where it is.
    const isThere = waiting.events.length > 0 && waiting.firstSeq === step.firstSeq;
    return known.comparing()?.comparison === comparing.comparison && isThere
      ? encode(outbox.state(name), waiting, "compare")
      : undefined;
  }

  async function renumber(through: number, fromSeq: number): Promise<void> {
    const { epoch, lastSeq } = outbox.state(name);
    const fault = new Fault(
      "STORE_WENT_BACK",
      `lane ${name}: the twin has events up to ${through} of numbering ${epoch}, and from ${fromSeq} on they are ` +
        `not those of this outbox, which gave numbers up to ${lastSeq}: what it has from there on gets new ones`,
    );
    journal.error("outbox-went-back", { fault: fault.message, next: fault.advice });
    if (!(await changeEpoch(fromSeq)))
      trouble = `${fault.message}; the disk refused that, it is tried again`;
  }

  /** A twin that is restored from a copy of before this epoch may lack the end of the one before, too. */
  async function returnToEpochBefore(): Promise<undefined> {
    isUnheardOf = false;
    // Where the disk refuses, nothing is sent until the twin is asked anew.
    if (!(await changeEpoch(0))) window.ask(clock.monotonicMs());
  }

  /** Whether the disk took it. */
  async function changeEpoch(fromSeq: number): Promise<boolean> {
    const { epoch } = outbox.state(name);
    await releases.stop();
    if (!(await outbox.renumber(name, { epoch, fromSeq }))) return false;
    isRenumbered = outbox.state(name).epoch !== epoch;
    if (!isRenumbered) return true;
    isBegun = fromSeq > 0;
    releases = createReleases(deps, options.release, name);
    [acked, emptyAt] = [0, 0];
    trouble = undefined;
    return true;
  }

  /** Where the twin is, by its own word: it may be behind what it acknowledged once. */
  function meet({ through }: Ack): void {
    const sentThrough = Math.max(acked, outbox.state(name).firstSeq - 1);
    acked = through;
    isUnheardOf = through === 0 && !isBegun;
    if (through >= sentThrough) return;
    record.wentBack(name);
    journal.warn("twin-behind", { lane: name, through, sentThrough });
  }

  async function nextBatch(): Promise<Uint8Array | undefined> {
    const sending = window;
    const fromSeq = sending.nextSeq();
    const state = outbox.state(name);
    // The twin has much that was not sent from here (a backlog that came as a file): it goes first.
    if (fromSeq - state.firstSeq > FAR_EVENTS) await releases.now();
    const waiting = await outbox.peek(name, fromSeq, options.batch);
    // An acknowledgement or a new connection may have moved things meanwhile.
    if (sending !== window || !sending.hasRoom() || sending.nextSeq() !== fromSeq) return undefined;
    const { firstSeq, events } = waiting;
    if (events.length === 0) {
      emptyAt = state.lastSeq;
      return undefined;
    }
    assert(firstSeq >= fromSeq, "the outbox gives nothing before what was asked for");
    const message = encode(outbox.state(name), waiting, "take");
    sentAtMs = clock.monotonicMs();
    const lastSeq = firstSeq + events.length - 1;
    sending.sent(firstSeq, lastSeq, sentAtMs);
    known.sent(lastSeq);
    record.sent(name, events.length, message.length);
    return message;
  }

  function encode(
    { boot, lastSeq }: LaneState,
    { chain, ...waiting }: Waiting,
    wish: "take" | "compare",
  ): Uint8Array {
    const batch = {
      ...waiting,
      outlook: { lastSeq, clock: clock.quality() },
      gateway: options.gateway,
      boot,
      sentAtMs: clock.nowMs(),
      sentMonotonicMs: Math.floor(clock.monotonicMs()),
    };
    if (wish === "compare") return encodeBatch({ ...batch, compare: true });
    const isProof = signer !== undefined && chain !== undefined;
    return encodeBatch(isProof ? sealed(batch, chain, signer) : batch);
  }

  function act(finding: Finding): number | undefined {
    switch (finding.kind) {
      case "went-back":
        record.wentBack(name);
        journal.note("uplink-went-back", { lane: name, fromSeq: finding.fromSeq });
        return undefined;
      case "refused": {
        const askAgainMs = patience.nextMs();
        record.refused(name);
        trouble = `the twin refuses a batch of lane ${name}: ${finding.why}`;
        journal.error("batch-refused", { lane: name, why: finding.why, askAgainMs });
        return askAgainMs;
      }
      case "ahead": {
        const { through, lastSeq } = finding;
        const fault = new Fault(
          "TWIN_REFUSED",
          `lane ${name}: the twin has events up to ${through} of this numbering and this outbox gave ` +
            `only ${lastSeq}; was it restored from an old copy? Nothing of this lane is sent`,
        );
        trouble = fault.message;
        journal.error("twin-ahead", { fault: fault.message, next: fault.advice });
        return undefined;
      }
      default:
        return never(finding);
    }
  }
}

function createReleases(
  { outbox, clock }: UplinkDeps,
  { afterMs, events }: UplinkOptions["release"],
  lane: Lane,
) {
  let due = 0;
  let released = 0;
  let cancel: (() => void) | undefined;
  let releasing = Promise.resolve();

  const now = (): Promise<void> => {
    cancel?.();
    cancel = undefined;
    if (due > released) {
      const from = Math.max(released, outbox.state(lane).firstSeq - 1);
      released = due;
      releasing = releaseInSteps(from, due);
    }
    return releasing;
  };

  /** What leaves may have to be read once more for the chain: devices shall not wait for all of it. */
  async function releaseInSteps(from: number, through: number): Promise<void> {
    for (let at = from; at < through; ) {
      at = Math.min(through, at + RELEASE_STEP);
      await outbox.release(lane, at);
    }
  }

  return {
    now,
    /** Nothing is under way any more, and what was due is not released. */
    async stop(): Promise<void> {
      cancel?.();
      cancel = undefined;
      due = released;
      await releasing;
    },
    due(through: number): void {
      due = Math.max(due, through);
      if (due - released >= events) void now();
      else cancel ??= clock.after(afterMs, () => void now());
    },
  };
}
