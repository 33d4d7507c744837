/** A gateway and a twin as real processes with data folders of their own, for benches. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type Program, startProgram } from "../support/programs.ts";

/** A twin, and the configuration of a gateway that would send to it. */
export type TwinSite = {
  readonly mqttPort: number;
  readonly twinHttp: string;
  /** What a request to the twin brings. */
  readonly twinHeaders: () => Readonly<Record<string, string>>;
  readonly gatewayHttp: string;
  readonly gatewayConfig: string;
  readonly gatewayData: string;
  stopTwin(): Promise<void>;
  startTwin(): Promise<void>;
  close(): Promise<void>;
};

export type Site = TwinSite & {
  /** Events that wait on the gateway, in both lanes. */
  waiting(): Promise<number>;
  /** Events that the twin has on disk, and how many of them it has not reconciled yet. */
  taken(): Promise<{ readonly latest: number; readonly lag: number }>;
};

export type SiteOptions = {
  /** Scanner id to what the gateway is told of it; `path` at least. */
  readonly scanners?: Readonly<
    Record<string, { readonly path: string; readonly profile?: string }>
  >;
  readonly masterData?: unknown;
};

export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const site = await openTwinSite(options);
  const words = ["gateway", "--config", site.gatewayConfig];
  const gateway = await startProgram(words, site.gatewayData);
  return {
    ...site,
    async waiting() {
      const { lanes } = await ask<{ lanes: { waiting: number }[] }>(`${site.gatewayHttp}/healthz`);
      return lanes.reduce((sum, lane) => sum + lane.waiting, 0);
    },
    taken: () => ask(`${site.twinHttp}/healthz`),
    async close() {
      await gateway.stop();
      await site.close();
    },
  };
}

export async function openTwinSite({
  scanners = {},
  masterData,
}: SiteOptions = {}): Promise<TwinSite> {
  const folder = mkdtempSync(join(tmpdir(), "racktrace-bench-"));
  const [mqttPort, brokerPort, twinPort, statusPort] = await Promise.all(
    Array.from({ length: 4 }, freePort),
  );
  const data = { gateway: join(folder, "gateway"), twin: join(folder, "twin") };
  for (const path of Object.values(data)) mkdirSync(path);
  const master = join(folder, "master-data.json");
  if (masterData !== undefined) writeFileSync(master, JSON.stringify(masterData));
  const files = { gateway: join(folder, "gateway.yaml"), twin: join(folder, "twin.yaml") };
  writeFileSync(
    files.gateway,
    JSON.stringify({
      version: 1,
      gateway: "gw-bench",
      data: data.gateway,
      log: "warn",
      http: { host: "127.0.0.1", port: statusPort },
      twin: { url: `mqtt://127.0.0.1:${brokerPort}` },
      outbox: { bytesMax: 8 * 2 ** 30, telemetryBytesMax: 7 * 2 ** 30 },
      mqtt: {
        host: "127.0.0.1",
        port: mqttPort,
        mappings: [
          {
            topic: "dc1/+/climate",
            device: "{1}",
            payload: "json",
            readings: [
              { pointer: "/temperature", property: "temperature", unit: "Cel" },
              { pointer: "/humidity", property: "relative_humidity", unit: "%" },
            ],
          },
        ],
      },
      scanners: Object.entries(scanners).map(([id, scanner]) => ({ id, ...scanner })),
    }),
  );
  writeFileSync(
    files.twin,
    JSON.stringify({
      version: 1,
      data: data.twin,
      log: "warn",
      http: { host: "127.0.0.1", port: twinPort },
      broker: { host: "127.0.0.1", port: brokerPort },
      ...(masterData === undefined ? {} : { masterData: master }),
    }),
  );
  const startTwin = () => startProgram(["twin", "--config", files.twin], data.twin);
  let twin: Program = await startTwin();
  return {
    mqttPort: mqttPort ?? 0,
    gatewayHttp: `http://127.0.0.1:${statusPort}`,
    twinHttp: `http://127.0.0.1:${twinPort}`,
    twinHeaders: () => twin.headers,
    gatewayConfig: files.gateway,
    gatewayData: data.gateway,
    async stopTwin() {
      await twin.stop();
    },
    async startTwin() {
      twin = await startTwin();
    },
    async close() {
      await twin.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

async function ask<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}
