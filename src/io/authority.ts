/**
 * A program's own certificate authority: a folder with one file for its key and certificate, and one for
 * the key and certificate of the program's door, made when they are first needed, 0600.
 *
 * The authority itself has no end, and begins before any clock: its certificate is pinned by fingerprint,
 * and a box whose clock stands at 1970 has to recognise it. What it signs has an end.
 *
 * Another one can take its place without a gap. It lies beside the first, signs from then on, and comes with
 * each certificate, so that whoever is renewed knows both; the door still shows the first. When all know it
 * the first one goes. Whoever has it open sees each step by itself.
 *
 *   authority.pem ── begin ──► + authority-next.pem ── finish ──► authority.pem (the next), authority-before.pem
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { Fault } from "../kernel/fault.ts";
import {
  fingerprintOf,
  makeAuthority,
  makeKey,
  makeServerCertificate,
  type Signed,
  type Signing,
  type Span,
  signRequest,
} from "./certificates.ts";
import type { DoorKeys } from "./mqtt-door.ts";

export type Authority = {
  readonly certificate: string;
  readonly fingerprint: string;
  /** For a client of this name; with the certificate of the authority behind it where that is to follow. */
  sign(request: string, subject: Span & { readonly name: string }): Promise<Signed>;
  /** The door's keys: those in the folder, or new ones when these are near their end or lack a name. */
  doorKeys(names: readonly string[], nowMs: number): Promise<DoorKeys>;
};

/** The name by which a client knows the door, whatever address leads to it. */
export const DOOR_NAME = "door.racktrace.internal";

const AUTHORITY_FILE = "authority.pem";
const NEXT_FILE = "authority-next.pem";
const BEFORE_FILE = "authority-before.pem";
const DOOR_FILE = "door.pem";
const BEGIN_MS = Date.UTC(1970, 0, 2);
const END_MS = Date.UTC(9999, 11, 31, 23, 59, 59);
const DAY_MS = 86_400_000;
/** Scanners complain about more than 398. */
const DOOR_DAYS = 397;

/** Makes one where there is none. Throws Fault DATA_UNREADABLE or KEY_DAMAGED. */
export async function openAuthority(folder: string, name: string): Promise<Authority> {
  const path = join(folder, AUTHORITY_FILE);
  const first = readSigning(path) ?? (await found(folder, path, name));
  const next = () => readSigning(join(folder, NEXT_FILE));

  return {
    certificate: first.certificate,
    fingerprint: fingerprintOf(first.certificate),
    async sign(request, subject) {
      const following = next();
      if (following === undefined) return signRequest(readSigning(path) ?? first, request, subject);
      const signed = await signRequest(following, request, subject);
      if (!signed.ok) return signed;
      return { ...signed, certificate: `${signed.certificate}${following.certificate}` };
    },

    async doorKeys(wanted, nowMs) {
      const own = readSigning(path) ?? first;
      const names = [...new Set([DOOR_NAME, "localhost", hostname(), "127.0.0.1", ...wanted])];
      const doorPath = join(folder, DOOR_FILE);
      const old = readDoor(doorPath);
      const good = old !== undefined && isGood(old.certificate, own.certificate, names, nowMs);
      const door = good ? old : await makeDoor(own, names, nowMs);
      if (!good) writeSecret(doorPath, `${door.key}${door.certificate}`);
      return { ...door, authority: own.certificate, next: next()?.certificate };
    },
  };
}

/** Undefined: none was made yet, or it is gone. */
export function authorityIn(folder: string): string | undefined {
  return readSigning(join(folder, AUTHORITY_FILE))?.certificate;
}

/** Lays another authority beside the one in the folder. Returns its certificate; undefined: there is one. */
export async function beginNext(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, NEXT_FILE);
  if (readSigning(path) !== undefined) return undefined;
  return (await found(folder, path, name)).certificate;
}

/** The certificate of the authority that is to follow. */
export function nextIn(folder: string): string | undefined {
  return readSigning(join(folder, NEXT_FILE))?.certificate;
}

/** The next authority is the only one from here on. */
export function finishNext(folder: string): void {
  const path = join(folder, AUTHORITY_FILE);
  try {
    copyFileSync(path, join(folder, BEFORE_FILE));
    // In one step: there is an authority at every moment, and no program makes one of its own meanwhile.
    renameSync(join(folder, NEXT_FILE), path);
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${folder}: ${(cause as Error).message}`, { cause });
  }
}

async function makeDoor(own: Signing, names: readonly string[], nowMs: number): Promise<Signing> {
  const key = makeKey();
  const span = { fromMs: nowMs - DAY_MS, untilMs: nowMs + (DOOR_DAYS - 1) * DAY_MS };
  const all = names as readonly [string, ...string[]];
  return { key, certificate: await makeServerCertificate(own, key, { ...span, names: all }) };
}

function isGood(
  certificate: string,
  authority: string,
  names: readonly string[],
  nowMs: number,
): boolean {
  const door = new X509Certificate(certificate);
  const left = Date.parse(door.validTo) - nowMs;
  return (
    left > (DOOR_DAYS / 3) * DAY_MS &&
    Date.parse(door.validFrom) <= nowMs &&
    door.verify(new X509Certificate(authority).publicKey) &&
    // Asked for an address by what is none, checkIP throws.
    names.every((name) => (isIP(name) === 0 ? door.checkHost(name) : door.checkIP(name)))
  );
}

/** Two programs may be at it at once: one of them is first, and both use what it made. */
async function found(folder: string, path: string, name: string): Promise<Signing> {
  const key = makeKey();
  const made = {
    key,
    certificate: await makeAuthority(key, name, { fromMs: BEGIN_MS, untilMs: END_MS }),
  };
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const draft = `${path}.${fingerprintOf(made.certificate)}`;
    writeFileSync(draft, `${made.key}${made.certificate}`, { mode: 0o600, flush: true });
    try {
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${folder}: ${(cause as Error).message}`, { cause });
  }
  return readSigning(path) ?? made;
}

const PEM = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----\n?/g;

function readSigning(path: string): Signing | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const [key, certificate] = text.match(PEM) ?? [];
  if (key === undefined || certificate === undefined)
    throw new Fault("KEY_DAMAGED", `${path}: a key and a certificate were expected`);
  let fits: boolean;
  try {
    fits = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new Fault("KEY_DAMAGED", `${path}: ${(cause as Error).message}`, { cause });
  }
  if (!fits) throw new Fault("KEY_DAMAGED", `${path}: its key is not the one of its certificate`);
  return { key, certificate };
}

/** Nobody pins the door's own: a damaged one is made anew like one that has ended. */
function readDoor(path: string): Signing | undefined {
  try {
    return readSigning(path);
  } catch (fault) {
    if (fault instanceof Fault && fault.code === "KEY_DAMAGED") return undefined;
    throw fault;
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

/** Whole whenever it is there, and nobody else's to read. */
function writeSecret(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
