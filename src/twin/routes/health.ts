/** Is the twin well (/healthz), and its figures for Prometheus (/metrics). */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import { Type } from "typebox";
import type { DeviceStates } from "../../store/device-states.ts";
import type { SeriesAnswers } from "../../store/series.ts";
import type { GatewayStandings } from "../gateway-standings.ts";
import type { Standing } from "../ingest.ts";
import type { Tally } from "../ingest-messages.ts";
import type { HttpApp } from "./app.ts";
import { orNull } from "./shapes.ts";

export type HealthDeps = {
  readonly ready: () => boolean;
  readonly stalledMs: () => number;
  readonly standing: () => Standing;
  readonly tally: () => Tally;
  /** Connections to the broker not let in or let go. */
  readonly turnedAway: () => Readonly<Record<string, number>>;
  readonly connected: () => readonly string[];
  readonly standings: GatewayStandings;
  readonly watchers: () => number;
  /** At the HTTP door, by what became of them. */
  readonly logins: () => Readonly<Record<string, number>>;
  readonly quarantined: () => { readonly held: number; readonly evicted: number };
  readonly misunderstood: () => number;
  readonly deviceCounts: DeviceStates["counts"];
  readonly outsideRange: SeriesAnswers["outside"];
  /** Of each gateway, when the certificate ends that it comes with. */
  readonly certificateEnds: () => ReadonlyMap<string, number>;
  /** Bytes free where the data is; undefined when the system does not say. */
  readonly freeBytes: () => Promise<number | undefined>;
};

const STALLED_MS_MAX = 15_000;
const FREE_BYTES_MIN = 256 * 1024 * 1024;

export function registerHealthRoutes(app: HttpApp, deps: HealthDeps): void {
  const registry = metricsOf(deps);

  app.get(
    "/healthz",
    { schema: healthSchema, config: { role: "public" } },
    async (_request, reply) => {
      const { latest, reflected } = deps.standing();
      const freeBytes = await deps.freeBytes();
      const problems = problemsOf(deps, freeBytes);
      reply.code(problems.length === 0 ? 200 : 503);
      return {
        status: problems.length === 0 ? "ok" : "degraded",
        problems,
        latest,
        reflected,
        lag: latest - reflected,
        gateways: [...deps.connected()],
        watchers: deps.watchers(),
        freeBytes: freeBytes ?? null,
      };
    },
  );

  app.get(
    "/metrics",
    {
      schema: { tags: ["health"], summary: "Figures in the Prometheus text format" },
      config: { role: "viewer" },
    },
    async (_request, reply) => {
      reply.type(registry.contentType);
      return registry.metrics();
    },
  );
}

function problemsOf(deps: HealthDeps, freeBytes: number | undefined): string[] {
  const problems: string[] = [];
  if (!deps.ready()) problems.push("catching up with the evidence; gateways wait");
  const stalledMs = deps.stalledMs();
  if (stalledMs > STALLED_MS_MAX)
    problems.push(`work waits and nothing has moved for ${Math.round(stalledMs / 1000)} s`);
  if (freeBytes !== undefined && freeBytes < FREE_BYTES_MIN)
    problems.push(`the disk has ${Math.floor(freeBytes / 1024 / 1024)} MiB left`);
  return problems;
}

