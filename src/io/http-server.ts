/**
 * The HTTP door: fastify with limits on everything, refusals as application/problem+json, the API's
 * own description at /openapi.json, and the built page for whatever is not the API's.
 *
 * Routes belong to the programs and are registered from outside, each with who may ask it. What fails unforeseen is journalled
 * here once, and the caller hears nothing of its inside.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import swagger from "@fastify/swagger";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from "fastify";
import { Bug } from "../kernel/assert.ts";
import { Fault } from "../kernel/fault.ts";
import { shown } from "../kernel/shown.ts";
import type { Journal } from "../ports.ts";
import { isDiskFull } from "../store/damage.ts";
import {
  boundSockets,
  CONNECTIONS_CHECKED_MS,
  createProxyList,
  SOCKETS_PER_NEIGHBOUR,
} from "./http-callers.ts";

export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export type HttpServer = {
  readonly url: string;
  /** Answers what was asked, ends streams, stops listening. */
  close(): Promise<void>;
};

export type HttpServerDeps = {
  readonly journal: Journal;
  /** `table` holds every route there is once the server listens, its own among them. */
  readonly register: (app: HttpApp, table: readonly RouteRow[]) => void;
  /** Completes the API's own description. */
  readonly describe?: <T extends object>(document: T) => T;
  readonly guard: Guard;
};

export type RouteRow = { readonly method: string; readonly url: string; readonly role: string };

/** Hears of each request before anything of it is read, and of each answer before it leaves. */
export type Guard = {
  /** Throws what is to be answered instead. Asked again when a body has come, which takes as long as its sender likes. */
  admit(request: FastifyRequest): void;
  answered(request: FastifyRequest, reply: FastifyReply): void;
};

export type HttpServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly title: string;
  /** Where the built page is, or would be. */
  readonly pageFolder: string;
  /** Whose X-Forwarded-For is heeded. */
  readonly trustedProxies?: readonly string[];
  readonly socketsPerNeighbour?: number;
  /** Until all headers are here, and until all of a request is. */
  readonly headersMs?: number;
  readonly requestMs?: number;
};

const BODY_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
const CONNECTIONS_MAX = 1_024;
const HEADERS_MS_MAX = 10_000;
/** A table of 8 MiB comes over slow lines, too. */
const REQUEST_MS_MAX = 60_000;
const KEEP_ALIVE_MS = 5_000;
const URL_SHOWN_MAX = 300;
/** Prefixes of what programs ask; everything else is for people. */
const API = /^\/(api|healthz|metrics|openapi)/;

const SECURITY_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/** A worker is under the policy that its own script came with; that of the page compiles nothing. */
const DECODER = /\/assets\/decoder-worker-[\w-]+\.js/;
const DECODER_POLICY = SECURITY_HEADERS["content-security-policy"].replace(
  "script-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
);

