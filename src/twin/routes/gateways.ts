/**
 * What gateways sent: their lanes and the events themselves as they came, what was not taken in, and
 * what they last said of their devices.
 */
import { Type } from "typebox";
import type { DeviceStates, ToldState } from "../../store/device-states.ts";
import type { EvidenceReader, Missing, Quarantined, Segment } from "../../store/evidence.ts";
import { decodeEvent, type Event, WireError } from "../../wire/codec.ts";
import type { GatewayStandings } from "../gateway-standings.ts";
import type { ClockStanding } from "../gateway-word.ts";
import { type HttpApp, Refusal } from "./app.ts";
import { Instant, instant, Limit, ListOf, orNull, ProblemShape, wordOf } from "./shapes.ts";

const EVENTS_MAX = 5_000;
const DEVICES_MAX = 10_000;
/** Of a lane, the newest; all are counted. */
const MISSING_MAX = 20;
/** What a page of the evidence or of the quarantine holds, about; one entry in any case. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

type Misunderstood = {
  readonly position: number;
  readonly atMs: number;
  readonly source: string;
  readonly detail: string;
};

export type GatewayRoutesDeps = {
  readonly evidence: EvidenceReader;
  /** Newest first, of those before a position. */
  readonly misunderstood: (limit: number, before?: number) => readonly Misunderstood[];
  readonly standings: GatewayStandings;
  readonly deviceStates: DeviceStates;
};

export function registerGatewayRoutes(app: HttpApp, deps: GatewayRoutesDeps): void {
  const { evidence, standings, deviceStates } = deps;

  app.get("/api/v1/gateways", { schema: gatewaysSchema, config: { role: "viewer" } }, () => {
    const missing = new Map(
      evidence.missing(MISSING_MAX).map((one) => [`${one.gateway} ${one.epoch}`, one]),
    );
    const devices = new Map<string, ToldState[]>();
    for (const told of deviceStates.list(DEVICES_MAX)) {
      const ofIt = devices.get(told.gateway);
      if (ofIt === undefined) devices.set(told.gateway, [told]);
      else ofIt.push(told);
    }
    return standings.list().map(({ gateway, connected, sinceMs, heardAtMs, clock, lanes }) => ({
      gateway,
      connected,
      since: maybeInstant(sinceMs),
      heardAt: maybeInstant(heardAtMs),
      clock: clock === undefined ? null : shownClock(clock),
      lanes: lanes.map(({ epoch, lane, through, lastTakenInAtMs, waiting }) => ({
        ...{ epoch, lane, through, lastTakenInAt: maybeInstant(lastTakenInAtMs) },
        waiting: waiting?.events ?? null,
        waitingAt: maybeInstant(waiting?.atMs),
        missing: shownMissing(lane, missing.get(`${gateway} ${epoch}`)),
      })),
      devices: (devices.get(gateway) ?? []).map(shownDevice),
    }));
  });

  app.get("/api/v1/events", { schema: eventsSchema, config: { role: "viewer" } }, (request) => {
    const { after, limit } = request.query;
    const events = eventsPage(evidence, after, limit);
    return { events, next: events.at(-1)?.position ?? after };
  });

  app.get("/api/v1/event", { schema: eventSchema, config: { role: "viewer" } }, (request) => {
    const { position } = evidence.event(request.query) ?? {};
    for (const segment of position === undefined ? [] : evidence.from(position)) {
      const index = (position ?? 0) - segment.position;
      const bytes = segment.batch.events[index];
      if (bytes !== undefined) return shownEvent(segment, index, bytes);
    }
    const { gateway, epoch, seq } = request.query;
    throw new Refusal({
      status: 404,
      title: "Not known",
      detail: `No event is called ${gateway}/${epoch}/${seq}.`,
      next: "GET /api/v1/events lists those there are.",
    });
  });

  app.get(
    "/api/v1/quarantine",
    { schema: quarantineSchema, config: { role: "viewer" } },
    (request) => {
      const { limit, cursor } = request.query;
      const { held, evicted } = evidence.quarantineCounts();
      return { held, evicted, ...quarantinePage(deps, limit, cursor) };
    },
  );
}

