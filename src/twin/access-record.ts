/**
 * Writes the access log: a deed before its answer leaves, refusals and frequent deeds soon.
 *
 * Refusals come by the thousand where somebody tries. The same again within a second is one row with a
 * count, and what is held between two writings is bounded: what is beyond that is counted as one.
 */
import type { Clock } from "../ports.ts";
import type { AccessEntry, AccessKind, AccessLog } from "../store/access-log.ts";
import { isDiskFull } from "../store/damage.ts";

export type Entry = Omit<AccessEntry, "atMs" | "kind">;

export type AccessRecord = {
  /** On stable storage when it returns. */
  done(entry: Entry): void;
  /** Counted, written within a second, and kept in rows of its own: the evidence names such a deed by itself. */
  often(entry: Entry): void;
  refused(entry: Entry): void;
  readonly refusals: () => number;
  /** Now, what is held, if the disk has room for it. */
  write(): void;
};

const WRITE_MS = 1_000;
const HELD_MAX = 200;

export function createAccessRecord(deps: {
  readonly clock: Clock;
  readonly log: AccessLog;
}): AccessRecord {
  const { clock, log } = deps;
  let held = new Map<string, AccessEntry & { times: number }>();
  let refusals = 0;
  let cancel: (() => void) | undefined;

  function write(): void {
    cancel?.();
    cancel = undefined;
    if (held.size === 0) return;
    try {
      log.append([...held.values()]);
      held = new Map();
    } catch (error) {
      // They wait for room, in bounded memory; the twin goes on.
      if (!isDiskFull(error)) throw error;
    }
  }

  function writeSoon(): void {
    cancel ??= clock.after(WRITE_MS, () => {
      write();
      if (held.size > 0) writeSoon();
    });
  }

  function hold(kind: AccessKind, entry: Entry): void {
    const { who, role, address, what, status } = entry;
    const same = held.get(JSON.stringify([kind, who, role, address, what, status]));
    const full = held.size >= HELD_MAX;
    const row = full && same === undefined ? { ...entry, ...MANY } : entry;
    const key = JSON.stringify([kind, row.who, row.role, row.address, row.what, row.status]);
    const known = held.get(key);
    if (known === undefined) held.set(key, { ...row, atMs: clock.nowMs(), kind, times: 1 });
    else known.times += 1;
    writeSoon();
  }

  return {
    done: (entry) => log.append([{ ...entry, atMs: clock.nowMs(), kind: "done", times: 1 }]),
    often: (entry) => hold("often", entry),
    refused(entry) {
      refusals += 1;
      hold("refused", entry);
    },

    refusals: () => refusals,
    write,
  };
}

const MANY = { who: "", role: "", address: "", what: "many more, of different kinds", status: 0 };
