/**
 * Whether the evidence of a numbering is what its gateway signed: nothing altered, removed or inserted. Fed
 * in order, from the twin's file or from an exported one; asks nobody.
 *
 * A signature proves a batch, and by the link before its first event everything before it that is here. So
 * an altered byte shows at the signature of its batch; the marks beside it only name the event. What has no
 * signature is counted; taken in since the twin knows a key of that gateway, it is a finding.
 *
 * What this cannot see: a tail, a whole numbering, or all signatures and the key, that were removed together with
 * everything that tells of it (compare with the heads of an earlier export), whatever the owner of a gateway's key
 * signs, another key in the place of a gateway's (people compare those), and the time before the box signed. The
 * twin's own times and the order between gateways are not signed by them.
 */
import type { KeyObject } from "node:crypto";
import type { ProofHole, ProofItem, ProofNumbering, ProofSegment } from "../store/proof-source.ts";
import { MARK_BYTES, type SignerRow } from "../store/seals.ts";
import { isSignedBy, link, origin, publicKeyOf, sealStatement } from "../wire/chain.ts";
import { type Batch, decodeBatch, decodeEvent, type Lane, WireError } from "../wire/codec.ts";
import { EPOCH, GATEWAY_NAME } from "../wire/names.ts";

export type FindingKind =
  /** Not as it was signed. */
  | "altered"
  /** Was there, and is not. */
  | "removed"
  /** Is there, and was not signed. */
  | "inserted"
  /** The signature is not one of the gateway's key over these events. */
  | "signature"
  /** The gateway signed another past than the one that is here. */
  | "broken"
  /** The twin had it, by the gateway's word, and the gateway did not have it any more. */
  | "lost"
  /** Without a signature, where the gateway signed before. */
  | "unsigned"
  /** Another key within a numbering, at a door where nobody asks who comes. */
  | "key";

export type Finding = {
  readonly what: FindingKind;
  readonly gateway: string;
  readonly epoch: string;
  /** The first event that it concerns. */
  readonly seq: number;
  readonly lastSeq: number;
  /** The event's own time, or the twin's where there is no event to ask; undefined: there is nothing to ask. */
  readonly timeMs: number | undefined;
  readonly detail: string;
};

export type Proven = {
  readonly gateway: string;
  readonly epoch: string;
  readonly lane: Lane;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly signed: number;
  readonly unsigned: number;
  /** Declared gone by the gateway's signature: evicted before the twin could have them. */
  readonly gone: number;
  /** Keys by which it was signed. */
  readonly signers: readonly number[];
  /** To compare with later: the link of `headSeq`; undefined: nothing was proven. */
  readonly headSeq: number | undefined;
  readonly head: Uint8Array | undefined;
  readonly findings: readonly Finding[];
};

export type NumberingProof = {
  take(item: ProofItem): void;
  end(): Proven;
};

/** Of all numberings, one after the other. */
export function createProofs(
  signers: readonly SignerRow[],
): (numbering: ProofNumbering) => NumberingProof {
  const begun = new Set<string>();
  return (numbering) => {
    const name = `${numbering.gateway}/${numbering.epoch}`;
    const isSecond = begun.has(name);
    begun.add(name);
    return createNumberingProof(numbering, signers, isSecond);
  };
}

