/**
 * Keeps what follows from all assertions up to date, whatever the order they become known in.
 *
 *   put, retract, void ─► queue, in fold order ─► evaluate ─► differs from what is written?
 *                              ▲                                     │ yes: write, and
 *                              └── whoever read what has changed ◄───┘
 *
 * The result is the one that a fold over all assertions from the beginning would give. The cost
 * follows the chains of the things touched: the next link of each chain, and, when a container or
 * place has moved in the past, the assertions until its next link that read a path through it.
 *
 * Nothing written is ever changed but for `knownTo`: what was known earlier stays known as it was.
 */
import { assert } from "../kernel/assert.ts";
import {
  type Assertion,
  compareOrder,
  type FindingKind,
  mentionedIn,
  type Order,
  severityOf,
} from "./assertion.ts";
import { evaluate } from "./evaluate.ts";
import type { Rules } from "./policies.ts";
import { DEPTH_MAX, type Outcome, type View } from "./scene.ts";
import { BLANK, type Effect, type Finding, type State, sameState, stands } from "./state.ts";

/** An effect as it is written: a link of the chain of `thing`. */
export type Link = Effect & {
  readonly thing: number;
  readonly order: Order;
  readonly assertion: number;
};

export type Found = Finding & {
  readonly id: number;
  readonly assertion: number;
  readonly validTo: number;
};

/** What the engine needs from a store. All reads are of what is known now. */
export type Ledger = Omit<View, "before" | "contents"> & {
  assertion(id: number): Assertion;
  /** False when it was voided or withdrawn. */
  holds(id: number): boolean;
  /** The things that have a link by this assertion; others may be among them. */
  touched(id: number): readonly number[];
  /** The assertion has been evaluated, and has links of these things. */
  setTouched(id: number, things: readonly number[]): void;
  /** The last link of a chain strictly before a place in the fold; the first one after it. */
  linkBefore(thing: number, order: Order): Link | undefined;
  linkAfter(thing: number, order: Order): Link | undefined;
  linkBy(thing: number, assertion: Assertion): Link | undefined;
  /** As known before the present step: for finding who read a path that is no more. */
  linkBeforeAsWas(thing: number, order: Order): Link | undefined;
  writeLink(link: Link): void;
  endLink(link: Link): void;
  /** Everything that was ever put directly into `parent`. */
  everIn(parent: number): readonly number[];
  /** Assertions with a link of `thing`, strictly after and until. */
  linksBetween(thing: number, after: Order, until: Order | undefined): readonly Assertion[];
  /** At most `limit` assertions strictly after and until; undefined when there are more. */
  between(after: Order, until: Order | undefined, limit: number): readonly Assertion[] | undefined;
  /** Assertions that read the contents of something, strictly after and until. */
  readersBetween(after: Order, until: Order | undefined): readonly Assertion[];
  findingsBy(assertion: number): readonly Found[];
  findingsOn(thing: number): readonly Found[];
  writeFinding(finding: Omit<Found, "id">): void;
  /** `by`: why it is no longer true; absent when another version takes its place. */
  endFinding(finding: Found, by?: Resolution): void;
  /** True when no assertion comes after this place in the fold, so that nothing can depend on it. */
  isLast(order: Order): boolean;
};

/** What made a finding untrue that was true by what was known before. */
export type Resolution = "late_event" | "void" | "registration";

export type EngineOptions = {
  /** Above this many assertions in an interval, readers are looked for below what moved. */
  readonly sweepMax: number;
};

