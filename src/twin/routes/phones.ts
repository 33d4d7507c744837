/**
 * The door of phones that scan. A browser with a camera or a keyboard wedge is a gateway of its own: it
 * numbers its scans, keeps them until they are acknowledged, and sends them in order; what comes in goes
 * the way of every gateway's batches and is on stable storage when the answer leaves.
 *
 * An event is made of what the phone says and of nothing else: not of who is logged in at the moment of
 * sending, nor of the time of receipt. Sent again it has to be the same event to the byte. The operator
 * of a scan is therefore a claim, as a badge is: scans that waited may be sent under the next one's login.
 * Under whose login which numbers were taken in stands in the access log, and nothing of what took none in:
 * a phone may ask and send again as often as it likes.
 */
import { type Static, Type } from "typebox";
import type { Clock } from "../../ports.ts";
import type { EvidenceReader } from "../../store/evidence.ts";
import type { Phone, Phones } from "../../store/phones.ts";
import { keyOf } from "../../store/things.ts";
import { encodeBatch, encodeEvent } from "../../wire/codec.ts";
import type { PhoneDesk } from "../phone-desk.ts";
import type { Writer } from "../writer.ts";
import { type HttpApp, Refusal } from "./app.ts";
import { Id, instant, Limit, ListOf, MaybeInstant, orNull, ProblemShape } from "./shapes.ts";

export type PhoneRoutesDeps = {
  readonly phones: Phones;
  readonly desk: PhoneDesk;
  readonly evidence: Pick<EvidenceReader, "numbering" | "event">;
  readonly offer: Writer["offer"];
  readonly call: Writer["call"];
  readonly clock: Clock;
};

/** A request is at most 64 KiB, and the longest symbol has four thousand characters. */
const SCANS_MAX = 200;
const RAW_BASE64_MAX = 5_464;
/** Older scans are nobody's scan of a moment ago: no word comes on them, and none is waited for. */
const FRESH_MS = 2_000;
const MS_MAX = 8.64e15;

