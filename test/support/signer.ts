/** A key to sign with, kept by nobody. */
import { generateKeyPairSync, sign } from "node:crypto";
import type { Signer } from "../../src/ports.ts";

export function makeSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const der = publicKey.export({ type: "spki", format: "der" });
  return {
    publicKey: new Uint8Array(der.subarray(-32)),
    sign: (message) => sign(null, message, privateKey),
  };
}
