/**
 * Who may ask what at the twin's HTTP door: every route that it serves, every principal, over the wire.
 *
 * The routes are the program's own table, so a new one is asked too; what each is worth is written down
 * here a second time, so a route that nobody has thought about fails, and so does one that has become
 * easier to get at.
 */
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { everybodyAt, type Principals, ROLES } from "../support/principals.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const LEAST: Readonly<Record<string, (typeof ROLES)[number] | "public">> = {
  "GET /*": "public",
  "GET /healthz": "public",
  "POST /api/v1/login": "public",
  "POST /api/v1/login/key": "public",
  "GET /metrics": "viewer",
  "GET /openapi.json": "viewer",
  "GET /api/v1/whoami": "viewer",
  "POST /api/v1/logout": "viewer",
  "POST /api/v1/password": "viewer",
  "GET /api/v1/where": "viewer",
  "GET /api/v1/history": "viewer",
  "GET /api/v1/contents": "viewer",
  "GET /api/v1/search": "viewer",
  "GET /api/v1/sites": "viewer",
  "GET /api/v1/map": "viewer",
  "GET /api/v1/counts": "viewer",
  "GET /api/v1/checkpoints": "viewer",
  "GET /api/v1/discrepancies": "viewer",
  "GET /api/v1/documents": "viewer",
  "GET /api/v1/debts": "viewer",
  "GET /api/v1/gates": "viewer",
  "GET /api/v1/why": "viewer",
  "GET /api/v1/reviews": "viewer",
  "GET /api/v1/series": "viewer",
  "GET /api/v1/series/data": "viewer",
  "GET /api/v1/gateways": "viewer",
  "GET /api/v1/events": "viewer",
  "GET /api/v1/event": "viewer",
  "GET /api/v1/quarantine": "viewer",
  "GET /api/v1/live": "viewer",
  "GET /api/v1/directives": "viewer",
  "GET /api/v1/register": "viewer",
  "GET /api/v1/register/table": "viewer",
  "GET /api/v1/register/classes": "viewer",
  "GET /api/v1/retention": "viewer",
  "GET /api/v1/audit/events": "viewer",
  "GET /api/v1/audit/reads": "viewer",
  "GET /api/v1/labels/choices": "viewer",
  "GET /api/v1/labels/allocations": "viewer",
  "GET /api/v1/labels/prints": "viewer",
  "POST /api/v1/labels/sheets": "viewer",
  "POST /api/v1/labels/previews": "viewer",
  "POST /api/v1/discrepancies/acknowledgements": "operator",
  "POST /api/v1/discrepancies/assignments": "operator",
  "POST /api/v1/labels": "operator",
  "POST /api/v1/labels/prints": "operator",
  "POST /api/v1/checkpoints": "operator",
  "POST /api/v1/receipts": "operator",
  "POST /api/v1/reminders": "operator",
  "GET /api/v1/phones": "operator",
  "POST /api/v1/phones": "operator",
  "POST /api/v1/phones/scans": "operator",
  "POST /api/v1/voids": "archivist",
  "POST /api/v1/discrepancies/resolutions": "archivist",
  "POST /api/v1/registrations": "archivist",
  "POST /api/v1/register/table": "archivist",
  "POST /api/v1/documents": "archivist",
  "POST /api/v1/aliases": "archivist",
  "POST /api/v1/watermarks": "archivist",
  "POST /api/v1/obligations": "archivist",
  "POST /api/v1/corrections": "archivist",
  "POST /api/v1/labels/allocations": "archivist",
  "POST /api/v1/gates": "approver",
  "POST /api/v1/executions": "approver",
  "POST /api/v1/directives": "approver",
  "POST /api/v1/login/keys": "administrator",
  "POST /api/v1/phones/changes": "administrator",
  "POST /api/v1/backlogs/greetings": "administrator",
  "POST /api/v1/backlogs/batches": "administrator",
  "GET /api/v1/users": "administrator",
  "POST /api/v1/users": "administrator",
  "POST /api/v1/users/changes": "administrator",
  "POST /api/v1/users/passwords": "administrator",
  "GET /api/v1/tokens": "administrator",
  "POST /api/v1/tokens": "administrator",
  "POST /api/v1/tokens/revocations": "administrator",
  "GET /api/v1/audit/access": "administrator",
  "GET /api/v1/audit/routes": "administrator",
};

