/**
 * Turns evidence into what follows from it: a step at a time, each step one transaction that holds
 * the rows and the position they reflect.
 *
 * Segments just taken in are handed over and not read back; when too many wait they are let go, and
 * read from the evidence when their turn comes. An event that this release cannot make sense of is
 * noted and passed over: it stays in the evidence, and a later release derives everything again.
 */
import { assert } from "../kernel/assert.ts";
import type { Clock, Journal } from "../ports.ts";
import { isDiskTrouble } from "../store/damage.ts";
import type { Derived } from "../store/derived.ts";
import {
  type DeviceStatesWriter,
  openDeviceStatesWriter,
  type ToldState,
} from "../store/device-states.ts";
import type { EvidenceReader, Segment } from "../store/evidence.ts";
import { rangeIn, type SaidRange } from "../store/ranges.ts";
import type { Change, Entry } from "../store/reconciler.ts";
import {
  type AlarmChange,
  openSeriesWriter,
  type SeriesWriter,
  type TimedReading,
} from "../store/series.ts";
import { decodeEvent, type Event, elementsIn, WireError } from "../wire/codec.ts";
import { OWN_NAME } from "../wire/own-name.ts";
import { conflictOf } from "./conflict.ts";
import { type Receipt, readingTime } from "./reading-time.ts";

/** Called within the step's transaction. After one that was rolled back another is opened. */
export type Reconciler = { take(entries: readonly Entry[]): readonly Change[] };

export type Step = {
  /** The rows reflect everything up to here. */
  readonly position: number;
  /** Of one position each, in order of positions. */
  readonly changes: readonly Change[];
  /** The newest of each series that this step touched. */
  readonly readings: readonly TimedReading[];
  /** Series that went outside of their ranges, or are within them again. */
  readonly alarms: readonly AlarmChange[];
  /** What gateways said of their devices, where it is what holds now. */
  readonly states: readonly ToldState[];
  /** Those that somebody waits for a word on. */
  readonly scans: readonly FreshScan[];
};

/** A scan that was made a moment ago. */
export type FreshScan = {
  readonly position: number;
  readonly gateway: string;
  readonly epoch: string;
  readonly seq: number;
};

export type Derivation = {
  /** Right after it was taken in, in order. */
  hand(segment: Segment): void;
  /** Undefined when nothing waits. */
  step(): Step | undefined;
  /** How many events are in the evidence and not yet in the rows. */
  lag(): number;
  reflected(): number;
};

/** Fields of an event with a scan or a reading. */
const USUAL_ELEMENTS = 8;

/** A step over a backlog takes so many times longer. */
const BACKLOG_STEPS = 4;

export type DerivationDeps = {
  readonly evidence: EvidenceReader;
  readonly derived: Derived;
  readonly openReconciler: () => Reconciler;
  readonly clock: Clock;
  readonly journal: Journal;
  /** Whether somebody at this gateway waits for a word on its scans; absent: nobody anywhere. */
  readonly waits?: (gateway: string) => boolean;
};

/** How long after a scan its operator may still wait, by the clock of the gateway and by ours. */
const FRESH_MS = 2_000;

/** A step ends with the segment that reaches `stepEventsMax`, within one that does so alone, or about `stepMs` of work. */
export type DerivationOptions = {
  readonly stepMs: number;
  readonly stepEventsMax: number;
  readonly heldEventsMax: number;
};