/** So many, or fewer where they are large. */
function eventsPage(evidence: EvidenceReader, after: number, limit: number) {
  const events: ReturnType<typeof shownEvent>[] = [];
  let shown = 0;
  for (const segment of evidence.from(after + 1))
    for (const [index, bytes] of segment.batch.events.entries()) {
      if (segment.position + index <= after) continue;
      const event = shownEvent(segment, index, bytes);
      events.push(event);
      shown += shownBytes(event, bytes);
      if (events.length >= limit || shown > PAGE_BYTES_MAX) return events;
    }
  return events;
}

/** About: a reading takes two bytes on the wire and forty as text, and a name three times its own. */
function shownBytes(event: ReturnType<typeof shownEvent>, { length }: Uint8Array): number {
  const readings = "readings" in event ? event.readings.length : 0;
  return 512 + 3 * length + 40 * readings;
}

/**
 * Two lists as one, each in its own order: a clock that was put back in between would otherwise hide what
 * the next page begins behind.
 */
function quarantinePage(
  { evidence, misunderstood }: GatewayRoutesDeps,
  limit: number,
  cursor = `${Number.MAX_SAFE_INTEGER}.${Number.MAX_SAFE_INTEGER}`,
) {
  let [id = 0, position = 0] = cursor.split(".").map(Number);
  const refused = evidence.quarantined(id);
  const unclear = misunderstood(limit + 1, position).values();
  const entries: (ReturnType<typeof shownRefused> | ReturnType<typeof shownUnclear>)[] = [];
  let [one, other] = [refused.next().value, unclear.next().value];
  for (let bytes = 0; entries.length < limit; ) {
    if (one !== undefined && (other === undefined || one.atMs >= other.atMs)) {
      bytes += one.bytes.length;
      if (bytes > PAGE_BYTES_MAX && entries.length > 0) break;
      entries.push(shownRefused(one));
      ({ id } = one);
      one = refused.next().value;
    } else if (other !== undefined) {
      entries.push(shownUnclear(other));
      ({ position } = other);
      other = unclear.next().value;
    } else break;
  }
  const isAll = one === undefined && other === undefined;
  return { entries, next: isAll ? null : `${id}.${position}` };
}

function shownRefused({ atMs, times, source, reason, detail, bytes }: Quarantined) {
  const told = { time: instant(atMs), times, source, reason, detail };
  return { ...told, position: null, bytes: Buffer.from(bytes).toString("base64") };
}

function shownUnclear({ atMs, source, detail, position }: Misunderstood) {
  const told = { time: instant(atMs), times: 1, source, reason: "not_understood", detail };
  return { ...told, position, bytes: null };
}

function maybeInstant(atMs: number | undefined): string | null {
  return atMs === undefined ? null : instant(atMs);
}

function shownClock({ quality, aheadMs, atMs }: ClockStanding) {
  return { quality, aheadMs, at: instant(atMs) };
}

function shownMissing(lane: string, missing: Missing | undefined) {
  const { events = 0, holes = 0, newest = [] } = missing ?? {};
  const ranges = newest.map(({ firstSeq, lastSeq, notedAtMs }) => ({
    ...{ firstSeq, lastSeq, since: instant(notedAtMs) },
  }));
  const next = events === 0 ? "" : NEXT[lane === "scan" ? "scan" : "telemetry"];
  return { events, holes, ranges, next };
}

/** The gateway has sent all it still had: nothing more can be asked of it. */
const NEXT = {
  scan: "GET /api/v1/discrepancies?kind=sequence_gap names when; count the places that were scanned then.",
  telemetry: "The course of these hours has a gap; a longer outage needs more telemetryBytesMax.",
};

