/**
 * Everybody who may stand at a twin's HTTP door, with and without a right to: each brings what they have
 * as a real caller would. What took time in life (a session that is over) is set back in the file.
 */
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import type { Program } from "./programs.ts";

export const ROLES = ["viewer", "operator", "archivist", "approver", "administrator"] as const;
export type Role = (typeof ROLES)[number];

export type Caller = {
  readonly name: string;
  /** Undefined: whoever it is, the twin is not to recognise them. */
  readonly role: Role | undefined;
  readonly headers: Readonly<Record<string, string>>;
};

export type Principals = {
  readonly callers: readonly Caller[];
  /** Every secret that was made on the way. */
  readonly secrets: readonly string[];
};

const PASSWORD = "correct horse battery staple";

export async function everybodyAt(twin: Program, data: string): Promise<Principals> {
  const url = String(twin.address["http"]);
  const secrets = [twin.token, PASSWORD];

  async function post(path: string, body: object, headers = {}): Promise<Response> {
    return fetch(`${url}/api/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }

  async function administer(path: string, body: object) {
    const answer = await post(path, body, twin.headers);
    const said = (await answer.json()) as Record<string, string>;
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(said)}`);
    return said;
  }

  async function logIn(name: string, password = PASSWORD): Promise<Record<string, string>> {
    const answer = await post("login", { name, password });
    const cookie = (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
    const secret = cookie.split("=", 2)[1];
    if (secret !== undefined) secrets.push(secret);
    // As a browser does it on a page of the twin's own.
    return { cookie, origin: url, "sec-fetch-site": "same-origin" };
  }

  async function user(name: string, role: Role): Promise<Record<string, string>> {
    await administer("users", { name, role, password: PASSWORD });
    return logIn(name);
  }

  async function token(name: string, role: Role): Promise<Record<string, string>> {
    const { token: secret = "" } = await administer("tokens", { name, role });
    secrets.push(secret);
    return { authorization: `Bearer ${secret}` };
  }

  function setBack(sql: string): void {
    const db = new Sqlite(join(data, "access.db"));
    db.exec(sql);
    db.close();
  }

  const callers: Caller[] = [
    { name: "nobody", role: undefined, headers: {} },
    { name: "a made-up token", role: undefined, headers: { authorization: "Bearer rt_madeup" } },
    { name: "Basic", role: undefined, headers: { authorization: "Basic YWRtaW46YWRtaW4=" } },
    { name: "local token", role: "administrator", headers: twin.headers },
  ];
  const add = (name: string, role: Role | undefined, headers: Record<string, string>) =>
    void callers.push({ name, role, headers });

  for (const role of ROLES) add(role, role, await user(`some-${role}`, role));
  add("wrong password", undefined, await logIn("some-administrator", "another password, as long"));

  const idle = await user("idle", "administrator");
  add("idle session", undefined, idle);
  const old = await user("old", "administrator");
  add("expired session", undefined, old);
  const left = await user("left", "administrator");
  await post("logout", {}, left);
  add("session after logout", undefined, left);
  const changed = await user("changed", "administrator");
  await administer("users/passwords", { name: "changed", password: `${PASSWORD} anew` });
  add("session of before the password was changed", undefined, changed);
  const disabled = await user("disabled", "administrator");
  await administer("users/changes", { name: "disabled", disabled: true });
  add("disabled user", undefined, disabled);
  const lowered = await user("lowered", "administrator");
  await administer("users/changes", { name: "lowered", role: "viewer" });
  add("administrator who became a viewer", "viewer", lowered);

  add("viewer token", "viewer", await token("reads", "viewer"));
  add("operator token", "operator", await token("writes", "operator"));
  const revoked = await token("revoked", "administrator");
  await administer("tokens/revocations", { name: "revoked" });
  add("revoked token", undefined, revoked);
  const expired = await token("expired", "administrator");
  setBack("UPDATE token SET ends_at_ms = made_at_ms WHERE name = 'expired'");
  add("expired token", undefined, expired);
  const { cookie = "", ...page } = await user("elsewhere", "administrator");
  const other = cookie.replace("racktrace", "other");
  add("session in the cookie of another program", undefined, { ...page, cookie: other });
  // Last: a login clears away what is over.
  setBack(`
    UPDATE session SET used_at_ms = used_at_ms - 3600000 WHERE user = 'idle';
    UPDATE session SET begun_at_ms = begun_at_ms - 43200000 WHERE user = 'old';
  `);
  return { callers, secrets };
}
