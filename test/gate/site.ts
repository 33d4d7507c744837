/**
 * A gateway and a twin as real processes, whose ports and folders outlive them: they are killed and
 * started again. Only processes started here are signalled.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openKnownDevices } from "../../src/cli/device-door.ts";
import { secrets } from "../../src/io/secrets.ts";
import { run } from "../support/command.ts";
import { freePort, killStarting, type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";
import { pause } from "./gate.ts";
import { ANSWER_MS, type ScannerKind } from "./witness/desk.ts";

export type Part = "gateway" | "twin";

export type GateSite = {
  readonly mqttPort: number;
  readonly brokerPort: number;
  readonly mqttUrl: string;
  readonly twinHttp: string;
  readonly gatewayHttp: string;
  readonly data: Readonly<Record<Part, string>>;
  /** Starts it, and resolves with how long it took until it was ready, in ms. */
  start(part: Part): Promise<number>;
  /** Starts it and kills it so soon, wherever it is by then. */
  killStarting(part: Part, afterMs: number): Promise<void>;
  /** From now on this copy of the command line is started; undefined: the sources. */
  use(main: string | undefined): void;
  /** The gateway gets its certificate from the twin, which runs. */
  enrol(): Promise<void>;
  /** Throws when it has ended by itself, with its last words; so does `stop`. */
  kill(part: Part): Promise<void>;
  /** SIGTERM; the exit status. */
  stop(part: Part): Promise<number | null>;
  pid(part: Part): number;
  /** Its exit status, once it has ended by itself or otherwise. */
  ended(part: Part): Promise<number | null>;
  log(part: Part): string;
  /** How much it wrote in its journal since its start, in characters. */
  logged(part: Part): number;
  /** What a request to the twin needs beside its path. */
  headers(): Readonly<Record<string, string>>;
  health(): Promise<GatewayHealth>;
  /** How far the twin has taken in a lane of the gateway. */
  taken(lane: string): Promise<number>;
  /** Events of both lanes that wait on the gateway. */
  waiting(): Promise<number>;
  /** Resolves when nothing waits on the gateway, and the twin has derived all that it took in. */
  drained(timeoutMs?: number): Promise<void>;
  close(): Promise<void>;
};

/** Of each known device. */
export const PASSWORD = "all devices of a gate have this one";

export type GatewayHealth = {
  readonly status: "ok" | "degraded";
  readonly reasons: readonly { readonly what: string; readonly detail: string }[];
  readonly lanes: readonly {
    readonly lane: string;
    readonly waiting: number;
    readonly waitingBytes: number;
    readonly lastSeq: number;
    readonly evicted: number;
  }[];
  readonly scanners: readonly { readonly state: string }[];
};

export type SiteWish = {
  readonly folder: string;
  readonly scanners?: readonly { readonly path: string; readonly kind: ScannerKind }[];
  /** The gateway lets in these and nobody else, by PASSWORD, to publish under load/. Absent: anyone. */
  readonly devices?: readonly string[];
  /** Of the gateway's configuration; goes over what is usual. */
  readonly gateway?: Readonly<Record<string, unknown>>;
  /** Where the gateway finds the twin, when something stands between them. */
  readonly twinUrl?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of one of the two. */
  /** What each thread keeps after collecting is written here (collecting.ts); absent: nobody wants to know. */
  readonly keptFolder?: string;
  readonly environmentOf?: Partial<Readonly<Record<Part, Readonly<Record<string, string>>>>>;
  /** Mutual TLS between the two; `enrol` before the gateway is started. */
  readonly secured?: boolean;
  /** Run what `npm run build` made: running the sources costs some 40 MB more. */
  readonly built?: boolean;
};

const LAST_CHARS = 2_000;
const NEWS_MS = 500;
const COLLECTING = new URL("collecting.ts", import.meta.url).href;
const DEPLOY = new URL("../../deploy/", import.meta.url);
const BUILT = new URL("../../dist/src/cli/main.js", import.meta.url).pathname;
export const isBuilt = (): boolean => existsSync(BUILT);

const PROFILES: Readonly<Record<ScannerKind, object>> = {
  ssi: { profile: "zebra-ssi", answer: { timeoutMs: ANSWER_MS, verdictMs: 300 } },
  "host-ack": { profile: "honeywell-host-ack", answer: { timeoutMs: ANSWER_MS, verdictMs: 300 } },
  plain: { framing: { kind: "delimiter", delimiter: "cr" }, aim: true },
};