type Route = { readonly method: string; readonly url: string; readonly role: string };

let data: string;
let twin: Program;
let everybody: Principals;

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "racktrace-access-"));
  const anywhere = ["--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  twin = await startProgram(["twin", "--data", data, "--log", "trace", ...anywhere], data);
  everybody = await everybodyAt(twin, data);
}, 120_000);
afterAll(async () => {
  await twin?.stop();
  rmSync(data, { recursive: true, force: true });
});

test("each route of the twin is in the table here, with the role that it declares", async () => {
  const declared = new Map(
    (await routes()).map(({ method, url, role }) => [
      `${method.replace("HEAD", "GET")} ${url}`,
      role,
    ]),
  );
  expect(Object.fromEntries(declared)).toEqual(LEAST);
});

test("whoever asks whatever is let in or not as the table says", { timeout: 240_000 }, async () => {
  const all = await routes();
  // Logging out ends the session that asks: last.
  const order = all.toSorted((a, b) => Number(isLogout(a)) - Number(isLogout(b)));
  let cells = 0;
  const wrong: string[] = [];
  for (const route of order) {
    const least = LEAST[`${route.method.replace("HEAD", "GET")} ${route.url}`];
    await Promise.all(
      everybody.callers.map(async ({ name, role, headers }) => {
        const status = await statusOf(route, headers);
        const expected = expectedOf(least, role);
        cells += 1;
        if (outcomeOf(status) !== expected)
          wrong.push(`${name}: ${route.method} ${route.url} is ${status}, not ${expected}`);
      }),
    );
  }
  const urls = new Set(all.map(({ url }) => url));
  for (const url of urls)
    for (const method of ["POST", "PUT", "PATCH", "DELETE"].filter(
      (verb) => !all.some((one) => one.url === url && one.method === verb),
    ))
      for (const { name, headers } of everybody.callers.filter((one) =>
        ["nobody", "local token"].includes(one.name),
      )) {
        const status = await statusOf({ method, url }, headers);
        cells += 1;
        if (status !== 404) wrong.push(`${name}: ${method} ${url} is ${status}, not 404`);
      }
  process.stderr.write(
    `\naccess matrix: ${everybody.callers.length} principals, ${all.length} routes, ${cells} cells\n`,
  );
  expect(wrong).toEqual([]);
  expect(everybody.callers.length).toBeGreaterThanOrEqual(10);
});

test("a route that is neither served nor known opens nothing", async () => {
  for (const path of ["/api/v1/nothing", "/api/v2/where", "/api/v1/where/", "/api//v1/where"])
    expect(await statusOf({ method: "GET", url: path }, {}), path).toBeGreaterThanOrEqual(400);
});

