/** The Grafana dashboard asks for figures that the two programs give, with labels that they carry. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startProgram } from "../support/programs.ts";

type Panel = {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
};
type Dashboard = { readonly panels: readonly Panel[] };

const FILE = new URL("../../deploy/grafana/racktrace.json", import.meta.url);
const { panels } = JSON.parse(readFileSync(FILE, "utf8")) as Dashboard;
const folder = mkdtempSync(join(tmpdir(), "racktrace-dashboard-"));
/** Name of a figure to the labels it is declared with, as far as it has values. */
const figures = new Map<string, Set<string>>();

/** Devices that are not there give their figures too. */
const GATEWAY = `version: 1
gateway: gw-1
data: ${join(folder, "gateway")}
http: { port: 0 }
twin: { url: "mqtt://127.0.0.1:1" }
mqtt: { port: 0 }
scanners: [{ id: scn-1, path: ${join(folder, "scanner")} }]
modbus:
  - { id: bus-1, path: ${join(folder, "bus")}, slaves: [{ id: clim-1, slave: 1, profile: xy-md02 }] }
lines:
  - id: scale-1
    path: ${join(folder, "scale")}
    format: { kind: pairs }
    readings: [{ field: W, property: mass, unit: kg }]
`;

beforeAll(async () => {
  const config = join(folder, "gateway.yaml");
  writeFileSync(config, GATEWAY);
  for (const [name, words] of [
    ["twin", ["--data", join(folder, "twin"), "--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"]],
    ["gateway", ["--config", config]],
  ] as const) {
    const program = await startProgram([name, ...words], join(folder, name));
    const { headers } = program;
    read(await (await fetch(`${program.address["http"]}/metrics`, { headers })).text());
    await program.stop();
  }
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("each figure that the dashboard asks for is one that the programs give", () => {
  const asked = new Set(expressions().flatMap(({ expr }) => namesIn(expr)));
  expect(asked.size).toBeGreaterThan(20);
  expect([...asked].filter((name) => !figures.has(name))).toEqual([]);
});

test("each figure of the programs is asked for, but for those that another one says better", () => {
  const asked = new Set(expressions().flatMap(({ expr }) => namesIn(expr).map(baseOf)));
  const own = [...new Set([...figures.keys()].map(baseOf))].filter((name) =>
    name.startsWith("racktrace_"),
  );
  expect(own.length).toBeGreaterThan(45);
  expect(own.filter((name) => !asked.has(name)).sort()).toEqual(SAID_BETTER);
});

/** Positions say less than what is behind; bytes and batches no more than events. */
const SAID_BETTER = [
  "racktrace_gateway_mqtt_connections",
  "racktrace_gateway_mqtt_retransmissions_total",
  "racktrace_gateway_mqtt_wills_total",
  "racktrace_gateway_outbox_last_seq",
  "racktrace_gateway_uplink_sent_batches_total",
  "racktrace_gateway_uplink_sent_bytes_total",
  "racktrace_twin_position",
  "racktrace_twin_reflected_position",
];

test("each label by which the dashboard tells lines apart is one that the figure carries", () => {
  const wrong = expressions().flatMap(({ expr, legendFormat }) =>
    [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].flatMap(([, label = ""]) => {
      const [name = ""] = namesIn(expr);
      const carried = figures.get(name) ?? new Set();
      // What has no value yet shows no label; Prometheus itself adds instance and job.
      if (carried.size === 0 || carried.has(label) || OF_PROMETHEUS.has(label)) return [];
      return [`${name}: ${label}`];
    }),
  );
  expect(wrong).toEqual([]);
});

test("no two panels lie over one another", () => {
  for (const [n, a] of panels.entries())
    for (const b of panels.slice(n + 1)) {
      const [p, q] = [a.gridPos, b.gridPos];
      const apart = p.x + p.w <= q.x || q.x + q.w <= p.x || p.y + p.h <= q.y || q.y + q.h <= p.y;
      expect(apart, `${a.title} and ${b.title}`).toBe(true);
    }
});

const OF_PROMETHEUS = new Set(["instance", "job"]);

function expressions() {
  return panels.flatMap(({ targets = [] }) => targets);
}

/** A histogram is one figure. */
function baseOf(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, "");
}

function namesIn(expr: string): readonly string[] {
  return expr.match(/\b(racktrace|process|nodejs)_\w+/g) ?? [];
}

function read(text: string): void {
  for (const line of text.split("\n")) {
    const [, typed, kind] = /^# TYPE (\S+) (\S+)/.exec(line) ?? [];
    if (typed !== undefined)
      for (const end of kind === "histogram" ? ["_bucket", "_sum", "_count"] : [""])
        figures.set(typed + end, figures.get(typed + end) ?? new Set());
    const [, name, labels = ""] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined || line.startsWith("#")) continue;
    const known = figures.get(name) ?? new Set();
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) known.add(label);
    figures.set(name, known);
  }
}
