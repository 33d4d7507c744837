/**
 * A configuration text against its schema: every problem at once, each with its line and what to do.
 *
 * Reads YAML (and so JSON). Does not read files and knows no program: the schema says what a key
 * means, and its `description` is the help a message gives.
 */
import { Ajv, type AnySchema, type ErrorObject } from "ajv";
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";

export type ConfigPath = readonly (string | number)[];
export type Problem = {
  readonly path: ConfigPath;
  /** Line of the text, from 1; undefined when the value did not come from a text. */
  readonly line: number | undefined;
  readonly what: string;
};

/** A parsed text that still knows its lines. */
export type ConfigText = {
  readonly value: unknown;
  readonly problems: readonly Problem[];
  lineOf(path: ConfigPath): number | undefined;
};

const TEXT_CHARS_MAX = 1024 * 1024;

export function parseConfigText(text: string): ConfigText {
  if (text.length > TEXT_CHARS_MAX)
    return refused(`the file has ${text.length} characters; ${TEXT_CHARS_MAX} are allowed`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0)
    return {
      value: undefined,
      problems: document.errors.map((error) => ({
        path: [],
        line: lines.linePos(error.pos[0]).line,
        what: error.message,
      })),
      lineOf: () => undefined,
    };
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (!hasEnd(value)) return refused("an alias stands within what it names");
    return {
      value,
      problems: [],
      lineOf: (path) => lineOf(document, lines, path),
    };
  } catch (cause) {
    return refused((cause as Error).message);
  }
}

function hasEnd(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

function refused(what: string): ConfigText {
  return {
    value: undefined,
    problems: [{ path: [], line: undefined, what }],
    lineOf: () => undefined,
  };
}

/** The line of the key the path ends in, or of the nearest thing above it that is in the text. */
function lineOf(document: Document, lines: LineCounter, path: ConfigPath): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const parent = document.getIn(path.slice(0, Math.max(length - 1, 0)), true);
    const last = path[length - 1];
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && item.key.value === last)
      : undefined;
    const node = isNode(pair?.key) ? pair.key : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

/** Fills the schema's defaults into `value` (which it changes) and returns what does not fit. */
export function problemsAgainst(
  schema: AnySchema,
  value: unknown,
): readonly Omit<Problem, "line">[] {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    useDefaults: true,
    discriminator: true,
    strictTypes: false,
    strictRequired: false,
    allowUnionTypes: true,
    // Our own schemas are checked by tests; checking them at each start takes longer than all else.
    validateSchema: false,
    meta: false,
  });
  const fits = ajv.compile(schema);
  if (fits(value)) return [];
  // A tag that is missing is told once, as missing.
  return (fits.errors ?? [])
    .filter(
      ({ keyword, params }) => keyword !== "discriminator" || params["tagValue"] !== undefined,
    )
    .map(inWords);
}

export function pathText(path: ConfigPath): string {
  return path
    .map((part, at) => (typeof part === "number" ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join("");
}

function inWords(error: ErrorObject): Omit<Problem, "line"> {
  const path = pathOf(error);
  const is = shown(error.data);
  const help = (error.parentSchema as { description?: string } | undefined)?.description;
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case "additionalProperties":
      return unknownKey(path, String(params["additionalProperty"]), error);
    case "required": {
      const missing = String(params["missingProperty"]);
      const meaning = schemaOf(error, missing)?.description;
      return { path, what: `"${missing}" is missing${meaning ? `: ${meaning}` : ""}` };
    }
    case "type":
      return { path, what: `must be ${article(String(params["type"]))}, is ${is}` };
    case "const":
      return { path, what: `must be ${shown(params["allowedValue"])}, is ${is}` };
    case "enum":
      return oneOf(path, params["allowedValues"] as readonly unknown[], error.data);
    case "discriminator":
      return oneOf([...path, "kind"], kindsOf(error), params["tagValue"]);
    case "pattern":
      return { path, what: `${is} does not fit; ${help ?? error.message}` };
    default:
      return {
        path,
        what: `${error.message ?? "does not fit"}, is ${is}${help ? `; ${help}` : ""}`,
      };
  }
}

/** In YAML numbers index lists and texts name keys; a JSON pointer does not tell them apart. */
function pathOf(error: ErrorObject): ConfigPath {
  return error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

function schemaOf(error: ErrorObject, key: string): { description?: string } | undefined {
  const properties = (error.parentSchema as { properties?: Record<string, object> }).properties;
  return properties?.[key];
}

function unknownKey(path: ConfigPath, key: string, error: ErrorObject): Omit<Problem, "line"> {
  const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
  const near = nearest(key, known);
  const hint = near ? `did you mean "${near}"?` : `known here: ${known.join(", ")}`;
  return { path: [...path, key], what: `unknown key "${key}"; ${hint}` };
}

function oneOf(path: ConfigPath, allowed: readonly unknown[], value: unknown) {
  const near = nearest(String(value), allowed.map(String));
  const hint = near && near !== String(value) ? `; did you mean ${near}?` : "";
  return { path, what: `must be one of ${allowed.join(", ")}, is ${shown(value)}${hint}` };
}

function kindsOf(error: ErrorObject): readonly unknown[] {
  const branches = (
    error.parentSchema as { oneOf?: { properties: { kind: { const: unknown } } }[] }
  ).oneOf;
  return (branches ?? []).map((branch) => branch.properties.kind.const);
}

function article(type: string): string {
  return /^[aeio]/.test(type) ? `an ${type}` : `a ${type}`;
}

/** Of an address only whether it names a user: what opens doors is not shown. */
function shown(value: unknown): string {
  const text = (JSON.stringify(value) ?? "missing").replaceAll(/(:\/\/)[^"]*@/g, "$1***@");
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** The known word that a person most likely meant, or undefined when none is within so many edits. */
export function nearest(
  word: string,
  known: readonly string[],
  editsMax = Math.max(1, Math.floor(word.length / 3)),
): string | undefined {
  let best: string | undefined;
  let bestDistance = editsMax + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((old[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (old[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (older[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [older, old] = [old, row];
  }
  return old[b.length] ?? 0;
}
