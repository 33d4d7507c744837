/**
 * Lets the page open without a network. It keeps the files of one build and nothing else: never an
 * answer of the API, which would pass off what was for what is.
 *
 * The build writes the list of its files into this one. A new build is another service worker; it takes
 * over when no page of the old one is open, so that no page is served from two builds.
 */
type ShellWorker = {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  addEventListener(name: "install" | "activate", listener: (event: Lasting) => void): void;
  addEventListener(name: "fetch", listener: (event: Asked) => void): void;
};
type Lasting = { waitUntil(work: Promise<unknown>): void };
type Asked = { readonly request: Request; respondWith(answer: Promise<Response>): void };

/** Written by the build: its name, and the addresses of its files. */
declare const SHELL: { readonly build: string; readonly files: readonly string[] };

const worker = globalThis as unknown as ShellWorker;
const CACHE = `racktrace ${SHELL.build}`;
const PAGE = "/index.html";
/** A network that does not answer is as good as none to somebody at the shelf. */
const PATIENCE_MS = 3_000;
/** What programs ask: not ours to answer. */
const API = /^\/(api|healthz|metrics|openapi)/;

worker.addEventListener("install", (event) => event.waitUntil(keepShell()));
worker.addEventListener("activate", (event) => event.waitUntil(forgetOthers()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== worker.location.origin || API.test(pathname)) return;
  if (request.mode === "navigate") event.respondWith(newest(request));
  else event.respondWith(kept(request));
});

/** The page of the newest build while the network answers in time, else the one that is kept. */
async function newest(request: Request): Promise<Response> {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (error) {
    const page = await caches.match(PAGE);
    if (page === undefined) throw error;
    return page;
  }
}

async function kept(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? fetch(request);
}

async function keepShell(): Promise<void> {
  const cache = await caches.open(CACHE);
  await cache.addAll(SHELL.files.map((file) => new Request(file, { cache: "no-cache" })));
}

async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("racktrace ") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
}
