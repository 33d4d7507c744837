/**
 * See kill.ts.
 *
 * Seen to fail when
 *  - `gateway/uplink-lane.ts` releases what it has sent, before the twin's acknowledgement, and
 *    `store/outbox-lane.ts` gives nothing again that was released: lost (either alone is made good)
 */
import type { Gate } from "../gate.ts";
import { killUnderLoad } from "./kill.ts";

export const gate: Gate = {
  name: "crash/kill-twin",
  shows: "a twin killed at any moment loses and doubles nothing a gateway was acknowledged for",
  unit: "kills",
  full: 300,
  quick: 3,
  run: (asked) => killUnderLoad(asked, ["twin"]),
};
