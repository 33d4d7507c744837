/** Who asks at the HTTP port, and how many sockets they may hold: the real server, and addresses of this machine. */
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createProxyList } from "../../src/io/http-callers.ts";
import { type HttpServerOptions, openHttpServer } from "../../src/io/http-server.ts";
import { openStatusServer } from "../../src/io/http-status.ts";
import { httpProblems } from "../../src/twin/http-config.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/until.ts";

test("X-Forwarded-For is heeded of a proxy that is named, and of nobody else", async () => {
  const open = await openServer({});
  expect(await open.askedBy("127.0.0.1", "10.1.2.3")).toBe("127.0.0.1");
  const proxied = await openServer({ trustedProxies: ["127.0.0.2", "10.9.0.0/16"] });
  expect(await proxied.askedBy("127.0.0.2", "10.1.2.3")).toBe("10.1.2.3");
  expect(await proxied.askedBy("127.0.0.3", "10.1.2.3")).toBe("127.0.0.3");
  // What the asker wrote himself stands further left.
  expect(await proxied.askedBy("127.0.0.2", "127.0.0.1, 10.1.2.3")).toBe("10.1.2.3");
  expect(await proxied.askedBy("127.0.0.2", "192.0.2.7, 10.9.3.4")).toBe("192.0.2.7");
  expect(await proxied.askedBy("127.0.0.2", "unknown, 10.1.2.3")).toBe("10.1.2.3");
  expect(await proxied.askedBy("127.0.0.2", undefined)).toBe("127.0.0.2");
});

test("a proxy is named by its address or its network, in either family", () => {
  const isProxy = createProxyList(["10.0.0.0/24", "2001:db8::/32", "192.0.2.1"]);
  for (const yes of ["10.0.0.9", "::ffff:10.0.0.9", "2001:db8:1::1", "192.0.2.1"])
    expect(isProxy(yes), yes).toBe(true);
  for (const no of ["10.0.1.9", "2001:db9::1", "192.0.2.2", "unknown", ""])
    expect(isProxy(no), no).toBe(false);
  const problems = (...trustedProxies: string[]) =>
    httpProblems({
      host: "127.0.0.1",
      port: 1,
      sessions: { idleMinutes: 1, hours: 1 },
      trustedProxies,
    });
  expect(problems("10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32")).toEqual([]);
  expect(problems("10.0.0", "10.0.0.0/33", "0.0.0.0/0", "::/129")).toHaveLength(4);
});

test("one address holds so many sockets; others come in beside it, and it again when it has let go", async () => {
  const { port } = await openServer({ socketsPerNeighbour: 3, trustedProxies: ["127.0.0.2"] });
  const crowd = Array.from({ length: 8 }, () => hold(port, "127.0.0.9"));
  await until("five are let go", () => crowd.filter(({ closed }) => closed).length === 5);
  const others = ["127.0.0.8", ...Array(6).fill("127.0.0.1"), ...Array(6).fill("127.0.0.2")].map(
    (from) => hold(port, from),
  );
  for (const socket of others) expect(await answered(socket)).toMatch(/^HTTP\/1.1 200/);
  crowd.find(({ closed }) => !closed)?.destroy();
  await until("there is room again", async () => {
    const again = hold(port, "127.0.0.9");
    const said = await answered(again).catch(() => "");
    return said.startsWith("HTTP/1.1 200");
  });
});

test.each([
  ["the twin's", () => openServer({ headersMs: 1_000, requestMs: 2_000 })],
  ["the gateway's", () => openStatus()],
])("a request that does not end is ended at %s door", async (_whose, open) => {
  const { port } = await open();
  const head = "POST /who HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  const halves = ["x-a: ", "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"];
  const slow = halves.map((half) => {
    const socket = hold(port, "127.0.0.1").resume();
    socket.write(head + half);
    return socket;
  });
  await until("both are let go", () => slow.every(({ closed }) => closed), { timeoutMs: 9_000 });
});

async function openStatus() {
  const server = await openStatusServer(
    {
      ...{ health: () => ({}), status: () => ({}), token: undefined },
      page: { html: "", policy: "" },
      metrics: { text: async () => "", contentType: "text/plain" },
    },
    { host: "127.0.0.1", port: 0 },
  );
  onTestFinished(() => server.close());
  return { port: Number(new URL(server.url).port) };
}

async function openServer(more: Partial<HttpServerOptions>) {
  const server = await openHttpServer(
    {
      journal: { note() {}, warn() {}, error() {} },
      guard: { admit() {}, answered() {} },
      register(app) {
        app.get("/who", { config: { role: "public" } }, ({ ip }) => ({ ip }));
      },
    },
    { host: "127.0.0.1", port: 0, title: "callers", pageFolder: temporaryFolder(), ...more },
  );
  onTestFinished(() => server.close());
  const port = Number(new URL(server.url).port);
  return {
    port,
    askedBy(localAddress: string, forwarded: string | undefined): Promise<string> {
      const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
      return new Promise((resolve, reject) => {
        request({ port, host: "127.0.0.1", path: "/who", localAddress, headers }, (response) => {
          response.on("data", (bytes) => resolve(JSON.parse(`${bytes}`).ip));
        })
          .on("error", reject)
          .end();
      });
    },
  };
}

function hold(port: number, localAddress: string): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  onTestFinished(() => void socket.destroy());
  return socket.on("error", () => {});
}

function answered(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket
      .once("data", (bytes) => resolve(`${bytes}`))
      .once("close", () => reject(new Error("let go")));
    socket.write("GET /who HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  });
}
