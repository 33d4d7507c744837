/**
 * Secrets by the runtime's own cryptography: random ones are kept as SHA-256, passwords as argon2id.
 *
 * Parameters of argon2id: 19 MiB, 2 passes, 1 lane, the first of those that the OWASP Password Storage
 * Cheat Sheet calls equal; salt of 16 and tag of 32 bytes as in RFC 9106, section 4. They stand in what
 * is kept (PHC string format), so that they can be raised later. A minted secret has 256 bits, which
 * nobody tries one by one: a fast digest is enough, and each request can afford it.
 */
import { argon2, createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Secrets } from "../ports.ts";

const MINTED_BYTES = 32;
const SALT_BYTES = 16;
const TAG_BYTES = 32;
const USUAL: Parameters = { memory: 19_456, passes: 2, lanes: 1 };
/** What is read back is ours, but a damaged file must not make us take all the memory there is. */
const MEMORY_KIB_MAX = 1_048_576;

type Parameters = { readonly memory: number; readonly passes: number; readonly lanes: number };

export const secrets: Secrets = {
  mint: () => randomBytes(MINTED_BYTES).toString("base64url"),
  digest: (secret) => createHash("sha256").update(secret).digest("base64url"),
  same: (a, b) => timingSafeEqual(digestOf(a), digestOf(b)),

  async harden(password) {
    const salt = randomBytes(SALT_BYTES);
    return phc(USUAL, salt, await derive(password, salt, USUAL));
  },

  async matches(password, hardened) {
    const [, memory = "", passes = "", lanes = "", salt = "", tag = ""] = PHC.exec(hardened) ?? [];
    const used = { memory: Number(memory), passes: Number(passes), lanes: Number(lanes) };
    if (tag === "" || used.memory > MEMORY_KIB_MAX) return { ok: false, stale: true };
    const derived = await derive(password, Buffer.from(salt, "base64"), used);
    const ok = timingSafeEqual(digestOf(unpadded(derived)), digestOf(tag));
    return { ok, stale: JSON.stringify(used) !== JSON.stringify(USUAL) };
  },
};

const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function phc({ memory, passes, lanes }: Parameters, salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$${unpadded(salt)}$${unpadded(tag)}`;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}

/** Of equal length, whatever was given. */
function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function derive(password: string, nonce: Buffer, parameters: Parameters): Promise<Buffer> {
  const { memory, passes, lanes: parallelism } = parameters;
  // The same password typed on another keyboard must be the same bytes (RFC 8265, OpaqueString).
  const message = password.normalize("NFC");
  const asked = { message, nonce, parallelism, tagLength: TAG_BYTES, memory, passes };
  return new Promise((resolve, reject) => {
    argon2("argon2id", asked, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
