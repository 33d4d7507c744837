/**
 * How work for the outbox crosses to its thread, and how the answers come back: one transferable
 * buffer per flush. Cloning an object per event would cost more than writing the event to disk.
 *
 *   put         lane u8 | count u32 | event: flags u8 | origin i64 | size u32 | bytes
 *   release     lane u8 + 16 | through f64
 *   quarantine  32 u8 | at f64 | three texts or bytes, each: size u32 | bytes
 *
 * Both ends are this file in one process, so nothing is checked twice.
 */
import { assert } from "../kernel/assert.ts";
import type { Committed, Lane, NewEvent, Put, Refusal } from "../ports.ts";
import type { Work } from "./outbox.ts";
import type { QuarantineEntry } from "./quarantine.ts";

const LANES: readonly Lane[] = ["scan", "telemetry"];
const RELEASE = 16;
const QUARANTINE = 32;
const HAS_ORIGIN = 1;
const RETRANSMISSION = 2;
const EARLIER_START = 4;
const PUT_BYTES = 5;
const EVENT_BYTES = 13;
const REFUSALS: readonly Refusal[] = ["full", "failed", "stopping", "busy"];

export type Packer = {
  readonly buffer: ArrayBuffer;
  used(): number;
  /** False when there is no room left; then nothing was packed. */
  put(lane: Lane, events: readonly NewEvent[]): boolean;
  release(lane: Lane, through: number): boolean;
  quarantine(entry: QuarantineEntry): boolean;
};

/** Room that a put needs, at most. */
export function packedBytes(events: readonly NewEvent[]): number {
  let bytes = PUT_BYTES;
  for (const event of events) bytes += EVENT_BYTES + event.bytes.length;
  return bytes;
}

/** Fills `buffer` from its beginning. */
export function createPacker(buffer: ArrayBuffer): Packer {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  let at = 0;

  const part = (piece: Uint8Array) => {
    view.setUint32(at, piece.length, true);
    bytes.set(piece, at + 4);
    at += 4 + piece.length;
  };

  return {
    buffer,
    used: () => at,
    put(lane, events) {
      if (at + packedBytes(events) > bytes.length) return false;
      view.setUint8(at, LANES.indexOf(lane));
      view.setUint32(at + 1, events.length, true);
      at += PUT_BYTES;
      for (const { bytes: piece, origin, retransmission } of events) {
        view.setUint8(at, (origin === undefined ? 0 : HAS_ORIGIN) | flagOf(retransmission));
        if (origin !== undefined) view.setBigInt64(at + 1, origin, true);
        at += 9;
        part(piece);
      }
      return true;
    },
    release(lane, through) {
      if (at + 9 > bytes.length) return false;
      view.setUint8(at, RELEASE + LANES.indexOf(lane));
      view.setFloat64(at + 1, through, true);
      at += 9;
      return true;
    },
    quarantine({ atMs, source, reason, bytes: message }) {
      const parts = [Buffer.from(source), Buffer.from(reason), message];
      const size = parts.reduce((sum, { length }) => sum + 4 + length, 9);
      if (at + size > bytes.length) return false;
      view.setUint8(at, QUARANTINE);
      view.setFloat64(at + 1, atMs, true);
      at += 9;
      for (const piece of parts) part(piece);
      return true;
    },
  };
}

function flagOf(retransmission: NewEvent["retransmission"]): number {
  if (retransmission === "earlier-start") return EARLIER_START;
  return retransmission ? RETRANSMISSION : 0;
}

/** The events are views of the buffer. */
export function unpack(buffer: ArrayBuffer, used: number): Work[] {
  const view = new DataView(buffer);
  const work: Work[] = [];
  let at = 0;

  const part = (): Buffer => {
    const size = view.getUint32(at, true);
    at += 4 + size;
    return Buffer.from(buffer, at - size, size);
  };
  const laneAt = (index: number): Lane => {
    const lane = LANES[index];
    assert(lane !== undefined, `packed lane ${index} is one of ours`);
    return lane;
  };

  while (at < used) {
    const kind = view.getUint8(at);
    if (kind === QUARANTINE) {
      const atMs = view.getFloat64(at + 1, true);
      at += 9;
      const source = part().toString();
      const reason = part().toString();
      work.push({ kind: "quarantine", entry: { atMs, source, reason, bytes: part() } });
    } else if (kind >= RELEASE) {
      const through = view.getFloat64(at + 1, true);
      at += 9;
      work.push({ kind: "release", lane: laneAt(kind - RELEASE), through });
    } else {
      const events: NewEvent[] = [];
      const count = view.getUint32(at + 1, true);
      at += PUT_BYTES;
      for (let n = 0; n < count; n++) {
        const flags = view.getUint8(at);
        const origin = flags & HAS_ORIGIN ? view.getBigInt64(at + 1, true) : undefined;
        at += 9;
        const retransmission =
          (flags & EARLIER_START) !== 0 ? "earlier-start" : (flags & RETRANSMISSION) !== 0;
        events.push({ bytes: part(), origin, retransmission });
      }
      work.push({ kind: "put", lane: laneAt(kind), events });
    }
  }
  return work;
}

/** Two numbers an answer; a refusal is minus its place among the refusals, from 1 on. */
export function packAnswers(answers: readonly Put[]): Float64Array<ArrayBuffer> {
  const packed = new Float64Array(2 * answers.length);
  answers.forEach((answer, at) => {
    assert(
      !answer.ok || answer.commit.firstSeq >= 0,
      "a number below 0 would be read as a refusal",
    );
    packed[2 * at] = answer.ok ? answer.commit.firstSeq : -1 - REFUSALS.indexOf(answer.why);
    packed[2 * at + 1] = answer.ok ? answer.commit.lastSeq : 0;
  });
  return packed;
}

/** The other end packed only what its store had committed, so the proof goes on here. */
export function unpackAnswer(packed: Float64Array, at: number): Put {
  const firstSeq = packed[2 * at];
  const lastSeq = packed[2 * at + 1];
  assert(firstSeq !== undefined && lastSeq !== undefined, "each put has an answer");
  if (firstSeq < 0) return { ok: false, why: REFUSALS[-1 - firstSeq] ?? "failed" };
  return { ok: true, commit: { firstSeq, lastSeq } as Committed };
}

/** Events one after another, with where each one ends. */
export type PackedEvents = {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
};

export function packEvents(events: readonly Uint8Array[]): PackedEvents {
  const ends = new Uint32Array(events.length);
  let end = 0;
  events.forEach((event, at) => {
    end += event.length;
    ends[at] = end;
  });
  const bytes = new Uint8Array(end);
  events.forEach((event, at) => {
    bytes.set(event, (ends[at] ?? 0) - event.length);
  });
  return { bytes, ends };
}

export function unpackEvents({ bytes, ends }: PackedEvents): Uint8Array[] {
  const events: Uint8Array[] = [];
  let begin = 0;
  for (const end of ends) {
    events.push(bytes.subarray(begin, end));
    begin = end;
  }
  return events;
}
