/**
 * What scans said, as they came in. The heart keeps when each scan was and what followed from it, and
 * asks here when it has to understand one again; the evidence is the one place that holds the text.
 */
import { assert } from "../kernel/assert.ts";
import { decodeEvent, type Event, type EventId } from "../wire/codec.ts";
import type { EvidenceReader, Segment } from "./evidence.ts";

export type StoredScan = {
  readonly takenInAtMs: number;
  readonly boot: number;
  readonly gatewayTimeMs: number;
  readonly monotonicMs: number;
  readonly unsynced: boolean;
  readonly scanner: string;
  /** A byte a character. */
  readonly code: string;
  readonly step: string;
  readonly operator: string;
  readonly marker: string;
  readonly confirmedEmpty: boolean;
  readonly documentMode: boolean;
};

export type ScanSource = {
  /** A scan that was taken in before. */
  scan(id: EventId): StoredScan;
};

export function storedScan(event: Event, takenInAtMs: number): StoredScan | undefined {
  const { body } = event;
  if (body.kind !== "scan") return undefined;
  return {
    takenInAtMs,
    boot: event.boot,
    gatewayTimeMs: event.gatewayTimeMs,
    monotonicMs: event.monotonicMs,
    unsynced: event.clock === "unsynced",
    scanner: event.device,
    code: latin(body.raw),
    step: body.step ?? "",
    operator: body.operator ?? "",
    marker: body.marker ?? "",
    confirmedEmpty: body.confirmedEmpty ?? false,
    documentMode: body.documentMode ?? false,
  };
}

/** Scans of one gateway are asked for in runs, so the last segments read are kept. */
const SEGMENTS_MAX = 8;

export function scansInEvidence(evidence: EvidenceReader): ScanSource {
  let recent: readonly Segment[] = [];

  function segmentWith({ gateway, epoch, seq }: EventId): Segment {
    const holds = ({ batch }: Segment) =>
      batch.gateway === gateway &&
      batch.epoch === epoch &&
      seq >= batch.firstSeq &&
      seq < batch.firstSeq + batch.events.length;
    const known = recent.find(holds);
    if (known) return known;
    const segment = evidence.segmentWith({ gateway, epoch, seq });
    assert(segment !== undefined && holds(segment), "a scan that was taken in is in the evidence");
    recent = [segment, ...recent].slice(0, SEGMENTS_MAX);
    return segment;
  }

  return {
    scan(id) {
      const { batch, takenInAtMs } = segmentWith(id);
      const bytes = batch.events[id.seq - batch.firstSeq];
      const scan = bytes && storedScan(decodeEvent(bytes), takenInAtMs);
      assert(scan !== undefined, "what was taken in as a scan is one");
      return scan;
    },
  };
}

/** For a twin without a file of evidence: `note` each event before it is reconciled. */
export function scansInMemory() {
  const scans = new Map<string, StoredScan>();
  let latestMs = 0;
  const nameOf = ({ gateway, epoch, seq }: EventId) => `${gateway}\n${epoch}\n${seq}`;
  return {
    /** As in the evidence: the first of a name stands, and the time of taking in never goes back. */
    note(id: EventId, event: Event, takenInAtMs: number): void {
      latestMs = Math.max(latestMs, takenInAtMs);
      const scan = storedScan(event, latestMs);
      if (scan && !scans.has(nameOf(id))) scans.set(nameOf(id), scan);
    },
    scan(id: EventId): StoredScan {
      const scan = scans.get(nameOf(id));
      assert(scan !== undefined, "a scan that was taken in was noted");
      return scan;
    },
  };
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
