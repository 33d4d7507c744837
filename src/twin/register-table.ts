/**
 * Master data as a table that a spreadsheet opens: a list is read whole, every mistake in it is told
 * with its line and column, and only a list without one becomes statements. Pure.
 */
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { REGISTER_COLUMNS, type RegisterList, type RegisterRow } from "../store/register.ts";
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
const FIRST_LINE = 2;
/** Spreadsheets of many countries write semicolons. */
const DELIMITERS = [",", ";", "\t"];

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

/** `knows`: whether the twin has heard of an id that the table only refers to. */
export function readTable(list: RegisterList, text: string, knows: (id: string) => boolean): Table {
  const cut = recordsIn(text);
  if (cut.kind === "bad") return { kind: "bad", rows: 0, problems: [cut.problem] };
  const { records, header } = cut;
  const columns = REGISTER_COLUMNS[list];
  const strange = header
    .filter((name) => !columns.includes(name))
    .map((column) => ({ line: 1, column, what: `is none of ${columns.join(", ")}` }));
  const rows = records.map((record) => rowOf(list, record));
  const problems = [
    ...strange,
    ...rows.flatMap((row, index) => misfits(list, row, index + FIRST_LINE)),
  ];
  if (problems.length === 0) problems.push(...contradictions(list, rows, knows));
  if (problems.length > 0)
    return { kind: "bad", rows: rows.length, problems: problems.slice(0, PROBLEMS_MAX) };
  return { kind: "good", rows: rows.length, statements: statementsOf(dataOf(list, rows)) };
}

type Row = Readonly<Record<string, string | readonly string[]>>;

function recordsIn(
  text: string,
):
  | { readonly kind: "good"; header: readonly string[]; records: readonly RegisterRow[] }
  | { readonly kind: "bad"; readonly problem: TableProblem } {
  try {
    const [header = [], ...lines] = parse(text, {
      bom: true,
      delimiter: DELIMITERS,
      trim: true,
      skip_empty_lines: true,
      relax_column_count_less: true,
      to: TABLE_ROWS_MAX + 2,
    }) as string[][];
    if (lines.length > TABLE_ROWS_MAX)
      return bad(TABLE_ROWS_MAX + FIRST_LINE, `more than ${TABLE_ROWS_MAX} rows; cut the file`);
    const records = lines.map((cells) =>
      Object.fromEntries(header.map((name, n) => [name, unescaped(cells[n] ?? "")])),
    );
    return { kind: "good", header, records };
  } catch (error) {
    const { lines = 1 } = error as { lines?: number };
    return bad(lines, (error as Error).message);
  }
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
    said.map(([name, cell]) => [
      name,
      list === "documents" && name === "pages" ? cell.split(/\s+/) : cell,
    ]),
  );
}

type Property = {
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
};

function misfits(list: RegisterList, row: Row, line: number): readonly TableProblem[] {
  const { required, properties } = masterDataSchema.properties[list].items;
  const lacks = required
    .filter((name) => row[name] === undefined)
    .map((column) => ({ line, column, what: "is missing" }));
  const wrong = Object.entries(row).flatMap(([column, cell]) => {
    const property = (properties as Readonly<Record<string, Property>>)[column];
    if (property === undefined || typeof cell !== "string") return [];
    const what = misfit(cell, property);
    return what === undefined ? [] : [{ line, column, what }];
  });
  return [...lacks, ...wrong];
}

function misfit(cell: string, { enum: words, pattern, maxLength }: Property): string | undefined {
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
  knows: (id: string) => boolean,
): readonly TableProblem[] {
  const found = contradictionsIn(dataOf(list, rows)).map(({ path, what }) => ({
    line: Number(path[1]) + FIRST_LINE,
    column: String(path[2] ?? ""),
    what,
  }));
  if (found.length > 0) return found;
  const own = new Set(rows.map(({ id }) => id));
  return rows.flatMap((row, index) =>
    REFERENCES.flatMap((column) => {
      const id = row[column];
      if (typeof id !== "string" || own.has(id) || knows(id)) return [];
      return [{ line: index + FIRST_LINE, column, what: `${id} is not known` }];
    }),
  );
}

/** What a row says of other things; they have to be there, or in the same table. */
const REFERENCES = ["parent", "site", "defaultPlace", "unpackingPlace", "place"];

function dataOf(list: RegisterList, rows: readonly Row[]): MasterData {
  const none: MasterData = {
    ...{ places: [], assetTypes: [], gateways: [], scanners: [] },
    ...{ persons: [], parties: [], things: [], documents: [] },
  };
  return { ...none, [list]: rows };
}
