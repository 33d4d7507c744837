/**
 * Who was not let in or was let go, counted by reason. A flood fills no journal: of one reason and one
 * address a line is written at once, and then one for all that followed within the next ten seconds.
 */
import type { Journal } from "../ports.ts";
import type { TurnedAwayWhy } from "./mqtt-guard.ts";

export type Tally = {
  count(why: TurnedAwayWhy, address: string, detail?: string): void;
  counts(): Readonly<Record<TurnedAwayWhy, number>>;
};

const QUIET_MS = 10_000;
/** Addresses that are told apart at one time. */
const ADDRESSES_MAX = 256;

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
  const quiet = new Map<string, { more: number }>();

  return {
    count(why, address, detail) {
      counts[why] += 1;
      const told = quiet.size < ADDRESSES_MAX ? { why, address } : { why, address: "any" };
      // Who is refused is known by name, and each of them has a right to be read about.
      const key = why === "refused" ? `${why} ${told.address} ${detail}` : `${why} ${told.address}`;
      const silent = quiet.get(key);
      if (silent !== undefined) {
        silent.more += 1;
        return;
      }
      journal.warn(what, { ...told, ...(detail !== undefined && { detail }) });
      const since = { more: 0 };
      quiet.set(key, since);
      setTimeout(() => {
        quiet.delete(key);
        if (since.more > 0) journal.warn(what, { ...told, more: since.more });
      }, QUIET_MS).unref();
    },
    counts: () => counts,
  };
}
