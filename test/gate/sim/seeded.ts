/**
 * See world.ts.
 *
 * Seen to fail when
 *  - `gateway/unsure.ts` (take) recognises nothing: doubled
 *  - `gateway/uplink-known.ts` (heard) compares nothing: lost, as disks go back in time
 *  - `gateway/uplink-lane.ts` (meet) returns to no epoch before: lost, where the twin's goes back behind it
 *  - `store/outbox-lane.ts` gives nothing again that was released: lost, as twins are restored from copies
 */
import type { Gate } from "../gate.ts";
import { runSeeds } from "./seeds.ts";

export const gate: Gate = {
  name: "sim/seeded",
  shows: "in each of so many seeded worlds what was accepted arrives once; a failure is one seed",
  unit: "seeds",
  full: 10_000,
  quick: 25,
  run: (asked) => runSeeds(asked, "seeded", false),
};
