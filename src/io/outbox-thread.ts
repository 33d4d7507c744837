/**
 * The outbox seen from the main thread: puts are packed into one buffer per flush, and while the
 * writer is busy with one flush the next one fills (group commit).
 *
 *   put, put, put ─► filling ─► [queue] ─► in flight ─► the writer ─► one fsync ─► all answered
 *
 * When the writer cannot go on, all that waits is refused and `failed` resolves.
 */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { assert, never } from "../kernel/assert.ts";
import { Fault } from "../kernel/fault.ts";
import type { Journal, Lane, OutboxPort, Refusal, Waiting } from "../ports.ts";
import type { OutboxLimits } from "../store/outbox.ts";
import { listAside } from "../store/outbox-file.ts";
import { packedBytes, unpackAnswer, unpackEvents } from "../store/outbox-packing.ts";
import { createFlushQueue, type Flush } from "./flush-queue.ts";
import type { Lanes, OutboxReply, OutboxRequest, OutboxWorkerData } from "./outbox-worker.ts";

export const OUTBOX_FILE = "outbox.db";

/** With so many an idle writer begins at once, so that it works while we read on. */
const EVENTS_ENOUGH = 256;
/** With so many a busy writer gets its next flush in advance, up to so many flushes. */
const EVENTS_AHEAD = 1024;
const FLUSHES_AHEAD = 4;
/** How soon a release that the disk refused is tried again when nothing else is written. */
const OWED_MS = 1000;

export type OutboxFigures = {
  readonly flushes: number;
  readonly flushSeconds: number;
  /** Events and quarantined messages that were put, known ones included. */
  readonly events: number;
  readonly walBytes: number;
  /** Events that wait in memory for the writer. */
  readonly queued: number;
  /** Damaged outboxes that were set aside. */
  readonly aside: number;
};

export type OutboxThread = OutboxPort & {
  /** Where a damaged file was put when this one was opened, and what was wrong with it. */
  readonly setAside: { readonly path: string; readonly reason: string } | undefined;
  /** Resolves when the writer cannot go on: end the process, so that its supervisor starts it anew. */
  readonly failed: Promise<Fault>;
  readonly figures: OutboxFigures;
};

/** Throws the Faults of src/store/outbox.ts. */
export async function openOutboxThread(
  { journal }: { readonly journal: Journal },
  { folder, limits }: { readonly folder: string; readonly limits: OutboxLimits },
): Promise<OutboxThread> {
  const workerData: OutboxWorkerData = { path: join(folder, OUTBOX_FILE), limits };
  const entry = import.meta.url.endsWith(".ts") ? "./outbox-worker.ts" : "./outbox-worker.js";
  const worker = new Worker(new URL(entry, import.meta.url), { workerData, name: "outbox" });
  const first = await new Promise<OutboxReply>((resolve) => worker.once("message", resolve));
  if (first.kind === "fault") throw new Fault(first.code, first.detail);
  assert(first.kind === "opened", "the writer first says that its file is open");
  if (first.setAside) journal.warn("outbox-set-aside", first.setAside);
  return connect(worker, journal, first, join(folder, OUTBOX_FILE));
}

