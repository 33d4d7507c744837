/**
 * The door for what a gateway could not send: batches that were carried here as a file. They go the way of
 * every gateway's batches and are on stable storage when the answer leaves; sent once more they are known.
 *
 * Whoever brings them vouches for nothing: the gateway's signature does. Its key has to be known here, or
 * an administrator has compared its fingerprint and says so (twin/backlog-trust).
 */
import { Type } from "typebox";
import type { Clock } from "../../ports.ts";
import type { EvidenceReader } from "../../store/evidence.ts";
import { PHONE_PREFIX } from "../../store/phones.ts";
import { fingerprintOf } from "../../wire/chain.ts";
import { type Ack, decodeBatch, decodeHello, type Hello, WireError } from "../../wire/codec.ts";
import { GATEWAY_NAME } from "../../wire/names.ts";
import { OWN_NAME } from "../../wire/own-name.ts";
import { type BacklogTrustDeps, trustInBacklog } from "../backlog-trust.ts";
import type { Offer } from "../intake.ts";
import type { Writer } from "../writer.ts";
import { type HttpApp, Refusal } from "./app.ts";
import { ProblemShape } from "./shapes.ts";

export type BacklogRoutesDeps = {
  readonly evidence: Pick<EvidenceReader, "numbering" | "numberings">;
  readonly trust: BacklogTrustDeps;
  readonly offer: Writer["offer"];
  /** What the twin answers from now on to what is carried here of a gateway; returns a cancel. */
  readonly overhear: (gateway: string, listener: (ack: Ack) => void) => () => void;
  readonly clock: Clock;
};

/** A batch of a MiB, as base64. */
const BODY_BYTES_MAX = 1_500_000;

export function registerBacklogRoutes(app: HttpApp, deps: BacklogRoutesDeps): void {
  const { evidence, offer, overhear, clock } = deps;

  app.post(
    "/api/v1/backlogs/greetings",
    { schema: greetingSchema, config: { role: "administrator" } },
    async (request) => {
      const { message, fingerprint } = request.body;
      const bytes = Buffer.from(message, "base64");
      const hello = readable(() => decodeHello(bytes));
      const { gateway, signingKey } = hello;
      request.deed = gateway;
      assertName(gateway);
      if (signingKey === undefined)
        throw refused("The file does not say which key signs it.", "Export the backlog anew.");
      assertOwn(hello);
      const trust = trustInBacklog(deps.trust, hello, fingerprint);
      if (trust === undefined)
        throw refused(
          `The key of ${gateway} is not known here: ${fingerprintOf(signingKey)}`,
          "Compare it with what `racktrace gateway key` says there (with --data of a disk that is all that is left), and give it with --key.",
        );
      const objection = await take({ gateway, channel: "hello", message: bytes, trust });
      if (objection !== "") throw refused(objection, NOTHING);
      return {
        gateway,
        fingerprint: fingerprintOf(signingKey),
        numberings: hello.numberings.map(({ epoch, lane }) => ({
          ...{ epoch, lane, through: evidence.numbering(gateway, epoch)?.through ?? 0 },
        })),
      };
    },
  );

  app.post(
    "/api/v1/backlogs/batches",
    {
      schema: batchSchema,
      config: { role: "administrator", frequent: true },
      bodyLimit: BODY_BYTES_MAX,
    },
    async (request) => {
      const bytes = Buffer.from(request.body.message, "base64");
      const { gateway, epoch, lane, firstSeq, events, seal } = readable(() => decodeBatch(bytes));
      const lastSeq = firstSeq + events.length - 1;
      request.deed = `${gateway} ${lane} ${firstSeq}-${lastSeq}`;
      assertName(gateway);
      if (seal === undefined)
        throw refused("The batch is not signed.", "What was carried by hand has to be.");
      const before = evidence.numbering(gateway, epoch)?.through ?? 0;
      const objection = await take({ gateway, channel: "batch", message: bytes }, epoch);
      const through = evidence.numbering(gateway, epoch)?.through ?? 0;
      // Where the numbering is beyond it, what comes behind may be in this file only, and is not held up.
      if (objection !== "" && through < lastSeq) throw refused(objection, NOTHING);
      if (through < lastSeq)
        throw refused(
          `Events of ${gateway} are missing here between ${through} and ${firstSeq}.`,
          "An earlier file has them, or the gateway still does: connect it, or export anew.",
        );
      const known = Math.min(events.length, Math.max(0, before - firstSeq + 1));
      const told = { gateway, epoch, lane, through, taken: events.length - known };
      return { ...told, known: objection === "" ? known : 0, objection };
    },
  );

  /** No two outboxes have a numbering in common: whoever made the file gave it another name than the gateway's. */
  function assertOwn({ gateway, numberings }: Hello): void {
    const epochs = new Set(numberings.map(({ epoch }) => epoch));
    const other = evidence
      .numberings()
      .find((one) => epochs.has(one.epoch) && one.gateway !== gateway);
    if (other === undefined) return;
    throw refused(
      `The file says that it is of ${gateway}, and numbering ${other.epoch} is of ${other.gateway} here.`,
      "Export the backlog anew, under that name: under two names its events would be here twice.",
    );
  }

  /** The twin's objection in its own words; empty: none. Somebody else may bring another file of it meanwhile. */
  async function take(message: Offer, epoch = ""): Promise<string> {
    let why = "";
    const cancel = overhear(message.gateway, (ack) => {
      if (ack.epoch === "" || ack.epoch === epoch) why ||= ack.refused;
    });
    try {
      await offer({ ...message, carried: true }).catch((error: Error) => {
        throw notNow(error.message);
      });
      // What the gateway is told follows at once.
      await new Promise<void>((resolve) => clock.after(0, resolve));
    } finally {
      cancel();
    }
    return why;
  }
}

