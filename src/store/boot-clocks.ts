/**
 * What is known of the clocks of each start of a gateway: the offset by each setting of its wall clock, and
 * the first scan that was made by it (`reconcile/clock.ts`).
 */
import { assert } from "../kernel/assert.ts";
import {
  type BootClock,
  type Reading,
  type Setting,
  says,
  settingOf,
  sharpen,
} from "../reconcile/clock.ts";
import { createCache } from "./cache.ts";
import type { Database } from "./database.ts";

export const bootClocksSchema = `
  -- first: seq of a scan, and offset_ms: of the batches; null: none was made, or sent, by this setting.
  CREATE TABLE boot_clock (
    stream INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    setting INTEGER NOT NULL,
    first INTEGER,
    offset_ms INTEGER,
    PRIMARY KEY (stream, boot, setting)
  ) STRICT, WITHOUT ROWID;
`;

/** 0: its batch does not say when it was sent. */
export type Told = Reading & {
  readonly seq: number;
  readonly boot: number;
  readonly takenInAtMs: number;
  readonly sentAtMs: number;
  readonly sentMonotonicMs: number;
  /** Start of the gateway that sent it: only its own clock tells about the clock of the scan. */
  readonly sentBoot: number;
};

export type Learnt = {
  readonly clock: BootClock;
  /** Scans from here on may have another time than before; undefined: none has. */
  readonly changedFrom: number | undefined;
  /** The one that was the first by its setting until now. */
  readonly noLongerFirst: number | undefined;
};

type Boot = { readonly clock: BootClock; readonly firsts: ReadonlyMap<Setting, number> };
type Row = { setting: Setting; first: number | null; offset_ms: number | null };

export function openBootClocks(db: Database, toleranceMs: number) {
  const rows = db.prepare<[number, number], Row>(
    "SELECT setting, first, offset_ms FROM boot_clock WHERE stream = ? AND boot = ?",
  );
  const put = db.prepare("INSERT OR REPLACE INTO boot_clock VALUES (?, ?, ?, ?, ?)");
  const boots = createCache<string, Boot>();

  function of(stream: number, boot: number): Boot {
    const name = `${stream}/${boot}`;
    const cached = boots.get(name) ?? bootFrom(rows.all(stream, boot));
    boots.set(name, cached);
    return cached;
  }

  function write(stream: number, boot: number, before: Boot, now: Boot): void {
    for (const setting of new Set([...now.clock.keys(), ...now.firsts.keys()])) {
      const [first, offset] = [now.firsts.get(setting), now.clock.get(setting)];
      if (first !== before.firsts.get(setting) || offset !== before.clock.get(setting))
        put.run(stream, boot, setting, first ?? null, offset ?? null);
    }
    boots.set(`${stream}/${boot}`, now);
  }

  /** Of the scans that a sharper clock places elsewhere. */
  function firstOf({ clock: known, firsts }: Boot, clock: BootClock): number | undefined {
    const seqs = [...firsts].flatMap(([setting, seq]) =>
      says(clock, setting, toleranceMs) === says(known, setting, toleranceMs) ? [] : [seq],
    );
    return seqs.length === 0 ? undefined : Math.min(...seqs);
  }

  return {
    /** Of a scan that was learnt from. */
    clockOf: (stream: number, boot: number): BootClock => of(stream, boot).clock,
    isFirst(stream: number, scan: Reading & { readonly boot: number }, seq: number): boolean {
      const first = of(stream, scan.boot).firsts.get(settingOf(scan));
      assert(first !== undefined, "a scan was learnt from before it is placed");
      return first === seq;
    },
    learn(stream: number, told: Told): Learnt {
      const before = of(stream, told.boot);
      const clock = told.sentBoot === told.boot ? sharpen(before.clock, told) : before.clock;
      const setting = settingOf(told);
      const first = before.firsts.get(setting);
      const isFirst = first === undefined || told.seq < first;
      const isSharper = clock !== before.clock;
      if (isSharper || isFirst) {
        const firsts = isFirst ? new Map([...before.firsts, [setting, told.seq]]) : before.firsts;
        write(stream, told.boot, before, { clock, firsts });
      }
      const changedFrom = isSharper ? firstOf(before, clock) : undefined;
      return { clock, changedFrom, noLongerFirst: isFirst ? first : undefined };
    },
    forget: boots.clear,
  };
}

function bootFrom(rows: readonly Row[]): Boot {
  const clock = new Map<Setting, number>();
  const firsts = new Map<Setting, number>();
  for (const { setting, first, offset_ms } of rows) {
    if (offset_ms !== null) clock.set(setting, offset_ms);
    if (first !== null) firsts.set(setting, first);
  }
  return { clock, firsts };
}