function metricsOf(deps: HealthDeps): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const figure = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `racktrace_twin_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const total = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `racktrace_twin_${name}_total`,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  total("events_taken_in", "Events taken in since the start", () => deps.tally().events);
  total("conflicts", "Events under a number that held another one", () => deps.tally().conflicts);
  figure("position", "Position of the last event taken in", () => deps.standing().latest);
  figure(
    "reflected_position",
    "Position that the answers reflect",
    () => deps.standing().reflected,
  );
  figure("lag_events", "Events taken in and not derived yet", () => {
    const { latest, reflected } = deps.standing();
    return latest - reflected;
  });
  figure(
    "stalled_seconds",
    "How long work has waited while nothing moved",
    () => deps.stalledMs() / 1000,
  );
  figure("gateways_connected", "Gateways connected now", () => deps.connected().length);
  figure("watchers", "Watchers of the live stream", () => deps.watchers());
  figure("quarantined", "Entries in quarantine", () => deps.quarantined().held);
  figure("misunderstood", "Events that this release cannot make sense of", () =>
    deps.misunderstood(),
  );
  new Gauge({
    name: "racktrace_twin_devices",
    help: "Devices of each gateway by their last told state",
    labelNames: ["gateway", "state"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { gateway, state, count } of deps.deviceCounts())
        this.set({ gateway, state }, count);
    },
  });
  new Gauge({
    name: "racktrace_twin_series_outside_range",
    help: "Series whose last reading is outside of the allowed range, of gateways with such ranges",
    labelNames: ["gateway"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { gateway, count } of deps.outsideRange()) this.set({ gateway }, count);
    },
  });
  new Gauge({
    name: "racktrace_twin_gateway_waiting_events",
    help: "Events that wait at a gateway, as it said last, less what came since",
    labelNames: ["gateway", "lane"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { gateway, lanes } of deps.standings.list())
        for (const { lane, waiting } of lanes)
          if (waiting !== undefined) this.inc({ gateway, lane }, waiting.events);
    },
  });
  new Gauge({
    name: "racktrace_twin_gateway_clock_ahead_seconds",
    help: "The clock of a gateway minus the twin's, as of its last word",
    labelNames: ["gateway"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { gateway, clock } of deps.standings.list())
        if (clock !== undefined) this.set({ gateway }, clock.aheadMs / 1000);
    },
  });
  new Gauge({
    name: "racktrace_twin_gateway_clock_synced",
    help: "1: a gateway says that its clock is synchronised; 0: that it is not; none: it cannot tell",
    labelNames: ["gateway"],
    registers: [registry],
    collect() {
      this.reset();
      for (const { gateway, clock } of deps.standings.list())
        if (clock !== undefined && clock.quality !== "unknown")
          this.set({ gateway }, clock.quality === "synced" ? 1 : 0);
    },
  });
  new Gauge({
    name: "racktrace_twin_certificate_ends_timestamp_seconds",
    help: "When the certificate ends that a gateway comes with",
    labelNames: ["gateway"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [gateway, endsMs] of deps.certificateEnds()) this.set({ gateway }, endsMs / 1000);
    },
  });
  new Counter({
    name: "racktrace_twin_batches_total",
    help: "Messages of gateways by what became of them",
    labelNames: ["outcome"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(deps.tally().batches))
        this.inc({ outcome }, count);
    },
  });
  new Counter({
    name: "racktrace_twin_mqtt_turned_away_total",
    help: "Connections of gateways not let in or let go, by reason",
    labelNames: ["why"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [why, count] of Object.entries(deps.turnedAway())) this.inc({ why }, count);
    },
  });
  new Counter({
    name: "racktrace_twin_logins_total",
    help: "Logins by what became of them, and requests that were refused for who asked",
    labelNames: ["outcome"],
    registers: [registry],
    collect() {
      this.reset();
      for (const [outcome, count] of Object.entries(deps.logins())) this.inc({ outcome }, count);
    },
  });
  return registry;
}

const healthShape = Type.Object({
  status: Type.String({ description: "ok or degraded" }),
  problems: Type.Array(Type.String()),
  latest: Type.Integer({ description: "Position of the last event taken in" }),
  reflected: Type.Integer({ description: "Position that the answers reflect" }),
  lag: Type.Integer(),
  gateways: Type.Array(Type.String()),
  watchers: Type.Integer(),
  freeBytes: orNull(Type.Integer()),
});

const healthSchema = {
  tags: ["health"],
  summary: "Whether the twin is well, and what is wrong if not",
  response: { 200: healthShape, 503: healthShape },
};
