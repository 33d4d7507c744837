/** What carriers said on the way, and in whose hands a thing is. */
import { Type } from "typebox";
import type { CarrierTracks } from "../../store/carrier-track.ts";
import type { HttpApp } from "./app.ts";
import {
  AskedInstant,
  Evidence,
  Id,
  Instant,
  ListOf,
  MaybeInstant,
  Named,
  orNull,
  Position,
  ProblemShape,
  timeOf,
} from "./shapes.ts";
import { refuse } from "./things.ts";

export type CheckpointRoutesDeps = {
  readonly track: CarrierTracks;
  /** All that is asked within sees the rows of one position. */
  readonly at: <T>(ask: (position: number) => T) => T;
};

export function registerCheckpointRoutes(
  app: HttpApp,
  { track, at: atOnce }: CheckpointRoutesDeps,
): void {
  app.get("/api/v1/checkpoints", { schema, config: { role: "viewer" } }, (request) => {
    const { id, at, asKnownAt } = request.query;
    return atOnce((position) => {
      const found = track(id, timeOf(at), timeOf(asKnownAt));
      return found.ok ? { position, id, ...found } : refuse(found);
    });
  });
}

const schema = {
  tags: ["things"],
  summary: "What carriers said of a thing or of what it is in, and who has it",
  querystring: Type.Object(
    { id: Id, at: Type.Optional(AskedInstant), asKnownAt: Type.Optional(AskedInstant) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      id: Type.String(),
      ...Named.properties,
      heldBy: orNull(
        Type.Object(
          { who: Named, since: MaybeInstant },
          { title: "Holder", description: "The carrier or person that has it" },
        ),
      ),
      checkpoints: ListOf(
        Type.Object(
          {
            time: Instant,
            status: Type.String({ description: "As the carrier says: transit, delivered, ..." }),
            place: orNull(Type.String({ description: "In the carrier's words" })),
            of: Named,
            evidence: Evidence,
          },
          { title: "CarrierCheckpoint" },
        ),
        { description: "The oldest first" },
      ),
    }),
    400: ProblemShape,
    404: ProblemShape,
  },
};
