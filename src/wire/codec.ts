/**
 * Bytes to values and back, for the contract in racktrace.proto. The only user of protobufjs.
 *
 * Decoding never trusts: a size cap comes before the decoder, 64-bit integers must be safe ones,
 * enums must be known, and whatever fails is a WireError that says which message and why.
 */
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import { compress, decompress } from "./compress.ts";

// Without Long, 64-bit fields are numbers; `whole` refuses those that lost precision.
protobuf.util.Long = undefined as never;
protobuf.configure();

const root = protobuf.parse(readFileSync(new URL("./racktrace.proto", import.meta.url), "utf8"), {
  keepCase: false,
}).root;
const type = (name: string) => root.lookupType(`racktrace.v1.${name}`);
const EventType = type("Event");
const BatchType = type("Batch");
const EventsType = type("Events");
const HelloType = type("Hello");
const AckType = type("Ack");
const VerdictsType = type("Verdicts");
const DirectivesType = type("Directives");

/** Limits, in bytes and counts. A batch is refused above them before it is decoded. */
export const EVENT_BYTES_MAX = 64 * 1024;
export const BATCH_BYTES_MAX = 1024 * 1024;
export const BATCH_EVENTS_MAX = 4096;
/** What a compressed body may grow to: a bomb stops here. */
const EVENTS_BYTES_MAX = 4 * 1024 * 1024;
/** What is kept of a batch that was known in part is packed anew, perhaps not at all: its events, and what is said of them. */
const HELD_BYTES_MAX = EVENTS_BYTES_MAX + EVENT_BYTES_MAX;
/** What fits into an event where each has a name of a letter and a unit of one; a value of zero takes no byte. */
export const READINGS_MAX = EVENT_BYTES_MAX / 8;
/**
 * Elements of all events of a batch that is offered, and how many of them each of its bytes may bring: what takes
 * two bytes, and next to none where it is compressed, costs the twin some microseconds. As many as fit into a batch
 * that is not compressed, where each is a reading with a name and a unit; in the 256 KiB that a gateway sends at
 * once they fit whatever they say. For each byte, where devices of hundreds of registers tell zeros for ever, there
 * are 28 in what is sent and 49 in a backlog's file.
 */
const BATCH_ELEMENTS_MAX = BATCH_BYTES_MAX / 8;
const ELEMENTS_PER_BYTE_MAX = 64;
/** A gateway has one for each lane. */
export const HELLO_NUMBERINGS_MAX = 16;
/** SHA-256; Ed25519. */
const LINK_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_BYTES = 32;
/** Below this a batch is sent as it is: the zstd frame would eat the gain. */
const COMPRESS_BYTES_MIN = 512;

export type Lane = "scan" | "telemetry";
export type ClockQuality = "unknown" | "synced" | "unsynced" | "stepped";
export type Framing =
  | "unspecified"
  | "delimiter"
  | "stx-etx"
  | "gap"
  | "packet"
  | "text"
  | "length";

const LANES: readonly (Lane | undefined)[] = [undefined, "scan", "telemetry"];
const CLOCKS: readonly ClockQuality[] = ["unknown", "synced", "unsynced", "stepped"];
const FRAMINGS: readonly Framing[] = [
  "unspecified",
  "delimiter",
  "stx-etx",
  "gap",
  "packet",
  "text",
  "length",
];

export type EventId = { readonly gateway: string; readonly epoch: string; readonly seq: number };

export type Event = {
  readonly boot: number;
  readonly gatewayTimeMs: number;
  readonly monotonicMs: number;
  readonly clock: ClockQuality;
  readonly sourceTimeMs: number | undefined;
  readonly device: string;
  readonly body: EventBody;
};

export type EventBody =
  | {
      readonly kind: "scan";
      readonly raw: Uint8Array;
      readonly framing: Framing;
      readonly aim: string;
      readonly step: string | undefined;
      readonly operator: string | undefined;
      readonly documentMode: boolean | undefined;
      /** Absent: none. */
      readonly marker?: string;
      readonly confirmedEmpty?: boolean;
      /** The frame as it was sent, when `raw` is not. */
      readonly sent?: Uint8Array;
      /** It may be the scan before it, sent again because the answer to it was lost. */
      readonly suspectedRepeat?: boolean;
    }
  | { readonly kind: "sensor"; readonly readings: readonly Reading[] }
  | { readonly kind: "statement"; readonly statement: string; readonly json: string }
  | { readonly kind: "device-state"; readonly state: string; readonly reason: string };

