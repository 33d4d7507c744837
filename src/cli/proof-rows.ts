/**
 * What an exported file says beside its batches, looked at before any of it is believed or shown. No signature
 * covers it, and who is audited may have written it: a name that holds a fingerprint, or two keys under one
 * number, would show an auditor a key that signed nothing.
 */
import type { ProofHole, ProofNumbering, ProofSegment } from "../store/proof-source.ts";
import type { Acquaintance, SignerRow } from "../store/seals.ts";
import type { Lane } from "../wire/codec.ts";
import { EPOCH, GATEWAY_NAME } from "../wire/names.ts";
import { wordForTerminal } from "./for-terminal.ts";

/** ECMA-262: the last moment that has a date. */
const MS_MAX = 8.64e15;

/** Ed25519. */
const KEY_BYTES = 32;
const LANES: readonly Lane[] = ["scan", "telemetry"];
const HOW: readonly Acquaintance[] = ["enrolment", "certificate", "by-hand", "first-sight", "own"];

type Row = Readonly<Record<string, unknown>>;

/** Throw Error, which says what does not fit. */
export function asSigners(value: unknown): readonly SignerRow[] {
  if (!Array.isArray(value)) throw new Error("it lists no keys");
  const signers = value.map((each) => signerOf(rowOf(each)));
  if (new Set(signers.map(({ id }) => id)).size < signers.length)
    throw new Error("two keys bear one number");
  return signers;
}

function signerOf(row: Row): SignerRow {
  return {
    id: whole(row, "id"),
    gateway: gatewayOf(row),
    key: bytesOf(row, "key", KEY_BYTES),
    how: oneOf(row, "how", HOW),
    sinceMs: moment(row, "sinceMs"),
  };
}

export function asNumbering(value: unknown): ProofNumbering {
  const row = rowOf(value);
  const epoch = row["epoch"];
  if (typeof epoch !== "string" || !EPOCH.test(epoch))
    throw new Error(`no numbering is named ${shown(epoch)}`);
  return {
    gateway: gatewayOf(row),
    epoch,
    lane: oneOf(row, "lane", LANES),
    firstSeq: whole(row, "firstSeq"),
    lastSeq: whole(row, "lastSeq"),
    chainFrom: row["chainFrom"] === undefined ? undefined : whole(row, "chainFrom"),
    before: row["before"] === undefined ? undefined : bytesOf(row, "before"),
  };
}

export function asSegment(value: unknown): Omit<ProofSegment, "body"> {
  const row = rowOf(value);
  return {
    kind: "segment",
    position: whole(row, "position"),
    takenInAtMs: moment(row, "takenInAtMs"),
    firstSeq: whole(row, "firstSeq"),
    events: whole(row, "events"),
    boot: whole(row, "boot"),
    sentAtMs: moment(row, "sentAtMs"),
    sentMonotonicMs: whole(row, "sentMonotonicMs"),
    seal: row["seal"] === undefined ? undefined : sealOf(rowOf(row["seal"])),
  };
}

function sealOf(row: Row): ProofSegment["seal"] {
  return {
    signer: row["signer"] === null ? null : whole(row, "signer"),
    chainFrom: whole(row, "chainFrom"),
    link: bytesOf(row, "link"),
    marks: bytesOf(row, "marks"),
  };
}

export function asHole(value: unknown): ProofHole {
  const row = rowOf(value);
  return { kind: "hole", firstSeq: whole(row, "firstSeq"), lastSeq: whole(row, "lastSeq") };
}

function rowOf(value: unknown): Row {
  if (typeof value !== "object" || value === null) throw new Error("a row of it is none");
  return value as Row;
}

function gatewayOf({ gateway }: Row): string {
  if (typeof gateway === "string" && GATEWAY_NAME.test(gateway)) return gateway;
  throw new Error(`no gateway is named ${shown(gateway)}`);
}

function oneOf<T extends string>(row: Row, name: string, words: readonly T[]): T {
  const found = words.find((word) => word === row[name]);
  if (found === undefined) throw new Error(`${name} is ${shown(row[name])}`);
  return found;
}

function whole(row: Row, name: string): number {
  const value = row[name];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new Error(`${name} is ${shown(value)}`);
}

function moment(row: Row, name: string): number {
  const ms = whole(row, name);
  if (ms > MS_MAX) throw new Error(`${name} is ${ms}, beyond any calendar`);
  return ms;
}

function bytesOf(row: Row, name: string, length?: number): Uint8Array {
  const value = row[name];
  if (value instanceof Uint8Array && (length ?? value.length) === value.length) return value;
  throw new Error(`${name} are other bytes`);
}

function shown(value: unknown): string {
  return wordForTerminal(JSON.stringify(value) ?? "nothing").slice(0, 100);
}
