/**
 * The chains of things: each link is what one assertion made of one thing. Clustered by thing and
 * time, so that the state of a thing at any moment, on either time axis, is one seek. The newest
 * links of things in use are kept in memory, bounded.
 *
 * Rows are added and ended, never changed; `known_to` 0: it still is. What most links have in common
 * costs nothing: a target that is the parent, a move or a sighting at the time of the link.
 */
import { type Assertion, compareOrder, type Order } from "../reconcile/assertion.ts";
import type { Link } from "../reconcile/engine.ts";
import { BLANK, type Effect, type State } from "../reconcile/state.ts";
import { FOREVER } from "./assertions.ts";
import { createCache } from "./cache.ts";
import type { Database } from "./database.ts";
import type { Words } from "./words.ts";

export const linksSchema = `
  CREATE TABLE link (
    thing INTEGER NOT NULL,
    time INTEGER NOT NULL,
    assertion INTEGER NOT NULL,
    known_from INTEGER NOT NULL,
    known_to INTEGER NOT NULL,
    -- 0 with the bit AIMED: the parent itself.
    target INTEGER NOT NULL,
    parent INTEGER NOT NULL,
    last_known INTEGER NOT NULL,
    -- Before the time of the link.
    moved_ago INTEGER NOT NULL,
    seen_ago INTEGER NOT NULL,
    seen_by INTEGER NOT NULL,
    seen_site INTEGER NOT NULL,
    bits INTEGER NOT NULL,
    refused TEXT,
    more TEXT,
    PRIMARY KEY (thing, time, assertion, known_from)
  ) STRICT, WITHOUT ROWID;

  -- What was ever put into what, or would have been. Whether it is there, its chain says.
  CREATE TABLE held (
    parent INTEGER NOT NULL,
    thing INTEGER NOT NULL,
    PRIMARY KEY (parent, thing)
  ) STRICT, WITHOUT ROWID;
`;

export type LinkRow = {
  thing: number;
  time: number;
  assertion: number;
  known_from: number;
  known_to: number;
  target: number;
  parent: number;
  last_known: number;
  moved_ago: number;
  seen_ago: number;
  seen_by: number;
  seen_site: number;
  bits: number;
  refused: Effect["refused"] | null;
  more: string | null;
};

/** In SQL: a row that was believed when everything up to a position was known. Binds it twice. */
export const LINK_KNOWN = "link.known_from <= ? AND (link.known_to = 0 OR link.known_to > ?)";

export const LINK_BITS = {
  moved: 1,
  scanned: 2,
  missing: 4,
  loose: 8,
  destroyed: 16,
  disposed: 32,
  closed: 64,
  open: 128,
  shipped: 256,
  conflicted: 512,
  strange: 1024,
  inconclusive: 2048,
  aimed: 4096,
} as const;

export type LinksDeps = {
  readonly words: Words;
  readonly assertion: (id: number) => Assertion;
};

export type Links = ReturnType<typeof openLinks>;

