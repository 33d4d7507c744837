/**
 * Questions about what the twin thinks of the world: documents and debts, gates, discrepancies, why
 * an answer changed, and what people did on a belief that has changed since.
 */
import { Type } from "typebox";
import type { Answers } from "../../store/answers.ts";
import type { Discrepancies } from "../../store/discrepancies.ts";
import type { Documents } from "../../store/documents.ts";
import type { Reviews } from "../../store/reviews.ts";
import type { Why } from "../../store/why.ts";
import { type HttpApp, Refusal } from "./app.ts";
import {
  AskedInstant,
  Certainty,
  Cited,
  EventName,
  Evidence,
  Id,
  Limit,
  ListOf,
  MaybeInstant,
  Named,
  Owing,
  orNull,
  Path,
  Position,
  ProblemShape,
  State,
  timeOf,
  Whereabouts,
  wordOf,
} from "./shapes.ts";
import { refuse } from "./things.ts";

export type JudgementRoutesDeps = {
  readonly answers: Answers;
  readonly discrepancies: Discrepancies;
  readonly documents: Documents;
  readonly reviews: Reviews;
  readonly why: Why;
  /** All that is asked within sees the rows of one position. */
  readonly at: <T>(ask: (position: number) => T) => T;
};

export function registerJudgementRoutes(app: HttpApp, deps: JudgementRoutesDeps): void {
  const { answers, discrepancies, documents, reviews, why, at: atOnce } = deps;

  app.get(
    "/api/v1/discrepancies",
    { schema: discrepanciesSchema, config: { role: "viewer" } },
    (request) => {
      const { at, asKnownAt, before, ...asked } = request.query;
      const moments = { at: timeOf(at), asKnownAt: timeOf(asKnownAt), before: timeOf(before) };
      return atOnce((position) => ({
        position,
        ...discrepancies.list({ ...asked, ...moments }),
      }));
    },
  );

  app.get(
    "/api/v1/documents",
    { schema: documentsSchema, config: { role: "viewer" } },
    (request) => {
      const { at, asKnownAt, ...asked } = request.query;
      return atOnce((position) => {
        const found = documents.list({ ...asked, at: timeOf(at), asKnownAt: timeOf(asKnownAt) });
        if (asked.id !== undefined && found.documents.length === 0 && asked.status === undefined)
          throw new Refusal({
            status: 404,
            title: "Not known",
            detail: `No document is called ${asked.id}, and no page of one.`,
            next: "GET /api/v1/documents lists those there are.",
          });
        return { position, ...found };
      });
    },
  );

  app.get("/api/v1/gates", { schema: gatesSchema, config: { role: "viewer" } }, (request) => {
    const { at, asKnownAt, name, status, limit, cursor: skip = 0 } = request.query;
    return atOnce((position) => {
      const known = answers.within.positionAt(timeOf(asKnownAt));
      const atMs = timeOf(at) ?? answers.within.latest();
      const gates = answers
        .gatesAsOf(atMs, known, name)
        .filter((gate) => status === undefined || gate.status === status);
      const shown = gates.slice(skip, skip + limit).map(({ findings, ...gate }) => ({
        ...gate,
        cause: findings.map(({ kind, reason }) => ({ kind, reason })),
        executions: reviews.executionsOf(gate.name, atMs, known),
      }));
      return { position, gates: shown, next: nextOf(gates.length, skip + limit) };
    });
  });

  app.get("/api/v1/why", { schema: whySchema, config: { role: "viewer" } }, (request) => {
    const { id, at, asKnownAt1, asKnownAt2 } = request.query;
    return atOnce((position) => {
      const found = why.why(id, timeOf(at), Date.parse(asKnownAt1), timeOf(asKnownAt2));
      return found.ok ? { position, id, ...found } : refuse(found);
    });
  });

  app.get("/api/v1/reviews", { schema: reviewsSchema, config: { role: "viewer" } }, (request) => {
    const { at, asKnownAt, limit, cursor: skip = 0 } = request.query;
    return atOnce((position) => {
      const found = reviews.list(timeOf(at), timeOf(asKnownAt), skip + limit);
      const next = found.more ? skip + limit : null;
      return { position, reviews: found.reviews.slice(skip), more: found.more, next };
    });
  });
}