/** `unit` is a UCUM code. */
export type Reading = { readonly property: string; readonly value: number; readonly unit: string };

export type Batch = {
  readonly gateway: string;
  readonly epoch: string;
  readonly lane: Lane;
  readonly firstSeq: number;
  readonly goneThrough: number;
  readonly boot: number;
  readonly sentAtMs: number;
  readonly sentMonotonicMs: number;
  /** Encoded events, in seq order from firstSeq; each decodes by itself with decodeEvent. */
  readonly events: readonly Uint8Array[];
  /** Absent: nobody signed it. */
  readonly seal?: Seal;
  /** Nothing is to be taken in: does the twin hold the same under these numbers? */
  readonly compare?: true;
  /** Of the lane at sending. Absent: a browser sent it, an earlier release, or a person by a file. */
  readonly outlook?: Outlook;
};

/** What a gateway says of itself with a batch: how far its lane goes, and how good its clock is. */
export type Outlook = { readonly lastSeq: number; readonly clock: ClockQuality };

/** What makes a batch proof; wire/chain.ts says how. */
export type Seal = {
  /** Of the batch as it was signed. */
  readonly firstSeq: number;
  readonly chainFrom: number;
  readonly releasedThrough: number;
  readonly previous: Uint8Array;
  readonly signature: Uint8Array;
};

export type Numbering = {
  readonly epoch: string;
  readonly lane: Lane;
  readonly firstSeq: number;
  readonly lastSeq: number;
};
export type Hello = {
  readonly gateway: string;
  readonly numberings: readonly Numbering[];
  /** Of the seals that follow; absent: there are none. */
  readonly signingKey?: Uint8Array;
  /** At sending. Absent: an earlier release does not say. */
  readonly wallClock?: { readonly sentAtMs: number; readonly quality: ClockQuality };
};
export type Ack = {
  readonly epoch: string;
  readonly through: number;
  readonly resend: boolean;
  /** Not empty when the batch was not taken, and why. */
  readonly refused: string;
  readonly twinTimeMs: number;
  /** This twin compares. */
  readonly compares?: boolean;
  /** Of a batch that asked to compare, one of the two: up to where it is held as it was sent, or where it is not. */
  readonly sameThrough?: number;
  readonly differsFrom?: number;
  /** With sameThrough: from here on to it the numbers were declared gone, and nothing is held. */
  readonly goneFrom?: number;
};

/** What a device shall do. `kind` names what `json` says. */
export type Directive = {
  readonly id: string;
  readonly device: string;
  readonly kind: string;
  readonly json: string;
  /** When it was sent: after that it shall not be done any more. */
  readonly remainingMs: number;
};

export type VerdictKind = "accepted" | "discrepancy" | "unknown";
export type Verdict = {
  readonly epoch: string;
  readonly seq: number;
  readonly kind: VerdictKind;
  readonly reason: string;
};

const VERDICTS: readonly (VerdictKind | undefined)[] = [
  undefined,
  "accepted",
  "discrepancy",
  "unknown",
];

/** The bytes are not what the contract says. `message` names the part and the reason. */
export class WireError extends Error {
  override readonly name = "WireError";
}

export function encodeEvent(event: Event): Uint8Array {
  return EventType.encode({
    boot: event.boot,
    gatewayTimeMs: event.gatewayTimeMs,
    monotonicMs: Math.floor(event.monotonicMs),
    clock: CLOCKS.indexOf(event.clock),
    sourceTimeMs: event.sourceTimeMs,
    device: event.device,
    ...encodeBody(event.body),
  }).finish();
}

