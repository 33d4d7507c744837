/**
 * A gateway's own identity: its key, the certificate of that key and the twin's authority, in one file of
 * its data folder, 0600, whole whenever it is there. The key is made here and never leaves.
 *
 * A key whose certificate is under way lies beside it: when the answer is lost, it asks again with the
 * same key, which the twin knows. Each is on stable storage before it is used: once the next certificate was
 * shown, the one that a power cut would bring back is worth nothing.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../kernel/fault.ts";
import { makeKey } from "./certificates.ts";
import { syncFolder } from "./sync-folder.ts";

export type Identity = {
  readonly key: string;
  readonly certificate: string;
  /** One certificate behind the other while one authority follows another. */
  readonly authority: string;
  readonly fromMs: number;
  readonly untilMs: number;
};

export type IdentityStore = {
  /** Undefined: not enrolled. Throws Fault DATA_UNREADABLE or KEY_DAMAGED. */
  read(): Identity | undefined;
  /** The key to ask a certificate for. */
  draftKey(): string;
  /**
   * `answer`: a certificate, and where the twin's authority is to be followed by another one, that. Throws
   * Fault TWIN_STRANGE when it is not one for the draft's key, or not of an authority that is known or came.
   */
  become(answer: string, authority: string): Identity;
};

/** In the gateway's data folder. */
export const IDENTITY_FOLDER = "identity";

const IDENTITY_FILE = "identity.pem";
const DRAFT_FILE = "next-key.pem";
const PEM = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n?/g;

export function openIdentity(folder: string): IdentityStore {
  const path = join(folder, IDENTITY_FILE);
  const draftPath = join(folder, DRAFT_FILE);

  return {
    read() {
      const text = readIfThere(path);
      if (text === undefined) return undefined;
      const [key, certificate, ...authorities] = text.match(PEM) ?? [];
      if (key === undefined || certificate === undefined || authorities.length === 0)
        throw new Fault("KEY_DAMAGED", `${path} lacks its key or a certificate`);
      try {
        mustFit(key, certificate, authorities);
        return asIdentity({ key, certificate, authority: authorities.join("") });
      } catch (cause) {
        throw new Fault("KEY_DAMAGED", `${path}: ${(cause as Error).message}`, { cause });
      }
    },

    draftKey() {
      const draft = readIfThere(draftPath);
      if (draft !== undefined && isKey(draft)) return draft;
      const key = makeKey();
      writeSecret(folder, draftPath, key);
      return key;
    },

    become(answer, known) {
      const key = readIfThere(draftPath) ?? "";
      const [certificate = "", ...brought] = answer.match(PEM) ?? [];
      const given = parsed(certificate);
      const authorities = new Set([...brought, ...(known.match(PEM) ?? [])]);
      const signer = [...authorities].find((one) => given && isOf(given, one));
      if (given === undefined || signer === undefined)
        throw new Fault("TWIN_STRANGE", "what came is no certificate of the twin's authority");
      if (!given.checkPrivateKey(createPrivateKey(key)))
        throw new Fault("TWIN_STRANGE", "the certificate that came is not one for our key");
      // The door is still the first one's while another is to follow; afterwards that one is nobody.
      const authority = (brought.length > 0 ? [...authorities] : [signer]).join("");
      const identity = asIdentity({ key, certificate, authority });
      writeSecret(folder, path, `${key}${certificate}${authority}`);
      rmSync(draftPath, { force: true });
      return identity;
    },
  };
}

/** When the certificate ends that is shown to a twin at this address; undefined: none is, or none can be read. */
export function endOf(store: Pick<IdentityStore, "read">, url: string): number | undefined {
  if (!url.startsWith("mqtts:")) return undefined;
  try {
    return store.read()?.untilMs;
  } catch {
    // Whoever connects with it says so.
    return undefined;
  }
}

function asIdentity(pems: Pick<Identity, "key" | "certificate" | "authority">): Identity {
  const { validFrom, validTo } = new X509Certificate(pems.certificate);
  return { ...pems, fromMs: Date.parse(validFrom), untilMs: Date.parse(validTo) };
}

/** Throws Error: with these, TLS would not begin. */
function mustFit(key: string, certificate: string, authorities: readonly string[]): void {
  const [own] = [certificate, ...authorities].map((pem) => new X509Certificate(pem));
  if (own?.checkPrivateKey(createPrivateKey(key)) !== true)
    throw new Error("its key is not the one of its certificate");
}

function isKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "ec";
  } catch {
    // Nobody can ask with it.
    return false;
  }
}

function isOf(given: X509Certificate, authority: string): boolean {
  return given.verify(new X509Certificate(authority).publicKey);
}

function parsed(certificate: string): X509Certificate | undefined {
  try {
    return new X509Certificate(certificate);
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
}

function writeSecret(folder: string, path: string, text: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
    syncFolder(folder);
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
}
