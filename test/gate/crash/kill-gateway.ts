/**
 * See kill.ts.
 *
 * Seen to fail when
 *  - `store/outbox.ts` answers a flush before `commit.run()` (return the answers, commit in setImmediate): lost
 *  - `unsure` and `lastScans` of a restarted outbox are empty, and `seqOf` knows nothing: doubled
 */
import type { Gate } from "../gate.ts";
import { killUnderLoad } from "./kill.ts";

export const gate: Gate = {
  name: "crash/kill-gateway",
  shows: "a gateway killed at any moment loses and doubles nothing it accepted",
  unit: "kills",
  full: 1000,
  quick: 5,
  run: (asked) => killUnderLoad(asked, ["gateway"]),
};
