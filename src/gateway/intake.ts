/**
 * What the gateway makes of a message from a device, before anybody acknowledges it:
 *
 *   a reading we understand ───► the telemetry lane        (a retransmission: the same event)
 *   a reading we do not ───────► quarantine, byte for byte
 *   a retained replay ─────────► nothing: it was told before, and is counted
 *   what nobody asked for ─────► nothing, and is counted: a session at a broker of somebody else knows of it
 *   a value without a unit ────► quarantine, the first message of each topic and kind of value; one
 *                                that tells no reading is acknowledged once its kind is kept
 *   what we fail on ourselves ─► quarantine: no message ends the gateway
 *   a device that went ────────► its state
 *   a name nobody may use ─────► the connection ends; a broker of somebody else is told to forget it
 *   a message beyond all bounds ► the same; its beginning is in quarantine
 *
 * A retained message is a reading like any other, but for one case: brokers and bridges repeat what
 * they retain when a connection begins. So the first retained message under a topic in a session,
 * when it equals the last one taken under that topic, is a replay.
 *
 * Knows nothing of the broker. The counters only grow.
 */
import {
  type DecoderSetting,
  type Meaning,
  type Report,
  unclear,
} from "../devices/decoders/convention.ts";
import {
  compileMappings,
  type Mapping,
  type Reading,
  type Source,
} from "../devices/mqtt-mapping/mapping.ts";
import { matchTopic, topicProblem } from "../devices/mqtt-mapping/topic.ts";
import type {
  Clock,
  DeviceIdentity,
  DeviceIntake,
  DeviceMessage,
  DeviceSession,
  NewEvent,
  OutboxPort,
  Taken,
} from "../ports.ts";
import { createSensorEncoder } from "../wire/sensor-event.ts";
import { createConventions } from "./conventions.ts";
import { partsOf } from "./event-parts.ts";
import { type Answer, createFate, type Fate, hearOf, land, STORED } from "./fate.ts";
import { createMemories } from "./memories.ts";
import { createOrigins } from "./origin.ts";
import type { Sensors } from "./sensors.ts";
import {
  createRecent,
  createUnsure,
  type Delivery,
  MARKED_MS,
  REPEATING_MS,
  type Recent,
  UNSURE_MS,
} from "./unsure.ts";

/** Topics whose meaning is remembered; any device may make up new ones, so there is a limit. */
const TOPICS_MAX = 16_384;
/** Topics of which the last retained payload is remembered. */
const RETAINED_MAX = 65_536;
/** So many at once start the writer while the rest of the chunk is being read. */
const BATCH_EVENTS = 256;
/** Retained topics of one session; beyond them nothing is a replay. */
const SESSION_TOPICS_MAX = 4096;
/**
 * No device says so much, and the quarantine could not keep it (64 MiB): refused like one that finds it full, it
 * would come again from a broker of somebody else, ahead of everything behind it, for ever.
 */
const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;
/** So that somebody can tell what it was. */
const BEGINNING_BYTES = 64 * 1024;
/** A reason is for a person, who has the message itself beside it. */
const REASON_CHARS_MAX = 1024;
/** Of several, so that how many they are is not cut off. */
const REASONS_CHARS_MAX = 900;
/**
 * Kinds of values without a unit of which the first message is kept. A device repeats such a value for
 * as long as it lives: kept each, one a second would fill the quarantine (10,000 messages) in three
 * hours, and the readings behind it would be refused with it.
 */
const UNREAD_MAX = 1024;

export type IntakeCounters = {
  /** Readings on disk, retransmissions included. */
  accepted: number;
  refused: number;
  quarantined: number;
  /** Retained messages that told nothing new, and empty ones that clear a topic. */
  replays: number;
  /** Messages that said they were sent before (DUP). */
  retransmissions: number;
  wills: number;
  /** Values left aside, since nobody says what they are. */
  unread: number;
  /** Messages of a broker of somebody else that it was not asked for. */
  unasked: number;
};

export type Intake = DeviceIntake & {
  readonly counters: Readonly<IntakeCounters>;
  /** From now on messages mean this; connections go on, and what conventions remember stays. */
  use(options: IntakeOptions & Pick<IntakeDeps, "sift">): void;
};

