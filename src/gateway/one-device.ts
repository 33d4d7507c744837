/**
 * Two configurations on one device: each reader would take half of its bytes.
 *
 * The names under /dev/serial/by-id and by-path lead to the same device, and only the system knows; it
 * is asked through `realPath`, which answers the name itself where nothing is plugged in. Such a device
 * may appear later, and then the lock on its line keeps the second reader out.
 */
import type { ConfigPath, Problem } from "./config-text.ts";

/** Something that is configured to read a device of its own. */
export type Owner = { readonly id: string; readonly path: string; readonly at: ConfigPath };

export type RealPath = (path: string) => string;

type OnDevices = readonly { readonly id: string; readonly path: string }[];

export function ownersOf({
  scanners,
  modbus,
  lines,
}: {
  readonly scanners: OnDevices;
  readonly modbus: OnDevices;
  readonly lines: OnDevices;
}): readonly Owner[] {
  const of = (key: string, list: OnDevices) =>
    list.map(({ id, path }, at): Owner => ({ id, path, at: [key, at, "path"] }));
  return [...of("scanners", scanners), ...of("modbus", modbus), ...of("lines", lines)];
}

/** Only under different names: the same name twice is told without asking the system. */
export function sharedDevices(
  owners: readonly Owner[],
  realPath: RealPath,
): readonly Omit<Problem, "line">[] {
  const first = new Map<string, Owner>();
  return owners.flatMap((owner) => {
    if (owner.path.includes("://")) return [];
    const device = realPath(owner.path);
    const other = first.get(device);
    first.set(device, other ?? owner);
    if (other === undefined || other.path === owner.path) return [];
    const what = `${owner.path} is ${device}, which ${other.id} reads already as ${other.path}; two readers would split what it sends`;
    return [{ path: owner.at, what }];
  });
}
