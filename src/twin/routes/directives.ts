/**
 * What devices shall do. A directive is a statement first: it is in the evidence when the answer leaves,
 * with who gave it. Then it is sent to the gateway until its outcome has come back, or until its time is over.
 *
 * Its id is its name there and a nonce that stands in the statement. The name alone is given once more
 * when the evidence was put back from a copy, and gateways take what has an id that they know for done.
 */
import { Type } from "typebox";
import { assert } from "../../kernel/assert.ts";
import type { Clock } from "../../ports.ts";
import type { DirectiveRow, Directives } from "../../store/directives.ts";
import type { EvidenceReader } from "../../store/evidence.ts";
import { decodeEvent } from "../../wire/codec.ts";
import { OWN_NAME } from "../../wire/own-name.ts";
import type { DirectiveDesk } from "../directive-desk.ts";
import type { Writer } from "../writer.ts";
import { type HttpApp, Refusal } from "./app.ts";
import { Instant, instant, Limit, ListOf, orNull, ProblemShape } from "./shapes.ts";

export type DirectiveRoutesDeps = {
  readonly call: Writer["call"];
  readonly desk: DirectiveDesk;
  readonly directives: Directives;
  readonly evidence: Pick<EvidenceReader, "event">;
  /** Never the same one twice. */
  readonly mintNonce: () => string;
  readonly clock: Clock;
};

const LIST_MAX = 1_000;
const VALID_S = 60;
const VALID_S_MAX = 7 * 86_400;

export function registerDirectiveRoutes(app: HttpApp, deps: DirectiveRoutesDeps): void {
  const { call, desk, directives, evidence, mintNonce, clock } = deps;

  app.post(
    "/api/v1/directives",
    { schema: postSchema, config: { role: "approver" } },
    async (request, reply) => {
      const { gateway, device, kind, what, validForS = VALID_S } = request.body;
      const problem = problemOf(kind, what);
      if (problem !== undefined)
        throw refusal(400, "The directive is not clear", problem, "Correct it and send it again.");
      const key = request.headers["idempotency-key"];
      const by = request.principal?.person;
      const said = { gateway, device, kind, what, validForS, by };
      const nonce = mintNonce();
      const called = await call({
        kind: "directive",
        json: JSON.stringify({ ...said, nonce }),
        same: JSON.stringify(said),
        ...(typeof key === "string" && { key }),
      });
      if (called.kind === "failed")
        throw refusal(
          503,
          "Not recorded",
          `${called.why}.`,
          "Send it again with its Idempotency-Key.",
        );
      if (called.kind === "key_spent")
        throw refusal(
          422,
          "This Idempotency-Key is spent",
          "Another statement was recorded under this key.",
          "Use a key of its own for each directive.",
        );
      const { epoch, seq, position, repeated } = called;
      const name = { gateway: OWN_NAME, epoch, seq };
      const first = repeated ? nonceIn(evidence.event(name)?.bytes) : nonce;
      // An earlier release recorded none.
      const id = [OWN_NAME, epoch, seq, ...(first === undefined ? [] : [first])].join("/");
      request.deed = id;
      const statedAtMs = clock.nowMs();
      const validUntilMs = statedAtMs + validForS * 1000;
      const told = { id, gateway, device, kind, json: JSON.stringify(what), by: by ?? "" };
      if (!desk.give({ ...told, statedAtMs, validUntilMs, position }))
        throw refusal(
          500,
          "Recorded, and not given",
          `${id} is the name of another directive here.`,
          "Send it again without an Idempotency-Key or with another one, and report it with directives.db.",
        );
      reply.code(repeated ? 200 : 201);
      return { id, position, repeated };
    },
  );

  app.get("/api/v1/directives", { schema: listSchema, config: { role: "viewer" } }, (request) => {
    const { id, limit, cursor } = request.query;
    const nowMs = clock.nowMs();
    const listed = id === undefined ? directives.list(limit, cursor) : [];
    const found = id === undefined ? listed : [directives.find(id)];
    return {
      directives: found.flatMap((row) => (row === undefined ? [] : [shown(row, nowMs)])),
      next: listed.length === limit ? (listed.at(-1)?.nth ?? null) : null,
    };
  });
}

function nonceIn(bytes: Uint8Array | undefined): string | undefined {
  const body = bytes && decodeEvent(bytes).body;
  assert(body?.kind === "statement", "what was recorded under a key stands in the evidence");
  const { nonce } = JSON.parse(body.json) as { readonly nonce?: string };
  return nonce;
}

