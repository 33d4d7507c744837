/**
 * Decides what an offered batch means for its numbering. Pure.
 *
 * Events of one (gateway, epoch) enter contiguous and once. A batch behind a gap waits until the
 * gateway has sent what is missing, unless the gateway says that it no longer has it: then the hole
 * is recorded and the numbering goes on. What was already taken in is never taken in again.
 */

/** `goneThrough`: everything up to here has left the gateway. */
export type Offer = {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly goneThrough: number;
};

export type Admission =
  /** The first `known` events are held already; the others are new. */
  | { readonly kind: "append"; readonly known: number; readonly hole: SeqRange | undefined }
  /** All of it is held already. */
  | { readonly kind: "known" }
  /** Something between `through` and the batch is missing, and the gateway may still have it. */
  | { readonly kind: "resend" };

/** Inclusive. */
export type SeqRange = { readonly firstSeq: number; readonly lastSeq: number };

export function admit(through: number, offer: Offer): Admission {
  const next = through + 1;
  if (offer.lastSeq <= through) return { kind: "known" };
  if (offer.firstSeq <= next)
    return { kind: "append", known: next - offer.firstSeq, hole: undefined };
  if (offer.goneThrough < offer.firstSeq - 1) return { kind: "resend" };
  return { kind: "append", known: 0, hole: { firstSeq: next, lastSeq: offer.firstSeq - 1 } };
}