/** Folders are known as such, and hold what was scanned before them. */
const MASTER_DATA = {
  version: 1,
  places: [
    { id: "(414)9521234000105", kind: "site" },
    { id: "(414)9521234001003(254)ARCH", kind: "room", parent: "(414)9521234000105" },
  ],
  assetTypes: [{ id: "(8003)09521234005001", kind: "folder" }],
  gateways: [
    {
      ...{ id: "gw-gate", site: "(414)9521234000105" },
      ...{ defaultPlace: "(414)9521234001003(254)ARCH" },
    },
  ],
  scanners: [0, 1, 2].map((at) => ({
    ...{ gateway: "gw-gate", id: `scn-${at}`, step: "storing", order: "item-first" },
  })),
} as const;

export async function openSite(wish: SiteWish): Promise<GateSite> {
  const { folder, scanners = [], environment = {} } = wish;
  const [mqttPort, brokerPort, httpPort, statusPort] = (await Promise.all(
    Array.from({ length: 4 }, freePort),
  )) as [number, number, number, number];
  const data = { gateway: join(folder, "gateway"), twin: join(folder, "twin") };
  for (const path of Object.values(data)) mkdirSync(path, { recursive: true });
  const twinUrl = wish.twinUrl ?? `${wish.secured ? "mqtts" : "mqtt"}://127.0.0.1:${brokerPort}`;
  const config = join(folder, "gateway.yaml");
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      version: 1,
      gateway: "gw-gate",
      data: data.gateway,
      log: "info",
      http: { host: "127.0.0.1", port: statusPort },
      twin: { url: twinUrl },
      mqtt: {
        ...{ host: "127.0.0.1", port: mqttPort, mappings: MAPPINGS },
        ...(wish.devices !== undefined && { access: "known-devices" }),
      },
      scanners: scanners.map(({ path, kind }, at) => ({
        id: `scn-${at}`,
        path,
        ...PROFILES[kind],
      })),
      ...wish.gateway,
    }),
  );
  if (wish.devices !== undefined) await knowDevices(data.gateway, wish.devices);
  const twinConfig = join(folder, "twin.yaml");
  const masterData = join(folder, "master-data.yaml");
  writeFileSync(masterData, JSON.stringify(MASTER_DATA));
  writeFileSync(
    twinConfig,
    JSON.stringify({
      version: 1,
      data: data.twin,
      masterData,
      http: { host: "127.0.0.1", port: httpPort },
      broker: {
        ...{ host: "127.0.0.1", port: brokerPort },
        ...(wish.secured === true && { transport: "tls" }),
      },
    }),
  );
  const words: Readonly<Record<Part, readonly string[]>> = {
    gateway: ["gateway", "--config", config],
    twin: ["twin", "--config", twinConfig],
  };
  const running: Partial<Record<Part, Program>> = {};
  const program = (part: Part): Program => {
    const found = running[part];
    if (found === undefined) throw new Error(`the ${part} was never started`);
    return found;
  };

  const endedHere = new WeakSet<Program>();
  const lastWords = new WeakMap<Program, string>();

  /** Its supervisor would start it again, and nobody would hear of it: here somebody does. */
  function heedEnd(part: Part, started: Program): void {
    void started.ended.then((status) => {
      if (endedHere.has(started)) return;
      const words = `the ${part} ended by itself (${status}): ${started.log().slice(-LAST_CHARS)}`;
      lastWords.set(started, words);
      process.stderr.write(`${words}\n`);
    });
  }

  function toEnd(part: Part): Program {
    const found = program(part);
    const words = lastWords.get(found);
    if (words !== undefined) throw new Error(words);
    endedHere.add(found);
    return found;
  }

  let main = wish.built === true ? BUILT : undefined;
  const optionsOf = (part: Part) => ({
    environment: {
      ...environment,
      ...wish.environmentOf?.[part],
      ...likeTheUnit(part, wish.keptFolder === undefined ? [] : [`--import=${COLLECTING}`]),
      ...(wish.keptFolder !== undefined && { RACKTRACE_GATE_KEPT: wish.keptFolder }),
    },
    ...(main !== undefined && { main }),
  });

  async function ask<T>(url: string): Promise<T> {
    const response = await fetch(url, { headers: headers() });
    return (await response.json()) as T;
  }
  const headers = () =>
    (running.twin as { headers?: Record<string, string> } | undefined)?.headers ?? {};
  const health = () => ask<GatewayHealth>(`http://127.0.0.1:${statusPort}/healthz`);
  const waiting = async () => {
    const { lanes } = await health();
    return lanes.reduce((sum, lane) => sum + lane.waiting, 0);
  };

  return {
    mqttPort,
    brokerPort,
    mqttUrl: `mqtt://127.0.0.1:${mqttPort}`,
    twinHttp: `http://127.0.0.1:${httpPort}`,
    gatewayHttp: `http://127.0.0.1:${statusPort}`,
    data,
    async start(part) {
      const startedMs = performance.now();
      const started = await startProgram(words[part], data[part], optionsOf(part));
      running[part] = started;
      heedEnd(part, started);
      return performance.now() - startedMs;
    },
    killStarting: (part, afterMs) => killStarting(words[part], afterMs, optionsOf(part)),
    use(copy) {
      main = copy;
    },
    async enrol() {
      const invited = await run(["twin", "enrol", "gw-gate", "--data", data.twin]);
      const url = `mqtts://127.0.0.1:${brokerPort}`;
      const words = ["gateway", "enrol", "--data", data.gateway, "--twin", url];
      const { status, stderr } = await run(words, invited.stdout);
      if (status !== 0) throw new Error(`not enrolled: ${invited.stderr}${stderr}`);
    },
    kill: async (part) => toEnd(part).kill(),
    stop: async (part) => toEnd(part).stop(),
    pid: (part) => program(part).pid,
    ended: (part) => program(part).ended,
    log: (part) => program(part).log(),
    logged: (part) => program(part).logged(),
    headers,
    health,
    waiting,
    async taken(lane) {
      const url = `http://127.0.0.1:${httpPort}/api/v1/gateways`;
      const gateways = await ask<{ lanes: { lane: string; through: number }[] }[]>(url);
      const lanes = gateways.flatMap((one) => one.lanes).filter((one) => one.lane === lane);
      return lanes.reduce((sum, { through }) => sum + through, 0);
    },
    drained: (timeoutMs = 120_000) =>
      until(
        "nothing waits, and the twin has derived all",
        async () =>
          (await waiting()) === 0 &&
          (await ask<{ lag: number }>(`http://127.0.0.1:${httpPort}/healthz`)).lag === 0,
        { timeoutMs, everyMs: 25 },
      ),
    async close() {
      // What fell a moment ago is told of: a gate stumbles over it before the news of it is here.
      await pause(NEWS_MS);
      for (const one of [running.gateway, running.twin])
        if (one !== undefined) {
          endedHere.add(one);
          await one.kill();
        }
    },
  };
}

