/**
 * Why an answer changed between two moments of knowledge: what was said then, what is said now, and
 * what became known in between of the thing and of everything it was in, under either belief.
 */
import { DEPTH_MAX } from "../reconcile/scene.ts";
import { type Evidence, evidence, iso } from "./answer.ts";
import type { Answers, Named, NotFound, WhereAnswer } from "./answers.ts";
import type { EventName } from "./assertions.ts";
import type { Traced } from "./chains.ts";
import type { Database } from "./database.ts";

export type Reason = {
  /** `learned`: this became known; `withdrawn`: this was no longer believed. */
  readonly change: "learned" | "withdrawn";
  readonly thing: Named;
  /** What the evidence said the thing was in; null: nowhere known. */
  readonly parent: Named | null;
  readonly action: string;
  readonly bizStep: string;
  readonly moved: boolean;
  readonly time: string | null;
  /** When the twin heard of it. */
  readonly knownFrom: string | null;
  readonly evidence: Evidence;
  /** The void that took it back, when one did. */
  readonly voided: { readonly by: EventName; readonly reason: string } | null;
};

export type WhyAnswer = Named & {
  readonly ok: true;
  readonly at: string | null;
  readonly changed: boolean;
  readonly before: WhereAnswer;
  readonly after: WhereAnswer;
  readonly reasons: readonly Reason[];
  /** There were more of them than are told. */
  readonly more: boolean;
};

const REASONS_MAX = 200;

export function openWhy(db: Database, answers: Answers) {
  const { chains, worldAsOf, positionAt, latest, find, named } = answers.within;
  const sql = statements(db);

  function why(
    id: string,
    at: number | undefined,
    asKnownAt1: number,
    asKnownAt2: number | undefined,
  ): WhyAnswer | NotFound {
    const thing = find(id);
    if (typeof thing !== "number") return thing;
    return whyAsOf(thing, at, positionAt(asKnownAt1), positionAt(asKnownAt2));
  }

  function whyAsOf(
    thing: number,
    at: number | undefined,
    first: number,
    second: number,
  ): WhyAnswer {
    const atMs = at ?? latest();
    const [before, after] = [
      answers.whereAsOf(thing, at, first),
      answers.whereAsOf(thing, at, second),
    ];
    const { past } = worldAsOf(at, second);
    const rows = ancestors(thing, at, first, second)
      .flatMap((one) => chains.changed(one, atMs, first, second))
      .sort((a, b) => changedAt(a) - changedAt(b) || a.timeMs - b.timeMs);
    const reasons = rows.slice(0, REASONS_MAX).map((row): Reason => {
      const withdrawn = row.knownFrom <= first;
      const position = withdrawn ? row.knownTo : row.knownFrom;
      const voided = withdrawn
        ? sql.voidOf.get(row.gateway, row.epoch, row.seq, row.knownTo)
        : undefined;
      return {
        change: withdrawn ? "withdrawn" : "learned",
        thing: named(past, row.thing),
        parent: row.parent === 0 ? null : named(past, row.parent),
        action: row.action,
        bizStep: row.step,
        moved: row.moved,
        time: iso(row.timeMs),
        knownFrom: iso(sql.recordedAt.get(position)),
        evidence: evidence(row),
        voided: voided === undefined ? null : { by: nameOf(voided.by), reason: voided.reason },
      };
    });
    return {
      ok: true,
      ...named(past, thing),
      at: iso(atMs),
      changed: said(before) !== said(after),
      before,
      after,
      reasons,
      more: rows.length > REASONS_MAX,
    };

    /** Links come and go at positions; those that did both in between changed nothing. */
    function changedAt({ knownFrom, knownTo }: Traced): number {
      return knownFrom <= first ? knownTo : knownFrom;
    }
  }

  function ancestors(
    thing: number,
    at: number | undefined,
    first: number,
    second: number,
  ): readonly number[] {
    const found = new Set([thing]);
    for (const known of [first, second]) {
      const { past } = worldAsOf(at, known);
      let next = past.link(thing)?.state.parent ?? 0;
      for (let depth = 0; next !== 0 && depth < DEPTH_MAX; depth++) {
        found.add(next);
        next = past.link(next)?.state.parent ?? 0;
      }
    }
    return [...found];
  }

  return { why, whyAsOf };
}

export type Why = ReturnType<typeof openWhy>;

/** What a person would notice of an answer. */
function said({ path, state, certainty, since, lastSeen }: WhereAnswer): string {
  return JSON.stringify([path.map(({ key }) => key), state, certainty, since, lastSeen]);
}

/** `by` is the text of an event's name; an epoch may hold slashes, a gateway and a number may not. */
export function nameOf(by: string): EventName {
  const [gateway = "", ...rest] = by.split("/");
  return { gateway, epoch: rest.slice(0, -1).join("/"), seq: Number(rest.at(-1)) };
}

function statements(db: Database) {
  return {
    voidOf: db.prepare<[string, string, number, number], { by: string; reason: string }>(
      `SELECT by, reason FROM void WHERE gateway = ? AND epoch = ? AND seq = ? AND known_from = ?`,
    ),
    recordedAt: db
      .prepare<[number], number>(
        "SELECT at_ms FROM recorded WHERE position <= ? ORDER BY position DESC LIMIT 1",
      )
      .pluck(),
  };
}
