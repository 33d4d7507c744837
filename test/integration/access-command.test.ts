/** The command line as somebody who administers a twin uses it, and as somebody who may not. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { type Program, startProgram } from "../support/programs.ts";

let data: string;
let twin: Program;
let at: readonly string[];

beforeAll(async () => {
  data = mkdtempSync(join(tmpdir(), "racktrace-access-"));
  const anywhere = ["--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  twin = await startProgram(["twin", "--data", data, ...anywhere], data);
  at = ["--twin", String(twin.address["http"])];
}, 90_000);
afterAll(async () => {
  await twin?.stop();
  rmSync(data, { recursive: true, force: true });
});

test("a user is added, changed and disabled by command, and the password that was made logs in", {
  timeout: 120_000,
}, async () => {
  const added = await run(["user", "add", "anna", "--role", "operator", "--json", ...at]);
  const { password } = JSON.parse(added.stdout) as { password: string };
  expect((await logIn("anna", password)).status).toBe(200);
  expect((await run(["user", "change", "anna", "--role", "viewer", ...at])).stdout).toContain(
    "viewer",
  );
  const own = "four words on paper";
  expect((await run(["user", "password", "anna", "--password-stdin", ...at], own)).status).toBe(0);
  expect([(await logIn("anna", password)).status, (await logIn("ANNA ", own)).status]).toEqual([
    401, 200,
  ]);
  expect((await run(["user", "disable", "anna", ...at])).stdout).toContain("disabled");
  expect((await logIn("anna", own)).status).toBe(401);
  expect((await run(["user", "list", ...at])).stdout).toMatch(
    /^admin +administrator.*\nanna +viewer +disabled\n$/,
  );
  const last = await run(["user", "disable", "admin", ...at]);
  expect([last.status, last.stderr]).toEqual([
    1,
    "Nobody else could administer the twin\nMake somebody else an administrator first.\n",
  ]);
});

test("a token is printed once, does what its role may, and nothing after it is revoked", {
  timeout: 120_000,
}, async () => {
  const token = (await run(["token", "add", "erp", "--role", "viewer", ...at])).stdout.trim();
  expect(token).toMatch(/^rt_[\w-]{43}$/);
  const as = ["--token", token];
  const question = ["documents", ...at, ...as];
  expect((await run(question)).stdout).toBe("none\n");
  const event = ["void", "gw-1", "0a", "1", "--reason", "test"];
  const denied = await run([...event, ...at, ...as]);
  expect([denied.status, denied.stderr]).toEqual([
    1,
    "This is for the role archivist and above; erp is viewer.\nAsk an administrator of the twin to do it, or for the role.\n",
  ]);
  const list = await run(["token", "list", ...at]);
  expect(list.stdout).toMatch(/^erp +viewer +until \d{4}-/);
  expect(list.stdout).not.toContain(token);
  await run(["token", "revoke", "erp", ...at]);
  expect((await run(["token", "revoke", "erp", ...at])).stderr).toMatch(
    /^There is no token of this name that could be revoked\n.*racktrace token list\.\n$/,
  );
  const after = await run(question);
  expect([after.status, after.stdout]).toEqual([1, ""]);
  expect(after.stderr).toBe(
    "The token is not known here, is revoked or has expired.\nSet RACKTRACE_TOKEN to a token (racktrace token add, on the twin's machine), or run this as a user who may read the twin's data folder.\n",
  );
  const tail = await run(["tail", ...at, ...as]);
  expect([tail.status, tail.stderr.split(":", 1)[0]]).toEqual([1, "NOT_ALLOWED"]);
});

test("a phone that was lost is found in the list, revoked and allowed again, and what is kept is told", {
  timeout: 120_000,
}, async () => {
  const enrolled = await fetch(`${twin.address["http"]}/api/v1/phones`, {
    method: "POST",
    headers: { ...twin.headers, "content-type": "application/json" },
    body: JSON.stringify({ epoch: "0".repeat(32), key: "k".repeat(43), label: "Anna's" }),
  });
  const { gateway } = (await enrolled.json()) as { gateway: string };
  const list = async () => JSON.parse((await run(["phone", "list", "--json", ...at])).stdout);
  expect(await list()).toMatchObject({ gateway, label: "Anna's", revokedAt: null });
  const revoked = await run(["phone", "revoke", gateway, ...at]);
  expect(revoked.stdout).toMatch(
    new RegExp(`^${gateway}  Anna's  enrolled .* UTC  revoked .* UTC\n$`),
  );
  expect(await list()).toMatchObject({ gateway, revokedAt: expect.stringMatching(/Z$/) });
  const allowed = await run(["phone", "allow", gateway, "--json", ...at]);
  expect(JSON.parse(allowed.stdout)).toMatchObject({ gateway, revokedAt: null });
  const nobody = await run(["phone", "revoke", "phone-0", ...at]);
  expect([nobody.status, nobody.stdout]).toEqual([1, ""]);
  expect(nobody.stderr).toContain("No phone is called phone-0");

  const kept = await run(["register", "retention", ...at]);
  expect(kept.stdout).toMatch(/^\d+ events since .*; none is ever deleted\n0 lost .*\n0 messages/);
  const asJson = JSON.parse((await run(["register", "retention", "--json", ...at])).stdout);
  expect(asJson).toMatchObject({ lost: 0, quarantine: { held: 0, evicted: 0 } });
});

test("the twin's own secrets are its owner's only, and gone or kept as they should be", () => {
  for (const name of ["local-token", "first-login.txt", "access.db", "access.db-wal"])
    expect(statSync(join(data, name)).mode & 0o777, name).toBe(0o600);
});

test("a statement is in the name of who makes it: a clerk's own, an archivist's or a program's as it says", {
  timeout: 60_000,
}, async () => {
  const receipt = async (name: string, role: string, by?: string) => {
    const password = "four words on paper";
    await run(
      ["user", "add", name, "--role", role, "--person", `The ${name}`, "--password-stdin", ...at],
      password,
    );
    const cookie = (await logIn(name, password)).headers.get("set-cookie")?.split(";", 1)[0] ?? "";
    const answer = await fetch(`${twin.address["http"]}/api/v1/receipts`, {
      method: "POST",
      headers: { "content-type": "application/json", cookie, "sec-fetch-site": "same-origin" },
      body: JSON.stringify({ document: "N1", ...(by === undefined ? {} : { by }) }),
    });
    return answer.status;
  };
  expect(await receipt("clerk", "operator")).toBe(201);
  expect(await receipt("other", "operator", "Boris")).toBe(403);
  expect(await receipt("keeper", "archivist", "Boris")).toBe(201);
  const events = await fetch(`${twin.address["http"]}/api/v1/events?after=0`, {
    headers: twin.headers,
  });
  const { events: said } = (await events.json()) as { events: { statement?: { json: string } }[] };
  const names = said.flatMap(({ statement }) =>
    statement === undefined ? [] : [(JSON.parse(statement.json) as { by: string }).by],
  );
  expect(names).toEqual(["The clerk", "Boris"]);
});

function logIn(name: string, password: string): Promise<Response> {
  return fetch(`${twin.address["http"]}/api/v1/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password }),
  });
}
