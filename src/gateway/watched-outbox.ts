/** The outbox with a watch beside it: how long puts take, and whether it refuses just now. */
import type { Clock, Lane, OutboxPort, Put, Refusal } from "../ports.ts";

export type WatchedOutbox = {
  readonly outbox: OutboxPort;
  /** Why the last put was refused; undefined when it was kept. */
  refusing(): Refusal | undefined;
};

export function watchOutbox(
  { outbox, clock }: { readonly outbox: OutboxPort; readonly clock: Clock },
  committed: (lane: Lane, seconds: number) => void,
): WatchedOutbox {
  let refusing: Refusal | undefined;

  function look(put: Put): Put {
    refusing = put.ok ? undefined : put.why;
    return put;
  }

  return {
    refusing: () => refusing,
    outbox: {
      ...outbox,
      async put(lane, events) {
        const startedMs = clock.monotonicMs();
        const put = look(await outbox.put(lane, events));
        if (put.ok) committed(lane, (clock.monotonicMs() - startedMs) / 1000);
        return put;
      },
      async quarantine(entry) {
        return look(await outbox.quarantine(entry));
      },
    },
  };
}
