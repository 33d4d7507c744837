/**
 * A scan that an SSI scanner sends in several packets, put together again.
 *
 * Each packet but the last says that more follow, each is acknowledged before the next, and each has the
 * bar code type in front of its data. Nothing in them counts: what tells a repetition is the mark and the
 * same bytes, and what tells a new scan is that nothing is open. So a scan whose middle may be missing is
 * given up rather than joined: a packet that failed its checksum must come again marked, and after a break
 * of the line, or a scan that was refused, what comes marked is the rest of something that nobody has.
 */
import { sameBytes } from "./delivery.ts";
import type { SsiPacket } from "./ssi-packet.ts";

export type Parts =
  | {
      readonly kind: "gathering";
      /** Type and data, without those of the last packet. */
      readonly before: Uint8Array;
      /** Data of the last packet, with its type. */
      readonly last: Uint8Array;
      /** False: the scan is whole, and only its last packet may come again. */
      readonly open: boolean;
      readonly damaged: boolean;
      readonly atMs: number;
    }
  /** Its first packets are gone. */
  | { readonly kind: "orphaned"; readonly atMs: number };

export type PartsMove = {
  readonly next: Parts | undefined;
  readonly heard:
    | { readonly kind: "scan"; readonly frame: Uint8Array; readonly again: boolean }
    | { readonly kind: "part" }
    | { readonly kind: "denied" };
};

export type PartsLimits = {
  readonly bytesMax: number;
  /** After so long the scanner has given up what it had begun. */
  readonly patienceMs: number;
};

const DENIED = { kind: "denied" } as const;
const PART = { kind: "part" } as const;
const EMPTY = new Uint8Array(0);

export function takePart(
  state: Parts | undefined,
  { data, again, more }: Pick<SsiPacket, "data" | "again" | "more">,
  atMs: number,
  { bytesMax, patienceMs }: PartsLimits,
): PartsMove {
  const known = state !== undefined && atMs - state.atMs <= patienceMs ? state : undefined;
  if (data.length < 2) return { next: orphaned(known, atMs), heard: DENIED };
  if (known?.kind === "orphaned" && again) return { next: { ...known, atMs }, heard: DENIED };
  if (known?.kind === "gathering") {
    const { before, last, open, damaged } = known;
    if (again && open === more && sameBytes(last, data))
      return heardIn({ ...known, damaged: false, atMs }, true);
    if (open && (again || !damaged)) {
      const joined = join(before, last);
      if (data[0] !== last[0] || joined.length + data.length - 1 > bytesMax)
        return { next: { kind: "orphaned", atMs }, heard: DENIED };
      return heardIn(
        { ...known, before: joined, last: data, open: more, damaged: false, atMs },
        false,
      );
    }
  }
  if (!more) return { next: undefined, heard: { kind: "scan", frame: data, again } };
  const begun = { before: EMPTY, last: data, open: true, damaged: false, atMs };
  return { next: { kind: "gathering", ...begun }, heard: PART };
}

/** What was heard and is no packet may have been one of these. */
export function noisePart(state: Parts | undefined): Parts | undefined {
  return state?.kind === "gathering" ? { ...state, damaged: true } : state;
}

/** The line broke: what comes next may be the rest of what was begun on it. */
export function cutParts(state: Parts | undefined, atMs: number): Parts | undefined {
  return orphaned(state, atMs);
}

function orphaned(state: Parts | undefined, atMs: number): Parts | undefined {
  return state?.kind === "gathering" && state.open ? { kind: "orphaned", atMs } : state;
}

function heardIn(next: Parts & { readonly kind: "gathering" }, again: boolean): PartsMove {
  if (next.open) return { next, heard: PART };
  return { next, heard: { kind: "scan", frame: join(next.before, next.last), again } };
}

/** The type stands in front once. */
function join(before: Uint8Array, last: Uint8Array): Uint8Array {
  return before.length === 0 ? last : Uint8Array.of(...before, ...last.subarray(1));
}
