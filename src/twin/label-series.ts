/**
 * What may be asked for new labels: which series each kind is numbered in, and what the labels become
 * in the evidence. Pure.
 */
import { elementString, parseKey } from "../barcode/key.ts";
import {
  badgeSeries,
  envelopeSeries,
  keyOfSeries,
  pageSeries,
  placeSeries,
  type Series,
  serialSeries,
} from "../labels/numbering.ts";
import type { LabelConfig, SerialType } from "./label-config.ts";

export const LABEL_KINDS = [
  ...["document", "page", "envelope", "folder", "box"],
  ...["shelf", "rack", "desk", "room", "person"],
] as const;
export type LabelKind =
  | "document"
  | "page"
  | "envelope"
  | "folder"
  | "box"
  | "shelf"
  | "rack"
  | "desk"
  | "room"
  | "person";

export const PLACE_KINDS: ReadonlySet<string> = new Set(["shelf", "rack", "desk", "room"]);

export type AskedLabels = {
  readonly kind: LabelKind;
  readonly count: number;
  /** The document whose pages they are. */
  readonly document?: string | undefined;
  readonly class?: string | undefined;
  /** The key of the place that new places are in. */
  readonly parent?: string | undefined;
  /** With a count of 1. */
  readonly name?: string | undefined;
  /** Who asks; their name stands in the statements. */
  readonly by?: string | undefined;
};

export type Chosen =
  | { readonly ok: true; readonly series: Series }
  | { readonly ok: false; readonly detail: string; readonly next: string };

const CONFIGURE = "Say it in the twin's configuration under `labels`, and start the twin again.";

/** The series that keys of this kind are numbered in; or what is missing. */
export function seriesFor(asked: AskedLabels, config: LabelConfig): Chosen {
  const { kind, parent, document } = asked;
  switch (kind) {
    case "document":
      if (document === undefined) return refused('"document" is missing.', "Name its number.");
      return withType("pages", config.pages, (type, one) => {
        const own = pageSeries(type, document);
        return own ?? serialSeries(type, one.prefix, one.digits);
      });
    case "page":
      return withType("pages", config.pages, usual);
    case "folder":
      return withType("folders", config.folders, usual);
    case "box":
      return withType("boxes", config.boxes, usual);
    case "envelope":
      if (config.companyPrefix === undefined) return noPrefix();
      return chosen(envelopeSeries(config.companyPrefix, config.extensionDigit ?? 0));
    case "person":
      if (config.companyPrefix === undefined) return noPrefix();
      return chosen(badgeSeries(config.companyPrefix));
    case "shelf":
    case "rack":
    case "desk":
    case "room":
      return placesIn(kind, parent);
  }
}

/** As places are called in the warehouse: a rack R1, its shelves R1-S1, R1-S2. */
const PLACE_LETTERS = { shelf: "S", rack: "R", desk: "DESK", room: "ROOM" } as const;

function placesIn(kind: keyof typeof PLACE_LETTERS, parent: string | undefined): Chosen {
  const above = parent === undefined ? undefined : parseKey(parent);
  if (above?.class !== "sgln")
    return refused('"parent" is missing, or is no place.', "Name the place that they are in.");
  const gln = above.key.slice("414/".length, "414/".length + 13);
  return chosen(placeSeries(gln, kind === "shelf" ? above.serial : "", PLACE_LETTERS[kind]));
}

function withType(
  part: "pages" | "folders" | "boxes",
  type: SerialType | undefined,
  make: (key: string, type: SerialType) => Series,
): Chosen {
  if (type === undefined)
    return refused(`No type is configured for ${part} (labels.${part}.type).`, CONFIGURE);
  return chosen(make(typeKey(type.type), type));
}

function usual(key: string, { prefix, digits }: SerialType): Series {
  return serialSeries(key, prefix, digits);
}

/** `(8003)09521234005001` to `8003/09521234005001`; other forms are made keys when they are read. */
function typeKey(type: string): string {
  const bracketed = /^\((\d+)\)(\d+)$/.exec(type);
  return bracketed === null ? type : `${bracketed[1]}/${bracketed[2]}`;
}

function noPrefix(): Chosen {
  return refused("No company prefix is configured (labels.companyPrefix).", CONFIGURE);
}

function chosen(series: Series): Chosen {
  return { ok: true, series };
}

function refused(detail: string, next: string): Chosen {
  return { ok: false, detail, next };
}

export function nextKeyOf(series: Series): (n: number) => string | undefined {
  return (n) => {
    const made = keyOfSeries(series, n);
    return made.ok ? made.key : undefined;
  };
}

export type LabelStatement = { readonly kind: string; readonly json: string };

/** Printing makes them known: pages as pages of their document, places where they are, the rest by kind. */
export function statementsFor(
  asked: AskedLabels,
  keys: readonly string[],
): readonly LabelStatement[] {
  const ids = keys.map(elementString);
  const { kind, document, class: of, parent, name, by } = asked;
  if (kind === "document")
    return [
      said("document", { id: document, ...(of !== undefined && { class: of }), pages: ids, by }),
    ];
  const named = { name, by };
  if (PLACE_KINDS.has(kind))
    return ids.map((id) =>
      said("place", { id, kind, parent: elementString(parent ?? ""), ...named }),
    );
  return ids.map((id) => said("registration", { id, kind, ...named }));
}

function said(kind: string, row: object): LabelStatement {
  return { kind, json: JSON.stringify(row) };
}
