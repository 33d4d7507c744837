/**
 * Whether the key of a backlog is believed, which somebody carried here as a file: the key of the gateway's
 * enrolment is; one that an administrator compared is; and one by which the numberings that the file goes
 * on with are signed here already, for those and no others. The last is what a box leaves behind that
 * another one took the place of: what it signed was believed then, and nobody can ask it for its key any
 * more.
 */
import type { ProofSource } from "../store/proof-source.ts";
import { fingerprintOf } from "../wire/chain.ts";
import type { Hello } from "../wire/codec.ts";
import type { KeyTrust } from "./sealing.ts";

export type BacklogTrustDeps = Pick<ProofSource, "signers" | "lastSigner"> & {
  /** Keys of the enrolment, base64; none: nobody enrols here, or not by this name. */
  readonly enrolledKeys: (gateway: string) => readonly string[];
};

/** Undefined: it has to be compared first. */
export function trustInBacklog(
  { signers, lastSigner, enrolledKeys }: BacklogTrustDeps,
  { gateway, numberings, signingKey: key }: Hello,
  fingerprint: string | undefined,
): KeyTrust | undefined {
  if (key === undefined) return undefined;
  const trust = { enrolled: [Buffer.from(key).toString("base64")] };
  const enrolled = enrolledKeys(gateway);
  if (trust.enrolled.some((its) => enrolled.includes(its))) return trust;
  if (fingerprint !== undefined && plain(fingerprint) === plain(fingerprintOf(key)))
    return { ...trust, byHand: true };
  const known = signers().find(
    (row) => row.gateway === gateway && Buffer.compare(row.key, key) === 0,
  );
  if (known === undefined) return undefined;
  // Where nobody is enrolled, its word was taken for all that no other key had signed.
  const isIts = ({ epoch }: Hello["numberings"][number]) => {
    const last = lastSigner(gateway, epoch);
    return last === known.id || (last === undefined && enrolled.length === 0);
  };
  const its = numberings.filter(isIts);
  // What a file says of itself is not signed: a numbering that it calls empty has to be its own as well.
  const isMore = numberings.some((one) => one.firstSeq <= one.lastSeq && !isIts(one));
  if (its.length === 0 || isMore) return undefined;
  return { ...trust, epochs: its.map(({ epoch }) => epoch) };
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(/[\s:]/g, "").toLowerCase();
}
