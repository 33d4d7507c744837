/**
 * Master data as lists and as tables: read, written out, tried and taken in. What is taken in becomes
 * statements in the evidence; a table with a mistake changes nothing, and one that says what is known
 * already records nothing.
 */
import { Type } from "typebox";
import {
  REGISTER_COLUMNS,
  REGISTER_LISTS,
  type Register,
  type RegisterList,
} from "../../store/register.ts";
import { readTable, TABLE_ROWS_MAX, tableOf } from "../register-table.ts";
import type { Writer } from "../writer.ts";
import { type HttpApp, Refusal } from "./app.ts";
import { Limit, ListOf, orNull, Position, ProblemShape } from "./shapes.ts";

export type RegisterRoutesDeps = {
  readonly register: Register;
  readonly state: Writer["state"];
  /** All that is asked within sees the rows of one position. */
  readonly at: <T>(ask: (position: number) => T) => T;
};

const TABLE_BYTES_MAX = 8 * 1024 * 1024;

export function registerRegisterRoutes(app: HttpApp, deps: RegisterRoutesDeps): void {
  const { register, state, at } = deps;

  app.get(
    "/api/v1/register",
    { schema: listSchema, config: { role: "viewer" } },
    ({ query: { list, limit, cursor } }) =>
      at((position) => ({
        position,
        columns: [...REGISTER_COLUMNS[list]],
        ...register.rows(list, { cursor, limit }),
      })),
  );

  app.get(
    "/api/v1/register/table",
    { schema: tableSchema, config: { role: "viewer" } },
    async ({ query: { list } }, reply) => {
      const { rows, next } = register.rows(list, { limit: TABLE_ROWS_MAX });
      if (next !== null) throw tooLong();
      reply
        .type("text/csv; charset=utf-8")
        .header("content-disposition", `attachment; filename="${list}.csv"`);
      return tableOf(list, rows);
    },
  );

  app.post(
    "/api/v1/register/table",
    { schema: importSchema, config: { role: "archivist" }, bodyLimit: TABLE_BYTES_MAX },
    async (request) => {
      const { list, table, only } = request.body;
      const read = readTable(list, table, register.knows);
      request.deed = `${list} ${read.rows} rows`;
      if (read.kind === "bad")
        return { rows: read.rows, recorded: null, problems: [...read.problems] };
      const recorded = only === "preview" ? null : await state(read.statements);
      return { rows: read.rows, recorded, problems: [] };
    },
  );
}

function tooLong(): Refusal {
  return new Refusal({
    status: 422,
    title: "Too long for one table",
    detail: `The list has more than ${TABLE_ROWS_MAX} rows.`,
    next: "GET /api/v1/register gives it a page at a time.",
  });
}

const tags = ["administration"];
const List = Type.Unsafe<RegisterList>({
  type: "string",
  title: "RegisterList",
  enum: [...REGISTER_LISTS],
});

const listSchema = {
  tags,
  summary: "Master data, a list a page at a time",
  querystring: Type.Object(
    {
      list: List,
      limit: Limit(100, 1_000),
      cursor: Type.Optional(Type.String({ maxLength: 512 })),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      columns: ListOf(Type.String()),
      rows: ListOf(Type.Record(Type.String(), Type.String())),
      next: orNull(Type.String({ description: "Cursor of the next page; null at the end" })),
    }),
    400: ProblemShape,
  },
};

const tableSchema = {
  tags,
  summary: "Master data, a list as CSV (RFC 4180, UTF-8) that a spreadsheet opens",
  querystring: Type.Object({ list: List }, { additionalProperties: false }),
  response: { 200: Type.String({ description: "text/csv" }), "4xx": ProblemShape },
};

const importSchema = {
  tags,
  summary: "A list as CSV: tried, or taken in if no row has a mistake",
  body: Type.Object(
    {
      list: List,
      table: Type.String({ maxLength: TABLE_BYTES_MAX, description: "CSV with a line of names" }),
      only: Type.Optional(
        Type.String({ enum: ["preview"], description: "Says what is wrong and takes nothing in" }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      rows: Type.Integer(),
      recorded: orNull(
        Type.Integer({ description: "Rows that were news; null: nothing was taken in" }),
      ),
      problems: ListOf(
        Type.Object(
          {
            line: Type.Integer({ description: "1 is the line of names" }),
            column: Type.String(),
            what: Type.String(),
          },
          { title: "TableProblem" },
        ),
      ),
    }),
    "4xx": ProblemShape,
  },
};
