/**
 * Durable intake against bare aedes: the same load on both in turn, in one run, since a shared machine
 * is never the same twice. The promise is a ratio: at least 0.7 of what aedes does when it keeps nothing.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Bench, Figure } from "./figures.ts";
import type { ServerReport } from "./ingest-server.ts";
import type { MqttLoad, MqttLoadResult } from "./mqtt-load.ts";

type Kind = "bare" | "durable";

const WARM_UPS = 3;
const ROUNDS = 5;
const LOAD = { connections: 16, window: 256, warmUpMs: 700, ms: 2500 };
/** Sensors of a large site, for the latency of a gateway that is not at its limit. */
const CALM_RATE = 5_000;

export const bench: Bench = {
  async run() {
    const bare = await startServer("bare");
    const durable = await startServer("durable");
    const results: Record<Kind, MqttLoadResult[]> = { bare: [], durable: [] };
    const total: Record<Kind, number> = { bare: 0, durable: 0 };
    const run = async (kind: Kind, load: Partial<MqttLoad> = {}) => {
      const { port } = kind === "bare" ? bare : durable;
      const result = await runLoad({ ...LOAD, ...load, port });
      total[kind] += result.total;
      return result;
    };
    // The compiler needs its time, and a gateway runs for months.
    for (let round = 0; round < WARM_UPS; round++) {
      await run("bare");
      await run("durable");
    }
    for (let round = 1; round <= ROUNDS; round++) {
      const order: readonly Kind[] = round % 2 === 1 ? ["bare", "durable"] : ["durable", "bare"];
      for (const kind of order) results[kind].push(await run(kind));
      const [first, second] = [results.bare.at(-1), results.durable.at(-1)];
      const line = `round ${round}: bare ${rate(first)}/s, durable ${rate(second)}/s`;
      process.stderr.write(`${line}, ratio ${(rate(second) / rate(first)).toFixed(2)}\n`);
    }
    const calm = await run("durable", { rate: CALM_RATE });
    const bareReport = await bare.stop();
    const report = await durable.stop();
    if (report.stored !== total.durable)
      throw new Error(`${total.durable} were acknowledged and ${report.stored} are stored`);

    const bareRate = median(results.bare.map(rate));
    const durableRate = median(results.durable.map(rate));
    const ratios = results.durable.map((result, at) => rate(result) / rate(results.bare[at]));
    return [
      { name: "bare aedes, in memory", value: bareRate, unit: "msg/s" },
      { name: "durable: JSON, event, fsync, PUBACK", value: durableRate, unit: "msg/s" },
      { name: "ratio", value: median(ratios), unit: "", goal: ">= 0.7" },
      { name: "events a flush", value: report.stored / report.flushes, unit: "" },
      ...cpu("bare", bareReport, total.bare),
      ...cpu("durable", report, total.durable),
      ...latency("bare, at its limit", results.bare),
      ...latency("durable, at its limit", results.durable),
      ...latency(`durable, at ${CALM_RATE}/s`, [calm]),
    ];
  },
};

/** On a busy machine these say more than rates do. */
function cpu(name: string, report: ServerReport, messages: number): Figure[] {
  const perMessage = (seconds: number) => (seconds * 1e6) / messages;
  return [
    { name: `${name}: CPU of the loop`, value: perMessage(report.loopSeconds), unit: "us/msg" },
    {
      name: `${name}: CPU of the process`,
      value: perMessage(report.processSeconds),
      unit: "us/msg",
    },
  ];
}

function latency(name: string, results: readonly MqttLoadResult[]): Figure[] {
  return [
    { name: `${name}: PUBACK p50`, value: median(results.map(({ p50Ms }) => p50Ms)), unit: "ms" },
    { name: `${name}: PUBACK p99`, value: median(results.map(({ p99Ms }) => p99Ms)), unit: "ms" },
  ];
}

function rate(result: MqttLoadResult | undefined): number {
  return result === undefined ? 0 : Math.round(result.acknowledged / result.seconds);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

export async function startServer(kind: "bare" | "durable") {
  const child = start("ingest-server.ts", kind);
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const [first] = (await once(lines, "line")) as [string];
  const { port } = JSON.parse(first) as { port: number };
  return {
    port,
    async stop(): Promise<ServerReport> {
      child.stdin?.end();
      const [line] = (await once(lines, "line")) as [string];
      return JSON.parse(line) as ServerReport;
    },
  };
}

export async function runLoad(load: MqttLoad): Promise<MqttLoadResult> {
  const child = start("mqtt-load.ts", JSON.stringify(load));
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const ended = once(child, "exit").then(([status]) => {
    throw new Error(`the load ended with ${status}`);
  });
  const [line] = (await Promise.race([once(lines, "line"), ended])) as [string];
  ended.catch(() => undefined);
  return JSON.parse(line) as MqttLoadResult;
}

function start(file: string, argument: string): ChildProcess {
  const path = new URL(file, import.meta.url).pathname;
  return spawn(process.execPath, [path, argument], { stdio: ["pipe", "pipe", "inherit"] });
}
