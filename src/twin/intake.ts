/**
 * Takes batches in: what gateways send becomes evidence, exactly once, before anyone hears an
 * acknowledgement.
 *
 * A group of batches is one commit. What cannot be taken in is kept as it came, in quarantine, in
 * that same commit, and its sender is told. What the events mean is not asked here.
 */
import type { Clock } from "../ports.ts";
import type { Evidence, Kept, Segment } from "../store/evidence.ts";
import { statement } from "../wire/chain.ts";
import {
  type Ack,
  BATCH_BYTES_MAX,
  type Batch,
  decodeHello,
  decodeOffered,
  encodeBatch,
  WireError,
} from "../wire/codec.ts";
import { EPOCH } from "../wire/names.ts";
import { admit } from "./admit.ts";
import { conflictStatement } from "./conflict.ts";
import { batchWord, type GatewayWord, helloWord } from "./gateway-word.ts";
import type { KeyTrust, Sealing } from "./sealing.ts";
import type { Statement, StatementBook } from "./statements.ts";

/** `gateway` is the sender as the transport knows it, whatever the message says. */
export type Offer = {
  readonly gateway: string;
  readonly channel: "hello" | "batch";
  readonly message: Uint8Array;
  /** Of a hello: what the door knows of the key that its gateway signs with. */
  readonly trust?: KeyTrust | undefined;
  /** Somebody brought it as a file: its gateway, which may have its line, said nothing and hears no answer. */
  readonly carried?: boolean;
};

export type Taken = {
  readonly gateway: string;
  readonly outcome: "appended" | "known" | "resend" | "refused" | "greeted";
  readonly acks: readonly Ack[];
  /** In order of positions. */
  readonly segments: readonly Segment[];
  /** Events under numbers already passed that are not what is held. */
  readonly conflicts: number;
  /** Of what was believed: what the gateway says of itself. */
  readonly word?: GatewayWord;
};

export type Intake = {
  /** One answer to each offer, in order. Throws when the disk fails; then nothing was taken in. */
  take(offers: readonly Offer[]): Kept<readonly Taken[]>;
};

const WHY = {
  id_conflict: "another event was taken in under this number",
  after_hole: "the gateway had declared this number gone",
} as const;

const OTHERS = "other events are held here under these numbers, or they were declared gone";

const OVERSIZED = "oversized";
const OVERSIZED_KEPT_BYTES = 1024;

type Refused = {
  readonly reason: string;
  readonly detail: string;
  readonly epoch: string;
  readonly through: number;
};

export type IntakeDeps = {
  readonly evidence: Evidence;
  readonly clock: Clock;
  readonly statements: StatementBook;
  readonly sealing: Sealing;
};

