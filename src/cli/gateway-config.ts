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
  const read = readGatewayConfig(file === undefined ? undefined : readText(file), flags);
  if (!read.ok) {
    const lines = read.problems.map((problem) => problemText(file ?? "flags", problem));
    const more = lines.length - PROBLEMS_SHOWN;
    const rest = more > 0 ? [`... and ${more} more`] : [];
    throw new Fault(
      "CONFIG_INVALID",
      `\n${[...lines.slice(0, PROBLEMS_SHOWN), ...rest].join("\n")}`,
    );
  }
  refuseSharedDevice(read.config);
  return read.config;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Fault("CONFIG_UNREADABLE", `${file}: ${(cause as Error).message}`, { cause });
  }
}

/** by-id and by-path lead to the same device under different names: only the system knows. */
function refuseSharedDevice({ scanners }: GatewayConfig): void {
  const owners = new Map<string, string>();
  for (const { id, path } of scanners) {
    const device = realPath(path);
    const other = owners.get(device);
    if (other !== undefined)
      throw new Fault(
        "CONFIG_INVALID",
        `scanners ${other} and ${id} are one device, ${device}: two readers would split its scans`,
      );
    owners.set(device, id);
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Absent now; it may appear later, and then the lock on the line keeps the second reader out.
    return path;
  }
}
