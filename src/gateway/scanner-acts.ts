/**
 * What the twin wants a scanner to do, between its scans. It waits for the scanner to be plugged in and
 * for the end of a scan under way: what is said to a scanner that waits for its answer would be taken for
 * that answer. What a profile cannot do fails at once.
 */
import { type Command, commandFor, wishOf } from "../devices/scanners/commands.ts";
import { Fault } from "../kernel/fault.ts";
import type { ByteLine } from "../ports.ts";
import type { Act, Acted } from "./directives.ts";
import { reachOf, type ScannerConfig } from "./scanner-config.ts";
import { createWaitingActs, type TakenAct, type WaitingActs } from "./waiting-acts.ts";

export type ScannerCommand = Exclude<Command, { readonly kind: "cannot" }>;

export type ScannerActs = Omit<WaitingActs<ScannerCommand>, "put"> & {
  readonly act: Act;
};

const NOT_CLEAR =
  "a scanner takes beep {pitch: high or low, times: 1 to 5}, led {on, color: green or red} and text {text: at most 64 characters}";
const LATE: Acted = {
  outcome: "failed",
  reason: "its time was over before the scanner could be told: it is not plugged in, or busy",
};
const UNSURE: Acted = {
  outcome: "uncertain",
  reason: "the line took no more before its time was over",
};

export function createScannerActs(scanner: ScannerConfig): ScannerActs {
  const waiting = createWaitingActs<ScannerCommand>(LATE);
  return {
    async act({ kind, what }, over, begin) {
      const wish = wishOf(kind, what);
      if (wish === undefined) return { outcome: "failed", reason: NOT_CLEAR };
      const command = commandFor(reachOf(scanner), wish);
      if (command.kind === "cannot")
        return { outcome: "failed", reason: `${scanner.profile}: ${command.why}` };
      return waiting.put(command, over, begin);
    },
    waits: waiting.waits,
    take: waiting.take,
    whenPut: waiting.whenPut,
  };
}

/** To a scanner that says nothing in return. */
export async function utter(
  line: ByteLine,
  bytes: Uint8Array,
  { over, settle }: TakenAct<unknown>,
): Promise<void> {
  over.addEventListener("abort", () => settle(UNSURE), { once: true });
  try {
    await line.write(bytes);
    settle({ outcome: "done", reason: "written to its line; it confirms nothing" });
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    settle({ outcome: "uncertain", reason: fault.detail });
  }
}
