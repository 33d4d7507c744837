/**
 * Who may come to the twin's broker as a gateway, once it speaks TLS:
 *
 *   an invitation ──► enrol: the gateway's own key, certified ──► known by its certificate from then on
 *                                                      renew ──► another certificate, before the first ends
 *
 * An invitation is good once, for one name and until its time is over; the same key may ask with it again,
 * since an answer can get lost: it gets what it was given while that is good, and nothing changes by it. A
 * certificate is good when the twin knows it, has not revoked it and its time is not over; only then, and
 * while it is the newest of its name, does another one follow it, and not before a share of its time has
 * passed; a gateway that was enrolled anew and stopped before the answer came gets that one then, by the same
 * key. The first time a new one is shown it takes the place of the older ones of its name, so that a box that
 * was replaced is not let in beside its successor.
 */
import type { Clock, Secrets } from "../ports.ts";
import type { Identities, NewCertificate } from "../store/identities.ts";
import { SIGNING_KEY } from "../wire/topics.ts";

/** Signs in the authority's name; `key` names the key that was certified. */
export type Sign = (
  request: string,
  subject: { readonly name: string; readonly fromMs: number; readonly untilMs: number },
) => Promise<
  | {
      readonly ok: true;
      readonly certificate: string;
      readonly serial: string;
      readonly key: string;
    }
  | { readonly ok: false; readonly why: string }
>;

export type Issued =
  | { readonly ok: true; readonly certificate: string; readonly untilMs: number }
  | { readonly ok: false; readonly why: string };

export type Doorkeeper = {
  /** Why a certificate is worth nothing here; undefined: it is good. */
  objection(name: string, serial: string): string | undefined;
  /** It was let in with this certificate. */
  greeted(serial: string): void;
  /** Why an invitation is worth nothing; undefined: it is good. */
  objectionTo(invitation: string, name: string): string | undefined;
  enrol(name: string, invitation: string, request: string): Promise<Issued>;
  /** `serial`: of the certificate that it was let in with. */
  renew(name: string, serial: string, request: string): Promise<Issued>;
  /** What it signs its events with, as it was enrolled; base64. None: it was enrolled without. */
  signingKeys(name: string): readonly string[];
  /** True when somebody else has written since it was asked last: all may have to be looked at again. */
  hasNews(): boolean;
};

export type DoorkeeperDeps = {
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly identities: Identities;
  readonly sign: Sign;
};

const DAY_MS = 86_400_000;
/** A gateway's clock may be behind by so much when it gets its certificate. */
const BEFORE_MS = DAY_MS;
/** A gateway asks when a third is over, by its own clock. */
const RENEW_SHARE = 1 / 8;
/** It asks once an hour; with another key no sooner than this, since that is another certificate. */
const RENEW_AGAIN_MS = 30 * 60_000;

