/**
 * The last scans and what became of each, for whoever stands beside the box: being written, refused by
 * the disk, on disk, taken in by the twin, and the twin's word. In memory, a handful; the outbox and the
 * evidence are the record.
 */
import { decodeScan, elementString } from "../barcode/decode.ts";
import type { LaneState, NewEvent, OutboxPort, Put } from "../ports.ts";
import { decodeEvent, decodeVerdicts, type VerdictKind, WireError } from "../wire/codec.ts";

export type ScanFate =
  | "writing"
  | "refused"
  /** On disk, and waits for the twin. */
  | "saved"
  /** The twin has it, and its word has not come. */
  | "delivered"
  | VerdictKind;

export type RecentScan = {
  readonly device: string;
  readonly atMs: number;
  readonly text: string;
  readonly fate: ScanFate;
  /** Why it was refused, cannot be read, or what the twin says. */
  readonly why: string;
};

export type RecentScans = {
  /** The outbox, with an eye on what comes by. */
  readonly outbox: OutboxPort;
  /** A message of the twin. */
  hear(message: Uint8Array): void;
  /** Newest first. */
  list(): readonly RecentScan[];
};

type Seen = {
  readonly bytes: Uint8Array;
  seq: number | undefined;
  refused: string;
  verdict: { readonly kind: VerdictKind; readonly reason: string } | undefined;
};

const SCANS_MAX = 24;
const PEEK_BYTES = 256 * 1024;

export function watchScans(outbox: OutboxPort): RecentScans {
  let seen: Seen[] = [];

  const notice = ({ bytes }: NewEvent): Seen => {
    // A scan that is tried again is the same scan.
    const known = seen.find((one) => one.bytes === bytes);
    if (known !== undefined) return known;
    const fresh = { bytes, seq: undefined, refused: "", verdict: undefined };
    seen = [...seen.slice(1 - SCANS_MAX), fresh];
    return fresh;
  };

  const settle = (noticed: readonly Seen[], put: Put): void => {
    noticed.forEach((one, at) => {
      one.refused = put.ok ? "" : put.why;
      if (put.ok)
        one.seq = Math.max(put.commit.firstSeq, put.commit.lastSeq - noticed.length + 1 + at);
    });
  };

  // What an earlier life left for the twin was scanned here too.
  const { lastSeq } = outbox.state("scan");
  const limit = { events: SCANS_MAX, bytes: PEEK_BYTES };
  void outbox
    .peek("scan", Math.max(1, lastSeq - SCANS_MAX + 1), limit)
    .then(({ firstSeq, events }) => {
      const old = events.map((bytes, at) => {
        return { bytes, seq: firstSeq + at, refused: "", verdict: undefined };
      });
      seen = [...old.filter(({ seq }) => seq <= lastSeq), ...seen].slice(-SCANS_MAX);
    })
    // A disk that cannot be read is told by the outbox itself.
    .catch(() => undefined);

  return {
    outbox: {
      ...outbox,
      async put(lane, events) {
        if (lane !== "scan") return outbox.put(lane, events);
        const noticed = events.map(notice);
        const put = await outbox.put(lane, events);
        settle(noticed, put);
        return put;
      },
    },
    hear(message) {
      const { epoch } = outbox.state("scan");
      for (const { seq, kind, reason, epoch: of } of verdictsIn(message)) {
        const one = seen.find((scan) => scan.seq === seq);
        if (one !== undefined && of === epoch) one.verdict = { kind, reason };
      }
    },
    list() {
      const lane = outbox.state("scan");
      return seen.flatMap((one) => asRecent(one, lane)).reverse();
    },
  };
}

/** What is not understood is told by whoever waits for the answer. */
function verdictsIn(message: Uint8Array): ReturnType<typeof decodeVerdicts> {
  try {
    return decodeVerdicts(message);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return [];
  }
}

function asRecent({ bytes, seq, refused, verdict }: Seen, lane: LaneState): readonly RecentScan[] {
  const { device, gatewayTimeMs: atMs, body } = decodeEvent(bytes);
  if (body.kind !== "scan") return [];
  const { text, why } = inWords(body.raw, body.aim !== "");
  if (seq === undefined)
    return [{ device, atMs, text, fate: refused === "" ? "writing" : "refused", why: refused }];
  const fate = verdict?.kind ?? (seq < lane.firstSeq ? "delivered" : "saved");
  return [{ device, atMs, text, fate, why: verdict?.reason || why }];
}

function inWords(raw: Uint8Array, aim: boolean): { readonly text: string; readonly why: string } {
  const decoded = decodeScan(raw, { aim });
  if (decoded.kind === "key") return { text: elementString(decoded.key), why: "" };
  const text = printable(raw);
  return { text, why: "why" in decoded ? decoded.why : "" };
}

/** Control characters as their pictures, so that nothing hides. */
export function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) =>
    byte < 0x20 ? String.fromCharCode(0x2400 + byte) : String.fromCharCode(byte),
  ).join("");
}
