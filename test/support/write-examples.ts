/**
 * `npm run examples`: asks a twin with a small warehouse what the examples ask, in their order, and
 * writes down what it answered. A new route: add its question to the file, with the answer null.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXAMPLES } from "../../src/twin/openapi.ts";
import { askAs, beginningOf, EXAMPLES_FILE, openExampleTwin } from "./api-examples.ts";

const folder = mkdtempSync(join(tmpdir(), "racktrace-examples-"));
const twin = await openExampleTwin(folder);
const written: Record<string, unknown> = {};
for (const [name, { path, query, body, beginning }] of Object.entries(EXAMPLES)) {
  const [method = "", template = ""] = name.split(" ");
  const filled = template.replaceAll(/\{(\w+)\}/g, (_, field: string) => path?.[field] ?? field);
  const asking = { method, path: filled, query: query ?? {}, body };
  const { status, type, answer } = await askAs(twin, asking);
  const whole = beginning === true ? beginningOf(answer) : answer;
  const shown = typeof whole === "string" ? whole.slice(0, 400) : whole;
  const said = {
    ...(path !== undefined && { path }),
    ...(query !== undefined && { query }),
    ...(body !== undefined && { body }),
    ...(beginning === true && { beginning }),
  };
  written[name] = {
    ...said,
    status,
    ...(type !== "application/json" && { type }),
    answer: shown,
  };
  if (status >= 400) process.stderr.write(`${name}: ${status} ${JSON.stringify(answer)}\n`);
}
writeFileSync(EXAMPLES_FILE, `${JSON.stringify(written, null, 2)}\n`);
await twin.close();
rmSync(folder, { recursive: true, force: true });
