/** What /openapi.json shows of each route is what a twin with a small warehouse answers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLES } from "../../src/twin/openapi.ts";
import { type OpenApi, type Operation, operationsOf, publishedApi } from "../support/api-client.ts";
import {
  type Asking,
  askAs,
  type ExampleTwin,
  openExampleTwin,
  unlike,
} from "../support/api-examples.ts";

const document: OpenApi = await publishedApi();
const operations = operationsOf(document);
const folder = mkdtempSync(join(tmpdir(), "racktrace-examples-"));
let twin: ExampleTwin;

beforeAll(async () => {
  twin = await openExampleTwin(folder);
}, 60_000);
afterAll(async () => {
  await twin?.close();
  rmSync(folder, { recursive: true, force: true });
});

test("the API is described as OpenAPI 3.1, each route with a summary and a tag", () => {
  expect(document.openapi).toMatch(/^3\.1\./);
  const bare = operations.filter(
    ({ operation: { summary, tags } }) => !summary || (tags ?? []).length === 0,
  );
  expect(bare.map(({ name }) => name)).toEqual([]);
});

test("each route has an example of a question and of its answer", () => {
  const bare = operations.filter(({ operation }) => answerOf(operation) === undefined);
  expect(bare.map(({ name }) => name)).toEqual([]);
  const names = new Set(operations.map(({ name }) => name));
  expect(Object.keys(EXAMPLES).filter((name) => !names.has(name))).toEqual([]);
});

describe("asked as its example says, the twin answers as the example says", () => {
  // In the order in which they build on one another.
  const order = Object.keys(EXAMPLES);
  const inOrder = operations
    .filter(({ operation }) => answerOf(operation) !== undefined)
    .toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  for (const { name, method, path, operation } of inOrder)
    test(name, async () => {
      const shown = answerOf(operation);
      const given = await askAs(twin, askingOf(method, path, operation));
      expect(String(given.status)).toMatch(new RegExp(`^${shown?.status.replaceAll("X", "\\d")}$`));
      expect(given.type).toBe(shown?.type);
      if (typeof shown?.value === "string") {
        expect(firstWords(given.answer)).toEqual(firstWords(shown.value));
        return;
      }
      expect(unlike(shown?.value, given.answer, EXAMPLES[name]?.beginning)).toEqual([]);
      const schema = operation.responses[shown?.status ?? ""]?.content?.[given.type]?.schema;
      const ajv = new Ajv({ strict: false, formats: { "date-time": true } });
      const fits = ajv.compile(schema ?? false);
      expect({ fits: fits(given.answer), errors: fits.errors }).toEqual({
        fits: true,
        errors: null,
      });
    });
});

describe("sent again with its key, a statement is recorded once", () => {
  const statements = operations.filter(({ operation: { parameters = [] } }) =>
    parameters.some(({ name }) => name === "idempotency-key"),
  );
  for (const { name, method, path, operation } of statements)
    test(name, async () => {
      const headers = { "idempotency-key": `twice ${name}` };
      const asking = { ...askingOf(method, path, operation), headers };
      const [first, second] = [await askAs(twin, asking), await askAs(twin, asking)];
      expect([first.status, second.status]).toEqual([201, 200]);
      expect(second.answer).toEqual({ ...(first.answer as object), repeated: true });
    });
});

test("each route that takes a statement knows it again by its key", () => {
  const without = operations.filter(
    ({ name, operation: { requestBody, parameters = [], tags = [] } }) =>
      requestBody !== undefined &&
      // Who may ask is no statement of the evidence.
      !tags.includes("access") &&
      !OWN_KEYS.has(name) &&
      // Who may log in is no statement of the evidence; asked again it is as it was asked.
      !tags.includes("access") &&
      !DRAWING.has(name) &&
      !parameters.some((one) => one.name === "idempotency-key"),
  );
  expect(without.map(({ name }) => name)).toEqual([]);
});

test("what is asked in a way that no route knows is refused as a problem that says what to do", async () => {
  for (const { method, path } of operations.filter((one) => one.path.startsWith("/api/"))) {
    const query = { "no-such-parameter": 1 };
    const asking = { method, path, query, ...(method === "GET" ? {} : { body: { wrong: true } }) };
    const { status, type, answer } = await askAs(twin, asking);
    // What takes no parameters has nothing to refuse.
    if (status < 400) continue;
    expect({ path, type }).toEqual({ path, type: "application/problem+json" });
    expect(answer).toMatchObject({ status, title: expect.any(String), next: expect.any(String) });
  }
});

/** Made to be sent again: what they take names itself. */
const OWN_KEYS = new Set([
  ...["POST /api/v1/phones", "POST /api/v1/phones/scans", "POST /api/v1/phones/changes"],
  ...["POST /api/v1/backlogs/greetings", "POST /api/v1/backlogs/batches"],
  // Records only what is news.
  "POST /api/v1/register/table",
]);

/** Questions that are too long for an address: they change nothing. */
const DRAWING = new Set(["POST /api/v1/labels/sheets", "POST /api/v1/labels/previews"]);

function askingOf(method: string, path: string, operation: Operation): Asking {
  const said = (where: string) =>
    Object.fromEntries(
      (operation.parameters ?? [])
        .filter((one) => one.in === where && one.example !== undefined)
        .map(({ name, example }) => [name, example]),
    );
  const within = said("path");
  const body = operation.requestBody?.content["application/json"]?.examples?.["usual"]?.value;
  return {
    method,
    path: path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(within[name])),
    query: said("query"),
    body,
  };
}

function answerOf({ responses }: Operation) {
  for (const [status, { content = {} }] of Object.entries(responses))
    for (const [type, { examples }] of Object.entries(content)) {
      const value = examples?.["usual"]?.value;
      if (value !== undefined) return { status, type, value };
    }
  return undefined;
}

/** Text changes with every moment; how it begins does not. */
function firstWords(text: unknown): readonly string[] {
  return String(text)
    .split(/\s+/)
    .slice(0, 3)
    .map((word) => word.replaceAll(/\d+/g, "0"));
}
