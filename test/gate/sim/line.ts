/**
 * The line between gateway and twin: in order while it lives, as TCP is; it ends at any moment, before or
 * behind what was sent last; and what it carries may be carried twice, as MQTT does with QoS 1.
 */
import type { Prng } from "../../../firmware-sim/prng.ts";
import { Fault } from "../../../src/kernel/fault.ts";
import type { Link, LinkSession } from "../../../src/ports.ts";
import type { Offer } from "../../../src/twin/intake.ts";
import { type Ack, encodeAck } from "../../../src/wire/codec.ts";
import type { PretendedClock } from "../../support/pretended-clock.ts";

export type Line = {
  readonly link: Link;
  cut(): void;
  /** Nobody gets through until `open`. */
  shut(): void;
  open(): void;
  /** From now on it only carries. */
  calm(): void;
};

export type LineDeps = {
  readonly time: PretendedClock;
  readonly chance: Prng;
  readonly note: (word: string) => void;
  readonly take: (offer: Offer) => readonly Ack[];
};

export function createLine({ time, chance, note, take }: LineDeps): Line {
  let isShut = false;
  let isCalm = false;
  let end: (() => void) | undefined;
  const delayMs = () => (isCalm ? 1 : chance.wholeWithin([0, 60]));
  const unlucky = (share: number) => !isCalm && chance.chance(share);

  function openSession(): LinkSession {
    const inbox: Uint8Array[] = [];
    const lost: ((fault: Fault) => void)[] = [];
    let isOpen = true;
    let wake = () => {};
    let freeAtMs = 0;
    const close = () => {
      if (!isOpen) return;
      isOpen = false;
      for (const reject of lost) reject(new Fault("LINK_LOST", "the line was cut"));
      wake();
    };
    end = close;

    /** Behind what was sent before. */
    const later = (work: () => void) => {
      freeAtMs = Math.max(freeAtMs, time.monotonicMs() + delayMs());
      time.after(freeAtMs - time.monotonicMs(), () => isOpen && work());
    };

    const carry = (offer: Offer, carried: () => void) => {
      if (unlucky(0.01)) return close();
      const acks = take(offer);
      if (unlucky(0.03)) take(offer);
      note(`carried ${offer.channel} ${offer.message.length}`);
      if (unlucky(0.01)) return close();
      carried();
      later(() => {
        inbox.push(...acks.map((ack) => encodeAck(ack)));
        wake();
      });
    };

    return {
      send: (channel, message) =>
        new Promise((resolve, reject) => {
          if (!isOpen) return reject(new Fault("LINK_LOST", "the line was cut"));
          lost.push(reject);
          later(() => carry({ gateway: "gw", channel, message }, resolve));
        }),
      async *receive() {
        for (;;) {
          const message = inbox.shift();
          if (message !== undefined) yield message;
          else if (!isOpen) return;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      },
      async close() {
        close();
      },
    };
  }

  return {
    link: {
      async connect() {
        if (isShut) throw new Fault("LINK_LOST", "nobody gets through");
        return openSession();
      },
    },
    cut: () => end?.(),
    shut() {
      isShut = true;
    },
    open() {
      isShut = false;
    },
    calm() {
      isCalm = true;
    },
  };
}
