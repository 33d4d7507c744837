/** Questions about the archive as a plan, and what its counts came to. */
import { Type } from "typebox";
import type { Places } from "../../store/places.ts";
import type { HttpApp } from "./app.ts";
import {
  AskedInstant,
  Id,
  ListOf,
  MaybeInstant,
  Named,
  orNull,
  Path,
  Position,
  ProblemShape,
  timeOf,
} from "./shapes.ts";
import { refuse } from "./things.ts";

export type PlaceRoutesDeps = {
  readonly places: Places;
  /** All that is asked within sees the rows of one position. */
  readonly at: <T>(ask: (position: number) => T) => T;
};

export function registerPlaceRoutes(app: HttpApp, { places, at: atOnce }: PlaceRoutesDeps): void {
  app.get("/api/v1/sites", { schema: sitesSchema, config: { role: "viewer" } }, () =>
    atOnce((position) => ({ position, sites: places.sites() })),
  );

  app.get("/api/v1/map", { schema: mapSchema, config: { role: "viewer" } }, (request) => {
    const { id, at, asKnownAt } = request.query;
    return atOnce((position) => {
      const found = places.map(id, timeOf(at), timeOf(asKnownAt));
      return found.ok ? { position, ...found } : refuse(found);
    });
  });

  app.get("/api/v1/counts", { schema: countsSchema, config: { role: "viewer" } }, (request) =>
    atOnce((position) => {
      const found = places.lastCount(request.query.id);
      return found.ok ? { position, ...found } : refuse(found);
    }),
  );
}

const refusals = { 400: ProblemShape, 404: ProblemShape };

const sitesSchema = {
  tags: ["places"],
  summary: "The sites that gateways stand at: where a map begins",
  response: { 200: Type.Object({ position: Position, sites: ListOf(Named) }) },
};

const mapSchema = {
  tags: ["places"],
  summary: "What is directly in a place, with how much is in each of it and when that changed",
  querystring: Type.Object(
    { id: Id, at: Type.Optional(AskedInstant), asKnownAt: Type.Optional(AskedInstant) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      ...Named.properties,
      path: Path,
      cells: ListOf(
        Type.Object(
          {
            ...Named.properties,
            holds: Type.Integer({ description: "Things directly in it" }),
            more: Type.Boolean({ description: "There are more than were counted" }),
            changed: MaybeInstant,
          },
          { title: "Cell" },
        ),
      ),
      more: Type.Boolean(),
    }),
    ...refusals,
  },
};

const countsSchema = {
  tags: ["counts"],
  summary: "What the last concluded count of a place came to",
  querystring: Type.Object({ id: Id }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      position: Position,
      ...Named.properties,
      last: orNull(
        Type.Object(
          {
            expected: Type.Integer(),
            found: Type.Integer(),
            missing: ListOf(Named),
            unexpected: ListOf(Named),
          },
          { title: "CountResult" },
        ),
      ),
    }),
    ...refusals,
  },
};
