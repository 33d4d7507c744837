/** A person's session at a running twin, as a browser would hold it after a login. */
export type SessionCookie = { readonly name: string; readonly value: string };

/** `headers` are an administrator's. Undefined: what listens there is no twin. */
export async function sessionAt(
  twin: string,
  headers: Readonly<Record<string, string>>,
  user = "admin",
): Promise<SessionCookie | undefined> {
  const post = (path: string, body: object, more: Readonly<Record<string, string>> = {}) =>
    fetch(new URL(path, twin), {
      method: "POST",
      headers: { "content-type": "application/json", ...more },
      body: JSON.stringify(body),
    });
  const made = await post("/api/v1/login/keys", { name: user }, headers);
  if (!made.ok) return undefined;
  const { key } = (await made.json()) as { key: string };
  const entered = await post("/api/v1/login/key", { key });
  const [, name = "", value = ""] =
    /^([^=]+)=([^;]+);/.exec(entered.headers.get("set-cookie") ?? "") ?? [];
  return { name, value };
}
