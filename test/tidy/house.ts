/**
 * Reads one source file as a syntax tree and says where it breaks the rules of the house: who may
 * import whom (the table of src/README.md) and which words have one home.
 *
 * It sees what is written: a global reached through `globalThis[name]` or a statement hidden behind
 * a variable gets through. It guards against haste, not against will.
 */
import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { parseSync } from "vite";

const root = new URL("../../", import.meta.url);

/** Folder (or `ports.ts`) under src to the folders that it may import. */
export type Table = ReadonlyMap<string, ReadonlySet<string>>;

/** The import table as src/README.md prints it, so that the page cannot say anything else. */
export function readTable(markdown = readFileSync(new URL("src/README.md", root), "utf8")): Table {
  const rows = [...markdown.matchAll(/^\| `([\w.]+)\/?` \| .* \| (.+) \|$/gm)].map(
    ([, folder = "", may = ""]) => [folder, may] as const,
  );
  const folders = rows.map(([folder]) => folder);
  return new Map(
    rows.map(([folder, may]) => {
      if (may.startsWith("nothing")) return [folder, new Set()];
      const but = /^everything but (\w+)$/.exec(may)?.[1];
      const names = but === undefined ? may.split(", ") : folders.filter((name) => name !== but);
      return [folder, new Set(names.map((name) => (name === "ports" ? "ports.ts" : name)))];
    }),
  );
}

/** Folders that know no runtime: no package, no node module. src/tsconfig.pure.json compiles them. */
const PURE: ReadonlySet<string> = new Set([
  "kernel",
  "barcode",
  "devices",
  "reconcile",
  "labels",
  "ports.ts",
]);

/** Packages with one home. */
const PACKAGES: Readonly<Record<string, string>> = {
  protobufjs: "wire",
  "better-sqlite3": "store",
  serialport: "io",
  "modbus-serial": "io",
  aedes: "io",
  "@peculiar/x509": "io",
  mqtt: "io",
  pino: "io",
  pdfkit: "io",
  commander: "cli",
};

type Word = {
  readonly what: string;
  readonly home: string;
  /** Path under src. */
  readonly at: (path: string) => boolean;
  readonly is: (node: Node, parent: Node | undefined) => boolean;
};

const CLOCK_HOME = "src/io (pages: src/web/clock.ts), elsewhere a port";

/** Words with one home. The pages cannot reach src/io and keep a clock of their own. */
const WORDS: readonly Word[] = [
  {
    what: "the clock",
    home: CLOCK_HOME,
    at: isClock,
    is: (node) =>
      isMember(node, "Date", "now") ||
      isMember(node, "performance", "now") ||
      (node.type === "NewExpression" &&
        isName(node["callee"], "Date") &&
        (node["arguments"] as Node[]).length === 0),
  },
  {
    what: "a timer",
    home: CLOCK_HOME,
    at: isClock,
    is: (node, parent) => TIMERS.some((name) => isFree(node, parent, name)),
  },
  {
    what: "chance",
    home: CLOCK_HOME,
    at: isClock,
    is: (node) => isMember(node, "Math", "random"),
  },
  {
    what: "process",
    home: "src/cli and the worker entries of src/io, elsewhere an argument",
    at: (path) => path.startsWith("cli/") || /^io\/.*worker[\w-]*\.ts$/.test(path),
    is: (node, parent) => isFree(node, parent, "process"),
  },
  {
    what: "console",
    home: "nowhere: write to the journal",
    at: () => false,
    is: (node, parent) => isFree(node, parent, "console"),
  },
  {
    what: "SQL",
    home: "src/store",
    at: (path) => path.startsWith("store/"),
    is: (node) =>
      node.type === "CallExpression" &&
      (["prepare", "pragma"].some((name) => isMember(node["callee"], undefined, name)) ||
        ["db", "database", "sqlite"].some((name) => isMember(node["callee"], name, "exec"))),
  },
  {
    what: "a cast to the proof of a commit",
    home: "src/store",
    at: (path) => path.startsWith("store/"),
    is: (node) =>
      node.type === "TSAsExpression" &&
      ["Committed", "Kept"].some((name) =>
        isName(asNode(node["typeAnnotation"])?.["typeName"], name),
      ),
  },
];

function isClock(path: string): boolean {
  return path.startsWith("io/") || path === "web/clock.ts";
}