function encodeBody(body: EventBody): Record<string, unknown> {
  switch (body.kind) {
    case "scan":
      return {
        scan: {
          raw: body.raw,
          framing: FRAMINGS.indexOf(body.framing),
          aim: body.aim,
          step: body.step,
          operator: body.operator,
          documentMode: body.documentMode,
          marker: body.marker,
          confirmedEmpty: body.confirmedEmpty,
          sent: body.sent,
          suspectedRepeat: body.suspectedRepeat,
        },
      };
    case "sensor":
      return { sensor: { readings: body.readings } };
    case "statement":
      return { statement: { kind: body.statement, json: new TextEncoder().encode(body.json) } };
    case "device-state":
      return { deviceState: { state: body.state, reason: body.reason } };
  }
}

/** Throws WireError. */
export function decodeEvent(bytes: Uint8Array): Event {
  const raw = decode(EventType, "Event", bytes, EVENT_BYTES_MAX, READINGS);
  return {
    boot: raw["boot"],
    gatewayTimeMs: moment(raw["gatewayTimeMs"], "Event.gateway_time_ms"),
    monotonicMs: moment(raw["monotonicMs"], "Event.monotonic_ms"),
    clock: CLOCKS[raw["clock"]] ?? "unknown",
    sourceTimeMs: Object.hasOwn(raw, "sourceTimeMs")
      ? moment(raw["sourceTimeMs"], "Event.source_time_ms")
      : undefined,
    device: raw["device"],
    body: decodeBody(raw),
  };
}

function decodeBody(raw: Decoded): EventBody {
  if (raw["scan"] != null) {
    const scan: Decoded = raw["scan"];
    return {
      kind: "scan",
      raw: bytesOf(scan["raw"]),
      framing: FRAMINGS[scan["framing"]] ?? "unspecified",
      aim: scan["aim"],
      step: Object.hasOwn(scan, "step") ? scan["step"] : undefined,
      operator: Object.hasOwn(scan, "operator") ? scan["operator"] : undefined,
      documentMode: Object.hasOwn(scan, "documentMode") ? scan["documentMode"] : undefined,
      ...(scan["marker"] === "" ? {} : { marker: scan["marker"] }),
      ...(scan["confirmedEmpty"] === true ? { confirmedEmpty: true } : {}),
      ...(scan["sent"].length > 0 ? { sent: scan["sent"] } : {}),
      ...(scan["suspectedRepeat"] === true ? { suspectedRepeat: true } : {}),
    };
  }
  if (raw["sensor"] != null) {
    const readings: Decoded[] = raw["sensor"].readings;
    return {
      kind: "sensor",
      readings: readings.map(({ property, value, unit }) => ({ property, value, unit })),
    };
  }
  if (raw["statement"] != null) {
    const { kind, json } = raw["statement"];
    return { kind: "statement", statement: kind, json: new TextDecoder().decode(bytesOf(json)) };
  }
  if (raw["deviceState"] != null) {
    const { state, reason } = raw["deviceState"];
    return { kind: "device-state", state, reason };
  }
  throw new WireError("Event has no body this release knows; the sender may be newer");
}

export function encodeBatch(batch: Batch): Uint8Array {
  const events = EventsType.encode({ event: batch.events }).finish();
  const small = events.length >= COMPRESS_BYTES_MIN ? compress(events) : undefined;
  const pays =
    small !== undefined &&
    small.length < 0.9 * events.length &&
    isInProportion(batch.events, small.length);
  return BatchType.encode({
    gateway: batch.gateway,
    epoch: batch.epoch,
    lane: LANES.indexOf(batch.lane),
    firstSeq: batch.firstSeq,
    goneThrough: batch.goneThrough,
    boot: batch.boot,
    sentAtMs: batch.sentAtMs,
    sentMonotonicMs: Math.floor(batch.sentMonotonicMs),
    count: batch.events.length,
    ...(batch.seal !== undefined && { seal: batch.seal }),
    ...(batch.compare === true && { compare: true }),
    ...(batch.outlook !== undefined && {
      lastSeq: batch.outlook.lastSeq,
      clock: CLOCKS.indexOf(batch.outlook.clock),
    }),
    ...(pays ? { zstd: small } : { plain: { event: batch.events } }),
  }).finish();
}

/** A batch that is held already is read by decodeBatch, whatever was taken in once. Throws WireError. */
export function decodeOffered(bytes: Uint8Array): Batch {
  const batch = decodeBatch(bytes, BATCH_BYTES_MAX);
  if (!isInProportion(batch.events, bytes.length))
    throw new WireError("Batch holds more elements than its bytes may bring");
  return batch;
}

