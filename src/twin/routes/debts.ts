/** What is owed, summed up by who owes it and who sees to it that it comes. */
import { Type } from "typebox";
import type { Debts } from "../../store/debts.ts";
import type { HttpApp } from "./app.ts";
import {
  AskedInstant,
  ListOf,
  MaybeInstant,
  Owing,
  Position,
  ProblemShape,
  timeOf,
} from "./shapes.ts";

export type DebtRoutesDeps = {
  readonly debts: Debts;
  readonly nowMs: () => number;
  /** All that is asked within sees the rows of one position. */
  readonly at: <T>(ask: (position: number) => T) => T;
};

export function registerDebtRoutes(
  app: HttpApp,
  { debts, nowMs, at: atOnce }: DebtRoutesDeps,
): void {
  app.get("/api/v1/debts", { schema, config: { role: "viewer" } }, ({ query }) =>
    atOnce((position) => ({
      position,
      ...debts.debts({ at: timeOf(query.at) ?? nowMs(), asKnownAt: timeOf(query.asKnownAt) }),
    })),
  );
}

const documents = Type.Integer({ minimum: 0 });

const schema = {
  tags: ["documents"],
  summary: "Debts by customer and account manager: how many, how old, and when one was reminded",
  querystring: Type.Object(
    { at: Type.Optional(AskedInstant), asKnownAt: Type.Optional(AskedInstant) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      position: Position,
      groups: ListOf(
        Type.Object(
          {
            ...Owing.properties,
            documents,
            overdue: documents,
            ageing: Type.Object(
              {
                notDue: documents,
                to30: documents,
                to60: documents,
                to90: documents,
                over90: documents,
              },
              { title: "Ageing", description: "By how many days they are overdue" },
            ),
            oldestDue: MaybeInstant,
            reminders: documents,
            lastReminder: MaybeInstant,
          },
          { title: "DebtGroup" },
        ),
      ),
      more: Type.Boolean({ description: "More is owed than was summed up" }),
    }),
    400: ProblemShape,
  },
};
