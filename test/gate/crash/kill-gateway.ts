/**
 * See kill.ts.
 *
 * Seen to fail when
 *  - `io/outbox-thread.ts` answers a put when it is sent to the writer, not when it is on disk: lost
 *  - `store/outbox.ts` says nothing of what was unsure, and `rowOf` knows no retransmission: doubled
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