/** Throws WireError. The events inside are not decoded yet. */
export function decodeBatch(bytes: Uint8Array, bytesMax = HELD_BYTES_MAX): Batch {
  const raw = decode(BatchType, "Batch", bytes, bytesMax, BATCH_EVENTS);
  const lane = LANES[raw["lane"]];
  if (lane === undefined) throw new WireError(`Batch.lane ${raw["lane"]} is not known`);
  if (raw["gateway"] === "" || raw["epoch"] === "") throw new WireError("Batch names no numbering");
  const firstSeq = whole(raw["firstSeq"], "Batch.first_seq");
  if (firstSeq < 1) throw new WireError("Batch.first_seq starts at 1");
  const lastSeq = whole(raw["lastSeq"], "Batch.last_seq");
  const events = decodeEvents(raw);
  if (events.length !== raw["count"])
    throw new WireError(`Batch holds ${events.length} events and claims ${raw["count"]}`);
  return {
    gateway: raw["gateway"],
    epoch: raw["epoch"],
    lane,
    firstSeq,
    goneThrough: whole(raw["goneThrough"], "Batch.gone_through"),
    boot: raw["boot"],
    sentAtMs: moment(raw["sentAtMs"], "Batch.sent_at_ms"),
    sentMonotonicMs: moment(raw["sentMonotonicMs"], "Batch.sent_monotonic_ms"),
    events,
    ...(raw["seal"] != null && { seal: decodeSeal(raw["seal"], firstSeq) }),
    ...(raw["compare"] === true && { compare: true as const }),
    ...(lastSeq > 0 && { outlook: { lastSeq, clock: CLOCKS[raw["clock"]] ?? "unknown" } }),
  };
}

function decodeSeal(raw: Decoded, firstSeq: number): Seal {
  const { previous, signature } = raw;
  if (previous.length !== LINK_BYTES || signature.length !== SIGNATURE_BYTES)
    throw new WireError("Batch.seal lacks its link or its signature");
  const seal = {
    firstSeq: whole(raw["firstSeq"], "Seal.first_seq"),
    chainFrom: whole(raw["chainFrom"], "Seal.chain_from"),
    releasedThrough: whole(raw["releasedThrough"], "Seal.released_through"),
  };
  if (seal.firstSeq > firstSeq || seal.chainFrom >= seal.firstSeq)
    throw new WireError("Batch.seal is not of these events");
  return { ...seal, previous, signature };
}

function decodeEvents(raw: Decoded): readonly Uint8Array[] {
  if (raw["count"] > BATCH_EVENTS_MAX)
    throw new WireError(`Batch claims ${raw["count"]} events; ${BATCH_EVENTS_MAX} are allowed`);
  if (raw["plain"] != null) return raw["plain"].event;
  if (!Object.hasOwn(raw, "zstd")) throw new WireError("Batch has no body");
  let plain: Uint8Array;
  try {
    plain = decompress(raw["zstd"], EVENTS_BYTES_MAX);
  } catch (cause) {
    throw new WireError("Batch.zstd cannot be unpacked", { cause });
  }
  const { count } = raw;
  const why = `Batch holds more than the ${count} events that it claims`;
  const claimed = { path: [1], most: count, why };
  return decode(EventsType, "Events", plain, EVENTS_BYTES_MAX, claimed)["event"];
}

export function encodeHello(hello: Hello): Uint8Array {
  const numberings = hello.numberings.map((n) => ({ ...n, lane: LANES.indexOf(n.lane) }));
  const { gateway, signingKey, wallClock } = hello;
  const told = wallClock && {
    sentAtMs: wallClock.sentAtMs,
    clock: CLOCKS.indexOf(wallClock.quality),
  };
  return HelloType.encode({ gateway, protocol: 1, numberings, signingKey, ...told }).finish();
}

