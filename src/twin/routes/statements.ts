/**
 * What people and other systems state by an API call. Each becomes evidence of the twin's own
 * numbering first; the answer leaves once that is on stable storage, and names the event, so that it
 * can be cited and voided. What it means is derived after, like everything else.
 *
 * With the header Idempotency-Key a call made again records nothing again, after a restart too.
 */
import { type TObject, type TProperties, Type } from "typebox";
import { decodeTyped } from "../../barcode/decode.ts";
import type { EvidenceReader } from "../../store/evidence.ts";
import { keyOf } from "../../store/things.ts";
import { decodeEvent, type EventId, WireError } from "../../wire/codec.ts";
import { OWN_NAME } from "../../wire/own-name.ts";
import { STATEMENT_BYTES_MAX } from "../statements.ts";
import type { Writer } from "../writer.ts";
import { type HttpApp, includes, type Principal, Refusal, type Role } from "./app.ts";
import { AskedInstant, Id, Position, ProblemShape } from "./shapes.ts";

export type StatementRoutesDeps = {
  readonly evidence: EvidenceReader;
  readonly call: Writer["call"];
};

type Row = Readonly<Record<string, unknown>>;

type Statement = {
  readonly path: string;
  /** Whoever may say it: clerks what they did, archivists what changes what is believed. */
  readonly role: Role;
  /** The statement as the reconciler knows it. */
  readonly kind: string;
  readonly summary: string;
  readonly body: TObject;
  /** Fields that hold ids, in any barcode form. */
  readonly ids?: readonly string[];
  /** What a schema cannot say; undefined when all is well. */
  readonly problemOf?: (row: Row) => string | undefined;
  readonly recordOf?: (row: Row) => { readonly kind?: string; readonly row: Row };
};

const IDS_MAX = 1_000;
const text = (what: string, max = 256) =>
  Type.String({ minLength: 1, maxLength: max, description: what });
const oneOf = (what: string, words: readonly string[]) =>
  Type.String({ enum: [...words], description: `${what}: ${words.join(", ")}` });
const maybe = Type.Optional;
const ids = () => Type.Array(Id, { maxItems: IDS_MAX });
const by = maybe(text("Who says so; the caller, if not said"));
const moment = maybe(AskedInstant);
const body = <T extends TProperties>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const PLACES = ["site", "room", "rack", "shelf", "desk"];
const THINGS = ["page", "envelope", "folder", "box", "person"];
const CORRECTIONS = [
  ...["ADD", "DELETE", "OBSERVE", "CLOSE", "OPEN", "SHIP", "RECEIVE", "DISCARD", "DESTROY"],
  "COUNT",
];

