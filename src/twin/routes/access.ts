/**
 * Logging in and out, the twin's users, machines' tokens, and who did what.
 *
 * A secret is in the one answer that makes it, to whoever asked for it, and in no other.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { Clock, Secrets } from "../../ports.ts";
import type { AccessStore, TokenRow, UserRow } from "../../store/access.ts";
import type { AccessLog } from "../../store/access-log.ts";
import { type Access, mintToken } from "../access.ts";
import type { AccessRecord } from "../access-record.ts";
import type { Login, Logins } from "../logins.ts";
import {
  PASSWORD_CHARACTERS_MAX,
  PASSWORD_CHARACTERS_MIN,
  type People,
  type Refused,
} from "../people.ts";
import { type HttpApp, type Principal, Refusal, ROLES, type Role } from "./app.ts";
import { cookieName } from "./guard.ts";
import { Instant, instant, Limit, ListOf, orNull, ProblemShape, wordOf } from "./shapes.ts";

export type AccessRoutesDeps = {
  readonly access: Access;
  readonly logins: Logins;
  readonly people: People;
  readonly store: AccessStore;
  readonly log: AccessLog;
  readonly record: AccessRecord;
  readonly secrets: Secrets;
  readonly clock: Clock;
  /** Every route there is; it fills while they are registered. */
  readonly table: readonly {
    readonly method: string;
    readonly url: string;
    readonly role: string;
  }[];
};

export type AccessRoutesOptions = {
  readonly sessionMs: number;
  readonly origins: readonly string[];
};

const DAY_MS = 86_400_000;
const TOKEN_DAYS = 365;
const TOKEN_DAYS_MAX = 3_650;

