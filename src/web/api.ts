/**
 * The twin's HTTP API as this page uses it: the shapes, and one function for each question.
 *
 * A refusal is an answer: the twin says what is wrong and what to do, and the page shows both. Only
 * an aborted question throws (AbortError), because nobody waits for it any more.
 */
import { learnTwinTime } from "./clock.ts";
import { decoded, isKey } from "./thing.ts";

const ROOT = "/api/v1/";

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

export type Evidence = {
  readonly gateway: string;
  readonly epoch: string;
  readonly seq: number;
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

export type Search = { readonly position: number; readonly results: readonly Found[] };

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

export type Discrepancy = {
  readonly kind: string;
  readonly severity: string;
  readonly subject: string;
  readonly since: string;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
};

export type Answer<T> =
  | { readonly kind: "ok"; readonly value: T }
  /** The twin says no, why, and what to do next. */
  | Refusal
  /** No answer of the twin arrived. */
  | { readonly kind: "unreachable" };

export type Refusal = {
  readonly kind: "refused";
  readonly status: number;
  readonly detail: string;
  readonly next: string;
};

type Parameters = Readonly<Record<string, string | number | undefined>>;

export const where = (id: string, at: string | undefined, signal: AbortSignal) =>
  ask<Where>("where", { id, at }, signal);

export const history = (id: string, signal: AbortSignal) => ask<History>("history", { id }, signal);

export const contents = (id: string, at: string | undefined, limit: number, signal: AbortSignal) =>
  ask<Contents>("contents", { id, at, limit }, signal);

export const search = (q: string, limit: number, signal: AbortSignal) =>
  ask<Search>("search", { q, limit }, signal);

export const series = (signal: AbortSignal) => ask<readonly Series[]>("series", {}, signal);

export const seriesData = (
  { gateway, device, property, unit }: Omit<Series, "last">,
  span: { readonly from: string; readonly to: string; readonly points: number },
  signal: AbortSignal,
) => ask<SeriesData>("series/data", { gateway, device, property, unit, ...span }, signal);

export const gateways = (signal: AbortSignal) => ask<readonly Gateway[]>("gateways", {}, signal);

export const discrepancies = (at: string | undefined, signal: AbortSignal) =>
  ask<{ readonly open: readonly Discrepancy[] }>("discrepancies", { at }, signal);

/** Any barcode form names a thing: a key is asked for as Digital Link, anything else as it is. */
export function idOf(address: string): string {
  return isKey(address) ? `https://id.gs1.org/${address}` : decoded(address);
}

async function ask<T>(
  path: string,
  parameters: Parameters,
  signal: AbortSignal,
): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(ROOT + path + queryOf(parameters), {
      signal,
      headers: { accept: "application/json" },
    });
    learnTwinTime(response.headers.get("date"));
    const body: unknown = await response.json();
    if (response.ok) return { kind: "ok", value: body as T };
    return refusal(response.status, body);
  } catch (cause) {
    if (signal.aborted) throw cause;
    return { kind: "unreachable" };
  }
}

function queryOf(parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? "" : `?${query}`;
}

function refusal(status: number, body: unknown): Refusal {
  const problem = (body ?? {}) as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof problem[name] === "string" ? problem[name] : "");
  return {
    kind: "refused",
    status,
    detail: text("detail") || text("title") || `The twin answered ${status}.`,
    next: text("next"),
  };
}
