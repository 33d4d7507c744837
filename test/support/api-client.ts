/**
 * The page's client of the API as TypeScript, from the OpenAPI document of a running twin: for each
 * route what is asked, said and answered. A schema with a title becomes a type of that name.
 *
 * openapi-typescript needs the compiler's own API, which TypeScript 7 does not have; what the twin
 * publishes is a small part of JSON Schema, and what is not read here fails loudly.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProgram } from "./programs.ts";

export const CLIENT_FILE = new URL("../../src/web/twin-api.ts", import.meta.url).pathname;

export type Schema = {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly example?: unknown;
};

type Media = Readonly<
  Record<
    string,
    {
      readonly schema?: Schema;
      readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
    }
  >
>;

export type Operation = {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: "query" | "header" | "path" | "cookie";
    readonly required?: boolean;
    readonly schema: Schema;
    readonly example?: unknown;
  }[];
  readonly requestBody?: { readonly content: Media };
  readonly responses: Readonly<Record<string, { readonly content?: Media }>>;
};

export type OpenApi = {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

/** What a twin publishes that knows nothing yet. */
export async function publishedApi(): Promise<OpenApi> {
  const folder = mkdtempSync(join(tmpdir(), "racktrace-api-"));
  const anywhere = ["--http", "127.0.0.1:0", "--broker", "127.0.0.1:0"];
  const twin = await startProgram(["twin", "--data", folder, ...anywhere], folder);
  try {
    return (await (
      await fetch(`${twin.address["http"]}/openapi.json`, { headers: twin.headers })
    ).json()) as OpenApi;
  } finally {
    await twin.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export function operationsOf({ paths }: OpenApi) {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      method: method.toUpperCase(),
      operation,
    })),
  );
}

/** As it stands in the file, formatted. */
export function clientOf(document: OpenApi): string {
  const named = new Map<string, string>();
  const routes = operationsOf(document)
    .filter(({ path }) => path.startsWith(ROOT))
    .map(({ method, path, operation }) => {
      const { parameters = [], requestBody, responses, summary } = operation;
      const asked = (where: string) => {
        const some = parameters.filter((one) => one.in === where);
        if (some.length === 0) return "";
        return `readonly ${where}: {${some
          .map(({ name, required, schema }) => property(name, schema, required === true, named))
          .join("\n")}};`;
      };
      const body = requestBody?.content["application/json"]?.schema;
      const answer = Object.entries(responses).find(([status]) => /^2/.test(status))?.[1];
      const shape = answer?.content?.["application/json"]?.schema;
      return `${said(summary)}readonly "${method} ${path.slice(ROOT.length)}": {
        ${asked("path")}${asked("query")}
        ${body === undefined ? "" : `readonly body: ${typeOf(body, named)};`}
        readonly answer: ${shape === undefined ? "unknown" : typeOf(shape, named)};
      };`;
    });
  const types = [...named].map(([name, type]) => `export type ${name} = ${type};`);
  return formatted(
    `${HEADER}${types.join("\n\n")}\n\nexport type TwinApi = {${routes.join("\n")}};`,
  );
}

const ROOT = "/api/v1/";
const HEADER = `/** What the twin's API asks, takes and answers. Written by \`npm run client\`; do not edit. */

`;

function said(text: string | undefined): string {
  return text === undefined ? "" : `/** ${text.replaceAll("*/", "")} */\n`;
}

function typeOf(schema: Schema, named: Map<string, string>): string {
  if (schema.title === undefined) return bareTypeOf(schema, named);
  const type = bareTypeOf(schema, named);
  const before = named.get(schema.title);
  if (before !== undefined && before !== type)
    throw new Error(`two shapes are called ${schema.title}`);
  named.set(schema.title, type);
  return schema.title;
}

function bareTypeOf(schema: Schema, named: Map<string, string>): string {
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeOf(one, named)).join(" | ");
  if (Array.isArray(schema.type))
    return schema.type.map((type) => bareTypeOf({ ...schema, type }, named)).join(" | ");
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `readonly (${schema.items === undefined ? "unknown" : typeOf(schema.items, named)})[]`;
    case "object":
      return objectOf(schema, named);
    case undefined:
      return "unknown";
    default:
      throw new Error(`a schema of type ${schema.type} is not read here`);
  }
}

function objectOf(schema: Schema, named: Map<string, string>): string {
  const [pattern] = Object.values(schema.patternProperties ?? {});
  const open =
    typeof schema.additionalProperties === "object" ? schema.additionalProperties : pattern;
  if (open !== undefined) return `Readonly<Record<string, ${typeOf(open, named)}>>`;
  const required = new Set(schema.required);
  return `{${Object.entries(schema.properties ?? {})
    .map(([name, one]) => property(name, one, required.has(name), named))
    .join("\n")}}`;
}

function property(
  name: string,
  schema: Schema,
  required: boolean,
  named: Map<string, string>,
): string {
  const type = typeOf(schema, named);
  const key = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
  const optional = required ? `${key}: ${type}` : `${key}?: ${type} | undefined`;
  return `\n${said(schema.title === undefined ? schema.description : undefined)}readonly ${optional};`;
}

function formatted(text: string): string {
  const biome = new URL("../../node_modules/.bin/biome", import.meta.url).pathname;
  const words = ["format", `--stdin-file-path=${CLIENT_FILE}`];
  const { stdout, stderr, status } = spawnSync(biome, words, { input: text, encoding: "utf8" });
  if (status !== 0) throw new Error(`${stderr}\n${text}`);
  return stdout;
}
