/** The gateway's own page: open to this machine, to others by a token only, and to no page elsewhere. */
import { request } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { type GatewayConfig, readGatewayConfig } from "../../src/gateway/config.ts";
import { openStatusServer } from "../../src/io/http-status.ts";

const TOKEN = "a token of enough characters";
const PATHS = ["/", "/status.json", "/metrics", "/healthz", "/nothing"];

test("on this machine nobody is asked", async () => {
  const ask = await open(undefined);
  expect(await Promise.all(PATHS.map((path) => ask(path)))).toMatchObject(
    [200, 200, 200, 200, 404].map((status) => ({ status })),
  );
});

test("with a token every address asks for it, and health says only whether all is well", async () => {
  const ask = await open(TOKEN);
  const basic = (password: string) => `Basic ${Buffer.from(`x:${password}`).toString("base64")}`;
  for (const authorization of ["", "Bearer", "Bearer wrong", basic("wrong"), basic(""), TOKEN])
    for (const path of PATHS) {
      const { status, body } = await ask(path, { authorization });
      if (path === "/healthz") expect([status, body]).toEqual([200, '{"status":"ok"}']);
      else expect([path, authorization, status]).toEqual([path, authorization, 401]);
    }
  for (const authorization of [`Bearer ${TOKEN.replaceAll(" ", "-")}`, basic(TOKEN)])
    expect((await (await open(TOKEN.replaceAll(" ", "-")))("/", { authorization })).status).toBe(
      authorization.startsWith("Bearer") ? 200 : 401,
    );
  expect((await ask("/status.json", { authorization: basic(TOKEN) })).body).toContain("scans");
});

test("a page elsewhere that has its own name point here is not answered", async () => {
  const ask = await open(undefined);
  for (const host of ["evil.example", "evil.example:8781", "localhost.evil.example", "a b"])
    expect((await ask("/status.json", { host })).status, host).toBeGreaterThanOrEqual(400);
  for (const host of ["localhost:1", "127.0.0.1", "[::1]:8781", "192.168.1.5:8781"])
    expect((await ask("/status.json", { host })).status, host).toBe(200);
});

test("beyond this machine a configuration without a token is refused, with what to do", () => {
  const problems = (http: object) => {
    const text = JSON.stringify({ version: 1, gateway: "gw-1", http });
    const read = readGatewayConfig(text);
    return read.ok ? [] : read.problems.map(({ path, what }) => `${path.join(".")}: ${what}`);
  };
  expect(problems({ host: "0.0.0.0" })).toEqual([expect.stringMatching(/http\.host: .*tokenFile/)]);
  expect(problems({ host: "0.0.0.0", tokenFile: "/etc/racktrace/status-token" })).toEqual([]);
  expect(problems({ host: "::1" } satisfies Partial<GatewayConfig["http"]>)).toEqual([]);
});

async function open(token: string | undefined) {
  const server = await openStatusServer(
    {
      health: () => ({ status: "ok", lanes: [] }),
      status: () => ({ scans: [] }),
      page: { html: "<!doctype html>", policy: "default-src 'none'" },
      metrics: { text: async () => "up 1\n", contentType: "text/plain" },
      token,
    },
    { host: "127.0.0.1", port: 0 },
  );
  onTestFinished(() => server.close());
  return (path: string, headers: Readonly<Record<string, string>> = {}) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const asking = request(`${server.url}${path}`, { headers }, (answer) => {
        let body = "";
        answer.on("data", (chunk: Buffer) => {
          body += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
      });
      asking.on("error", reject);
      asking.end();
    });
}