export function registerAccessRoutes(
  app: HttpApp,
  deps: AccessRoutesDeps,
  { sessionMs, origins }: AccessRoutesOptions,
): void {
  const { access, logins, people, store, log, record, secrets, clock, table } = deps;

  /** A new session at each login: nobody can have handed the browser one beforehand. */
  function enter(request: FastifyRequest, reply: FastifyReply, login: Login) {
    if (!login.ok) throw refusalOf(login);
    const { name, person, role } = login.user;
    const session = access.begin(name);
    reply.header("set-cookie", cookieOf(request, session, sessionMs, isByHttps(request.headers)));
    request.principal = access.identify({ token: undefined, session });
    request.deed = "";
    return { name, person, role, kind: "user" };
  }

  /** The browser says it; a proxy may say another name than people reach it by. */
  function isByHttps({ origin, host }: FastifyRequest["headers"]): boolean {
    return origin?.startsWith("https://") === true || origins.includes(`https://${host}`);
  }

  app.post(
    "/api/v1/login",
    { schema: loginSchema, config: { role: "public" } },
    async (request, reply) => {
      const { name, password } = request.body;
      const known = name.trim().toLowerCase();
      const isGone = () => request.socket.destroyed;
      const login = await logins.check(known, password, request.ip, isGone);
      // A name that nobody has may be a password in the wrong field.
      if (!login.ok && store.user(known) !== undefined) request.deed = `of ${known}`;
      return enter(request, reply, login);
    },
  );

  app.post(
    "/api/v1/login/key",
    { schema: keySchema, config: { role: "public" } },
    async (request, reply) => enter(request, reply, logins.useKey(request.body.key)),
  );

  app.post(
    "/api/v1/login/keys",
    { schema: keysSchema, config: { role: "administrator" } },
    (request, reply) => {
      const { name } = request.body;
      const minted = logins.mintKey(name, principalOf(request).name);
      if (minted === undefined) throw refusalOfChange({ ok: false, why: "unknown" });
      request.deed = `for ${name}`;
      reply.code(201);
      return { name, key: minted.key, ends: instant(minted.endsAtMs) };
    },
  );

  app.post(
    "/api/v1/logout",
    { schema: logoutSchema, config: { role: "viewer", frequent: true } },
    (request, reply) => {
      const principal = principalOf(request);
      if (request.body.everywhere === true && principal.kind === "user") {
        store.endSessions(principal.name);
        logins.forgetKeys(principal.name);
      }
      access.end(principal);
      reply.header("set-cookie", cookieOf(request, "", 0, false));
      return { loggedOut: true };
    },
  );

  app.get("/api/v1/whoami", { schema: whoamiSchema, config: { role: "viewer" } }, (request) => {
    const { name, person, role, kind } = principalOf(request);
    return { name, person, role, kind };
  });

  app.post(
    "/api/v1/password",
    { schema: passwordSchema, config: { role: "viewer" } },
    async (request) => {
      const principal = principalOf(request);
      const { name, kind, digest } = principal;
      if (kind !== "user") throw noPassword();
      const { current, password } = request.body;
      const login = await logins.check(name, current, request.ip);
      if (!login.ok) throw login.why === "wrong" ? wrongPassword() : refusalOf(login);
      const set = await people.setPassword(name, password, principal, digest);
      if (!set.ok) throw refusalOfChange(set);
      return { name };
    },
  );

  app.get("/api/v1/users", { schema: usersSchema, config: { role: "administrator" } }, () => ({
    users: people.all().map(shownUser),
  }));

  app.post(
    "/api/v1/users",
    { schema: addUserSchema, config: { role: "administrator" } },
    async (request, reply) => {
      const { name, person = name, role, password } = request.body;
      const added = await people.add({ name, person, role, password }, principalOf(request));
      if (!added.ok) throw refusalOfChange(added);
      request.deed = `${name}, ${role}`;
      reply.code(201);
      return { ...shownUser(added.user), password: added.made ?? null };
    },
  );

  app.post(
    "/api/v1/users/changes",
    { schema: changeUserSchema, config: { role: "administrator" } },
    (request) => {
      const { name, ...change } = request.body;
      const changed = people.change(name, change);
      if (!changed.ok) throw refusalOfChange(changed);
      request.deed = `${name} ${JSON.stringify(change)}`;
      return shownUser(changed.user);
    },
  );

  app.post(
    "/api/v1/users/passwords",
    { schema: setPasswordSchema, config: { role: "administrator" } },
    async (request) => {
      const { name, password } = request.body;
      const set = await people.setPassword(name, password, principalOf(request));
      if (!set.ok) throw refusalOfChange(set);
      request.deed = `of ${name}`;
      return { ...shownUser(set.user), password: set.made ?? null };
    },
  );

  app.get("/api/v1/tokens", { schema: tokensSchema, config: { role: "administrator" } }, () => ({
    tokens: store.tokens().map((token) => shownToken(token, clock.nowMs())),
  }));

  app.post(
    "/api/v1/tokens",
    { schema: addTokenSchema, config: { role: "administrator" } },
    (request, reply) => {
      const { name, role, days = TOKEN_DAYS } = request.body;
      const token = mintToken(secrets);
      const madeAtMs = clock.nowMs();
      const row = {
        ...{ name, role, digest: secrets.digest(token), madeBy: principalOf(request).name },
        ...{ madeAtMs, endsAtMs: madeAtMs + days * DAY_MS },
      };
      if (!store.addToken(row)) throw refusalOfChange({ ok: false, why: "taken" });
      request.deed = `${name}, ${role}`;
      reply.code(201);
      const none = { revokedAtMs: undefined, usedAtMs: undefined };
      return { ...shownToken({ ...row, ...none }, madeAtMs), token };
    },
  );

  app.post(
    "/api/v1/tokens/revocations",
    { schema: revokeSchema, config: { role: "administrator" } },
    (request) => {
      const { name } = request.body;
      if (!store.revokeToken(name, clock.nowMs()))
        throw problem(
          404,
          "There is no token of this name that could be revoked",
          "See what there is, and what is revoked already: racktrace token list.",
        );
      access.changed();
      logins.forgetKeys(name);
      request.deed = name;
      return { name, revoked: true };
    },
  );

  app.get(
    "/api/v1/audit/routes",
    { schema: tableSchema, config: { role: "administrator" } },
    () => ({
      routes: [...table],
    }),
  );

  app.get(
    "/api/v1/audit/access",
    { schema: logSchema, config: { role: "administrator" } },
    (request) => {
      const { limit, before, who } = request.query;
      record.write();
      const rows = log.list(limit, before, who);
      const next = rows.length < limit ? null : (rows.at(-1)?.n ?? null);
      return {
        entries: rows.map(({ atMs, ...row }) => ({ ...row, time: instant(atMs) })),
        next,
      };
    },
  );
}

/** The guard lets nobody through to a guarded route without one. */
function principalOf({ principal }: FastifyRequest): Principal {
  if (principal === undefined) throw refusalOf({ ok: false, why: "wrong" });
  return principal;
}