export function createIntake({ evidence, clock, statements, sealing }: IntakeDeps): Intake {
  function ack(epoch: string, through: number, more: Partial<Ack> = {}): Ack {
    const twinTimeMs = clock.nowMs();
    return { epoch, through, resend: false, refused: "", twinTimeMs, compares: true, ...more };
  }

  function takeOne(offer: Offer): Taken {
    return offer.channel === "hello" ? greet(offer) : takeBatch(offer);
  }

  function greet(offer: Offer): Taken {
    const hello = readHello(offer);
    if ("reason" in hello) return refuse(offer, hello);
    const objection = sealing.meet(offer.gateway, hello, offer.trust);
    if (objection !== undefined) return refuse(offer, refused(objection.reason, objection.detail));
    // Behind what it once acknowledged, this twin was restored from a copy: it asks again for the rest.
    const acks = hello.numberings.map(({ epoch, firstSeq }) => {
      const through = evidence.numbering(offer.gateway, epoch)?.through ?? 0;
      return ack(epoch, through, { resend: through + 1 < firstSeq });
    });
    const told = { segments: [], conflicts: 0, word: helloWord(hello, clock.nowMs()) };
    return { gateway: offer.gateway, outcome: "greeted", acks, ...told };
  }

  function takeBatch(offer: Offer): Taken {
    const batch = readBatch(offer, evidence);
    if ("reason" in batch) return refuse(offer, batch);
    if (batch.compare === true) return compare(batch);

    const { gateway, epoch, firstSeq } = batch;
    const through = evidence.numbering(gateway, epoch)?.through ?? 0;
    const lastSeq = firstSeq + batch.events.length - 1;
    const admission = admit(through, { firstSeq, lastSeq, goneThrough: batch.goneThrough });
    const word = batchWord(batch, clock.nowMs());
    const told = { gateway, segments: [], conflicts: 0, ...(word && { word }) };
    switch (admission.kind) {
      case "resend":
        return { ...told, outcome: "resend", acks: [ack(epoch, through, { resend: true })] };
      case "known": {
        // Whoever altered a file would have its gateway say two things under one number.
        const seal =
          offer.carried === true
            ? sealing.check(batch, { known: batch.events.length, hole: true })
            : undefined;
        if (seal !== undefined && "reason" in seal)
          return refuse(offer, { ...seal, epoch, through }, batch);
        const { others, ...found } = keepConflicts(batch, batch.events.length);
        // An acknowledgement would let go of what is not held here.
        const objection = found.conflicts > 0 ? { refused: OTHERS } : {};
        const acks = [ack(epoch, through, objection)];
        return { ...told, outcome: "known", acks, ...found };
      }
      case "append": {
        const { known, hole } = admission;
        const seal = sealing.check(batch, { known, hole: hole !== undefined });
        const isMisfit = seal !== undefined && "reason" in seal;
        const isAltered = isMisfit && seal.reason !== "chain_broken";
        const { segments, conflicts, others } = keepConflicts(batch, isAltered ? 0 : known);
        // Its disk went back: a chain that is begun anew there would not make these events the same. Over its line it
        // is asked what it has before it says so; what came by a file is told here.
        if (others > 0 && (isMisfit || offer.carried === true)) {
          const acks = [ack(epoch, through, { refused: OTHERS })];
          return { ...told, outcome: "known", acks, segments, conflicts };
        }
        if (isMisfit) return refuse(offer, { ...seal, epoch, through }, batch);
        if (hole !== undefined) evidence.declareHole(batch, hole, clock.nowMs());
        const fresh = known > 0 ? tail(batch, known) : batch;
        const body = known > 0 ? encodeBatch(fresh) : offer.message;
        const appended = evidence.append(fresh, body, clock.nowMs());
        if (seal !== undefined) sealing.keep(appended.position, fresh, seal);
        const taken = [...segments, appended];
        // Over its line the rest goes on; whoever brings a file hears what of it is not held.
        const objection = offer.carried === true && conflicts > 0 ? { refused: OTHERS } : {};
        const acks = [ack(epoch, lastSeq, objection)];
        return { ...told, outcome: "appended", acks, segments: taken, conflicts };
      }
    }
  }

  /** A gateway asks whether it still is who sent what is held: its disk may have gone back in time. */
  function compare(batch: Batch): Taken {
    const { gateway, epoch, firstSeq, events } = batch;
    const through = evidence.numbering(gateway, epoch)?.through ?? 0;
    const count = Math.max(0, Math.min(events.length, through - firstSeq + 1));
    const found = count === 0 ? [] : evidence.mismatches(batch, count);
    const first = found.find(({ why }) => why === "id_conflict");
    const end = first?.seq ?? firstSeq + count;
    // Of numbers that were declared gone the two may hold different events: they part there, if they do behind it.
    const gone = new Set(found.map(({ seq }) => seq));
    let goneFrom = end;
    while (gone.has(goneFrom - 1)) goneFrom -= 1;
    const isSame = end === firstSeq + events.length;
    const answer = isSame
      ? { sameThrough: end - 1, ...(goneFrom < end && { goneFrom }) }
      : { differsFrom: goneFrom };
    const acks = [ack(epoch, through, answer)];
    return { gateway, outcome: "known", acks, segments: [], conflicts: 0 };
  }

  /**
   * The first that came under a number stays. The second is kept beside it, and that it came is a
   * statement of the twin: two things with one name are a finding like any other.
   */
  function keepConflicts(
    batch: Batch,
    count: number,
  ): Pick<Taken, "segments" | "conflicts"> & { readonly others: number } {
    if (count === 0) return { segments: [], conflicts: 0, others: 0 };
    const mismatches = evidence.mismatches(batch, count);
    const said: Statement[] = [];
    for (const { seq, why } of mismatches) {
      const bytes = batch.events[seq - batch.firstSeq] ?? new Uint8Array(0);
      const source = `${batch.gateway}/${batch.epoch}/${seq}`;
      evidence.quarantine({ atMs: clock.nowMs(), source, reason: why, detail: WHY[why], bytes });
      if (why === "id_conflict") said.push(conflictStatement(batch, seq, bytes));
    }
    const segments = statements.append(said);
    return { segments, conflicts: mismatches.length, others: said.length };
  }

  /**
   * Its sender keeps it and sends it again, with other times, another signature and perhaps more behind it:
   * it is the same as long as it begins with the same event. One that is too large to be looked at is the
   * same whatever its size, and its beginning tells all that can be told of it.
   */
  function refuse(offer: Offer, why: Refused, batch?: Batch): Taken {
    const { reason, detail, epoch, through } = why;
    const isLarge = reason === OVERSIZED;
    const begins = batch && [batch.firstSeq, batch.events[0] ?? detail];
    evidence.quarantine({
      atMs: clock.nowMs(),
      source: offer.gateway,
      reason,
      detail,
      bytes: isLarge ? offer.message.subarray(0, OVERSIZED_KEPT_BYTES) : offer.message,
      same: statement("refused", [epoch, ...(begins ?? [isLarge ? reason : detail])]),
    });
    const acks = [ack(epoch, through, { refused: detail })];
    return { gateway: offer.gateway, outcome: "refused", acks, segments: [], conflicts: 0 };
  }

  return { take: (offers) => evidence.keep(() => offers.map(takeOne)) };
}

function readBatch({ gateway, message }: Offer, evidence: Evidence): Batch | Refused {
  if (message.length > BATCH_BYTES_MAX)
    return refused(
      OVERSIZED,
      `the batch has ${message.length} bytes; ${BATCH_BYTES_MAX} are allowed`,
    );
  const batch = readable(() => decodeOffered(message));
  if ("reason" in batch) return batch;

  const held = evidence.numbering(gateway, batch.epoch);
  const numbering = { epoch: batch.epoch, through: held?.through ?? 0 };
  if (batch.gateway !== gateway)
    return refused("wrong_gateway", `the batch is of ${batch.gateway}, sent by ${gateway}`);
  if (!EPOCH.test(batch.epoch)) return refused("unreadable", ODD_EPOCH, numbering);
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

const ODD_EPOCH =
  "no numbering is named so: up to 128 characters of ASCII that can be seen, and no space";

function readHello({ gateway, message }: Offer) {
  const hello = readable(() => decodeHello(message));
  if ("reason" in hello) return hello;
  if (hello.gateway !== gateway)
    return refused("wrong_gateway", `the hello is of ${hello.gateway}, sent by ${gateway}`);
  const isOdd = hello.numberings.some(({ epoch }) => !EPOCH.test(epoch));
  return isOdd ? refused("unreadable", ODD_EPOCH) : hello;
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
