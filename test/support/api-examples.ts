/**
 * The examples of the API and the twin with a small warehouse that they are about. Asks one of them
 * as it is written in the OpenAPI document, and says whether an answer is like the one shown.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectGateway, event, reading, scan } from "./pretended-gateway.ts";
import { type Program, startProgram } from "./programs.ts";
import { until } from "./until.ts";

export const EXAMPLES_FILE = new URL("../../src/twin/openapi-examples.json", import.meta.url)
  .pathname;

const SITE = "(414)9521234000105";
const SHELF = "(414)9521234001003(254)R1-S1";
const MASTER_DATA = `version: 1
places:
  - { id: "${SITE}", kind: site, name: Moscow DC }
  - { id: "(414)9521234001003(254)ARCH", kind: room, name: Archive, parent: "${SITE}" }
  - { id: "(414)9521234001003(254)R1", kind: rack, name: Rack 1, parent: "(414)9521234001003(254)ARCH" }
  - { id: "${SHELF}", kind: shelf, name: Shelf 1, parent: "(414)9521234001003(254)R1" }
assetTypes:
  - { id: "(8003)09521234005001", kind: folder }
gateways:
  - { id: gw-test, site: "${SITE}", defaultPlace: "(414)9521234001003(254)ARCH" }
scanners:
  - { gateway: gw-test, id: scn-1, step: storing, order: item-first }
ranges:
  - { gateway: gw-test, device: thermo-1, property: temperature, low: 15, high: 25, unit: Cel }
persons:
  - { id: "(8018)952123400000000772", name: Anna }
parties:
  - { id: "(417)9521234000808", name: Vostok Trade, responsible: "(8018)952123400000000772" }
documents:
  - { id: N00001, class: consignment-note, pages: ["(253)9521234000013N00001P01"] }
  - { id: N00003, class: invoice }
documentClasses:
  - { class: invoice, name: Invoice, level: received, from: "2026-01-01" }
`;

/** Nobody listens at the printer's port: an example does not depend on what is there. */
const CONFIG = `version: 1
labels:
  companyPrefix: "9521234"
  pages: { type: "(253)9521234000013" }
  folders: { type: "(8003)09521234005001" }
  printers:
    - { id: desk, name: At the desk, host: 127.0.0.1, port: 1, label: { width: 70, height: 37 } }
`;

/** Filed two days before anything that an example states. */
const FILED_MS = Date.parse("2026-11-18T08:00:00.000Z");
const EPOCH = "5c4a9b0e1f2d3c4b";

export type ExampleTwin = {
  readonly url: string;
  readonly program: Program;
  close(): Promise<void>;
};

/** A page in a folder on a shelf, one scan that nobody understands, and a thermometer. */
export async function openExampleTwin(folder: string): Promise<ExampleTwin> {
  const masterData = join(folder, "master-data.yaml");
  writeFileSync(masterData, MASTER_DATA);
  const anywhere = ["--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  const config = join(folder, "twin.yaml");
  writeFileSync(config, CONFIG);
  const data = ["--data", folder, "--master-data", masterData];
  const words = ["twin", "--config", config, ...data, ...anywhere];
  const program = await startProgram(words, folder);
  const url = String(program.address["http"]);
  const { headers } = program;
  const gateway = await connectGateway(String(program.address["broker"]), "gw-test");
  const codes = ["]d22539521234000013N00001P01", "]d2800309521234005001F0001"];
  const scans = [...codes, "]C14149521234001003254R1-S1", "]C0NO-BARCODE-OF-OURS"];
  const events = scans.map((code, n) => scan(code, { gatewayTimeMs: FILED_MS + n * 2_000 }));
  const outlook = { lastSeq: events.length, clock: "synced" } as const;
  await gateway.send({ epoch: EPOCH, events, outlook });
  const sourceTimeMs = FILED_MS + 10_000;
  await gateway.send({
    epoch: "0a1b2c3d4e5f6071",
    lane: "telemetry",
    events: [
      ...[20.5, 21].map((value, n) => reading(value, { sourceTimeMs: sourceTimeMs + n })),
      event({ kind: "device-state", state: "open", reason: "" }, { gatewayTimeMs: FILED_MS }),
    ],
  });
  await until("all of it is derived", async () => {
    const { reflected, latest } = (await (
      await fetch(`${url}/healthz`, { headers })
    ).json()) as Reflected;
    const { length } = (await (
      await fetch(`${url}/api/v1/series`, { headers })
    ).json()) as readonly unknown[];
    return length > 0 && reflected === latest;
  });
  return {
    url,
    program,
    async close() {
      await gateway.end();
      await program.stop();
    },
  };
}

type Reflected = { readonly reflected: number; readonly latest: number };

export type Asking = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
};

