/**
 * Whether a batch is what its gateway signed, and whether it goes on where the evidence of its numbering
 * ends. Decided before it is taken in, remembered with it.
 *
 * What does not fit is not taken in, and stays at the gateway: evidence that is known to be wrong when it
 * comes would be wrong for ever, and its sender still has it. Three cases are no refusal, since nothing of
 * them is wrong: a gateway of a release that does not sign; a chain that begins anew, by the gateway's
 * own signature; and, where no key came with an invitation, another key for a new numbering, as a box that was
 * replaced must be able to come. `verify` tells each of them.
 */
import type { KeyObject } from "node:crypto";
import type { Clock, Signer } from "../ports.ts";
import {
  type Acquaintance,
  marked,
  type NewSeal,
  type Seals,
  type SignerRow,
} from "../store/seals.ts";
import { isSignedBy, linkThrough, origin, publicKeyOf, sealStatement } from "../wire/chain.ts";
import type { Batch, Hello } from "../wire/codec.ts";
import { OWN_NAME } from "../wire/own-name.ts";

/** What the door knows of a key; absent: nobody there asks who comes. */
export type KeyTrust = {
  /** Keys that came with an invitation, base64; none: the first that each numbering comes with is its key. */
  readonly enrolled: readonly string[];
  /** An administrator has compared it. */
  readonly byHand?: boolean;
  /** Epochs of the numberings that it is believed for; absent: all that the hello names. */
  readonly epochs?: readonly string[];
};

export type SealObjection = { readonly reason: string; readonly detail: string };

export type Sealing = {
  /** Within the evidence's transaction. Remembers the key; undefined: nothing speaks against it. */
  meet(gateway: string, hello: Hello, trust: KeyTrust | undefined): SealObjection | undefined;
  /**
   * What is to be kept with the part of the batch behind its first `known` events; undefined: nothing, it
   * is not signed and nothing before it was.
   */
  check(
    batch: Batch,
    fit: { readonly known: number; readonly hole: boolean },
  ): NewSeal | SealObjection | undefined;
  /** A batch of the twin itself, signed; and what is to be kept with it. */
  sign(batch: Batch): { readonly batch: Batch; readonly seal: NewSeal } | undefined;
  keep(position: number, batch: Batch, seal: NewSeal): void;
};

export type SealingDeps = {
  readonly seals: Seals;
  readonly clock: Clock;
  /** Absent: the twin's own statements are not signed. */
  readonly signer?: Signer | undefined;
};

type Known = { readonly row: SignerRow; readonly key: KeyObject };

/** A gateway has two numberings at a time; a backlog that is carried here by hand has two others. */
const NUMBERINGS_MAX = 16;

