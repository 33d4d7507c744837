/**
 * What stays of telemetry that has to make way: the course of each series, as the mean of a stretch of
 * time with its least and greatest value and the number of samples, and the last state of each device.
 * The stretch is a minute; when that would take too much room, ten minutes, or an hour; then nothing.
 *
 *   temperature 21.2, 21.4, 21.9 ─► temperature 21.5 (the mean), _min 21.2, _max 21.9, _samples 3
 *
 * A summary that has to make way later is summed up again, by its samples. Times are those of the last
 * reading in a stretch, as its device and its gateway told them.
 */
import {
  decodeEvent,
  EVENT_BYTES_MAX,
  type Event,
  encodeEvent,
  type Reading,
  WireError,
} from "../wire/codec.ts";
import { ROW_BYTES } from "./outbox-lane.ts";

const STRETCHES_MS = [60_000, 600_000, 3_600_000];
const SUFFIXES = /_(min|max|samples)$/;

type Course = {
  readonly property: string;
  readonly unit: string;
  sum: number;
  min: number;
  max: number;
  samples: number;
};

type Stretch = { last: Event; readonly courses: Map<string, Course> };

export function summarise(rows: readonly Uint8Array[], bytesMax: number): readonly Uint8Array[] {
  const events = rows.flatMap(understood);
  const states = lastStates(events);
  for (const stretchMs of STRETCHES_MS) {
    const summary = [...stretchesOf(events, stretchMs)].flatMap(encodeStretch);
    const all = [...states, ...summary];
    if (costOf(all) <= bytesMax) return all;
  }
  return costOf(states) <= bytesMax ? states : [];
}

function costOf(rows: readonly Uint8Array[]): number {
  return rows.reduce((sum, { length }) => sum + length + ROW_BYTES, 0);
}

/** None when the bytes are not understood: they go as they would have. */
function understood(bytes: Uint8Array): Event[] {
  try {
    return [decodeEvent(bytes)];
  } catch (error) {
    if (error instanceof WireError) return [];
    throw error;
  }
}

function lastStates(events: readonly Event[]): readonly Uint8Array[] {
  const last = new Map<string, Event>();
  for (const event of events) if (event.body.kind === "device-state") last.set(event.device, event);
  return [...last.values()].map(encodeEvent);
}

function stretchesOf(events: readonly Event[], stretchMs: number): Iterable<Stretch> {
  const stretches = new Map<string, Stretch>();
  for (const event of events) {
    const { body, device, sourceTimeMs, gatewayTimeMs, boot } = event;
    if (body.kind !== "sensor") continue;
    // Monotonic times compare within one start of the gateway only.
    const key = `${boot} ${Math.floor((sourceTimeMs ?? gatewayTimeMs) / stretchMs)} ${device}`;
    const stretch = stretches.get(key) ?? { last: event, courses: new Map() };
    stretch.last = event;
    stretches.set(key, stretch);
    for (const course of coursesOf(body.readings)) add(stretch.courses, course);
  }
  return stretches.values();
}

/** A reading by itself, or what an earlier summary says of many. */
function coursesOf(readings: readonly Reading[]): readonly Course[] {
  const said = new Map(readings.map(({ property, value }) => [property, value]));
  return readings.flatMap(({ property, unit, value }) => {
    const base = property.replace(SUFFIXES, "");
    if (base !== property && said.has(`${base}_samples`) && said.has(base)) return [];
    const samples = said.get(`${property}_samples`) ?? 1;
    const min = said.get(`${property}_min`) ?? value;
    const max = said.get(`${property}_max`) ?? value;
    return [{ property, unit, sum: value * samples, min, max, samples }];
  });
}

function add(courses: Map<string, Course>, more: Course): void {
  const key = `${more.property} ${more.unit}`;
  const course = courses.get(key);
  if (course === undefined) {
    courses.set(key, { ...more });
    return;
  }
  course.sum += more.sum;
  course.min = Math.min(course.min, more.min);
  course.max = Math.max(course.max, more.max);
  course.samples += more.samples;
}

function encodeStretch({ last, courses }: Stretch): readonly Uint8Array[] {
  return encodeCourses(last, [...courses.values()]);
}

/** In halves where one event has no room for all: the readings may have come in parts, and of each it makes four. */
function encodeCourses(last: Event, courses: readonly Course[]): readonly Uint8Array[] {
  const readings = courses.flatMap(readingsOf);
  const bytes = encodeEvent({ ...last, body: { kind: "sensor", readings } });
  if (bytes.length <= EVENT_BYTES_MAX) return [bytes];
  if (courses.length === 1) return [];
  const half = Math.ceil(courses.length / 2);
  return [courses.slice(0, half), courses.slice(half)].flatMap((some) => encodeCourses(last, some));
}

function readingsOf({ property, unit, sum, min, max, samples }: Course): readonly Reading[] {
  if (samples === 1) return [{ property, value: sum, unit }];
  return [
    { property, value: sum / samples, unit },
    { property: `${property}_min`, value: min, unit },
    { property: `${property}_max`, value: max, unit },
    { property: `${property}_samples`, value: samples, unit: "1" },
  ];
}