type Place =
  | { readonly kind: "source"; readonly source: Source }
  | { readonly kind: "convention" }
  | { readonly kind: "unmapped"; readonly why: string }
  | { readonly kind: "illegal" };

/** A device, and what it said in this connection. */
type Sender = DeviceIdentity & {
  readonly recent: Recent;
  /** Tickets without an answer, in the order of arrival, which is that of the answers on the line. */
  readonly unanswered: Map<number, Fate | undefined>;
  /** When it first said something. */
  readonly sinceMs: number | undefined;
};
/** What a delivery is stored as; `fate` where it repeats one of before. */
type Made = NewEvent & { readonly fate?: Fate | undefined };
type Say = Parameters<DeviceIntake["open"]>[2];
/** A report, and what its id is unique in. */
type Told = Report & { readonly scope: string };

/** Readings that came together and are stored by one put: those of one chunk from a socket. */
type Batch = {
  /** When they came: the chunk did at one moment. */
  readonly gatewayTimeMs: number;
  readonly monotonicMs: number;
  readonly events: NewEvent[];
  /** Whose they are, where somebody sifted them. */
  readonly devices: Set<string>;
  readonly fate: Fate;
};

const CONVENTION: Place = { kind: "convention" };
const KEPT = "kept-from-before";
const TAKEN: Taken = { ok: true };
const ILLEGAL: Taken = { ok: false, why: "illegal" };
const FAILED: Taken = { ok: false, why: "failed" };

export type IntakeDeps = {
  readonly outbox: OutboxPort;
  readonly clock: Clock;
  /** Absent: nobody asks after devices. */
  readonly sensors?: Sensors;
  /** What of a device's readings is worth keeping; absent: all of it. */
  readonly sift?: Sift | undefined;
  /** Hears of all that devices measure, before it is sifted. */
  readonly noticed?:
    | ((device: string, readings: readonly Reading[], atMs: number) => void)
    | undefined;
};

export type Sift = {
  keep(device: string, readings: readonly Reading[]): readonly Reading[];
  /** What was to be kept of these devices was not. */
  failed(devices: Iterable<string>): void;
};

export type IntakeOptions = {
  readonly mappings: readonly Mapping[];
  /** Asked where no mapping matches. */
  readonly decoders?: readonly DecoderSetting[];
};

