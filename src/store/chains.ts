/**
 * The chains of things as questions need them, from any connection: each link with the assertion it
 * came by, for a moment and for what was known at a position.
 */
import type { Order } from "../reconcile/assertion.ts";
import type { Link } from "../reconcile/engine.ts";
import { ACT_KINDS, COUNT_KIND } from "./acts.ts";
import type { Database } from "./database.ts";
import type { KnownWords } from "./entities.ts";
import { LINK_BITS, LINK_KNOWN, type LinkRow, linkOf, pick } from "./links.ts";

/** A link and where it comes from. */
export type Traced = Order & {
  readonly thing: number;
  readonly parent: number;
  readonly moved: boolean;
  readonly scanned: boolean;
  readonly refused: boolean;
  readonly knownFrom: number;
  /** 0: it still is so. */
  readonly knownTo: number;
  readonly action: string;
  readonly step: string;
  readonly operator: string;
  /** When the assertion became known. */
  readonly position: number;
};

type OrderRow = { seq: number; part: number; gateway: string; epoch: string };
type TracedRow = LinkRow &
  OrderRow & { kind: number; step: number; operator: number; assertion_from: number };

export type Chains = ReturnType<typeof readChains>;

export function readChains(db: Database, words: KnownWords) {
  const sql = statements(db);

  function linkFrom(row: LinkRow): Link {
    let origin: OrderRow | undefined;
    const from = () => {
      origin ??= sql.order.get(row.assertion) ?? { seq: 0, part: 0, gateway: "", epoch: "" };
      return origin;
    };
    const order: Order = {
      timeMs: row.time,
      get gateway() {
        return from().gateway;
      },
      get epoch() {
        return from().epoch;
      },
      get seq() {
        return from().seq;
      },
      get part() {
        return from().part;
      },
    };
    return linkOf(row, order, words.text(row.seen_by));
  }

  function traced(row: TracedRow): Traced {
    const { bits } = row;
    return {
      timeMs: row.time,
      gateway: row.gateway,
      epoch: row.epoch,
      seq: row.seq,
      part: row.part,
      thing: row.thing,
      parent: row.parent,
      moved: (bits & LINK_BITS.moved) !== 0,
      scanned: (bits & LINK_BITS.scanned) !== 0,
      refused: row.refused !== null,
      knownFrom: row.known_from,
      knownTo: row.known_to,
      action: ACT_KINDS[row.kind] ?? "",
      step: words.text(row.step),
      operator: words.text(row.operator),
      position: row.assertion_from,
    };
  }

  return {
    /** The state of a thing at a moment, as known at a position. */
    link: (thing: number, atMs: number, known: number): Link | undefined =>
      pick((limit) => sql.link.all(thing, atMs, known, known, limit), linkFrom, undefined),
    /** Links of exactly this moment, in no order. */
    of: (thing: number, timeMs: number, known: number): readonly Traced[] =>
      sql.of.all(thing, timeMs, known, known).map(traced),
    /** Its moves, in no order. */
    moves: (thing: number, atMs: number, known: number): readonly Traced[] =>
      sql.moves.all(thing, atMs, known, known).map(traced),
    /** Links up to a moment that were learned or withdrawn between two positions of knowledge. */
    changed: (thing: number, atMs: number, first: number, second: number): readonly Traced[] =>
      sql.changed.all({ thing, at: atMs, first, second }).map(traced),
    /** When something was said of a thing in an interval, oldest first, and what it was in then. */
    moments: (thing: number, fromMs: number, untilMs: number, known: number) =>
      sql.moments.all(thing, fromMs, untilMs, known, known),
    /** The last count that a place has a link by. */
    lastCount: (place: number, atMs: number, known: number): number | undefined =>
      sql.lastCount.get(place, atMs, known, known),
    touchedBy: (assertion: number, known: number): readonly number[] =>
      sql.touchedBy.all(assertion, known, known),
    /** Everything that was ever put into something, or would have been; in order of their numbers. */
    everIn: (parent: number, after: number): IterableIterator<number> =>
      sql.everIn.iterate(parent, after),
    /** What is in it by all that is known now. */
    inside: (parent: number, after: number): IterableIterator<number> =>
      sql.inside.iterate(parent, after),
    /** Positions at which anything believed of a thing was taken back. */
    withdrawnAt: (thing: number, known: number): readonly number[] =>
      sql.withdrawnAt.all(thing, known),
  };
}

function statements(db: Database) {
  const tracing = `SELECT link.*, a.seq, a.part, a.kind, a.step, a.operator,
      a.known_from AS assertion_from, s.gateway, s.epoch
    FROM link JOIN assertion a ON a.id = link.assertion JOIN stream s ON s.id = a.stream`;
  const of = `link.thing = ? AND link.time <= ? AND ${LINK_KNOWN}`;
  return {
    order: db.prepare<[number], OrderRow>(
      `SELECT a.seq, a.part, s.gateway, s.epoch FROM assertion a JOIN stream s ON s.id = a.stream
       WHERE a.id = ?`,
    ),
    link: db.prepare<[number, number, number, number, number], LinkRow>(
      `SELECT * FROM link WHERE ${of} ORDER BY link.time DESC LIMIT ?`,
    ),
    of: db.prepare<[number, number, number, number], TracedRow>(
      `${tracing} WHERE link.thing = ? AND link.time = ? AND ${LINK_KNOWN}`,
    ),
    moves: db.prepare<[number, number, number, number], TracedRow>(
      `${tracing} WHERE ${of} AND link.bits & ${LINK_BITS.moved} <> 0`,
    ),
    changed: db.prepare<[object], TracedRow>(
      `${tracing} WHERE link.thing = :thing AND link.time <= :at AND (
         (link.known_from > :first AND link.known_from <= :second
           AND (link.known_to = 0 OR link.known_to > :second))
         OR (link.known_from <= :first AND link.known_to > :first AND link.known_to <= :second))`,
    ),
    moments: db.prepare<[number, number, number, number, number], { time: number; parent: number }>(
      `SELECT DISTINCT time, parent FROM link
       WHERE link.thing = ? AND link.time BETWEEN ? AND ? AND ${LINK_KNOWN} ORDER BY time`,
    ),
    lastCount: db
      .prepare<[number, number, number, number], number>(
        `SELECT link.assertion FROM link JOIN assertion a ON a.id = link.assertion
         WHERE ${of} AND a.kind = ${COUNT_KIND} ORDER BY link.time DESC LIMIT 1`,
      )
      .pluck(),
    touchedBy: db
      .prepare<[number, number, number], number>(
        `SELECT link.thing FROM assertion a, json_each(a.touched) one
         JOIN link ON link.thing = one.value AND link.time = a.time AND link.assertion = a.id
         WHERE a.id = ? AND ${LINK_KNOWN}`,
      )
      .pluck(),
    everIn: db
      .prepare<[number, number], number>(
        "SELECT thing FROM held WHERE parent = ? AND thing > ? ORDER BY thing",
      )
      .pluck(),
    inside: db
      .prepare<[number, number], number>(
        "SELECT thing FROM inside WHERE parent = ? AND thing > ? ORDER BY thing",
      )
      .pluck(),
    withdrawnAt: db
      .prepare<[number, number], number>(
        "SELECT DISTINCT known_to FROM link WHERE thing = ? AND known_to <> 0 AND known_to <= ?",
      )
      .pluck(),
  };
}
