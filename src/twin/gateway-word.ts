/**
 * What gateways say of themselves with what they send: how far each lane goes, and how their clocks
 * stand. Nothing of it is written anywhere but in the batches themselves, where a twin that has been
 * restarted finds the last word of a gateway that is away.
 *
 * A clock is compared by when a message was sent there and taken in here. The way of a message makes
 * the gateway's clock look slow, so the shortest way of the last minutes tells most: of all
 * differences, the greatest.
 */
import type { Batch, ClockQuality, Hello, Lane } from "../wire/codec.ts";

/** `atMs`: by the twin's clock, as all moments here but `sentAtMs`. */
export type GatewayWord = {
  readonly gateway: string;
  readonly atMs: number;
  readonly lanes: readonly LaneWord[];
  /** Absent: an earlier release does not say. */
  readonly clock?: { readonly quality: ClockQuality; readonly sentAtMs: number } | undefined;
};

type LaneWord = {
  readonly epoch: string;
  readonly lane: Lane;
  /** Highest number ever given. */
  readonly lastSeq: number;
  /** Nothing up to here waits there any more. */
  readonly goneThrough: number;
};

export type LaneStanding = LaneWord & { readonly atMs: number };
export type ClockStanding = {
  readonly quality: ClockQuality;
  /** The gateway's clock minus the twin's, less the time on the way; seconds of it mean something. */
  readonly aheadMs: number;
  readonly atMs: number;
};
export type GatewayStanding = {
  /** When it last said anything. */
  readonly atMs: number;
  readonly clock: ClockStanding | undefined;
  /** By epoch. */
  readonly lanes: ReadonlyMap<string, LaneStanding>;
};

export function helloWord({ gateway, numberings, wallClock }: Hello, atMs: number): GatewayWord {
  const lanes = numberings.map(({ epoch, lane, firstSeq, lastSeq }) => ({
    ...{ epoch, lane, lastSeq, goneThrough: Math.max(0, firstSeq - 1) },
  }));
  return { gateway, atMs, lanes, clock: wallClock };
}

/** Undefined: the batch does not say, since an earlier release sent it, a browser, or a person by a file. */
export function batchWord(batch: Batch, atMs: number): GatewayWord | undefined {
  const { gateway, epoch, lane, firstSeq, goneThrough, events, sentAtMs, outlook } = batch;
  if (outlook === undefined) return undefined;
  const lastSeq = Math.max(outlook.lastSeq, firstSeq + events.length - 1);
  const clock = { quality: outlook.clock, sentAtMs };
  return { gateway, atMs, lanes: [{ epoch, lane, lastSeq, goneThrough }], clock };
}

export type GatewayWords = {
  hear(word: GatewayWord): void;
  of(gateway: string): GatewayStanding | undefined;
  gateways(): readonly string[];
};

/** Of a door that asks nobody who comes, anyone may bear any name. */
const GATEWAYS_MAX = 4_096;
/** Old outboxes of a gateway, which may still be drained, are few. */
const EPOCHS_MAX = 16;
/** The shortest way of this one and of the one before it counts. */
const SPAN_MS = 60_000;

export function createGatewayWords(): GatewayWords {
  const known = new Map<string, Heard>();

  return {
    hear({ gateway, atMs, lanes, clock }) {
      const heard = known.get(gateway) ?? { atMs, clock: undefined, lanes: new Map() };
      // Who was heard last stands last, and the first makes room.
      known.delete(gateway);
      known.set(gateway, heard);
      if (known.size > GATEWAYS_MAX) drop(known);
      heard.atMs = atMs;
      heard.clock = clock === undefined ? heard.clock : compared(heard.clock, clock, atMs);
      for (const lane of lanes) {
        // A backlog that comes as a file was written before what the gateway itself says since.
        const lastSeq = Math.max(lane.lastSeq, heard.lanes.get(lane.epoch)?.lastSeq ?? 0);
        heard.lanes.delete(lane.epoch);
        heard.lanes.set(lane.epoch, { ...lane, lastSeq, atMs });
        if (heard.lanes.size > EPOCHS_MAX) drop(heard.lanes);
      }
    },
    of(gateway) {
      const heard = known.get(gateway);
      if (heard === undefined) return undefined;
      const { atMs, clock, lanes } = heard;
      return { atMs, lanes, clock: clock && standingOf(clock) };
    },
    gateways: () => [...known.keys()],
  };
}

type Heard = {
  atMs: number;
  clock: Compared | undefined;
  readonly lanes: Map<string, LaneStanding>;
};

type Compared = {
  readonly quality: ClockQuality;
  readonly atMs: number;
  readonly spanFromMs: number;
  readonly aheadMs: number;
  /** Of the span before; undefined when there was none. */
  readonly beforeMs: number | undefined;
};

function compared(
  last: Compared | undefined,
  { quality, sentAtMs }: { readonly quality: ClockQuality; readonly sentAtMs: number },
  atMs: number,
): Compared {
  const aheadMs = sentAtMs - atMs;
  // A clock that was set says nothing of what it was before, nor does a word of long ago.
  const isAnew =
    last === undefined || quality === "stepped" || atMs - last.spanFromMs >= 2 * SPAN_MS;
  if (isAnew) return { quality, atMs, spanFromMs: atMs, aheadMs, beforeMs: undefined };
  if (atMs - last.spanFromMs >= SPAN_MS)
    return { quality, atMs, spanFromMs: atMs, aheadMs, beforeMs: last.aheadMs };
  return { ...last, quality, atMs, aheadMs: Math.max(last.aheadMs, aheadMs) };
}

function standingOf({ quality, atMs, aheadMs, beforeMs = aheadMs }: Compared): ClockStanding {
  return { quality, atMs, aheadMs: Math.max(aheadMs, beforeMs) };
}

function drop(map: Map<string, unknown>): void {
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