function shown(row: DirectiveRow, nowMs: number) {
  const { id, gateway, device, kind, json, reason, outcome, outcomeAtMs } = row;
  const over = nowMs > row.validUntilMs;
  return {
    ...{ id, gateway, device, kind, reason },
    what: JSON.parse(json) as object,
    state: outcome ?? (over ? "expired" : "waiting"),
    statedAt: instant(row.statedAtMs),
    validUntil: instant(row.validUntilMs),
    outcomeAt: outcomeAtMs === undefined ? null : instant(outcomeAtMs),
    by: row.by || null,
  };
}

type What = Readonly<Record<string, unknown>>;

/** What a schema of all kinds cannot say. */
function problemOf(kind: string, what: What): string | undefined {
  if (kind === "write") {
    const { table, address, values } = what;
    if (table !== "coil" && table !== "holding") return '"table" is coil or holding.';
    if (!isWord(address)) return '"address" is a whole number from 0 to 65535.';
    const fits = Array.isArray(values) && values.length > 0 && values.length <= 100;
    return fits && values.every(isWord) ? undefined : '"values" are whole numbers from 0 to 65535.';
  }
  if (kind === "publish") {
    const { topic, text } = what;
    if (typeof topic !== "string" || topic === "" || /[+#]/.test(topic))
      return '"topic" is the name of a topic, without wildcards.';
    return typeof text === "string" ? undefined : '"text" is what to publish.';
  }
  return problemOfScanner(kind, what);
}

const TIMES_MAX = 5;
const TEXT_MAX = 64;

function problemOfScanner(kind: string, { pitch, times, on, color, text }: What) {
  if (kind === "beep") {
    if (pitch !== undefined && pitch !== "high" && pitch !== "low")
      return '"pitch" is high or low.';
    const few = isWord(times) && Number(times) >= 1 && Number(times) <= TIMES_MAX;
    return times === undefined || few ? undefined : `"times" is a number from 1 to ${TIMES_MAX}.`;
  }
  if (kind === "led") {
    if (color !== undefined && color !== "green" && color !== "red")
      return '"color" is green or red.';
    return typeof on === "boolean" ? undefined : '"on" is true or false.';
  }
  const fits = typeof text === "string" && text !== "" && text.length <= TEXT_MAX;
  return fits ? undefined : `"text" is what to show, at most ${TEXT_MAX} characters.`;
}

function isWord(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}

function refusal(status: number, title: string, detail: string, next: string): Refusal {
  return new Refusal({ status, title, detail, next });
}

const tags = ["directives"];
const postSchema = {
  tags,
  summary: "What a device shall do: at least once told, at most once done, until its time is over",
  body: Type.Object(
    {
      gateway: Type.String({ minLength: 1, maxLength: 64 }),
      device: Type.String({
        minLength: 1,
        maxLength: 128,
        description:
          "A scanner or a Modbus slave of the gateway, a broker that it listens to, or mqtt for its own",
      }),
      kind: Type.String({ enum: ["write", "publish", "beep", "led", "text"] }),
      what: Type.Record(Type.String(), Type.Unknown(), {
        description:
          "write: {table, address, values}; publish: {topic, text, retain?}; beep: {pitch?: high or low, times?: 1 to 5}; led: {on, color?: green or red}; text: {text}. What a scanner cannot do comes back as failed, with the reason",
      }),
      validForS: Type.Optional(
        Type.Integer({ minimum: 1, maximum: VALID_S_MAX, default: VALID_S }),
      ),
    },
    { additionalProperties: false },
  ),
  headers: Type.Object({
    "idempotency-key": Type.Optional(
      Type.String({ minLength: 1, maxLength: 255, description: "Made by the caller, once" }),
    ),
  }),
  response: {
    "2xx": Type.Object({
      id: Type.String(),
      position: Type.Integer(),
      repeated: Type.Boolean({ description: "It had been recorded before, under this key" }),
    }),
    "4xx": ProblemShape,
    "5xx": ProblemShape,
  },
};

const listSchema = {
  tags,
  summary: "Directives and what became of them, the newest first",
  querystring: Type.Object({
    id: Type.Optional(Type.String({ maxLength: 256 })),
    limit: Limit(100, LIST_MAX),
    cursor: Type.Optional(
      Type.Integer({ minimum: 0, description: "What the page before gave as next" }),
    ),
  }),
  response: {
    200: Type.Object({
      directives: ListOf(
        Type.Object({
          id: Type.String(),
          gateway: Type.String(),
          device: Type.String(),
          kind: Type.String(),
          what: Type.Unknown(),
          state: Type.String({
            description:
              "waiting, begun, done, failed, uncertain (it may have been done) or expired",
          }),
          reason: Type.String(),
          statedAt: Instant,
          validUntil: Instant,
          outcomeAt: orNull(Instant),
          by: orNull(
            Type.String({ description: "Who asked for it; null: nobody kept it at that time" }),
          ),
        }),
      ),
      next: orNull(Type.Integer({ description: "Cursor of the next page; null at the end" })),
    }),
  },
};
