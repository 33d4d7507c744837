/**
 * Who is asking: by a session, a machine's token, or the token of this machine.
 *
 * What somebody brings is looked up anew for each request, so that a change (logged out, disabled,
 * revoked, another role) holds from the next one on. What lasts longer than a request, the live stream,
 * is watched: it ends when what it stands on has ended.
 *
 * The local token opens the door to whoever may read the twin's data folder; they could change the
 * files there anyway. It is made anew at each start and kept in memory only.
 */
import type { Clock, Secrets } from "../ports.ts";
import type { AccessStore } from "../store/access.ts";
import { isDiskFull } from "../store/damage.ts";
import { isRole, type Principal } from "./routes/app.ts";

export type AccessDeps = {
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly store: AccessStore;
};

export type AccessOptions = {
  /** Without a request for so long a session is over. */
  readonly idleMs: number;
  /** So long after its login it is over in any case. */
  readonly sessionMs: number;
};

/** What a request brings to say who asks. A token wins: whoever sends one means it. */
export type Brought = { readonly token: string | undefined; readonly session: string | undefined };

export type Access = {
  /** For the commands on this machine. */
  readonly localToken: string;
  identify(brought: Brought): Principal | undefined;
  /** What the browser is to bring from now on. */
  begin(user: string): string;
  end(principal: Principal): void;
  /** Something has changed about who may ask: what stands on what is no more ends now. */
  changed(): void;
  /** Of what takes longer than its request was looked at: nothing that they stand on has ended or changed. */
  stillMay(principal: Principal): boolean;
  /** Calls `end` once `principal` may no longer ask as they did. Returns a cancel. */
  watch(principal: Principal, end: () => void): () => void;
  close(): void;
};

/** Statements made from the machine itself, by whoever administers it, carry this name. */
export const LOCAL = "local";
/** A use is written down once a minute: each is a commit. */
const USE_MS = 60_000;
const SWEEP_MS = 2_000;

export function createAccess(
  { clock, secrets, store }: AccessDeps,
  { idleMs, sessionMs }: AccessOptions,
): Access {
  const localToken = mintToken(secrets);
  const localDigest = secrets.digest(localToken);
  const watched = new Set<{ readonly principal: Principal; readonly end: () => void }>();
  let cancelSweep = () => {};

  function ofToken(digest: string): Principal | undefined {
    if (secrets.same(digest, localDigest))
      return { kind: "local", name: LOCAL, person: LOCAL, role: "administrator", digest };
    const token = store.token(digest);
    const nowMs = clock.nowMs();
    if (token === undefined || token.revokedAtMs !== undefined || token.endsAtMs <= nowMs)
      return undefined;
    if (nowMs - (token.usedAtMs ?? 0) > USE_MS) note(() => store.useToken(digest, nowMs));
    const { name, role } = token;
    return isRole(role) ? { kind: "token", name, person: name, role, digest } : undefined;
  }

  function ofSession(digest: string, use: boolean): Principal | undefined {
    const session = store.session(digest);
    if (session === undefined) return undefined;
    const nowMs = clock.nowMs();
    const { begunAtMs, usedAtMs } = session;
    // Also one of a time that is still to come: begun while the clock was ahead, it would not be over until then.
    const isIdle = Math.abs(nowMs - usedAtMs) >= idleMs;
    if (nowMs >= begunAtMs + sessionMs || isIdle) return undefined;
    const user = store.user(session.user);
    if (user === undefined || user.disabled || !isRole(user.role)) return undefined;
    if (use && nowMs - usedAtMs > Math.min(USE_MS, idleMs / 10))
      note(() => store.useSession(digest, nowMs));
    const { name, person, role } = user;
    return { kind: "user", name, person, role, digest };
  }

  /** The stream of an open page is no use of it: it would keep a session alive that nobody is at. */
  function stillMay({ kind, digest, role }: Principal): boolean {
    const now = kind === "user" ? ofSession(digest, false) : ofToken(digest);
    return now?.role === role;
  }

  function sweep(): void {
    for (const one of watched) {
      if (stillMay(one.principal)) continue;
      watched.delete(one);
      one.end();
    }
  }

  function sweepAgain(): void {
    sweep();
    cancelSweep = clock.after(SWEEP_MS, sweepAgain);
  }
  sweepAgain();

  return {
    localToken,
    identify({ token, session }) {
      if (token !== undefined) return ofToken(secrets.digest(token));
      return session === undefined ? undefined : ofSession(secrets.digest(session), true);
    },
    begin(user) {
      const nowMs = clock.nowMs();
      const session = secrets.mint();
      const digest = secrets.digest(session);
      store.forgetSessions(nowMs - sessionMs, nowMs - idleMs);
      store.beginSession({ digest, user, begunAtMs: nowMs, usedAtMs: nowMs });
      return session;
    },
    end({ kind, digest }) {
      if (kind === "user") store.endSession(digest);
      sweep();
    },
    changed: sweep,
    stillMay,
    watch(principal, end) {
      const one = { principal, end };
      watched.add(one);
      return () => void watched.delete(one);
    },
    close() {
      cancelSweep();
      watched.clear();
    },
  };
}

/** When something was used last is no reason to keep anybody out, or to end, where the disk has no room for it. */
function note(use: () => void): void {
  try {
    use();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
  }
}

/** By its beginning it is found where it does not belong: in a log, in a repository. */
export function mintToken(secrets: Secrets): string {
  return `rt_${secrets.mint()}`;
}