export function openLinks(db: Database, { words, assertion }: LinksDeps) {
  const sql = statements(db);
  const tails = createCache<number, Tail>();

  /** Only of links at one moment is more asked than their time. */
  function orderOf({ time, assertion: id }: LinkRow): Order {
    return {
      timeMs: time,
      get gateway() {
        return assertion(id).gateway;
      },
      get epoch() {
        return assertion(id).epoch;
      },
      get seq() {
        return assertion(id).seq;
      },
      get part() {
        return assertion(id).part;
      },
    };
  }

  const linkFrom = (row: LinkRow): Link => linkOf(row, orderOf(row), words.text(row.seen_by));

  function tail(thing: number): Tail {
    const cached = tails.get(thing);
    if (cached) return cached;
    const link = newest(thing, undefined);
    const made: Tail = link ? { links: [link], whole: false } : { links: [], whole: true };
    tails.set(thing, made);
    return made;
  }

  /** The last current link strictly before `order`; the very last without one. */
  function newest(thing: number, order: Order | undefined): Link | undefined {
    return pick((limit) => sql.before.all(thing, order?.timeMs ?? FOREVER, limit), linkFrom, order);
  }

  return {
    has: (thing: number): boolean => sql.has.get(thing) !== undefined,

    before(thing: number, order: Order): Link | undefined {
      const { links, whole } = tail(thing);
      for (let i = links.length - 1; i >= 0; i--) {
        const link = links[i];
        if (link && compareOrder(link.order, order) < 0) return link;
      }
      return whole ? undefined : newest(thing, order);
    },

    after(thing: number, order: Order): Link | undefined {
      const known = tail(thing);
      if (reaches(known, order)) return known.links.find((l) => compareOrder(l.order, order) > 0);
      for (let limit = 4; ; limit *= 4) {
        const rows = sql.after.all(thing, order.timeMs, limit);
        let next: Link | undefined;
        for (const row of rows) {
          if (next !== undefined && row.time > next.order.timeMs) return next;
          const link = linkFrom(row);
          if (compareOrder(link.order, order) <= 0) continue;
          if (next === undefined || compareOrder(link.order, next.order) < 0) next = link;
        }
        if (rows.length < limit) return next;
      }
    },

    by(thing: number, a: Assertion): Link | undefined {
      const known = tail(thing);
      if (reaches(known, a)) return known.links.find(({ assertion: id }) => id === a.id);
      const row = sql.by.get(thing, a.timeMs, a.id);
      return row && linkFrom(row);
    },

    /** As known just before a position. */
    beforeAsWas: (thing: number, order: Order, position: number): Link | undefined =>
      pick(
        (limit) => sql.beforeAsWas.all(thing, order.timeMs, position, position, limit),
        linkFrom,
        order,
      ),

    write(link: Link, position: number): void {
      const { state, order, thing, target, moved, refused } = link;
      // Looked at before the row is there, or it would be found in it.
      const known = tail(thing);
      const aimed = target !== 0 && target === state.parent;
      sql.put.run(
        thing,
        order.timeMs,
        link.assertion,
        position,
        aimed ? 0 : target,
        state.parent,
        state.lastKnown,
        order.timeMs - state.movedAt,
        order.timeMs - state.seenAt,
        words.number(state.seenBy),
        state.seenSite,
        bitsOf(link) | (aimed ? LINK_BITS.aimed : 0),
        refused === "" ? null : refused,
        moreOf(state),
      );
      // Seen again where it was: that it went there stands already.
      if (target !== 0 && (moved || refused !== "")) sql.hold.run(target, thing);
      if (reaches(known, order)) insert(known, link);
    },

    end(link: Link, position: number): void {
      const { thing, order, assertion: id } = link;
      sql.drop.run(thing, order.timeMs, id, position);
      sql.end.run(position, thing, order.timeMs, id);
      const known = tails.get(thing);
      if (known === undefined) return;
      const at = known.links.findIndex((one) => one.assertion === id);
      if (at !== -1) known.links.splice(at, 1);
      if (known.links.length === 0 && !known.whole) tails.delete(thing);
    },

    everIn: (parent: number): readonly number[] => sql.everIn.all(parent),
    /** Assertions with a link of `thing` in an interval; both ends belong to it. */
    assertionsBetween: (thing: number, fromMs: number, untilMs: number): readonly number[] =>
      sql.between.all(thing, fromMs, untilMs),

    forget(): void {
      tails.clear();
    },
  };
}

/**
 * The newest current links of a chain, in fold order and without a gap; `whole`: the chain has no
 * others. Gateways send what they saw at the same time one after the other, so the last few links
 * of a place or container are asked for again and again.
 */
type Tail = { readonly links: Link[]; whole: boolean };

const TAIL_LINKS_MAX = 16;

/** Whether all links from this place in the fold on are in the tail. */
function reaches({ links, whole }: Tail, order: Order): boolean {
  const first = links[0];
  return whole || (first !== undefined && compareOrder(first.order, order) <= 0);
}

function insert(tail: Tail, link: Link): void {
  const { links } = tail;
  let at = links.length;
  for (let before = links[at - 1]; before; before = links[at - 1]) {
    if (compareOrder(before.order, link.order) < 0) break;
    at -= 1;
  }
  links.splice(at, 0, link);
  if (links.length <= TAIL_LINKS_MAX) return;
  links.shift();
  tail.whole = false;
}

/** Of rows newest first, the one with the greatest place in the fold that is before `order`. */
export function pick<R extends LinkRow>(
  read: (limit: number) => readonly R[],
  linkFrom: (row: R) => Link,
  order: Order | undefined,
): Link | undefined {
  for (let limit = 2; ; limit *= 4) {
    const rows = read(limit);
    let best: Link | undefined;
    for (const row of rows) {
      if (best !== undefined && row.time < best.order.timeMs) return best;
      const link = linkFrom(row);
      if (order !== undefined && compareOrder(link.order, order) >= 0) continue;
      if (best === undefined || compareOrder(link.order, best.order) > 0) best = link;
    }
    if (rows.length < limit) return best;
  }
}