export function registerPhoneRoutes(app: HttpApp, deps: PhoneRoutesDeps): void {
  const { phones, desk, evidence, offer, call, clock } = deps;

  app.post(
    "/api/v1/phones",
    { schema: enrolSchema, config: { role: "operator" } },
    async (request, reply) => {
      const { epoch, key, label, site } = request.body;
      const siteKey = site === undefined ? "" : keyOf(site);
      if (siteKey === undefined) throw noSuchSite(site);
      const enrolledAtMs = clock.nowMs();
      const phone = phones.enrol({ epoch, label, site: siteKey, enrolledAtMs }, key);
      if (phone === "refused") throw notThisPhone("It was enrolled with another key.");
      if (phone.revokedAtMs !== undefined) throw revoked();
      request.deed = phone.name;
      await putUp(phone);
      reply.code(201);
      return shown(phone);
    },
  );

  app.get(
    "/api/v1/phones",
    { schema: listSchema, config: { role: "operator" } },
    ({ query: { limit, cursor } }) => {
      const found = phones.list({ after: cursor, limit });
      const next = found.length === limit ? (found.at(-1)?.name ?? null) : null;
      return { phones: found.map(shown), next };
    },
  );

  app.post(
    "/api/v1/phones/changes",
    { schema: changeSchema, config: { role: "administrator" } },
    (request) => {
      const { gateway, revoked: isRevoked } = request.body;
      request.deed = `${gateway} ${isRevoked ? "revoked" : "allowed again"}`;
      const phone = phones.revoke(gateway, isRevoked ? clock.nowMs() : undefined);
      if (phone === undefined) throw noSuchPhone(gateway);
      return shown(phone);
    },
  );

  app.post(
    "/api/v1/phones/scans",
    { schema: scansSchema, config: { role: "operator", frequent: true } },
    async (request) => {
      const { gateway, key, epoch, scans } = request.body;
      const phone = phones.known(gateway, key);
      if (phone === undefined) throw notThisPhone(`${gateway} is not enrolled here with this key.`);
      if (phone.revokedAtMs !== undefined) throw revoked();
      if (phone.epoch !== epoch) throw notThisPhone("The numbering is another phone's.");
      desk.attend(gateway);
      const before = evidence.numbering(gateway, epoch)?.through ?? 0;
      if (scans.length > 0) await takeIn(request.body);
      const through = evidence.numbering(gateway, epoch)?.through ?? 0;
      const deed = deedOf(request.body, before, through);
      request.deed = deed === undefined ? undefined : `${gateway} ${deed}`;
      return { through, verdicts: await spokenOf(request.body, through) };
    },
  );

  /** Where it is used, as master data says it of other gateways: things that it sees are at that site. */
  async function putUp({ name, site }: Phone): Promise<void> {
    if (site === "") return;
    const json = JSON.stringify({ defaultPlace: site, id: name, site });
    const called = await call({ kind: "gateway", json, key: `phone ${name}` });
    if (called.kind !== "recorded") throw notNow(called.kind === "failed" ? called.why : "");
  }

  /** Undefined: nothing was taken in, and nothing contradicts what was. */
  function deedOf(sent: Sent, before: number, through: number): string | undefined {
    const { gateway, epoch, firstSeq, scans } = sent;
    const first = Math.max(firstSeq, before + 1);
    const last = Math.min(firstSeq + scans.length - 1, through);
    const known = scans.slice(0, Math.max(0, before + 1 - firstSeq));
    const isOther = known.some((scan, index) => {
      const held = evidence.event({ gateway, epoch, seq: firstSeq + index });
      return held !== undefined && Buffer.compare(held.bytes, eventOf(scan, gateway)) !== 0;
    });
    if (isOther) return `others under ${firstSeq}-${firstSeq + scans.length - 1}`;
    return through > before && first <= last ? `${first}-${last}` : undefined;
  }

  async function takeIn(sent: Sent): Promise<void> {
    const { gateway, epoch, boot, firstSeq, goneThrough, sentAtMs } = sent;
    const events = sent.scans.map((scan) => eventOf(scan, gateway));
    const message = encodeBatch({
      ...{ gateway, epoch, lane: "scan", firstSeq, goneThrough, boot, sentAtMs, events },
      // A page's running time may stand still while its phone sleeps: it places no scan.
      sentMonotonicMs: 0,
    });
    try {
      await offer({ gateway, channel: "batch", message });
    } catch (error) {
      throw notNow((error as Error).message);
    }
  }

  /** Best effort: a scan that nothing is said of is saved all the same. */
  async function spokenOf({ gateway, epoch, firstSeq, sentAtMs, scans }: Sent, through: number) {
    const fresh = scans.flatMap(({ timeMs }, index) =>
      sentAtMs - timeMs <= FRESH_MS && firstSeq + index <= through ? [firstSeq + index] : [],
    );
    const verdicts =
      scans.length === 0 ? desk.recent(gateway, epoch) : await desk.verdicts(gateway, epoch, fresh);
    return verdicts.map(({ seq, kind, reason }) => ({ seq, kind, reason }));
  }
}

function eventOf(scan: SentScan, gateway: string): Uint8Array {
  const { boot, timeMs, monotonicMs, raw, step, operator, documentMode, marker } = scan;
  const bytes = Buffer.from(raw, "base64");
  return encodeEvent({
    ...{ boot, monotonicMs, gatewayTimeMs: timeMs },
    // A browser cannot tell whether its machine's clock is right.
    clock: "unknown",
    sourceTimeMs: undefined,
    // Camera and wedge are one scanner: what one reads may go into what the other has read.
    device: gateway,
    body: {
      kind: "scan",
      raw: bytes,
      framing: "text",
      aim: /^\][A-Za-z]\d/.exec(bytes.subarray(0, 3).toString("latin1"))?.[0] ?? "",
      ...{ step, operator, documentMode },
      ...(marker !== undefined && { marker }),
      ...(scan.confirmedEmpty === true && { confirmedEmpty: true }),
    },
  });
}

function shown({ name, label, site, enrolledAtMs, revokedAtMs }: Phone) {
  const revokedAt = revokedAtMs === undefined ? null : instant(revokedAtMs);
  return { gateway: name, label, site, enrolledAt: instant(enrolledAtMs), revokedAt };
}

/** Without the phone's name: one that is told that its name is not known asks for it again. */
function revoked(): Refusal {
  const detail = "An administrator has revoked this phone.";
  const next = "Its scans stay on it. Ask an administrator to allow it again.";
  return new Refusal({ status: 403, title: "This phone is revoked", detail, next });
}

function noSuchPhone(gateway: string): Refusal {
  const detail = `No phone is called ${gateway}.`;
  const next = "GET /api/v1/phones lists them.";
  return new Refusal({ status: 404, title: "Not known", detail, next });
}

function notThisPhone(detail: string): Refusal {
  const next = "Enrol it: POST /api/v1/phones with the numbering and the key of its storage.";
  return new Refusal({ status: 403, title: "This phone is not known", detail, next });
}

