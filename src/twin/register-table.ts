/**
 * Master data as a table that a spreadsheet opens: a list is read whole, every mistake in it is told
 * with its line and column, and only a list without one becomes statements. Pure.
 */
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import type { ClassRow } from "../store/document-classes.ts";
import {
  REGISTER_COLUMNS,
  type Register,
  type RegisterList,
  type RegisterRow,
} from "../store/register.ts";
import {
  contradictionsIn,
  type MasterData,
  masterDataSchema,
  statementsOf,
} from "./master-data.ts";
import type { Statement } from "./statements.ts";

export type TableProblem = {
  /** 1 is the line of the column names. */
  readonly line: number;
  readonly column: string;
  readonly what: string;
};

export type Table =
  | { readonly kind: "good"; readonly rows: number; readonly statements: readonly Statement[] }
  | { readonly kind: "bad"; readonly rows: number; readonly problems: readonly TableProblem[] };

export const TABLE_ROWS_MAX = 20_000;
const PROBLEMS_MAX = 200;
/** Far more than any list has: each that is wrong up to here is named. */
const COLUMNS_MAX = 200;
const FIRST_LINE = 2;
/** Spreadsheets of many countries write semicolons, and commas within numbers. */
const DELIMITERS = [",", ";", "\t"] as const;

/** A cell that begins like a formula is kept from being one, and read back as it was. */
export function tableOf(list: RegisterList, rows: readonly RegisterRow[]): string {
  return stringify([...rows], {
    header: true,
    columns: [...REGISTER_COLUMNS[list]],
    bom: true,
    escape_formulas: true,
    record_delimiter: "windows",
  });
}

/** Of what the table only refers to: what the twin has heard of. */
export type Known = Pick<Register, "knows" | "unitsOf" | "classNews"> & { readonly nowMs: number };

export function readTable(list: RegisterList, text: string, known: Known): Table {
  const columns = REGISTER_COLUMNS[list];
  const cut = linesIn(text, columns);
  if (cut.kind === "bad") return { kind: "bad", rows: 0, problems: [cut.problem] };
  const { lines, header } = cut;
  // Whoever sends it says how many columns there are: rows are made of those that the list has.
  const there = columns
    .map((name) => ({ name, at: header.indexOf(name) }))
    .filter(({ at }) => at !== -1)
    .sort((a, b) => a.at - b.at);
  const rows = lines.map((cells) =>
    rowOf(
      list,
      Object.fromEntries(there.map(({ name, at }) => [name, unescaped(cells[at] ?? "")])),
    ),
  );
  const problems = [
    ...strangeNames(columns, header),
    ...rows.flatMap((row, index) => misfits(list, row, index + FIRST_LINE)),
  ];
  if (problems.length === 0) problems.push(...contradictions(list, rows, known));
  if (problems.length > 0)
    return { kind: "bad", rows: rows.length, problems: problems.slice(0, PROBLEMS_MAX) };
  // A word without a moment is said now: the same words may be said again when others were said between.
  const said =
    list === "documentClasses"
      ? rows.flatMap((row) => known.classNews(row as unknown as ClassRow, known.nowMs) ?? [])
      : rows;
  return { kind: "good", rows: rows.length, statements: statementsOf(dataOf(list, said)) };
}

type Row = Readonly<Record<string, string | number | readonly string[]>>;

type Cells = readonly string[];

/** The line of names has its own mistakes, and may be as long as the whole table. */
function strangeNames(columns: Cells, header: Cells): readonly TableProblem[] {
  const none = header
    .filter((name) => !columns.includes(name))
    .slice(0, PROBLEMS_MAX)
    .map((column) => ({ line: 1, column, what: `is none of ${columns.join(", ")}` }));
  const twice = columns
    .filter((name) => header.indexOf(name) !== header.lastIndexOf(name))
    .map((column) => ({ line: 1, column, what: "is there more than once" }));
  return [...twice, ...none];
}

function linesIn(
  text: string,
  columns: Cells,
):
  | { readonly kind: "good"; readonly header: Cells; readonly lines: readonly Cells[] }
  | { readonly kind: "bad"; readonly problem: TableProblem } {
  const [names = ""] = text.split(/\r?\n/, 1);
  const delimiter = delimiterOf(names);
  const named = names.split(delimiter).length;
  if (named > COLUMNS_MAX)
    return bad(1, `${named} columns; the list has ${columns.length}: ${columns.join(", ")}`);
  try {
    const [header = [], ...lines] = parse(text, {
      bom: true,
      delimiter,
      trim: true,
      skip_empty_lines: true,
      relax_column_count_less: true,
      to: TABLE_ROWS_MAX + 2,
    }) as string[][];
    if (lines.length > TABLE_ROWS_MAX)
      return bad(TABLE_ROWS_MAX + FIRST_LINE, `more than ${TABLE_ROWS_MAX} rows; cut the file`);
    return { kind: "good", header, lines };
  } catch (error) {
    const { lines = 1 } = error as { lines?: number };
    return bad(lines, (error as Error).message);
  }
}

