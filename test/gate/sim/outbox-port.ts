/** The real outbox behind its port, on a disk that takes its time: what the thread does, without the thread. */
import type { Prng } from "../../../firmware-sim/prng.ts";
import type { Clock, Lane, OutboxPort, Put } from "../../../src/ports.ts";
import type { Outbox, Work } from "../../../src/store/outbox.ts";

export type OutboxPortDeps = {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly chance: Prng;
  /** A dead process commits nothing and answers nobody. */
  readonly isAlive: () => boolean;
};

const COMMIT_MS = [0, 15] as const;
const ANSWER_MS = [0, 5] as const;
const BUSY_SHARE = 0.01;

export function openOutboxPort({ outbox, clock, chance, isAlive }: OutboxPortDeps): OutboxPort {
  const listeners = new Set<(lane: Lane) => void>();
  let freeAtMs = 0;

  /** One after the other; a kill may come before the commit, and between it and the answer. */
  function flush<T>(work: Work, answered: (put: Put | undefined) => T): Promise<T> {
    return new Promise((resolve) => {
      freeAtMs = Math.max(freeAtMs, clock.monotonicMs() + chance.within(COMMIT_MS));
      clock.after(freeAtMs - clock.monotonicMs(), () => {
        const done = outbox.flush([work]);
        clock.after(chance.within(ANSWER_MS), () => {
          const put: Put | undefined = done.ok ? done.answers[0] : { ok: false, why: done.why };
          resolve(answered(put));
          if (work.kind === "put") for (const listener of listeners) listener(work.lane);
        });
      });
    });
  }

  const refused: Put = { ok: false, why: "failed" };

  return {
    unsure: [...outbox.unsure],
    lastScans: outbox.lastScans,
    state: outbox.state,
    put: (lane, events) =>
      chance.chance(BUSY_SHARE)
        ? Promise.resolve({ ok: false, why: "busy" })
        : flush({ kind: "put", lane, events }, (put) => put ?? refused),
    release: (lane, through) => flush({ kind: "release", lane, through }, () => undefined),
    quarantine: (entry) => flush({ kind: "quarantine", entry }, (put) => put ?? refused),
    peek: (lane, fromSeq, limit) =>
      new Promise((resolve) => {
        if (!isAlive()) return;
        const { epoch } = outbox.state(lane);
        resolve({ epoch, lane, ...outbox.peek(lane, fromSeq, limit) });
      }),
    renumber: async (lane, from) => outbox.renumber(lane, from).ok,
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => Promise.resolve(),
  };
}
