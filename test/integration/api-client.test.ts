/** The page speaks with the twin in the shapes that the twin publishes. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CLIENT_FILE, clientOf, publishedApi } from "../support/api-client.ts";

test("the page's client is what the twin publishes now; if not, `npm run client` writes it anew", async () => {
  expect(readFileSync(CLIENT_FILE, "utf8")).toBe(clientOf(await publishedApi()));
});

test("a shape that has another meaning under the same name is refused, and so is one that is not read", () => {
  const shape = (schema: object) => ({
    openapi: "3.1.0",
    paths: {
      "/api/v1/a": {
        get: { responses: { "200": { content: { "application/json": { schema } } } } },
      },
    },
  });
  const twice = {
    title: "One",
    type: "object",
    properties: { of: { title: "One", type: "null" } },
  };
  expect(() => clientOf(shape(twice))).toThrow("two shapes are called One");
  expect(() => clientOf(shape({ type: "tuple" }))).toThrow("not read here");
});
