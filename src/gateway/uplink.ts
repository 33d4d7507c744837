/**
 * Sends what waits in the outbox to the twin, and releases it when the twin says that it is on its
 * disk. The only caller of `release`.
 *
 *   connect ─► Hello ─► Ack per numbering ─► batches, a bounded window per lane ─► Ack{through} ─► release
 *      ▲                                                                     │
 *      └──── back-off with full jitter ◄── line lost, or twice no answer ◄───┘
 *
 * Scans go first: before each batch it is asked anew which lane has one. Telemetry that is not a full
 * batch waits while another is under way, and a moment after the last one, so that a busy lane sends
 * few large batches and an idle one sends at once: each batch costs the twin a write to its disk.
 *
 * What an acknowledgement means is decided in uplink-window.ts; here it is carried out.
 */
import { type Backoff, createBackoff } from "../kernel/backoff.ts";
import { Fault } from "../kernel/fault.ts";
import type {
  Chance,
  Clock,
  Journal,
  Lane,
  Link,
  LinkSession,
  OutboxPort,
  Signer,
} from "../ports.ts";
import { type Ack, decodeAck, encodeHello, WireError } from "../wire/codec.ts";
import { createUplinkLane, type UplinkLane } from "./uplink-lane.ts";

export type UplinkDeps = {
  readonly link: Link;
  readonly outbox: OutboxPort;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly journal: Journal;
  readonly record: UplinkRecord;
  /** Absent: what is sent is not signed. */
  readonly signer?: Signer;
};

/** What happened, for the figures. */
export type UplinkRecord = {
  sent(lane: Lane, events: number, bytes: number): void;
  /** From sending a batch to its acknowledgement. */
  acknowledged(lane: Lane, seconds: number): void;
  wentBack(lane: Lane): void;
  refused(lane: Lane): void;
  session(): void;
  /** The twin's wall clock minus ours, at an acknowledgement. */
  clockOffset(seconds: number): void;
};

export type UplinkOptions = {
  readonly gateway: string;
  readonly batch: { readonly events: number; readonly bytes: number };
  readonly batchesMax: number;
  readonly slowMs: number;
  /** Least time between two batches of telemetry that are not full. */
  readonly telemetryPaceMs: number;
  readonly overdueMs: number;
  /** A release costs a write to disk, and nothing is lost by doing many in one. */
  readonly release: { readonly afterMs: number; readonly events: number };
  readonly reconnect: { readonly firstMs: number; readonly lastMs: number };
  readonly refused: { readonly firstMs: number; readonly lastMs: number };
};

export const UPLINK_DEFAULTS: Omit<UplinkOptions, "gateway"> = {
  batch: { events: 512, bytes: 256 * 1024 },
  batchesMax: 8,
  slowMs: 500,
  telemetryPaceMs: 20,
  overdueMs: 5_000,
  release: { afterMs: 200, events: 4096 },
  reconnect: { firstMs: 250, lastMs: 30_000 },
  refused: { firstMs: 1_000, lastMs: 60_000 },
};

export type UplinkState = {
  readonly connected: boolean;
  /** Why it is not connected, or what keeps a lane from being sent; empty when all is well. */
  readonly troubles: readonly string[];
};

export type Uplink = {
  /** Returns when `stop` is aborted. */
  run(stop: AbortSignal): Promise<void>;
  state(): UplinkState;
  /** Resolves when nothing waits any more, or when nothing can be sent now. */
  drained(): Promise<void>;
};

const LANES: readonly Lane[] = ["scan", "telemetry"];
/** Hellos without any answer before the line is taken for dead. */
const UNANSWERED_MAX = 2;

export function createUplink(deps: UplinkDeps, options: UplinkOptions): Uplink {
  const { link, clock, chance, journal, record } = deps;
  const reconnect = createBackoff(options.reconnect, chance);
  const lanes = LANES.map((name) => createUplinkLane(deps, options, name));
  const waiters = new Set<() => void>();
  let session: Session | undefined;
  let trouble = "not connected yet";

  return {
    async run(stop) {
      while (!stop.aborted) {
        const line = await connect(stop);
        if (line !== undefined) {
          const startedMs = clock.monotonicMs();
          session = createSession(deps, options, { line, lanes, reconnect, heard: tellDrained });
          trouble = await session.run(stop);
          session = undefined;
          // A line that held for a while was a good one; one that is refused at once was not.
          if (clock.monotonicMs() - startedMs >= options.overdueMs) reconnect.reset();
          journal.note("uplink-lost", { why: trouble });
        }
        tellDrained();
        if (!stop.aborted) await clock.sleep(reconnect.nextMs(), stop);
      }
      await releaseNow();
    },
    state: () => ({
      connected: session !== undefined,
      troubles: [
        ...(session === undefined ? [trouble] : []),
        ...lanes.flatMap((lane) => lane.trouble() ?? []),
      ],
    }),
    async drained() {
      await new Promise<void>((resolve) => {
        waiters.add(resolve);
        tellDrained();
      });
      await releaseNow();
    },
  };

  function tellDrained(): void {
    if (session !== undefined && lanes.some((lane) => lane.isWaiting())) return;
    for (const tell of waiters) tell();
    waiters.clear();
  }

  async function releaseNow(): Promise<void> {
    await Promise.all(lanes.map((lane) => lane.releaseNow()));
  }

  /** Undefined when there is no line now; why is in `trouble`. */
  async function connect(stop: AbortSignal): Promise<LinkSession | undefined> {
    try {
      const line = await link.connect(stop);
      record.session();
      journal.note("uplink-connected");
      return line;
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      // A twin that is away for hours is told once, not once per attempt.
      if (trouble !== fault.message && !stop.aborted)
        journal.warn("uplink-unreachable", { fault: fault.message, next: fault.advice });
      trouble = fault.message;
      return undefined;
    }
  }
}

