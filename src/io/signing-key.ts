/**
 * The key with which a program signs what it says (Ed25519), in one file of its data folder: made at the
 * first start, 0600, whole whenever it is there, and never sent anywhere.
 *
 * It is on stable storage before it is used: with another key after a power cut, what was begun with
 * this one could not go on.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { Fault } from "../kernel/fault.ts";
import type { Signer } from "../ports.ts";
import { syncFolder } from "./sync-folder.ts";

export const SIGNING_KEY_FILE = "signing-key.pem";
const KEY_BYTES = 32;

/** Throws Fault DATA_UNREADABLE. */
export function openSigningKey(folder: string): Signer {
  return readSigningKey(folder) ?? makeSigningKey(folder);
}

/** Undefined: none was made yet. Throws Fault DATA_UNREADABLE. */
export function readSigningKey(folder: string): Signer | undefined {
  const path = join(folder, SIGNING_KEY_FILE);
  try {
    return signerOf(createPrivateKey(readFileSync(path, "utf8")));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unreadable(path, cause);
  }
}

function makeSigningKey(folder: string): Signer {
  const path = join(folder, SIGNING_KEY_FILE);
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  try {
    const bytes = Buffer.from(pem as string);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeSynced(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
    syncFolder(folder);
  } catch (cause) {
    throw unreadable(path, cause);
  }
  return signerOf(privateKey);
}

/** At its place, not at the end: the power-cut gate rebuilds disks from such writes only. */
function writeSynced(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "w", 0o600);
  try {
    writeSync(file, bytes, 0, bytes.length, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function signerOf(key: KeyObject): Signer {
  // Behind what RFC 8410 puts before it.
  const der = createPublicKey(key).export({ type: "spki", format: "der" });
  return {
    publicKey: new Uint8Array(der.subarray(-KEY_BYTES)),
    sign: (message) => sign(null, message, key),
  };
}

function unreadable(path: string, cause: unknown): Fault {
  return new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
}