export async function openHttpServer(
  { journal, register, guard, describe = (document) => document }: HttpServerDeps,
  options: HttpServerOptions,
): Promise<HttpServer> {
  const { trustedProxies = [], socketsPerNeighbour = SOCKETS_PER_NEIGHBOUR } = options;
  const { headersMs = HEADERS_MS_MAX, requestMs = REQUEST_MS_MAX } = options;
  const isProxy = createProxyList(trustedProxies);
  const app: HttpApp = Fastify({
    ...(trustedProxies.length > 0 && { trustProxy: isProxy }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    http: {
      maxHeaderSize: HEADER_BYTES_MAX,
      // Were this longer than requestTimeout, as it is unless it is said, Node would wait so long for a body, too.
      headersTimeout: headersMs,
      connectionsCheckingInterval: CONNECTIONS_CHECKED_MS,
    },
    // A parameter we do not know is a mistake of the caller's, not something to overlook.
    ajv: { customOptions: { removeAdditional: false, allErrors: true } },
    schemaErrorFormatter: (errors, part) => new Error(errors.map(sentenceOf(part)).join("; ")),
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = CONNECTIONS_MAX;
  boundSockets(app.server, socketsPerNeighbour, isProxy);

  app.decorateRequest("principal", undefined);
  app.decorateRequest("deed", "");
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    // What is answered depends on who asks, and on when.
    if (API.test(request.url)) reply.header("cache-control", "no-store");
    guard.admit(request);
  });
  app.addHook("onSend", async (request, reply) => guard.answered(request, reply));
  app.addHook("preHandler", async (request) => {
    // Whoever has begun to ask may have been thrown out before all of it was here.
    if (request.body !== undefined) guard.admit(request);
    refuseEndless(request.query);
  });
  app.setErrorHandler((error: FastifyError & { problem?: Problem }, request, reply) => {
    if (error.problem !== undefined) return sendProblem(reply, error.problem);
    if (isDiskFull(error)) {
      journal.error("disk-full", { url: shown(request.url, URL_SHOWN_MAX) });
      return sendProblem(reply, FULL);
    }
    const status = error.statusCode ?? 500;
    if (status >= 500)
      journal.error("request-failed", {
        url: shown(request.url, URL_SHOWN_MAX),
        error: error.stack ?? error.message,
      });
    return sendProblem(reply, problemOf(status, error));
  });
  let ofPage = true;
  const table: RouteRow[] = [];
  app.addHook("onRoute", (route) => {
    // The page's files hold no data, and whoever is to log in needs them.
    if (ofPage) route.config = { ...route.config, role: "public" };
    if (route.config?.role === undefined)
      throw new Bug(`${route.method} ${route.url} does not say who may ask it (config.role)`);
    for (const method of [route.method].flat())
      table.push({ method, url: route.url, role: route.config.role });
  });
  await app.register(swagger, {
    transformObject: (document) =>
      "openapiObject" in document ? describe(document.openapiObject) : document.swaggerObject,
    openapi: { openapi: "3.1.0", info: { title: options.title, version: "1" } },
  });
  await servePage(app, options.pageFolder);
  app.after(() => {
    ofPage = false;
    const description = { schema: { hide: true }, config: { role: "viewer" } } as const;
    app.get("/openapi.json", description, () => app.swagger());
    register(app, table);
  });

  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (error) {
    await app.close();
    const detail = `${options.host}:${options.port} for HTTP: ${(error as Error).message}`;
    throw new Fault("PORT_TAKEN", detail, { cause: error });
  }
  const { port } = app.server.address() as { port: number };
  return { url: `http://${options.host}:${port}`, close: () => app.close() };
}

async function servePage(app: HttpApp, folder: string): Promise<void> {
  const built = existsSync(join(folder, "index.html"));
  if (built)
    await app.register(fastifyStatic, {
      root: folder,
      index: "index.html",
      setHeaders(reply, path) {
        // Vite names assets after their content; what names them must be asked for again.
        const forEver = path.includes("/assets/");
        reply.header("cache-control", forEver ? "public, max-age=31536000, immutable" : "no-cache");
        if (DECODER.test(path)) reply.header("content-security-policy", DECODER_POLICY);
      },
      cacheControl: false,
      // The build leaves each file in compressed form beside itself.
      preCompressed: true,
    });
  app.setNotFoundHandler((request, reply) => {
    if (request.method !== "GET" || API.test(request.url)) return sendProblem(reply, NOT_FOUND);
    // The page has addresses of its own; it reads them itself.
    if (built) return reply.sendFile("index.html");
    return reply.code(404).type("text/plain; charset=utf-8").send(NOT_BUILT);
  });
}

/** What does not fit, with the name that the caller wrote. */
function sentenceOf(part: string) {
  type Misfit = NonNullable<FastifyError["validation"]>[number];
  return ({ instancePath, message, params }: Misfit): string => {
    const name = instancePath.slice(1).replaceAll("/", ".");
    const extra = params["additionalProperty"];
    if (extra !== undefined) return `"${extra}" is not a parameter here`;
    const missing = params["missingProperty"];
    if (missing !== undefined) return `"${missing}" is missing`;
    return `${name === "" ? part : `"${name}"`} ${message}`;
  };
}

const NOT_BUILT =
  "The page is not built yet. Run `npx vite build src/web` and load this again; the API works without it.\n";

/** A route refuses by throwing an error that carries one of these as `problem`. */
type Problem = {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** What the caller can do. */
  readonly next: string;
};

const NOT_FOUND: Problem = {
  status: 404,
  title: "No such address",
  detail: "Nothing is served at this address.",
  next: "GET /openapi.json lists what is.",
};

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .type("application/problem+json")
    .send(JSON.stringify({ type: "about:blank", ...problem }));
}

/** Ajv makes Infinity of "1e309", and holds no limit against what is not finite. */
function refuseEndless(query: unknown): void {
  const found = Object.entries(query ?? {}).find(([, value]) => Math.abs(value) === Infinity);
  if (found === undefined) return;
  const error = new Error(`querystring ${found[0]} must be a finite number`);
  throw Object.assign(error, { statusCode: 400 });
}

/** What was asked may have been done: it is what is to be known of it that found no room. */
const FULL: Problem = {
  status: 503,
  title: "No room on the disk",
  detail: "The disk that the program keeps its data on is full.",
  next: "Make room there, see what was done of it, and ask again.",
};

function problemOf(status: number, error: FastifyError): Problem {
  if (error.validation !== undefined)
    return {
      status: 400,
      title: "The question is not complete or not clear",
      detail: error.message,
      next: "GET /openapi.json describes each question.",
    };
  if (status < 500)
    return {
      status,
      title: "The request was refused",
      detail: error.message,
      next: "GET /openapi.json describes what is accepted.",
    };
  return {
    status,
    title: "The twin failed to answer",
    detail: "Something went wrong inside; the twin's log says what.",
    next: "Ask again; if it stays, send the log lines named request-failed with a report.",
  };
}
