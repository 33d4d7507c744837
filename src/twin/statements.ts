/**
 * What the twin itself states (master data, later corrections) as evidence beside that of the
 * gateways: a numbering of its own, so that deriving everything again gives the same rows.
 *
 * Only news is recorded: a statement that says what was last said about its subject adds nothing.
 */
import { assert } from "../kernel/assert.ts";
import type { Clock } from "../ports.ts";
import type { Evidence, Recorded, Segment } from "../store/evidence.ts";
import { type Batch, EVENT_BYTES_MAX, encodeBatch, encodeEvent } from "../wire/codec.ts";
import { OWN_NAME } from "../wire/own-name.ts";
import type { Sealing } from "./sealing.ts";

/** `json` is the record; `subject` tells whether a later statement is about the same thing. */
export type Statement = { readonly kind: string; readonly subject: string; readonly json: string };

/** Leaves room in EVENT_BYTES_MAX for the fields around it. */
export const STATEMENT_BYTES_MAX = EVENT_BYTES_MAX - 1024;
const BATCH_STATEMENTS_MAX = 256;
const BATCH_CHARS_MAX = 256 * 1024;

export type StatementDeps = {
  readonly evidence: Evidence;
  readonly clock: Clock;
  readonly mintEpoch: () => string;
  readonly sealing: Sealing;
};

/** A statement that a caller makes; with a key, asking again records nothing again. */
export type Call = {
  readonly kind: string;
  readonly json: string;
  readonly key?: string;
  /** What it is known again by under its key; absent: the record. */
  readonly same?: string;
};

export type Called =
  | ({ readonly kind: "recorded"; readonly repeated: boolean } & Recorded)
  /** The key was spent on something else. */
  | { readonly kind: "key_spent" };

export type StatementBook = {
  /** Within `evidence.keep`: records those that are news, and returns them as taken in. */
  append(statements: readonly Statement[]): readonly Segment[];
  /** Within `evidence.keep`: records it as it is said, whatever was said before. */
  call(call: Call): { readonly called: Called; readonly segments: readonly Segment[] };
};

/** `boot` tells this run of the twin from others, as a gateway's does. */
export function createStatementBook(
  { evidence, clock, mintEpoch, sealing }: StatementDeps,
  { boot }: { readonly boot: number },
): StatementBook {
  function record(statements: readonly Said[]): readonly Segment[] {
    if (statements.length === 0) return [];
    const own = evidence.numberings().find(({ gateway }) => gateway === OWN_NAME);
    const epoch = own?.epoch ?? mintEpoch();
    let firstSeq = (own?.through ?? 0) + 1;
    return inBatches(statements).map((part) => {
      const plain = batchOf(part, { epoch, firstSeq, boot, clock });
      firstSeq += part.length;
      const signed = sealing.sign(plain);
      const batch = signed?.batch ?? plain;
      const segment = evidence.append(batch, encodeBatch(batch), clock.nowMs());
      if (signed !== undefined) sealing.keep(segment.position, batch, signed.seal);
      return segment;
    });
  }

  return {
    append: (statements) =>
      record(statements.filter(({ kind, subject, json }) => evidence.restate(kind, subject, json))),

    call({ kind, json, key, same = json }) {
      const said = `${kind} ${same}`;
      const known = key === undefined ? undefined : evidence.called(key, said);
      if (known !== undefined) {
        const { same, ...recorded } = known;
        const called: Called = same
          ? { kind: "recorded", repeated: true, ...recorded }
          : { kind: "key_spent" };
        return { called, segments: [] };
      }
      const segments = record([{ kind, json }]);
      const [segment] = segments;
      assert(segment !== undefined, "one statement is one segment");
      const { position, batch } = segment;
      const recorded: Recorded = { epoch: batch.epoch, seq: batch.firstSeq, position };
      if (key !== undefined) evidence.setCalled(key, said, recorded);
      return { called: { kind: "recorded", repeated: false, ...recorded }, segments };
    },
  };
}

type Said = Pick<Statement, "kind" | "json">;

function batchOf(
  statements: readonly Said[],
  { epoch, firstSeq, boot, clock }: { epoch: string; firstSeq: number; boot: number; clock: Clock },
): Batch {
  const nowMs = clock.nowMs();
  const monotonicMs = Math.floor(clock.monotonicMs());
  return {
    gateway: OWN_NAME,
    epoch,
    lane: "scan",
    firstSeq,
    goneThrough: firstSeq - 1,
    boot,
    sentAtMs: nowMs,
    sentMonotonicMs: monotonicMs,
    events: statements.map(({ kind, json }) =>
      encodeEvent({
        boot,
        gatewayTimeMs: nowMs,
        monotonicMs,
        clock: clock.quality(),
        sourceTimeMs: undefined,
        device: "",
        body: { kind: "statement", statement: kind, json },
      }),
    ),
  };
}

function inBatches(statements: readonly Said[]): readonly (readonly Said[])[] {
  const batches: Said[][] = [];
  let chars = 0;
  for (const statement of statements) {
    const batch = batches.at(-1);
    chars += statement.json.length;
    const full = chars > BATCH_CHARS_MAX || batch?.length === BATCH_STATEMENTS_MAX;
    if (batch !== undefined && !full) {
      batch.push(statement);
    } else {
      batches.push([statement]);
      chars = statement.json.length;
    }
  }
  return batches;
}