function noSuchSite(site: string | undefined): Refusal {
  const detail = `"${site}" names no place.`;
  const next = "GET /api/v1/sites lists the sites.";
  return new Refusal({ status: 400, title: "No such site", detail, next });
}

function notNow(why: string): Refusal {
  const next = "Keep the scans and send them again.";
  return new Refusal({ status: 503, title: "Not taken in", detail: `${why}.`, next });
}

const Seq = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER - SCANS_MAX });
const moment = (description: string) => Type.Integer({ minimum: 0, maximum: MS_MAX, description });
const Boot = Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 });
const Name = Type.String({ minLength: 1, maxLength: 64 });
const Epoch = Type.String({ pattern: "^[0-9a-zA-Z-]{16,64}$" });
const PhoneKey = Type.String({ pattern: "^[0-9a-zA-Z_-]{32,128}$" });
const maybe = Type.Optional;

const Scan = Type.Object(
  {
    boot: Boot,
    timeMs: moment("The phone's own clock at the scan"),
    monotonicMs: moment("Since the page was opened (boot)"),
    raw: Type.String({
      minLength: 1,
      maxLength: RAW_BASE64_MAX,
      pattern: "^[A-Za-z0-9+/]+={0,2}$",
      description: "What was read, AIM identifier and all, in base64",
    }),
    step: maybe(Name),
    operator: maybe(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: "A claim, as a badge is: not bound to who sends it",
      }),
    ),
    documentMode: maybe(Type.Boolean()),
    marker: maybe(Name),
    confirmedEmpty: maybe(Type.Boolean()),
  },
  { additionalProperties: false },
);

const Scans = Type.Object(
  {
    gateway: Name,
    key: PhoneKey,
    epoch: Epoch,
    boot: Boot,
    firstSeq: Seq,
    goneThrough: Type.Integer({
      minimum: 0,
      description: "Everything up to here has left the phone",
    }),
    sentAtMs: moment("The phone's own clock at sending"),
    sentMonotonicMs: maybe(moment("Not used; pages that were opened before an upgrade say it")),
    scans: Type.Array(Scan, {
      maxItems: SCANS_MAX,
      description: "In order from firstSeq; none: how far is it?",
    }),
  },
  { additionalProperties: false },
);

type Sent = Static<typeof Scans>;
type SentScan = Static<typeof Scan>;

const tags = ["phones"];
const problems = { "4xx": ProblemShape, "5xx": ProblemShape };
const PhoneShape = Type.Object(
  {
    gateway: Type.String({ description: "The name it sends its scans under" }),
    label: Type.String(),
    site: Type.String({ description: "Key of the site; empty when nobody said" }),
    enrolledAt: Type.String(),
    revokedAt: MaybeInstant,
  },
  { title: "Phone" },
);

const enrolSchema = {
  tags,
  summary: "Gives a browser that scans its gateway name; asked again, the same one",
  body: Type.Object(
    {
      epoch: Epoch,
      key: PhoneKey,
      label: Type.String({ maxLength: 128, description: "What its owner calls it" }),
      site: maybe(Id),
    },
    { additionalProperties: false },
  ),
  response: { 201: PhoneShape, ...problems },
};

const listSchema = {
  tags,
  summary: "Browsers that were enrolled as scanners, the newest first",
  querystring: Type.Object(
    { limit: Limit(100, 1_000), cursor: maybe(Name) },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      phones: ListOf(PhoneShape),
      next: orNull(Type.String({ description: "Cursor of the next page; null at the end" })),
    }),
    ...problems,
  },
};

const changeSchema = {
  tags,
  summary: "Takes nothing in any more from a phone that was lost, or again",
  body: Type.Object({ gateway: Name, revoked: Type.Boolean() }, { additionalProperties: false }),
  response: { 200: PhoneShape, ...problems },
};

const scansSchema = {
  tags,
  summary: "Scans of a phone, exactly once and in order; on stable storage when the answer leaves",
  body: Scans,
  response: {
    200: Type.Object({
      through: Type.Integer({
        description: "Everything up to here is the twin's now. Less than was sent: send from there",
      }),
      verdicts: ListOf(
        Type.Object({
          seq: Type.Integer(),
          kind: Type.String({ description: "accepted, discrepancy or unknown" }),
          reason: Type.String(),
        }),
        {
          description:
            "On scans of a moment ago, as far as it is known yet; without scans, the last",
        },
      ),
    }),
    ...problems,
  },
};
