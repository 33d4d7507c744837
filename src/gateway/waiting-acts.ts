/**
 * Acts that wait until the line of their device can be used: one at a time, the oldest first, and each for
 * no longer than its time. What was taken from here is settled by who took it.
 */
import type { Acted } from "./directives.ts";

export type WaitingActs<Work> = {
  /** Settles when it was done, or when its time was over before anybody took it. */
  put(work: Work, over: AbortSignal): Promise<Acted>;
  take(): TakenAct<Work> | undefined;
  /** Called when one has come; whoever asked before is not called any more. */
  whenPut(wake: () => void): void;
};

export type TakenAct<Work> = {
  readonly work: Work;
  readonly over: AbortSignal;
  settle(acted: Acted): void;
};

/** `late`: what an act comes to whose time was over before it began. */
export function createWaitingActs<Work>(late: Acted): WaitingActs<Work> {
  let waiting: readonly TakenAct<Work>[] = [];
  let wake: () => void = () => undefined;

  return {
    put: (work, over) =>
      new Promise((settle) => {
        const act: TakenAct<Work> = { work, over, settle };
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
    take() {
      const [act, ...rest] = waiting;
      waiting = rest;
      return act;
    },
    whenPut(listener) {
      wake = listener;
    },
  };
}