function bitsOf({ state, moved, scanned }: Link): number {
  return (
    (moved ? LINK_BITS.moved : 0) |
    (scanned ? LINK_BITS.scanned : 0) |
    (state.missing ? LINK_BITS.missing : 0) |
    (state.loose ? LINK_BITS.loose : 0) |
    (state.ended === "" ? 0 : LINK_BITS[state.ended]) |
    (state.seal === "" ? 0 : LINK_BITS[state.seal]) |
    (state.shipped ? LINK_BITS.shipped : 0) |
    (state.conflicted ? LINK_BITS.conflicted : 0) |
    (state.strange ? LINK_BITS.strange : 0) |
    (state.inconclusive ? LINK_BITS.inconclusive : 0)
  );
}

/** What few things have. Null when a thing has none of it. */
function moreOf(state: State): string | null {
  const { tracking, labelCarrier, labelTracking, checkpoint, deliveredAt } = state;
  const { elsewhere, trail } = state;
  const plain =
    tracking === "" &&
    labelCarrier === 0 &&
    labelTracking === "" &&
    checkpoint === "" &&
    deliveredAt === 0 &&
    elsewhere.length === 0 &&
    trail.length === 0;
  if (plain) return null;
  return JSON.stringify({
    tracking,
    labelCarrier,
    labelTracking,
    checkpoint,
    deliveredAt,
    elsewhere,
    trail,
  });
}

export function linkOf(row: LinkRow, order: Order, seenBy: string): Link {
  const { bits, time } = row;
  const has = (bit: number) => (bits & bit) !== 0;
  return {
    thing: row.thing,
    assertion: row.assertion,
    order,
    target: has(LINK_BITS.aimed) ? row.parent : row.target,
    moved: has(LINK_BITS.moved),
    scanned: has(LINK_BITS.scanned),
    refused: row.refused ?? "",
    state: {
      ...BLANK,
      parent: row.parent,
      lastKnown: row.last_known,
      movedAt: time - row.moved_ago,
      seenAt: time - row.seen_ago,
      seenBy,
      seenSite: row.seen_site,
      missing: has(LINK_BITS.missing),
      loose: has(LINK_BITS.loose),
      ended: has(LINK_BITS.destroyed) ? "destroyed" : has(LINK_BITS.disposed) ? "disposed" : "",
      seal: has(LINK_BITS.closed) ? "closed" : has(LINK_BITS.open) ? "open" : "",
      shipped: has(LINK_BITS.shipped),
      conflicted: has(LINK_BITS.conflicted),
      strange: has(LINK_BITS.strange),
      inconclusive: has(LINK_BITS.inconclusive),
      ...(row.more === null ? {} : (JSON.parse(row.more) as Partial<State>)),
    },
  };
}

function statements(db: Database) {
  const current = "SELECT * FROM link WHERE thing = ?";
  return {
    before: db.prepare<[number, number, number], LinkRow>(
      `${current} AND time <= ? AND known_to = 0 ORDER BY time DESC LIMIT ?`,
    ),
    beforeAsWas: db.prepare<[number, number, number, number, number], LinkRow>(
      `${current} AND time <= ? AND known_from < ? AND (known_to = 0 OR known_to >= ?)
       ORDER BY time DESC LIMIT ?`,
    ),
    has: db.prepare<[number], number>("SELECT 1 FROM link WHERE thing = ? LIMIT 1").pluck(),
    after: db.prepare<[number, number, number], LinkRow>(
      `${current} AND time >= ? AND known_to = 0 ORDER BY time LIMIT ?`,
    ),
    by: db.prepare<[number, number, number], LinkRow>(
      `${current} AND time = ? AND assertion = ? AND known_to = 0`,
    ),
    put: db.prepare("INSERT INTO link VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    hold: db.prepare("INSERT OR IGNORE INTO held VALUES (?, ?)"),
    drop: db.prepare(
      "DELETE FROM link WHERE thing = ? AND time = ? AND assertion = ? AND known_from = ?",
    ),
    end: db.prepare(
      `UPDATE link SET known_to = ? WHERE thing = ? AND time = ? AND assertion = ?
       AND known_to = 0`,
    ),
    everIn: db.prepare<[number], number>("SELECT thing FROM held WHERE parent = ?").pluck(),
    between: db
      .prepare<[number, number, number], number>(
        "SELECT DISTINCT assertion FROM link WHERE thing = ? AND time BETWEEN ? AND ?",
      )
      .pluck(),
  };
}