function shownDevice({ device, state, reason, sinceMs, position }: ToldState) {
  return { device, state, reason, since: instant(sinceMs), position };
}

function shownEvent({ position, takenInAtMs, batch }: Segment, index: number, bytes: Uint8Array) {
  const place = {
    position: position + index,
    gateway: batch.gateway,
    epoch: batch.epoch,
    seq: batch.firstSeq + index,
    lane: batch.lane,
    takenInAt: instant(takenInAtMs),
  };
  try {
    return { ...place, ...shownContent(decodeEvent(bytes)) };
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { ...place, problem: error.message };
  }
}

function shownContent({ device, boot, clock, gatewayTimeMs, sourceTimeMs, body }: Event) {
  const common = {
    device,
    boot,
    clock,
    gatewayTime: instant(gatewayTimeMs),
    sourceTime: sourceTimeMs === undefined ? null : instant(sourceTimeMs),
  };
  switch (body.kind) {
    case "scan": {
      const { aim, step = null, operator = null, framing, suspectedRepeat = false } = body;
      const raw = Buffer.from(body.raw);
      return {
        ...common,
        scan: {
          text: scanText(raw, aim),
          raw: raw.toString("base64"),
          aim,
          framing,
          step,
          operator,
          suspectedRepeat,
        },
      };
    }
    case "sensor":
      return {
        ...common,
        readings: body.readings.map(({ property, value, unit }) => ({ property, value, unit })),
      };
    case "statement":
      return { ...common, statement: { kind: body.statement, json: body.json } };
    case "device-state":
      return { ...common, deviceState: { state: body.state, reason: body.reason } };
  }
}

/** As a person would write the scan: with the AIM identifier that the scanner sent. */
function scanText(raw: Buffer, aim: string): string {
  const text = raw.toString("utf8");
  return text.startsWith(aim) ? text : aim + text;
}

const Lane = Type.Object({
  epoch: Type.String(),
  lane: Type.String(),
  through: Type.Integer(),
  lastTakenInAt: orNull(Instant),
  waiting: orNull(
    Type.Integer({
      description:
        "Events that wait at the gateway, as it said at `waitingAt`, less what came since; null: it did not say",
    }),
  ),
  waitingAt: orNull(Instant),
  missing: Type.Object(
    {
      events: Type.Integer(),
      holes: Type.Integer({ description: "How many ranges of numbers those are" }),
      ranges: ListOf(
        Type.Object({ firstSeq: Type.Integer(), lastSeq: Type.Integer(), since: Instant }),
        { description: `The newest ${MISSING_MAX} of them, newest first` },
      ),
      next: Type.String({ description: "Empty where nothing is missing" }),
    },
    { description: "What the gateway no longer had when it was asked for" },
  ),
});

const GatewayClock = Type.Object(
  {
    quality: wordOf("ClockQuality", ["synced", "unsynced", "stepped", "unknown"]),
    aheadMs: Type.Integer({
      description:
        "The gateway's clock minus the twin's, less the shortest time on the way: below a second or two it says nothing",
    }),
    at: Instant,
  },
  { title: "GatewayClock" },
);

const Device = Type.Object(
  {
    device: Type.String(),
    state: Type.String({ description: "absent, opening, open, silent or faulted" }),
    reason: Type.String({ description: "Empty where there is nothing to say" }),
    since: Instant,
    position: Type.Integer({ description: "Of the event in which the gateway says so" }),
  },
  { title: "DeviceState" },
);

const gatewaysSchema = {
  tags: ["gateways"],
  summary:
    "Gateways, whether they are connected, what waits there, their clocks, how far each lane was taken in, and what was last said of devices",
  description: `Every gateway there ever was, and ${DEVICES_MAX} devices of all of them at most.`,
  response: {
    200: ListOf(
      Type.Object(
        {
          gateway: Type.String(),
          connected: Type.Boolean(),
          since: orNull(
            Type.Unsafe<string>({
              ...Instant,
              description:
                "When it came, or when it left; null: it was not here since the twin began",
            }),
          ),
          heardAt: orNull(Instant),
          clock: orNull(GatewayClock),
          lanes: ListOf(Lane),
          devices: ListOf(Device, {
            description: "As last told; while the gateway is not connected, as it was then",
          }),
        },
        { title: "Gateway" },
      ),
    ),
  },
};

