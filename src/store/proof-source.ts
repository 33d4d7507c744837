/**
 * The evidence as it is to be proven (twin/proof.ts): read only, beside a twin that runs or without one.
 * What is taken in while it reads is left for the next time.
 */
import type { Lane } from "../wire/codec.ts";
import type { Database } from "./database.ts";
import type { SignerRow } from "./seals.ts";

export type ProofNumbering = {
  readonly gateway: string;
  readonly epoch: string;
  readonly lane: Lane;
  /** Of the period: the events that are to be there. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** The chain begins behind this seq; undefined: nothing is signed. */
  readonly chainFrom: number | undefined;
  /** The link of firstSeq - 1 as it was kept: where to begin, to be confirmed by the first signature. */
  readonly before: Uint8Array | undefined;
  /** The link of an event as an earlier export has it. */
  readonly known?: { readonly seq: number; readonly link: Uint8Array } | undefined;
};

export type ProofSegment = {
  readonly kind: "segment";
  readonly position: number;
  readonly takenInAtMs: number;
  readonly firstSeq: number;
  readonly events: number;
  readonly boot: number;
  readonly sentAtMs: number;
  readonly sentMonotonicMs: number;
  readonly body: Uint8Array;
  /** Undefined: nothing is kept beside it. */
  readonly seal: ProofSeal | undefined;
};

export type ProofSeal = {
  readonly signer: number | null;
  readonly chainFrom: number;
  readonly link: Uint8Array;
  readonly marks: Uint8Array;
};

export type ProofHole = {
  readonly kind: "hole";
  readonly firstSeq: number;
  readonly lastSeq: number;
};

export type ProofItem = ProofSegment | ProofHole;

/** What is to be proven of a numbering; read once. */
export type ProofPart = { readonly numbering: ProofNumbering; readonly items: Iterable<ProofItem> };

export type Period = {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly gateway?: string | undefined;
};

/** Positions are consecutive over everything; between these two some are not there. */
export type PositionGap = {
  readonly after: number;
  readonly before: number;
  readonly timeMs: number;
};

export type ProofSource = {
  signers(): readonly SignerRow[];
  /** By whom the newest signed segment of a numbering is signed; undefined: none is. */
  lastSigner(gateway: string, epoch: string): number | undefined;
  parts(period: Period): readonly (ProofPart & { readonly events: number })[];
  gaps(): readonly PositionGap[];
};

/** What stands of a numbering in a period, and beside it on either side. */
type SpanRow = {
  readonly begins: number | null;
  readonly first: number | null;
  readonly last: number | null;
  readonly events: number;
  readonly behind: number | null;
};

type SegmentRow = Omit<ProofSegment, "kind" | "seal"> & {
  readonly signer: number | null;
  readonly chainFrom: number | null;
  readonly link: Uint8Array | null;
  readonly marks: Uint8Array | null;
};

const PAGE_ROWS = 16;

