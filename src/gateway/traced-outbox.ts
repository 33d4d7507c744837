/** The outbox with a trace of each scan: until it is on disk, and from there until the twin has it. */
import type { Clock, OutboxPort, Tracer } from "../ports.ts";

/** Scans that wait for the twin and are traced when they leave; of a longer backlog the first. */
const WAITING_MAX = 10_000;

export type TracedOutboxDeps = {
  readonly outbox: OutboxPort;
  readonly clock: Clock;
  readonly tracer: Tracer;
};

export function traceOutbox(
  { outbox, clock, tracer }: TracedOutboxDeps,
  { gateway }: { readonly gateway: string },
): OutboxPort {
  const keptAtMs = new Map<number, number>();
  return {
    ...outbox,
    async put(lane, events) {
      const startMs = clock.nowMs();
      const put = await outbox.put(lane, events);
      if (!put.ok || lane !== "scan") return put;
      const { firstSeq, lastSeq } = put.commit;
      const { epoch } = outbox.state(lane);
      const endMs = clock.nowMs();
      for (let seq = firstSeq; seq <= lastSeq; seq++) {
        tracer.span("intake", { gateway, epoch, seq }, startMs, endMs);
        if (keptAtMs.size < WAITING_MAX) keptAtMs.set(seq, endMs);
      }
      return put;
    },
    release(lane, through) {
      const { epoch } = outbox.state(lane);
      const endMs = clock.nowMs();
      if (lane === "scan")
        for (const [seq, startMs] of keptAtMs) {
          if (seq > through) break;
          keptAtMs.delete(seq);
          tracer.span("uplink", { gateway, epoch, seq }, startMs, endMs);
        }
      return outbox.release(lane, through);
    },
  };
}
