/** What became of what came in: events with their voids and refusals, and reads that meant nothing. */
import { Type } from "typebox";
import type { Audit } from "../../store/audit.ts";
import type { HttpApp } from "./app.ts";
import {
  AskedInstant,
  EventName,
  Limit,
  ListOf,
  MaybeInstant,
  Named,
  orNull,
  Position,
  timeOf,
} from "./shapes.ts";

export type AuditRoutesDeps = {
  readonly audit: Audit;
  /** All that is asked within sees the rows of one position. */
  readonly at: <T>(ask: (position: number) => T) => T;
};

export function registerAuditRoutes(app: HttpApp, { audit, at: atOnce }: AuditRoutesDeps): void {
  app.get(
    "/api/v1/audit/events",
    { schema: eventsSchema, config: { role: "viewer" } },
    ({ query }) => atOnce((position) => ({ position, ...audit.events(questionOf(query)) })),
  );

  app.get("/api/v1/audit/reads", { schema: readsSchema, config: { role: "viewer" } }, ({ query }) =>
    atOnce((position) => ({ position, ...audit.reads(query.gateway, questionOf(query)) })),
  );
}

type Query = {
  readonly from: string;
  readonly at?: string;
  readonly asKnownAt?: string;
  readonly limit: number;
  readonly cursor?: string;
};

function questionOf({ from, at, asKnownAt, ...page }: Query) {
  const moments = { at: timeOf(at), asKnownAt: timeOf(asKnownAt) };
  return { fromMs: Date.parse(from), ...moments, limit: page.limit, cursor: page.cursor };
}

const asked = {
  from: AskedInstant,
  at: Type.Optional(AskedInstant),
  asKnownAt: Type.Optional(AskedInstant),
  limit: Limit(100, 1_000),
  cursor: Type.Optional(
    Type.String({
      pattern: "^-?\\d{1,15}\\.\\d{1,6}$",
      description: "What the page before gave as next; asKnownAt keeps the list as it was",
    }),
  ),
};
const more = {
  more: Type.Boolean({ description: "There are more" }),
  next: orNull(Type.String({ description: "Cursor of the next page; null at the end" })),
};

const eventsSchema = {
  tags: ["evidence"],
  summary: "What scans and statements came to mean, voided and refused events among them",
  querystring: Type.Object(asked, { additionalProperties: false }),
  response: {
    200: Type.Object({
      position: Position,
      events: ListOf(
        Type.Object(
          {
            ...EventName.properties,
            time: MaybeInstant,
            action: Type.String(),
            bizStep: Type.String(),
            by: Type.String(),
            things: ListOf(Named),
            knownFrom: MaybeInstant,
            voided: orNull(Type.Object({ by: EventName, reason: Type.String() })),
            refused: orNull(
              Type.Object({
                whole: Type.Boolean({ description: "It did nothing at all" }),
                things: ListOf(Type.Object({ key: Type.String(), why: Type.String() })),
              }),
            ),
          },
          { title: "AuditedEvent" },
        ),
      ),
      ...more,
    }),
  },
};

const readsSchema = {
  tags: ["evidence"],
  summary: "What became of each read of a gateway's scanners",
  querystring: Type.Object(
    { ...asked, gateway: Type.String({ minLength: 1, maxLength: 64 }) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      reads: ListOf(
        Type.Object(
          {
            ...EventName.properties,
            time: MaybeInstant,
            scanner: Type.String(),
            code: Type.String(),
            became: Type.String({
              description: "taken, bounce, command, misread, foreign, wrong_class or refused",
            }),
            reason: Type.String(),
          },
          { title: "AuditedRead" },
        ),
      ),
      ...more,
    }),
  },
};
