/**
 * Traces of scans, from the gateway to the open page, in OpenTelemetry's own form (OTLP/HTTP, JSON).
 *
 * Nothing about a trace travels with an event: its number follows from the event's name, and so does
 * that of each span from its stage. Gateway and twin agree without a word, and what is told twice is
 * the same span. Best effort: what cannot be sent soon is dropped, and work never waits for it.
 */
import { createHash } from "node:crypto";
import type { Clock, Tracer } from "../ports.ts";

const SPANS_MAX = 2_048;
const REST_MS = 500;
const SEND_MS_MAX = 5_000;
const STAGES = ["intake", "uplink", "ingest", "reconcile", "live"] as const;

export type TracerOptions = {
  /** Of the collector; /v1/traces is added. */
  readonly url: string;
  /** Which program this is. */
  readonly service: string;
};

export function openTracer({ clock }: { readonly clock: Clock }, options: TracerOptions): Tracer {
  const address = `${options.url.replace(/\/+$/, "")}/v1/traces`;
  let waiting: object[] = [];
  let cancel: (() => void) | undefined;
  let sending: Promise<void> = Promise.resolve();

  async function send(spans: readonly object[]): Promise<void> {
    try {
      await fetch(address, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(exported(options.service, spans)),
        signal: AbortSignal.timeout(SEND_MS_MAX),
      });
    } catch {
      // Whoever collects is not there: a trace is worth no second attempt.
    }
  }

  function flush(): void {
    cancel?.();
    cancel = undefined;
    const spans = waiting;
    waiting = [];
    if (spans.length > 0) sending = sending.then(() => send(spans));
  }

  return {
    span(stage, event, startMs, endMs) {
      if (waiting.length >= SPANS_MAX) return;
      const trace = hex(`trace ${event.gateway} ${event.epoch} ${event.seq}`, 32);
      const before = STAGES[STAGES.indexOf(stage) - 1];
      waiting.push({
        traceId: trace,
        spanId: hex(`${trace} ${stage}`, 16),
        ...(before !== undefined && { parentSpanId: hex(`${trace} ${before}`, 16) }),
        name: stage,
        kind: 1,
        startTimeUnixNano: nanoseconds(startMs),
        endTimeUnixNano: nanoseconds(endMs),
        attributes: [
          attribute("racktrace.gateway", event.gateway),
          attribute("racktrace.epoch", event.epoch),
          attribute("racktrace.seq", String(event.seq)),
        ],
      });
      cancel ??= clock.after(REST_MS, flush);
    },
    async close() {
      flush();
      await sending;
    },
  };
}

function hex(text: string, digits: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}

function nanoseconds(ms: number): string {
  return (BigInt(Math.round(ms * 1_000)) * 1_000n).toString();
}

function attribute(key: string, value: string) {
  return { key, value: { stringValue: value } };
}

function exported(service: string, spans: readonly object[]) {
  const resource = { attributes: [attribute("service.name", service)] };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "racktrace" }, spans }] }] };
}
