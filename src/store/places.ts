/**
 * The archive as a plan, and things by name or by a number that is nearly right: a level of places at
 * a time, with how much is in each and when that last changed. From any connection.
 */
import { pathOf } from "../reconcile/tell.ts";
import type { Answers, Named, NotFound } from "./answers.ts";
import type { Database } from "./database.ts";

export type Cell = Named & {
  /** Things directly in it, at most HOLDS_MAX. */
  readonly holds: number;
  readonly more: boolean;
  /** When something was last put in, or it was last seen itself. */
  readonly changed: string | null;
};

export type PlaceMap = Named & {
  readonly ok: true;
  /** Direct parent first, up to the site. */
  readonly path: readonly Named[];
  readonly cells: readonly Cell[];
  readonly more: boolean;
};

export type Known = Named & { readonly path: readonly Named[] };

const CELLS_MAX = 300;
const CONTENTS_MAX = 1_000;
const HOLDS_MAX = 500;

export function openPlaces(db: Database, answers: Answers) {
  const { worldAsOf, positionAt, find, named } = answers.within;
  const now = () => worldAsOf(undefined, positionAt(undefined)).past;
  const sql = {
    sites: db
      .prepare<[], number>("SELECT DISTINCT site FROM gateway WHERE site <> 0 ORDER BY site")
      .pluck(),
    byName: db
      .prepare<[string, string, number], number>(
        `SELECT id FROM entity WHERE name >= ? AND name < ? AND name <> '' ORDER BY name, id LIMIT ?`,
      )
      .pluck(),
    documents: db
      .prepare<[string, string, number], string>(
        "SELECT name FROM document WHERE name >= ? AND name < ? ORDER BY name LIMIT ?",
      )
      .pluck(),
    below: db
      .prepare<[string, number], number>(
        "SELECT id FROM entity WHERE serial < ? ORDER BY serial DESC LIMIT ?",
      )
      .pluck(),
    above: db
      .prepare<[string, number], number>(
        "SELECT id FROM entity WHERE serial > ? ORDER BY serial LIMIT ?",
      )
      .pluck(),
  };

  /** Where a map begins: the sites that gateways stand at. */
  function sites(): readonly Named[] {
    const past = now();
    return sql.sites.all().map((site) => named(past, site));
  }

  function map(id: string, at?: number, asKnownAt?: number): PlaceMap | NotFound {
    const place = answers.where(id, at, asKnownAt);
    if (!place.ok) return place;
    const inside = answers.contents(place.key, at, CONTENTS_MAX, asKnownAt);
    if (!inside.ok) return inside;
    const { key, elementString, kind, name, path } = place;
    const cells = inside.children
      .toSorted(byKind)
      .slice(0, CELLS_MAX)
      .map((child) => cellOf(child, at, asKnownAt));
    const more = inside.more || inside.children.length > CELLS_MAX;
    return { ok: true, key, elementString, kind, name, path, cells, more };
  }

  function cellOf(child: Named, at?: number, asKnownAt?: number): Cell {
    const { key, elementString, kind, name } = child;
    const inside = answers.contents(key, at, HOLDS_MAX, asKnownAt);
    const itself = answers.where(key, at, asKnownAt);
    const children = inside.ok ? inside.children : [];
    const times = [itself.ok ? itself.lastSeen : null, ...children.map(({ since }) => since)];
    const changed = times.reduce((latest, time) => ((time ?? "") > (latest ?? "") ? time : latest));
    const more = inside.ok && inside.more;
    return { key, elementString, kind, name, holds: children.length, more, changed };
  }

  /** Things whose name begins so, as written or with the usual capitals. */
  function called(text: string, limit: number): readonly Known[] {
    const lower = text.toLowerCase();
    const spellings = new Set([text, lower, text.toUpperCase(), capital(text), capital(lower)]);
    const ids = [...spellings].flatMap((one) => sql.byName.all(one, `${one}\uffff`, limit));
    return [...new Set(ids)].slice(0, limit).map(known);
  }

  /** Documents whose number begins so. */
  function documents(text: string, limit: number): readonly string[] {
    return sql.documents.all(text, `${text}\uffff`, limit);
  }

  /** Things whose serial is nearly this one: those that share most of its beginning. */
  function near(text: string, limit: number): readonly Known[] {
    if (text.length < NEAR_CHARACTERS_MIN) return [];
    const ids = [...sql.below.all(text, limit), ...sql.above.all(text, limit)];
    return [...new Set(ids)]
      .map((id) => ({ id, shared: sharedWith(text, serialOf(id)) }))
      .filter(({ shared }) => shared >= text.length / 2)
      .sort((a, b) => b.shared - a.shared)
      .slice(0, limit)
      .map(({ id }) => known(id));
  }

  function serialOf(id: number): string {
    const { key } = now().thing(id);
    return key.slice(key.lastIndexOf("/") + 1);
  }

  function known(id: number): Known {
    const past = now();
    return { ...named(past, id), path: pathOf(past, id).map((one) => named(past, one)) };
  }

  /** What the last count of a place came to; null when it was never counted. */
  function lastCount(id: string) {
    const place = find(id);
    if (typeof place !== "number") return place;
    const past = now();
    const counted = answers.countResult(id);
    if (counted === undefined) return { ok: true as const, ...named(past, place), last: null };
    const things = (keys: readonly string[]) =>
      keys.flatMap((key) => {
        const thing = find(key);
        return typeof thing === "number" ? [named(past, thing)] : [];
      });
    const { expected, found, missing, unexpected } = counted;
    const last = { expected, found, missing: things(missing), unexpected: things(unexpected) };
    return { ok: true as const, ...named(past, place), last };
  }

  return { sites, map, called, documents, near, lastCount };
}

export type Places = ReturnType<typeof openPlaces>;

const NEAR_CHARACTERS_MIN = 3;

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** How many characters from the beginning are the same, at the place in the key where they fit. */
function sharedWith(text: string, serial: string): number {
  let best = 0;
  for (let start = 0; start < serial.length; start++) {
    let length = 0;
    while (length < text.length && serial[start + length] === text[length]) length += 1;
    best = Math.max(best, length);
  }
  return best;
}

/** "R2" before "R10". */
const COLLATOR = new Intl.Collator("en", { numeric: true });
const PLACES = new Set(["site", "room", "rack", "shelf", "desk"]);

/** Places before what lies loose among them. */
function byKind(a: Named, b: Named): number {
  const places = Number(PLACES.has(b.kind)) - Number(PLACES.has(a.kind));
  return places || COLLATOR.compare(a.name || a.key, b.name || b.key);
}
