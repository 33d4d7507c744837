/**
 * Takes batches in: what gateways send becomes evidence, exactly once, before anyone hears an
 * acknowledgement.
 *
 * A group of batches is one commit. What cannot be taken in is kept byte for byte in quarantine in
 * that same commit, and its sender is told. What the events mean is not asked here.
 */
import type { Clock } from "../ports.ts";
import type { Evidence, Kept, Segment } from "../store/evidence.ts";
import {
  type Ack,
  BATCH_BYTES_MAX,
  type Batch,
  decodeBatch,
  decodeHello,
  encodeBatch,
  WireError,
} from "../wire/codec.ts";
import { admit } from "./admit.ts";

/** `gateway` is the sender as the transport knows it, whatever the message says. */
export type Offer = {
  readonly gateway: string;
  readonly channel: "hello" | "batch";
  readonly message: Uint8Array;
};

export type Taken = {
  readonly gateway: string;
  readonly outcome: "appended" | "known" | "resend" | "refused" | "greeted";
  readonly acks: readonly Ack[];
  readonly segment: Segment | undefined;
  /** Events under numbers already passed that are not what is held. */
  readonly conflicts: number;
};

export type Intake = {
  /** One answer to each offer, in order. Throws when the disk fails; then nothing was taken in. */
  take(offers: readonly Offer[]): Kept<readonly Taken[]>;
};

type Refused = {
  readonly reason: string;
  readonly detail: string;
  readonly epoch: string;
  readonly through: number;
};

/** This name is the twin's own: its statements stand among the evidence of the gateways. */
export const OWN_NAME = "twin";

export function createIntake({ evidence, clock }: { evidence: Evidence; clock: Clock }): Intake {
  function ack(epoch: string, through: number, more: Partial<Ack> = {}): Ack {
    return { epoch, through, resend: false, refused: "", twinTimeMs: clock.nowMs(), ...more };
  }

  function takeOne(offer: Offer): Taken {
    return offer.channel === "hello" ? greet(offer) : takeBatch(offer);
  }

  function greet(offer: Offer): Taken {
    const hello = readHello(offer);
    if ("reason" in hello) return refuse(offer, hello);
    const acks = hello.numberings.map(({ epoch }) =>
      ack(epoch, evidence.numbering(offer.gateway, epoch)?.through ?? 0),
    );
    return { gateway: offer.gateway, outcome: "greeted", acks, segment: undefined, conflicts: 0 };
  }

  function takeBatch(offer: Offer): Taken {
    const batch = readBatch(offer, evidence);
    if ("reason" in batch) return refuse(offer, batch);

    const { gateway, epoch, firstSeq } = batch;
    const through = evidence.numbering(gateway, epoch)?.through ?? 0;
    const lastSeq = firstSeq + batch.events.length - 1;
    const admission = admit(through, { firstSeq, lastSeq, goneThrough: batch.goneThrough });
    const told = { gateway, outcome: admission.kind, segment: undefined, conflicts: 0 } as const;
    switch (admission.kind) {
      case "resend":
        return { ...told, outcome: "resend", acks: [ack(epoch, through, { resend: true })] };
      case "known": {
        const conflicts = keepConflicts(batch, batch.events.length);
        return { ...told, outcome: "known", acks: [ack(epoch, through)], conflicts };
      }
      case "append": {
        const { known, hole } = admission;
        const conflicts = known > 0 ? keepConflicts(batch, known) : 0;
        if (hole !== undefined) evidence.declareHole(batch, hole, clock.nowMs());
        const fresh = known > 0 ? tail(batch, known) : batch;
        const body = known > 0 ? encodeBatch(fresh) : offer.message;
        const segment = evidence.append(fresh, body, clock.nowMs());
        return { ...told, outcome: "appended", acks: [ack(epoch, lastSeq)], segment, conflicts };
      }
    }
  }

  /** The first that came under a number stays; the second is kept beside it, for people to judge. */
  function keepConflicts(batch: Batch, count: number): number {
    const mismatches = evidence.mismatches(batch, count);
    for (const { seq, why } of mismatches)
      evidence.quarantine({
        atMs: clock.nowMs(),
        source: `${batch.gateway}/${batch.epoch}/${seq}`,
        reason: why,
        detail:
          why === "id_conflict"
            ? "another event was taken in under this number"
            : "the gateway had declared this number gone",
        bytes: batch.events[seq - batch.firstSeq] ?? new Uint8Array(0),
      });
    return mismatches.length;
  }

  function refuse(offer: Offer, { reason, detail, epoch, through }: Refused): Taken {
    evidence.quarantine({
      atMs: clock.nowMs(),
      source: offer.gateway,
      reason,
      detail,
      bytes: offer.message,
    });
    const acks = [ack(epoch, through, { refused: detail })];
    return { gateway: offer.gateway, outcome: "refused", acks, segment: undefined, conflicts: 0 };
  }

  return { take: (offers) => evidence.keep(() => offers.map(takeOne)) };
}

function readBatch({ gateway, message }: Offer, evidence: Evidence): Batch | Refused {
  if (message.length > BATCH_BYTES_MAX)
    return refused(
      "oversized",
      `the batch has ${message.length} bytes; ${BATCH_BYTES_MAX} are allowed`,
    );
  const batch = readable(() => decodeBatch(message));
  if ("reason" in batch) return batch;

  const held = evidence.numbering(gateway, batch.epoch);
  const numbering = { epoch: batch.epoch, through: held?.through ?? 0 };
  if (batch.gateway !== gateway)
    return refused("wrong_gateway", `the batch is of ${batch.gateway}, sent by ${gateway}`);
  if (batch.events.length === 0) return refused("empty", "the batch holds no events", numbering);
  if (held !== undefined && held.lane !== batch.lane)
    return refused(
      "wrong_lane",
      `this epoch is of lane ${held.lane}, not ${batch.lane}`,
      numbering,
    );
  if (!Number.isSafeInteger(batch.firstSeq + batch.events.length))
    return refused("unreadable", "the numbers of the events are too large", numbering);
  return batch;
}

function readHello({ gateway, message }: Offer) {
  const hello = readable(() => decodeHello(message));
  if ("reason" in hello || hello.gateway === gateway) return hello;
  return refused("wrong_gateway", `the hello is of ${hello.gateway}, sent by ${gateway}`);
}

function readable<T extends object>(decode: () => T): T | Refused {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireError) return refused("unreadable", error.message);
    throw error;
  }
}

function refused(
  reason: string,
  detail: string,
  numbering: { epoch: string; through: number } = { epoch: "", through: 0 },
): Refused {
  return { reason, detail, ...numbering };
}

function tail(batch: Batch, known: number): Batch {
  return { ...batch, firstSeq: batch.firstSeq + known, events: batch.events.slice(known) };
}