const STATEMENTS: readonly Statement[] = [
  {
    path: "voids",
    role: "archivist",
    kind: "void",
    summary: "An event that did not happen as it was read; it may not have been taken in yet",
    body: body({
      gateway: text("Of the event; twin for what was stated here", 64),
      epoch: text("Numbering of the event"),
      seq: Type.Integer({ minimum: 1 }),
      reason: text("Why", 1_024),
      by,
    }),
  },
  {
    path: "discrepancies/resolutions",
    role: "archivist",
    kind: "resolution",
    summary: "A person settles a discrepancy, with the reason; it stays on record",
    body: body({
      kind: text("Kind of the discrepancy", 64),
      subject: text("What it is about: any form of an id, or its text", 4_096),
      reason: text("Why it is settled", 1_024),
      by: maybe(text("Who settles it; the caller, if not said")),
      time: moment,
    }),
    recordOf: (row) => ({ row: { ...row, action: "resolve" } }),
  },
  {
    path: "discrepancies/acknowledgements",
    role: "operator",
    kind: "resolution",
    summary: "A person has taken note of a discrepancy; it stays open",
    body: body({
      kind: text("Kind of the discrepancy", 64),
      subject: text("What it is about: any form of an id, or its text", 4_096),
      reason: maybe(text("What is being done", 1_024)),
      by: maybe(text("Who has taken note; the caller, if not said")),
      time: moment,
    }),
    recordOf: (row) => ({ row: { ...row, action: "acknowledge" } }),
  },
  {
    path: "discrepancies/assignments",
    role: "operator",
    kind: "resolution",
    summary:
      "A person is to see to a discrepancy; the last one said counts, and nobody takes it back",
    body: body({
      kind: text("Kind of the discrepancy", 64),
      subject: text("What it is about: any form of an id, or its text", 4_096),
      to: Type.String({ maxLength: 256, description: "Who is to see to it; empty: nobody" }),
      by: maybe(text("Who says so; the caller, if not said")),
      time: moment,
    }),
    recordOf: ({ to, ...row }) => ({ row: { ...row, reason: to, action: "assign" } }),
  },
  {
    path: "registrations",
    role: "archivist",
    kind: "registration",
    summary:
      "A label or place that is in use from now on; what was scanned of it before is attached",
    body: body({
      id: Id,
      kind: oneOf("What it is", [...THINGS, ...PLACES]),
      name: maybe(text("What people call it")),
      parent: maybe(Id),
      since: moment,
    }),
    ids: ["id", "parent"],
    recordOf: (row) => (PLACES.includes(String(row["kind"])) ? { kind: "place", row } : { row }),
  },
  {
    path: "documents",
    role: "archivist",
    kind: "document",
    summary: "A document and its pages; pages named later are added",
    body: body({
      id: text("Number of the document"),
      class: maybe(text("consignment-note, invoice, ...")),
      pages: ids(),
    }),
    ids: ["pages"],
  },
  {
    path: "aliases",
    role: "archivist",
    kind: "alias",
    summary: "A foreign barcode that stands for a thing; earlier scans of it take on that meaning",
    body: body({ value: text("The barcode as it was read", 512), id: Id }),
    ids: ["id"],
  },
  {
    path: "labels",
    role: "operator",
    kind: "label",
    summary: "A carrier's label bound to an envelope before it leaves",
    body: body({
      id: Id,
      carrier: text("Name of the carrier", 64),
      tracking: text("Number on the label", 64),
      time: moment,
    }),
    ids: ["id"],
  },
  {
    path: "checkpoints",
    role: "operator",
    kind: "checkpoint",
    summary: "What a carrier says of an envelope that it has",
    body: body({
      id: Id,
      status: text("transit, delivered, ...", 64),
      time: AskedInstant,
      place: maybe(text("Where, in the carrier's words")),
      carrier: maybe(text("Name of the carrier", 64)),
      matches: maybe(
        Type.Boolean({ description: "Whether origin, destination and service are the shipment's" }),
      ),
    }),
    ids: ["id"],
  },
  {
    path: "watermarks",
    role: "archivist",
    kind: "watermark",
    summary: "A gateway has told everything up to a moment: what counts missed is then final",
    body: body({
      gateway: text("Its name", 64),
      through: AskedInstant,
      by,
    }),
    ids: [],
  },
  {
    path: "obligations",
    role: "archivist",
    kind: "obligation",
    summary: "A document that is owed to the archive",
    body: body({
      document: text("Its number"),
      issued: AskedInstant,
      due: AskedInstant,
      debtor: maybe(text("Who owes it")),
      responsible: maybe(text("Who of us sees to it that it comes")),
    }),
    problemOf: (row) => inOrder(row, "issued", "due"),
  },
  {
    path: "receipts",
    role: "operator",
    kind: "receipt",
    summary: "A person has received a document: enough where its class asks for no more",
    body: body({
      document: text("Its number"),
      by: maybe(text("Who received it; the caller, if not said")),
      time: moment,
    }),
  },
  {
    path: "reminders",
    role: "operator",
    kind: "reminder",
    summary: "A debtor was reminded of a document",
    body: body({
      document: text("Its number"),
      note: maybe(text("Words", 1_024)),
      by,
      time: moment,
    }),
  },
  {
    path: "gates",
    role: "approver",
    kind: "gate",
    summary: "A thing is to be somewhere before a process may run; open once it was observed there",
    body: body({
      name: text("Name of the gate"),
      entity: Id,
      target: Id,
      issued: AskedInstant,
      deadline: AskedInstant,
    }),
    ids: ["entity", "target"],
    problemOf: (row) => inOrder(row, "issued", "deadline"),
  },
  {
    path: "executions",
    role: "approver",
    kind: "execution",
    summary: "A process ran behind a gate",
    body: body({
      gate: text("Name of the gate"),
      process: text("What ran"),
      by,
      time: moment,
    }),
  },
  {
    path: "corrections",
    role: "archivist",
    kind: "correction",
    summary: "What no scan said, at the time at which it was true",
    body: body({
      type: oneOf("What happened", CORRECTIONS),
      time: AskedInstant,
      parent: maybe(Id),
      children: maybe(ids()),
      inferredChildren: maybe(ids()),
      place: maybe(Id),
      epc: maybe(Id),
      epcs: maybe(ids()),
      scanned: maybe(ids()),
      start: moment,
      depth: maybe(oneOf("Depth of a count", ["pages", "containers"])),
      confirmedEmpty: maybe(Type.Boolean()),
      carrier: maybe(text("Name of the carrier", 64)),
      tracking: maybe(text("Number on the label", 64)),
      bizStep: maybe(text("storing, packing, ...", 64)),
      by,
    }),
    ids: ["parent", "children", "inferredChildren", "place", "epc", "epcs", "scanned"],
    problemOf: correctionProblem,
  },
];