const NOTHING =
  "Nothing of it was taken in. The gateway still has what did not have to make way there.";

function assertName(gateway: string): void {
  if (GATEWAY_NAME.test(gateway) && gateway !== OWN_NAME && !gateway.startsWith(PHONE_PREFIX))
    return;
  throw refused(`"${gateway}" is no gateway's name.`, "Export the backlog of a gateway.");
}

function readable<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof WireError)
      throw refused(error.message, "Copy the file again from where it was made.");
    throw error;
  }
}

function refused(detail: string, next: string): Refusal {
  return new Refusal({ status: 409, title: "The backlog was not taken in", detail, next });
}

function notNow(detail: string): Refusal {
  const next = "Import the file again in a moment: what is there already is not taken in twice.";
  return new Refusal({ status: 503, title: "The twin cannot take it in now", detail, next });
}

const Lane = Type.Union([Type.Literal("scan"), Type.Literal("telemetry")]);

const greetingSchema = {
  tags: ["gateways"],
  summary: "Begin to take a gateway's backlog in from a file: whose it is, and by which key",
  body: Type.Object(
    {
      message: Type.String({
        maxLength: 8_192,
        description: "The file's hello, as src/wire encodes it, base64",
      }),
      fingerprint: Type.Optional(
        Type.String({
          maxLength: 128,
          description: "Of the gateway's key, as it was compared by another way",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      gateway: Type.String(),
      fingerprint: Type.String(),
      numberings: Type.Array(
        Type.Object({ epoch: Type.String(), lane: Lane, through: Type.Integer() }),
      ),
    }),
    default: ProblemShape,
  },
} as const;

const batchSchema = {
  tags: ["gateways"],
  summary: "Take a signed batch in that was carried here as a file",
  body: Type.Object(
    {
      message: Type.String({
        maxLength: BODY_BYTES_MAX,
        description: "The batch, as src/wire encodes it, base64",
      }),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      gateway: Type.String(),
      epoch: Type.String(),
      lane: Lane,
      through: Type.Integer({ description: "Everything up to here is on stable storage" }),
      taken: Type.Integer({ description: "Events that were new" }),
      known: Type.Integer({ description: "Events that were here already" }),
      objection: Type.String({
        description:
          "Why none of it counts as known, although the numbering is beyond it: what of it is not held is in quarantine. Mostly empty",
      }),
    }),
    default: ProblemShape,
  },
} as const;
