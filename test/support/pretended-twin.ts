/**
 * The twin's end of a Link, written from the contract: takes contiguous batches, each event once,
 * and acknowledges cumulatively. What it does wrong, tests switch on.
 */
import { Fault, type FaultCode } from "../../src/kernel/fault.ts";
import type { Link, LinkSession } from "../../src/ports.ts";
import { type Ack, type Batch, decodeBatch, decodeHello, encodeAck } from "../../src/wire/codec.ts";

export type PretendedTwin = {
  readonly link: Link;
  /** The texts taken in, per epoch, in order. */
  taken(epoch: string): readonly string[];
  readonly batches: readonly Batch[];
  readonly hellos: number;
  readonly connects: number;
  connected(): boolean;
  /** Cuts the line, and lets nobody in until `admit`. */
  cut(why?: FaultCode): void;
  admit(): void;
  say(ack: Partial<Ack> & { readonly epoch: string }): void;
  /** What it does with the next messages. */
  readonly mood: {
    silent: boolean;
    deafToBatches: boolean;
    refused: string;
    /** For a hello, instead of the truth. */
    throughOf: ((epoch: string) => number) | undefined;
    chanceOfLoss: () => boolean;
    onBatch: () => void;
  };
};

export function createPretendedTwin(): PretendedTwin {
  const numberings = new Map<string, { through: number; readonly texts: string[] }>();
  const batches: Batch[] = [];
  const counts = { hellos: 0, connects: 0 };
  let away: FaultCode | undefined;
  let session: ReturnType<typeof openSession> | undefined;
  const mood: PretendedTwin["mood"] = {
    silent: false,
    deafToBatches: false,
    refused: "",
    throughOf: undefined,
    chanceOfLoss: () => false,
    onBatch() {},
  };

  const numbering = (epoch: string) => {
    const held = numberings.get(epoch) ?? { through: 0, texts: [] };
    numberings.set(epoch, held);
    return held;
  };

  function say(ack: Partial<Ack> & { readonly epoch: string }): void {
    const { through } = numbering(ack.epoch);
    const whole = { through, resend: false, refused: "", twinTimeMs: 1, ...ack };
    if (!mood.silent && !mood.chanceOfLoss()) session?.deliver(encodeAck(whole));
  }

  function hear(channel: "hello" | "batch", message: Uint8Array): void {
    if (channel === "hello") {
      counts.hellos += 1;
      for (const { epoch } of decodeHello(message).numberings)
        say({ epoch, through: mood.throughOf?.(epoch) ?? numbering(epoch).through });
      return;
    }
    if (mood.chanceOfLoss()) return;
    const batch = decodeBatch(message);
    batches.push(batch);
    mood.onBatch();
    if (!mood.deafToBatches) takeIn(batch);
  }

  function takeIn({ epoch, firstSeq, goneThrough, events }: Batch): void {
    const held = numbering(epoch);
    const next = Math.max(held.through + 1, Math.min(goneThrough + 1, firstSeq));
    if (mood.refused !== "") say({ epoch, refused: mood.refused });
    else if (firstSeq > next) say({ epoch, resend: true });
    else {
      const fresh = events.slice(next - firstSeq);
      held.texts.push(...fresh.map((event) => new TextDecoder().decode(event)));
      held.through = Math.max(held.through, firstSeq + events.length - 1);
      say({ epoch });
    }
  }

  return {
    link: {
      async connect() {
        if (away !== undefined) throw new Fault(away, "the twin is away");
        counts.connects += 1;
        session = openSession(hear);
        return session.session;
      },
    },
    batches,
    mood,
    say,
    get hellos() {
      return counts.hellos;
    },
    get connects() {
      return counts.connects;
    },
    taken: (epoch) => numbering(epoch).texts,
    connected: () => session?.isOpen() === true,
    cut(why = "LINK_LOST") {
      away = why;
      session?.end();
    },
    admit() {
      away = undefined;
    },
  };
}

function openSession(hear: (channel: "hello" | "batch", message: Uint8Array) => void) {
  const inbox: Uint8Array[] = [];
  let open = true;
  let wake = () => {};
  const end = () => {
    open = false;
    wake();
  };
  const session: LinkSession = {
    async send(channel, message) {
      await Promise.resolve();
      if (!open) throw new Fault("LINK_LOST", "the line was cut");
      hear(channel, message);
    },
    async *receive() {
      for (;;) {
        const message = inbox.shift();
        if (message !== undefined) yield message;
        else if (!open) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
    async close() {
      end();
    },
  };
  return {
    session,
    end,
    isOpen: () => open,
    deliver(message: Uint8Array) {
      inbox.push(message);
      wake();
    },
  };
}
