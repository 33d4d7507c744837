/** What the answers of the twin's API look like: checked, sent and published (/openapi.json) from here. */
import { type Static, type TSchema, Type } from "typebox";

export const Instant = Type.String({
  format: "date-time",
  description: "UTC with milliseconds, such as 2026-11-22T08:00:00.000Z",
});
export const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** A list of an answer: whoever made it may hold on to it. */
export const ListOf = <T extends TSchema>(items: T, options?: { description: string }) =>
  Type.Unsafe<readonly Static<T>[]>(Type.Array(items, options));

/**
 * One of these words: published as such, and any text to whoever makes the answer. A title names the
 * type in the generated client, as it does of every shape.
 */
export const wordOf = (title: string, words: readonly string[]) =>
  Type.Unsafe<string>({ type: "string", title, enum: [...words] });

/** In questions: any offset is understood. */
export const AskedInstant = Type.String({ format: "date-time", maxLength: 40 });
export const Id = Type.String({
  minLength: 1,
  maxLength: 4096,
  description:
    "Any barcode form: raw scan with its AIM identifier, (253)..., Digital Link, EPC URN, key or serial",
});
export const Limit = (usual: number, max: number) =>
  Type.Integer({ minimum: 1, maximum: max, default: usual });

export const Position = Type.Integer({
  description: "The log position that the answer reflects",
});

export const Kind = wordOf("Kind", [
  ...["page", "envelope", "folder", "box", "shelf", "desk", "rack", "room", "site", "person"],
  ...["party", "carrier", "other"],
]);
export const Certainty = wordOf("Certainty", [
  ...["observed", "inferred", "presumed", "conflicted", "unknown"],
]);
export const State = wordOf("State", ["placed", "in_transit", "unknown", "destroyed"]);

export const Named = Type.Object(
  {
    key: Type.String({
      description: "GS1 Digital Link path; https://id.gs1.org/<key> names it to others",
    }),
    elementString: Type.String({ description: "As on the label, with brackets" }),
    kind: Kind,
    name: orNull(Type.String()),
  },
  { title: "Thing" },
);

/** Who owes a document and who of us sees to it, as it was said, and by name where that is known. */
export const Owing = Type.Object({
  debtor: orNull(Type.String({ description: "Who owes it: a party's GLN, or a word" })),
  debtorName: orNull(Type.String({ description: "Of the party; null: not known" })),
  responsible: orNull(
    Type.String({
      description: "Who of us sees to it; where the document says nobody, who sees to the party",
    }),
  ),
  responsibleName: orNull(Type.String({ description: "Of the person; null: not known" })),
});

/** How the evidence names an event; of a person's word, what to void to take it back. */
export const EventName = Type.Object(
  {
    gateway: Type.String(),
    epoch: Type.String(),
    seq: Type.Integer(),
  },
  { title: "EventName" },
);

export const Cited = Type.Object(
  {
    ...EventName.properties,
    position: Type.Integer(),
    time: Type.String({ description: "UTC instant; empty where it has always been so" }),
  },
  { title: "Evidence" },
);
export const Evidence = ListOf(Cited);

export const Path = Type.Unsafe<readonly Static<typeof Named>[]>({
  ...Type.Array(Named),
  title: "Path",
  description: "Direct parent first, up to the site",
});
export const MaybeInstant = orNull(
  Type.String({ description: "UTC instant; null when not known" }),
);

/** Where a thing is, as every answer says it. */
export const Whereabouts = Type.Object(
  {
    ...Named.properties,
    registered: Type.Boolean(),
    path: Path,
    state: State,
    since: MaybeInstant,
    lastSeen: MaybeInstant,
    lastKnown: orNull(Path),
    certainty: Certainty,
    disposition: Type.String(),
    tracking: orNull(Type.String()),
    checkpoint: orNull(Type.String()),
    evidence: Evidence,
  },
  { title: "Where" },
);

export const ProblemShape = Type.Object(
  {
    type: Type.String(),
    status: Type.Integer(),
    title: Type.String(),
    detail: Type.String(),
    next: Type.String({ description: "What the caller can do" }),
  },
  { title: "Problem", description: "application/problem+json" },
);

/** ISO text of a time in ms, as every time in an answer. */
export function instant(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** The question's time in ms; the schema has made sure that it is one. */
export function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
