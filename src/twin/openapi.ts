/**
 * The API's own description, completed: each operation with an example of what is asked and of what
 * is answered. The examples were taken from a running twin with a small warehouse (`npm run
 * examples`); a test asks each of them again and compares.
 */
import examples from "./openapi-examples.json" with { type: "json" };

export type Example = {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
  readonly status: number;
  /** Of the answer; JSON unless it says otherwise. */
  readonly type?: string;
  readonly answer: unknown;
  /** Lists grow with the product: only how they begin is shown. */
  readonly beginning?: boolean;
};

/** By method and path, in an order in which they can be asked one after the other. */
export const EXAMPLES: Readonly<Record<string, Example>> = examples;

type Operation = {
  parameters?: { name: string; in: string; required?: boolean; schema: { default?: unknown } }[];
  requestBody?: { content: Record<string, object> };
  responses: Record<string, { description?: string; content?: Record<string, object> }>;
};
type Document = {
  info?: { description?: string };
  paths?: Record<string, Record<string, unknown> | undefined>;
};

const JSON_TYPE = "application/json";
const PROBLEM_TYPE = "application/problem+json";
const KEY = "idempotency-key";
const KEY_EXAMPLE = "7d3a8c1e-4b0f-4f8a-9c55-0d6f1f3a2b10";

/** What holds for all routes, where a program's author looks for it. */
const ABOUT = `
A long list comes in pages: ask again with the cursor "next" of the page before. A refusal is a problem (RFC 9457) that says
what to do next.

Statements, directives, and allocations and prints of labels take the header Idempotency-Key: said again with it, also
after a restart, nothing is done twice and the answer is the first one. Other routes say how something shall be: a table
of the register records what is news in it, and a user or token of a name that is taken is refused with 409. A secret is
told once, and asked for again it is another: where the answer was lost, set a new password, revoke the token, or make
another login link.
`.trim();

export function completed<T extends Document>(document: T): T {
  document.info = { ...document.info, description: ABOUT };
  for (const [path, methods] of Object.entries(document.paths ?? {}))
    for (const [method, operation] of Object.entries(methods ?? {}))
      complete(operation as Operation, EXAMPLES[`${method.toUpperCase()} ${path}`]);
  return document;
}

function complete(operation: Operation, example: Example | undefined): void {
  for (const parameter of operation.parameters ?? []) {
    // What has a default need not be said, whatever the schema demands after it was filled in.
    if (parameter.schema.default !== undefined) parameter.required = false;
    const said = { ...example?.query, ...example?.path }[parameter.name];
    if (parameter.name === KEY) Object.assign(parameter, { example: KEY_EXAMPLE });
    else if (said !== undefined) Object.assign(parameter, { example: said });
  }
  for (const response of Object.values(operation.responses)) sayProblem(response);
  if (example === undefined) return;
  const { body, status, type = JSON_TYPE, answer } = example;
  if (body !== undefined)
    for (const content of Object.values(operation.requestBody?.content ?? {}))
      Object.assign(content, usual(body));
  const known = [String(status), `${Math.floor(status / 100)}XX`, "default"];
  const under = known.find((one) => operation.responses[one] !== undefined) ?? String(status);
  operation.responses[under] ??= { description: "The answer" };
  const response = operation.responses[under];
  response.content ??= {};
  response.content[type] = { ...response.content[type], ...usual(answer) };
}

/** Refusals have a type of their own, whatever the framework calls every body. */
function sayProblem(response: { content?: Record<string, object> }): void {
  const { [JSON_TYPE]: body, ...others } = response.content ?? {};
  if (body === undefined || !("schema" in body)) return;
  if ((body.schema as { title?: string }).title !== "Problem") return;
  response.content = { ...others, [PROBLEM_TYPE]: body };
}

function usual(value: unknown) {
  return { examples: { usual: { value } } };
}
