/** The outbox with a watch beside it: how long puts take, and whether it refuses just now. */
import type { Clock, Lane, OutboxPort, Put, Refusal } from "../ports.ts";

export type WatchedOutbox = {
  readonly outbox: OutboxPort;
  /** Why the last put was refused; undefined when it was kept. */
  refusing(): Refusal | undefined;
  /** Puts that nobody has answered yet. */
  pending(): number;
  /** Puts that were answered, one way or the other. */
  answered(): number;
};

export function watchOutbox(
  { outbox, clock }: { readonly outbox: OutboxPort; readonly clock: Clock },
  committed: (lane: Lane, seconds: number) => void,
): WatchedOutbox {
  let refusing: Refusal | undefined;
  let [asked, answered] = [0, 0];

  async function look(asking: Promise<Put>): Promise<Put> {
    asked += 1;
    try {
      const put = await asking;
      refusing = put.ok ? undefined : put.why;
      return put;
    } finally {
      answered += 1;
    }
  }

  return {
    refusing: () => refusing,
    pending: () => asked - answered,
    answered: () => answered,
    outbox: {
      ...outbox,
      async put(lane, events) {
        const startedMs = clock.monotonicMs();
        const put = await look(outbox.put(lane, events));
        if (put.ok) committed(lane, (clock.monotonicMs() - startedMs) / 1000);
        return put;
      },
      quarantine: (entry) => look(outbox.quarantine(entry)),
    },
  };
}
