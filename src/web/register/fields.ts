/** What a row of each list is made of, and the table of one row that it is brought as. */
import { words } from "../language/spoken.ts";
import type { RegisterList } from "../twin-api.ts";
import { kindWord } from "../words.ts";

export type RegisterRow = Readonly<Record<string, string>>;

export type Field = {
  readonly column: string;
  /** What a row is called by: another one is another row. */
  readonly isName: boolean;
  readonly required: boolean;
  readonly input:
    | { readonly kind: "text"; readonly mono: boolean }
    | { readonly kind: "texts" }
    | { readonly kind: "choice"; readonly all: readonly Choice[] }
    /** Something that another list has. */
    | { readonly kind: "other"; readonly list: "places" | "persons" | "gateways" };
};

export type Choice = { readonly value: string; readonly word: string };

const KINDS: Partial<Record<RegisterList, readonly string[]>> = {
  places: ["site", "room", "rack", "shelf", "desk"],
  things: ["envelope", "folder", "box"],
};
const NAMES: Readonly<Record<RegisterList, readonly string[]>> = {
  places: ["id"],
  persons: ["id"],
  parties: ["id"],
  things: ["id"],
  documents: ["id"],
  documentClasses: ["class"],
  gateways: ["id"],
  scanners: ["gateway", "id"],
  ranges: ["gateway", "device", "property"],
};
const REQUIRED: Partial<Record<RegisterList, readonly string[]>> = {
  places: ["kind"],
  things: ["kind"],
  documentClasses: ["level"],
  gateways: ["site"],
  ranges: ["unit"],
};
const OTHERS: Readonly<Record<string, "places" | "persons" | "gateways">> = {
  parent: "places",
  site: "places",
  defaultPlace: "places",
  unpackingPlace: "places",
  place: "places",
  operator: "persons",
  responsible: "persons",
  gateway: "gateways",
};

/** What a row is called, for whoever hears it read. */
export function nameOf(list: RegisterList, row: RegisterRow): string {
  return NAMES[list].map((column) => row[column] ?? "").join(" ");
}

export function fieldsOf(list: RegisterList, columns: readonly string[]): readonly Field[] {
  return columns.map((column) => {
    const isName = NAMES[list].includes(column);
    const required = isName || REQUIRED[list]?.includes(column) === true;
    return { column, isName, required, input: inputOf(list, column) };
  });
}

function inputOf(list: RegisterList, column: string): Field["input"] {
  const other = OTHERS[column];
  if (other !== undefined) return { kind: "other", list: other };
  switch (column) {
    case "kind": {
      const all = (KINDS[list] ?? []).map((value) => ({ value, word: kindWord(value) }));
      return { kind: "choice", all };
    }
    case "level":
      return { kind: "choice", all: choicesOf(words.documents.levels) };
    case "step":
      return { kind: "choice", all: [nothing(), ...choicesOf(words.scan.steps)] };
    case "order":
      return { kind: "choice", all: [nothing(), ...choicesOf(words.scan.orders)] };
    case "pages":
      return { kind: "texts" };
    default:
      return { kind: "text", mono: column === "id" && list !== "documents" };
  }
}

function nothing(): Choice {
  return { value: "", word: words.register.notSaid };
}

function choicesOf(all: Readonly<Record<string, string>>): readonly Choice[] {
  return Object.entries(all).map(([value, word]) => ({ value, word }));
}

/** What was there and is no choice of ours stays one: it is somebody's word. */
export function withValue(all: readonly Choice[], value: string): readonly Choice[] {
  return all.some((one) => one.value === value) ? all : [...all, { value, word: value }];
}

/** CSV: a line of names and a line of cells. */
export function tableOf(columns: readonly string[], row: RegisterRow): string {
  const cells = columns.map((column) => quoted((row[column] ?? "").replaceAll(/\s+/g, " ").trim()));
  return `${columns.map(quoted).join(",")}\r\n${cells.join(",")}\r\n`;
}

function quoted(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}