export function createIntake(
  { outbox, clock, sensors, noticed, sift: firstSift }: IntakeDeps,
  { mappings, decoders: firstDecoders = [] }: IntakeOptions,
): Intake {
  let sift = firstSift;
  let decoders = firstDecoders;
  const memories = createMemories();
  let conventions = createConventions(decoders, memories);
  let placeOf = createPlaces(mappings, conventions.owns);
  /** Of each kind the first message, on disk or on its way there. */
  const unreadKept = new Map<string, Promise<Taken>>();
  const retained = createRetained();
  const origins = createOrigins();
  const encode = createSensorEncoder();
  const { boot } = outbox.state("telemetry");
  const unsure = createUnsure();
  const startedMs = clock.monotonicMs();
  unsure.holdStored(outbox.unsure, startedMs);
  const counters: IntakeCounters = {
    accepted: 0,
    refused: 0,
    quarantined: 0,
    replays: 0,
    retransmissions: 0,
    wills: 0,
    unread: 0,
    unasked: 0,
  };

  /** Deliveries that may come again, of all devices. */
  let delivered = 0;
  let filling: Batch | undefined;

  const batch = (): Batch => {
    if (filling !== undefined) return filling;
    queueMicrotask(commit);
    filling = {
      gatewayTimeMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
      events: [],
      devices: new Set(),
      fate: createFate(),
    };
    return filling;
  };

  const commit = async (): Promise<void> => {
    const full = filling;
    filling = undefined;
    if (full === undefined || full.events.length === 0) return;
    const put = await outbox.put("telemetry", full.events);
    counters[put.ok ? "accepted" : "refused"] += full.fate.readings;
    if (!put.ok) sift?.failed(full.devices);
    land(full.fate, put.ok ? TAKEN : put);
  };

  /** All of one message's events are kept, or none. */
  const store = (more: readonly NewEvent[], answer: Answer, ticket: number): Fate => {
    const { events, fate } = batch();
    for (const event of more) events.push(event);
    hearOf(fate, answer, ticket, more.length);
    if (events.length >= BATCH_EVENTS) void commit();
    return fate;
  };

  const quarantine = async (
    client: string,
    { topic, payload }: DeviceMessage,
    reason: string,
  ): Promise<Taken> => {
    const source = `mqtt://${encodeURIComponent(client)}/${topic}`;
    const atMs = clock.nowMs();
    const put = await outbox.quarantine({ source, reason: cut(reason), bytes: payload, atMs });
    counters[put.ok ? "quarantined" : "refused"] += 1;
    return put.ok ? TAKEN : put;
  };

  /** A copy: the rest of it is not to be held as well. */
  const keepBeginning = (client: string, message: DeviceMessage): Promise<Taken> => {
    const { length } = message.payload;
    const payload = Uint8Array.from(message.payload.subarray(0, BEGINNING_BYTES));
    const reason = `this is the beginning of ${length} bytes; ${PAYLOAD_BYTES_MAX} are read at most, and the rest was not kept`;
    return quarantine(client, { ...message, payload }, reason);
  };

  const eventsOf = (sender: Sender, message: DeviceMessage, told: Told): readonly Made[] => {
    const { device, readings, past, scope } = told;
    if (past !== true) {
      sensors?.heard(device);
      noticed?.(device, readings, clock.nowMs());
    }
    return partsOf(readings).flatMap((part, at) =>
      eventOf(sender, message, {
        ...told,
        readings: part,
        scope: at === 0 ? scope : `${scope} part ${at}`,
      }),
    );
  };

  const eventOf = (
    sender: Sender,
    { payload, packetId, dup, qos }: DeviceMessage,
    { device, readings: told, sourceTimeMs, id, past, scope }: Told,
  ): readonly Made[] => {
    const origin = originOf(sender.clientId, { packetId, qos, payload }, { id, scope });
    const again = origin === undefined ? false : isAgain(sender, dup, origin);
    // The sift counts as kept what is still on its way to disk; only the outbox knows what is there.
    // What was is kept whole: the sift compares with what is.
    const sieve = past === true ? undefined : sift;
    const readings = sieve === undefined || again ? told : sieve.keep(device, told);
    if (readings.length === 0) return [];
    const { gatewayTimeMs, monotonicMs, devices } = batch();
    if (sieve !== undefined) devices.add(device);
    const bytes = encode({
      boot,
      gatewayTimeMs,
      monotonicMs,
      clock: clock.quality(),
      sourceTimeMs,
      device,
      readings,
    });
    if (typeof again === "object") return [{ bytes, origin, retransmission: true, fate: again }];
    return [{ bytes, origin, retransmission: id === undefined ? again : true }];
  };

  /** What became of it when it came before; "earlier-start": the outbox may know. */
  const isAgain = (
    sender: Sender,
    dup: boolean,
    origin: bigint,
  ): Fate | "earlier-start" | false => {
    const { clientId, resumes, recent } = sender;
    const nowMs = clock.monotonicMs();
    const before = dup ? recent.find(origin) : undefined;
    if (before !== undefined) return fateOf(sender, before);
    if (!(dup || resumes) || hasRepeated(sender, nowMs)) return false;
    const held = unsure.take(clientId, origin, nowMs, dup);
    if (held !== undefined || !dup) return held ?? false;
    // How the sessions before this start ended, nobody knows any more.
    const isOver = nowMs - startedMs > MARKED_MS || unsure.isSettled(clientId, startedMs);
    return isOver ? false : "earlier-start";
  };

  /** What recognises it when it comes again; nothing does with QoS 0, unless the payload names itself. */
  const originOf = (
    client: string,
    { packetId, qos, payload }: Pick<DeviceMessage, "packetId" | "qos" | "payload">,
    { id, scope }: Pick<Told, "id" | "scope">,
  ): bigint | undefined => {
    if (id !== undefined) return origins.ofClaim(scope, id, payload);
    return qos === 0 ? undefined : origins.ofDelivery(client, packetId, scope, payload);
  };

  /** A reason when the message is not understood. */
  const understand = (
    device: Sender,
    message: DeviceMessage,
    place: Extract<Place, { kind: "source" | "unmapped" }>,
  ): readonly Made[] | string => {
    if (place.kind === "unmapped") return place.why;
    const text = textOf(message.payload);
    if (text === undefined) return "the payload is not UTF-8";
    const decoded = place.source.decode(text);
    if (!decoded.ok) return decoded.why;
    const { readings, sourceTimeMs, id } = decoded;
    if (isKept(device, message) && id === undefined) return KEPT;
    const told = { device: place.source.device, readings, sourceTimeMs, id, scope: message.topic };
    return eventsOf(device, message, told);
  };

  /** Answers when each kind of value in it is kept, by this message or by one before. */
  const keepUnread = async (
    client: string,
    message: DeviceMessage,
    unread: readonly string[],
    isAll: boolean,
  ): Promise<Taken> => {
    counters.unread += unread.length;
    const kinds = unread.map((reason) => ({ reason, key: `${message.topic} ${reason}` }));
    const news = kinds.filter(({ key }) => !unreadKept.has(key));
    const known = kinds.flatMap(({ key }) => unreadKept.get(key) ?? []);
    // Beyond the limit only those are kept of which nothing else would remain.
    const room = unreadKept.size < UNREAD_MAX;
    if (news.length > 0 && (room || isAll)) {
      const kept = quarantine(client, message, joined(news.map(({ reason }) => reason)));
      for (const { key } of news) if (unreadKept.size < UNREAD_MAX) unreadKept.set(key, kept);
      const taken = await kept;
      if (!taken.ok) for (const { key } of news) unreadKept.delete(key);
      if (!taken.ok) return taken;
    }
    return (await Promise.all(known)).find(({ ok }) => !ok) ?? TAKEN;
  };

  /** A message on which we fail ourselves would come again, and stop every start. */
  const attempt = <T>(make: () => T): T | string => {
    try {
      return make();
    } catch (error) {
      return `the gateway could not read it: ${String(error)}`;
    }
  };

  const convention = ({ topic, payload }: Pick<DeviceMessage, "topic" | "payload">): Meaning => {
    const message = { topic, bytes: payload, text: textOf(payload), atMs: clock.nowMs() };
    const read = attempt(() => conventions.read(message));
    return typeof read === "string" ? unclear(read) : read;
  };

  const apply = (meaning: Meaning, say: Say): void => {
    for (const { topic, bytes } of meaning.ask) say?.(topic, bytes);
    if (!meaning.ok) return;
    for (const { device, state, reason } of meaning.news) sensors?.news(device, state, reason);
  };

  /** What a convention makes of a message: its events, a reason, or what became of its only values. */
  const read = (
    device: Sender,
    message: DeviceMessage,
    say: Say,
  ): readonly Made[] | string | Promise<Taken> => {
    const meaning = convention(message);
    apply(meaning, say);
    if (!meaning.ok) return meaning.why;
    if (meaning.unread.length > 0) {
      const isAll = meaning.reports.every(({ readings }) => readings.length === 0);
      const kept = keepUnread(device.clientId, message, meaning.unread, isAll);
      if (isAll) return kept;
    }
    const reports = isKept(device, message)
      ? meaning.reports.filter(({ id }) => id !== undefined)
      : meaning.reports;
    return reports.flatMap((report, at) =>
      eventsOf(device, message, { ...report, scope: scopeOf(message, report, at) }),
    );
  };

  const open = (identity: DeviceIdentity, tell: Answer, say?: Say): DeviceSession => {
    const seen = new Set<string>();
    const recent = createRecent();
    const unanswered = new Map<number, Fate | undefined>();
    const device = { ...identity, recent, unanswered, sinceMs: undefined as number | undefined };

    const answer: Answer = (ticket, taken) => {
      unanswered.delete(ticket);
      if (!taken.ok) unsure.drop(recent.drop(ticket));
      tell(ticket, taken);
    };

    const remember = (made: readonly Made[], ticket: number): void => {
      const atMs = clock.monotonicMs();
      for (const { origin, fate } of made) {
        if (origin === undefined) continue;
        delivered += 1;
        recent.add({ origin, nth: delivered, atMs, ticket, stored: fate?.is === "stored" });
      }
    };

    /** Whether a retained message tells nothing that is not on disk already. */
    const isReplay = ({ topic, payload }: DeviceMessage): boolean => {
      if (payload.length === 0) return true;
      if (seen.has(topic) || seen.size >= SESSION_TOPICS_MAX) return false;
      seen.add(topic);
      return retained.holds(topic, origins.ofContent(payload));
    };

    /** What is retained counts from when it is on disk: a refused message is no replay next time. */
    const answerRetained = ({ topic, payload }: DeviceMessage): Answer => {
      const content = origins.ofContent(payload);
      return (ticket, taken) => {
        if (taken.ok) retained.set(topic, content);
        answer(ticket, taken);
      };
    };

    return {
      take(message, ticket) {
        unanswered.set(ticket, undefined);
        device.sinceMs ??= clock.monotonicMs();
        if (message.dup) counters.retransmissions += 1;
        const place = placeOf(message.topic);
        if (place.kind === "illegal") {
          counters.refused += 1;
          return answer(ticket, ILLEGAL);
        }
        if (!isAsked(identity, message)) {
          counters.unasked += 1;
          return answer(ticket, TAKEN);
        }
        if (message.payload.length > PAYLOAD_BYTES_MAX)
          return void keepBeginning(device.clientId, message)
            .catch(() => FAILED)
            .then(() => answer(ticket, ILLEGAL));
        if (message.retain && isReplay(message)) {
          counters.replays += 1;
          if (message.payload.length === 0) retained.clear(message.topic);
          // What it says of the device may have changed since: a last will came, and it is back.
          if (place.kind === "convention") apply(convention(message), say);
          return answer(ticket, TAKEN);
        }
        const told = message.retain ? answerRetained(message) : answer;
        const made = attempt(() =>
          place.kind === "convention"
            ? read(device, message, say)
            : understand(device, message, place),
        );
        if (made === KEPT) {
          counters.replays += 1;
          return told(ticket, TAKEN);
        }
        if (typeof made === "string" || made instanceof Promise) {
          const kept = typeof made === "string" ? quarantine(device.clientId, message, made) : made;
          return void kept.catch(() => FAILED).then((taken) => told(ticket, taken));
        }
        if (made.length === 0) return told(ticket, TAKEN);
        const owed = made.filter(({ fate }) => fate?.is !== "stored");
        remember(made, ticket);
        if (owed.length < made.length) counters.accepted += made.length - owed.length;
        if (owed.length === 0) return told(ticket, TAKEN);
        const ahead = sharedFate(owed);
        if (ahead === undefined) unanswered.set(ticket, store(owed, told, ticket));
        else {
          unanswered.set(ticket, ahead);
          hearOf(ahead, told, ticket, owed.length);
        }
      },
      end(how) {
        const nowMs = clock.monotonicMs();
        if (hasRepeated(device, nowMs)) unsure.settle(identity.clientId, nowMs);
        const [firstOpen = Number.POSITIVE_INFINITY] = unanswered.keys();
        const unmarkedMs =
          how === "broken" && identity.resumes ? nowMs - UNSURE_MS : Number.POSITIVE_INFINITY;
        unsure.hold(recent, delivered, (delivery) => {
          if (how === "said" && delivery.ticket < firstOpen) return undefined;
          const unmarked = delivery.atMs >= unmarkedMs;
          return { atMs: nowMs, unmarked, fate: fateOf(device, delivery) };
        });
      },
    };
  };

  return {
    counters,
    open,
    use({ mappings: next, decoders: nextDecoders = [], sift: nextSift }) {
      sift = nextSift;
      if (JSON.stringify(nextDecoders) !== JSON.stringify(decoders))
        conventions = createConventions(nextDecoders, memories);
      decoders = nextDecoders;
      placeOf = createPlaces(next, conventions.owns);
    },
    will(_client, topic, payload) {
      counters.wills += 1;
      if (placeOf(topic).kind === "convention") apply(convention({ topic, payload }), undefined);
    },
  };
}

