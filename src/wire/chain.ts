/**
 * The chain that makes events proof, and what of it is signed. Gateway, twin and auditor share it.
 *
 *   origin ─► link(1) ─► link(2) ─► … ─► link(n) = SHA-256(link(n-1), n, event n)
 *                                  └ signed with each batch that ends here
 *
 * The chain is of an epoch and knows nothing of batches: however they are cut, repeated or sent by another
 * way, the links are the same. Events that left the gateway unsent are links, too: the batch behind such
 * a hole says how far it goes and what the link before it is, and signs both.
 */
import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import type { ChainPart, Signer } from "../ports.ts";
import { type Batch, EVENT_BYTES_MAX, type Lane, type Seal } from "./codec.ts";

export const LINK_BYTES = 32;
const SEQ_BYTES = 8;
const HEAD_BYTES = LINK_BYTES + SEQ_BYTES;
const LANES: readonly Lane[] = ["scan", "telemetry"];

/** Used again for each link: hashing is what draining a backlog waits for. The outbox may hold longer events. */
let scratch = Buffer.alloc(HEAD_BYTES + EVENT_BYTES_MAX);

/** The link before the first event of a chain that begins behind `chainFrom`. */
export function origin(epoch: string, chainFrom: number): Uint8Array {
  return digest(statement("racktrace chain 1", [epoch, chainFrom]));
}

export function link(previous: Uint8Array, seq: number, event: Uint8Array): Uint8Array {
  return linkThrough(previous, seq, [event]);
}

/** The link of the last of these events; `each` sees all of them, for as long as it runs. */
export function linkThrough(
  previous: Uint8Array,
  firstSeq: number,
  events: readonly Uint8Array[],
  each?: (link: Uint8Array, index: number) => void,
): Uint8Array {
  scratch.set(previous, 0);
  let last = scratch.subarray(0, LINK_BYTES);
  for (let index = 0; index < events.length; index++) {
    const event = events[index] as Uint8Array;
    const seq = firstSeq + index;
    const size = HEAD_BYTES + event.length;
    if (size > scratch.length) {
      const larger = Buffer.alloc(2 * size);
      scratch.copy(larger, 0, 0, LINK_BYTES);
      scratch = larger;
      last = scratch.subarray(0, LINK_BYTES);
    }
    scratch.writeUInt32BE(Math.floor(seq / 2 ** 32), LINK_BYTES);
    scratch.writeUInt32BE(seq >>> 0, LINK_BYTES + 4);
    scratch.set(event, HEAD_BYTES);
    // As text and back: less than half the price of a Buffer for each.
    scratch.write(hash("sha256", scratch.subarray(0, size), "binary"), 0, LINK_BYTES, "binary");
    each?.(last, index);
  }
  return Uint8Array.from(last);
}

/** What the seal of a batch signs. `head` is the link of its last event. */
export function sealStatement(
  batch: Omit<Batch, "seal">,
  { firstSeq, chainFrom, releasedThrough, previous }: Omit<Seal, "signature">,
  head: Uint8Array,
): Uint8Array {
  const { gateway, epoch, lane, goneThrough, boot, sentAtMs, sentMonotonicMs } = batch;
  const lastSeq = batch.firstSeq + batch.events.length - 1;
  return statement("racktrace batch 1", [
    ...[gateway, epoch, LANES.indexOf(lane), firstSeq, lastSeq, goneThrough],
    ...[chainFrom, releasedThrough, boot, sentAtMs, Math.floor(sentMonotonicMs), previous, head],
  ]);
}

/** The batch with its seal. */
export function sealed(
  batch: Omit<Batch, "seal">,
  { begins: chainFrom, released: releasedThrough, previous, head }: ChainPart,
  signer: Pick<Signer, "sign">,
): Batch {
  const claim = { firstSeq: batch.firstSeq, chainFrom, releasedThrough, previous };
  return {
    ...batch,
    seal: { ...claim, signature: signer.sign(sealStatement(batch, claim, head)) },
  };
}

/** Ed25519 keys travel as their 32 bytes; RFC 8410 says what stands before them. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

export function publicKeyOf(key: Uint8Array): KeyObject {
  const der = Buffer.concat([SPKI_PREFIX, key]);
  return createPublicKey({ key: der, format: "der", type: "spki" });
}

/** For people to compare, by telephone if need be: SHA-256 of the key in groups of four. */
export function fingerprintOf(key: Uint8Array): string {
  const hex = Buffer.from(digest(key)).toString("hex").slice(0, 40);
  return (hex.match(/.{4}/g) ?? []).join(" ");
}

export function isSignedBy(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify(null, message, key, signature);
}

/** Fields one after the other, each with its length, so that no two statements are the same bytes. */
export function statement(
  domain: string,
  fields: readonly (string | number | Uint8Array)[],
): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from(`${domain}\0`)];
  for (const field of fields) {
    const bytes = typeof field === "object" ? field : Buffer.from(String(field));
    const size = Buffer.alloc(4);
    size.writeUInt32BE(bytes.length);
    parts.push(size, bytes);
  }
  return Buffer.concat(parts);
}

function digest(bytes: Uint8Array): Uint8Array {
  return hash("sha256", bytes, "buffer");
}