function cookieOf(
  request: FastifyRequest,
  session: string,
  sessionMs: number,
  isSecure: boolean,
): string {
  const age = Math.floor(sessionMs / 1000);
  const secure = isSecure ? "; Secure" : "";
  return `${cookieName(request)}=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${secure}`;
}

function shownUser({ name, person, role, disabled, madeAtMs, usedAtMs }: UserRow) {
  const lastLogin = usedAtMs === undefined ? null : instant(usedAtMs);
  return { name, person, role, disabled, made: instant(madeAtMs), lastLogin };
}

function shownToken(token: TokenRow, nowMs: number) {
  const { name, role, madeBy, madeAtMs, endsAtMs, revokedAtMs, usedAtMs } = token;
  return {
    ...{ name, role, madeBy, made: instant(madeAtMs), ends: instant(endsAtMs) },
    state: revokedAtMs !== undefined ? "revoked" : endsAtMs <= nowMs ? "expired" : "valid",
    lastUsed: usedAtMs === undefined ? null : instant(usedAtMs),
  };
}

function refusalOf(login: Exclude<Login, { readonly ok: true }>): Refusal {
  switch (login.why) {
    case "wrong":
      return new Refusal({
        status: 401,
        title: "Not logged in",
        detail: "There is no such user with such a password.",
        next: "Check both. An administrator, or racktrace user password on the twin's machine, sets a new one.",
      });
    case "wait":
      return new Refusal({
        status: 429,
        title: "Too many tries",
        detail: `Tried too often; the next try is in ${Math.ceil(login.waitMs / 1000)} s.`,
        next: "Wait, and try again. On the twin's machine, racktrace user link lets somebody in at once.",
      });
    case "busy":
      return new Refusal({
        status: 503,
        title: "Too many log in at once",
        detail: "More passwords wait to be checked than this machine checks at a time.",
        next: "Try again in a few seconds.",
      });
  }
}

function refusalOfChange({ why }: Refused): Refusal {
  switch (why) {
    case "taken":
      return problem(409, "This name is taken", "Choose another name.");
    case "unknown":
      return problem(
        404,
        "There is nobody of this name",
        "See what there is: racktrace user list.",
      );
    case "ended":
      return problem(401, "The session has ended", "Log in again.");
    case "last_administrator":
      return problem(
        409,
        "Nobody else could administer the twin",
        "Make somebody else an administrator first.",
      );
    case "weak":
      return problem(
        400,
        "This password is easily guessed",
        `Take ${PASSWORD_CHARACTERS_MIN} characters or more, of different kinds or several words.`,
      );
  }
}

function wrongPassword(): Refusal {
  return problem(
    403,
    "The current password is another one",
    "Type the password you logged in with.",
  );
}

function noPassword(): Refusal {
  return problem(409, "A token has no password", "Log in as a user.");
}

function problem(status: number, detail: string, next: string): Refusal {
  return new Refusal({ status, title: "Not changed", detail, next });
}

const tags = ["access"];
const body = <T extends Record<string, ReturnType<typeof Type.String>>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
/** As it is typed, in any case. */
const TypedName = Type.String({ minLength: 1, maxLength: 256 });
const UserName = Type.String({
  pattern: "^[a-z0-9][a-z0-9._@-]{0,63}$",
  description: "What they log in with",
});
const TokenName = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$" });
const Person = Type.String({
  minLength: 1,
  maxLength: 256,
  description: "As statements name them",
});
const Password = Type.String({ minLength: 1, maxLength: PASSWORD_CHARACTERS_MAX });
const AskedRole = Type.Unsafe<Role>({ type: "string", enum: [...ROLES] });
const refusals = { "4xx": ProblemShape, "5xx": ProblemShape };

const Whoami = Type.Object({
  name: Type.String(),
  person: Person,
  role: wordOf("Role", ROLES),
  kind: wordOf("PrincipalKind", ["user", "token", "local"]),
});

const loginSchema = {
  tags,
  summary: "Log in: the answer sets the cookie of a session",
  body: body({ name: TypedName, password: Password }),
  response: { 200: Whoami, ...refusals },
};

const keySchema = {
  tags,
  summary: "Log in by a link that works once",
  body: body({ key: Type.String({ minLength: 1, maxLength: 128 }) }),
  response: { 200: Whoami, ...refusals },
};

const keysSchema = {
  tags,
  summary: "A key for a link that logs a user in, once: /login#KEY",
  body: body({ name: UserName }),
  response: {
    201: Type.Object({ name: Type.String(), key: Type.String(), ends: Instant }),
    ...refusals,
  },
};

