/**
 * See kill.ts.
 *
 * Seen to fail when `io/outbox-thread.ts` answers a put when it is sent to the writer: lost
 */
import type { Gate } from "../gate.ts";
import { killUnderLoad } from "./kill.ts";

export const gate: Gate = {
  name: "crash/kill-both",
  shows: "gateway and twin killed together, in any order, lose and double nothing",
  unit: "kills",
  full: 300,
  quick: 3,
  run: (asked) => killUnderLoad(asked, ["gateway", "twin"]),
};
