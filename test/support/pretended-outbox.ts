/** An outbox in memory, for tests of what stands around it. It can be full, and evict on demand. */
import type {
  Committed,
  Lane,
  LaneState,
  NewEvent,
  OutboxPort,
  Put,
  Refusal,
} from "../../src/ports.ts";

export type PretendedOutbox = OutboxPort & {
  /** From now on puts are refused; undefined: kept again. */
  refuse(why: Refusal | undefined): void;
  /** The oldest telemetry up to `through` makes way. */
  evict(through: number): void;
  releases(lane: Lane): readonly number[];
  held(lane: Lane): readonly Uint8Array[];
};

type Store = {
  epoch: string;
  readonly events: Map<number, Uint8Array>;
  readonly releases: number[];
  lastSeq: number;
  goneThrough: number;
  evicted: number;
};

export function createPretendedOutbox(): PretendedOutbox {
  const lanes: Record<Lane, Store> = { scan: empty("scan"), telemetry: empty("telemetry") };
  const listeners = new Set<(lane: Lane) => void>();
  let refusal: Refusal | undefined;

  function leave(store: Store, through: number): void {
    for (let seq = store.goneThrough + 1; seq <= through; seq++) store.events.delete(seq);
    store.goneThrough = Math.max(store.goneThrough, through);
  }

  return {
    unsure: [],
    lastScans: [],
    async put(lane, events): Promise<Put> {
      if (refusal !== undefined) return { ok: false, why: refusal };
      const store = lanes[lane];
      const firstSeq = store.lastSeq + 1;
      for (const { bytes } of events) store.events.set(++store.lastSeq, bytes);
      for (const listener of listeners) listener(lane);
      return { ok: true, commit: { firstSeq, lastSeq: store.lastSeq } as unknown as Committed };
    },
    async peek(lane, fromSeq, limit) {
      // A thread would answer later too: other things happen meanwhile.
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      const { events, goneThrough, lastSeq } = lanes[lane];
      const firstSeq = Math.max(fromSeq, goneThrough + 1);
      const found: Uint8Array[] = [];
      let bytes = 0;
      for (let seq = firstSeq; seq <= lastSeq && found.length < limit.events; seq++) {
        const event = events.get(seq) ?? new Uint8Array(0);
        bytes += event.length;
        if (found.length > 0 && bytes > limit.bytes) break;
        found.push(event);
      }
      return { epoch: lanes[lane].epoch, lane, firstSeq, goneThrough, events: found };
    },
    async release(lane, through) {
      lanes[lane].releases.push(through);
      leave(lanes[lane], through);
    },
    state(lane): LaneState {
      const { epoch, events, goneThrough, lastSeq, evicted } = lanes[lane];
      return {
        epoch,
        lane,
        boot: 1,
        firstSeq: goneThrough + 1,
        lastSeq,
        waiting: events.size,
        waitingBytes: 0,
        evicted,
      };
    },
    async renumber(lane, { fromSeq }) {
      if (fromSeq === 0) return true;
      const { events, lastSeq, epoch } = lanes[lane];
      lanes[lane] = { ...empty(lane), epoch: `${epoch}-anew` };
      for (let seq = fromSeq; seq <= lastSeq; seq++)
        lanes[lane].events.set(++lanes[lane].lastSeq, events.get(seq) ?? new Uint8Array(0));
      return true;
    },
    async quarantine() {
      return { ok: false, why: "failed" };
    },
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {},
    refuse(why) {
      refusal = why;
    },
    evict(through) {
      lanes.telemetry.evicted += through - lanes.telemetry.goneThrough;
      leave(lanes.telemetry, through);
    },
    releases: (lane) => lanes[lane].releases,
    held: (lane) => [...lanes[lane].events.values()],
  };
}

export const epochOf = (lane: Lane): string => `epoch-of-${lane}`;

export function someEvent(text: string): NewEvent {
  return { bytes: new TextEncoder().encode(text), origin: undefined };
}

function empty(lane: Lane): Store {
  return {
    epoch: epochOf(lane),
    events: new Map(),
    releases: [],
    lastSeq: 0,
    goneThrough: 0,
    evicted: 0,
  };
}
