/**
 * Requests to the twin made of its own /openapi.json, right, nearly right and hostile: values of the wrong
 * kind and size, JSON nested deep, names that reach for a prototype, bodies that are too long or never come.
 *
 * Always: an answer below 500, or 503; the twin lives, and its memory stays bounded. Refused with a reason.
 *
 * Seen to fail when `io/http-server.ts` does not refuse what is not finite: 500 for limit=1e309.
 */
import { connect } from "node:net";
import type { Prng } from "../../../firmware-sim/prng.ts";
import { type Asked, brokenBy, type Found, type Gate, pause } from "../gate.ts";
import { heapMbOf, keptMb, rssMbOf } from "../memory.ts";
import { openSite } from "../site.ts";

export const gate: Gate = {
  name: "bad-input/http",
  shows: "no request makes the twin fail: no 5xx but 503",
  unit: "requests",
  full: 100_000,
  quick: 800,
  run,
};

const AT_ONCE = 8;
const SLOW_EVERY = 500;
const SLOW_BYTES_MS = 50;
/** Bodies of megabytes come and go between two looks; what stays is the least of a quarter of the time. */
const KEPT_MB_MAX = 32;
const RSS_MB_MAX = 768;
const LOOKS = 400;
/** They answer for as long as somebody listens. */
const ENDLESS = /\/live$/;

type Route = { readonly method: string; readonly path: string; readonly names: readonly string[] };

async function run(asked: Asked): Promise<Found> {
  const { folder, size } = asked;
  const site = await openSite({ folder });
  const chance = asked.chance("requests");
  const broken: string[] = [];
  const statuses = new Map<number, number>();
  try {
    await site.start("twin");
    const routes = await routesOf(site.twinHttp, site.headers());
    const rssMb: number[] = [];
    const heapMb: number[] = [];
    let died = false;
    void site.ended("twin").then(() => {
      died = true;
    });
    let done = 0;
    const worker = async () => {
      while (done < size && !died) {
        done += 1;
        const n = done;
        if (n % SLOW_EVERY === 0) await sendSlowly(site.twinHttp, chance);
        const { told, status } = await request(site.twinHttp, site.headers(), routes, chance);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status >= 500 && status !== 503) broken.push(`${status} for ${told}`);
        if (!died && n % Math.max(50, Math.floor(size / LOOKS)) === 0) {
          rssMb.push(rssMbOf(site.pid("twin")));
          heapMb.push(await heapMbOf(site.twinHttp, site.headers()));
        }
        asked.done(done);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    if (died) broken.push(`the twin died: ${site.log("twin").slice(-600)}`);
    const heldMb = keptMb(heapMb);
    const mostMb = Math.max(...rssMb);
    return {
      figures: [
        { name: "routes of /openapi.json", value: routes.length, unit: "" },
        ...[...statuses].sort().map(([status, value]) => ({
          name: status === 0 ? "cut off without an answer" : `answered ${status}`,
          value,
          unit: "",
        })),
        {
          name: "twin heap, kept from the second quarter to the last",
          value: heldMb,
          unit: "MB",
          goal: `<= ${KEPT_MB_MAX}`,
        },
        { name: "twin RSS, most", value: mostMb, unit: "MB", goal: `<= ${RSS_MB_MAX}` },
      ],
      broken: [
        ...brokenBy("requests that made it fail", broken),
        ...(heldMb > KEPT_MB_MAX ? [`the twin kept ${Math.round(heldMb)} MB more`] : []),
        ...(mostMb > RSS_MB_MAX ? [`the twin took ${Math.round(mostMb)} MB`] : []),
        ...(routes.length < 10 ? [`only ${routes.length} routes were found`] : []),
      ],
    };
  } finally {
    await site.close();
  }
}

type Shape = { readonly name?: string; readonly properties?: Readonly<Record<string, unknown>> };
type OpenApi = {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly parameters?: readonly Shape[];
            readonly requestBody?: { content?: Record<string, { schema?: Shape }> };
          }
        >
      >
    >
  >;
};