const ShownEvent = Type.Object(
  {
    position: Type.Integer(),
    gateway: Type.String(),
    epoch: Type.String(),
    seq: Type.Integer(),
    lane: Type.String(),
    takenInAt: Instant,
    device: Type.Optional(Type.String()),
    boot: Type.Optional(Type.Integer()),
    clock: Type.Optional(Type.String()),
    gatewayTime: Type.Optional(Instant),
    sourceTime: Type.Optional(orNull(Instant)),
    scan: Type.Optional(
      Type.Object({
        text: Type.String(),
        raw: Type.String({ description: "base64" }),
        aim: Type.String(),
        framing: Type.String(),
        step: orNull(Type.String()),
        operator: orNull(Type.String()),
        suspectedRepeat: Type.Boolean({
          description:
            "It may be the scan before it, sent again because the answer to it was lost; it counts as a scan of its own",
        }),
      }),
    ),
    readings: Type.Optional(
      ListOf(
        Type.Object({
          property: Type.String(),
          value: Type.Number(),
          unit: Type.String(),
        }),
      ),
    ),
    statement: Type.Optional(Type.Object({ kind: Type.String(), json: Type.String() })),
    deviceState: Type.Optional(Type.Object({ state: Type.String(), reason: Type.String() })),
    problem: Type.Optional(Type.String({ description: "Why it is not understood" })),
  },
  { title: "TakenIn" },
);

const eventSchema = {
  tags: ["evidence"],
  summary: "One event of the evidence by its name, as it was taken in",
  querystring: Type.Object(
    {
      gateway: Type.String({ minLength: 1, maxLength: 64 }),
      epoch: Type.String({ minLength: 1, maxLength: 256 }),
      seq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    },
    { additionalProperties: false },
  ),
  response: { 200: ShownEvent, 400: ProblemShape, 404: ProblemShape },
};

const eventsSchema = {
  tags: ["evidence"],
  summary: "The evidence: every event taken in, in the twin's order, from a position on",
  description:
    "In pages of `limit` events or about 8 MiB, whichever is less; one that has no events is behind the end.",
  querystring: Type.Object(
    {
      after: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER - 1, default: 0 }),
      limit: Limit(1_000, EVENTS_MAX),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      events: ListOf(ShownEvent),
      next: Type.Integer({ description: "Ask with this as `after` for what follows" }),
    }),
  },
};

const quarantineSchema = {
  tags: ["evidence"],
  summary: "What was not taken in, or is not understood, newest first, as it came",
  description:
    "In pages of 8 MiB at most, or of one entry that is larger. No more than ten thousand are held; `held` and `evicted` say how many there are and were. Of a batch that was too large to be looked at the first KiB is kept. What is not understood is in the evidence, too: GET /api/v1/events gives all of it, a page at a time.",
  querystring: Type.Object(
    {
      limit: Limit(100, 1_000),
      cursor: Type.Optional(
        Type.String({
          pattern: "^\\d{1,16}\\.\\d{1,16}$",
          description: "What the page before gave as next",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      held: Type.Integer(),
      evicted: Type.Integer({ description: "Older entries that made room" }),
      entries: ListOf(
        Type.Object({
          time: Instant,
          times: Type.Integer({ description: "How often the same came" }),
          source: Type.String(),
          reason: Type.String(),
          detail: Type.String(),
          position: orNull(Type.Integer({ description: "Where the evidence holds it" })),
          bytes: orNull(Type.String({ description: "base64" })),
        }),
      ),
      next: orNull(Type.String({ description: "Cursor of the next page; null at the end" })),
    }),
  },
};