export function createEngine(
  ledger: Ledger,
  rules: Rules,
  options: EngineOptions = { sweepMax: 64 },
) {
  const queue = createQueue();
  const unsettled = new Set<number>();
  let because: Resolution = "late_event";
  let knownMs = 0;
  const custody = rules.policies.custodyGapHours !== undefined;

  /** Just before the assertion under evaluation; each state is read once for it. */
  let now: Order = BEGINNING;
  const seen = new Map<number, State | undefined>();
  const view: View = {
    ...ledger,
    before,
    contents: (parent) => ledger.everIn(parent).filter((thing) => before(thing)?.parent === parent),
  };

  function before(thing: number): State | undefined {
    if (seen.has(thing)) return seen.get(thing);
    const state = ledger.linkBefore(thing, now)?.state;
    seen.set(thing, state);
    return state;
  }

  function viewAt(a: Order): View {
    now = a;
    seen.clear();
    return view;
  }

  function settle(): void {
    for (let a = queue.take(); a !== undefined; a = queue.take()) reconsider(a);
    for (const thing of unsettled) settleFindings(thing);
    unsettled.clear();
    because = "late_event";
  }

  function reconsider(a: Assertion): void {
    const outcome = ledger.holds(a.id) ? evaluate(a, viewAt(a), rules) : NOTHING;
    const before = ledger.touched(a.id);
    const things = [...outcome.effects.keys()];
    for (const thing of before) if (!outcome.effects.has(thing)) change(a, thing, undefined);
    for (const thing of things) change(a, thing, outcome.effects.get(thing));
    replaceFindings(a, outcome);
    ledger.setTouched(a.id, things);
  }

  function change(a: Assertion, thing: number, next: Effect | undefined): void {
    const old = ledger.linkBy(thing, a);
    if (old === undefined && next === undefined) return;
    if (old && next && sameEffect(old, next)) return;
    if (old) ledger.endLink(old);
    const prior = ledger.linkBefore(thing, a)?.state ?? BLANK;
    if (next) ledger.writeLink({ ...next, thing, order: a, assertion: a.id });
    const was = old?.state ?? prior;
    const is = next?.state ?? prior;
    if (hasFlags(was) || hasFlags(is) || hasFlags(prior) || custody) unsettled.add(thing);
    // Links carry the whole state: while they are the same, nobody can tell the difference.
    if (!sameState(was, is)) spread(a, thing, was, is);
  }

  function spread(a: Assertion, thing: number, was: State, is: State): void {
    if (ledger.isLast(a)) return;
    const following = ledger.linkAfter(thing, a);
    const until = following && ledger.assertion(following.assertion);
    if (until) queue.add(until);
    const relocated = was.parent !== is.parent || was.movedAt !== is.movedAt;
    if (!relocated && was.seal === is.seal && was.ended === is.ended) return;
    for (const reader of ledger.readersBetween(a, until))
      if (concerns(reader, thing)) queue.add(reader);
    if (ledger.thing(thing).kind === "page" || !relocated) return;
    const few = ledger.between(a, until, options.sweepMax);
    if (few) {
      for (const reader of few) if (readsPathOver(reader, thing)) queue.add(reader);
    } else below(thing, a, until, new Set());
  }

  /**
   * Whether an assertion, evaluated now, would read the path of something through `thing`. One that
   * did so by a path that is no more is in the queue already: the first link of that path to change
   * was still reached by the links before it.
   */
  function readsPathOver(reader: Assertion, thing: number): boolean {
    const link = (one: number) => ledger.linkBefore(one, reader);
    const through = (one: number) => one === thing || (one !== 0 && reaches(one, thing, link));
    const gateway = ledger.gateway(reader.gateway);
    return (
      mentionedIn(reader.act).some(through) ||
      (gateway !== undefined && [gateway.defaultPlace, gateway.unpackingPlace].some(through))
    );
  }

  /** Everything that was ever under a thing, and what was said about it in the interval. */
  function below(
    thing: number,
    after: Order,
    until: Order | undefined,
    visited: Set<number>,
  ): void {
    if (visited.has(thing)) return;
    visited.add(thing);
    for (const child of ledger.everIn(thing)) {
      for (const reader of ledger.linksBetween(child, after, until)) queue.add(reader);
      if (ledger.thing(child).kind !== "page") below(child, after, until, visited);
    }
  }

  function concerns(reader: Assertion, thing: number): boolean {
    const { act } = reader;
    switch (act.kind) {
      case "count":
        return act.things.includes(thing) || under(thing, act.scope, reader);
      case "delete":
        return under(thing, act.parent, reader);
      case "destroy":
        return act.things.some((one) => under(thing, one, reader));
      case "add": {
        const { document } = ledger.thing(thing);
        return document !== 0 && act.things.some((one) => ledger.thing(one).document === document);
      }
      default:
        return false;
    }
  }

  function under(thing: number, above: number, order: Order): boolean {
    return (
      reaches(thing, above, (one) => ledger.linkBefore(one, order)) ||
      reaches(thing, above, (one) => ledger.linkBeforeAsWas(one, order))
    );
  }

  function reaches(
    thing: number,
    above: number,
    link: (thing: number) => Link | undefined,
  ): boolean {
    let next = link(thing)?.state.parent ?? 0;
    for (let depth = 0; next !== 0 && depth < DEPTH_MAX; depth++) {
      if (next === above) return true;
      next = link(next)?.state.parent ?? 0;
    }
    return false;
  }

  function replaceFindings(a: Assertion, { findings }: Outcome): void {
    const written = ledger.findingsBy(a.id);
    if (written.length === 0 && findings.length === 0) return;
    const kept = new Set<Found>();
    for (const finding of dedupe(findings)) {
      const same = written.find((found) => !kept.has(found) && sameFinding(found, finding));
      if (same) kept.add(same);
      else ledger.writeFinding({ ...finding, assertion: a.id, validTo: firstEnd(finding) });
      if (closesItself(finding)) unsettled.add(finding.subject);
    }
    for (const found of written) if (!kept.has(found)) ledger.endFinding(found, because);
  }

  /** Findings that close by themselves end with the first link in which they do not stand. */
  function settleFindings(thing: number): void {
    for (const found of ledger.findingsOn(thing)) {
      const opener = ledger.assertion(found.assertion);
      const validTo = endOf(found.kind, thing, opener);
      if (validTo === undefined || validTo === found.validTo) continue;
      // A deadline that had passed by what was known, and turns out to have been kept.
      const wasOpen = found.validTo > found.validFrom && knownMs >= found.validFrom;
      ledger.endFinding(found, wasOpen && validTo <= found.validFrom ? because : undefined);
      ledger.writeFinding({ ...found, validTo });
    }
  }

  function endOf(kind: FindingKind, thing: number, opener: Assertion): number | undefined {
    if (stands(kind, BLANK, 0) === undefined) return undefined;
    let link = ledger.linkBy(thing, opener);
    const custodian = link?.state.parent ?? 0;
    while (link && stands(kind, link.state, custodian) === true)
      link = ledger.linkAfter(thing, link.order);
    return link?.order.timeMs ?? Infinity;
  }

  return {
    /** The moment of the steps that follow, by the twin's clock. */
    knownAt(ms: number): void {
      knownMs = ms;
    },
    /** What the present step is, when it is not an event that came in. */
    because(resolution: Resolution): void {
      because = resolution;
    },
    /** An assertion came, went, was voided or has to be looked at again. */
    touch: (a: Assertion): void => queue.add(a),
    /** Counts of one scope are one when they overlap, so each reads the others. */
    touchCounts(scope: number): void {
      for (const other of ledger.counts(scope)) queue.add(other);
    },
    /** All assertions that said something about a thing. */
    touchChain(thing: number): void {
      for (const a of ledger.linksBetween(thing, BEGINNING, undefined)) queue.add(a);
    },
    settle,
  };
}