async function routesOf(http: string, headers: Readonly<Record<string, string>>) {
  const response = await fetch(`${http}/openapi.json`, { headers });
  const { paths } = (await response.json()) as OpenApi;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(() => !ENDLESS.test(path))
      .map(([method, { parameters = [], requestBody }]): Route => {
        const schema = Object.values(requestBody?.content ?? {})[0]?.schema;
        const names = [
          ...parameters.flatMap(({ name }) => name ?? []),
          ...Object.keys(schema?.properties ?? {}),
        ];
        return { method: method.toUpperCase(), path, names };
      }),
  );
}

const TEXTS: readonly ((chance: Prng) => string)[] = [
  () => "",
  () => "(253)9521234000013N00001P01",
  () => "]d2\u001d",
  () => "2024-06-03T08:00:00.000Z",
  () => "9999-99-99T99:99:99Z",
  () => "-1",
  () => "1e309",
  () => "9007199254740993",
  () => "NaN",
  () => "__proto__",
  () => "constructor.prototype",
  () => "' OR 1=1 --",
  () => "%00%ff",
  () => "../../../etc/passwd",
  () => "\u0000\ud800",
  (chance) => "x".repeat(chance.wholeWithin([1, 20_000])),
  (chance) => String(chance.below(1000)),
];

function value(chance: Prng, depth = 0): unknown {
  switch (chance.below(depth > 3 ? 5 : 8)) {
    case 0:
      return null;
    case 1:
      return chance.chance(0.5);
    case 2:
      return chance.pick([0, -1, 1.5, 1e21, Number.MAX_SAFE_INTEGER, chance.below(100)]);
    case 3:
    case 4:
      return chance.pick(TEXTS)(chance);
    case 5:
      return Array.from({ length: chance.below(4) }, () => value(chance, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: chance.below(4) }, () => [
          chance.pick(["id", "kind", "key", "reason", "constructor", "a"]),
          value(chance, depth + 1),
        ]),
      );
  }
}

function bodyOf({ names }: Route, chance: Prng): string {
  switch (chance.below(10)) {
    case 0:
      return "[".repeat(10_000) + "]".repeat(10_000);
    case 1:
      return `{"a":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`;
    case 2:
      return `{"__proto__":{"admin":true},"constructor":{"prototype":{}}}`;
    case 3:
      return `{"${names[0] ?? "id"}":`;
    case 4:
      return JSON.stringify({ [names[0] ?? "id"]: "x".repeat(2 * 1024 * 1024) });
    default:
      return JSON.stringify(
        Object.fromEntries(
          names.filter(() => chance.chance(0.8)).map((name) => [name, value(chance)]),
        ),
      );
  }
}

async function request(
  http: string,
  headers: Readonly<Record<string, string>>,
  routes: readonly Route[],
  chance: Prng,
): Promise<{ readonly told: string; readonly status: number }> {
  const route = chance.pick(routes);
  const text = () => encodeURIComponent(Buffer.from(chance.pick(TEXTS)(chance)).toString());
  const path = route.path.replaceAll(/\{[^}]+\}/g, text);
  const query = route.names
    .filter(() => chance.chance(0.6))
    .map((name) => `${encodeURIComponent(name)}=${text()}`)
    .join("&");
  const hasBody = !["GET", "HEAD"].includes(route.method);
  const url = `${http}${path}${query === "" ? "" : `?${query}`}`.slice(0, 12_000);
  const body = hasBody ? bodyOf(route, chance) : undefined;
  const told = `${route.method} ${url.slice(0, 160)} ${body?.slice(0, 120) ?? ""}`;
  try {
    const response = await fetch(url, {
      method: route.method,
      signal: AbortSignal.timeout(30_000),
      headers: {
        ...(chance.chance(0.9) ? headers : {}),
        ...(hasBody && {
          "content-type": chance.pick(["application/json", "application/json", "text/plain"]),
        }),
        ...(chance.chance(0.3) && { "idempotency-key": chance.pick(["k", "x".repeat(500)]) }),
      },
      ...(body !== undefined && { body }),
    });
    await response.arrayBuffer();
    return { told, status: response.status };
  } catch {
    // Ended by the twin before it answered, such as a body that is too long.
    return { told, status: 0 };
  }
}

/** A head that never ends, a byte at a time. */
async function sendSlowly(http: string, chance: Prng): Promise<void> {
  const { port } = new URL(http);
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\nX-");
  for (let n = chance.below(10); n > 0; n--) {
    socket.write("a");
    await pause(SLOW_BYTES_MS);
  }
  socket.destroy();
}