/** The line of names has no other use for any of them. */
function delimiterOf(names: string): string {
  return DELIMITERS.find((one) => names.includes(one)) ?? ",";
}

function bad(line: number, what: string) {
  return { kind: "bad" as const, problem: { line, column: "", what } };
}

function unescaped(cell: string): string {
  return /^'[=+\-@\t\r]/.test(cell) ? cell.slice(1) : cell;
}

/** An empty cell says nothing. */
function rowOf(list: RegisterList, record: RegisterRow): Row {
  const said = Object.entries(record).filter(([, cell]) => cell !== "");
  return Object.fromEntries(
    said.map(([name, cell]) => {
      if (list === "documents" && name === "pages") return [name, cell.split(/\s+/)];
      return [name, isNumber(list, name) ? numberOf(cell) : cell];
    }),
  );
}

function isNumber(list: RegisterList, column: string): boolean {
  return propertiesOf(list)[column]?.type === "number";
}

/** As people of any country write it, without marks for thousands; the cell as it is when it is none. */
function numberOf(cell: string): number | string {
  const plain = cell.replace(",", ".").replace("\u2212", "-");
  return /^[+-]?\d+(\.\d+)?$/.test(plain) ? Number(plain) : cell;
}

function propertiesOf(list: RegisterList): Readonly<Record<string, Property>> {
  return masterDataSchema.properties[list].items.properties as Readonly<Record<string, Property>>;
}

type Property = {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
};

function misfits(list: RegisterList, row: Row, line: number): readonly TableProblem[] {
  const { required } = masterDataSchema.properties[list].items;
  const properties = propertiesOf(list);
  const lacks = required
    .filter((name) => row[name] === undefined)
    .map((column) => ({ line, column, what: "is missing" }));
  const wrong = Object.entries(row).flatMap(([column, cell]) => {
    const property = properties[column];
    if (property === undefined || typeof cell !== "string") return [];
    const what = misfit(cell, property);
    return what === undefined ? [] : [{ line, column, what }];
  });
  return [...lacks, ...wrong];
}

function misfit(cell: string, property: Property): string | undefined {
  const { type, enum: words, pattern, maxLength } = property;
  if (type === "number") return `"${cell}" is no number`;
  if (words !== undefined && !words.includes(cell))
    return `"${cell}" is none of ${words.join(", ")}`;
  if (pattern !== undefined && !new RegExp(pattern, "u").test(cell))
    return `"${cell}" is not written as it has to be`;
  if (maxLength !== undefined && cell.length > maxLength)
    return `has more than ${maxLength} characters`;
  return undefined;
}

function contradictions(
  list: RegisterList,
  rows: readonly Row[],
  { knows, unitsOf }: Known,
): readonly TableProblem[] {
  const found = contradictionsIn(dataOf(list, rows)).map(({ path, what }) => ({
    line: Number(path[1]) + FIRST_LINE,
    column: String(path[2] ?? ""),
    what,
  }));
  if (found.length > 0) return found;
  if (list === "ranges") return rows.flatMap((row, index) => wrongUnit(row, index, unitsOf));
  const own = new Set(rows.map(({ id }) => id));
  return rows.flatMap((row, index) =>
    REFERENCES.flatMap((column) => {
      const id = row[column];
      if (typeof id !== "string" || own.has(id) || knows(id)) return [];
      return [{ line: index + FIRST_LINE, column, what: `${id} is not known` }];
    }),
  );
}

/** A range in a unit that the device is not read in would never be compared with anything. */
function wrongUnit(row: Row, index: number, unitsOf: Known["unitsOf"]): readonly TableProblem[] {
  const units = unitsOf(String(row["gateway"]), String(row["device"]), String(row["property"]));
  if (units.length === 0 || units.includes(String(row["unit"]))) return [];
  const what = `${row["property"]} of ${row["device"]} is read in ${units.join(", ")}`;
  return [{ line: index + FIRST_LINE, column: "unit", what }];
}

/** What a row says of other things; they have to be there, or in the same table. */
const REFERENCES = ["parent", "site", "defaultPlace", "unpackingPlace", "place"];

function dataOf(list: RegisterList, rows: readonly Row[]): MasterData {
  const none: MasterData = {
    ...{ places: [], assetTypes: [], gateways: [], scanners: [], ranges: [] },
    ...{ persons: [], parties: [], things: [], documents: [] },
    documentClasses: [],
  };
  return { ...none, [list]: rows };
}
