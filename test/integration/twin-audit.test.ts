/** What became of what came in, asked of the real program. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectGateway, type PretendedGateway, scan } from "../support/pretended-gateway.ts";
import { type Program, startProgram } from "../support/programs.ts";
import { until } from "../support/until.ts";

const SITE = "(414)9521234000105";
const ROOM = "(414)9521234001003(254)ARCH";
const PAGE = "]d22539521234000013N00001P01";
const FOLDER = "]d2800309521234005001F0001";
const BOX = "]d2800309521234006008B0001";
const BOX_2 = "]d2800309521234006008B0002";
const MASTER_DATA = `version: 1
places:
  - { id: "${SITE}", kind: site, name: Moscow DC }
  - { id: "${ROOM}", kind: room, name: Archive, parent: "${SITE}" }
assetTypes:
  - { id: "(8003)09521234005001", kind: folder }
  - { id: "(8003)09521234006008", kind: box }
gateways:
  - { id: gw-1, site: "${SITE}", defaultPlace: "${ROOM}" }
scanners:
  - { gateway: gw-1, id: scn-1, step: storing, order: container-first }
`;
const CONFIG = `version: 1
http: { host: 127.0.0.1, port: 0 }
broker: { host: 127.0.0.1, port: 0 }
`;

const data = mkdtempSync(join(tmpdir(), "racktrace-"));
const startMs = Date.now() - 3_600_000;
let gateway: PretendedGateway;
let twin: Program;

beforeAll(async () => {
  const [config, masterData] = [join(data, "twin.yaml"), join(data, "master-data.yaml")];
  writeFileSync(masterData, MASTER_DATA);
  writeFileSync(config, `${CONFIG}data: ${JSON.stringify(data)}\nmasterData: ${masterData}\n`);
  twin = await startProgram(["twin", "--config", config], data);
  gateway = await connectGateway(String(twin.address["broker"]), "gw-1");
});
afterAll(async () => {
  await gateway.end();
  await twin.stop();
  rmSync(data, { recursive: true, force: true });
});

test("each read of a scanner tells what became of it, and each event whether it was refused", async () => {
  const codes = [
    FOLDER,
    PAGE,
    PAGE,
    "]C03318810025",
    PAGE.replace("13N", "14N"),
    BOX,
    BOX_2,
    BOX_2,
    BOX,
  ];
  const times = [0, 1, 1.5, 3, 4, 100, 101, 200, 201];
  const events = codes.map((code, i) =>
    scan(code, { gatewayTimeMs: startMs + (times[i] ?? 0) * 1_000 }),
  );
  await gateway.send({ events });
  let reads: readonly { readonly became: string }[] = [];
  await until("all is derived", async () => {
    ({ reads } = await ask("audit/reads", { gateway: "gw-1" }));
    return reads.length === codes.length;
  });
  expect(reads.map(({ became }) => became)).toEqual(
    "taken taken bounce wrong_class misread taken taken refused refused".split(" "),
  );
  const told = await ask("audit/events", {});
  expect(told.events).toMatchObject([
    { action: "add", seq: 2, refused: null, voided: null },
    { action: "add", seq: 7, refused: null, voided: null },
    {
      action: "add",
      seq: 9,
      refused: { whole: true, things: [{ why: "containment_cycle" }] },
      voided: null,
    },
  ]);
});

test("a person can say that a gateway has told everything up to a moment", async () => {
  const response = await fetch(`${twin.address["http"]}/api/v1/watermarks`, {
    method: "POST",
    headers: {
      ...twin.headers,
      "content-type": "application/json",
      "idempotency-key": "cart-is-back",
    },
    body: JSON.stringify({ gateway: "gw-cart", through: new Date(startMs).toISOString() }),
  });
  expect(response.status).toBe(201);
});

test("a page at a time, whatever its size, gives each list whole and in the same order", async () => {
  for (const n of [1, 2, 3]) {
    const pallet = `(8003)09521234006008B000${n}`;
    const times = { issued: "2026-01-01T00:00:00Z", deadline: "2099-01-01T00:00:00Z" };
    await state("gates", { name: `pallet ${n}`, entity: pallet, target: ROOM, ...times });
    await state("directives", { gateway: "gw-1", device: "scn-1", kind: "beep", what: {} });
  }
  await until("the gates are there", async () => (await ask("gates", {})).gates.length === 3);
  // Two moments of two scanners that are one moment: a page may end between them.
  const atOnce = ["]d22539521234000013N00002P01", "]d22539521234000013N00003P01", PAGE].map(
    (code) => scan(code, { gatewayTimeMs: startMs + 300_000 }),
  );
  await gateway.send({ events: atOnce, firstSeq: 10 });
  await until("all is derived", async () => {
    return (await ask("audit/reads", { gateway: "gw-1" })).reads.length === 12;
  });
  const asKnownAt = new Date().toISOString();
  for (const [path, name, query] of [
    ["audit/reads", "reads", { gateway: "gw-1", asKnownAt }],
    ["audit/events", "events", { asKnownAt }],
    ["gates", "gates", { asKnownAt }],
    ["directives", "directives", {}],
  ] as const) {
    const whole = (await ask(path, query))[name];
    expect(whole.length, path).toBeGreaterThan(2);
    for (const limit of ["1", "2", "5"]) {
      const joined: object[] = [];
      let cursor: string | number | null = null;
      do {
        const at = cursor === null ? {} : { cursor: String(cursor) };
        const page = await ask(path, { ...query, limit, ...at });
        joined.push(...page[name]);
        cursor = page.next;
      } while (cursor !== null);
      expect(joined, `${path} by ${limit}`).toEqual(whole);
    }
  }
}, 60_000);

async function state(path: string, body: object): Promise<void> {
  const response = await fetch(`${twin.address["http"]}/api/v1/${path}`, {
    method: "POST",
    headers: { ...twin.headers, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status, await response.text()).toBe(201);
}

// biome-ignore lint/suspicious/noExplicitAny: what the API answers
async function ask(path: string, query: Record<string, string>): Promise<any> {
  const from = path.startsWith("audit") ? { from: new Date(startMs - 1_000).toISOString() } : {};
  const response = await fetch(
    `${twin.address["http"]}/api/v1/${path}?${new URLSearchParams({ ...from, ...query })}`,
    { headers: twin.headers },
  );
  expect(response.status).toBe(200);
  return response.json();
}
