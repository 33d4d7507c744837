/** Questions about things: where, history, contents, search. */
import { Type } from "typebox";
import type { Answers, NotFound } from "../../store/answers.ts";
import type { Find } from "../../store/find.ts";
import { type HttpApp, Refusal } from "./app.ts";
import {
  AskedInstant,
  Certainty,
  Evidence,
  Id,
  Limit,
  ListOf,
  MaybeInstant,
  Named,
  orNull,
  Path,
  Position,
  ProblemShape,
  timeOf,
  Whereabouts,
} from "./shapes.ts";

export type ThingRoutesDeps = {
  readonly answers: Answers;
  readonly find: Find;
  /** All that is asked within sees the rows of one position. */
  readonly at: <T>(ask: (position: number) => T) => T;
};

const SEARCH_CHARACTERS_MAX = 512;

export function registerThingRoutes(app: HttpApp, deps: ThingRoutesDeps): void {
  const { answers, find, at: atOnce } = deps;
  app.get("/api/v1/where", { schema: whereSchema, config: { role: "viewer" } }, (request) => {
    const { id, at, asKnownAt } = request.query;
    return atOnce((position) => {
      const found = answers.where(id, timeOf(at), timeOf(asKnownAt));
      return found.ok ? { position, id, ...found } : refuse(found);
    });
  });

  app.get("/api/v1/history", { schema: historySchema, config: { role: "viewer" } }, (request) => {
    const { id, at, asKnownAt } = request.query;
    return atOnce((position) => {
      const found = answers.history(id, timeOf(at), timeOf(asKnownAt));
      return found.ok ? { position, id, ...found } : refuse(found);
    });
  });

  app.get("/api/v1/contents", { schema: contentsSchema, config: { role: "viewer" } }, (request) => {
    const { id, at, asKnownAt, limit, cursor } = request.query;
    return atOnce((position) => {
      const found = answers.contents(id, timeOf(at), limit, timeOf(asKnownAt), cursor);
      return found.ok ? { position, id, ...found } : refuse(found);
    });
  });

  app.get("/api/v1/search", { schema: searchSchema, config: { role: "viewer" } }, (request) => {
    const { q, limit } = request.query;
    return atOnce((position) => ({ position, ...find(q, limit) }));
  });
}

export function refuse({ why, detail }: NotFound): never {
  if (why === "misread")
    throw new Refusal({
      status: 400,
      title: "This is not a whole barcode",
      detail: `The identifier was not read right: ${detail}.`,
      next: "Scan it again, or compare it with the label.",
    });
  throw new Refusal({
    status: 404,
    title: "Not known",
    detail: `${detail}.`,
    next: "Check the identifier; GET /api/v1/search finds things by the beginning of a serial.",
  });
}

const asked = { id: Type.String(), position: Position };

const question = {
  id: Id,
  at: Type.Optional(AskedInstant),
  asKnownAt: Type.Optional(AskedInstant),
};
const refusals = { 400: ProblemShape, 404: ProblemShape };

const whereSchema = {
  tags: ["things"],
  summary: "Where a thing is, or was `at` a time, as it was known `asKnownAt` a time",
  querystring: Type.Object(question, { additionalProperties: false }),
  response: {
    200: Type.Object({ ...asked, ...Whereabouts.properties }),
    ...refusals,
  },
};

const historySchema = {
  tags: ["things"],
  summary: "Every place a thing was in, newest last",
  querystring: Type.Object(question, { additionalProperties: false }),
  response: {
    200: Type.Object({
      ...asked,
      ...Named.properties,
      moves: ListOf(
        Type.Object(
          {
            from: MaybeInstant,
            to: MaybeInstant,
            parent: orNull(Named),
            path: Path,
            action: Type.String(),
            bizStep: Type.String(),
            by: Type.String(),
            certainty: Certainty,
            knownFrom: Type.String(),
            evidence: Evidence,
          },
          { title: "Move" },
        ),
      ),
    }),
    ...refusals,
  },
};

const contentsSchema = {
  tags: ["things"],
  summary: "What is directly in a thing",
  querystring: Type.Object(
    {
      ...question,
      limit: Limit(100, 1_000),
      cursor: Type.Optional(
        Type.Integer({ minimum: 0, description: "What the answer before gave as `next`" }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      ...asked,
      ...Named.properties,
      children: ListOf(
        Type.Object(
          { ...Named.properties, since: MaybeInstant, certainty: Certainty },
          { title: "Child" },
        ),
      ),
      more: Type.Boolean(),
      next: Type.Union([Type.Integer(), Type.Null()]),
    }),
    ...refusals,
  },
};

const Found = Type.Object({ ...Named.properties, path: Path }, { title: "Found" });

const searchSchema = {
  tags: ["things"],
  summary:
    "Things by any barcode form, the beginning of a serial, of a tracking number or of a name; an exact match comes first",
  querystring: Type.Object(
    {
      q: Type.String({ minLength: 1, maxLength: SEARCH_CHARACTERS_MAX }),
      limit: Limit(20, 200),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      results: ListOf(Found),
      documents: ListOf(Type.String(), { description: "Documents whose number begins so" }),
      near: ListOf(Found, {
        description: "When nothing was found: what has nearly this serial",
      }),
    }),
    400: ProblemShape,
  },
};
