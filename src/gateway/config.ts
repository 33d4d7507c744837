/**
 * The gateway's configuration: text and flags in, one complete value out, or every problem at once.
 *
 * Reading files is the command line's work; what is checked here needs nothing from outside. Rules
 * that a schema cannot say (two scanners on one path, `{3}` in a topic with two wildcards) are below.
 */
import type { DecoderSetting } from "../devices/decoders/convention.ts";
import type { ReportingRule } from "../devices/reporting/reporting.ts";
import { withoutUser } from "../kernel/shown.ts";
import type { SourceConfig } from "./broker-source.ts";
import { gatewaySchema } from "./config-schema.ts";
import {
  type ConfigPath,
  type ConfigText,
  type Problem,
  parseConfigText,
  pathText,
  problemsAgainst,
} from "./config-text.ts";
import { type DoorConfig, doorProblems } from "./door-config.ts";
import type { LineSensorConfig } from "./line-sensor.ts";
import type { ModbusBus } from "./modbus-bus.ts";
import { ownersOf, type RealPath, sharedDevices } from "./one-device.ts";
import {
  completeScanner,
  type ScannerConfig,
  type ScannerText,
  scannerProblems,
} from "./scanner-config.ts";
import {
  busProblems,
  completeBus,
  completeSource,
  lineProblems,
  type ModbusText,
  nameProblems,
  type SourceText,
} from "./sensor-config.ts";
import { type StatusConfig, statusProblems } from "./status-config.ts";

export type { ScannerConfig } from "./scanner-config.ts";

export type MappingConfig = {
  readonly topic: string;
  readonly device: string;
  readonly payload: "json" | "number";
  readonly time?: { readonly pointer: string; readonly unit: "ms" | "s" | "iso8601" };
  readonly id?: string;
  readonly readings: readonly {
    /** Always there for json, never for number. */
    readonly pointer?: string;
    readonly property: string;
    readonly unit: string;
  }[];
};

export type GatewayConfig = {
  readonly version: 1;
  readonly gateway: string;
  readonly data: string;
  readonly log: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  readonly http: StatusConfig;
  readonly twin: { readonly url: string };
  readonly outbox: {
    readonly bytesMax: number;
    readonly telemetryBytesMax: number;
    readonly keepSentScans: number;
  };
  readonly mqtt: DoorConfig & {
    readonly mappings: readonly MappingConfig[];
    readonly decoders: readonly DecoderSetting[];
    /** Brokers of somebody else. */
    readonly sources: readonly SourceConfig[];
  };
  readonly scanners: readonly ScannerConfig[];
  readonly modbus: readonly ModbusBus[];
  /** Instruments that send lines of text. */
  readonly lines: readonly LineSensorConfig[];
  /** What of devices is worth keeping. */
  readonly sensors: readonly ReportingRule[];
};

export type ReadConfig =
  | { readonly ok: true; readonly config: GatewayConfig }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What flags may say; each value replaces the one of the text. */
export type ConfigFlags = {
  readonly data?: string;
  readonly gateway?: string;
  readonly log?: string;
  readonly twin?: { readonly url: string };
  readonly http?: { readonly host: string; readonly port: number };
  readonly mqtt?: { readonly host: string; readonly port: number };
  readonly scanners?: readonly { readonly id: string; readonly path: string }[];
};

/** Without a text the flags are the whole configuration. `realPath` knows which names are one device. */
export function readGatewayConfig(
  text: string | undefined,
  flags: ConfigFlags = {},
  realPath: RealPath = (path) => path,
): ReadConfig {
  const parsed: ConfigText =
    text === undefined
      ? { value: { version: 1 }, problems: [], lineOf: () => undefined }
      : parseConfigText(text);
  if (parsed.problems.length > 0) return { ok: false, problems: parsed.problems };

  const value = withFlags(parsed.value, flags);
  const misfits = problemsAgainst(gatewaySchema, value);
  const fits = (...path: ConfigPath) =>
    !misfits.some((misfit) => path.every((part, at) => misfit.path[at] === part));
  const contradicted = isRecord(value) ? contradictions(value as ConfigValue, fits, realPath) : [];
  const found = [...misfits, ...contradicted];
  if (found.length === 0) return { ok: true, config: complete(value as ConfigValue) };

  const problems = found.map((problem) => ({ ...problem, line: parsed.lineOf(problem.path) }));
  return { ok: false, problems: problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) };
}

/** One problem as a line for a person: `file:12: mqtt.port: must be an integer, is "x"`. */
export function problemText(file: string, { line, path, what }: Problem): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return path.length === 0 ? `${where}: ${what}` : `${where}: ${pathText(path)}: ${what}`;
}

/** As it may be shown: without what opens doors. */
export function withoutSecrets(config: GatewayConfig): GatewayConfig {
  return { ...config, twin: { ...config.twin, url: withoutUser(config.twin.url) } };
}

