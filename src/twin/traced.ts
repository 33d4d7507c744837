/** Traces of scans inside the twin: until they are evidence, until they are derived, and the telling. */
import type { Clock, Tracer } from "../ports.ts";
import type { EvidenceReader } from "../store/evidence.ts";
import type { EventId } from "../wire/codec.ts";
import type { Ingest } from "./ingest.ts";
import type { News } from "./news.ts";

/** Scans taken in and not derived yet; of a longer backlog the first are traced. */
const WAITING_MAX = 10_000;
/** Of one telling. */
const TOLD_MAX = 100;

type Deps = { readonly clock: Clock; readonly tracer: Tracer };

export function traceIngest(ingest: Ingest, { clock, tracer }: Deps): Ingest {
  const waiting = new Map<number, EventId>();
  return {
    ...ingest,
    take(offers) {
      const startMs = clock.nowMs();
      const kept = ingest.take(offers);
      const endMs = clock.nowMs();
      for (const { position, batch } of kept.value.flatMap(({ segments }) => segments)) {
        if (batch.lane !== "scan") continue;
        const { gateway, epoch, firstSeq } = batch;
        for (let n = 0; n < batch.events.length && waiting.size < WAITING_MAX; n++) {
          const event = { gateway, epoch, seq: firstSeq + n };
          waiting.set(position + n, event);
          tracer.span("ingest", event, startMs, endMs);
        }
      }
      return kept;
    },
    derive() {
      const startMs = clock.nowMs();
      const derived = ingest.derive();
      const { reflected } = ingest.standing();
      const endMs = clock.nowMs();
      for (const [position, event] of waiting) {
        if (position > reflected) break;
        waiting.delete(position);
        tracer.span("reconcile", event, startMs, endMs);
      }
      return derived;
    },
  };
}

export function tracePublish(
  publish: (news: readonly News[]) => void,
  { clock, tracer, evidence }: Deps & { readonly evidence: () => EvidenceReader },
): (news: readonly News[]) => void {
  return (news) => {
    const startMs = clock.nowMs();
    publish(news);
    const endMs = clock.nowMs();
    const told = news.filter(({ kind }) => kind !== "reading" && kind !== "reset");
    for (const position of [...new Set(told.map((one) => one.position))].slice(0, TOLD_MAX)) {
      const event = nameAt(evidence(), position);
      if (event !== undefined) tracer.span("live", event, startMs, endMs);
    }
  };
}

function nameAt(evidence: EvidenceReader, position: number): EventId | undefined {
  for (const { position: first, batch } of evidence.from(position)) {
    const { gateway, epoch, firstSeq } = batch;
    return { gateway, epoch, seq: firstSeq + position - first };
  }
  return undefined;
}