export function registerStatementRoutes(app: HttpApp, deps: StatementRoutesDeps): void {
  for (const statement of STATEMENTS)
    app.post(
      `/api/v1/${statement.path}`,
      { schema: schemaOf(statement), config: { role: statement.role } },
      async (request, reply) => {
        const key = request.headers["idempotency-key"];
        const row = inSomebodysName(request.body as Row, statement.body, request.principal);
        const recorded = await take(deps, statement, row, key);
        request.deed = `${recorded.gateway}/${recorded.epoch}/${recorded.seq}`;
        reply.code(recorded.repeated ? 200 : 201);
        return recorded;
      },
    );
}

/**
 * Where nobody is named it is who asks. Whoever may only state what they did, as clerks do, does so in
 * their own name: a name that anybody may use says nothing. An archivist puts down what others did (a
 * receipt on paper), and a program speaks for its own users; the access log says who it was.
 */
function inSomebodysName(row: Row, shape: TObject, principal: Principal | undefined): Row {
  if (principal === undefined || !("by" in shape.properties)) return row;
  const { kind, name, person, role } = principal;
  const by = row["by"] ?? person;
  const isOwn = by === person || by === name;
  if (!isOwn && kind === "user" && !includes(role, "archivist"))
    throw refusal(
      403,
      "Not in your name",
      `It is said in the name of ${by}; ${name} is ${role} and speaks in their own.`,
      "Leave the name out, or ask an archivist to put it down.",
    );
  return { ...row, by };
}

async function take(
  { evidence, call }: StatementRoutesDeps,
  { kind: usual, ids: fields = [], problemOf, recordOf }: Statement,
  asked: Row,
  key: string | undefined,
) {
  const problem = idProblem(asked, fields) ?? problemOf?.(asked);
  if (problem !== undefined)
    throw refusal(400, "The statement is not clear", problem, "Correct it and send it again.");
  const { kind = usual, row } = recordOf?.(asked) ?? { row: asked };
  if (kind === "void") refuseVoidOf(statedAs(evidence, row as unknown as EventId), row);
  const json = JSON.stringify(row);
  if (new TextEncoder().encode(json).length > STATEMENT_BYTES_MAX)
    throw refusal(
      413,
      "The statement is too long",
      `It has more than ${STATEMENT_BYTES_MAX} bytes.`,
      "Say it in several statements.",
    );
  const called = await call(key === undefined ? { kind, json } : { kind, json, key });
  switch (called.kind) {
    case "failed":
      throw refusal(
        503,
        "Not recorded",
        `${called.why}.`,
        "Send it again with its Idempotency-Key.",
      );
    case "key_spent":
      throw refusal(
        422,
        "This Idempotency-Key is spent",
        "Another statement was recorded under this key.",
        "Use a key of its own for each statement.",
      );
    case "recorded": {
      const { epoch, seq, position, repeated } = called;
      return { gateway: OWN_NAME, epoch, seq, position, repeated };
    }
  }
}

