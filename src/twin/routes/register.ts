/**
 * Master data as lists and as tables: read, written out, tried and taken in. What is taken in becomes
 * statements in the evidence; a table with a mistake changes nothing, and one that says what is known
 * already records nothing. Beside it what a person asks of the same page: how closely documents of each
 * class are followed in all, and what is kept.
 */
import { Type } from "typebox";
import type { EvidenceReader } from "../../store/evidence.ts";
import {
  REGISTER_COLUMNS,
  REGISTER_LISTS,
  type Register,
  type RegisterList,
} from "../../store/register.ts";
import { readTable, TABLE_ROWS_MAX, tableOf } from "../register-table.ts";
import type { Writer } from "../writer.ts";
import { type HttpApp, Refusal } from "./app.ts";
import {
  instant,
  Limit,
  ListOf,
  MaybeInstant,
  orNull,
  Position,
  ProblemShape,
  wordOf,
} from "./shapes.ts";

export type RegisterRoutesDeps = {
  readonly register: Register;
  readonly state: Writer["state"];
  readonly evidence: EvidenceReader;
  readonly nowMs: () => number;
  /** All that is asked within sees the rows of one position. */
  readonly at: <T>(ask: (position: number) => T) => T;
};

const TABLE_BYTES_MAX = 8 * 1024 * 1024;

export function registerRegisterRoutes(app: HttpApp, deps: RegisterRoutesDeps): void {
  const { register, state, evidence, nowMs, at } = deps;

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
      const read = readTable(list, table, { ...register, nowMs: nowMs() });
      request.deed = `${list} ${read.rows} rows`;
      if (read.kind === "bad")
        return answered({ rows: read.rows, recorded: null, problems: [...read.problems] });
      const recorded = only === "preview" ? null : await state(read.statements);
      if (typeof recorded === "object" && recorded !== null) throw notNow(recorded.why);
      return answered({ rows: read.rows, recorded, problems: [] });
    },
  );

  /** Whoever shows the list at this position shows what was taken in. */
  function answered<T extends object>(outcome: T): T & { position: number } {
    return { position: evidence.latest(), ...outcome };
  }

  app.get("/api/v1/register/classes", { schema: classesSchema, config: { role: "viewer" } }, () =>
    at((position) => {
      const { classes, others } = register.classes(nowMs());
      return { position, classes: classes.map(shownClass), others: shownClass(others) };
    }),
  );

  app.get("/api/v1/retention", { schema: retentionSchema, config: { role: "viewer" } }, () => {
    const { value: first } = evidence.from(1).next();
    const lost = evidence.missing(0).reduce((sum, { events }) => sum + events, 0);
    return {
      events: evidence.latest(),
      since: first === undefined ? null : instant(first.takenInAtMs),
      lost,
      quarantine: evidence.quarantineCounts(),
    };
  });
}

function shownClass({ levels, ...one }: ReturnType<Register["classes"]>["others"]) {
  return { ...one, levels: levels.map((step) => ({ ...step })) };
}

function tooLong(): Refusal {
  return new Refusal({
    status: 422,
    title: "Too long for one table",
    detail: `The list has more than ${TABLE_ROWS_MAX} rows.`,
    next: "GET /api/v1/register gives it a page at a time.",
  });
}

function notNow(why: string): Refusal {
  return new Refusal({
    status: 503,
    title: "Not taken in",
    detail: `${why}.`,
    next: "Make room where the twin keeps its data if its disk is full, and send the table again: what is known already is not recorded twice.",
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
      position: Type.Integer({ description: "A list of this position has what was taken in" }),
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
    503: ProblemShape,
  },
};

const Level = wordOf("Level", ["none", "received", "tracked"]);
const DocumentClass = Type.Object(
  {
    class: Type.String({ description: "* stands for classes that are not named" }),
    name: orNull(Type.String({ description: "What people call it; null: nobody said" })),
    level: Level,
    levels: ListOf(
      Type.Object({
        level: Level,
        from: orNull(Type.String({ description: "For what was issued since; null: always" })),
      }),
    ),
  },
  { title: "DocumentClass" },
);

const classesSchema = {
  tags,
  summary:
    "Classes of documents and how closely each is followed: what people said over the configuration",
  response: {
    200: Type.Object({ position: Position, classes: ListOf(DocumentClass), others: DocumentClass }),
  },
};

const retentionSchema = {
  tags,
  summary: "What is kept: since when, how much, and what was lost before it came in",
  response: {
    200: Type.Object({
      events: Type.Integer({ description: "In the evidence; none is ever deleted" }),
      since: MaybeInstant,
      lost: Type.Integer({
        description: "Numbers that never came in; GET /api/v1/gateways says of which gateway",
      }),
      quarantine: Type.Object({
        held: Type.Integer({ description: "Not taken in, and kept: GET /api/v1/quarantine" }),
        evicted: Type.Integer({ description: "Older ones that made room" }),
      }),
    }),
  },
};
