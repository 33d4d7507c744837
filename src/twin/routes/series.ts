/** Sensor series over HTTP: which there are, and one of them by time. */
import { Type } from "typebox";
import { SERIES_POINTS_MAX, type SeriesAnswers } from "../../store/series.ts";
import { type HttpApp, Refusal } from "./app.ts";
import { AskedInstant, Instant, instant, Limit, ListOf, orNull, ProblemShape } from "./shapes.ts";

const DAY_MS = 86_400_000;
const SERIES_MAX = 10_000;

export type SeriesRoutesDeps = {
  readonly series: SeriesAnswers;
  readonly nowMs: () => number;
};

export function registerSeriesRoutes(app: HttpApp, { series, nowMs }: SeriesRoutesDeps): void {
  app.get("/api/v1/series", { schema: listSchema, config: { role: "viewer" } }, () =>
    series.list(SERIES_MAX).map(({ last, range, outsideSinceMs, ...one }) => ({
      ...one,
      last: { time: instant(last.timeMs), value: last.value },
      range: range ?? null,
      alarm: outsideSinceMs === undefined ? null : { since: instant(outsideSinceMs) },
    })),
  );

  app.get("/api/v1/series/data", { schema: dataSchema, config: { role: "viewer" } }, (request) => {
    const { device, property, gateway, unit, from, to, points } = request.query;
    const toMs = to === undefined ? nowMs() : Date.parse(to);
    const fromMs = from === undefined ? toMs - DAY_MS : Date.parse(from);
    if (fromMs >= toMs)
      throw new Refusal({
        status: 400,
        title: "An empty span",
        detail: `from ${instant(fromMs)} is not before to ${instant(toMs)}.`,
        next: "Ask for a span that begins before it ends.",
      });
    const which = { device, property, ...defined({ gateway, unit }) };
    const found = series.data(which, { fromMs, toMs, points });
    if (found === undefined)
      throw new Refusal({
        status: 404,
        title: "No such series",
        detail: `Nothing was ever read as ${property} of ${device}.`,
        next: "GET /api/v1/series lists what there is.",
      });
    return {
      ...found.series,
      buckets: found.buckets.map(({ timeMs, ...bucket }) => ({ time: instant(timeMs), ...bucket })),
    };
  });
}

function defined<T extends Record<string, string | undefined>>(values: T): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

const name = Type.String({ minLength: 1, maxLength: 256 });

const AllowedRange = Type.Object(
  { low: orNull(Type.Number()), high: orNull(Type.Number()) },
  {
    title: "AllowedRange",
    description:
      "What master data (the list `ranges`) allows in this unit, limits included; null: no limit on that side",
  },
);
const Alarm = Type.Object(
  { since: Instant },
  {
    title: "Alarm",
    description: "The last reading is outside of the range, as all are since then",
  },
);

const listSchema = {
  tags: ["sensors"],
  summary: "The series there are, each with its last reading, its range, and whether it is outside",
  description: `In the order of device, property, gateway and unit; ${SERIES_MAX} at most, and of more those with a range before all others.`,
  response: {
    200: ListOf(
      Type.Object(
        {
          device: Type.String(),
          property: Type.String(),
          unit: Type.String({ description: "UCUM code" }),
          gateway: Type.String(),
          readings: Type.Integer(),
          last: Type.Object({ time: Instant, value: Type.Number() }),
          range: orNull(AllowedRange),
          alarm: orNull(Alarm),
        },
        { title: "Series" },
      ),
    ),
  },
};

const dataSchema = {
  tags: ["sensors"],
  summary: "One series over a span, in at most `points` buckets; the last day if nothing is said",
  querystring: Type.Object(
    {
      device: name,
      property: name,
      gateway: Type.Optional(name),
      unit: Type.Optional(name),
      from: Type.Optional(AskedInstant),
      to: Type.Optional(AskedInstant),
      points: Limit(500, SERIES_POINTS_MAX),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      gateway: Type.String(),
      device: Type.String(),
      property: Type.String(),
      unit: Type.String({ description: "UCUM code" }),
      buckets: ListOf(
        Type.Object(
          {
            time: Instant,
            min: Type.Number(),
            max: Type.Number(),
            mean: Type.Number(),
            count: Type.Integer(),
          },
          { title: "Bucket" },
        ),
      ),
    }),
    "4xx": ProblemShape,
  },
};