type Session = { run(stop: AbortSignal): Promise<string> };

type Shared = {
  readonly line: LinkSession;
  readonly lanes: readonly UplinkLane[];
  readonly reconnect: Backoff;
  readonly heard: () => void;
};

/** One connection. It starts with the question where the twin is. */
function createSession(deps: UplinkDeps, options: UplinkOptions, shared: Shared): Session {
  const { outbox, clock, journal } = deps;
  const { line, lanes } = shared;
  const bell = createBell();
  const over = new AbortController();
  let ended = "the line was closed";
  let unanswered = 0;

  return {
    async run(stop) {
      const finish = () => end("stopped");
      stop.addEventListener("abort", finish, { once: true });
      if (stop.aborted) finish();
      const cancel = outbox.onCommit(bell.ring);
      try {
        for (const lane of lanes) lane.begin();
        ask(lanes);
        await Promise.all([hear(), send(), watch()]);
      } finally {
        over.abort();
        cancel();
        stop.removeEventListener("abort", finish);
        await line.close();
      }
      return ended;
    },
  };

  function end(why: string): void {
    if (over.signal.aborted) return;
    ended = why;
    over.abort();
    bell.ring();
    void line.close();
  }

  /** One Hello names all numberings; only those asked about stop sending until the answer. */
  function ask(about: readonly UplinkLane[]): void {
    for (const lane of about) lane.ask();
    const numberings = LANES.map((lane) => {
      const { epoch, firstSeq, lastSeq } = outbox.state(lane);
      return { epoch, lane, firstSeq, lastSeq };
    });
    const signingKey = deps.signer?.publicKey;
    const { gateway } = options;
    const wallClock = { sentAtMs: clock.nowMs(), quality: clock.quality() };
    transmit(
      "hello",
      encodeHello({
        gateway,
        numberings,
        wallClock,
        ...(signingKey !== undefined && { signingKey }),
      }),
    );
  }

  /** The transport's own acknowledgement means nothing here; its failure means that the line is lost. */
  function transmit(channel: "hello" | "batch", message: Uint8Array): void {
    line.send(channel, message).catch((fault: Error) => end(fault.message));
  }

  async function hear(): Promise<void> {
    for await (const message of line.receive()) {
      const ack = decoded(message);
      if (ack === undefined) continue;
      const lane = lanes.find(({ name }) => outbox.state(name).epoch === ack.epoch);
      if (lane === undefined) {
        heardOfNone(ack);
        continue;
      }
      deps.record.clockOffset((ack.twinTimeMs - clock.nowMs()) / 1000);
      const { moved, advanced, askAgainMs } = lane.hear(ack);
      if (moved) unanswered = 0;
      if (advanced) shared.reconnect.reset();
      if (askAgainMs !== undefined) clock.after(askAgainMs, () => askAgain(lane));
      shared.heard();
      bell.ring();
    }
    end("the line was closed");
  }

  /** A refusal that names no numbering of ours is about all we say: the line is of no use now. */
  function heardOfNone({ epoch, refused }: Ack): void {
    if (refused === "") {
      journal.warn("ack-of-unknown-epoch", { epoch });
      return;
    }
    const fault = new Fault("TWIN_REFUSED", refused);
    journal.error("gateway-refused", { fault: fault.message, next: fault.advice });
    end(fault.message);
  }

  function decoded(message: Uint8Array): Ack | undefined {
    try {
      return decodeAck(message);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      journal.warn("ack-not-understood", { why: error.message });
      return undefined;
    }
  }

  function askAgain(lane: UplinkLane): void {
    if (!over.signal.aborted) ask([lane]);
  }

  async function send(): Promise<void> {
    while (!over.signal.aborted) {
      const lane = lanes.find((candidate) => candidate.dueInMs() === 0);
      if (lane === undefined) {
        await nap();
        continue;
      }
      const message = await lane.nextBatch();
      if (over.signal.aborted) return;
      if (lane.isRenumbered()) ask([lane]);
      else if (message !== undefined) transmit("batch", message);
    }
  }

  /** Until something happens, or until a batch is due. */
  async function nap(): Promise<void> {
    const dueMs = Math.min(...lanes.map((lane) => lane.dueInMs() ?? Number.POSITIVE_INFINITY));
    const cancel = Number.isFinite(dueMs) ? clock.after(dueMs, bell.ring) : undefined;
    await bell.rung();
    cancel?.();
  }

  async function watch(): Promise<void> {
    const { overdueMs } = options;
    while (!over.signal.aborted) {
      await clock.sleep(overdueMs / 4, over.signal);
      const overdue = lanes.filter((lane) => lane.isOverdue());
      if (overdue.length === 0) continue;
      unanswered += 1;
      journal.warn("ack-overdue", { afterMs: overdueMs, times: unanswered });
      if (unanswered >= UNANSWERED_MAX) end("the twin does not answer");
      else ask(overdue);
    }
  }
}

/** Wakes the one who waits; a ring while nobody waits is remembered. */
function createBell() {
  let rang = false;
  let wake: (() => void) | undefined;
  return {
    ring(): void {
      rang = true;
      wake?.();
    },
    async rung(): Promise<void> {
      if (!rang) await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
      rang = false;
    },
  };
}