export function createDerivation(
  { evidence, derived, openReconciler, clock, journal, waits = nobody }: DerivationDeps,
  { stepMs, stepEventsMax, heldEventsMax }: DerivationOptions,
): Derivation {
  let held: Segment[] = [];
  let reflected = derived.reflected();
  let latest = evidence.latest();
  /** The position that the next segment must have to be held. */
  let heldEnd = reflected + 1;
  /** Follows the speed of the last step: between steps the acknowledgements leave. */
  let stepEvents = Math.min(256, stepEventsMax);
  let { reconciler, series, devices } = open();

  function open(): {
    reconciler: Reconciler;
    series: SeriesWriter;
    devices: DeviceStatesWriter;
  } {
    return {
      reconciler: openReconciler(),
      series: openSeriesWriter(derived.db),
      devices: openDeviceStatesWriter(derived.db),
    };
  }

  /** Weighed by what is in them: some events hold thousands of readings. */
  function nextEvents(): { readonly events: readonly Taken[]; readonly weight: number } {
    const events: Taken[] = [];
    let weight = 0;
    for (const segment of held.length > 0 ? held : evidence.from(reflected + 1)) {
      let own = 0;
      for (const taken of eventsOf(segment)) {
        if (taken.position <= reflected) continue;
        events.push(taken);
        own += Math.max(1, elementsIn(taken.bytes) / USUAL_ELEMENTS);
        // Heavier than any step: what others send is acknowledged in between.
        if (own >= stepEventsMax) break;
      }
      weight += own;
      if (weight >= stepEvents) break;
    }
    return { events, weight };
  }

  function letGoOfDerived(): void {
    const left = held.findIndex(
      ({ position, batch: { events } }) => position + events.length > reflected + 1,
    );
    held = left === -1 ? [] : held.slice(left);
  }

  function derive(events: readonly Taken[]): Step {
    const last = events.at(-1);
    if (last === undefined) return { position: reflected, ...NOTHING };
    const step = derived.step(last.position, () => {
      const entries: Entry[] = [];
      const scans: FreshScan[] = [];
      const states: ToldState[] = [];
      const suspected = new Set<number>();
      for (const taken of events) {
        const entry = understood(taken);
        if (entry === undefined) continue;
        if (entry.event.body.kind === "sensor") {
          addReadings(entry);
          continue;
        }
        states.push(...stateHolding(entry));
        for (const range of rangesIn(entry)) series.allow(range, entry.position);
        entries.push(entry, ...conflictIn(entry));
        if (isSuspectedRepeat(entry)) suspected.add(entry.position);
        if (waits(entry.id.gateway) && isFresh(entry))
          scans.push({ position: entry.position, ...entry.id });
      }
      const { readings, alarms } = series.settle();
      const changes = reconciler.take(entries).map((change) => marked(change, suspected));
      return { position: last.position, changes, readings, alarms, states, scans };
    });
    reflected = last.position;
    return step;
  }

  function understood({ position, bytes, segment, seq }: Taken): (Entry & Receipt) | undefined {
    const { batch, takenInAtMs, clockBehindMs } = segment;
    const id = { gateway: batch.gateway, epoch: batch.epoch, seq };
    try {
      const { sentAtMs, sentMonotonicMs, boot: sentBoot } = batch;
      const event = decodeEvent(bytes);
      assertNumbers(event);
      const sent = { sentAtMs, sentMonotonicMs, sentBoot };
      return { position, id, takenInAtMs, isClockBehind: clockBehindMs > 0, ...sent, event };
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      misunderstand({ position, bytes, segment, seq }, error.message);
      return undefined;
    }
  }

  /** What does not say when it was sent came by a file. */
  function isFresh({ event, sentAtMs, takenInAtMs }: Entry): boolean {
    if (event.body.kind !== "scan" || sentAtMs === 0) return false;
    if (sentAtMs - event.gatewayTimeMs > FRESH_MS) return false;
    return clock.nowMs() - takenInAtMs <= FRESH_MS;
  }

  function misunderstand({ position, segment, seq }: Taken, detail: string): void {
    const { gateway, epoch } = segment.batch;
    const source = `${gateway}/${epoch}/${seq}`;
    derived.misunderstand({ position, atMs: segment.takenInAtMs, source, detail });
  }

  function addReadings(entry: Entry & Receipt): void {
    const { event, position, id } = entry;
    if (event.body.kind !== "sensor") return;
    const { timeMs, by } = readingTime(event, entry);
    const tie = by === "device" ? 0 : position;
    const { gateway } = id;
    const { device } = event;
    for (const { property, value, unit } of event.body.readings)
      series.add({ gateway, device, property, unit, timeMs, value, tie, position });
  }

  function stateHolding(entry: Entry & Receipt): readonly ToldState[] {
    const { event, position, id } = entry;
    if (event.body.kind !== "device-state") return [];
    const { state, reason } = event.body;
    const sinceMs = readingTime(event, entry).timeMs;
    const told = { gateway: id.gateway, device: event.device, state, reason, sinceMs, position };
    return devices.tell(told, id.epoch) ? [told] : [];
  }

  function deriveAll(events: readonly Taken[]): Step {
    try {
      return derive(events);
    } catch (error) {
      ({ reconciler, series, devices } = open());
      if (isDiskTrouble(error)) throw error;
      return deriveOneByOne(events);
    }
  }

  /**
   * One event of a step broke it. Each is tried by itself, and the one that cannot be derived is
   * passed over: a single event must not stand in the way of all that come after it.
   */
  function deriveOneByOne(events: readonly Taken[]): Step {
    const steps = events.map((taken) => {
      try {
        return derive([taken]);
      } catch (error) {
        ({ reconciler, series, devices } = open());
        if (isDiskTrouble(error)) throw error;
        journal.error("event-not-derived", {
          position: taken.position,
          error: (error as Error).stack ?? String(error),
        });
        derived.step(taken.position, () => misunderstand(taken, (error as Error).message));
        reflected = taken.position;
        return NOTHING;
      }
    });
    return {
      position: reflected,
      changes: steps.flatMap(({ changes }) => changes),
      readings: steps.flatMap(({ readings }) => readings),
      alarms: steps.flatMap(({ alarms }) => alarms),
      states: steps.flatMap(({ states }) => states),
      scans: steps.flatMap(({ scans }) => scans),
    };
  }

  return {
    hand(segment) {
      const events = segment.batch.events.length;
      latest = segment.position + events - 1;
      const room = segment.position - reflected - 1 + events <= heldEventsMax;
      if (segment.position !== heldEnd || !room) return;
      held.push(segment);
      heldEnd += events;
    },

    step() {
      if (reflected >= latest) return undefined;
      const { events, weight } = nextEvents();
      assert(events[0]?.position === reflected + 1, "a step begins where the rows end");
      const startedMs = clock.monotonicMs();
      try {
        const step = deriveAll(events);
        letGoOfDerived();
        const tookMs = Math.max(0.1, clock.monotonicMs() - startedMs);
        // The fewer commits the faster, while so much waits that nobody sees the newest at once anyway.
        const wantedMs = latest - reflected > 2 * stepEventsMax ? BACKLOG_STEPS * stepMs : stepMs;
        stepEvents = Math.min(stepEventsMax, Math.ceil((weight * wantedMs) / tookMs));
        return step;
      } catch (error) {
        // How far it came is for the next step to see: from here on all is read from the evidence.
        held = [];
        throw error;
      } finally {
        if (held.length === 0) heldEnd = reflected + 1;
      }
    },

    lag: () => latest - reflected,
    reflected: () => reflected,
  };
}

