/**
 * The twin's word on scans of phones, held for the answer to the request that brought them.
 *
 * A phone that sends is spoken of for a while after, like a gateway that listens for verdicts. What is
 * said is held until the phone asks, within a bound, and lost with this process: it is best effort, as
 * it is for every other gateway.
 */
import type { Clock } from "../ports.ts";
import { decodeVerdicts, type Verdict } from "../wire/codec.ts";
import type { GatewayVerdicts } from "./verdict-desk.ts";

export type PhoneDesk = {
  /** Someone holds this phone now. */
  attend(phone: string): void;
  /** Those that are attended to. */
  attended(): readonly string[];
  hear(verdicts: GatewayVerdicts): void;
  /** The last that was said, for a phone that asks again. */
  recent(phone: string, epoch: string): readonly Verdict[];
  /** What is known of these scans; waits a moment for what is still to come. */
  verdicts(phone: string, epoch: string, seqs: readonly number[]): Promise<readonly Verdict[]>;
};

export type PhoneDeskLimits = {
  /** A phone that sent nothing for so long is in a pocket. */
  readonly attendMs: number;
  readonly phones: number;
  /** Of each phone. */
  readonly verdicts: number;
  readonly waitMs: number;
};

export const PHONE_DESK_LIMITS: PhoneDeskLimits = {
  attendMs: 600_000,
  phones: 256,
  verdicts: 512,
  waitMs: 400,
};

const RECENT_MAX = 64;

type Attended = {
  readonly untilMs: number;
  readonly said: Map<string, Verdict>;
  readonly listeners: Set<() => void>;
};

export function createPhoneDesk(
  { clock, onAttended }: { readonly clock: Clock; readonly onAttended: () => void },
  limits: PhoneDeskLimits = PHONE_DESK_LIMITS,
): PhoneDesk {
  const phones = new Map<string, Attended>();

  function forgetIdle(nowMs: number): void {
    for (const [name, { untilMs }] of phones)
      if (untilMs < nowMs || phones.size >= limits.phones) phones.delete(name);
      else return;
  }

  return {
    attend(phone) {
      const nowMs = clock.monotonicMs();
      const known = phones.get(phone);
      phones.delete(phone);
      forgetIdle(nowMs);
      const { said, listeners } = known ?? { said: new Map(), listeners: new Set() };
      phones.set(phone, { untilMs: nowMs + limits.attendMs, said, listeners });
      if (known === undefined) onAttended();
    },

    attended: () => [...phones.keys()],

    hear({ gateway, message }) {
      const phone = phones.get(gateway);
      if (phone === undefined) return;
      for (const verdict of decodeVerdicts(message)) phone.said.set(nameOf(verdict), verdict);
      for (const name of phone.said.keys()) {
        if (phone.said.size <= limits.verdicts) break;
        phone.said.delete(name);
      }
      for (const listener of phone.listeners) listener();
    },

    recent: (name, epoch) =>
      [...(phones.get(name)?.said.values() ?? [])]
        .filter((verdict) => verdict.epoch === epoch)
        .slice(-RECENT_MAX),

    verdicts(name, epoch, seqs) {
      const phone = phones.get(name);
      if (phone === undefined || seqs.length === 0) return Promise.resolve([]);
      const known = () => seqs.flatMap((seq) => phone.said.get(nameOf({ epoch, seq })) ?? []);
      if (known().length === seqs.length) return Promise.resolve(known());
      const { listeners } = phone;
      return new Promise((resolve) => {
        const finish = () => {
          cancel();
          listeners.delete(listener);
          resolve(known());
        };
        const listener = () => {
          if (known().length === seqs.length) finish();
        };
        const cancel = clock.after(limits.waitMs, finish);
        listeners.add(listener);
      });
    },
  };
}

function nameOf({ epoch, seq }: Pick<Verdict, "epoch" | "seq">): string {
  return `${epoch}/${seq}`;
}
