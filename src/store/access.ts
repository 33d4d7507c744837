/**
 * Who may ask the twin: people with their roles and passwords, their sessions, and machines' tokens.
 *
 * It keeps no secret that could be used: passwords are hardened, sessions and tokens are digests. It
 * is not derived from the evidence and not part of it: what a person said stays said when they leave.
 * The file is readable by its owner only.
 */
import { chmodSync, existsSync } from "node:fs";
import { Fault } from "../kernel/fault.ts";
import { type Database, openList } from "./database.ts";

export type UserRow = {
  /** What they log in with. */
  readonly name: string;
  /** As statements name them. */
  readonly person: string;
  readonly role: string;
  readonly password: string;
  readonly disabled: boolean;
  readonly madeAtMs: number;
  readonly usedAtMs: number | undefined;
};

export type SessionRow = {
  readonly digest: string;
  readonly user: string;
  readonly begunAtMs: number;
  readonly usedAtMs: number;
};

export type TokenRow = {
  readonly name: string;
  readonly digest: string;
  readonly role: string;
  readonly madeBy: string;
  readonly madeAtMs: number;
  readonly endsAtMs: number;
  readonly revokedAtMs: number | undefined;
  readonly usedAtMs: number | undefined;
};

export type AccessStore = {
  readonly db: Database;
  users(): readonly UserRow[];
  user(name: string): UserRow | undefined;
  /** False: the name is taken. */
  addUser(user: Omit<UserRow, "usedAtMs">): boolean;
  /** What is left out stays. False: there is no such user. */
  changeUser(
    name: string,
    change: Partial<Pick<UserRow, "person" | "role" | "password" | "disabled">>,
  ): boolean;
  session(digest: string): SessionRow | undefined;
  /** Of one user's sessions only the newest are kept. */
  beginSession(session: SessionRow): void;
  useSession(digest: string, atMs: number): void;
  endSession(digest: string): void;
  /** All of a user's, or all but one. */
  endSessions(user: string, but?: string): void;
  /** Begun or last used before these moments. */
  forgetSessions(begunBeforeMs: number, usedBeforeMs: number): void;
  tokens(): readonly TokenRow[];
  token(digest: string): TokenRow | undefined;
  /** False: the name is taken; a revoked or expired token's name stays taken, for the log's sake. */
  addToken(token: Omit<TokenRow, "revokedAtMs" | "usedAtMs">): boolean;
  useToken(digest: string, atMs: number): void;
  /** False: there is none that could be revoked. */
  revokeToken(name: string, atMs: number): boolean;
  close(): void;
};

const STEPS = [
  `
  CREATE TABLE user (
    name TEXT PRIMARY KEY,
    person TEXT NOT NULL,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    made_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER
  ) STRICT;
  CREATE TABLE session (
    digest TEXT PRIMARY KEY,
    user TEXT NOT NULL REFERENCES user (name),
    begun_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX session_user ON session (user, begun_at_ms);
  CREATE TABLE token (
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    made_by TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    ends_at_ms INTEGER NOT NULL,
    revoked_at_ms INTEGER,
    used_at_ms INTEGER
  ) STRICT;
  CREATE TABLE access_log (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    address TEXT NOT NULL,
    what TEXT NOT NULL,
    status INTEGER NOT NULL,
    times INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX access_log_kind ON access_log (kind, n);
  `,
  `
  DROP INDEX access_log_kind;
  CREATE INDEX access_log_role ON access_log (kind, role, n);
  `,
];

const SESSIONS_OF_USER_MAX = 20;

const USER = `name, person, role, password, disabled, made_at_ms AS madeAtMs, used_at_ms AS usedAtMs`;
const SESSION = `digest, user, begun_at_ms AS begunAtMs, used_at_ms AS usedAtMs`;
const TOKEN = `name, digest, role, made_by AS madeBy, made_at_ms AS madeAtMs,
  ends_at_ms AS endsAtMs, revoked_at_ms AS revokedAtMs, used_at_ms AS usedAtMs`;