export function createDoorkeeper(
  { clock, secrets, identities, sign }: DoorkeeperDeps,
  { certificateDays }: { readonly certificateDays: number },
): Doorkeeper {
  let seen = identities.changes();

  async function certify(
    name: string,
    request: string,
    by: NewCertificate["by"],
    unless?: () => string | undefined,
  ): Promise<Issued> {
    const madeMs = clock.nowMs();
    const untilMs = madeMs + certificateDays * DAY_MS;
    const signed = await sign(request, { name, fromMs: madeMs - BEFORE_MS, untilMs });
    if (!signed.ok) return signed;
    const { certificate: pem, serial, key } = signed;
    const again = "digest" in by ? earlier(by.digest, key) : toFollow(name, by.follows, key);
    if (again !== undefined) return again;
    const issued = identities.issue({ serial, name, madeMs, untilMs, pem, by, key }, unless);
    return issued === true ? { ok: true, certificate: pem, untilMs } : { ok: false, why: issued };
  }

  /** What this key was given for the same invitation, as long as it is not revoked. */
  function earlier(digest: string, key: string): Issued | undefined {
    const { usedKey, serial } = identities.invitation(digest) ?? {};
    if (usedKey !== key || serial === null || serial === undefined) return undefined;
    const given = identities.certificate(serial);
    if (given === undefined || given.revokedMs !== null) return undefined;
    return { ok: true, certificate: given.pem, untilMs: given.untilMs };
  }

  /** What this key was given when the answer was lost, also by an invitation. */
  function toFollow(name: string, serial: string, key: string): Issued | undefined {
    const given = [identities.next(serial), invited(name)];
    const its = given.find((one) => one?.key === key);
    return its && { ok: true, certificate: its.pem, untilMs: its.untilMs };
  }

  /** The newest of this name, which was asked for with an invitation and perhaps never arrived. */
  function invited(name: string) {
    const given = identities.invited(name);
    return given !== undefined && given.untilMs > clock.nowMs() ? given : undefined;
  }

  function objection(name: string, serial: string): string | undefined {
    const known = identities.certificate(serial);
    if (known === undefined) return "its certificate is not in the twin's list";
    if (known.name !== name) return `its certificate is of ${known.name}`;
    if (known.revokedMs !== null) {
      const at = new Date(known.revokedMs).toISOString();
      return `its certificate was revoked at ${at}: ${known.revokedWhy}`;
    }
    if (known.untilMs < clock.nowMs()) {
      const now = new Date(clock.nowMs()).toISOString().slice(0, 16);
      return `its certificate has expired; this machine's clock says ${now}Z`;
    }
    return undefined;
  }

  function objectionToRenewal(name: string, serial: string): string | undefined {
    const why = objection(name, serial);
    const known = identities.certificate(serial);
    if (why !== undefined || known === undefined) return why;
    if (!identities.isNewest(serial)) return `there is a newer certificate of ${name}`;
    const fromMs = known.madeMs + (known.untilMs - known.madeMs) * RENEW_SHARE;
    if (clock.nowMs() < fromMs)
      return `its certificate is new; it is renewed from ${new Date(fromMs).toISOString()} on`;
    return undefined;
  }

  function objectionToAnother(serial: string): string | undefined {
    const { madeMs } = identities.next(serial) ?? {};
    const isSoon = madeMs !== undefined && clock.nowMs() - madeMs < RENEW_AGAIN_MS;
    return isSoon ? "it was given another one a moment ago, for another key" : undefined;
  }

  function objectionTo(invitation: string, name: string): string | undefined {
    const known = identities.invitation(secrets.digest(invitation));
    if (known === undefined) return "there is no such invitation, or it was taken back";
    if (known.name !== name) return `this invitation is for ${known.name}`;
    if (known.untilMs < clock.nowMs())
      return `this invitation was good until ${new Date(known.untilMs).toISOString()}`;
    // Until then the same key may ask again: which one asks is seen only when it does.
    const given = known.serial === null ? undefined : identities.certificate(known.serial);
    if (given !== undefined && given.revokedMs !== null) return "this invitation has been used";
    return undefined;
  }

  return {
    objection,
    greeted: (serial) => identities.used(serial, clock.nowMs()),
    objectionTo,
    async enrol(name, invitation, request) {
      const why = objectionTo(invitation, name);
      if (why !== undefined) return { ok: false, why };
      const digest = secrets.digest(invitation);
      return certify(name, request, { digest, signingKey: signingKeyIn(request) });
    },
    async renew(name, serial, request) {
      // One that is newer may be its own: whose key that is for is seen when it is signed.
      const why =
        invited(name) === undefined ? objectionToRenewal(name, serial) : objection(name, serial);
      if (why !== undefined) return { ok: false, why };
      // Asked once more when it is signed: it may have been revoked meanwhile, by another process.
      return certify(
        name,
        request,
        { follows: serial },
        () => objectionToRenewal(name, serial) ?? objectionToAnother(serial),
      );
    },
    signingKeys: (name) => identities.signingKeys(name),
    hasNews() {
      const now = identities.changes();
      const news = now !== seen;
      seen = now;
      return news;
    },
  };
}

function signingKeyIn(request: string): string | undefined {
  const line = request.split("\n").find((one) => one.startsWith(SIGNING_KEY));
  const key = line?.slice(SIGNING_KEY.length) ?? "";
  // 32 bytes.
  return /^[A-Za-z0-9+/]{43}=$/.test(key) ? key : undefined;
}
