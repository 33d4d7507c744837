/**
 * This browser as a scanner and a gateway of its own: what it reads is kept first and sent then, and
 * each scan carries a mark that never says more than is true.
 *
 *   read ─► kept (on this device's storage) ─► saved (on the twin's disk) ─► judged (the twin's word)
 */
import { deviceMs, monotonicMs } from "../clock.ts";
import { sites } from "../places.ts";
import { bytesOf, codeName, textOf } from "./code.ts";
import { type Hand, type HandScan, handOf } from "./in-hand.ts";
import {
  openScanQueue,
  type PhoneRecord,
  type QueuedScan,
  type ScanBy,
  type ScanQueue,
  type Settings,
} from "./queue.ts";
import { runSender, type Sender, type SendState } from "./sender.ts";
import type { Order, ShownScan, Verdict } from "./told.ts";

export type PhoneState = {
  readonly record: PhoneRecord;
  /** The newest first. */
  readonly scans: readonly ShownScan[];
  /** Kept here and not yet the twin's. */
  readonly waiting: number;
  readonly send: SendState;
  /** What is put somewhere next, and into what: as this phone's own scans tell it. */
  readonly hand: Hand;
};

export type PhoneNews =
  | { readonly kind: "kept" }
  | { readonly kind: "lost" }
  | { readonly kind: "judged"; readonly verdict: Verdict };

export type Phone = {
  state(): PhoneState;
  /** Called at each change. Returns a cancel. */
  onChange(listener: () => void): () => void;
  /** What a person should hear. Returns a cancel. */
  onNews(listener: (news: PhoneNews) => void): () => void;
  /** `sets` is kept with it. */
  read(text: string, by: ScanBy, sets?: Pick<Settings, "counting">): void;
  chooseSite(key: string): void;
  /** Tries again to send. */
  wake(): void;
};

/** What is in hand, and what was counted, goes back further than what is shown. */
const LOOKED_MAX = 200;
const CHANNEL = "racktrace.scans";
/** What the twin takes of a scan. With more, this one and all behind it would wait for ever. */
const RAW_BYTES_MAX = 4_096;
const STEP = /^CMD:STEP:(\w{1,64})$/;
const ORDER = /^CMD:ORDER:(item-first|container-first)$/;

/** What tabs tell each other. */
type Told = { readonly kind: "queue" } | { readonly kind: "send"; readonly state: SendState };

export async function openPhone({ label }: { readonly label: string }): Promise<Phone> {
  const queue: ScanQueue = await openScanQueue();
  const channel = new BroadcastChannel(CHANNEL);
  const listeners = new Set<() => void>();
  const newsListeners = new Set<(news: PhoneNews) => void>();
  /** Read here and not written yet, or not to be written. The newest first. */
  let unkept: readonly ShownScan[] = [];
  let queued: readonly QueuedScan[] = await queue.latest(LOOKED_MAX);
  let record = await queue.record();
  let send: SendState = { kind: "sending" };
  let state = stateNow();
  let reads = 0;

  function stateNow(): PhoneState {
    const { through, lastSeq } = record;
    const scans = [...unkept, ...queued.map((scan) => shownOf(scan, through))];
    // What is read and not written yet waits too: nothing is called saved that is on its way there.
    const waiting = lastSeq - through + unkept.length;
    const hand = handOf(queued.map(handScanOf), record.order);
    return { record, scans, send, waiting, hand };
  }

  function changed(): void {
    state = stateNow();
    for (const listener of listeners) listener();
  }

  function tellNews(news: PhoneNews): void {
    for (const listener of newsListeners) listener(news);
  }

  async function look(): Promise<void> {
    const [latest, now] = await Promise.all([queue.latest(LOOKED_MAX), queue.record()]);
    const judged = new Set(queued.flatMap(({ seq, verdict }) => (verdict ? [seq] : [])));
    const known = new Set(latest.map(({ seq }) => idOf(seq)));
    const fresh = latest.filter(({ seq, verdict }) => verdict && !judged.has(seq));
    queued = latest;
    record = now;
    unkept = unkept.filter(({ id }) => !known.has(id));
    rememberWaiting(record.lastSeq > record.through);
    for (const { verdict } of fresh) if (verdict) tellNews({ kind: "judged", verdict });
    changed();
  }

  function moved(): void {
    channel.postMessage({ kind: "queue" } satisfies Told);
    void look();
  }

  const sender: Sender = runSender({
    queue,
    label,
    sites: () => sites(new AbortController().signal),
    onState(next) {
      send = next;
      channel.postMessage({ kind: "send", state: next } satisfies Told);
      changed();
    },
    onChange: moved,
  });

  channel.onmessage = ({ data }: MessageEvent<Told>) => {
    if (data.kind === "send") send = data.state;
    else sender.wake();
    void look();
  };

  async function keep(text: string, by: ScanBy, sets: Settings): Promise<void> {
    const timeMs = deviceMs();
    const id = `read ${reads++}`;
    const shown = { id, name: codeName(text), timeMs, verdict: undefined };
    unkept = [{ ...shown, mark: "read" }, ...unkept];
    changed();
    try {
      const raw = bytesOf(text);
      if (raw.length > RAW_BYTES_MAX) throw new Error("no label says so much");
      const scan = { timeMs, monotonicMs: monotonicMs(), raw, by };
      const { seq } = await queue.keep(scan, { ...settingsOf(text), ...sets });
      become(id, { id: idOf(seq), mark: "kept" });
      tellNews({ kind: "kept" });
      moved();
      sender.wake();
    } catch {
      // A full or broken storage, or no label: the person is told, loudly, and scans it again elsewhere.
      become(id, { mark: "lost" });
      tellNews({ kind: "lost" });
      changed();
    }
  }

  function become(id: string, now: Partial<ShownScan>): void {
    unkept = unkept.map((one) => (one.id === id ? { ...one, ...now } : one));
  }

  return {
    state: () => state,
    onChange: (listener) => subscribed(listeners, listener),
    onNews: (listener) => subscribed(newsListeners, listener),
    read: (text, by, sets = {}) => void keep(text, by, sets),
    chooseSite(site) {
      void queue.set({ site }).then(() => sender.wake());
    },
    wake: () => sender.wake(),
  };
}

function subscribed<T>(all: Set<T>, one: T): () => void {
  all.add(one);
  return () => void all.delete(one);
}

/** A command that is scanned sets this page as it sets the scanner at the twin. */
function settingsOf(text: string): Settings {
  const command = text.replace(/^\][A-Za-z]\d/, "");
  const step = STEP.exec(command)?.[1];
  const order = ORDER.exec(command)?.[1] as Order | undefined;
  return { ...(step !== undefined && { step }), ...(order !== undefined && { order }) };
}

function shownOf({ seq, raw, timeMs, verdict }: QueuedScan, through: number): ShownScan {
  const mark = seq > through ? "kept" : verdict === undefined ? "saved" : "judged";
  return { id: idOf(seq), mark, name: codeName(textOf(raw)), timeMs, verdict };
}

function handScanOf({ raw, verdict, step }: QueuedScan): HandScan {
  return { name: codeName(textOf(raw)), verdict, step };
}

function idOf(seq: number): string {
  return `seq ${seq}`;
}

const WAITING = "racktrace.scans.waiting";

/** So that any page of ours knows that there is something to send, without opening the storage. */
function rememberWaiting(waiting: boolean): void {
  try {
    if (waiting) localStorage.setItem(WAITING, "1");
    else localStorage.removeItem(WAITING);
  } catch {
    // The scan page sends it when it is opened.
  }
}
