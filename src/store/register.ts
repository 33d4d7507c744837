/**
 * What master data says is there, as a person wrote it: places, people, parties, labels, documents,
 * gateways and scanners, a page of each list at a time. From any connection.
 */
import { elementString } from "../barcode/decode.ts";
import { iso } from "./answer.ts";
import type { Answers } from "./answers.ts";
import type { Database } from "./database.ts";
import type { ClassRow } from "./document-classes.ts";
import { readParties } from "./parties.ts";
import { readRanges } from "./ranges.ts";

/** A cell for each column; what nobody said is empty. */
export type RegisterRow = Readonly<Record<string, string>>;

export const REGISTER_LISTS = [
  ...(["places", "persons", "parties", "things", "documents", "documentClasses"] as const),
  ...(["gateways", "scanners"] as const),
  "ranges",
] as const;
export type RegisterList = (typeof REGISTER_LISTS)[number];

export const REGISTER_COLUMNS: Readonly<Record<RegisterList, readonly string[]>> = {
  places: ["id", "kind", "name", "parent"],
  persons: ["id", "name"],
  parties: ["id", "name", "responsible"],
  things: ["id", "kind", "name"],
  documents: ["id", "class", "pages"],
  documentClasses: ["class", "name", "level", "from"],
  gateways: ["id", "site", "defaultPlace", "unpackingPlace"],
  scanners: ["gateway", "id", "step", "order", "operator", "place"],
  ranges: ["gateway", "device", "property", "low", "high", "unit"],
};

const KINDS = {
  places: ["site", "room", "rack", "shelf", "desk"],
  persons: ["person"],
  parties: ["party"],
  things: ["envelope", "folder", "box"],
} as const;

export function openRegister(db: Database, answers: Answers) {
  const { worldAsOf, positionAt, entities, classes } = answers.within;
  const parties = readParties(db, entities);
  const ranges = readRanges(db);
  const world = () => worldAsOf(undefined, positionAt(undefined)).past;
  const sql = {
    entities: db.prepare<[string, string, number, number], { id: number; kind: string }>(
      `SELECT entity.id, word.text AS kind FROM entity JOIN word ON word.id = entity.kind
       WHERE registered > 0 AND word.text IN (SELECT value FROM json_each(?))
         AND entity.id > CAST(? AS INTEGER) ORDER BY entity.id LIMIT ? OFFSET ?`,
    ),
    documents: db.prepare<[string, number], { id: number; name: string; class: string }>(
      `SELECT document.id, name, coalesce(text, '') AS class FROM document
       LEFT JOIN word ON word.id = class WHERE name > ? ORDER BY name LIMIT ?`,
    ),
    gateways: db.prepare<
      [string, number],
      { name: string; site: number; default_place: number; unpacking_place: number }
    >("SELECT * FROM gateway WHERE name > ? ORDER BY name LIMIT ?"),
    classes: db
      .prepare<[number], string>(
        `SELECT DISTINCT text FROM (SELECT class FROM document ORDER BY id DESC LIMIT ?)
         JOIN word ON word.id = class WHERE text <> '' ORDER BY text`,
      )
      .pluck(),
    scanners: db.prepare<[string, number], { gateway: string; id: string; setting: string }>(
      `SELECT gateway, id, setting FROM scanner AS one
       WHERE gateway || '/' || id > ?
         AND since = (SELECT max(since) FROM scanner WHERE gateway = one.gateway AND id = one.id)
       ORDER BY gateway || '/' || id LIMIT ?`,
    ),
  };

  const idOf = (thing: number): string =>
    thing === 0 ? "" : elementString(world().thing(thing).key);

  function entityRows(list: keyof typeof KINDS, cursor: string, limit: number) {
    const past = world();
    return sql.entities.all(JSON.stringify(KINDS[list]), cursor, limit, 0).map(({ id, kind }) => {
      const name = entities.get(id)?.name ?? "";
      const parent = past.link(id)?.state.parent ?? 0;
      const row = { id: idOf(id), name };
      if (list === "persons") return { cursor: String(id), row };
      if (list === "parties") {
        const responsible = parties.responsibleFor(id);
        return { cursor: String(id), row: { ...row, responsible } };
      }
      if (list === "things") return { cursor: String(id), row: { ...row, kind } };
      return { cursor: String(id), row: { ...row, kind, parent: idOf(parent) } };
    });
  }

  function rowsOf(list: RegisterList, cursor: string, limit: number) {
    switch (list) {
      case "documents":
        return sql.documents.all(cursor, limit).map(({ id, name, class: kind }) => ({
          cursor: name,
          row: { id: name, class: kind, pages: entities.pagesOf(id).map(idOf).join(" ") },
        }));
      case "documentClasses":
        return classes
          .words(positionAt(undefined))
          .map(({ class: name, from_ms, ...one }) => ({
            cursor: `${name} ${String(from_ms).padStart(MS_DIGITS, "0")}`,
            row: { class: name, name: one.name, level: one.level, from: iso(from_ms) ?? "" },
          }))
          .filter((one) => one.cursor > cursor)
          .slice(0, limit);
      case "gateways":
        return sql.gateways.all(cursor, limit).map((one) => ({
          cursor: one.name,
          row: {
            id: one.name,
            site: idOf(one.site),
            defaultPlace: idOf(one.default_place),
            unpackingPlace: idOf(one.unpacking_place),
          },
        }));
      case "scanners":
        return sql.scanners.all(cursor, limit).map(({ gateway, id, setting }) => {
          const {
            step = "",
            order = "",
            operator = "",
            place = 0,
          } = JSON.parse(setting) as Setting;
          const holder = operator === "" ? "" : elementString(operator);
          const row = { gateway, id, step, order, operator: holder, place: idOf(place) };
          return { cursor: `${gateway}/${id}`, row };
        });
      case "ranges":
        return ranges.page(cursor, limit).map(({ cursor: after, range }) => {
          const { gateway, device, property, low, high, unit } = range;
          const limits = { low: `${low ?? ""}`, high: `${high ?? ""}` };
          return { cursor: after, row: { gateway, device, property, ...limits, unit } };
        });
      default:
        return entityRows(list, cursor, limit);
    }
  }

  return {
    /** `next`: what to ask with for the rows that follow; null at the end. */
    rows(
      list: RegisterList,
      { cursor = "", limit }: { cursor?: string | undefined; limit: number },
    ) {
      const found = rowsOf(list, cursor, limit);
      const next = found.length === limit ? (found.at(-1)?.cursor ?? null) : null;
      return { rows: found.map(({ row }): RegisterRow => row), next };
    },
    /** Classes of documents that are named or in use, and how closely each is followed at a moment. */
    classes: (atMs: number) =>
      classes.describe(sql.classes.all(CLASSES_OF_DOCUMENTS), atMs, positionAt(undefined)),
    classNews: (row: ClassRow, nowMs: number) => classes.news(row, nowMs, positionAt(undefined)),
    /** Whether anything is called so, by any form of its id. */
    knows: (id: string): boolean => answers.where(id).ok,
    /** Units in which a property of a device was ever read. */
    unitsOf: ranges.units,
  };
}

/** So that moments sort as text. */
const MS_DIGITS = 16;
/** Looked through for their classes: all of them would be tens of millions. */
const CLASSES_OF_DOCUMENTS = 10_000;

type Setting = { step?: string; order?: string; operator?: string; place?: number };

export type Register = ReturnType<typeof openRegister>;