function nextOf(all: number, given: number): number | null {
  return all > given ? given : null;
}

const axes = { at: Type.Optional(AskedInstant), asKnownAt: Type.Optional(AskedInstant) };
const oneOf = (words: readonly string[]) => Type.String({ enum: [...words] });
const cursor = Type.Optional(
  Type.String({ maxLength: 512, description: "What the page before gave as next" }),
);
/** Of lists that are worked out whole: so many were given already. */
const skipped = {
  cursor: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      description: "What the page before gave as next; asKnownAt keeps the list as it was",
    }),
  ),
};
const nextSkipped = orNull(
  Type.Integer({ description: "Cursor of the next page; null at the end" }),
);
const next = orNull(Type.String({ description: "Cursor of the next page; null at the end" }));

const Discrepancy = Type.Object(
  {
    kind: Type.String(),
    severity: wordOf("Severity", ["error", "warn", "info"]),
    subject: Type.String(),
    since: Type.String(),
    reason: Type.String(),
    evidence: Evidence,
    awaits: ListOf(Type.String(), {
      description:
        "Gateways that may still tell where a thing went that a count did not find; empty: final",
    }),
    acknowledged: orNull(
      Type.Object({
        by: Type.String(),
        reason: Type.String(),
        time: Type.String(),
        statement: EventName,
      }),
    ),
    assigned: orNull(
      Type.Object({
        to: Type.String({ description: "Who is to see to it" }),
        by: Type.String(),
        time: Type.String(),
        statement: EventName,
      }),
    ),
    resolved: orNull(
      Type.Object({
        by: wordOf("ResolvedBy", ["event", "late_event", "void", "registration", "human"]),
        reason: Type.String(),
        person: orNull(Type.String()),
        time: MaybeInstant,
        statement: orNull(EventName),
      }),
    ),
    place: orNull(
      Type.Object({
        path: Path,
        last: Type.Boolean({ description: "It is not known to be there now: it was last" }),
      }),
    ),
  },
  { title: "Discrepancy" },
);

const discrepanciesSchema = {
  tags: ["discrepancies"],
  summary: "Where model and world differ or did, why, and how it was settled",
  querystring: Type.Object(
    {
      ...axes,
      status: Type.Unsafe<"open" | "resolved" | "all">({
        ...oneOf(["open", "resolved", "all"]),
        default: "open",
      }),
      kind: Type.Optional(Type.String({ maxLength: 64 })),
      severity: Type.Optional(oneOf(["info", "warn", "error"])),
      subject: Type.Optional(Id),
      place: Type.Optional(Id),
      before: Type.Optional(AskedInstant),
      assignee: Type.Optional(Type.String({ maxLength: 256, description: "Who is to see to it" })),
      order: Type.Optional(
        Type.Unsafe<"newest" | "gravest">({
          ...oneOf(["newest", "gravest"]),
          description:
            "Newest first, unless it is said; gravest: errors first, and of one severity what has waited longest",
        }),
      ),
      limit: Limit(100, 1_000),
      cursor,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      open: ListOf(Discrepancy),
      resolved: ListOf(Discrepancy),
      next,
    }),
    400: ProblemShape,
  },
};

const DebtStatus = wordOf("DocumentStatus", ["none", "debt", "overdue", "cleared"]);

