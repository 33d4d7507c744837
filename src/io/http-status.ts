/**
 * Pages for machines, /healthz and /status.json (JSON) and /metrics (Prometheus text), and one for people
 * beside the box. Nothing is read from a request but its address, and every limit is small.
 *
 * /healthz answers 200 also when it says "degraded": asking again or starting over would not help,
 * and a gateway without its twin does just what it is for.
 */
import { createServer, type ServerResponse } from "node:http";
import { Fault } from "../kernel/fault.ts";

export type StatusDeps = {
  readonly health: () => unknown;
  readonly status: () => unknown;
  /** One file, with everything in it. */
  readonly page: { readonly html: string; readonly policy: string };
  readonly metrics: { text(): Promise<string>; readonly contentType: string };
};

export type StatusServer = { readonly url: string; close(): Promise<void> };

const CONNECTIONS_MAX = 64;
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
      maxHeaderSize: 8 * 1024,
    },
    (request, response) => {
      request.resume();
      void answer(deps, request.method ?? "", request.url ?? "", response);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
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
  method: string,
  url: string,
  response: ServerResponse,
): Promise<void> {
  const path = url.split("?", 1)[0] ?? "";
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
