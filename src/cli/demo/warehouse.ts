/**
 * Writes the configuration of a demo warehouse: what an installer would write by hand for the
 * simulated building, from the simulator's scenario and from free addresses.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";

export type Addresses = {
  readonly twinHttp: number;
  readonly twinBroker: number;
  readonly gatewayHttp: number;
  readonly gatewayMqtt: number;
};

export type Warehouse = {
  readonly ports: string;
  readonly truth: string;
  readonly twinConfig: string;
  readonly twinData: string;
  readonly gatewayConfig: string;
  readonly gatewayData: string;
};

/** What this program reads of a scenario; the simulator checks the rest of the file. */
type Scenario = {
  readonly gateway: string;
  readonly scanners: readonly {
    readonly id: string;
    readonly suffix?: "cr" | "lf" | "crlf" | "stx-etx";
    readonly aim?: boolean;
    readonly profile?: string;
  }[];
};

/** `masterData` is the simulator's description of its world, as JSON text. */
export function writeWarehouse(
  folder: string,
  scenarioPath: string,
  masterData: string,
  addresses: Addresses,
): Warehouse {
  const scenario = parse(readFileSync(scenarioPath, "utf8")) as Scenario;
  const paths: Warehouse = {
    ports: join(folder, "ports"),
    truth: join(folder, "truth.jsonl"),
    twinConfig: join(folder, "twin.yaml"),
    twinData: join(folder, "twin"),
    gatewayConfig: join(folder, "gateway.yaml"),
    gatewayData: join(folder, "gateway"),
  };
  const masterDataPath = join(folder, "master-data.json");
  writeFileSync(masterDataPath, masterData);
  writeFileSync(
    paths.twinConfig,
    stringify({
      version: 1,
      data: paths.twinData,
      http: { host: "127.0.0.1", port: addresses.twinHttp },
      broker: { host: "127.0.0.1", port: addresses.twinBroker },
      masterData: masterDataPath,
      labels: LABELS,
    }),
  );
  writeFileSync(
    paths.gatewayConfig,
    stringify({
      version: 1,
      gateway: scenario.gateway,
      data: paths.gatewayData,
      http: { host: "127.0.0.1", port: addresses.gatewayHttp },
      twin: { url: `mqtt://127.0.0.1:${addresses.twinBroker}` },
      mqtt: { host: "127.0.0.1", port: addresses.gatewayMqtt, mappings: MAPPINGS },
      scanners: scenario.scanners.map(({ id, suffix, aim, profile = "plain" }) => ({
        id,
        path: join(paths.ports, id),
        ...(profile === "plain" ? { framing: framingOf(suffix) } : { profile }),
        aim: aim ?? true,
      })),
    }),
  );
  return paths;
}

function framingOf(suffix: Scenario["scanners"][number]["suffix"]) {
  return suffix === "stx-etx" ? { kind: suffix } : { kind: "delimiter", delimiter: suffix ?? "cr" };
}

/** Prefixes of the warehouse's own: the simulated world has numbered its things with other ones. */
const LABELS = {
  companyPrefix: "9521234",
  pages: { type: "(253)9521234000013", prefix: "D" },
  folders: { type: "(8003)09521234005001", prefix: "NF" },
};

/** The topics and payloads of the simulated sensors; firmware-sim/README.md describes them. */
const MAPPINGS = [
  {
    topic: "dc1/+/climate",
    device: "{1}",
    payload: "json",
    time: { pointer: "/ts", unit: "ms" },
    id: "/id",
    readings: [
      { pointer: "/temperature", property: "temperature", unit: "Cel" },
      { pointer: "/humidity", property: "relative_humidity", unit: "%" },
    ],
  },
  {
    topic: "dc1/+/door",
    device: "{1}",
    payload: "number",
    readings: [{ property: "door_open", unit: "1" }],
  },
  {
    topic: "dc1/+/power",
    device: "{1}",
    payload: "number",
    readings: [{ property: "power", unit: "W" }],
  },
];
