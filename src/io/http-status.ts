/**
 * Pages for machines, /healthz and /status.json (JSON) and /metrics (Prometheus text), and one for people
 * beside the box. Nothing is read from a request but its address, and every limit is small.
 *
 * With a token every address asks for it, as Bearer or as the password of Basic, which browsers know;
 * without it /healthz says whether the gateway is well and nothing else. The name in Host must be an
 * address or this machine's, since a page elsewhere can have its own name point here (DNS rebinding).
 *
 * /healthz answers 200 also when it says "degraded": asking again or starting over would not help,
 * and a gateway without its twin does just what it is for.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import { Fault } from "../kernel/fault.ts";
import { boundSockets, CONNECTIONS_CHECKED_MS } from "./http-callers.ts";
import { secrets } from "./secrets.ts";

export type StatusDeps = {
  readonly health: () => unknown;
  readonly status: () => unknown;
  /** One file, with everything in it. */
  readonly page: { readonly html: string; readonly policy: string };
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
  /** Undefined: nobody is asked, on this machine only. */
  readonly token: string | undefined;
};

export type StatusServer = { readonly url: string; close(): Promise<void> };

const CONNECTIONS_MAX = 64;
const SOCKETS_PER_NEIGHBOUR = 24;
const REQUEST_MS_MAX = 5_000;

/** Throws Fault PORT_TAKEN. */
export async function openStatusServer(
  deps: StatusDeps,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<StatusServer> {
  const server = createServer(
    {
      requestTimeout: REQUEST_MS_MAX,
      headersTimeout: REQUEST_MS_MAX,
      keepAliveTimeout: REQUEST_MS_MAX,
      connectionsCheckingInterval: CONNECTIONS_CHECKED_MS,
      maxHeaderSize: 8 * 1024,
    },
    (request, response) => {
      request.resume();
      void answer(deps, request, response);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  boundSockets(server, SOCKETS_PER_NEIGHBOUR, () => false);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new Fault("PORT_TAKEN", `${host}:${port} for HTTP: ${cause.message}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const address = server.address() as { readonly port: number };
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${address.port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  deps: StatusDeps,
  { method = "", url = "", headers }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = url.split("?", 1)[0] ?? "";
  if (!isAddress(headers.host))
    return send(response, 421, PROBLEM, problem(421, "Not a name of this gateway", BY_ADDRESS));
  if (deps.token !== undefined && !brings(headers.authorization, deps.token)) {
    const { status } = deps.health() as { status?: unknown };
    if (path === "/healthz") return send(response, 200, JSON_TYPE, JSON.stringify({ status }));
    response.setHeader("www-authenticate", 'Basic realm="gateway", charset="UTF-8"');
    return send(response, 401, PROBLEM, problem(401, "Who is asking?", WITH_TOKEN));
  }
  const body = BODIES.get(path);
  if (body === undefined)
    return send(response, 404, PROBLEM, problem(404, "No such address", `GET ${KNOWN}`));
  if (method !== "GET" && method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return send(response, 405, PROBLEM, problem(405, "Only to be read", `GET ${path}`));
  }
  response.setHeader("content-security-policy", path === "/" ? deps.page.policy : NOTHING);
  const { type, text } = await body(deps);
  send(response, 200, type, text);
}

function isAddress(host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return hostname === "localhost" || isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
}

function brings(authorization: string | undefined, token: string): boolean {
  const [, scheme = "", given = ""] = /^(\w+) +(\S+)$/.exec(authorization ?? "") ?? [];
  if (scheme.toLowerCase() === "bearer") return secrets.same(given, token);
  if (scheme.toLowerCase() !== "basic") return false;
  const [, ...password] = Buffer.from(given, "base64").toString().split(":");
  return secrets.same(password.join(":"), token);
}

const BY_ADDRESS = "Ask it by its address or as localhost.";
const WITH_TOKEN =
  "Send Authorization: Bearer TOKEN; a browser takes it as the password of any name.";

type Body = (deps: StatusDeps) => Promise<{ readonly type: string; readonly text: string }>;

const json = async (value: unknown) => ({ type: JSON_TYPE, text: `${JSON.stringify(value)}\n` });

const BODIES: ReadonlyMap<string, Body> = new Map(
  Object.entries<Body>({
    "/": async ({ page }) => ({ type: "text/html; charset=utf-8", text: page.html }),
    "/healthz": ({ health }) => json(health()),
    "/status.json": ({ status }) => json(status()),
    "/metrics": async ({ metrics }) => ({ type: metrics.contentType, text: await metrics.text() }),
  }),
);

const KNOWN = [...BODIES.keys()].join(", ");
const NOTHING = "default-src 'none'; frame-ancestors 'none'";
const JSON_TYPE = "application/json; charset=utf-8";
const PROBLEM = "application/problem+json";

function problem(status: number, detail: string, next: string): string {
  return JSON.stringify({ type: "about:blank", status, detail, next });
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
  });
  response.end(body);
}
