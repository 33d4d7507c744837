/**
 * The moment of one assertion: what is known of things just before it, and what it does to them.
 * All rules that hold whatever the assertion says live here: who was seen, by whom and where
 * (rules 6 and 7), one parent (3), end of life (20), structure (19), unknown keys (14).
 */
import type { Assertion, FindingKind, Gateway, Thing } from "./assertion.ts";
import { isContainer, isFixed, type Rules } from "./policies.ts";
import { BLANK, type Effect, type Finding, type State } from "./state.ts";

/** More levels than any warehouse has: a traversal ends, whatever the data. */
export const DEPTH_MAX = 32;

/** What the fold asks about the world just before an assertion. */
export type View = {
  thing(id: number): Thing;
  gateway(name: string): Gateway | undefined;
  before(thing: number): State | undefined;
  /** Things directly in `parent` just before the assertion, by id. */
  contents(parent: number): readonly number[];
  /** All pages of a document. */
  pagesOf(document: number): readonly number[];
  /** The carrier a thing is with when nobody said which. */
  unknownCarrier(): number;
  /** Whether the numbering of the assertion's scan has a hole before it. */
  hasGap(gateway: string, epoch: string, throughSeq: number): boolean;
  /** Counts of a scope, this one among them. */
  counts(scope: number): readonly Assertion[];
};

export type Outcome = {
  readonly effects: ReadonlyMap<number, Effect>;
  readonly findings: readonly Finding[];
};

export type Scene = ReturnType<typeof createScene>;

export type PutOptions = {
  /** The container that it was taken out of, by the assertion's own word. */
  readonly from?: number;
  readonly storing?: boolean;
};