test("no secret is in a log, a metric, an answer or a file of the twin's but its own", async () => {
  const url = String(twin.address["http"]);
  const made = [
    await make("users", { name: "made", role: "viewer" }, "password"),
    await make("users/passwords", { name: "made" }, "password"),
    await make("login/keys", { name: "made" }, "key"),
    await make("tokens", { name: "canary", role: "viewer" }, "token"),
  ];
  const first = /password: (.*)/.exec(readFileSync(join(data, "first-login.txt"), "utf8"))?.[1];
  const secrets = [...everybody.secrets, ...made, String(first)];
  expect(secrets.every((secret) => secret.length >= 19)).toBe(true);
  // Typed where the name belongs: it must not be written down either.
  await fetch(`${url}/api/v1/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: secrets[1], password: secrets[1] }),
  });

  const told: [string, string][] = [["log", twin.log()]];
  for (const { method, url: path } of await routes()) {
    if (method !== "GET" || path.endsWith("/live")) continue;
    const answer = await fetch(url + path.replace("*", ""), { headers: twin.headers });
    told.push([path, JSON.stringify([...answer.headers]) + (await answer.text())]);
  }
  for (const name of readdirSync(data))
    if (!["local-token", "first-login.txt"].includes(name))
      told.push([name, readFileSync(join(data, name), "latin1")]);
  const leaks = told.flatMap(([where, text]) =>
    secrets.filter((secret) => text.includes(secret)).map((secret) => `${where}: ${secret}`),
  );
  expect(leaks).toEqual([]);
  expect(told.find(([where]) => where === "/api/v1/audit/access")?.[1]).toContain(
    "POST /api/v1/login",
  );
});

test("what a viewer may send as often as they like is counted in the access log, not listed", async () => {
  const bearer = await make("tokens", { name: "busy", role: "viewer" }, "token");
  const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
  const url = `${twin.address["http"]}/api/v1`;
  const asked: readonly [string, object][] = [
    ["logout", {}],
    ["labels/sheets", { commands: [] }],
    ["labels/previews", { commands: [] }],
  ];
  for (const [path, body] of asked)
    for (let n = 0; n < 20; n++)
      await fetch(`${url}/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await fetch(`${url}/audit/access?who=busy`, { headers: twin.headers });
  const { entries } = (await answer.json()) as {
    entries: { what: string; times: number; status: number }[];
  };
  for (const [path] of asked) {
    const rows = entries.filter(({ what }) => what === `POST /api/v1/${path}`);
    expect(rows.length, path).toBeLessThan(15);
    expect(
      rows.reduce((sum, { times }) => sum + times, 0),
      path,
    ).toBe(20);
  }
});

test("a live stream ends when the session that it stands on is revoked, and one of a token likewise", async () => {
  const stream = async (headers: Readonly<Record<string, string>>) => {
    const response = await fetch(`${twin.address["http"]}/api/v1/live`, { headers });
    expect(response.status).toBe(200);
    let over = false;
    void (async () => {
      for await (const _ of response.body ?? []);
    })()
      .catch(() => {})
      .finally(() => {
        over = true;
      });
    return () => over;
  };
  const bearer = await make("tokens", { name: "streams", role: "viewer" }, "token");
  const { cookie } = await enter("watcher");
  const ofToken = await stream({ authorization: `Bearer ${bearer}` });
  const ofSession = await stream({ cookie });
  const ofOther = await stream(twin.headers);
  await make("tokens/revocations", { name: "streams" }, "name");
  await make("users/changes", { name: "watcher", disabled: true }, "name");
  await until("both streams end", () => ofToken() && ofSession());
  expect(ofOther()).toBe(false);
});

test("whoever logs out everywhere leaves no login link behind", async () => {
  const { cookie, origin } = await enter("leaver");
  const key = await make("login/keys", { name: "leaver" }, "key");
  expect((await post("logout", { everywhere: true }, { cookie, origin })).status).toBe(200);
  expect((await post("login/key", { key }, { origin })).status).toBe(401);
});

test("whoever is revoked before their request is whole gets nothing done", async () => {
  const bearer = await make("tokens", { name: "leaves", role: "administrator" }, "token");
  const body = JSON.stringify({ name: "heir", role: "administrator" });
  const asking = request(`${twin.address["http"]}/api/v1/tokens`, {
    method: "POST",
    headers: {
      ...{ authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      ...{ "content-length": body.length, expect: "100-continue" },
    },
  });
  const answered = once(asking, "response");
  asking.flushHeaders();
  // Its headers have been looked at.
  await once(asking, "continue");
  await make("tokens/revocations", { name: "leaves" }, "name");
  asking.end(body);
  const [{ statusCode }] = await answered;
  expect(statusCode).toBe(401);
});

test("a cookie is Secure where the page came by https, whatever name a proxy asks by", async () => {
  const plain = await enter("plain");
  expect(plain).toMatchObject({ cookie: expect.stringContaining("="), isSecure: false });
  const secure = await enter("secure", plain.origin.replace("http:", "https:"));
  expect(secure).toMatchObject({ cookie: expect.stringContaining("="), isSecure: true });
});

test("a browser on another site, another port or another name gets nothing done", async () => {
  const { cookie, origin } = await enter("browser");
  const logout = (headers: Readonly<Record<string, string>>) =>
    statusOf({ method: "POST", url: "/api/v1/password" }, { cookie, ...headers });
  expect(await logout({ origin: "https://evil.example" })).toBe(403);
  expect(await logout({ origin: "http://127.0.0.1:1" })).toBe(403);
  expect(await logout({ origin: "null" })).toBe(403);
  expect(await logout({ origin, "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await logout({ origin, "sec-fetch-site": "same-site" })).toBe(403);
  expect(await logout({})).toBe(403);
  // Let in, and told that its body lacks what it needs.
  expect(await logout({ origin, "sec-fetch-site": "same-origin" })).toBe(400);
  const read = { method: "GET", url: "/api/v1/whoami" };
  expect(await statusOf(read, { cookie, "sec-fetch-site": "same-site" })).toBe(403);
  expect(await statusOf(read, { cookie })).toBe(200);
  // A name that somebody elsewhere lets point at this machine, so that a page of theirs comes from it.
  expect(await loginStatusAs("evil.example")).toBe(421);
  expect(await loginStatusAs("localhost")).toBe(400);
});

function isLogout({ url }: Route): boolean {
  return url === "/api/v1/logout";
}

function expectedOf(least: string | undefined, role: string | undefined): string {
  if (least === "public") return "let in";
  if (role === undefined) return "who?";
  const rank = (one: string | undefined) => ROLES.indexOf(one as (typeof ROLES)[number]);
  return rank(role) >= rank(least) ? "let in" : "not allowed";
}

function outcomeOf(status: number): string {
  if (status === 401) return "who?";
  if (status === 403) return "not allowed";
  return status === 421 || status === 429 || status >= 500 ? "failed" : "let in";
}

async function routes(): Promise<readonly Route[]> {
  const answer = await fetch(`${twin.address["http"]}/api/v1/audit/routes`, {
    headers: twin.headers,
  });
  return ((await answer.json()) as { routes: readonly Route[] }).routes;
}

async function statusOf(
  { method, url }: Omit<Route, "role">,
  headers: Readonly<Record<string, string>>,
): Promise<number> {
  const stop = new AbortController();
  const hasBody = !["GET", "HEAD"].includes(method);
  const response = await fetch(`${twin.address["http"]}${url.replace("*", "")}`, {
    method,
    headers: { ...(hasBody ? { "content-type": "application/json" } : {}), ...headers },
    signal: stop.signal,
    ...(hasBody ? { body: "{}" } : {}),
  });
  if (url.endsWith("/live")) stop.abort();
  else await response.arrayBuffer();
  return response.status;
}

/** What a page gets that the browser found under this name. `fetch` does not say another name than that it asks. */
async function loginStatusAs(name: string): Promise<number | undefined> {
  const url = new URL("/api/v1/login", String(twin.address["http"]));
  const host = `${name}:${url.port}`;
  const headers = { host, origin: `http://${host}`, "content-type": "application/json" };
  const asking = request(url, { method: "POST", headers }).end("{}");
  const [answer] = await once(asking, "response");
  return answer.resume().statusCode;
}

function post(path: string, body: object, headers: Readonly<Record<string, string>>) {
  return fetch(`${twin.address["http"]}/api/v1/${path}`, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function make(path: string, body: object, field: string): Promise<string> {
  const answer = await post(path, body, twin.headers);
  expect(answer.ok, path).toBe(true);
  return ((await answer.json()) as Record<string, string>)[field] ?? "";
}

/** As a browser on the twin's own page. */
async function enter(name: string, origin = String(twin.address["http"])) {
  await make("users", { name, role: "viewer" }, "name");
  const key = await make("login/keys", { name }, "key");
  const answer = await post("login/key", { key }, { origin });
  const [cookie = "", ...more] = (answer.headers.get("set-cookie") ?? "").split("; ");
  return { cookie, origin, isSecure: more.includes("Secure") };
}
