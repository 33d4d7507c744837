/**
 * The world of sim/world.ts, in which the wall clocks of gateway and twin jump: by a second, an hour, back
 * thirty days, ahead ten years, to 1970. What depends on certificates is in certificates.ts.
 *
 * Seen to fail when `gateway/uplink.ts` and `uplink-lane.ts` measure by the wall clock: work waits for years.
 */
import type { Gate } from "../gate.ts";
import { runSeeds } from "../sim/seeds.ts";

export const gate: Gate = {
  name: "time/jump",
  shows: "clocks that jump lose and double nothing, and nothing waits for the time to come again",
  unit: "worlds with jumps",
  full: 100,
  quick: 10,
  run: (asked) => runSeeds(asked, "jump", true),
};