export function createSealing({ seals, clock, signer }: SealingDeps): Sealing {
  /**
   * Of each gateway by epoch the key that a hello named last for that numbering. Not by gateway alone: what a
   * box left behind may come in from a file while the one in its place sends.
   */
  const current = new Map<string, Map<string, Known>>();

  function signerOf(gateway: string, epoch: string): Known | undefined {
    const known = current.get(gateway)?.get(epoch);
    if (known !== undefined) return known;
    const rows = seals.signers(gateway);
    const { signer: id } = seals.standing(gateway, epoch) ?? {};
    // Where none is kept, only a hello can say one: the newest known may be that of a box that was replaced.
    const row = rows.find((one) => one.id === id);
    return row && become(gateway, epoch, knownBy(row));
  }

  function become(gateway: string, epoch: string, known: Known): Known {
    const its = current.get(gateway) ?? new Map<string, Known>();
    its.delete(epoch);
    current.set(gateway, its.set(epoch, known));
    const [oldest] = its.keys();
    if (its.size > NUMBERINGS_MAX && oldest !== undefined) its.delete(oldest);
    return known;
  }

  function acquainted(gateway: string, key: Uint8Array, how: Acquaintance): SignerRow {
    const rows = seals.signers(gateway);
    const known = rows.find((row) => Buffer.compare(row.key, key) === 0);
    return known ?? seals.addSigner({ gateway, key, how, sinceMs: clock.nowMs() });
  }

  return {
    meet(gateway, { signingKey, numberings }, trust) {
      if (signingKey === undefined) return undefined;
      const enrolled = trust?.enrolled ?? [];
      const isEnrolled = enrolled.includes(Buffer.from(signingKey).toString("base64"));
      if (enrolled.length > 0 && !isEnrolled)
        return {
          reason: "wrong_key",
          detail: "the gateway signs with another key than it was enrolled with; enrol it again",
        };
      if (enrolled.length === 0) {
        const rows = seals.signers(gateway);
        for (const { epoch } of numberings) {
          const { signer: id } = seals.standing(gateway, epoch) ?? {};
          const pinned = rows.find((row) => row.id === id);
          if (pinned !== undefined && Buffer.compare(pinned.key, signingKey) !== 0)
            return {
              reason: "wrong_key",
              detail: `the gateway signs with another key than it began numbering ${epoch} with; put its signing-key.pem back, or bring what waits there as a file (racktrace import --key)`,
            };
        }
      }
      const row = acquainted(gateway, signingKey, howKnown(trust, isEnrolled));
      const known = knownBy(row);
      const epochs = trust?.epochs ?? numberings.map(({ epoch }) => epoch);
      for (const epoch of epochs) become(gateway, epoch, known);
      return undefined;
    },

    check(batch, { known, hole }) {
      const { gateway, epoch, seal, events } = batch;
      const standing = seals.standing(gateway, epoch);
      if (seal === undefined) {
        if (standing === undefined || hole) return undefined;
        const fresh = events.slice(known);
        const { link, marks } = marked(standing.link, batch.firstSeq + known, fresh);
        return { ...standing, signer: null, link, marks };
      }
      const signed = signerOf(gateway, epoch);
      if (signed === undefined)
        return { reason: "unknown_key", detail: "the gateway did not say which key it signs with" };
      if (seal.firstSeq !== batch.firstSeq)
        return { reason: "bad_signature", detail: "the batch is a part of what was signed" };
      const before = linkThrough(seal.previous, batch.firstSeq, events.slice(0, known));
      const { link, marks } = marked(before, batch.firstSeq + known, events.slice(known));
      if (!isSignedBy(signed.key, sealStatement(batch, seal, link), seal.signature))
        return {
          reason: "bad_signature",
          detail: `the signature of events ${batch.firstSeq} to ${batch.firstSeq + events.length - 1} does not fit: they were altered on the way, or another key signed them`,
        };
      const isAnew = standing === undefined || standing.chainFrom !== seal.chainFrom;
      if (!isAnew && !hole && Buffer.compare(before, standing.link) !== 0)
        return {
          reason: "chain_broken",
          detail: `event ${batch.firstSeq + known} does not go on where numbering ${epoch} ends here: the outbox is an old copy, or the evidence was altered; see racktrace verify here, and racktrace outbox renew-chain at the gateway`,
        };
      return { signer: signed.row.id, chainFrom: seal.chainFrom, link, marks };
    },

    sign(batch) {
      if (signer === undefined) return undefined;
      const standing = seals.standing(batch.gateway, batch.epoch);
      const chainFrom = standing?.chainFrom ?? batch.firstSeq - 1;
      const previous = standing?.link ?? origin(batch.epoch, chainFrom);
      const { link, marks } = marked(previous, batch.firstSeq, batch.events);
      const claim = { firstSeq: batch.firstSeq, chainFrom, releasedThrough: 0, previous };
      const signature = signer.sign(sealStatement(batch, claim, link));
      const row = acquainted(OWN_NAME, signer.publicKey, "own");
      return {
        batch: { ...batch, seal: { ...claim, signature } },
        seal: { signer: row.id, chainFrom, link, marks },
      };
    },

    keep: (position, batch, seal) => seals.add(position, batch, seal),
  };
}

function knownBy(row: SignerRow): Known {
  return { row, key: publicKeyOf(row.key) };
}

function howKnown(trust: KeyTrust | undefined, isEnrolled: boolean): Acquaintance {
  if (trust === undefined) return "first-sight";
  if (trust.byHand === true) return "by-hand";
  return isEnrolled ? "enrolment" : "certificate";
}