const logoutSchema = {
  tags,
  summary: "End the session that asks, or all of its user",
  body: Type.Object({ everywhere: Type.Optional(Type.Boolean()) }, { additionalProperties: false }),
  response: { 200: Type.Object({ loggedOut: Type.Boolean() }), ...refusals },
};

const whoamiSchema = {
  tags,
  summary: "Who the twin takes the caller for",
  response: { 200: Whoami, ...refusals },
};

const passwordSchema = {
  tags,
  summary: "Change one's own password; other sessions end",
  body: body({ current: Password, password: Password }),
  response: { 200: Type.Object({ name: Type.String() }), ...refusals },
};

const User = Type.Object({
  name: Type.String(),
  person: Type.String(),
  role: wordOf("Role", ROLES),
  disabled: Type.Boolean(),
  made: Instant,
  lastLogin: orNull(Instant),
});
const UserWithPassword = Type.Object({
  ...User.properties,
  password: orNull(Type.String({ description: "Made here, and told this once; null: yours" })),
});

const usersSchema = {
  tags,
  summary: "The users of the twin",
  response: { 200: Type.Object({ users: ListOf(User) }), ...refusals },
};

const addUserSchema = {
  tags,
  summary: "A new user; without a password one is made and told once",
  body: Type.Object(
    {
      name: UserName,
      person: Type.Optional(Person),
      role: AskedRole,
      password: Type.Optional(Password),
    },
    { additionalProperties: false },
  ),
  response: { 201: UserWithPassword, ...refusals },
};

const changeUserSchema = {
  tags,
  summary: "What a user may, is called, or whether they may log in at all",
  body: Type.Object(
    {
      name: UserName,
      person: Type.Optional(Person),
      role: Type.Optional(AskedRole),
      disabled: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
  response: { 200: User, ...refusals },
};

const setPasswordSchema = {
  tags,
  summary: "A new password for a user, whose sessions end; without one it is made and told once",
  body: Type.Object(
    { name: UserName, password: Type.Optional(Password) },
    { additionalProperties: false },
  ),
  response: { 200: UserWithPassword, ...refusals },
};

const Token = Type.Object({
  name: Type.String(),
  role: wordOf("Role", ROLES),
  state: wordOf("TokenState", ["valid", "expired", "revoked"]),
  madeBy: Type.String(),
  made: Instant,
  ends: Instant,
  lastUsed: orNull(Instant),
});

const tokensSchema = {
  tags,
  summary: "Tokens of machines, revoked and expired ones among them",
  response: { 200: Type.Object({ tokens: ListOf(Token) }), ...refusals },
};

const addTokenSchema = {
  tags,
  summary: "A token for a machine; it is told this once",
  body: Type.Object(
    {
      name: TokenName,
      role: AskedRole,
      days: Type.Optional(
        Type.Integer({ minimum: 1, maximum: TOKEN_DAYS_MAX, default: TOKEN_DAYS }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    201: Type.Object({ ...Token.properties, token: Type.String() }),
    ...refusals,
  },
};

const revokeSchema = {
  tags,
  summary: "A token is good for nothing from now on; streams that rest on it end",
  body: body({ name: TokenName }),
  response: { 200: Type.Object({ name: Type.String(), revoked: Type.Boolean() }), ...refusals },
};

const tableSchema = {
  tags,
  summary: "Every address that is served here, and the least role that may ask it",
  response: {
    200: Type.Object({
      routes: ListOf(
        Type.Object({ method: Type.String(), url: Type.String(), role: Type.String() }),
      ),
    }),
    ...refusals,
  },
};

const logSchema = {
  tags,
  summary: "Who logged in, wrote and was refused, the newest first",
  querystring: Type.Object(
    {
      limit: Limit(100, 1_000),
      before: Type.Optional(Type.Integer({ minimum: 1, description: "What the page before gave" })),
      who: Type.Optional(Type.String({ maxLength: 64 })),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      entries: ListOf(
        Type.Object({
          n: Type.Integer(),
          time: Instant,
          kind: wordOf("AccessKind", ["done", "refused"]),
          who: Type.String({ description: "Empty when nobody was recognised" }),
          role: Type.String(),
          address: Type.String(),
          what: Type.String(),
          status: Type.Integer(),
          times: Type.Integer(),
        }),
      ),
      next: orNull(Type.Integer()),
    }),
    ...refusals,
  },
};