/** Throws WireError. */
export function decodeHello(bytes: Uint8Array): Hello {
  const raw = decode(HelloType, "Hello", bytes, EVENT_BYTES_MAX, NUMBERINGS);
  if (raw["protocol"] !== 1)
    throw new WireError(`Hello.protocol ${raw["protocol"]}: this twin speaks 1`);
  const numberings = (raw["numberings"] as Decoded[]).map((n) => {
    const lane = LANES[n["lane"]];
    if (lane === undefined) throw new WireError(`Hello lane ${n["lane"]} is not known`);
    return {
      epoch: n["epoch"] as string,
      lane,
      firstSeq: whole(n["firstSeq"], "Hello.first_seq"),
      lastSeq: whole(n["lastSeq"], "Hello.last_seq"),
    };
  });
  const { gateway, signingKey } = raw as { gateway: string; signingKey: Uint8Array };
  const sentAtMs = moment(raw["sentAtMs"], "Hello.sent_at_ms");
  if (signingKey.length !== 0 && signingKey.length !== KEY_BYTES)
    throw new WireError("Hello.signing_key is no Ed25519 key");
  return {
    gateway,
    numberings,
    ...(signingKey.length > 0 && { signingKey }),
    ...(sentAtMs > 0 && {
      wallClock: { sentAtMs, quality: CLOCKS[raw["clock"]] ?? "unknown" },
    }),
  };
}

export function encodeAck(ack: Ack): Uint8Array {
  return AckType.encode(ack).finish();
}

/** Throws WireError. */
export function decodeAck(bytes: Uint8Array): Ack {
  const raw = decode(AckType, "Ack", bytes, EVENT_BYTES_MAX);
  const sameThrough = whole(raw["sameThrough"], "Ack.same_through");
  const differsFrom = whole(raw["differsFrom"], "Ack.differs_from");
  const goneFrom = whole(raw["goneFrom"], "Ack.gone_from");
  return {
    epoch: raw["epoch"],
    through: whole(raw["through"], "Ack.through"),
    resend: raw["resend"],
    refused: raw["refused"],
    twinTimeMs: moment(raw["twinTimeMs"], "Ack.twin_time_ms"),
    ...(raw["compares"] === true && { compares: true }),
    ...(sameThrough > 0 && { sameThrough }),
    ...(differsFrom > 0 && { differsFrom }),
    ...(goneFrom > 0 && { goneFrom }),
  };
}

export function encodeVerdicts(verdicts: readonly Verdict[]): Uint8Array {
  const verdict = verdicts.map((one) => ({ ...one, kind: VERDICTS.indexOf(one.kind) }));
  return VerdictsType.encode({ verdict }).finish();
}

/** Throws WireError. Kinds that a later twin may know are left out. */
export function decodeVerdicts(bytes: Uint8Array): readonly Verdict[] {
  const raw = decode(VerdictsType, "Verdicts", bytes, EVENT_BYTES_MAX);
  return (raw["verdict"] as Decoded[]).flatMap(({ epoch, seq, kind, reason }) => {
    const known = VERDICTS[kind];
    return known === undefined
      ? []
      : [{ epoch, seq: whole(seq, "Verdict.seq"), kind: known, reason }];
  });
}

export function encodeDirectives(directives: readonly Directive[]): Uint8Array {
  const directive = directives.map((one) => ({
    ...one,
    json: new TextEncoder().encode(one.json),
    remainingMs: Math.max(0, Math.floor(one.remainingMs)),
  }));
  return DirectivesType.encode({ directive }).finish();
}

/** Throws WireError. */
export function decodeDirectives(bytes: Uint8Array): readonly Directive[] {
  const raw = decode(DirectivesType, "Directives", bytes, BATCH_BYTES_MAX);
  return (raw["directive"] as Decoded[]).map(({ id, device, kind, json, remainingMs }) => ({
    id,
    device,
    kind,
    json: new TextDecoder().decode(bytesOf(json)),
    remainingMs: whole(remainingMs, "Directive.remaining_ms"),
  }));
}

// biome-ignore lint/suspicious/noExplicitAny: a decoded message has the fields of its .proto type
type Decoded = Record<string, any>;

/** How many elements of a repeated field a message may hold. */
type ElementsBound = {
  /** Numbers of fields, from the message down to the repeated one. */
  readonly path: readonly number[];
  readonly most: number;
  readonly why: string;
};

