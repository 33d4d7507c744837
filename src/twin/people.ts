/**
 * The twin's own users: who there is, what they may, and that somebody can always administer.
 *
 * No password is usual: where none is given one is made, told once to whoever asked for it, and kept
 * hardened only.
 */
import type { Clock, Secrets } from "../ports.ts";
import type { AccessStore, UserRow } from "../store/access.ts";
import type { Access } from "./access.ts";
import type { Logins } from "./logins.ts";
import type { Principal, Role } from "./routes/app.ts";

export type PeopleDeps = {
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly store: AccessStore;
  readonly access: Pick<Access, "changed" | "stillMay">;
  readonly logins: Pick<Logins, "forgetKeys">;
  /** This user has another password now. */
  readonly onPassword: (name: string) => void;
};

export type NewPerson = {
  readonly name: string;
  readonly person: string;
  readonly role: Role;
  /** Undefined: one is made. */
  readonly password: string | undefined;
};

export type PersonChange = {
  readonly person?: string;
  readonly role?: Role;
  readonly disabled?: boolean;
};

export type Refused = {
  readonly ok: false;
  readonly why: "taken" | "unknown" | "last_administrator" | "weak" | "ended";
};
export type WithPassword = { readonly ok: true; readonly user: UserRow; readonly made?: string };

/** Hardening takes a while: `by` may have been thrown out meanwhile, and leaves nobody behind. */
export type People = {
  all(): readonly UserRow[];
  add(person: NewPerson, by?: Principal): Promise<WithPassword | Refused>;
  change(
    name: string,
    change: PersonChange,
  ): { readonly ok: true; readonly user: UserRow } | Refused;
  /** Ends the user's sessions, all but this one. */
  setPassword(
    name: string,
    password: string | undefined,
    by?: Principal,
    but?: string,
  ): Promise<WithPassword | Refused>;
};

export const FIRST_NAME = "admin";
export const PASSWORD_CHARACTERS_MIN = 12;
export const PASSWORD_CHARACTERS_MAX = 256;

export function createPeople(deps: PeopleDeps): People {
  const { clock, secrets, store, access, logins, onPassword } = deps;

  /** Everybody else who could make an administrator again. */
  const othersAdminister = (name: string) =>
    store
      .users()
      .some((user) => user.name !== name && user.role === "administrator" && !user.disabled);

  const stillMay = (by: Principal | undefined) => by === undefined || access.stillMay(by);

  async function kept(name: string, given: string | undefined) {
    const password = given ?? mintPassword(secrets);
    if (isWeak(name, password)) return undefined;
    const made = given === undefined ? { made: password } : {};
    return { hardened: await secrets.harden(password), ...made };
  }

  return {
    all: () => store.users(),

    async add({ name, person, role, password }, by) {
      if (store.user(name) !== undefined) return { ok: false, why: "taken" };
      const ready = await kept(name, password);
      if (ready === undefined) return { ok: false, why: "weak" };
      if (!stillMay(by)) return { ok: false, why: "ended" };
      const { hardened, ...made } = ready;
      const row = { name, person, role, password: hardened, disabled: false };
      if (!store.addUser({ ...row, madeAtMs: clock.nowMs() })) return { ok: false, why: "taken" };
      return { ok: true, user: { ...row, madeAtMs: clock.nowMs(), usedAtMs: undefined }, ...made };
    },

    change(name, change) {
      const user = store.user(name);
      if (user === undefined) return { ok: false, why: "unknown" };
      const next = { ...user, ...change };
      const administers = next.role === "administrator" && !next.disabled;
      if (!administers && !othersAdminister(name)) return { ok: false, why: "last_administrator" };
      store.changeUser(name, change);
      if (next.disabled) store.endSessions(name);
      if (next.disabled || next.role !== user.role) logins.forgetKeys(name);
      access.changed();
      return { ok: true, user: next };
    },

    async setPassword(name, password, by, but) {
      if (store.user(name) === undefined) return { ok: false, why: "unknown" };
      const ready = await kept(name, password);
      if (ready === undefined) return { ok: false, why: "weak" };
      if (!stillMay(by)) return { ok: false, why: "ended" };
      const { hardened, ...made } = ready;
      store.changeUser(name, { password: hardened });
      store.endSessions(name, but);
      logins.forgetKeys(name);
      access.changed();
      onPassword(name);
      const user = store.user(name);
      return user === undefined ? { ok: false, why: "unknown" } : { ok: true, user, ...made };
    },
  };
}

const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";

/** One hundred bits, as somebody can read them out: a7kq-... */
export function mintPassword(secrets: Secrets): string {
  const bytes = Buffer.from(secrets.mint(), "base64url").subarray(0, 20);
  const letters = [...bytes].map((byte) => LETTERS[byte % LETTERS.length]).join("");
  return letters.replace(/(.{4})(?=.)/g, "$1-");
}

/** Length is what counts (NIST SP 800-63B, 3.1.1.2): no rules about kinds of characters. */
function isWeak(name: string, password: string): boolean {
  const plain = password.toLowerCase();
  return (
    password.length < PASSWORD_CHARACTERS_MIN ||
    new Set(plain).size < 5 ||
    plain.replaceAll(name, "").length < PASSWORD_CHARACTERS_MIN / 2
  );
}