export function openAccess(path: string): AccessStore {
  // Before SQLite opens it: the files beside it (-wal, -shm) take on its mode when they are made.
  if (path !== ":memory:") ownOnly(path);
  const db = openList(path, STEPS);

  const users = db.prepare<[], RawUser>(`SELECT ${USER} FROM user ORDER BY name`);
  const user = db.prepare<[string], RawUser>(`SELECT ${USER} FROM user WHERE name = ?`);
  const addUser = db.prepare(
    `INSERT INTO user (name, person, role, password, disabled, made_at_ms)
     VALUES (@name, @person, @role, @password, @disabled, @madeAtMs) ON CONFLICT (name) DO NOTHING`,
  );
  const changeUser = db.prepare(
    `UPDATE user SET person = @person, role = @role, password = @password, disabled = @disabled
      WHERE name = @name`,
  );
  const session = db.prepare<[string], SessionRow>(
    `SELECT ${SESSION} FROM session WHERE digest = ?`,
  );
  const begin = db.prepare<[string, string, number, number]>(
    "INSERT INTO session (digest, user, begun_at_ms, used_at_ms) VALUES (?, ?, ?, ?)",
  );
  const used = db.prepare<[number, string]>("UPDATE user SET used_at_ms = ? WHERE name = ?");
  const crowd = db.prepare<[string, string, number]>(
    `DELETE FROM session WHERE user = ? AND digest NOT IN
       (SELECT digest FROM session WHERE user = ? ORDER BY begun_at_ms DESC, rowid DESC LIMIT ?)`,
  );
  const useSession = db.prepare<[number, string]>(
    "UPDATE session SET used_at_ms = ? WHERE digest = ?",
  );
  const endSession = db.prepare<[string]>("DELETE FROM session WHERE digest = ?");
  const endSessions = db.prepare<[string, string]>(
    "DELETE FROM session WHERE user = ? AND digest <> ?",
  );
  const forget = db.prepare<[number, number]>(
    "DELETE FROM session WHERE begun_at_ms < ? OR used_at_ms < ?",
  );
  const tokens = db.prepare<[], RawToken>(`SELECT ${TOKEN} FROM token ORDER BY name`);
  const token = db.prepare<[string], RawToken>(`SELECT ${TOKEN} FROM token WHERE digest = ?`);
  const addToken = db.prepare(
    `INSERT INTO token (name, digest, role, made_by, made_at_ms, ends_at_ms)
     VALUES (@name, @digest, @role, @madeBy, @madeAtMs, @endsAtMs) ON CONFLICT DO NOTHING`,
  );
  const useToken = db.prepare<[number, string]>("UPDATE token SET used_at_ms = ? WHERE digest = ?");
  const revoke = db.prepare<[number, string]>(
    "UPDATE token SET revoked_at_ms = ? WHERE name = ? AND revoked_at_ms IS NULL",
  );

  const beginSession = db.transaction(({ digest, user: name, begunAtMs, usedAtMs }: SessionRow) => {
    begin.run(digest, name, begunAtMs, usedAtMs);
    used.run(usedAtMs, name);
    crowd.run(name, name, SESSIONS_OF_USER_MAX);
  });
  const change = db.transaction((name: string, changed: Partial<UserRow>): boolean => {
    const row = user.get(name);
    if (row === undefined) return false;
    const next = { ...asUser(row), ...changed };
    changeUser.run({ ...next, disabled: next.disabled ? 1 : 0 });
    return true;
  });

  return {
    db,
    users: () => users.all().map(asUser),
    user: (name) => maybe(user.get(name), asUser),
    addUser: (row) => addUser.run({ ...row, disabled: row.disabled ? 1 : 0 }).changes > 0,
    changeUser: (name, changed) => change.immediate(name, changed),
    session: (digest) => session.get(digest),
    beginSession: (row) => void beginSession.immediate(row),
    useSession: (digest, atMs) => void useSession.run(atMs, digest),
    endSession: (digest) => void endSession.run(digest),
    endSessions: (name, but = "") => void endSessions.run(name, but),
    forgetSessions: (begunBeforeMs, usedBeforeMs) => void forget.run(begunBeforeMs, usedBeforeMs),
    tokens: () => tokens.all().map(asToken),
    token: (digest) => maybe(token.get(digest), asToken),
    addToken: (row) => addToken.run(row).changes > 0,
    useToken: (digest, atMs) => void useToken.run(atMs, digest),
    revokeToken: (name, atMs) => revoke.run(atMs, name).changes > 0,
    close: () => db.close(),
  };
}

function ownOnly(path: string): void {
  try {
    if (existsSync(path)) chmodSync(path, 0o600);
  } catch (cause) {
    throw new Fault("DATA_UNREADABLE", `${path}: ${(cause as Error).message}`, { cause });
  }
}

type RawUser = Omit<UserRow, "disabled" | "usedAtMs"> & {
  readonly disabled: number;
  readonly usedAtMs: number | null;
};
type RawToken = Omit<TokenRow, "revokedAtMs" | "usedAtMs"> & {
  readonly revokedAtMs: number | null;
  readonly usedAtMs: number | null;
};

function asUser({ disabled, usedAtMs, ...row }: RawUser): UserRow {
  return { ...row, disabled: disabled !== 0, usedAtMs: usedAtMs ?? undefined };
}

function asToken({ revokedAtMs, usedAtMs, ...row }: RawToken): TokenRow {
  return { ...row, revokedAtMs: revokedAtMs ?? undefined, usedAtMs: usedAtMs ?? undefined };
}

function maybe<A, B>(value: A | undefined, as: (value: A) => B): B | undefined {
  return value === undefined ? undefined : as(value);
}
