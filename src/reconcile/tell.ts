/**
 * What is believed about one thing at a moment, as known at a moment: where it is, how certain that
 * is, and what was promised about it. Reads the thing's own chain and those of its few ancestors.
 */
import type { Thing } from "./assertion.ts";
import type { Link } from "./engine.ts";
import { isFixed, type Policies } from "./policies.ts";
import { DEPTH_MAX } from "./scene.ts";

export type Certainty = "observed" | "inferred" | "presumed" | "conflicted" | "unknown";
export type Standing = "placed" | "in_transit" | "unknown" | "destroyed";

/** The world at one moment, as known at one moment. */
export type Past = {
  readonly atMs: number;
  thing(id: number): Thing;
  link(thing: number): Link | undefined;
  /** Whether scans of this gateway are known to be missing. */
  hasGap(gateway: string): boolean;
};

/** Direct parent first. */
export function pathOf(past: Past, thing: number): readonly number[] {
  const path: number[] = [];
  let next = past.link(thing)?.state.parent ?? 0;
  while (next !== 0 && path.length < DEPTH_MAX) {
    path.push(next);
    next = past.link(next)?.state.parent ?? 0;
  }
  return path;
}

/** When the thing itself, or anything it is in, last changed its parent. */
function lastMoved(past: Past, thing: number, path: readonly number[]): number {
  let latest = past.link(thing)?.state.movedAt ?? 0;
  for (const above of path) latest = Math.max(latest, past.link(above)?.state.movedAt ?? 0);
  return latest;
}

export function certaintyOf(past: Past, thing: number, policies: Policies): Certainty {
  const state = past.link(thing)?.state;
  const { kind, registered } = past.thing(thing);
  if (isFixed(kind) && registered) return "observed";
  if (state === undefined || state.ended !== "") return "unknown";
  if (state.parent === 0) return "unknown";
  if (state.conflicted) return "conflicted";
  const { presumedAfterDays } = policies;
  const old =
    presumedAfterDays !== undefined && past.atMs - state.seenAt > presumedAfterDays * 86_400_000;
  if (old || (state.seenBy !== "" && past.hasGap(state.seenBy))) return "presumed";
  return isObserved(past, thing, pathOf(past, thing)) ? "observed" : "inferred";
}

/** The thing itself was scanned where it is, after whatever moved it last. */
function isObserved(past: Past, thing: number, path: readonly number[]): boolean {
  return lastMoved(past, thing, path) <= (past.link(thing)?.state.seenAt ?? -1);
}

export function standingOf(past: Past, thing: number): Standing {
  if (past.link(thing)?.state.ended) return "destroyed";
  const path = pathOf(past, thing);
  const top = path.at(-1) ?? thing;
  const { kind } = past.thing(top);
  if (kind === "carrier") return "in_transit";
  return kind === "site" ? "placed" : "unknown";
}

/** The number under which a carrier has it, or what it is in; empty when none has. */
export function trackingOf(past: Past, thing: number): string {
  for (const one of [thing, ...pathOf(past, thing)]) {
    const state = past.link(one)?.state;
    if (state === undefined || state.parent === 0) continue;
    if (past.thing(state.parent).kind === "carrier") return state.tracking;
  }
  return "";
}

/** Where its carrier last told of it, or of what it is in; empty when no carrier has it. */
export function checkpointOf(past: Past, thing: number): string {
  for (const one of [thing, ...pathOf(past, thing)]) {
    const state = past.link(one)?.state;
    if (state !== undefined && state.checkpoint !== "") return state.checkpoint;
  }
  return "";
}

export function dispositionOf(past: Past, thing: number): string {
  const state = past.link(thing)?.state;
  if (state === undefined) return "unknown";
  if (state.ended !== "") return state.ended;
  if (standingOf(past, thing) === "in_transit") return "in_transit";
  if (state.missing) return "unknown";
  if (state.seal !== "") return state.seal === "closed" ? "container_closed" : "container_open";
  return "in_progress";
}

/** The same belief at another moment. */
export type At = (atMs: number) => Past;

/** Intervals in which the thing itself had been observed within `target`, and nothing spoke against it. */
export function observedIn(
  at: At,
  thing: number,
  target: number,
  moments: readonly number[],
  evidence: Policies["debtEvidence"],
): readonly (readonly [fromMs: number, toMs: number])[] {
  const found: [number, number][] = [];
  for (const [i, fromMs] of moments.entries()) {
    const past = at(fromMs);
    const state = past.link(thing)?.state;
    const path = pathOf(past, thing);
    const good =
      state !== undefined &&
      state.ended === "" &&
      !state.conflicted &&
      path.includes(target) &&
      (evidence === "inferred" || isObserved(past, thing, path));
    if (good) found.push([fromMs, moments[i + 1] ?? Infinity]);
  }
  return found;
}

/** The first moment not before `sinceMs` at which all of these hold together; undefined: never. */
export function firstTogether(
  each: readonly (readonly (readonly [number, number])[])[],
  sinceMs: number,
  untilMs: number,
): number | undefined {
  const moments = [sinceMs, ...each.flat().map(([fromMs]) => fromMs)]
    .filter((ms) => ms >= sinceMs && ms <= untilMs)
    .sort((a, b) => a - b);
  return moments.find((ms) => each.every((one) => one.some(([from, to]) => from <= ms && ms < to)));
}
