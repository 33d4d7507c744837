/**
 * A TLS connection to the twin that invited this gateway, and to no other: its certificate is one of the
 * authority whose fingerprint came with the invitation. By which address it is reached does not matter,
 * since the certificate names the door.
 *
 * A clock that nobody has set yet must not keep a gateway from its twin: while it is not synchronised the
 * dates in the twin's certificate do not count, and all the rest does.
 */
import { X509Certificate } from "node:crypto";
import { checkServerIdentity, connect, type TLSSocket } from "node:tls";
import { Fault } from "../kernel/fault.ts";
import { withoutUser } from "../kernel/shown.ts";
import { DOOR_NAME } from "./authority.ts";
import { fingerprintOf, objectionBeyondDates } from "./certificates.ts";
import type { Identity } from "./identity.ts";

export type SecuredOptions = {
  readonly connectMs: number;
  /** Whether this machine's clock can be believed. */
  readonly clockIsGood: boolean;
};

const PORT = 8883;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g;
const DATES = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"];

/** Without a key it comes as a newcomer. Throws Fault LINK_LOST, TWIN_STRANGE. */
export async function connectSecured(
  url: string,
  identity: Pick<Identity, "authority"> & Partial<Pick<Identity, "key" | "certificate">>,
  { connectMs, clockIsGood }: SecuredOptions,
  stop: AbortSignal,
): Promise<TLSSocket> {
  const { authority: ca, key, certificate: cert } = identity;
  const mine = key !== undefined && cert !== undefined ? { key, cert } : {};
  const socket = await shakeHands(url, { ca, ...mine }, connectMs, stop);
  const why = strangeness(socket, ca, clockIsGood);
  if (why === undefined) return socket;
  socket.destroy();
  throw new Fault("TWIN_STRANGE", `${withoutUser(url)}: ${why}`);
}

/** The certificate of the authority behind the door, if it is the one of this fingerprint. */
export async function authorityBehind(
  url: string,
  fingerprint: string,
  connectMs: number,
  stop: AbortSignal,
): Promise<string> {
  const socket = await shakeHands(url, {}, connectMs, stop);
  try {
    let each = socket.getPeerCertificate(true);
    for (let depth = 0; depth < 4 && each?.raw !== undefined; depth++) {
      if (fingerprintOf(each.raw) === fingerprint) return new X509Certificate(each.raw).toString();
      each = each.issuerCertificate;
    }
  } finally {
    socket.destroy();
  }
  throw new Fault(
    "TWIN_STRANGE",
    `${withoutUser(url)}: it is not of the authority that the invitation names`,
  );
}

function shakeHands(
  url: string,
  keys: { readonly ca?: string; readonly key?: string; readonly cert?: string },
  connectMs: number,
  stop: AbortSignal,
): Promise<TLSSocket> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...keys,
      host,
      port: Number(port || PORT),
      servername: DOOR_NAME,
      minVersion: "TLSv1.2",
      // Judged by hand, as far as our own clock allows.
      rejectUnauthorized: false,
    });
    const fail = (cause: Error) => {
      done();
      socket.destroy();
      reject(new Fault("LINK_LOST", `${withoutUser(url)}: ${cause.message}`, { cause }));
    };
    const abandon = () => fail(new Error("stopped before it was connected"));
    const late = () => fail(new Error(`no TLS within ${connectMs} ms`));
    const done = () => {
      socket.setTimeout(0);
      socket.off("error", fail).off("timeout", late).off("secureConnect", secured);
      stop.removeEventListener("abort", abandon);
      // Whoever takes it over listens for itself.
      socket.on("error", () => {});
    };
    const secured = () => {
      done();
      resolve(socket);
    };
    socket.setTimeout(connectMs, late);
    socket.once("error", fail).once("secureConnect", secured);
    stop.addEventListener("abort", abandon, { once: true });
  });
}

/** Why this is not the twin; undefined: it is. */
function strangeness(socket: TLSSocket, authority: string, clockIsGood: boolean) {
  if (socket.authorized) return undefined;
  const code = String(socket.authorizationError);
  if (!DATES.includes(code)) return `its certificate is not good: ${code}`;
  if (clockIsGood) {
    const { valid_from, valid_to } = socket.getPeerCertificate();
    return `its certificate is good from ${valid_from} to ${valid_to}, and this machine's clock says ${new Date().toISOString()}`;
  }
  const { raw } = socket.getPeerCertificate();
  const worse = objectionBeyondDates(raw, authority.match(CERTIFICATE) ?? [], "server");
  if (worse === "signer") return "its certificate is not of the twin's authority";
  if (worse === "purpose") return "its certificate is not a door's";
  return checkServerIdentity(DOOR_NAME, socket.getPeerCertificate())?.message;
}