const documentsSchema = {
  tags: ["documents"],
  summary: "Documents: their pages and where each is, whether they are together and whether owed",
  querystring: Type.Object(
    {
      ...axes,
      id: Type.Optional(Id),
      class: Type.Optional(Type.String({ maxLength: 256 })),
      status: Type.Optional(
        Type.Unsafe<"debt" | "overdue" | "cleared" | "none" | "partial">(
          oneOf(["debt", "overdue", "cleared", "none", "partial"]),
        ),
      ),
      debtor: Type.Optional(Type.String({ maxLength: 256, description: "Who owes it" })),
      responsible: Type.Optional(
        Type.String({ maxLength: 256, description: "Who of us sees to it" }),
      ),
      limit: Limit(50, 500),
      cursor,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      documents: ListOf(
        Type.Object(
          {
            id: Type.String(),
            class: Type.String(),
            className: orNull(
              Type.String({ description: "What people call the class; null: nobody said" }),
            ),
            level: wordOf("Level", ["none", "received", "tracked"]),
            wholeness: wordOf("Wholeness", ["whole", "partial", "unknown"]),
            status: DebtStatus,
            obligations: ListOf(
              Type.Object({
                status: DebtStatus,
                issued: MaybeInstant,
                due: MaybeInstant,
                cleared: MaybeInstant,
                ...Owing.properties,
              }),
            ),
            reminders: ListOf(
              Type.Object({ time: MaybeInstant, by: Type.String(), note: Type.String() }),
            ),
            received: orNull(Type.Object({ time: MaybeInstant, by: Type.String() })),
            pages: ListOf(
              Type.Object(
                {
                  ...Named.properties,
                  path: Path,
                  state: State,
                  certainty: Certainty,
                  lastSeen: MaybeInstant,
                },
                { title: "DocumentPage" },
              ),
            ),
          },
          { title: "Document" },
        ),
      ),
      next,
    }),
    400: ProblemShape,
    404: ProblemShape,
  },
};

const gatesSchema = {
  tags: ["gates"],
  summary: "What has to be where before a process may run, whether it is, and what ran meanwhile",
  querystring: Type.Object(
    {
      ...axes,
      name: Type.Optional(Type.String({ maxLength: 256 })),
      status: Type.Optional(oneOf(["blocked", "open"])),
      limit: Limit(1_000, 1_000),
      ...skipped,
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      gates: ListOf(
        Type.Object(
          {
            name: Type.String(),
            entity: Type.String(),
            target: Type.String(),
            status: wordOf("GateStatus", ["blocked", "open"]),
            since: MaybeInstant,
            issued: MaybeInstant,
            deadline: MaybeInstant,
            cause: ListOf(Type.Object({ kind: Type.String(), reason: Type.String() })),
            executions: ListOf(
              Type.Object({
                process: Type.String(),
                time: MaybeInstant,
                by: Type.String(),
                statement: EventName,
                believed: Type.String({
                  description: "Of the gate, by what was known when it ran",
                }),
                now: Type.String({ description: "Of the gate when it ran, by what is known" }),
              }),
            ),
          },
          { title: "Gate" },
        ),
      ),
      next: nextSkipped,
    }),
    400: ProblemShape,
  },
};

const Reasons = ListOf(
  Type.Object(
    {
      change: wordOf("Change", ["learned", "withdrawn"]),
      thing: Named,
      parent: orNull(Named),
      action: Type.String(),
      bizStep: Type.String(),
      moved: Type.Boolean(),
      time: MaybeInstant,
      knownFrom: MaybeInstant,
      evidence: Cited,
      voided: orNull(Type.Object({ by: EventName, reason: Type.String() })),
    },
    { title: "WhyReason" },
  ),
);

const whySchema = {
  tags: ["things"],
  summary: "Why the answer changed between two moments of knowledge, and by what evidence",
  querystring: Type.Object(
    {
      id: Id,
      at: Type.Optional(AskedInstant),
      asKnownAt1: AskedInstant,
      asKnownAt2: Type.Optional(AskedInstant),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      id: Type.String(),
      ...Named.properties,
      at: MaybeInstant,
      changed: Type.Boolean(),
      before: Whereabouts,
      after: Whereabouts,
      reasons: Reasons,
      more: Type.Boolean(),
    }),
    400: ProblemShape,
    404: ProblemShape,
  },
};

const reviewsSchema = {
  tags: ["documents"],
  summary: "Processes, reminders and gates that rested on what is no longer believed",
  querystring: Type.Object(
    { ...axes, limit: Limit(100, 1_000), ...skipped },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      reviews: ListOf(
        Type.Object(
          {
            kind: wordOf("ReviewKind", ["process", "reminder", "gate"]),
            about: Type.String(),
            what: Type.String(),
            by: Type.String(),
            time: MaybeInstant,
            statement: orNull(EventName),
            believed: Type.String(),
            now: Type.String(),
            reasons: Reasons,
          },
          { title: "Review" },
        ),
      ),
      more: Type.Boolean(),
      next: nextSkipped,
    }),
    400: ProblemShape,
  },
};
