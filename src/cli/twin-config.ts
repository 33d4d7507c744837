/**
 * Reads the twin's configuration and its master data from files: a complete value, or a Fault that
 * names every problem with its line.
 */
import { readFileSync } from "node:fs";
import {
  type ConfigText,
  type Problem,
  parseConfigText,
  pathText,
  problemsAgainst,
} from "../gateway/config-text.ts";
import { Fault } from "../kernel/fault.ts";
import { keyOf } from "../store/things.ts";
import { brokerProblems } from "../twin/broker-config.ts";
import { type TwinConfig, twinSchema } from "../twin/config-schema.ts";
import { httpProblems } from "../twin/http-config.ts";
import { labelProblems } from "../twin/label-config.ts";
import {
  contradictionsIn,
  type MasterData,
  masterDataSchema,
  statementsOf,
} from "../twin/master-data.ts";
import type { Statement } from "../twin/statements.ts";

/** What flags may say; each replaces the value of the file. */
export type TwinFlags = {
  readonly data?: string;
  readonly log?: string;
  readonly masterData?: string;
  readonly http?: { readonly host: string; readonly port: number };
  readonly broker?: { readonly host: string; readonly port: number };
};

const PROBLEMS_SHOWN = 50;
/** JSON of a large warehouse; YAML has the limit of its parser. */
const JSON_CHARS_MAX = 256 * 1024 * 1024;

/** Without a file the flags are the whole configuration. Throws CONFIG_UNREADABLE, CONFIG_INVALID. */
export function readTwinConfig(file: string | undefined, flags: TwinFlags): TwinConfig {
  const text =
    file === undefined ? { ...NO_TEXT, value: { version: 1 } } : parseConfigText(read(file));
  const name = file ?? "flags";
  if (text.problems.length > 0) throw invalid(name, text.problems);
  const value = withFlags((text.value ?? {}) as Readonly<Record<string, unknown>>, flags);
  const misfits = problemsAgainst(twinSchema, value);
  const { http, labels, broker } = value as TwinConfig;
  const problems =
    misfits.length > 0
      ? misfits
      : [...httpProblems(http), ...brokerProblems(broker), ...labelProblems(labels, keyOf)];
  if (problems.length > 0) throw invalid(name, located(problems, text));
  return value as TwinConfig;
}

/** A flag that says host and port leaves the rest of its part as the file has it. */
function withFlags(file: Readonly<Record<string, unknown>>, flags: TwinFlags): object {
  const merged = Object.entries(flags).map(([key, flag]) => [
    key,
    typeof flag === "object" ? { ...(file[key] as object | undefined), ...flag } : flag,
  ]);
  return { ...file, ...Object.fromEntries(merged) };
}

/** Master data as the statements it makes. Throws CONFIG_UNREADABLE, CONFIG_INVALID. */
export function readMasterData(file: string): readonly Statement[] {
  const text = parseMasterData(read(file));
  if (text.problems.length > 0) throw invalid(file, text.problems);
  const misfits = problemsAgainst(masterDataSchema, text.value);
  const problems = misfits.length > 0 ? misfits : contradictionsIn(text.value as MasterData);
  if (problems.length > 0) throw invalid(file, located(problems, text));
  return statementsOf(text.value as MasterData);
}

const NO_TEXT: ConfigText = { value: undefined, problems: [], lineOf: () => undefined };

/** JSON is read as such, which is fast; the YAML reader is asked when a line is wanted. */
function parseMasterData(text: string): ConfigText {
  if (!text.trimStart().startsWith("{") || text.length > JSON_CHARS_MAX)
    return parseConfigText(text);
  try {
    const value: unknown = JSON.parse(text);
    let asYaml: ConfigText | undefined;
    const lineOf: ConfigText["lineOf"] = (path) => {
      asYaml ??= parseConfigText(text);
      return asYaml.lineOf(path);
    };
    return { value, problems: [], lineOf };
  } catch {
    return parseConfigText(text);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Fault("CONFIG_UNREADABLE", `${file}: ${(cause as Error).message}`, { cause });
  }
}

function located(problems: readonly Omit<Problem, "line">[], text: ConfigText): readonly Problem[] {
  return problems
    .slice(0, PROBLEMS_SHOWN)
    .map((problem) => ({ ...problem, line: text.lineOf(problem.path) }))
    .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function invalid(file: string, problems: readonly Problem[]): Fault {
  const lines = problems.map(({ line, path, what }) => {
    const where = line === undefined ? file : `${file}:${line}`;
    return path.length === 0 ? `${where}: ${what}` : `${where}: ${pathText(path)}: ${what}`;
  });
  return new Fault("CONFIG_INVALID", `\n${lines.join("\n")}`);
}