const NOTHING: Omit<Step, "position"> = {
  ...{ changes: [], readings: [], alarms: [], states: [], scans: [] },
};

/** One event of a segment, not decoded yet. */
type Taken = {
  readonly position: number;
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly segment: Segment;
};

function eventsOf(segment: Segment): readonly Taken[] {
  return segment.batch.events.map((bytes, index) => ({
    position: segment.position + index,
    seq: segment.batch.firstSeq + index,
    bytes,
    segment,
  }));
}

function nobody(): boolean {
  return false;
}

/** An entry that means nothing to the statements' reader, and something to the scans'. */
function conflictIn(entry: Entry): readonly Entry[] {
  const conflict = conflictOf(entry);
  return conflict === undefined ? [] : [conflict];
}

/** Whoever may state master data may say what is allowed: no gateway may. */
function rangesIn({ id, event: { body } }: Entry): readonly SaidRange[] {
  if (id.gateway !== OWN_NAME || body.kind !== "statement" || body.statement !== "range") return [];
  return [rangeIn(body.json) ?? []].flat();
}

function assertNumbers({ body }: Event): void {
  if (body.kind !== "sensor") return;
  const odd = body.readings.find(({ value }) => !Number.isFinite(value));
  if (odd !== undefined)
    throw new WireError(`${odd.property} is ${odd.value}, which is no measure`);
}

function isSuspectedRepeat({ event: { body } }: Entry): boolean {
  return body.kind === "scan" && body.suspectedRepeat === true;
}

/** It counts like any other; whoever watches shall know what its gateway suspects. */
function marked(change: Change, suspected: ReadonlySet<number>): Change {
  const { position, kind } = change;
  if (kind !== "scan" || !suspected.has(position)) return change;
  return {
    position,
    kind,
    get data() {
      return { ...change.data, suspectedRepeat: true };
    },
  };
}
