/** Traces are one setting, by the name that OpenTelemetry gave it: where they are collected. */
import { openTracer } from "../io/traces.ts";
import type { Clock, Tracer } from "../ports.ts";

const SETTING = "OTEL_EXPORTER_OTLP_ENDPOINT";

/** Undefined: nobody collects. */
export function tracerFor(service: string, clock: Clock): Tracer | undefined {
  const url = process.env[SETTING];
  return url === undefined || url === "" ? undefined : openTracer({ clock }, { url, service });
}