function withFlags(value: unknown, flags: ConfigFlags): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const base = value as Record<string, unknown>;
  const merged: Record<string, unknown> = { ...base };
  for (const [key, flag] of Object.entries(flags)) {
    const old = base[key];
    const both = isRecord(flag) && isRecord(old);
    if (flag !== undefined) merged[key] = both ? { ...old, ...flag } : structuredClone(flag);
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What fits the schema, before profiles have said what it leaves out. */
type ConfigValue = Omit<GatewayConfig, "scanners" | "modbus" | "mqtt"> & {
  readonly mqtt: Omit<GatewayConfig["mqtt"], "sources"> & {
    readonly sources: readonly SourceText[];
  };
  readonly scanners: readonly ScannerText[];
  readonly modbus: readonly ModbusText[];
};

function complete(value: ConfigValue): GatewayConfig {
  return {
    ...value,
    scanners: value.scanners.map(completeScanner),
    modbus: value.modbus.map(completeBus),
    mqtt: {
      ...value.mqtt,
      sources: value.mqtt.sources.map((source) => completeSource(source, value)),
    },
  };
}

type Found = Omit<Problem, "line">;

/** Looks only at parts that fit the schema; `fits` tells which. */
function contradictions(
  { outbox, http, scanners, mqtt, modbus, lines }: ConfigValue,
  fits: (...path: ConfigPath) => boolean,
  realPath: RealPath,
): readonly Found[] {
  const found: Found[] = [];
  if (fits("outbox") && outbox.telemetryBytesMax > outbox.bytesMax)
    found.push({
      path: ["outbox", "telemetryBytesMax"],
      what: `${outbox.telemetryBytesMax} is more than bytesMax, ${outbox.bytesMax}; scans need room of their own`,
    });
  /** Of a list that is one those that fit; a slip in one must not hide what is wrong with the others. */
  const each = <T>(
    key: string,
    list: readonly T[],
    judge: (one: T, at: number) => readonly Found[],
  ) =>
    Array.isArray(list) ? list.flatMap((one, at) => (fits(key, at) ? judge(one, at) : [])) : [];
  found.push(
    ...each("scanners", scanners, repeated("id")),
    ...each("scanners", scanners, repeated("path")),
    ...each("scanners", scanners, scannerProblems),
    ...each("modbus", modbus, busProblems),
    ...each("lines", lines, lineProblems),
  );
  if (fits("http") && http !== undefined) found.push(...statusProblems(http));
  if (fits("mqtt", "host") && mqtt !== undefined) found.push(...doorProblems(mqtt));
  if (fits("scanners") && fits("modbus") && fits("lines") && fits("mqtt", "sources"))
    found.push(...nameProblems({ scanners, modbus, lines, sources: mqtt.sources }));
  if (fits("scanners") && fits("modbus") && fits("lines"))
    found.push(...sharedDevices(ownersOf({ scanners, modbus, lines }), realPath));
  const mappings = Array.isArray(mqtt?.mappings) ? mqtt.mappings : [];
  mappings.forEach((mapping, at) => {
    const path = ["mqtt", "mappings", at];
    if (fits(...path)) found.push(...mappingProblems(mapping, path));
  });
  return found;
}

function repeated(key: "id" | "path"): (scanner: ScannerText, at: number) => readonly Found[] {
  const first = new Map<string, string>();
  return (scanner, at) => {
    const other = first.get(scanner[key]);
    first.set(scanner[key], other ?? scanner.id);
    if (other === undefined) return [];
    const what =
      key === "id"
        ? `two scanners are called ${scanner.id}; a name belongs to one`
        : `${scanner.path} belongs to ${other} already; two readers would split its scans`;
    return [{ path: ["scanners", at, key], what }];
  };
}

function mappingProblems(mapping: MappingConfig, path: ConfigPath): readonly Found[] {
  const found: Found[] = [];
  const add = (key: ConfigPath, what: string) => found.push({ path: [...path, ...key], what });

  const levels = mapping.topic.split("/");
  levels.forEach((level, at) => {
    if (level.includes("#") && (level !== "#" || at !== levels.length - 1))
      add(["topic"], "# stands alone, as the last level");
    if (level.includes("+") && level !== "+") add(["topic"], "+ stands for a whole level");
  });
  const wildcards = levels.filter((level) => level === "+" || level === "#").length;
  for (const [, digits = ""] of mapping.device.matchAll(/\{(\d+)\}/g)) {
    const number = Number(digits);
    if (number < 1 || number > wildcards)
      add(["device"], `{${digits}} names no wildcard: the topic has ${wildcards}`);
  }

  if (mapping.payload === "number") {
    if (mapping.readings.length !== 1) add(["readings"], "a plain number is exactly one reading");
    if (mapping.time) add(["time"], "a plain number carries no time");
    if (mapping.id) add(["id"], "a plain number carries no id");
  }
  mapping.readings.forEach((reading, at) => {
    const wanted = mapping.payload === "json";
    if ((reading.pointer !== undefined) === wanted) return;
    const what = wanted
      ? '"pointer" is missing: where the value is'
      : "a plain number has no parts";
    add(wanted ? ["readings", at] : ["readings", at, "pointer"], what);
  });
  return found;
}