function refusal(status: number, title: string, detail: string, next: string): Refusal {
  return new Refusal({ status, title, detail, next });
}

function idProblem(row: Row, fields: readonly string[]): string | undefined {
  for (const field of fields)
    for (const id of [row[field]].flat()) {
      if (typeof id !== "string" || keyOf(id) !== undefined) continue;
      const typed = decodeTyped(id);
      const why = typed.kind === "misread" ? typed.why : "it is not a whole GS1 barcode";
      return `"${field}" ${id}: ${why}.`;
    }
  return undefined;
}

function inOrder(row: Row, first: string, last: string): string | undefined {
  if (Date.parse(String(row[first])) <= Date.parse(String(row[last]))) return undefined;
  return `"${last}" is before "${first}".`;
}

/** Which names a correction of each type cannot do without. */
function correctionProblem(row: Row): string | undefined {
  const needs = (...names: readonly string[]) =>
    names.some((name) => [row[name]].flat()[0] !== undefined)
      ? undefined
      : `A correction of type ${row["type"]} needs ${names.map((name) => `"${name}"`).join(" or ")}.`;
  switch (row["type"]) {
    case "ADD":
      return needs("parent", "place") ?? needs("children");
    case "DELETE":
      return needs("parent") ?? needs("children");
    case "OBSERVE":
      return needs("epc", "epcs");
    case "COUNT":
      return (
        needs("place") ??
        (row["confirmedEmpty"] === true ? undefined : needs("scanned", "confirmedEmpty"))
      );
    case "DISCARD":
    case "DESTROY":
      return needs("epc", "epcs");
    default:
      return needs("epc");
  }
}

/** What was said about a moment can be void; what says what a thing is, is said anew. */
const VOIDABLE: ReadonlySet<string> = new Set([
  ...["correction", "checkpoint", "label", "obligation", "receipt", "reminder"],
  ...["gate", "execution", "resolution"],
]);

function refuseVoidOf(said: string | undefined, { gateway, epoch, seq }: Row): void {
  if (said === undefined || VOIDABLE.has(said)) return;
  const named = `${gateway}/${epoch}/${seq}`;
  if (said === "void")
    throw refusal(
      409,
      "A void cannot be voided",
      `${named} is itself a void.`,
      "Capture again what did happen: scan it, or POST /api/v1/corrections.",
    );
  throw refusal(
    409,
    "This is not an event",
    `${named} says what a thing is (${said}), and nothing that happened.`,
    "State it anew, as it is.",
  );
}

/** The kind of a statement of the twin's own; undefined for events of gateways and for unknown ones. */
function statedAs(evidence: EvidenceReader, { gateway, epoch, seq }: EventId): string | undefined {
  if (gateway !== OWN_NAME) return undefined;
  const found = evidence.event({ gateway, epoch, seq });
  if (found === undefined) return undefined;
  try {
    const { body: said } = decodeEvent(found.bytes);
    return said.kind === "statement" ? said.statement : undefined;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

const Recorded = Type.Object(
  {
    gateway: Type.String(),
    epoch: Type.String(),
    seq: Type.Integer(),
    position: Position,
    repeated: Type.Boolean({ description: "It had been recorded before, under this key" }),
  },
  { title: "Recorded" },
);

function schemaOf({ summary, body: shape }: Statement) {
  return {
    tags: ["statements"],
    summary,
    body: shape,
    headers: Type.Object({
      "idempotency-key": Type.Optional(
        Type.String({ minLength: 1, maxLength: 255, description: "Made by the caller, once" }),
      ),
    }),
    response: { 200: Recorded, 201: Recorded, "4xx": ProblemShape, "5xx": ProblemShape },
  };
}
