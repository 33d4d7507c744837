/** Who was not let in or was let go, counted by reason, and told in the journal as kernel/seldom.ts does. */
import { createSeldom } from "../kernel/seldom.ts";
import { shown } from "../kernel/shown.ts";
import type { Journal } from "../ports.ts";
import type { TurnedAwayWhy } from "./mqtt-guard.ts";

export type Tally = {
  count(why: TurnedAwayWhy, address: string, detail?: string): void;
  counts(): Readonly<Record<TurnedAwayWhy, number>>;
};

const DETAIL_MAX = 200;

export function createTally(journal: Journal, what: string): Tally {
  const counts: Record<TurnedAwayWhy, number> = {
    crowded: 0,
    late: 0,
    "too-many": 0,
    "too-long": 0,
    malformed: 0,
    "slow-reader": 0,
    tls: 0,
    refused: 0,
  };
  const seldom = createSeldom(
    (told, details) => journal.warn(what, { ...told, ...details }),
    (ms, fn) => setTimeout(fn, ms).unref(),
  );

  return {
    count(why, address, said) {
      counts[why] += 1;
      // A stranger's own words are in it.
      const detail = said === undefined ? undefined : shown(said, DETAIL_MAX);
      // Who is refused is known by name, and each of them has a right to be read about.
      const name = why === "refused" ? (detail ?? "") : "";
      seldom.tell({ why, address, name }, detail === undefined ? {} : { detail });
    },
    counts: () => counts,
  };
}