async function knowDevices(folder: string, names: readonly string[]): Promise<void> {
  const accounts = openKnownDevices(folder);
  const hardened = await secrets.harden(PASSWORD);
  for (const name of names)
    accounts.put({
      ...{ name, clientId: name, hardened, serial: null, madeMs: Date.now() },
      ...{ publish: [`load/${name}/#`], subscribe: [] },
    });
  accounts.close();
}

/** Node's options and the variables that its unit starts a program with: what is judged is what is installed. */
function likeTheUnit(part: Part, more: readonly string[]): Readonly<Record<string, string>> {
  const unit = readFileSync(new URL(`racktrace-${part}.service`, DEPLOY), "utf8");
  const options = /^ExecStart=\S+\/node (.*?) ?\S+\/main\.js /m.exec(unit)?.[1];
  if (options === undefined) throw new Error(`no options of Node are found in ${part}'s unit`);
  const variables = [...unit.matchAll(/^Environment=(\w+)=(\S+)$/gm)];
  return {
    ...Object.fromEntries(variables.map(([, name = "", value = ""]) => [name, value])),
    NODE_OPTIONS: [options, ...more].join(" ").trim(),
  };
}

/** The witness's numbers, and what the bench's load says. */
const MAPPINGS = [
  {
    topic: "load/+/count",
    device: "{1}",
    payload: "number",
    readings: [{ property: "count", unit: "1" }],
  },
  {
    topic: "dc1/+/climate",
    device: "{1}",
    payload: "json",
    readings: [
      { pointer: "/temperature", property: "temperature", unit: "Cel" },
      { pointer: "/humidity", property: "relative_humidity", unit: "%" },
    ],
  },
];
