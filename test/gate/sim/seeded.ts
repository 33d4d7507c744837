/**
 * See world.ts.
 *
 * Seen to fail when
 *  - `store/outbox-lane.ts` (seqOf) knows no retransmission: doubled
 *  - `gateway/uplink-lane.ts` releases what it has sent: lost
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