const TIMERS = ["setTimeout", "setInterval", "setImmediate"];

/** One line for each broken rule, `path` relative to the repository, e.g. `src/gateway/run.ts`. */
export function findings(path: string, source: string, table: Table = readTable()): string[] {
  const { program, errors } = parseSync(path, source);
  if (errors.length > 0) return [`${path}:1 cannot be parsed: ${errors[0]?.message}`];
  const lineOf = (node: Node) => source.slice(0, node.start).split("\n").length;
  const found: string[] = [];
  visit(program as unknown as Node, undefined, (node, parent) => {
    const specifier = importOf(node);
    const broken = specifier === undefined ? undefined : checkImport(path, specifier, table);
    if (broken !== undefined) found.push(`${path}:${lineOf(node)} ${broken}`);
    if (!path.startsWith("src/")) return;
    for (const { what, home, at, is } of WORDS) {
      if (!at(path.slice(4)) && is(node, parent))
        found.push(`${path}:${lineOf(node)} uses ${what}; its home is ${home}`);
    }
  });
  return found;
}

function checkImport(path: string, specifier: string, table: Table): string | undefined {
  const target = specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier;
  if (path.startsWith("firmware-sim/"))
    return target.startsWith("src/") && specifier.startsWith(".")
      ? `imports ${specifier}; firmware-sim is an independent witness and imports nothing from src`
      : undefined;
  if (!path.startsWith("src/")) return undefined;

  const home = folderOf(path);
  const may = table.get(home);
  if (may === undefined) return `stands in src/${home}, which the table of src/README.md lacks`;
  if (!specifier.startsWith(".")) {
    const name = packageOf(specifier);
    if (PURE.has(home))
      return `imports ${specifier}; src/${home} is pure: no package, no node module`;
    const only = PACKAGES[name];
    return only !== undefined && only !== home
      ? `imports ${specifier}; its home is src/${only}`
      : undefined;
  }
  if (!target.startsWith("src/"))
    return /\.(json|ts|js)$/.test(target) && !target.startsWith("firmware-sim/")
      ? undefined
      : `imports ${specifier}, which is outside src`;
  const other = folderOf(target);
  if (other === home || may.has(other)) return undefined;
  return `imports ${specifier}; src/${home} may import ${[...may].join(", ") || "nothing"}`;
}

/** `src/twin/run.ts` stands in `twin`, `src/ports.ts` in `ports.ts`. */
function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function packageOf(specifier: string): string {
  const [first = "", second = ""] = specifier.split("/");
  return first.startsWith("@") ? `${first}/${second}` : first;
}

type Node = { readonly type: string; readonly start: number; readonly [field: string]: unknown };

function asNode(value: unknown): Node | undefined {
  return typeof value === "object" && value !== null && "type" in value
    ? (value as Node)
    : undefined;
}

function visit(
  node: Node,
  parent: Node | undefined,
  see: (node: Node, parent: Node | undefined) => void,
): void {
  see(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      const next = asNode(child);
      if (next !== undefined) visit(next, node, see);
    }
  }
}

/** The module that a node names: static, dynamic with a plain text, re-export or type. */
function importOf(node: Node): string | undefined {
  const imports = [
    "ImportDeclaration",
    "ExportNamedDeclaration",
    "ExportAllDeclaration",
    "ImportExpression",
    "TSImportType",
  ];
  if (!imports.includes(node.type)) return undefined;
  const value = asNode(node["source"])?.["value"];
  return typeof value === "string" ? value : undefined;
}

function isName(value: unknown, name: string): boolean {
  const node = asNode(value);
  return node?.type === "Identifier" && node["name"] === name;
}

/** `object.property`; any object when it is undefined. */
function isMember(value: unknown, object: string | undefined, property: string): boolean {
  const node = asNode(value);
  if (node?.type !== "MemberExpression" || !isName(node["property"], property)) return false;
  return object === undefined || isName(node["object"], object);
}

/** A name that stands for a global: not a property, a field, a type, nor a part of an import. */
function isFree(node: Node, parent: Node | undefined, name: string): boolean {
  if (!isName(node, name) || parent === undefined) return false;
  if (parent.type === "MemberExpression")
    return parent["object"] === node || parent["computed"] === true;
  if (parent.type === "Property") return parent["value"] === node;
  return !/^(TS|Import|Export|MethodDefinition|PropertyDefinition|Label)/.test(parent.type);
}
