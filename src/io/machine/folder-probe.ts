/**
 * What can be known of a data folder without changing it: who may write there, whether a write reaches
 * the disk, what kind of file system it is and how much room is left, and whether somebody holds it.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Fault } from "../../kernel/fault.ts";
import type { Clock } from "../../ports.ts";
import { lockFolder } from "../../store/folder-lock.ts";
import { openOutboxInspector } from "../../store/outbox.ts";
import { OUTBOX_FILE } from "../outbox-thread.ts";

export type FolderFacts = {
  readonly path: string;
  readonly exists: boolean;
  readonly ownerUid: number | undefined;
  /** Undefined: a file was written there and reached the disk. */
  readonly writeError: { readonly code: string; readonly detail: string } | undefined;
  readonly fsyncMs: number | undefined;
  readonly fileSystem: FileSystem | undefined;
  readonly room:
    | { readonly freeBytes: number; readonly totalBytes: number; readonly freeFiles: number }
    | undefined;
  readonly held: "free" | "held" | "unreadable";
  readonly outbox: OutboxFacts;
  /** Damaged outboxes that were set aside. */
  readonly aside: readonly string[];
};

export type FileSystem = {
  readonly name: string;
  /** `gone`: lost with the power; `network`: fsync is somebody else's promise. */
  readonly keeps: "kept" | "gone" | "network" | "weak" | "unknown";
};

export type OutboxFacts =
  | { readonly kind: "absent" }
  | {
      readonly kind: "well";
      readonly waiting: number;
      readonly quarantined: number;
    }
  | { readonly kind: "fault"; readonly code: string; readonly detail: string };

/** By the number that statfs gives; linux/magic.h. */
const FILE_SYSTEMS: Readonly<Record<number, FileSystem>> = {
  [0x01021994]: { name: "tmpfs", keeps: "gone" },
  [0x858458f6]: { name: "ramfs", keeps: "gone" },
  [0x6969]: { name: "NFS", keeps: "network" },
  [0xff534d42]: { name: "CIFS", keeps: "network" },
  [0xfe534d42]: { name: "SMB", keeps: "network" },
  [0x01021997]: { name: "9p", keeps: "network" },
  [0x4d44]: { name: "FAT", keeps: "weak" },
  [0x2011bab0]: { name: "exFAT", keeps: "weak" },
  [0xef53]: { name: "ext", keeps: "kept" },
  [0x58465342]: { name: "XFS", keeps: "kept" },
  [0x9123683e]: { name: "Btrfs", keeps: "kept" },
  [0xf2f52010]: { name: "F2FS", keeps: "kept" },
};

const PROBE_BYTES = 64 * 1024;

export function probeFolder(
  { clock }: { readonly clock: Clock },
  folder: string,
  name: string,
): FolderFacts {
  const path = resolve(folder);
  const exists = existsSync(path);
  const place = exists ? path : nearestFolder(path);
  const file = join(path, OUTBOX_FILE);
  return {
    path,
    exists,
    ownerUid: exists ? statSync(path).uid : undefined,
    ...(exists
      ? writeOnce(clock, join(path, name))
      : { writeError: mayCreate(place), fsyncMs: undefined }),
    ...diskOf(place),
    held: holderOf(path),
    outbox: outboxOf(file),
    aside: list(path).filter((one) => /\.corrupt-[^-]+(-\d+)?$/.test(one)),
  };
}

function nearestFolder(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function mayCreate(folder: string): FolderFacts["writeError"] {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

function writeOnce(clock: Clock, file: string): Pick<FolderFacts, "writeError" | "fsyncMs"> {
  let open: number | undefined;
  try {
    open = openSync(file, "w", 0o600);
    writeSync(open, new Uint8Array(PROBE_BYTES));
    const startedMs = clock.monotonicMs();
    fsyncSync(open);
    return { writeError: undefined, fsyncMs: clock.monotonicMs() - startedMs };
  } catch (error) {
    return { writeError: reasonOf(error), fsyncMs: undefined };
  } finally {
    if (open !== undefined) {
      closeSync(open);
      rmSync(file, { force: true });
    }
  }
}

function diskOf(folder: string): Pick<FolderFacts, "fileSystem" | "room"> {
  try {
    const { type, bsize, bavail, blocks, ffree } = statfsSync(folder);
    const room = { freeBytes: bsize * bavail, totalBytes: bsize * blocks, freeFiles: ffree };
    const fileSystem = FILE_SYSTEMS[type >>> 0] ?? {
      name: `0x${(type >>> 0).toString(16)}`,
      keeps: "unknown" as const,
    };
    return { fileSystem, room };
  } catch {
    return { fileSystem: undefined, room: undefined };
  }
}

function holderOf(path: string): FolderFacts["held"] {
  if (!existsSync(join(path, "lock"))) return "free";
  try {
    lockFolder(path).release();
    return "free";
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return fault.code === "DATA_IN_USE" ? "held" : "unreadable";
  }
}

function outboxOf(file: string): OutboxFacts {
  if (!existsSync(file)) return { kind: "absent" };
  try {
    const outbox = openOutboxInspector(file);
    try {
      const lanes = [outbox.lane("scan"), outbox.lane("telemetry")];
      return {
        kind: "well",
        waiting: lanes.reduce((sum, { waiting }) => sum + waiting, 0),
        quarantined: outbox.quarantineCount().rows,
      };
    } finally {
      outbox.close();
    }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    return { kind: "fault", code: fault.code, detail: fault.detail };
  }
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function reasonOf(error: unknown): { readonly code: string; readonly detail: string } {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return { code, detail: message };
}
