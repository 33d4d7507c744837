/**
 * Gives labels their numbers, and sends labels to printers. Numbers are on stable storage before
 * they are told to anybody (store/labels), and what they stand for is stated before the answer leaves;
 * a twin that ended in between states it when it starts again.
 *
 * A printer gets one job at a time, as two on its one port would mix.
 */

import type { SendToPrinter, Sent } from "../labels/job.ts";
import type { Clock, Journal } from "../ports.ts";
import { isDiskFull } from "../store/damage.ts";
import type { Allocation, LabelStore, Print } from "../store/labels.ts";
import type { LabelConfig, Printer } from "./label-config.ts";
import { type AskedLabels, nextKeyOf, seriesFor, statementsFor } from "./label-series.ts";
import type { Writer } from "./writer.ts";

export type LabelDeskDeps = {
  readonly store: LabelStore;
  readonly call: Writer["call"];
  readonly isKnown: (key: string) => boolean;
  readonly send: SendToPrinter;
  readonly clock: Clock;
  readonly journal: Journal;
};

export type Given =
  | {
      readonly kind: "given";
      readonly allocation: Allocation;
      readonly repeated: boolean;
      /** The log position of the last of its statements. */
      readonly position: number;
    }
  | { readonly kind: "refused"; readonly detail: string; readonly next: string }
  | { readonly kind: "key_spent" }
  | { readonly kind: "used_up" }
  /** The numbers are given; what they stand for is not recorded yet. */
  | { readonly kind: "not_stated"; readonly why: string };

export type Printed =
  | { readonly kind: "print"; readonly print: Print; readonly repeated: boolean }
  | { readonly kind: "key_spent" }
  | { readonly kind: "busy" };

export type ToPrint = {
  readonly printer: Printer;
  readonly bytes: Uint8Array;
  readonly labels: number;
  /** What was asked for, as it was asked. */
  readonly asked: string;
  readonly idempotencyKey: string | undefined;
};

export type LabelDesk = ReturnType<typeof createLabelDesk>;

const STATED_AT_ONCE = 64;
const AGAIN_MS = 5_000;
const WAITING_MAX = 16;
/** Whoever sent a job hears how far it came, or after so long that it is still being sent. */
const ANSWER_MS = 10_000;

export function createLabelDesk(deps: LabelDeskDeps, config: LabelConfig) {
  const { store, call, isKnown, send, clock, journal } = deps;
  const busy = new Map<string, { last: Promise<unknown>; waiting: number }>();
  const stop = new AbortController();
  let cancel = () => {};

  async function allocate(asked: AskedLabels, idempotencyKey: string | undefined): Promise<Given> {
    const chosen = seriesFor(asked, config);
    if (!chosen.ok) return { kind: "refused", detail: chosen.detail, next: chosen.next };
    const { series } = chosen;
    const allocated = store.allocate({
      ...{ asked: JSON.stringify(asked), idempotencyKey, atMs: clock.nowMs() },
      series: { stem: series.stem, keyOf: nextKeyOf(series) },
      ...{ count: asked.count, isTaken: isKnown },
    });
    if (allocated.kind !== "allocated") return allocated;
    const { allocation, repeated } = allocated;
    const stated = await state(allocation);
    if (typeof stated === "number")
      return { kind: "given", allocation, repeated, position: stated };
    again();
    return { kind: "not_stated", why: stated };
  }

  /** The position of the last statement; or why it is not recorded. Repeated, it records nothing anew. */
  async function state({ id, asked, keys, mark }: Allocation): Promise<number | string> {
    const statements = statementsFor(JSON.parse(asked) as AskedLabels, keys);
    let position = 0;
    for (let from = 0; from < statements.length; from += STATED_AT_ONCE) {
      const part = statements.slice(from, from + STATED_AT_ONCE);
      const answers = await Promise.all(
        part.map((one, n) => call({ ...one, key: `labels/${mark}/${from + n}` })),
      );
      for (const answer of answers) {
        if (answer.kind === "failed") return answer.why;
        if (answer.kind === "key_spent") return "another statement was recorded under its key";
        position = Math.max(position, answer.position);
      }
    }
    // The file is closed by then: it is stated again at the next start, and records nothing anew.
    if (stop.signal.aborted) return "the twin is stopping";
    return unlessFull(() => store.stated(id)) ? position : "the twin's disk is full";
  }

  function again(): void {
    cancel();
    cancel = clock.after(AGAIN_MS, () => void resume());
  }

  /** What was given numbers and not stated: the twin ended, or its disk was full. */
  async function resume(): Promise<void> {
    for (const allocation of store.unstated()) {
      if (stop.signal.aborted) return;
      const stated = await state(allocation);
      if (typeof stated === "number") continue;
      journal.warn("labels-not-stated", { allocation: allocation.id, why: stated });
      if (!stop.signal.aborted) again();
      return;
    }
  }

  /** Once there is room. The next job waits meanwhile: that it begins could not be written down either. */
  async function settle(id: string, outcome: Sent["state"], detail: string): Promise<void> {
    while (!stop.signal.aborted && !unlessFull(() => store.settle(id, outcome, detail)))
      await clock.sleep(AGAIN_MS, stop.signal);
  }

  async function print(job: ToPrint): Promise<Printed> {
    const { printer, bytes, labels, asked, idempotencyKey } = job;
    const queue = busy.get(printer.id) ?? { last: Promise.resolve(), waiting: 0 };
    if (queue.waiting >= WAITING_MAX) return { kind: "busy" };
    const begun = store.begin({
      ...{ asked, printer: printer.id, labels, bytes: bytes.length, atMs: clock.nowMs() },
      idempotencyKey,
    });
    if (begun.kind === "key_spent") return begun;
    if (begun.kind === "known") return { kind: "print", print: begun.print, repeated: true };
    const { id } = begun.print;
    busy.set(printer.id, queue);
    queue.waiting += 1;
    const sending = queue.last.then(async () => {
      const sent = await send(printer, bytes);
      queue.waiting -= 1;
      const detail = detailOf(sent);
      await settle(id, sent.state, detail);
      const told = { print: id, printer: printer.id, labels, outcome: sent.state, detail };
      if (sent.state === "sent") journal.note("labels-printed", told);
      else journal.warn("labels-not-printed", told);
    });
    queue.last = sending;
    await Promise.race([sending, clock.sleep(ANSWER_MS, stop.signal)]);
    return { kind: "print", print: store.print(id) ?? begun.print, repeated: false };
  }

  return {
    allocate,
    print,
    resume,
    close(): void {
      stop.abort();
      cancel();
    },
  };
}

/** False: the disk has no room for it. */
function unlessFull(write: () => void): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    return false;
  }
}

function detailOf(sent: Sent): string {
  switch (sent.state) {
    case "sent":
      return sent.heard ? "" : "it does not say whether it can print";
    case "not-ready":
      return WRONG.filter(([what]) => sent.printer[what])
        .map(([, word]) => word)
        .join(", ");
    case "not-reached":
    case "uncertain":
      return sent.why;
  }
}

const WRONG = [
  ["paperOut", "no labels in it"],
  ["ribbonOut", "no ribbon in it"],
  ["headOpen", "its head is open"],
  ["paused", "it is paused"],
] as const;
