/** Questions about things, sensors and gateways, and the shapes of their answers. */
import { ask } from "./http.ts";
import type { Axes } from "./route.ts";
import { decoded, isKey } from "./thing.ts";

export type Kind =
  | "page"
  | "document"
  | "envelope"
  | "folder"
  | "box"
  | "shelf"
  | "desk"
  | "rack"
  | "room"
  | "site"
  | "person"
  | "carrier"
  | "gateway"
  | "scanner"
  | "sensor"
  | "unknown";

export type Certainty = "observed" | "inferred" | "presumed" | "conflicted" | "unknown";

export type State = "placed" | "in_transit" | "unknown" | "destroyed";

/** `key` is the GS1 Digital Link path without host. */
export type Thing = {
  readonly key: string;
  readonly elementString: string;
  readonly kind: Kind;
  readonly name: string | null;
};

/** Direct parent first, up to the site. */
export type Path = readonly Thing[];

export type EventName = {
  readonly gateway: string;
  readonly epoch: string;
  readonly seq: number;
};

export type Evidence = EventName & {
  readonly position: number;
  readonly time: string;
};

export type Where = Thing & {
  readonly position: number;
  readonly id: string;
  readonly registered: boolean;
  readonly path: Path;
  readonly state: State;
  readonly since: string | null;
  readonly lastSeen: string | null;
  readonly lastKnown: Path | null;
  readonly certainty: Certainty;
  /** Number under which a carrier has it, or what it is in. */
  readonly tracking: string | null;
  /** What the carrier said last, in its own words. */
  readonly checkpoint: string | null;
  readonly evidence: readonly Evidence[];
};

export type Move = {
  /** Null: before anything is known. */
  readonly from: string | null;
  /** Null while it lasts. */
  readonly to: string | null;
  /** Null: unknown. */
  readonly parent: Thing | null;
  readonly path: Path;
  readonly action: string | null;
  readonly bizStep: string | null;
  readonly by: string | null;
  readonly certainty: Certainty;
  readonly knownFrom: string | null;
  readonly evidence: readonly Evidence[];
};

/** `moves` has the newest last. */
export type History = Thing & { readonly position: number; readonly moves: readonly Move[] };

export type Child = Thing & { readonly since: string | null; readonly certainty: Certainty };

export type Contents = {
  readonly position: number;
  readonly key: string;
  readonly children: readonly Child[];
  readonly more: boolean;
};

export type Found = Thing & { readonly path: Path };

export type Search = {
  readonly position: number;
  readonly results: readonly Found[];
  /** When nothing was found: what has nearly this serial. */
  readonly near: readonly Found[];
  /** Documents whose number begins so. */
  readonly documents: readonly string[];
};

/** `unit` is a UCUM code. */
export type Series = {
  readonly device: string;
  readonly property: string;
  readonly unit: string;
  readonly gateway: string;
  readonly last: { readonly time: string; readonly value: number } | null;
};

export type Bucket = {
  readonly time: string;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
};

export type TakenIn = EventName & {
  readonly position: number;
  readonly takenInAt: string;
  readonly device?: string;
  readonly scan?: { readonly text: string };
  readonly statement?: { readonly kind: string; readonly json: string };
  readonly problem?: string;
};

export type SeriesData = { readonly unit: string; readonly buckets: readonly Bucket[] };

export type Gateway = {
  readonly gateway: string;
  readonly connected: boolean;
  readonly lanes: readonly {
    readonly epoch: string;
    readonly lane: string;
    readonly through: number;
    readonly lastTakenInAt: string | null;
  }[];
};

export const where = (id: string, { at, asKnownAt }: Axes, signal: AbortSignal) =>
  ask<Where>("where", { id, at, asKnownAt }, signal);

/** All that is known of it by then, whatever moment it is about. */
export const history = (id: string, { asKnownAt }: Axes, signal: AbortSignal) =>
  ask<History>("history", { id, asKnownAt }, signal);

export const contents = (id: string, { at, asKnownAt }: Axes, limit: number, signal: AbortSignal) =>
  ask<Contents>("contents", { id, at, asKnownAt, limit }, signal);

/** The event itself, as it was taken in. */
export const event = ({ gateway, epoch, seq }: EventName, signal: AbortSignal) =>
  ask<TakenIn>("event", { gateway, epoch, seq }, signal);

export const search = (q: string, limit: number, signal: AbortSignal) =>
  ask<Search>("search", { q, limit }, signal);

export const series = (signal: AbortSignal) => ask<readonly Series[]>("series", {}, signal);

export const seriesData = (
  { gateway, device, property, unit }: Omit<Series, "last">,
  span: { readonly from: string; readonly to: string; readonly points: number },
  signal: AbortSignal,
) => ask<SeriesData>("series/data", { gateway, device, property, unit, ...span }, signal);

export const gateways = (signal: AbortSignal) => ask<readonly Gateway[]>("gateways", {}, signal);

/** Any barcode form names a thing: a key is asked for as Digital Link, anything else as it is. */
export function idOf(address: string): string {
  return isKey(address) ? `https://id.gs1.org/${address}` : decoded(address);
}
