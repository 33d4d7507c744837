/**
 * The tone of a plain scanner that beeps on a character, one for each scan on disk. No scan waits for it: a
 * line that takes nothing (XOFF, or a device that is not ready to be sent to) says so by no error and for no
 * certain time, and what is read is kept all the same. One is said at a time; what comes meanwhile is said
 * behind it, or left out and counted where that would be taken for the tone of another scan.
 */
import type { ByteLine, Clock } from "../ports.ts";
import type { ScannerRecord } from "./reader.ts";
import { say } from "./say.ts";

const LATE_MS = 1_000;

export function createTone(
  {
    clock,
    line,
    record,
  }: { readonly clock: Clock; readonly line: ByteLine; readonly record: ScannerRecord },
  character: number | undefined,
): (count: number) => void {
  if (character === undefined) return () => undefined;
  /** When that which is being said began. */
  let sinceMs: number | undefined;
  let owed = 0;

  const isLate = () => sinceMs !== undefined && clock.monotonicMs() - sinceMs > LATE_MS;

  function leaveOut(): void {
    for (; owed > 0; owed--) record.noted("too-late");
  }

  async function sound(): Promise<void> {
    while (owed > 0) {
      const tones = new Uint8Array(owed).fill(character as number);
      owed = 0;
      sinceMs = clock.monotonicMs();
      await say(line, tones);
      record.answered("beep");
      if (isLate()) leaveOut();
    }
    sinceMs = undefined;
  }

  return (count) => {
    owed += count;
    if (sinceMs === undefined) void sound();
    else if (isLate()) leaveOut();
  };
}
