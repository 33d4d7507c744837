/** A scan's way from the tty to the live stream is one trace at whoever collects them. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Program, startProgram } from "../support/programs.ts";
import { openPty } from "../support/pty.ts";
import { until } from "../support/until.ts";

type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly service: string;
};
type Sent = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { value: { stringValue: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly Omit<Span, "service">[] }[];
  }[];
};

const folder = mkdtempSync(join(tmpdir(), "racktrace-traces-"));
const spans: Span[] = [];
const paths = new Set<string>();
const collector = createServer(async (request, response) => {
  paths.add(`${request.method} ${request.url} ${request.headers["content-type"]}`);
  for (const { resource, scopeSpans } of ((await json(request)) as Sent).resourceSpans)
    for (const span of scopeSpans.flatMap((one) => one.spans))
      spans.push({ ...span, service: resource.attributes[0]?.value.stringValue ?? "" });
  response.end("{}");
});
const programs: Program[] = [];

beforeAll(() => new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve)));
afterAll(async () => {
  for (const program of programs.toReversed()) await program.stop();
  collector.close();
  rmSync(folder, { recursive: true, force: true });
});

test("one trace goes from the gateway's intake by uplink, ingest and reconcile to the live stream", async () => {
  const { port } = collector.address() as { port: number };
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}/` };
  const start = async (name: string, words: readonly string[]) => {
    const data = join(folder, name);
    const program = await startProgram([name, "--data", data, ...words], data, { environment });
    programs.push(program);
    return program;
  };
  const twin = await start("twin", ["--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"]);
  const pty = openPty();
  await start("gateway", [
    ...["--name", "gw-1", "--twin", String(twin.address["broker"]), "--mqtt", "127.0.0.1:0"],
    ...["--http", "127.0.0.1:0", "--scanner", `scn-1=${pty.path}`],
  ]);
  let tries = 0;
  await until(
    "a whole trace has come",
    () => {
      // Until the line is open nobody hears it.
      if (tries++ % 20 === 0)
        void pty.write(`]d22539521234000013N${String(tries).padStart(5, "0")}P01\r`);
      return whole() !== undefined;
    },
    { timeoutMs: 30_000, everyMs: 100 },
  );
  const trace = whole() as readonly Span[];
  expect(trace.map(({ name, service }) => `${service} ${name}`)).toEqual([
    "racktrace-gateway intake",
    "racktrace-gateway uplink",
    "racktrace-twin ingest",
    "racktrace-twin reconcile",
    "racktrace-twin live",
  ]);
  expect(new Set(trace.map(({ traceId }) => traceId)).size).toBe(1);
  expect(trace[0]?.parentSpanId).toBeUndefined();
  for (const { startTimeUnixNano, endTimeUnixNano } of trace)
    expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
  expect([...paths]).toEqual(["POST /v1/traces application/json"]);
}, 180_000);

const STAGES = ["intake", "uplink", "ingest", "reconcile", "live"];

/** From a span of the last stage back to its beginning. What was sent twice has a stage twice, and two ways. */
function whole(): readonly Span[] | undefined {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const ways = spans.filter(({ name }) => name === STAGES.at(-1)).map(way);
  return ways.find(({ length }) => length === STAGES.length);

  function way(span: Span): readonly Span[] {
    const parent = byId.get(span.parentSpanId ?? "");
    return parent === undefined ? [span] : [...way(parent), span];
  }
}
