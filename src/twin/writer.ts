/** The writer thread as the main thread sees it: offers go in, acknowledgements and news come out. */
import { Fault } from "../kernel/fault.ts";
import type { Outcome } from "./directive-outcomes.ts";
import type { GatewayWord } from "./gateway-word.ts";
import type { Standing } from "./ingest.ts";
import type { EncodedAck, FromWriter, NotCalled, Tally, ToWriter } from "./ingest-messages.ts";
import type { Offer } from "./intake.ts";
import type { News } from "./news.ts";
import type { Call, Called, Statement } from "./statements.ts";
import type { GatewayVerdicts } from "./verdict-desk.ts";

export type Writer = {
  /** The evidence and what follows from it can be read beside. */
  readonly opened: Promise<void>;
  /** What was taken in before this start is derived. */
  readonly ready: Promise<void>;
  /** Rejects when the thread fails; resolves after `close`. */
  readonly ended: Promise<void>;
  /** Resolves once the sender may forget: on stable storage, or refused for good. In order of asking. */
  offer(offer: Offer): Promise<void>;
  /** How many of the statements were news, once they are on stable storage; or none of them is. */
  state(statements: readonly Statement[]): Promise<number | NotCalled>;
  /** Resolves once it is on stable storage, or is not and never will be. */
  call(call: Call): Promise<Called | NotCalled>;
  /** These gateways wait for a word on their scans. */
  awaitedBy(gateways: readonly string[]): void;
  standing(): Standing;
  tally(): Tally;
  /** Offers without an answer yet. */
  waiting(): number;
  close(): Promise<void>;
};

export type WriterDeps = {
  readonly thread: {
    post(message: unknown, transfer?: readonly ArrayBuffer[]): void;
    onMessage(listener: (message: unknown) => void): void;
    readonly ended: Promise<Error | undefined>;
  };
  readonly onAck: (ack: EncodedAck) => void;
  readonly onNews: (news: readonly News[]) => void;
  readonly onVerdicts?: (verdicts: GatewayVerdicts) => void;
  /** Of directives, on stable storage. */
  readonly onOutcomes?: (outcomes: readonly Outcome[]) => void;
  /** What a gateway says of itself with what was taken in. */
  readonly onWord?: (word: GatewayWord) => void;
};

type Waiting = {
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (why: Error) => void;
};

/** Beyond this a sender is told to come again: what waits for a writer that hangs has a limit. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** Statements by API call under way at once. */
const CALLS_MAX = 1_024;
const BUSY: NotCalled = { kind: "failed", why: "the twin is busy" };
const STOPPING: NotCalled = {
  kind: "failed",
  why: "the twin is stopping, and whether it was kept is not known",
};

const NO_TALLY: Tally = {
  batches: { appended: 0, known: 0, resend: 0, refused: 0, greeted: 0 },
  events: 0,
  conflicts: 0,
};

export function createWriter({
  thread,
  onAck,
  onNews,
  onVerdicts,
  onOutcomes,
  onWord,
}: WriterDeps): Writer {
  const opened = milestone();
  const ready = milestone();
  const ended = milestone();
  const offers: Waiting[] = [];
  let waitingBytes = 0;
  const asks = new Map<number, (stated: number | NotCalled) => void>();
  const calls = new Map<number, (called: Called | NotCalled) => void>();
  let asked = 0;
  let standing: Standing = { latest: 0, reflected: 0 };
  let tally = NO_TALLY;
  let fault: Error | undefined;

  const post = (message: ToWriter, transfer?: readonly ArrayBuffer[]) =>
    thread.post(message, transfer);

  thread.onMessage((message) => hear(message as FromWriter));
  void thread.ended.then((error) => {
    const why = fault ?? error;
    for (const offer of offers.splice(0)) offer.reject(why ?? new Error("the twin is stopping"));
    for (const answer of [...calls.values(), ...asks.values()]) answer(STOPPING);
    calls.clear();
    asks.clear();
    if (why === undefined) return ended.resolve();
    for (const promise of [opened, ready, ended]) promise.reject(why);
  });

  function answered(count: number): readonly Waiting[] {
    const done = offers.splice(0, count);
    for (const { bytes } of done) waitingBytes -= bytes;
    return done;
  }

  function hear(message: FromWriter): void {
    switch (message.kind) {
      case "opened":
        opened.resolve();
        break;
      case "ready":
        ready.resolve();
        break;
      case "taken":
        for (const offer of answered(message.count)) offer.resolve();
        for (const word of message.words) onWord?.(word);
        // Behind the transport's own acknowledgements, which these promises release.
        queueMicrotask(() => message.acks.forEach(onAck));
        break;
      case "failed": {
        const why = new Error(message.why);
        for (const offer of answered(message.count)) offer.reject(why);
        break;
      }
      case "stated":
        asks.get(message.ask)?.(message.stated);
        asks.delete(message.ask);
        break;
      case "called":
        calls.get(message.ask)?.(message.called);
        calls.delete(message.ask);
        break;
      case "news":
        onNews(message.news);
        break;
      case "outcomes":
        onOutcomes?.(message.outcomes);
        break;
      case "verdicts":
        for (const verdicts of message.verdicts) onVerdicts?.(verdicts);
        break;
      case "standing":
        standing = message.standing;
        tally = message.tally;
        break;
      case "fault":
        fault = new Fault(message.code, message.detail);
        break;
    }
  }

  return {
    opened: opened.promise,
    ready: ready.promise,
    ended: ended.promise,

    offer(offer) {
      if (waitingBytes > WAITING_BYTES_MAX) return Promise.reject(new Error("the twin is busy"));
      return new Promise((resolve, reject) => {
        const bytes = offer.message.length;
        waitingBytes += bytes;
        offers.push({ resolve, reject, bytes });
        // A copy of its own: a view would take the whole read buffer of the socket with it.
        const message = new Uint8Array(offer.message);
        post({ kind: "offer", ...offer, message }, [message.buffer]);
      });
    },

    state(statements) {
      const ask = ++asked;
      return new Promise((resolve) => {
        asks.set(ask, resolve);
        post({ kind: "state", ask, statements });
      });
    },

    call(call) {
      if (calls.size >= CALLS_MAX) return Promise.resolve(BUSY);
      const ask = ++asked;
      return new Promise((resolve) => {
        calls.set(ask, resolve);
        post({ kind: "call", ask, call });
      });
    },

    awaitedBy: (gateways) => post({ kind: "awaited", gateways }),

    standing: () => standing,
    tally: () => tally,
    waiting: () => offers.length,

    close() {
      post({ kind: "close" });
      // How it ended is for those who wait for `ended`.
      return ended.promise.catch(() => {});
    },
  };
}

type Milestone = {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (why: Error) => void;
};

/** Reached once, or never. Nobody has to wait for it: a rejection unheard is not an error. */
function milestone(): Milestone {
  let resolve = () => {};
  let reject = (_why: Error) => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