const BEGINNING: Order = { timeMs: -Infinity, gateway: "", epoch: "", seq: 0, part: 0 };
const NOTHING: Outcome = { effects: new Map(), findings: [] };

function hasFlags(state: State): boolean {
  return state.missing || state.loose || state.inconclusive || state.shipped;
}

function sameEffect(a: Effect, b: Effect): boolean {
  return (
    a.target === b.target &&
    a.moved === b.moved &&
    a.scanned === b.scanned &&
    a.refused === b.refused &&
    sameState(a.state, b.state)
  );
}

function sameFinding(a: Finding, b: Finding): boolean {
  return (
    a.kind === b.kind &&
    a.subject === b.subject &&
    a.validFrom === b.validFrom &&
    a.reason === b.reason
  );
}

function closesItself(finding: Finding): finding is Finding & { subject: number } {
  return typeof finding.subject === "number" && stands(finding.kind, BLANK, 0) !== undefined;
}

/** What only informs is of one moment: it is recorded, and never open. */
function firstEnd({ kind, validFrom }: Finding): number {
  return severityOf(kind) === "info" ? validFrom : Infinity;
}

function dedupe(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length < 2) return findings;
  return findings.filter((one, i) => findings.findIndex((other) => sameFinding(one, other)) === i);
}

/** Assertions in fold order, each once. */
function createQueue() {
  const heap: Assertion[] = [];
  const queued = new Set<number>();

  function before(i: number, j: number): boolean {
    const a = heap[i];
    const b = heap[j];
    assert(a !== undefined && b !== undefined, "a heap has no holes");
    return compareOrder(a, b) < 0;
  }

  function swap(i: number, j: number): void {
    const a = heap[i];
    const b = heap[j];
    assert(a !== undefined && b !== undefined, "a heap has no holes");
    heap[i] = b;
    heap[j] = a;
  }

  return {
    add(a: Assertion): void {
      if (queued.has(a.id)) return;
      queued.add(a.id);
      let i = heap.push(a) - 1;
      while (i > 0) {
        const up = (i - 1) >> 1;
        if (!before(i, up)) break;
        swap(i, up);
        i = up;
      }
    },
    take(): Assertion | undefined {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined) return undefined;
      if (heap.length > 0) {
        heap[0] = last;
        for (let i = 0; ; ) {
          let least = i;
          for (const child of [2 * i + 1, 2 * i + 2])
            if (child < heap.length && before(child, least)) least = child;
          if (least === i) break;
          swap(i, least);
          i = least;
        }
      }
      queued.delete(first.id);
      return first;
    },
  };
}
