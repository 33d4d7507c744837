/** What can be known of a device by its path, without opening it. */
import { accessSync, constants, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

export type DeviceFacts = {
  /** `dangling`: a name that leads nowhere. */
  readonly found: "device" | "absent" | "other";
  /** Where its name leads. */
  readonly real: string | undefined;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly group: string | undefined;
  /** Other devices beside it, when it is absent. */
  readonly beside: readonly string[];
};

export function probeDevice(path: string): DeviceFacts {
  try {
    const real = realpathSync(path);
    const stat = statSync(real);
    return {
      found: stat.isCharacterDevice() ? "device" : "other",
      real,
      readable: may(real, constants.R_OK),
      writable: may(real, constants.W_OK),
      group: groupName(stat.gid),
      beside: [],
    };
  } catch {
    const beside = devicesIn(dirname(path));
    return {
      ...{ found: "absent", real: undefined, readable: false, writable: false, group: undefined },
      beside,
    };
  }
}

/** The groups of a user by their names, as far as /etc/group tells. */
export function groupName(gid: number): string | undefined {
  const row = groups().find(({ id }) => id === gid);
  return row?.name;
}

function groups(): readonly { readonly name: string; readonly id: number }[] {
  try {
    return readFileSync("/etc/group", "utf8")
      .split("\n")
      .map((line) => line.split(":"))
      .map(([name = "", , id = ""]) => ({ name, id: Number(id) }));
  } catch {
    return [];
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function devicesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .map((name) => join(folder, name))
      .filter(isDevice);
  } catch {
    return [];
  }
}

/** A name may lead nowhere any more. */
function isDevice(path: string): boolean {
  try {
    return statSync(path).isCharacterDevice();
  } catch {
    return false;
  }
}