/** What was refused is forgotten, so what has its answer is on disk. */
function fateOf({ unanswered }: Sender, { ticket, stored }: Delivery): Fate {
  return (stored ? undefined : unanswered.get(ticket)) ?? STORED;
}

/** What it did not say again by now, it heard the answer to. */
function hasRepeated({ sinceMs = Number.POSITIVE_INFINITY }: Sender, nowMs: number): boolean {
  return nowMs - sinceMs > REPEATING_MS;
}

/** What all of these are on their way to disk with; else they are put once more. */
function sharedFate(made: readonly Made[]): Fate | undefined {
  const fate = made[0]?.fate;
  return fate?.is === "flying" && made.every((one) => one.fate === fate) ? fate : undefined;
}

/** A source that retains tells again what it kept, unless the payload names itself. */
function isKept({ keepsRetained }: DeviceIdentity, { retain }: DeviceMessage): boolean {
  return keepsRetained === true && retain;
}

function isAsked({ asked }: DeviceIdentity, { topic }: DeviceMessage): boolean {
  return asked?.some((filter) => matchTopic(unshared(filter), topic) !== undefined) ?? true;
}

/** Brokers give the messages of one filter to a group in turns: $share/GROUP/FILTER. */
function unshared(filter: string): string {
  return filter.replace(/^\$share\/[^/]+\//, "");
}

/** The first report of a message is known by its topic alone, like a mapping's. */
function scopeOf({ topic }: DeviceMessage, { device }: Report, at: number): string {
  return at === 0 ? topic : `${topic} ${device} ${at}`;
}

function createPlaces(
  mappings: readonly Mapping[],
  owned: (topic: string) => boolean,
): (topic: string) => Place {
  const { find } = compileMappings(mappings);
  const places = new Map<string, Place>();

  const look = (topic: string): Place => {
    if (topicProblem(topic) !== undefined) return { kind: "illegal" };
    const found = find(topic);
    return found.ok
      ? { kind: "source", source: found.source }
      : { kind: "unmapped", why: found.why };
  };

  return (topic) => {
    let place = places.get(topic);
    if (place === undefined) {
      if (places.size >= TOPICS_MAX) places.clear();
      place = look(topic);
      places.set(topic, place);
    }
    // Discovery may give a topic its meaning at any time.
    return place.kind === "unmapped" && owned(topic) ? CONVENTION : place;
  };
}

/** What each topic retains, by the hash of it; the topics that were set longest ago are forgotten. */
function createRetained() {
  const contents = new Map<string, bigint>();
  return {
    holds: (topic: string, content: bigint): boolean => contents.get(topic) === content,
    set(topic: string, content: bigint): void {
      contents.delete(topic);
      contents.set(topic, content);
      if (contents.size <= RETAINED_MAX) return;
      const [oldest] = contents.keys();
      if (oldest !== undefined) contents.delete(oldest);
    },
    clear(topic: string): void {
      contents.delete(topic);
    },
  };
}

/** As many of the reasons as a person will read. */
function joined(reasons: readonly string[]): string {
  const told: string[] = [];
  let chars = 0;
  for (const reason of reasons) {
    chars += reason.length;
    if (told.length > 0 && chars > REASONS_CHARS_MAX) break;
    told.push(reason);
  }
  const more = reasons.length - told.length;
  return more === 0 ? told.join("; ") : `${told.join("; ")}; and ${more} more`;
}

function cut(reason: string): string {
  return reason.length <= REASON_CHARS_MAX ? reason : `${reason.slice(0, REASON_CHARS_MAX - 1)}…`;
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined when the bytes are not UTF-8. */
function textOf(payload: Uint8Array): string | undefined {
  // Far quicker than a TextDecoder for a few dozen bytes, and it marks what it could not read.
  const text = asBuffer(payload).toString();
  if (!text.includes("\ufffd")) return text;
  try {
    return strict.decode(payload);
  } catch {
    return undefined;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
