/** The clocks of a made-up gateway: its wall clock is set now and then, the monotonic one runs through. */
import fc from "fast-check";
import { BEGIN_MS } from "./history.ts";

type GatewayClock = {
  /** By how much the wall clock is set at which scan. */
  readonly setMs: number;
  readonly setAt: number;
  /** Whether a batch is sent only after that. */
  readonly isSentLater: readonly boolean[];
  /** Whether the running time is told, and whether the wall clock is said to be right before it is set. */
  readonly isRunningTold: boolean;
  readonly isUnsynced: boolean;
};

/** `scansMax`: as many scans as the gateway sends at most. */
export const clockThatIsSet = (scansMax: number) => ({
  setMs: fc.constantFrom(0, 0, 3_600_000, -3_600_000, 10_900),
  setAt: fc.integer({ min: 0, max: scansMax }),
  isSentLater: fc.array(fc.boolean(), { minLength: scansMax, maxLength: scansMax }),
  isRunningTold: fc.boolean(),
  isUnsynced: fc.boolean(),
});

/** `ms` and `sentMs`: what the wall clock would say of this scan and of its batch, had nobody set it. */
export function clockReadings(
  { setMs, setAt, isSentLater, isRunningTold, isUnsynced }: GatewayClock,
  { at, ms, sentMs }: { readonly at: number; readonly ms: number; readonly sentMs: number },
) {
  const isSet = at >= setAt;
  const isSentSet = isSet || isSentLater[at] === true;
  // It had been running for a while when the warehouse began its work.
  const running = (wallMs: number) => (isRunningTold ? wallMs - BEGIN_MS + 20_000_000 : 0);
  return {
    scanned: {
      gatewayTimeMs: ms + (isSet ? setMs : 0),
      monotonicMs: running(ms),
      clock: isUnsynced && !isSet ? ("unsynced" as const) : ("synced" as const),
      sourceTimeMs: undefined,
    },
    sent: {
      sentAtMs: sentMs + (isSentSet ? setMs : 0),
      sentMonotonicMs: running(sentMs),
    },
  };
}
