/** Questions about the archive as a plan, and what its counts came to. */
import type { Path, Thing } from "./api.ts";
import { ask } from "./http.ts";

export type Cell = Thing & {
  /** Things directly in it. */
  readonly holds: number;
  readonly more: boolean;
  readonly changed: string | null;
};

export type PlaceMap = Thing & {
  readonly position: number;
  readonly path: Path;
  readonly cells: readonly Cell[];
  readonly more: boolean;
};

export type Counted = Thing & {
  readonly position: number;
  readonly last: {
    readonly expected: number;
    readonly found: number;
    readonly missing: readonly Thing[];
    readonly unexpected: readonly Thing[];
  } | null;
};

export const sites = (signal: AbortSignal) =>
  ask<{ readonly sites: readonly Thing[] }>("sites", {}, signal);

export const placeMap = (id: string, signal: AbortSignal) => ask<PlaceMap>("map", { id }, signal);

export const counted = (id: string, signal: AbortSignal) => ask<Counted>("counts", { id }, signal);
