/**
 * Acts that wait until the line of their device can be used: one at a time, the oldest first, and each for
 * no longer than its time. An act begins when it is taken; who took it settles it, or gives it back
 * untouched when the line cannot be used after all.
 */
import { assert } from "../kernel/assert.ts";
import type { Acted, Begin } from "./directives.ts";

export type WaitingActs<Work> = {
  /** Settles when it was done, or when its time was over before anybody took it. */
  put(work: Work, over: AbortSignal, begin: Begin): Promise<Acted>;
  waits(): boolean;
  /** The oldest, once it is on disk that it has begun. Undefined: that one is not to be done. */
  take(): Promise<TakenAct<Work> | undefined>;
  /** Called when one has come; whoever asked before is not called any more. */
  whenPut(wake: () => void): void;
};

export type TakenAct<Work> = {
  readonly work: Work;
  readonly over: AbortSignal;
  settle(acted: Acted): void;
  /** Nothing of it was done: it waits again, before all others. */
  giveBack(): void;
};

/** `late`: what an act comes to whose time was over before its device was told. */
export function createWaitingActs<Work>(late: Acted): WaitingActs<Work> {
  type Waiting = TakenAct<Work> & { readonly begin: Begin };
  let waiting: readonly Waiting[] = [];
  let wake: () => void = () => undefined;

  return {
    put: (work, over, begin) =>
      new Promise((settle) => {
        const giveBack = () => {
          if (over.aborted) return settle(late);
          waiting = [act, ...waiting];
          wake();
        };
        const act: Waiting = { work, over, settle, giveBack, begin };
        const miss = () => {
          if (!waiting.includes(act)) return;
          waiting = waiting.filter((other) => other !== act);
          settle(late);
        };
        waiting = [...waiting, act];
        over.addEventListener("abort", miss, { once: true });
        if (over.aborted) miss();
        wake();
      }),
    waits: () => waiting.length > 0,
    async take() {
      const [act, ...rest] = waiting;
      assert(act !== undefined, "an act waits that is taken");
      waiting = rest;
      const isOurs = await act.begin();
      if (isOurs && !act.over.aborted) return act;
      act.settle(late);
      return undefined;
    },
    whenPut(listener) {
      wake = listener;
    },
  };
}
