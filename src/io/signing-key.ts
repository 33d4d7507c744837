/**
 * The key with which a program signs what it says (Ed25519), in one file of its data folder: made at the
 * first start, 0600, whole whenever it is there, and never sent anywhere. A damaged one is set aside: a gateway
 * without it would collect nothing, and what another key signs waits there until that is known to the twin.
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

/** `setAside` is told where a damaged one was put, and what was wrong with it. Throws Fault DATA_UNREADABLE. */
export function openSigningKey(
  folder: string,
  setAside: (told: { readonly path: string; readonly reason: string }) => void,
): Signer {
  try {
    return readSigningKey(folder) ?? makeSigningKey(folder);
  } catch (fault) {
    if (!(fault instanceof Fault) || fault.code !== "KEY_DAMAGED") throw fault;
    const path = join(folder, SIGNING_KEY_FILE);
    const aside = `${path}.damaged-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
    attempt(path, () => renameSync(path, aside));
    setAside({ path: aside, reason: fault.detail });
    return makeSigningKey(folder);
  }
}

/** Undefined: none was made yet. Throws Fault DATA_UNREADABLE or KEY_DAMAGED. */
export function readSigningKey(folder: string): Signer | undefined {
  const path = join(folder, SIGNING_KEY_FILE);
  const pem = attempt(path, () => readIfThere(path));
  if (pem === undefined) return undefined;
  try {
    return signerOf(createPrivateKey(pem));
  } catch (cause) {
    throw new Fault("KEY_DAMAGED", `${path}: ${(cause as Error).message}`, { cause });
  }
}

function makeSigningKey(folder: string): Signer {
  const path = join(folder, SIGNING_KEY_FILE);
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  attempt(path, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeSynced(`${path}.new`, Buffer.from(pem as string));
    renameSync(`${path}.new`, path);
    syncFolder(folder);
  });
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

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
}
