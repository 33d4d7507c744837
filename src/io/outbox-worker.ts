/**
 * The thread that owns the outbox file: one flush at a time, one transaction each. It keeps no queue
 * of its own, so what the main thread has not heard of is not on disk.
 *
 * A disk that fails once gets its file opened anew; a disk that fails twice in a row, or that kept what it
 * refused, ends the thread with a Fault, since a process that starts over checks the file and this one would not.
 */
import { statSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { assert, never } from "../kernel/assert.ts";
import { Fault, type FaultCode } from "../kernel/fault.ts";
import type { ChainPart, Lane, LaneState, LastScan, Refusal } from "../ports.ts";
import {
  type Flushed,
  type Outbox,
  type OutboxLimits,
  openOutbox,
  reopenOutbox,
} from "../store/outbox.ts";
import { type PackedEvents, packAnswers, packEvents, unpack } from "../store/outbox-packing.ts";

export type OutboxWorkerData = { readonly path: string; readonly limits: OutboxLimits };

export type Lanes = { readonly scan: LaneState; readonly telemetry: LaneState };

export type OutboxRequest =
  | { readonly kind: "flush"; readonly buffer: ArrayBuffer; readonly used: number }
  | {
      readonly kind: "peek";
      readonly id: number;
      readonly lane: Lane;
      readonly fromSeq: number;
      readonly limit: { readonly events: number; readonly bytes: number };
    }
  | {
      readonly kind: "renumber";
      readonly lane: Lane;
      readonly from: { readonly epoch: string; readonly fromSeq: number };
    }
  | { readonly kind: "close" };

export type OutboxReply =
  | {
      readonly kind: "opened";
      readonly lanes: Lanes;
      readonly setAside: { readonly path: string; readonly reason: string } | undefined;
      readonly unsure: BigInt64Array;
      readonly lastScans: readonly LastScan[];
    }
  | {
      readonly kind: "flushed";
      /** Comes back for the next flush. */
      readonly buffer: ArrayBuffer;
      readonly done:
        | { readonly ok: true; readonly answers: Float64Array }
        | { readonly ok: false; readonly why: Refusal; readonly detail: string };
      readonly lanes: Lanes;
      readonly tookMs: number;
      readonly walBytes: number;
    }
  | {
      readonly kind: "peeked";
      readonly id: number;
      readonly epoch: string;
      readonly firstSeq: number;
      readonly goneThrough: number;
      readonly events: PackedEvents;
      readonly chain: ChainPart | undefined;
    }
  | {
      readonly kind: "renumbered";
      readonly lane: Lane;
      readonly done: boolean;
      readonly lanes: Lanes;
    }
  | { readonly kind: "fault"; readonly code: FaultCode; readonly detail: string };

/** The log's size is asked for now and then; it is a figure for people. */
const WAL_EVERY = 16;
const RESERVE_EVERY = 64;

const port = parentPort;
assert(port !== null, "the outbox runs in a thread of its own");
const { path, limits } = workerData as OutboxWorkerData;
const file = { path, nowMs: () => Date.now() };

try {
  serve();
} catch (error) {
  end(error);
}

function serve(): void {
  const opened = openOutbox(file, limits);
  let last = opened.outbox;
  /** Whether the file is open. It is opened anew when it is needed: by then the disk may be well. */
  let isOpen = true;
  let failures = 0;
  let trimming = false;
  let flushes = 0;
  let walBytes = 0;

  const lanes = (): Lanes => ({ scan: last.state("scan"), telemetry: last.state("telemetry") });

  const outbox = (): Outbox => {
    if (!isOpen) last = reopenOutbox(file, limits, last);
    isOpen = true;
    return last;
  };

  const attempt = (action: (outbox: Outbox) => Flushed): Flushed => {
    const done = action(outbox());
    if (done.ok) failures = 0;
    if (done.ok || done.why !== "failed") return done;
    failures += 1;
    if (failures > 1) throw new Fault("STORE_FAILED", `${path}: ${done.detail}`);
    last.close("abandoned");
    isOpen = false;
    return done;
  };

  /** Deleting waits for a moment without work, and then takes it in portions. */
  const trimLater = () => {
    if (trimming || !isOpen || !last.trimmable()) return;
    trimming = true;
    setImmediate(() => {
      trimming = false;
      // The file may have been closed meanwhile.
      if (!isOpen) return;
      guard(() => {
        if (attempt((open) => open.trim()).ok) trimLater();
      });
    });
  };

  /** Room for deleting is taken in a quiet moment, and again once it was needed and there is room. */
  const reserve = () => {
    if (isOpen && flushes % RESERVE_EVERY === 0) last.reserve();
  };

  const flush = ({ buffer, used }: OutboxRequest & { kind: "flush" }) => {
    const startedMs = performance.now();
    const done = attempt((open) => open.flush(unpack(buffer, used)));
    const tookMs = performance.now() - startedMs;
    if (flushes++ % WAL_EVERY === 0)
      walBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    const reply = { kind: "flushed", buffer, lanes: lanes(), tookMs, walBytes } as const;
    if (done.ok) {
      const answers = packAnswers(done.answers);
      send({ ...reply, done: { ok: true, answers } }, [buffer, answers.buffer]);
    } else send({ ...reply, done }, [buffer]);
    reserve();
    trimLater();
  };

  const peek = ({ id, lane, fromSeq, limit }: OutboxRequest & { kind: "peek" }) => {
    const { firstSeq, goneThrough, events, chain } = outbox().peek(lane, fromSeq, limit);
    const packed = packEvents(events);
    const { epoch } = last.state(lane);
    send({ kind: "peeked", id, epoch, firstSeq, goneThrough, events: packed, chain }, [
      packed.bytes.buffer,
      packed.ends.buffer,
    ]);
  };

  const renumber = ({ lane, from }: OutboxRequest & { kind: "renumber" }) => {
    const done = attempt((open) => open.renumber(lane, from)).ok;
    send({ kind: "renumbered", lane, done, lanes: lanes() });
  };

  const hear = (request: OutboxRequest): void => {
    switch (request.kind) {
      case "flush":
        flush(request);
        break;
      case "peek":
        peek(request);
        break;
      case "renumber":
        renumber(request);
        break;
      case "close":
        if (isOpen) last.close("stopped");
        isOpen = false;
        port?.close();
        break;
      default:
        never(request);
    }
  };

  port?.on("message", (request: OutboxRequest) => guard(() => hear(request)));
  const unsure = BigInt64Array.from(last.unsure);
  const { lastScans } = last;
  send({ kind: "opened", lanes: lanes(), setAside: opened.setAside, unsure, lastScans });
  setImmediate(reserve);
}

function send(reply: OutboxReply, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(reply, transfer);
}

function guard(action: () => void): void {
  try {
    action();
  } catch (error) {
    end(error);
  }
}

/** A Fault is news for the main thread; anything else is our own mistake and ends the process. */
function end(error: unknown): void {
  if (!(error instanceof Fault)) throw error;
  send({ kind: "fault", code: error.code, detail: error.message.slice(error.code.length + 2) });
  port?.close();
}
