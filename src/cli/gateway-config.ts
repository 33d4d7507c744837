/**
 * Reads the gateway's configuration from its file and flags: a complete value, or a Fault that names
 * every problem with its line.
 */
import { readFileSync, realpathSync } from "node:fs";
import {
  type ConfigFlags,
  type GatewayConfig,
  problemText,
  readGatewayConfig,
} from "../gateway/config.ts";
import { Fault } from "../kernel/fault.ts";

const PROBLEMS_SHOWN = 50;

/** Without a file the flags are the whole configuration. Throws CONFIG_UNREADABLE, CONFIG_INVALID. */
export function loadGatewayConfig(file: string | undefined, flags: ConfigFlags): GatewayConfig {
  const read = checkGatewayConfig(file, flags);
  if (read.ok) return read.config;
  const more = read.problems.length - PROBLEMS_SHOWN;
  const rest = more > 0 ? [`... and ${more} more`] : [];
  throw new Fault(
    "CONFIG_INVALID",
    `\n${[...read.problems.slice(0, PROBLEMS_SHOWN), ...rest].join("\n")}`,
  );
}

export type CheckedConfig =
  | { readonly ok: true; readonly config: GatewayConfig }
  | { readonly ok: false; readonly problems: readonly string[] };

/** As above, with the problems as lines for a person. Throws CONFIG_UNREADABLE. */
export function checkGatewayConfig(file: string | undefined, flags: ConfigFlags): CheckedConfig {
  const text = file === undefined ? undefined : readText(file);
  const read = readGatewayConfig(text, flags, realPath);
  if (read.ok) return read;
  return { ok: false, problems: read.problems.map((one) => problemText(file ?? "flags", one)) };
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Fault("CONFIG_UNREADABLE", `${file}: ${(cause as Error).message}`, { cause });
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