export type Answered = { readonly status: number; readonly type: string; readonly answer: unknown };

export async function askAs(twin: ExampleTwin, asking: Asking): Promise<Answered> {
  const { method, path, query, headers, body } = asking;
  const parameters = Object.entries(query).map(([name, value]): [string, string] => [
    name,
    String(value),
  ]);
  const address = `${twin.url}${path}${parameters.length > 0 ? `?${new URLSearchParams(parameters)}` : ""}`;
  const stop = new AbortController();
  const response = await fetch(address, {
    method,
    headers: {
      ...twin.program.headers,
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    signal: stop.signal,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const type = (response.headers.get("content-type") ?? "").split(";")[0] ?? "";
  if (/json$/.test(type)) return { status: response.status, type, answer: await response.json() };
  const text = type === "text/event-stream" ? await begin(response) : await response.text();
  // What follows in a PDF is not to be read by people.
  const answer = type === "application/pdf" ? text.slice(0, "%PDF-1.3".length) : text;
  stop.abort();
  return { status: response.status, type, answer };
}

/** A stream does not end: its first event is the example. */
async function begin(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (/^event: .*\n[\s\S]*\n\n/m.test(text)) break;
  }
  return text;
}

/**
 * What an example says and an answer does not: empty when they are alike. Moments, numbers and names
 * that a machine made differ from run to run; which there are does not.
 */
export function unlike(
  shown: unknown,
  given: unknown,
  beginning = false,
  at = "",
): readonly string[] {
  if (kindOf(shown) !== kindOf(given)) return [`${at} is ${JSON.stringify(given)}`];
  if (Array.isArray(shown) && Array.isArray(given)) {
    if (beginning ? shown.length > given.length : shown.length !== given.length)
      return [`${at} has ${given.length} parts`];
    return shown.flatMap((one, n) => unlike(one, given[n], beginning, `${at}/${n}`));
  }
  if (kindOf(shown) === "object") {
    const [a, b] = [shown, given] as readonly Readonly<Record<string, unknown>>[];
    const names = new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})]);
    return [...names].flatMap((name) => unlike(a?.[name], b?.[name], beginning, `${at}/${name}`));
  }
  if (typeof shown === "string" && !sameWords(shown, String(given)))
    return [`${at} is ${JSON.stringify(given)}`];
  return typeof shown === "boolean" && shown !== given ? [`${at} is ${given}`] : [];
}

const BEGINNING = 2;

/** Of each list only its first parts. */
export function beginningOf(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.slice(0, BEGINNING).map(beginningOf);
  if (kindOf(answer) !== "object") return answer;
  const parts = Object.entries(answer as object);
  return Object.fromEntries(parts.map(([name, part]) => [name, beginningOf(part)]));
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

/** Word by word the same, but for those that are made anew each time. */
function sameWords(shown: string, given: string): boolean {
  const [a, b] = [shown.split(" "), given.split(" ")];
  return (
    a.length === b.length &&
    a.every((word, n) => word === b[n] || (isMade(word) && isMade(b[n] ?? "")))
  );
}

/** Moments, random names and base64. */
function isMade(text: string): boolean {
  const words = [
    /^\d{4}-\d{2}-\d{2}T/,
    /^(twin\/)?[0-9a-f-]{16,}(\/\d+)?$/,
    /^[A-Za-z0-9+/_-]{40,}={0,2}$/,
  ];
  return words.some((word) => word.test(text));
}
