/**
 * The twin's word on scans of a moment ago, for those who wait for it at the scanner.
 *
 * Nobody is promised one: it may be late, or never come. While the twin is away that is known at once,
 * and nobody waits.
 */
import type { Journal } from "../ports.ts";
import { decodeVerdicts, type VerdictKind, WireError } from "../wire/codec.ts";

export type Verdicts = {
  /** False: the twin is away, and nobody will call. Else `heard` is called once, or never. */
  expect(
    scan: { readonly epoch: string; readonly seq: number },
    heard: (verdict: VerdictKind, reason: string) => void,
  ): boolean;
  /** A message of the twin. */
  hear(message: Uint8Array): void;
  /** Until this is called the twin is away. */
  watch(connected: () => boolean): void;
};

/** Scans that nobody spoke of are forgotten, the oldest first. */
const WAITING_MAX = 1024;

export function createVerdicts({ journal }: { readonly journal: Journal }): Verdicts {
  const waiting = new Map<string, (verdict: VerdictKind, reason: string) => void>();
  let connected = () => false;

  return {
    expect({ epoch, seq }, heard) {
      if (!connected()) return false;
      waiting.set(`${epoch}/${seq}`, heard);
      const [oldest] = waiting.keys();
      if (waiting.size > WAITING_MAX && oldest !== undefined) waiting.delete(oldest);
      return true;
    },
    hear(message) {
      try {
        for (const { epoch, seq, kind, reason } of decodeVerdicts(message)) {
          const name = `${epoch}/${seq}`;
          waiting.get(name)?.(kind, reason);
          waiting.delete(name);
        }
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        journal.warn("verdict-not-understood", { why: error.message });
      }
    },
    watch(isConnected) {
      connected = isConnected;
    },
  };
}