export function createScene(a: Assertion, view: View, rules: Rules) {
  const effects = new Map<number, Effect>();
  const findings: Finding[] = [];
  const gateway = view.gateway(a.gateway);
  const { policies } = rules;
  const at = a.timeMs;

  function state(thing: number): State {
    return effects.get(thing)?.state ?? view.before(thing) ?? BLANK;
  }

  function find(kind: FindingKind, subject: number | string, reason: string, validFrom = at): void {
    findings.push({ kind, subject, reason, validFrom });
  }

  function write(
    thing: number,
    next: State,
    target: number,
    what: { moved: boolean; scanned: boolean; refused?: Effect["refused"] },
  ): void {
    const known = view.thing(thing);
    const strange = !known.registered && known.kind !== "carrier";
    if (strange && !next.strange) find("unknown_identifier", thing, "valid key, not registered");
    const earlier = effects.get(thing);
    effects.set(thing, {
      state: strange === next.strange ? next : { ...next, strange },
      target: target || (earlier?.target ?? 0),
      moved: what.moved || (earlier?.moved ?? false),
      scanned: what.scanned || (earlier?.scanned ?? false),
      refused: what.refused ?? "",
    });
  }

  /** Direct parent first. The last one may be a carrier. */
  function path(thing: number): readonly number[] {
    const found: number[] = [];
    let next = state(thing).parent;
    while (next !== 0 && found.length < DEPTH_MAX) {
      found.push(next);
      next = state(next).parent;
    }
    return found;
  }

  function wouldHoldItself(thing: number, parent: number): boolean {
    return thing === parent || path(parent).includes(thing);
  }

  function siteOf(thing: number): number {
    if (view.thing(thing).kind === "site") return thing;
    const top = path(thing).at(-1);
    return top !== undefined && view.thing(top).kind === "site" ? top : 0;
  }

  function namesOf(thing: number): readonly string[] {
    const { key, name } = view.thing(thing);
    return [name, key];
  }

  /** The thing as it stands when this gateway has seen it now. */
  function seen(thing: number, before: State): State {
    const site = gateway?.site ?? 0;
    if (site === 0 || isFixed(view.thing(thing).kind) || rules.travelMaxMs === 0)
      return { ...before, seenAt: at, seenBy: a.gateway, seenSite: site };
    const sightings = before.seenSite === 0 ? [] : [[before.seenSite, before.seenAt] as const];
    const elsewhere = [...before.elsewhere, ...sightings].filter(
      ([other, atMs], i, all) =>
        other !== site &&
        at - atMs < rules.travelMaxMs &&
        all.findLastIndex(([same]) => same === other) === i,
    );
    const impossible = elsewhere.find(
      ([other, atMs]) => at - atMs < rules.travelMs(namesOf(other), namesOf(site)),
    );
    return {
      ...before,
      seenAt: at,
      seenBy: a.gateway,
      seenSite: site,
      elsewhere,
      conflicted: impossible !== undefined,
    };
  }

  function carrierAbove(thing: number): boolean {
    const above = path(thing);
    const top = above.at(-1);
    return above.length > 1 && top !== undefined && view.thing(top).kind === "carrier";
  }

  /** A scanned thing is in `parent` now, whatever it was in before. */
  function put(thing: number, parent: number, options: PutOptions = {}): void {
    const before = state(thing);
    const after = seen(thing, before);
    const { kind } = view.thing(thing);
    const storing = options.storing ?? false;
    const loose = kind === "page" && view.thing(parent).kind === "shelf";
    if (loose && storing && !before.loose)
      find("missed_container_scan", thing, "on a shelf without folder, box or envelope");
    if (before.parent === parent) {
      if (after.conflicted) findLocationConflict(thing, after);
      write(
        thing,
        { ...after, missing: false, loose: loose && (storing || before.loose) },
        parent,
        { moved: false, scanned: true },
      );
      return;
    }
    if (carrierAbove(thing) && !path(thing).includes(parent))
      find("containment_conflict", thing, "its container is with a carrier");
    else if (after.conflicted) findLocationConflict(thing, after);
    else if (before.parent !== options.from && leavesSilently(before, storing))
      find("unrecorded_move", thing, "no scan took it out");
    if (isAmbiguous(before))
      find("ambiguous_order", thing, `within clock uncertainty of ${before.seenBy}`);
    if (isClone(before, parent)) find("duplicate_identifier", thing, "here and there by turns");
    write(thing, { ...moved(after, parent), loose: loose && (storing || before.loose) }, parent, {
      moved: true,
      scanned: true,
    });
    overdue(thing, parent);
  }

  function findLocationConflict(thing: number, { elsewhere }: State): void {
    const [other, atMs] = elsewhere.at(-1) ?? [0, 0];
    const where = other === 0 ? "elsewhere" : view.thing(other).name || view.thing(other).key;
    find(
      "location_conflict",
      thing,
      `seen at ${where} ${Math.round((at - atMs) / 1000)} s before; no way is that short`,
    );
  }

  function leavesSilently(before: State, storing: boolean): boolean {
    if (before.parent === 0) return false;
    return isContainer(view.thing(before.parent).kind) || !storing;
  }

  function isAmbiguous(before: State): boolean {
    return (
      before.seenBy !== "" &&
      before.seenBy !== a.gateway &&
      before.parent !== 0 &&
      at - before.seenAt < policies.clockUncertaintySeconds * 1000
    );
  }

  /** The second return to a place that it was seen to leave, within the window. */
  function isClone(before: State, parent: number): boolean {
    const hours = policies.duplicateWindowHours;
    if (hours === undefined) return false;
    const recent = before.trail.filter(([, atMs]) => at - atMs <= hours * 3_600_000);
    const places = [...recent.map(([place]) => place), parent];
    let returns = 0;
    for (let i = 2; i < places.length; i++) if (places[i] === places[i - 2]) returns += 1;
    return returns >= 2;
  }

  function moved(before: State, parent: number): State {
    const carried = parent !== 0 && view.thing(parent).kind === "carrier";
    return {
      ...before,
      parent,
      lastKnown: parent === 0 ? before.parent || before.lastKnown : 0,
      movedAt: at,
      missing: false,
      loose: false,
      shipped: carried,
      tracking: carried ? before.tracking : "",
      checkpoint: "",
      deliveredAt: 0,
      trail:
        policies.duplicateWindowHours === undefined
          ? before.trail
          : ([...before.trail, [parent, at]] as const).slice(-4),
    };
  }

  function overdue(thing: number, parent: number): void {
    const hours = policies.custodyGapHours;
    if (hours !== undefined && view.thing(parent).kind === "person")
      find("custody_gap", thing, `with a person for ${hours} h`, at + hours * 3_600_000);
  }

  return {
    gateway,
    effects,
    findings,
    view,
    state,
    path,
    wouldHoldItself,
    siteOf,
    find,
    write,
    seen,
    moved,
    put,

    /** Moved with something that was scanned; its own last scan stays what it was. */
    carry(thing: number, parent: number): void {
      const before = state(thing);
      if (before.ended !== "" || before.parent === parent) return;
      if (wouldHoldItself(thing, parent)) return;
      write(thing, moved(before, parent), parent, { moved: true, scanned: false });
    },

    lose(thing: number, reason: string): void {
      const before = state(thing);
      find("missing_item", thing, reason);
      write(thing, { ...moved(before, 0), missing: true, shipped: false }, 0, {
        moved: true,
        scanned: false,
      });
    },

    refuse(thing: number, refused: Effect["refused"], target: number, reason: string): void {
      if (refused !== "" && refused !== "not_with_carrier") find(refused, thing, reason);
      write(thing, state(thing), target, { moved: false, scanned: true, refused });
    },

    /** Rule 6: what is scanned is at the gateway's site. */
    atHand(thing: number): void {
      const before = state(thing);
      const fallback = gateway?.defaultPlace ?? 0;
      const strayed = gateway !== undefined && siteOf(thing) !== gateway.site;
      if (strayed && fallback !== 0 && !isFixed(view.thing(thing).kind)) {
        // Opening or closing on the way does not end the trip: only receiving or storing does.
        const { shipped } = before;
        put(thing, fallback);
        const effect = effects.get(thing);
        if (shipped && effect)
          effects.set(thing, { ...effect, state: { ...effect.state, shipped } });
        return;
      }
      const after = seen(thing, before);
      if (after.conflicted) findLocationConflict(thing, after);
      write(thing, after, 0, { moved: false, scanned: true });
    },

    /** Rule 19's order. Empty: nothing speaks against `thing` going into `parent`. */
    objection(thing: number, parent: number): FindingKind | "" {
      const child = view.thing(thing);
      const holder = view.thing(parent);
      if (state(thing).ended !== "") return "event_after_end_of_life";
      if (parent === 0) return "";
      const guessed = !child.kindKnown || !holder.kindKnown;
      if (
        !rules.mayHold(holder.kind, child.kind) &&
        !(guessed && rules.higher(holder.kind, child.kind))
      )
        return "hierarchy_violation";
      if (wouldHoldItself(thing, parent)) return "containment_cycle";
      return "";
    },
  };
}

const REASONS: Readonly<Record<string, string>> = {
  event_after_end_of_life: "it was destroyed or discarded before",
  hierarchy_violation: "that does not go into that",
  containment_cycle: "it would be inside itself",
};

export function refuse(scene: Scene, thing: number, kind: FindingKind | "", target: number): void {
  scene.refuse(thing, kind, target, REASONS[kind] ?? "");
}

/** A place that is already in its path confirms it; any other place moves it. */
export function seenAt(thing: number, place: number, scene: Scene): void {
  const { parent } = scene.state(thing);
  if (scene.path(thing).includes(place)) {
    scene.put(thing, parent);
    return;
  }
  const objection = scene.objection(thing, place);
  if (objection !== "") refuse(scene, thing, objection, place);
  else scene.put(thing, place);
}
