/**
 * What the gateway makes of a message from a device, before anybody acknowledges it:
 *
 *   a reading we understand ───► the telemetry lane        (a retransmission: the same event)
 *   a reading we do not ───────► quarantine, byte for byte
 *   a retained replay ─────────► nothing: it was told before, and is counted
 *   a name nobody may use ─────► the connection ends
 *
 * A retained message is a reading like any other, but for one case: brokers and bridges repeat what
 * they retain when a connection begins. So the first retained message under a topic in a session,
 * when it equals the last one taken under that topic, is a replay.
 *
 * Knows nothing of the broker. The counters only grow.
 */
import { compileMappings, type Mapping, type Source } from "../devices/mqtt-mapping/mapping.ts";
import { topicProblem } from "../devices/mqtt-mapping/topic.ts";
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
import { createOrigins } from "./origin.ts";
import { createRecent, createUnsure, UNSURE_MS } from "./unsure.ts";

/** Topics whose meaning is remembered; any device may make up new ones, so there is a limit. */
const TOPICS_MAX = 16_384;
/** Topics of which the last retained payload is remembered. */
const RETAINED_MAX = 65_536;
/** So many at once start the writer while the rest of the chunk is being read. */
const BATCH_EVENTS = 256;
/** Retained topics of one session; beyond them nothing is a replay. */
const SESSION_TOPICS_MAX = 4096;

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
};

export type Intake = DeviceIntake & { readonly counters: Readonly<IntakeCounters> };

type Place =
  | { readonly kind: "source"; readonly source: Source }
  | { readonly kind: "unmapped"; readonly why: string }
  | { readonly kind: "illegal" };

type Answer = (ticket: number, taken: Taken) => void;

/** Readings that came together and are stored by one put: those of one chunk from a socket. */
type Batch = {
  /** When they came: the chunk did at one moment. */
  readonly gatewayTimeMs: number;
  readonly monotonicMs: number;
  readonly events: NewEvent[];
  readonly answers: Answer[];
  readonly tickets: number[];
};

const TAKEN: Taken = { ok: true };
const ILLEGAL: Taken = { ok: false, why: "illegal" };

export function createIntake(
  { outbox, clock }: { readonly outbox: OutboxPort; readonly clock: Clock },
  { mappings }: { readonly mappings: readonly Mapping[] },
): Intake {
  const placeOf = createPlaces(mappings);
  const retained = createRetained();
  const origins = createOrigins();
  const encode = createSensorEncoder();
  const { boot } = outbox.state("telemetry");
  const unsure = createUnsure();
  unsure.hold(outbox.unsure, clock.monotonicMs());
  const counters: IntakeCounters = {
    accepted: 0,
    refused: 0,
    quarantined: 0,
    replays: 0,
    retransmissions: 0,
    wills: 0,
  };

  let filling: Batch | undefined;

  const batch = (): Batch => {
    if (filling !== undefined) return filling;
    queueMicrotask(commit);
    filling = {
      gatewayTimeMs: clock.nowMs(),
      monotonicMs: clock.monotonicMs(),
      events: [],
      answers: [],
      tickets: [],
    };
    return filling;
  };

  const commit = async (): Promise<void> => {
    const full = filling;
    filling = undefined;
    if (full === undefined || full.events.length === 0) return;
    const put = await outbox.put("telemetry", full.events);
    counters[put.ok ? "accepted" : "refused"] += full.events.length;
    const taken = put.ok ? TAKEN : put;
    full.answers.forEach((answer, at) => {
      answer(full.tickets[at] as number, taken);
    });
  };

  const store = (event: NewEvent, answer: Answer, ticket: number): void => {
    const { events, answers, tickets } = batch();
    events.push(event);
    answers.push(answer);
    tickets.push(ticket);
    if (events.length === BATCH_EVENTS) void commit();
  };

  const quarantine = async (
    client: string,
    { topic, payload }: DeviceMessage,
    reason: string,
  ): Promise<Taken> => {
    const source = `mqtt://${encodeURIComponent(client)}/${topic}`;
    const atMs = clock.nowMs();
    const put = await outbox.quarantine({ source, reason, bytes: payload, atMs });
    counters[put.ok ? "quarantined" : "refused"] += 1;
    return put.ok ? TAKEN : put;
  };

  /** A reason when the message is not understood. */
  const understand = (
    { clientId, resumes }: DeviceIdentity,
    { topic, payload, packetId, dup, qos }: DeviceMessage,
    place: Exclude<Place, { kind: "illegal" }>,
  ): NewEvent | string => {
    if (place.kind === "unmapped") return place.why;
    const text = textOf(payload);
    if (text === undefined) return "the payload is not UTF-8";
    const decoded = place.source.decode(text);
    if (!decoded.ok) return decoded.why;
    const { gatewayTimeMs, monotonicMs } = batch();
    const bytes = encode({
      boot,
      gatewayTimeMs,
      monotonicMs,
      clock: clock.quality(),
      sourceTimeMs: decoded.sourceTimeMs,
      device: place.source.device,
      readings: decoded.readings,
    });
    if (decoded.id !== undefined)
      return { bytes, origin: origins.ofClaim(topic, decoded.id, payload), retransmission: true };
    if (qos === 0) return { bytes, origin: undefined };
    const origin = origins.ofDelivery(clientId, packetId, topic, payload);
    const retransmission = dup || (resumes && unsure.take(origin, clock.monotonicMs()));
    return { bytes, origin, retransmission };
  };

  const open = (device: DeviceIdentity, answer: Answer): DeviceSession => {
    const seen = new Set<string>();
    const recent = createRecent();

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
        if (message.dup) counters.retransmissions += 1;
        const place = placeOf(message.topic);
        if (place.kind === "illegal") {
          counters.refused += 1;
          return answer(ticket, ILLEGAL);
        }
        if (message.retain && isReplay(message)) {
          counters.replays += 1;
          if (message.payload.length === 0) retained.clear(message.topic);
          return answer(ticket, TAKEN);
        }
        const told = message.retain ? answerRetained(message) : answer;
        const event = understand(device, message, place);
        if (typeof event === "object") {
          if (device.resumes && event.origin !== undefined)
            recent.add(event.origin, clock.monotonicMs());
          store(event, told, ticket);
        } else
          void quarantine(device.clientId, message, event).then((taken) => told(ticket, taken));
      },
      end(how) {
        if (how === "said") return;
        const nowMs = clock.monotonicMs();
        unsure.hold(recent.since(nowMs - UNSURE_MS), nowMs);
      },
    };
  };

  return {
    counters,
    open,
    will() {
      counters.wills += 1;
    },
  };
}

function createPlaces(mappings: readonly Mapping[]): (topic: string) => Place {
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
    const known = places.get(topic);
    if (known !== undefined) return known;
    if (places.size >= TOPICS_MAX) places.clear();
    const place = look(topic);
    places.set(topic, place);
    return place;
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
