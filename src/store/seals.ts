/**
 * What is kept beside the evidence to prove it later. The signature of a batch stands in the batch; here
 * stand the keys that may sign, which of them signed a segment, the link of its last event, and of each
 * event's link a few bytes, so that of an altered segment the altered event can be named.
 *
 * Tables of their own: a release that does not know them works on, and what it takes in has no row here.
 */
import { linkThrough } from "../wire/chain.ts";
import type { Batch } from "../wire/codec.ts";
import type { Database } from "./database.ts";

export const SEALS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS signer (
    id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, key BLOB NOT NULL, how TEXT NOT NULL,
    since_ms INTEGER NOT NULL, UNIQUE (gateway, key)) STRICT;
  CREATE TABLE IF NOT EXISTS seal (
    position INTEGER PRIMARY KEY, signer INTEGER REFERENCES signer, chain_from INTEGER NOT NULL,
    link BLOB NOT NULL, marks BLOB NOT NULL) STRICT;
`;

/** Of each event's link, so that it can be told apart; the signature proves. */
export const MARK_BYTES = 4;

/**
 * How the twin came to know a key: `enrolment` with an invitation, `certificate` over a line with the
 * gateway's certificate, `by-hand` by an administrator who compared it, `first-sight` where anybody may say
 * who he is, `own` of the twin itself.
 */
export type Acquaintance = "enrolment" | "certificate" | "by-hand" | "first-sight" | "own";

export type SignerRow = {
  readonly id: number;
  readonly gateway: string;
  readonly key: Uint8Array;
  readonly how: Acquaintance;
  readonly sinceMs: number;
};

/** Where the chain of a numbering stands in the evidence. */
export type Standing = {
  readonly through: number;
  readonly chainFrom: number;
  readonly link: Uint8Array;
  /** Of the last segment that was signed; null: that one was not. */
  readonly signer: number | null;
};

export type NewSeal = Omit<Standing, "through"> & { readonly marks: Uint8Array };

export type Seals = {
  signers(gateway: string): readonly SignerRow[];
  /** Within the evidence's transaction. */
  addSigner(signer: Omit<SignerRow, "id">): SignerRow;
  /** Undefined: nothing of this numbering is chained. */
  standing(gateway: string, epoch: string): Standing | undefined;
  /** Within the evidence's transaction, beside the segment at this position. */
  add(position: number, batch: Batch, seal: NewSeal): void;
};

export function openSeals(db: Database): Seals {
  db.exec(SEALS_SCHEMA);
  const ofGateway = db.prepare<[string], SignerRow>(
    `SELECT id, gateway, key, how, since_ms AS sinceMs FROM signer WHERE gateway = ? ORDER BY id`,
  );
  // Behind what was taken in before it, also when the clock was put back: that one could not sign.
  const addSigner = db.prepare<[string, Uint8Array, string, number], SignerRow>(
    `INSERT INTO signer (gateway, key, how, since_ms) VALUES (?, ?, ?, max(?,
       coalesce((SELECT taken_in_at_ms + 1 FROM segment ORDER BY position DESC LIMIT 1), 0)))
     RETURNING id, gateway, key, how, since_ms AS sinceMs`,
  );
  const last = db.prepare<[string, string], Standing>(
    `SELECT numbering.through, chain_from AS chainFrom, link, signer
     FROM numbering JOIN segment ON segment.numbering = numbering.id
     JOIN seal ON seal.position = segment.position
     WHERE gateway = ? AND epoch = ?
       AND first_seq = (SELECT max(first_seq) FROM segment WHERE numbering = numbering.id)`,
  );
  const add = db.prepare<[number, number | null, number, Uint8Array, Uint8Array]>(
    "INSERT INTO seal VALUES (?, ?, ?, ?, ?)",
  );
  const through = db
    .prepare<[string, string], number>(
      "SELECT through FROM numbering WHERE gateway = ? AND epoch = ?",
    )
    .pluck();
  /** The newest of each numbering that is being taken in; what was rolled back does not fit any more. */
  const known = new Map<string, Standing>();

  return {
    signers: (gateway) => ofGateway.all(gateway),

    addSigner({ gateway, key, how, sinceMs }) {
      return addSigner.get(gateway, key, how, sinceMs) as SignerRow;
    },

    standing(gateway, epoch) {
      const name = `${gateway}/${epoch}`;
      const held = known.get(name);
      if (held !== undefined && held.through === through.get(gateway, epoch)) return held;
      const read = last.get(gateway, epoch);
      if (read === undefined) known.delete(name);
      else known.set(name, read);
      return read;
    },

    add(position, { gateway, epoch, firstSeq, events }, { marks, ...seal }) {
      add.run(position, seal.signer, seal.chainFrom, seal.link, marks);
      known.set(`${gateway}/${epoch}`, { ...seal, through: firstSeq + events.length - 1 });
    },
  };
}

/** The link of the last event, and the first bytes of each event's. */
export function marked(
  previous: Uint8Array,
  firstSeq: number,
  events: readonly Uint8Array[],
): { readonly link: Uint8Array; readonly marks: Uint8Array } {
  const marks = new Uint8Array(MARK_BYTES * events.length);
  const link = linkThrough(previous, firstSeq, events, (one, index) => {
    marks.set(one.subarray(0, MARK_BYTES), MARK_BYTES * index);
  });
  return { link, marks };
}
