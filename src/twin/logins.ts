/**
 * Passwords at the door: checked slowly and few at once, guessed at more slowly still.
 *
 * A name that nobody has costs as long as one that somebody has, and is refused in the same words. Who has
 * come in from somewhere waits for what is guessed from there only, and has turns of their own: nobody
 * elsewhere can keep them out.
 */
import { neighbourhood } from "../kernel/neighbourhood.ts";
import { createSeldom } from "../kernel/seldom.ts";
import { createTurns, type Turns } from "../kernel/turns.ts";
import type { Clock, Journal, Secrets } from "../ports.ts";
import type { AccessStore, UserRow } from "../store/access.ts";
import { createThrottle } from "./throttle.ts";

export type LoginDeps = {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly secrets: Secrets;
  readonly store: AccessStore;
};

export type Login =
  | { readonly ok: true; readonly user: UserRow }
  | { readonly ok: false; readonly why: "wrong" }
  | { readonly ok: false; readonly why: "wait"; readonly waitMs: number }
  /** More log in at once than this machine can check. */
  | { readonly ok: false; readonly why: "busy" };

export type Logins = {
  /** `isGone`: nobody waits for the answer any more. */
  check(name: string, password: string, address: string, isGone?: () => boolean): Promise<Login>;
  /**
   * A key that logs this user in, once and soon; `by` is who asked for it. Undefined: there is no such
   * user who may log in.
   */
  mintKey(
    name: string,
    by: string,
  ): { readonly key: string; readonly endsAtMs: number } | undefined;
  useKey(key: string): Login;
  /** Something has changed about this user or program: keys for or by them open nothing now. */
  forgetKeys(name: string): void;
  readonly tally: () => Readonly<Record<"ok" | "wrong" | "wait" | "busy", number>>;
};

/** Each check takes 19 MiB and a thread: one at once for who is known where they come from, one for all others. */
const TURNS = { atOnceMax: 1, waitingMax: 16, waitingOfAddressMax: 16 };
const KEY_MS = 15 * 60_000;
const KEYS_MAX = 100;
const FORGET_MS = 3_600_000;
/** Users and where they came in from, since the start; beyond these the one of longest ago goes. */
const KNOWN_MAX = 4_096;

type MintedKey = { readonly name: string; readonly by: string; readonly endsAtMs: number };

export function createLogins({ clock, journal, secrets, store }: LoginDeps): Logins {
  const throttle = (free: number, waitMsMax: number) =>
    createThrottle(secrets, { free, waitMsMax, forgetMs: FORGET_MS });
  const ofPair = throttle(5, 900_000);
  // Whoever guesses at one name from everywhere, or from one place at every name. Their wait is short:
  // behind a proxy an address is everybody, and nobody shall lock an administrator out for long.
  const ofName = throttle(30, 60_000);
  const ofAddress = throttle(100, 8_000);
  const waits = createSeldom(
    ({ address }, details) => journal.warn("login-waits", { address, ...details }),
    clock.after,
  );
  const known = new Set<string>();
  const keys = new Map<string, MintedKey>();
  const tally = { ok: 0, wrong: 0, wait: 0, busy: 0 };
  const turnsOf = { known: createTurns(TURNS), others: createTurns(TURNS) };
  /** Compared with where there is no such user. */
  let nobodys: Promise<string> | undefined;

  /** What the password fits, as it is kept now. Undefined: nothing. It is this one's turn, until then. */
  async function matches(
    name: string,
    password: string,
    turns: Turns,
  ): Promise<string | undefined> {
    try {
      const user = store.user(name);
      nobodys ??= secrets.harden(secrets.mint());
      const { ok, stale } = await secrets.matches(password, user?.password ?? (await nobodys));
      if (!ok || user === undefined) return undefined;
      return stale ? await renewed(password, user) : user.password;
    } finally {
      turns.done();
    }
  }

  /** Hardening takes a while: a password that was set meanwhile stays. */
  async function renewed(password: string, { name, password: old }: UserRow): Promise<string> {
    const hardened = await secrets.harden(password);
    if (store.user(name)?.password !== old) return old;
    store.changeUser(name, { password: hardened });
    return hardened;
  }

  function remember(pair: string): void {
    const digest = secrets.digest(pair);
    known.delete(digest);
    known.add(digest);
    const [oldest] = known;
    if (known.size > KNOWN_MAX && oldest !== undefined) known.delete(oldest);
  }

  function wrong(): Login {
    tally.wrong += 1;
    return { ok: false, why: "wrong" };
  }

  return {
    async check(name, password, address, isGone = () => false) {
      const nowMs = clock.nowMs();
      const from = neighbourhood(address);
      const pair = `${name} ${from}`;
      const byPair = { throttle: ofPair, key: pair };
      const elsewhere = [
        { throttle: ofName, key: name },
        { throttle: ofAddress, key: from },
      ];
      const isKnown = known.has(secrets.digest(pair));
      const kept = isKnown ? [byPair] : [byPair, ...elsewhere];
      const waitMs = Math.max(...kept.map(({ throttle, key }) => throttle.waitMs(key, nowMs)));
      if (waitMs > 0) {
        tally.wait += 1;
        waits.tell({ why: "wait", address: from, name: "" }, { waitMs });
        return { ok: false, why: "wait", waitMs };
      }
      const begun = kept.map(({ throttle, key }) => throttle.begin(key, nowMs));
      const turns = isKnown ? turnsOf.known : turnsOf.others;
      if ((await turns.take({ address: from, isGone })) === "busy") {
        for (const takeBack of begun) takeBack();
        tally.busy += 1;
        return { ok: false, why: "busy" };
      }
      const fits = await matches(name, password, turns);
      // Looked up again: checking takes a while, and somebody may have been disabled or have got
      // another password meanwhile.
      const now = store.user(name);
      if (now === undefined || now.disabled || now.password !== fits) return wrong();
      for (const { throttle, key } of kept) throttle.succeed(key);
      remember(pair);
      tally.ok += 1;
      return { ok: true, user: now };
    },

    mintKey(name, by) {
      const user = store.user(name);
      if (user === undefined || user.disabled) return undefined;
      const nowMs = clock.nowMs();
      for (const [digest, { endsAtMs }] of keys) if (endsAtMs <= nowMs) keys.delete(digest);
      const [oldest] = keys.keys();
      if (keys.size >= KEYS_MAX && oldest !== undefined) keys.delete(oldest);
      const key = secrets.mint();
      const endsAtMs = nowMs + KEY_MS;
      keys.set(secrets.digest(key), { name, by, endsAtMs });
      return { key, endsAtMs };
    },

    useKey(key) {
      const digest = secrets.digest(key);
      const found = keys.get(digest);
      keys.delete(digest);
      const user = found === undefined ? undefined : store.user(found.name);
      if (found === undefined || user === undefined || user.disabled) return wrong();
      if (found.endsAtMs <= clock.nowMs()) return wrong();
      tally.ok += 1;
      return { ok: true, user };
    },

    forgetKeys(name) {
      for (const [digest, key] of keys)
        if (key.name === name || key.by === name) keys.delete(digest);
    },

    tally: () => tally,
  };
}