const BATCH_EVENTS: ElementsBound = {
  ...{ path: [10, 1], most: BATCH_EVENTS_MAX },
  why: `Batch holds more than ${BATCH_EVENTS_MAX} events`,
};
const READINGS: ElementsBound = {
  ...{ path: [11, 1], most: READINGS_MAX },
  why: `Event holds more than ${READINGS_MAX} readings`,
};
const NUMBERINGS: ElementsBound = {
  ...{ path: [3], most: HELLO_NUMBERINGS_MAX },
  why: `Hello names more than ${HELLO_NUMBERINGS_MAX} numberings; a gateway has one for each lane`,
};

function decode(
  type: protobuf.Type,
  name: string,
  bytes: Uint8Array,
  bytesMax: number,
  bound?: ElementsBound,
): Decoded {
  if (bytes.length > bytesMax)
    throw new WireError(`${name} has ${bytes.length} bytes; ${bytesMax} are allowed`);
  try {
    if (bound !== undefined && holdsMore(bytes, bound)) throw new WireError(bound.why);
    return type.decode(bytes) as Decoded;
  } catch (cause) {
    if (cause instanceof WireError) throw cause;
    throw new WireError(`${name} cannot be decoded: ${(cause as Error).message}`, { cause });
  }
}

/** Bytes of a tag and of a length, at least. */
const ELEMENT_BYTES_MIN = 2;

/**
 * An element that says nothing takes two bytes in a message, next to none where they are compressed, and a
 * hundred as an object: they are counted before any is made.
 */
function holdsMore(bytes: Uint8Array, { path, most }: ElementsBound): boolean {
  if (bytes.length <= ELEMENT_BYTES_MIN * most) return false;
  const reader = protobuf.Reader.create(bytes);
  return countElements(reader, bytes.length, path, most) > most;
}

function isInProportion(events: readonly Uint8Array[], messageBytes: number): boolean {
  const most = Math.min(BATCH_ELEMENTS_MAX, ELEMENTS_PER_BYTE_MAX * messageBytes);
  const bytes = events.reduce((sum, { length }) => sum + length, 0);
  if (bytes <= ELEMENT_BYTES_MIN * most) return true;
  let count = 0;
  return events.every((event) => {
    count += elementsIn(event);
    return count <= most;
  });
}

/** What decoding an event costs: its fields, and its readings. */
export function elementsIn(event: Uint8Array): number {
  const reader = protobuf.Reader.create(event);
  let count = 0;
  try {
    while (reader.pos < event.length) {
      const tag = reader.tag();
      count += 1;
      // Of a report only the head is passed over: what is in it is counted like the fields around it.
      if (tag === SENSOR) reader.uint32();
      else reader.skipType(tag & 7, 0, tag >>> 3);
    }
  } catch {
    // It breaks off here, and so does whoever decodes it.
    return count;
  }
  return count;
}

/** No further than one more than is allowed. */
function countElements(
  reader: protobuf.Reader,
  end: number,
  [field, ...rest]: readonly number[],
  most: number,
): number {
  let count = 0;
  while (reader.pos < end && count <= most) {
    const tag = reader.tag();
    if (tag >>> 3 !== field || (tag & 7) !== LENGTH_DELIMITED) {
      reader.skipType(tag & 7, 0, tag >>> 3);
      continue;
    }
    const length = reader.uint32();
    if (rest.length > 0) {
      count += countElements(reader, reader.pos + length, rest, most - count);
      continue;
    }
    reader.skip(length);
    count += 1;
  }
  return count;
}

const LENGTH_DELIMITED = 2;
/** Event.sensor. */
const SENSOR = (11 << 3) | LENGTH_DELIMITED;

/** A field that is not there comes as an empty array of numbers, which is no bytes. */
function bytesOf(value: Uint8Array | readonly number[]): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array(0);
}

function whole(value: unknown, field: string): number {
  if (!Number.isSafeInteger(value)) throw new WireError(`${field} is not a whole safe number`);
  return value as number;
}

/** Milliseconds that every clock of this product can tell (ECMA-262, time values). */
const MS_MAX = 8.64e15;

function moment(value: unknown, field: string): number {
  const ms = whole(value, field);
  if (ms > MS_MAX) throw new WireError(`${field} is ${ms}, beyond any calendar`);
  return ms;
}
