/**
 * What a disk may hold after the power went at some moment: all that was synced before it, plus an
 * arbitrary part of what was not, each write whole, torn at a sector, or absent. Names of files follow the
 * same rule: without a sync of their folder they may or may not be there.
 *
 * Harsher than the file systems people use, which keep some order: what holds here holds there. Left out:
 * sectors that were written before the cut and are lost by it, and the shared memory file of SQLite
 * (-shm), which no process reads after a restart.
 */
import type { Prng } from "../../../firmware-sim/prng.ts";
import type { Step } from "./strace.ts";

const SECTOR = 512;

type Change =
  | { readonly kind: "write"; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: "truncate"; readonly size: number };

type Inode = { durable: Growing; pending: Change[] };

export type Disk = {
  /** The program went one step further. */
  advance(step: Step): void;
  /** One of the disks that there may be if the power goes now: file name to content. */
  possible(chance: Prng): ReadonlyMap<string, Buffer>;
  /** Unsynced changes, for figures. */
  unsynced(): number;
};

/** How much of what was not synced is there. The edges are the likely places of a mistake. */
const SHARES = [0, 0, 0.1, 0.5, 0.9, 1, 1] as const;
const TORN_SHARE = 0.25;

export function createDisk(folder: string): Disk {
  const names = new Map<string, Inode>();
  /** Names as the folder has them on disk, and what happened to each since, in order. */
  const durableNames = new Map<string, Inode>();
  const pendingNames = new Map<string, (Inode | undefined)[]>();
  const isKept = (path: string) => !path.endsWith("-shm");

  function named(path: string, inode: Inode | undefined): void {
    if (inode === undefined) names.delete(path);
    else names.set(path, inode);
    const changes = pendingNames.get(path) ?? [];
    pendingNames.set(path, [...changes, inode]);
  }

  function inodeOf(path: string): Inode {
    const found = names.get(path);
    if (found === undefined) throw new Error(`${path} was never created`);
    return found;
  }

  function syncFolder(): void {
    for (const [path, changes] of pendingNames) {
      const last = changes.at(-1);
      if (last === undefined) durableNames.delete(path);
      else durableNames.set(path, last);
    }
    pendingNames.clear();
  }

  return {
    advance(step) {
      switch (step.kind) {
        case "said":
          return;
        case "rename":
          named(step.to, inodeOf(step.from));
          named(step.from, undefined);
          return;
        case "create":
          if (isKept(step.path)) named(step.path, { durable: createGrowing(), pending: [] });
          return;
        case "unlink":
          if (isKept(step.path)) named(step.path, undefined);
          return;
        case "sync": {
          if (step.path === folder) return syncFolder();
          if (!isKept(step.path)) return;
          const inode = inodeOf(step.path);
          for (const change of inode.pending) apply(inode.durable, change);
          inode.pending = [];
          return;
        }
        default:
          if (isKept(step.path)) inodeOf(step.path).pending.push(step);
      }
    },
    possible(chance) {
      const found = new Map<string, Buffer>();
      const share = chance.pick(SHARES);
      const paths = new Set([...durableNames.keys(), ...pendingNames.keys()]);
      for (const path of paths) {
        const changes = pendingNames.get(path) ?? [];
        const reached = Math.round(
          chance.next() < share ? changes.length : chance.below(changes.length + 1),
        );
        const inode = reached === 0 ? durableNames.get(path) : changes[reached - 1];
        if (inode === undefined) continue;
        const content = inode.durable.copy();
        for (const change of inode.pending)
          if (chance.next() < share) applySome(content, change, chance);
        found.set(path.slice(folder.length + 1), content.bytes());
      }
      return found;
    },
    unsynced: () => [...names.values()].reduce((sum, { pending }) => sum + pending.length, 0),
  };
}

function apply(content: Growing, change: Change): void {
  if (change.kind === "truncate") content.truncate(change.size);
  else content.write(change.at, change.bytes);
}

/** Whole, or only those of its sectors that chance lets through. */
function applySome(content: Growing, change: Change, chance: Prng): void {
  if (change.kind === "truncate" || change.bytes.length === 0 || !chance.chance(TORN_SHARE)) {
    apply(content, change);
    return;
  }
  const end = change.at + change.bytes.length;
  const kept = chance.next();
  for (let at = change.at; at < end; ) {
    const next = Math.min(end, (Math.floor(at / SECTOR) + 1) * SECTOR);
    if (chance.next() < kept)
      content.write(at, change.bytes.subarray(at - change.at, next - change.at));
    at = next;
  }
}

type Growing = {
  write(at: number, bytes: Buffer): void;
  truncate(size: number): void;
  copy(): Growing;
  bytes(): Buffer;
};

/** A file's content; holes are zeros. */
function createGrowing(content = Buffer.alloc(0), length = 0): Growing {
  let held = content;
  let size = length;
  const reach = (end: number) => {
    if (end <= held.length) return;
    const more = Buffer.alloc(Math.max(end, 2 * held.length));
    held.copy(more, 0, 0, size);
    held = more;
  };
  return {
    write(at, bytes) {
      reach(at + bytes.length);
      bytes.copy(held, at);
      size = Math.max(size, at + bytes.length);
    },
    truncate(next) {
      reach(next);
      if (next < size) held.fill(0, next, size);
      size = next;
    },
    copy: () => createGrowing(Buffer.from(held.subarray(0, size)), size),
    bytes: () => held.subarray(0, size),
  };
}