function createNumberingProof(
  numbering: ProofNumbering,
  signers: readonly SignerRow[],
  isSecond: boolean,
): NumberingProof {
  const { gateway, epoch, lane } = numbering;
  const keys = new Map<number, KeyObject>();
  /** The twin's own key is for the twin's own numbering: it lies beside the evidence. */
  const mine = signers.filter((row) => row.gateway === gateway);
  const signsSinceMs = Math.min(...mine.map(({ sinceMs }) => sinceMs));
  const findings: Finding[] = [];
  const usedBy = new Set<number>();
  const count = { signed: 0, unsigned: 0, gone: 0 };
  let next = numbering.firstSeq;
  /** The link of next - 1; undefined: not known. */
  let before = numbering.before;
  let chainFrom = numbering.chainFrom;
  let hole: ProofHole | undefined;
  /** Signed by nobody, and behind the beginning of the chain: the next signature may cover them. */
  let uncovered: { readonly firstSeq: number; readonly timeMs: number } | undefined;
  /** Signed by nobody, and before the beginning of the chain as far as it is told: the next signature says whether. */
  let outside: { readonly firstSeq: number; readonly lastSeq: number } | undefined;
  let met = false;
  let lastTimeMs: number | undefined;
  let lastPosition = 0;
  let proven: { readonly seq: number; readonly link: Uint8Array } | undefined;
  if (chainFrom === next - 1) before = origin(epoch, chainFrom);
  if (!GATEWAY_NAME.test(gateway) || !EPOCH.test(epoch))
    find("altered", next, "no twin takes anything in under such a name", {
      lastSeq: numbering.lastSeq,
    });
  // Each may be signed as it is, and the twin reads both.
  if (isSecond)
    find("inserted", next, "a numbering of this name stands here already", {
      lastSeq: numbering.lastSeq,
    });

  function find(what: FindingKind, seq: number, detail: string, more: Partial<Finding> = {}): void {
    findings.push({
      ...{ what, gateway, epoch, seq, lastSeq: seq, timeMs: lastTimeMs, detail },
      ...more,
    });
  }

  function keyOf(id: number): KeyObject | undefined {
    const row = mine.find((one) => one.id === id);
    if (row === undefined) return undefined;
    const key = keys.get(id) ?? publicKeyOf(row.key);
    keys.set(id, key);
    return key;
  }

  /** Who signed that; undefined: none of this gateway's keys. */
  function signerOf(batch: Batch, head: Uint8Array, named: number | null): number | undefined {
    if (batch.seal === undefined) return undefined;
    const message = sealStatement(batch, batch.seal, head);
    const candidates = named === null ? mine.map(({ id }) => id) : [named];
    for (const id of candidates) {
      const key = keyOf(id);
      if (key !== undefined && isSignedBy(key, message, batch.seal.signature)) return id;
    }
    return undefined;
  }

  function took(segment: ProofSegment): void {
    const batch = readBatch(segment);
    if (batch === undefined) return;
    const { seal, events, firstSeq } = batch;
    meetPosition(segment, batch);
    meetNumber(segment, batch);
    if (seal !== undefined && chainFrom !== seal.chainFrom) {
      // The gateway began anew, and signs that it did.
      tellUncovered("unsigned", UNSIGNED);
      chainFrom = seal.chainFrom;
      before = undefined;
    }
    const holeBefore = hole;
    hole = undefined;
    if (holeBefore !== undefined) before = undefined;
    const start = startOf(batch);
    if (seal === undefined) {
      passUnsigned(segment, batch, start, holeBefore);
      return;
    }
    if (holeBefore !== undefined) judgeHole(holeBefore, batch);
    const own = seal.firstSeq === firstSeq ? seal.previous : undefined;
    const from = start ?? own;
    const named = segment.seal?.signer ?? null;
    let links = from === undefined ? undefined : linksOf(from, firstSeq, events);
    let signer = links && signerOf(batch, links.at(-1) ?? from ?? seal.previous, named);
    if (signer === undefined && own !== undefined && from !== own) {
      // What came before may be wrong, and this be right.
      const alone = linksOf(own, firstSeq, events);
      const by = signerOf(batch, alone.at(-1) ?? own, named);
      if (by !== undefined) {
        signer = by;
        links = alone;
        if (uncovered !== undefined)
          tellUncovered("altered", "they are not what the gateway signed");
        else if (findings.at(-1)?.lastSeq !== firstSeq - 1)
          find("broken", firstSeq, "the gateway signed another past than the one that is here", {
            timeMs: timeOf(batch, 0),
          });
      }
    }
    if (signer === undefined) {
      nameAltered(segment, batch, own ?? start);
      before = undefined;
    } else {
      before = links?.at(-1);
      if (start !== undefined || own !== undefined) uncovered = undefined;
      judgeOutside(seal.chainFrom);
      keepSigner(signer, batch);
      checkMarks(segment, batch, links ?? []);
      compareKnown(batch, links ?? []);
      count.signed += events.length;
      if (before !== undefined) proven = { seq: firstSeq + events.length - 1, link: before };
    }
    next = firstSeq + events.length;
  }

  /** What the row says beside the bytes. */
  function readBatch(segment: ProofSegment): Batch | undefined {
    const { firstSeq, events, body, takenInAtMs } = segment;
    const lastSeq = firstSeq + events - 1;
    try {
      const batch = decodeBatch(body);
      lastTimeMs = timeOf(batch, 0) ?? takenInAtMs;
      const isSame =
        batch.gateway === gateway &&
        batch.epoch === epoch &&
        batch.lane === lane &&
        batch.firstSeq === firstSeq &&
        batch.boot === segment.boot &&
        batch.sentAtMs === segment.sentAtMs &&
        batch.sentMonotonicMs === segment.sentMonotonicMs;
      if (isSame) return batch;
      find("altered", firstSeq, OTHER_ROW, { lastSeq });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      lastTimeMs = takenInAtMs;
      find("altered", firstSeq, `the batch cannot be read: ${error.message}`, { lastSeq });
    }
    before = undefined;
    hole = undefined;
    next = lastSeq + 1;
    return undefined;
  }

  /** What came later in a numbering was taken in later; between numberings nobody signs that. */
  function meetPosition({ firstSeq, position }: ProofSegment, batch: Batch): void {
    if (firstSeq !== next) return;
    if (position < lastPosition)
      find("altered", firstSeq, "it is said to have come before what the gateway sent before it", {
        ...{ lastSeq: firstSeq + batch.events.length - 1, timeMs: timeOf(batch, 0) },
      });
    lastPosition = position;
  }

  function meetNumber({ firstSeq }: ProofSegment, batch: Batch): void {
    if (firstSeq === next) return;
    const timeMs = timeOf(batch, 0);
    if (firstSeq > next)
      find("removed", next, "these events are not here, and nobody declared them gone", {
        ...{ lastSeq: firstSeq - 1, timeMs },
      });
    else find("inserted", firstSeq, "events under these numbers stand here already", { timeMs });
    before = undefined;
    hole = undefined;
  }

  /** The link before its first event that belongs to the chain. */
  function startOf({ firstSeq, events }: Batch): Uint8Array | undefined {
    if (before !== undefined) return before;
    if (chainFrom === undefined || chainFrom < firstSeq - 1) return undefined;
    return chainFrom < firstSeq + events.length ? origin(epoch, chainFrom) : undefined;
  }

  /** Of each event; those before the chain's beginning have none. */
  function linksOf(
    from: Uint8Array,
    firstSeq: number,
    events: readonly Uint8Array[],
  ): (Uint8Array | undefined)[] & { at(index: -1): Uint8Array | undefined } {
    let last = from;
    return events.map((event, index) => {
      const seq = firstSeq + index;
      if (chainFrom !== undefined && seq <= chainFrom) return undefined;
      last = link(last, seq, event);
      return last;
    });
  }

  function passUnsigned(
    segment: ProofSegment,
    batch: Batch,
    start: Uint8Array | undefined,
    holeBefore: ProofHole | undefined,
  ): void {
    const { firstSeq, events } = batch;
    const lastSeq = firstSeq + events.length - 1;
    count.unsigned += events.length;
    next = lastSeq + 1;
    const isSigning = segment.takenInAtMs >= signsSinceMs;
    if (start === undefined) {
      const isBehind = chainFrom !== undefined && lastSeq > chainFrom;
      if (isBehind || isSigning) findUnsigned(firstSeq, lastSeq);
      else outside = { firstSeq: outside?.firstSeq ?? holeBefore?.firstSeq ?? firstSeq, lastSeq };
      return;
    }
    // Of these the chain knows nothing, whatever is signed behind them.
    if (isSigning && chainFrom !== undefined && chainFrom >= firstSeq)
      findUnsigned(firstSeq, Math.min(chainFrom, lastSeq));
    const links = linksOf(start, firstSeq, events);
    checkMarks(segment, batch, links);
    compareKnown(batch, links);
    before = links.at(-1) ?? start;
    uncovered ??= {
      firstSeq: Math.max(firstSeq, (chainFrom ?? 0) + 1),
      timeMs: segment.takenInAtMs,
    };
  }

  /** Where the chain begins is signed: what stands behind that had a signature once. */
  function judgeOutside(begins: number): void {
    if (outside !== undefined && outside.lastSeq > begins)
      findUnsigned(Math.max(outside.firstSeq, begins + 1), outside.lastSeq);
    outside = undefined;
  }

  /** What goes on where the finding before it ends is one with it. */
  function findUnsigned(firstSeq: number, lastSeq: number): void {
    const last = findings.at(-1);
    const goesOn = last?.detail === UNSIGNED && last.lastSeq === firstSeq - 1;
    if (goesOn) findings[findings.length - 1] = { ...last, lastSeq };
    else find("unsigned", firstSeq, UNSIGNED, { lastSeq });
  }

  function tellUncovered(what: "altered" | "unsigned", detail: string): void {
    if (uncovered === undefined) return;
    const { firstSeq, timeMs } = uncovered;
    find(what, firstSeq, detail, { lastSeq: next - 1, timeMs });
    uncovered = undefined;
  }

  function judgeHole({ firstSeq, lastSeq }: ProofHole, { goneThrough, seal }: Batch): void {
    if (goneThrough < lastSeq)
      find("removed", firstSeq, "it says that the gateway declared them gone, and it did not", {
        lastSeq,
      });
    else if ((seal?.releasedThrough ?? 0) >= firstSeq)
      find(
        "lost",
        firstSeq,
        "the twin had acknowledged them; it was put back, or they were removed",
        {
          lastSeq,
        },
      );
    else count.gone += lastSeq - firstSeq + 1;
  }

  function keepSigner(id: number, batch: Batch): void {
    const row = mine.find((one) => one.id === id);
    if (usedBy.size > 0 && !usedBy.has(id) && row?.how === "first-sight")
      find("key", batch.firstSeq, "from here on another key signs this numbering", {
        timeMs: timeOf(batch, 0),
      });
    usedBy.add(id);
  }

  /** The batch is proven; what is kept beside it has to agree. */
  function checkMarks(
    { seal, events: counted }: ProofSegment,
    batch: Batch,
    links: readonly (Uint8Array | undefined)[],
  ): void {
    if (counted !== batch.events.length)
      find("altered", batch.firstSeq, OTHER_ROW, {
        lastSeq: batch.firstSeq + batch.events.length - 1,
      });
    if (seal === undefined) return;
    const at = differsAt(links, seal.marks);
    if (at === undefined && seal.marks.length === MARK_BYTES * links.length) return;
    find("altered", batch.firstSeq + (at ?? 0), "what is kept beside the event is not of it", {
      timeMs: timeOf(batch, at ?? 0),
    });
  }

  function compareKnown(batch: Batch, links: readonly (Uint8Array | undefined)[]): void {
    const { known } = numbering;
    const at = known === undefined ? -1 : known.seq - batch.firstSeq;
    const here = links[at];
    if (known === undefined || here === undefined) return;
    met = true;
    if (Buffer.compare(here, known.link) !== 0)
      find("altered", known.seq, "up to here the events are others than in the earlier export", {
        timeMs: timeOf(batch, at),
      });
  }

  /** The signature does not fit: by the marks, which event is it? */
  function nameAltered(
    { seal, events: counted }: ProofSegment,
    batch: Batch,
    from: Uint8Array | undefined,
  ): void {
    const { firstSeq, events } = batch;
    const whole = { lastSeq: firstSeq + events.length - 1, timeMs: timeOf(batch, 0) };
    if (seal === undefined || from === undefined) {
      find("altered", firstSeq, "one of these events is not what was signed", whole);
      return;
    }
    const had = seal.marks.length / MARK_BYTES;
    const links = linksOf(from, firstSeq, events);
    const at = differsAt(links, seal.marks) ?? Math.min(had, events.length);
    const what =
      events.length > had
        ? "inserted"
        : events.length < had || counted !== events.length
          ? "removed"
          : at < events.length
            ? "altered"
            : "signature";
    const named = { timeMs: timeOf(batch, at) ?? whole.timeMs };
    find(
      what,
      what === "signature" ? firstSeq : firstSeq + at,
      UNFIT[what],
      what === "signature" ? whole : named,
    );
  }

  return {
    take(item) {
      if (item.kind === "segment") {
        took(item);
        return;
      }
      if (item.firstSeq !== next) meetHole(item);
      hole = { ...item, firstSeq: hole?.firstSeq ?? item.firstSeq };
      if (uncovered !== undefined) tellUncovered("unsigned", UNSIGNED);
      next = item.lastSeq + 1;
    },
    end() {
      if (hole !== undefined)
        find(
          "removed",
          hole.firstSeq,
          "it says that they are gone, and no signature behind it does",
          {
            lastSeq: hole.lastSeq,
          },
        );
      if (next <= numbering.lastSeq)
        find("removed", next, "these events were here, and are not any more", {
          lastSeq: numbering.lastSeq,
        });
      tellUncovered("unsigned", UNSIGNED);
      missKnown();
      return {
        ...{ gateway, epoch, lane, firstSeq: numbering.firstSeq, lastSeq: next - 1 },
        ...count,
        signers: [...usedBy],
        headSeq: proven?.seq,
        head: proven?.link,
        findings,
      };
    },
  };

  function missKnown(): void {
    const { known, firstSeq } = numbering;
    if (known === undefined || met || known.seq < firstSeq) return;
    if (known.seq < next) find("unsigned", known.seq, UNREACHED);
    else
      find("removed", next, "an earlier export goes further than what is here", {
        lastSeq: known.seq,
      });
  }

  function meetHole({ firstSeq }: ProofHole): void {
    if (firstSeq > next)
      find("removed", next, "these events are not here, and nobody declared them gone", {
        lastSeq: firstSeq - 1,
      });
    else find("inserted", firstSeq, "what is said to be gone stands here");
    before = undefined;
  }
}

const OTHER_ROW = "the row says other things than the batch that it holds";
const UNSIGNED = "the gateway signed before, and not these";
const UNREACHED = "an earlier export has it signed, and here nothing that is signed leads to it";
const UNFIT = {
  inserted: "here stands more than the gateway signed",
  removed: "here stands less than the gateway signed",
  altered: "the event is not what the gateway signed",
  signature: "the signature of these events is not by a key of the gateway",
} as const;

function differsAt(
  links: readonly (Uint8Array | undefined)[],
  marks: Uint8Array,
): number | undefined {
  const at = links.findIndex(
    (one, index) =>
      one !== undefined &&
      Buffer.compare(
        one.subarray(0, MARK_BYTES),
        marks.subarray(MARK_BYTES * index, MARK_BYTES * (index + 1)),
      ) !== 0,
  );
  return at === -1 ? undefined : at;
}

/** The gateway's time of an event; undefined: there is none that can be read. */
function timeOf({ events }: Batch, index: number): number | undefined {
  const bytes = events[index];
  if (bytes === undefined) return undefined;
  try {
    return decodeEvent(bytes).gatewayTimeMs;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
