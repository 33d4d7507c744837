/**
 * The stock-take (rule 10): what a finished count of a place says about presence and absence.
 *
 * Sessions that overlap on one scope are one count, concluded when the last of them ends. A thing
 * that moved while the count ran is left out altogether: nobody can say when it was looked for.
 */
import type { Act, Assertion } from "./assertion.ts";
import { compareOrder } from "./assertion.ts";
import { isContainer, isFixed } from "./policies.ts";
import { DEPTH_MAX, refuse, type Scene, seenAt } from "./scene.ts";

type Count = Act & { kind: "count" };

/** The reason of what a count found missing; others may yet tell where it went. */
export const NOT_SEEN = "not seen in a count";

export function concludeCount(act: Count, a: Assertion, scene: Scene): void {
  if (act.begun === true) return;
  const group = united(a, scene.view.counts(act.scope));
  if (group.some((other) => count(other).begun === true || compareOrder(other, a) > 0)) return;
  const startMs = Math.min(...group.map((other) => count(other).startMs));
  const scanned = new Set(group.flatMap((other) => count(other).things));
  const { scope } = act;
  scanned.delete(scope);

  const confirmedEmpty = group.some((other) => count(other).confirmedEmpty);
  const gap = group.some((other) => scene.view.hasGap(other.gateway, other.epoch, other.seq));
  const inconclusive = gap || (scanned.size === 0 && !confirmedEmpty);
  const reason = gap ? "scans before its end have not arrived" : "no scan, and nobody said empty";
  if (inconclusive) scene.find("count_inconclusive", scope, reason);
  scene.write(scope, { ...scene.state(scope), inconclusive }, 0, { moved: false, scanned: true });

  const pages =
    act.depth === "pages" || [...scanned].some((thing) => scene.view.thing(thing).kind === "page");
  // The expected things as they stood before this count changed anything.
  const expected = pages ? everythingIn(scope, scanned, scene) : directlyIn(scope, scanned, scene);
  const restless = new Set(
    [...scanned, ...expected].filter((thing) => movedSince(thing, scope, startMs, scene)),
  );
  const homes = new Map(expected.map((thing) => [thing, scene.path(thing)] as const));

  for (const thing of scanned) {
    const { kind } = scene.view.thing(thing);
    if (restless.has(thing)) {
      scene.write(thing, scene.state(thing), 0, { moved: false, scanned: false });
    } else if (scene.state(thing).ended !== "") {
      refuse(scene, thing, "event_after_end_of_life", scope);
    } else if (!isFixed(kind) && kind !== "person") {
      if (!scene.path(thing).includes(scope))
        scene.find("unexpected_item", thing, "found in a count of a place where it was not known");
      seenAt(thing, scope, scene);
    }
  }
  if (inconclusive) return;

  const present = new Set(scanned);
  for (const thing of scanned) for (const above of homes.get(thing) ?? []) present.add(above);
  for (const thing of expected)
    if (!present.has(thing) && !restless.has(thing)) scene.lose(thing, NOT_SEEN);
}

function count(a: Assertion): Count {
  return a.act as Count;
}

/** The counts of the scope that overlap with `a`, directly or through others. */
export function united(a: Assertion, all: readonly Assertion[]): readonly Assertion[] {
  const ended = new Set(all.map((one) => `${one.epoch} ${count(one).closes}`));
  const group = [a];
  const rest = all.filter(
    (other) =>
      other.id !== a.id &&
      (count(other).begun !== true ||
        (count(other).closes === undefined && !ended.has(`${other.epoch} ${other.seq}`))),
  );
  for (let grown = true; grown; ) {
    grown = false;
    for (const [i, other] of rest.entries()) {
      if (!group.some((one) => overlap(one, other))) continue;
      group.push(other);
      rest.splice(i, 1);
      grown = true;
      break;
    }
  }
  return group;
}

function overlap(a: Assertion, b: Assertion): boolean {
  const end = (one: Assertion) => (count(one).begun === true ? Infinity : one.timeMs);
  return count(a).startMs <= end(b) && count(b).startMs <= end(a);
}

/** What stands directly in the scope. Loose pages only when nothing at all was found. */
function directlyIn(scope: number, scanned: ReadonlySet<number>, scene: Scene): readonly number[] {
  return scene.view.contents(scope).filter((thing) => {
    const { kind } = scene.view.thing(thing);
    return isContainer(kind) || (kind === "page" && scanned.size === 0);
  });
}

/** Pages and containers down to the last; what a sealed container holds cannot be looked at. */
function everythingIn(
  scope: number,
  scanned: ReadonlySet<number>,
  scene: Scene,
): readonly number[] {
  const found: number[] = [];
  const visit = (parent: number, depth: number): void => {
    for (const thing of scene.view.contents(parent)) {
      const { kind } = scene.view.thing(thing);
      if (kind === "person") continue;
      if (!isFixed(kind)) found.push(thing);
      const closed = scene.state(thing).seal === "closed" && scanned.has(thing);
      if (kind !== "page" && !closed && depth < DEPTH_MAX) visit(thing, depth + 1);
    }
  };
  visit(scope, 0);
  return found;
}

function movedSince(thing: number, scope: number, startMs: number, scene: Scene): boolean {
  for (const one of [thing, ...scene.path(thing)]) {
    if (one === scope) return false;
    if (!isFixed(scene.view.thing(one).kind) && scene.state(one).movedAt >= startMs) return true;
  }
  return false;
}