export function openProofSource(db: Database): ProofSource {
  const tables = db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE name IN ('seal', 'signer')")
    .pluck()
    .all();
  // Written by a release that did not keep any.
  const seal = tables.includes("seal")
    ? "seal"
    : "(SELECT NULL AS position, NULL AS signer, NULL AS chain_from, NULL AS link, NULL AS marks)";
  const all = db.prepare<
    [],
    { id: number; gateway: string; epoch: string; lane: Lane; through: number }
  >("SELECT id, gateway, epoch, lane, through FROM numbering ORDER BY gateway, lane, id");
  const span = db.prepare<{ id: number; fromMs: number; toMs: number }, SpanRow>(
    `SELECT max(first_seq + events) FILTER (WHERE taken_in_at_ms < @fromMs) AS begins,
       min(first_seq) FILTER (WHERE taken_in_at_ms BETWEEN @fromMs AND @toMs) AS first,
       max(first_seq + events) FILTER (WHERE taken_in_at_ms BETWEEN @fromMs AND @toMs) - 1 AS last,
       total(events) FILTER (WHERE taken_in_at_ms BETWEEN @fromMs AND @toMs) AS events,
       min(first_seq) FILTER (WHERE taken_in_at_ms > @toMs) AS behind
     FROM segment WHERE numbering = @id`,
  );
  const endOf = db
    .prepare<[number, number], number>(
      "SELECT first_seq + events - 1 FROM segment WHERE numbering = ? AND first_seq = ?",
    )
    .pluck();
  const firstSigned = db
    .prepare<[number, number], number>(
      `SELECT chain_from FROM segment JOIN ${seal} AS seal ON seal.position = segment.position
       WHERE numbering = ? AND first_seq >= ? AND signer IS NOT NULL ORDER BY first_seq LIMIT 1`,
    )
    .pluck();
  const lastSigner = db
    .prepare<[string, string], number>(
      `SELECT signer FROM numbering JOIN segment ON segment.numbering = numbering.id
       JOIN ${seal} AS seal ON seal.position = segment.position
       WHERE gateway = ? AND epoch = ? AND signer IS NOT NULL ORDER BY first_seq DESC LIMIT 1`,
    )
    .pluck();
  const linkBefore = db
    .prepare<[number, number], Uint8Array>(
      `SELECT link FROM segment JOIN ${seal} AS seal ON seal.position = segment.position
       WHERE numbering = ? AND first_seq + events = ?`,
    )
    .pluck();
  const page = db.prepare<[number, number, number, number], SegmentRow>(
    `SELECT segment.position, taken_in_at_ms AS takenInAtMs, first_seq AS firstSeq, events, boot,
       sent_at_ms AS sentAtMs, sent_monotonic_ms AS sentMonotonicMs, body,
       signer, chain_from AS chainFrom, link, marks
     FROM segment LEFT JOIN ${seal} AS seal ON seal.position = segment.position
     WHERE numbering = ? AND (first_seq, segment.position) > (?, ?) AND first_seq <= ?
     ORDER BY first_seq, segment.position LIMIT ${PAGE_ROWS}`,
  );
  const holes = db.prepare<[number, number, number], { firstSeq: number; lastSeq: number }>(
    `SELECT first_seq AS firstSeq, last_seq AS lastSeq FROM hole
     WHERE numbering = ? AND first_seq >= ? AND first_seq <= ? ORDER BY first_seq`,
  );
  // What belongs to no numbering is read by nobody.
  const gaps = db.prepare<[], PositionGap>(
    `SELECT before + 1 AS after, position AS before, taken_in_at_ms AS timeMs FROM (
       SELECT position, taken_in_at_ms,
         lag(position + events - 1, 1, 0) OVER (ORDER BY position) AS before
       FROM segment JOIN numbering ON numbering.id = numbering)
     WHERE position <> before + 1 LIMIT 100`,
  );

  return {
    signers: () =>
      tables.includes("signer")
        ? db
            .prepare<[], SignerRow>(
              "SELECT id, gateway, key, how, since_ms AS sinceMs FROM signer ORDER BY id",
            )
            .all()
        : [],

    lastSigner: (gateway, epoch) => lastSigner.get(gateway, epoch),

    parts({ fromMs, toMs, gateway }) {
      const isWhole = fromMs === undefined && toMs === undefined;
      return all.all().flatMap(({ id, through, ...name }) => {
        if (gateway !== undefined && name.gateway !== gateway) return [];
        const { events, ...range } = rangeOf(id, through, fromMs, toMs);
        const { firstSeq, lastSeq } = range;
        if (!isWhole && lastSeq < firstSeq) return [];
        const numbering = {
          ...name,
          ...range,
          chainFrom: firstSigned.get(id, firstSeq),
          before: linkBefore.get(id, firstSeq),
        };
        return { numbering, events, items: itemsOf(id, firstSeq, lastSeq) };
      });
    },

    gaps: () => gaps.all(),
  };

  /**
   * From where the batch before the period ends to where the one behind it begins: taken from what is left in
   * between, a period would not miss what was cut off its edges. Where something is missing up to the batch
   * behind, that belongs to it as well: its signature says whether they were declared gone.
   */
  function rangeOf(
    id: number,
    through: number,
    fromMs = Number.MIN_SAFE_INTEGER,
    toMs = Number.MAX_SAFE_INTEGER,
  ) {
    const { begins, first, last, events, behind } = span.get({ id, fromMs, toMs }) as SpanRow;
    const firstSeq = Math.min(begins ?? 1, first ?? Number.MAX_SAFE_INTEGER);
    const here = last ?? firstSeq - 1;
    if (behind === null) return { firstSeq, lastSeq: Math.max(here, through), events };
    const isMissing = here < behind - 1;
    return { firstSeq, lastSeq: isMissing ? (endOf.get(id, behind) ?? here) : here, events };
  }

  /** By the numbering's id, and in pages that end within one number: rows that stand twice are read, too. */
  function* itemsOf(id: number, firstSeq: number, lastSeq: number): Iterable<ProofItem> {
    const gone = holes.all(id, firstSeq, lastSeq);
    for (let next = firstSeq, behind = Number.MIN_SAFE_INTEGER; ; ) {
      const rows = page.all(id, next, behind, lastSeq);
      for (const row of rows) {
        while (gone[0] !== undefined && gone[0].firstSeq < row.firstSeq)
          yield { kind: "hole", ...(gone.shift() as { firstSeq: number; lastSeq: number }) };
        yield segmentOf(row);
      }
      const last = rows.at(-1);
      if (last === undefined) break;
      next = last.firstSeq;
      behind = last.position;
    }
    for (const one of gone) yield { kind: "hole", ...one };
  }
}

function segmentOf({ signer, chainFrom, link, marks, ...row }: SegmentRow): ProofSegment {
  const isKept = chainFrom !== null && link !== null && marks !== null;
  return { kind: "segment", ...row, seal: isKept ? { signer, chainFrom, link, marks } : undefined };
}