function connect(
  worker: Worker,
  journal: Journal,
  opened: OutboxReply & { kind: "opened" },
  path: string,
): OutboxThread {
  const queue = createFlushQueue();
  const peeks = createPeeks();
  const owed = new Map<Lane, number>();
  const renumbering = new Map<Lane, (done: boolean) => void>();
  const listeners = new Set<(lane: Lane) => void>();
  const figures = {
    ...{ flushes: 0, flushSeconds: 0, events: 0, walBytes: 0, queued: 0 },
    get aside() {
      return listAside(path).length;
    },
  };
  const inFlight: Flush[] = [];
  let lanes: Lanes = opened.lanes;
  let scheduled = false;
  let refusing: Refusal | undefined;
  let fault: Fault | undefined;
  let closed: Promise<void> | undefined;
  let fail: (fault: Fault) => void;
  const failed = new Promise<Fault>((resolve) => {
    fail = resolve;
  });

  const ask = (request: OutboxRequest, transfer: readonly ArrayBuffer[] = []): void =>
    worker.postMessage(request, transfer);

  /** What one turn of the loop read from all sockets becomes one flush, unless that is a lot. */
  const schedule = (): void => {
    if (isWorthSending()) send();
    else if (inFlight.length === 0 && !scheduled) {
      scheduled = true;
      setImmediate(sendIfIdle);
    }
  };

  const isWorthSending = (): boolean =>
    inFlight.length === 0
      ? queue.nextEvents() >= EVENTS_ENOUGH
      : inFlight.length < FLUSHES_AHEAD && queue.nextEvents() >= EVENTS_AHEAD;

  const sendIfIdle = (): void => {
    scheduled = false;
    if (inFlight.length === 0 && fault === undefined) send();
  };

  const send = (): void => {
    const next = queue.take();
    for (const [lane, through] of owed)
      if (next.packer.release(lane, through)) {
        next.releases.push({ lane, through });
        owed.delete(lane);
      }
    const { buffer } = next.packer;
    const used = next.packer.used();
    if (used > 0) {
      inFlight.push(next);
      ask({ kind: "flush", buffer, used }, [buffer]);
      return;
    }
    queue.giveBack(buffer);
    if (closed !== undefined) ask({ kind: "close" });
  };

  const flushed = (reply: OutboxReply & { kind: "flushed" }): void => {
    const flush = inFlight.shift();
    assert(flush !== undefined, "the writer answers what it was asked");
    lanes = reply.lanes;
    figures.flushes += 1;
    figures.flushSeconds += reply.tookMs / 1000;
    figures.walBytes = reply.walBytes;
    queue.giveBack(reply.buffer);
    // The writer goes on before anybody is told.
    sendIfIdle();
    while (isWorthSending()) send();
    if (reply.done.ok) accept(flush, reply.done.answers);
    else refuse(flush, reply.done.why, reply.done.detail);
  };

  const accept = (flush: Flush, answers: Float64Array): void => {
    figures.queued -= flush.events;
    figures.events += flush.events;
    if (refusing !== undefined) journal.note("outbox-accepts-again");
    refusing = undefined;
    flush.answers.forEach((answer, at) => {
      answer(unpackAnswer(answers, at));
    });
    for (const done of flush.released) done();
    for (const lane of flush.lanes) for (const listener of listeners) listener(lane);
  };

  const refuse = (flush: Flush, why: Refusal, detail: string): void => {
    figures.queued -= flush.events;
    if (refusing !== why) journal.warn("outbox-refuses", { why, detail });
    refusing = why;
    if (closed === undefined)
      for (const { lane, through } of flush.releases) {
        // It is of the numbers of before: what is behind it has not been sent.
        if (renumbering.has(lane)) continue;
        owed.set(lane, Math.max(through, owed.get(lane) ?? 0));
        setTimeout(schedule, OWED_MS).unref();
      }
    for (const answer of flush.answers) answer({ ok: false, why });
    for (const done of flush.released) done();
  };

  const lose = (cause: Fault): void => {
    fault = cause;
    for (const flush of inFlight) refuse(flush, "failed", cause.message);
    for (let next = queue.take(); next.packer.used() > 0; next = queue.take())
      refuse(next, "failed", cause.message);
    peeks.lose(cause);
    for (const [lane, answer] of renumbering) {
      renumbering.delete(lane);
      answer(false);
    }
    fail(cause);
  };

  worker.on("message", (reply: OutboxReply) => {
    switch (reply.kind) {
      case "flushed":
        flushed(reply);
        break;
      case "peeked":
        peeks.keep(reply);
        break;
      case "renumbered":
        lanes = reply.lanes;
        renumbering.get(reply.lane)?.(reply.done);
        renumbering.delete(reply.lane);
        break;
      case "fault":
        lose(new Fault(reply.code, reply.detail));
        break;
      case "opened":
        break;
      default:
        never(reply);
    }
  });

  const refusal = (): Refusal | undefined => {
    if (fault !== undefined) return "failed";
    if (closed !== undefined) return "stopping";
    return queue.isFull() ? "busy" : undefined;
  };

  return {
    setAside: opened.setAside,
    aside: () => listAside(path),
    unsure: [...opened.unsure],
    lastScans: opened.lastScans,
    failed,
    figures,
    state: (lane) => lanes[lane],
    put(lane, events) {
      assert(events.length > 0, "an empty put has nothing to commit");
      const why = refusal();
      if (why !== undefined) return Promise.resolve({ ok: false, why });
      return new Promise((resolve) => {
        const flush = queue.add(packedBytes(events), (packer) => packer.put(lane, events));
        flush.answers.push(resolve);
        flush.lanes.add(lane);
        flush.events += events.length;
        figures.queued += events.length;
        schedule();
      });
    },
    quarantine(entry) {
      const why = refusal();
      if (why !== undefined) return Promise.resolve({ ok: false, why });
      const bytes = 64 + 4 * (entry.source.length + entry.reason.length) + entry.bytes.length;
      return new Promise((resolve) => {
        const flush = queue.add(bytes, (packer) => packer.quarantine(entry));
        flush.answers.push(resolve);
        flush.events += 1;
        figures.queued += 1;
        schedule();
      });
    },
    release(lane, through) {
      if (fault !== undefined || closed !== undefined) return Promise.resolve();
      return new Promise((resolve) => {
        const flush = queue.add(0, (packer) => packer.release(lane, through));
        flush.releases.push({ lane, through });
        flush.released.push(resolve);
        schedule();
      });
    },
    peek(lane, fromSeq, limit) {
      if (fault !== undefined) return Promise.reject(fault);
      if (closed !== undefined)
        return Promise.reject(new Fault("STORE_FAILED", "the outbox is closed"));
      return peeks.begin(lane, (id) => ask({ kind: "peek", id, lane, fromSeq, limit }));
    },
    renumber(lane, from) {
      if (fault !== undefined || closed !== undefined) return Promise.resolve(false);
      // It was of the old numbers.
      owed.delete(lane);
      return new Promise((resolve) => {
        renumbering.set(lane, resolve);
        ask({ kind: "renumber", lane, from });
      });
    },
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      closed ??= new Promise((resolve) => {
        if (fault === undefined) worker.once("exit", () => resolve());
        else resolve();
      });
      schedule();
      return closed;
    },
  };
}

type Peeking = {
  readonly lane: Lane;
  readonly keep: (waiting: Waiting) => void;
  readonly lose: (fault: Fault) => void;
};

/** Questions that the writer has not answered yet. */
function createPeeks() {
  const open = new Map<number, Peeking>();
  let lastId = 0;
  return {
    begin(lane: Lane, ask: (id: number) => void): Promise<Waiting> {
      lastId += 1;
      const id = lastId;
      return new Promise((keep, lose) => {
        open.set(id, { lane, keep, lose });
        ask(id);
      });
    },
    keep({
      id,
      epoch,
      firstSeq,
      goneThrough,
      events,
      chain,
    }: OutboxReply & { kind: "peeked" }): void {
      const peeking = open.get(id);
      assert(peeking !== undefined, "the writer answers the peeks it was asked for");
      open.delete(id);
      const { lane, keep } = peeking;
      keep({
        ...{ epoch, lane, firstSeq, goneThrough, events: unpackEvents(events) },
        ...(chain !== undefined && { chain }),
      });
    },
    lose(fault: Fault): void {
      for (const { lose } of open.values()) lose(fault);
      open.clear();
    },
  };
}
