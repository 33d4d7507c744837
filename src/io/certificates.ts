/**
 * Keys (P-256), certificate requests and certificates. Node reads all of these and makes keys; what it
 * cannot make, @peculiar/x509 does. It is loaded when it is asked for: neither program needs it to run.
 */
import {
  createHash,
  generateKeyPairSync,
  randomBytes,
  webcrypto,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";

const CURVE = "P-256";
const KEY = { name: "ECDSA", namedCurve: CURVE, hash: "SHA-256" } as const;
const REQUEST_CHARS_MAX = 8_192;

export type Signing = { readonly key: string; readonly certificate: string };

export type Signed =
  | {
      readonly ok: true;
      readonly certificate: string;
      readonly serial: string;
      readonly key: string;
    }
  | { readonly ok: false; readonly why: string };

export type Span = { readonly fromMs: number; readonly untilMs: number };

/** PKCS #8, PEM. */
export function makeKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: CURVE });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/** SHA-256 of the certificate, as text of an address's alphabet. */
export function fingerprintOf(certificate: string | Buffer): string {
  const { raw } = new X509Certificate(certificate);
  return createHash("sha256").update(raw).digest("base64url");
}

/** RFC 5280, section 4.2.1.12. */
const PURPOSES = { client: "1.3.6.1.5.5.7.3.2", server: "1.3.6.1.5.5.7.3.1" } as const;

/**
 * Why a certificate is worth nothing, its dates aside; undefined: it is one of these authorities for this purpose.
 * OpenSSL tells the last of its objections, and there may have been a worse one before the date.
 */
export function objectionBeyondDates(
  certificate: Buffer,
  authorities: readonly string[],
  purpose: keyof typeof PURPOSES,
): "signer" | "purpose" | undefined {
  const given = new X509Certificate(certificate);
  const signers = authorities.map((each) => new X509Certificate(each));
  if (!signers.some((signer) => given.checkIssued(signer) && given.verify(signer.publicKey)))
    return "signer";
  return given.keyUsage?.includes(PURPOSES[purpose]) === true ? undefined : "purpose";
}

/** PKCS #10, PEM. */
export async function makeRequest(key: string, name: string): Promise<string> {
  const { Pkcs10CertificateRequestGenerator } = await library();
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: [name] }],
    keys: await pairOf(key),
    signingAlgorithm: KEY,
  });
  return request.toString("pem");
}

/** A certificate that signs others and itself. */
export async function makeAuthority(key: string, name: string, span: Span): Promise<string> {
  const x509 = await library();
  const keys = await pairOf(key);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...spanOf(span),
    serialNumber: makeSerial(),
    name: [{ CN: [name] }],
    keys,
    signingAlgorithm: KEY,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pem(certificate);
}

/** For the program's own door, under each of these names and addresses. */
export async function makeServerCertificate(
  authority: Signing,
  key: string,
  { names, ...span }: Span & { readonly names: readonly [string, ...string[]] },
): Promise<string> {
  const { publicKey } = await pairOf(key);
  const alternatives = names.map((name) => ({
    type: isIP(name) === 0 ? ("dns" as const) : ("ip" as const),
    value: name,
  }));
  return (await certify(authority, publicKey, names[0], { ...span, alternatives })).certificate;
}

/** A certificate for a client. What the request says of itself counts for nothing but its key. */
export async function signRequest(
  authority: Signing,
  request: string,
  { name, ...span }: Span & { readonly name: string },
): Promise<Signed> {
  const { Pkcs10CertificateRequest } = await library();
  if (request.length > REQUEST_CHARS_MAX) return { ok: false, why: "the request is too long" };
  try {
    const asked = new Pkcs10CertificateRequest(request);
    const { namedCurve } = asked.publicKey.algorithm as { namedCurve?: string };
    if (namedCurve !== CURVE) return { ok: false, why: `the key is not one of ${CURVE}` };
    if (!(await asked.verify())) return { ok: false, why: "the request is not signed by its key" };
    const publicKey = await asked.publicKey.export();
    const key = createHash("sha256")
      .update(Buffer.from(asked.publicKey.rawData))
      .digest("base64url");
    return { ok: true, key, ...(await certify(authority, publicKey, name, span)) };
  } catch (error) {
    return { ok: false, why: `this is no certificate request: ${(error as Error).message}` };
  }
}

async function certify(
  authority: Signing,
  publicKey: CryptoKey,
  name: string,
  {
    alternatives,
    ...span
  }: Span & { readonly alternatives?: readonly { type: "dns" | "ip"; value: string }[] },
): Promise<{ readonly certificate: string; readonly serial: string }> {
  const x509 = await library();
  const issuer = new X509Certificate(authority.certificate);
  const isServer = alternatives !== undefined;
  const serial = makeSerial();
  const purpose = isServer ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const certificate = await x509.X509CertificateGenerator.create({
    ...spanOf(span),
    serialNumber: serial,
    subject: [{ CN: [name] }],
    issuer: new x509.X509Certificate(issuer.raw).subject,
    publicKey,
    signingKey: await signingKeyOf(authority.key),
    signingAlgorithm: KEY,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([purpose]),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(new x509.X509Certificate(issuer.raw)),
      ...(isServer ? [new x509.SubjectAlternativeNameExtension([...alternatives])] : []),
    ],
  });
  return { certificate: pem(certificate), serial };
}

/** Positive, and without a zero in front: TLS tells it as a number. */
function makeSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

function spanOf({ fromMs, untilMs }: Span) {
  return { notBefore: new Date(fromMs), notAfter: new Date(untilMs) };
}

function pem(certificate: { toString(format: "pem"): string }): string {
  return `${certificate.toString("pem")}\n`;
}

async function pairOf(key: string): Promise<CryptoKeyPair> {
  const privateKey = await signingKeyOf(key);
  const {
    d: _private,
    key_ops: _may,
    ...open
  } = await webcrypto.subtle.exportKey("jwk", privateKey);
  const publicKey = await webcrypto.subtle.importKey("jwk", open, KEY, true, ["verify"]);
  return { privateKey, publicKey } as CryptoKeyPair;
}

async function signingKeyOf(key: string): Promise<CryptoKey> {
  const der = Buffer.from(key.replace(/-----[^-]+-----|\s/g, ""), "base64");
  return webcrypto.subtle.importKey("pkcs8", der, KEY, true, ["sign"]) as Promise<CryptoKey>;
}

type CryptoKey = webcrypto.CryptoKey;
type CryptoKeyPair = webcrypto.CryptoKeyPair;

async function library() {
  // Its container asks for it, and it changes the global Reflect: a reason more to load it late.
  await import("reflect-metadata");
  return import("@peculiar/x509");
}
