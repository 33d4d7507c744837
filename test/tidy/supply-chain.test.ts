/**
 * What racktrace is made of: all of it can be named, comes with its sum and on terms that were looked at, and
 * runs no program of its own when it is installed, but where package.json says so.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

type Locked = {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
};

const root = new URL("../../", import.meta.url).pathname;
const read = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));
const main = read("package.json");
const locked = Object.entries<Locked>(read("package-lock.json").packages).filter(
  ([path]) => path !== "",
);
const nameOf = (path: string) =>
  path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

/** Looked at: each allows use, change and passing on with its notice. */
const SHIPPED = new Set([
  ...["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "ISC", "MIT"],
  "(MIT OR CC0-1.0)",
]);
/** Of tools and tests, which are not passed on. */
const TOOLS = new Set([...SHIPPED, "CC-BY-4.0", "EPL-2.0", "MIT OR Apache-2.0", "MPL-2.0"]);
/** Those whose package.json does not name its licence, by what their own file says. */
const READ_BY_A_PERSON: Readonly<Record<string, string>> = {
  // Bitstream Vera and Arev, public domain for DejaVu's changes: free to embed and pass on.
  "dejavu-fonts-ttf": "Bitstream Vera Fonts Copyright",
  "png-js": "MIT License",
};

test("the bill of materials can be made, and names all of the lock file with its sum", () => {
  const bill = JSON.parse(run("sbom"));
  expect(bill).toMatchObject({
    bomFormat: "CycloneDX",
    specVersion: expect.stringMatching(/^1\.[5-9]$/),
    serialNumber: expect.stringMatching(/^urn:uuid:[0-9a-f-]{36}$/),
    version: 1,
    metadata: {
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      component: {
        type: "application",
        version: main.version,
        purl: purlOf("racktrace", main.version),
      },
    },
  });
  type Component = {
    readonly "bom-ref": string;
    readonly type: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes: readonly { readonly alg: string; readonly content: string }[];
    readonly licenses?: readonly object[];
  };
  const components: readonly Component[] = bill.components;
  const byPurl = new Map(components.map((one) => [one.purl, one]));
  expect(byPurl.size).toBe(components.length);
  const expected = new Set<string>();
  for (const [path, { version, integrity }] of locked) {
    const purl = purlOf(nameOf(path), version);
    expected.add(purl);
    const found = byPurl.get(purl);
    const [, sum = ""] = integrity.split("-");
    expect(found, path).toMatchObject({
      type: "library",
      version,
      hashes: [{ alg: "SHA-512", content: Buffer.from(sum, "base64").toString("hex") }],
    });
    if (READ_BY_A_PERSON[nameOf(path)] === undefined) expect(found?.licenses, path).toHaveLength(1);
  }
  expect([...byPurl.keys()].filter((purl) => !expected.has(purl))).toEqual([]);

  const refs = new Set([bill.metadata.component, ...components].map((one) => one["bom-ref"]));
  expect(refs.size).toBe(components.length + 1);
  type Needs = { readonly ref: string; readonly dependsOn: readonly string[] };
  const needs: readonly Needs[] = bill.dependencies;
  expect(needs).toHaveLength(refs.size);
  const named = needs.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
  expect(named.filter((ref) => !refs.has(ref))).toEqual([]);
});

test("each package is pinned to one version by its sum, and to no place but a registry", () => {
  for (const [path, { version, resolved, integrity }] of locked) {
    expect(version, path).toMatch(/^\d+\.\d+\.\d+/);
    // Absent: from the registry that npm is configured with.
    if (resolved !== undefined) expect(resolved, path).toMatch(/^https:\/\/registry\.npmjs\.org\//);
    expect(integrity, path).toMatch(/^sha512-[\w+/]{86}==$/);
  }
});

test("each licence is one that was looked at, and stands in the package as in the lock file", () => {
  const unknown = locked.filter(([path, { license, dev }]) => {
    const words = READ_BY_A_PERSON[nameOf(path)];
    if (words !== undefined)
      return !readFileSync(join(root, path, "LICENSE"), "utf8").includes(words);
    return license === undefined || !(dev === true ? TOOLS : SHIPPED).has(license);
  });
  expect(unknown.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
  for (const [path, { license }] of locked)
    if (license !== undefined && existsSync(join(root, path)))
      expect(licenceIn(read(join(path, "package.json"))), path).toBe(license);
});

test("the notices name each package that is shipped", () => {
  const notices = run("notices");
  const shipped = locked.filter(([path, { dev }]) => dev !== true && existsSync(join(root, path)));
  expect(shipped.length).toBeGreaterThan(150);
  for (const [path, { version }] of shipped)
    expect(notices, path).toContain(`\n${nameOf(path)} ${version} (`.slice(1));
  expect(notices).toContain("Bitstream Vera");
});

test("what would run a program when it is installed is told whether it may, and one may", () => {
  const wants = locked
    .filter(([path, { hasInstallScript }]) => hasInstallScript === true || compiles(path))
    .map(([path]) => nameOf(path));
  const allowed: Readonly<Record<string, boolean>> = main.allowScripts;
  expect(Object.keys(allowed).sort()).toEqual([...new Set(wants)].sort());
  expect(Object.keys(allowed).filter((name) => allowed[name])).toEqual(["node"]);
});

/** npm compiles what has a binding.gyp, unless the package says that it need not. */
function compiles(path: string): boolean {
  return existsSync(join(root, path, "binding.gyp"));
}

function licenceIn({ license, licenses }: { license?: unknown; licenses?: unknown }): unknown {
  const [first] = [licenses].flat() as { readonly type?: string }[];
  if (license === undefined) return first?.type;
  return typeof license === "object" ? (license as { type?: string }).type : license;
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function run(script: string): string {
  const { stdout, stderr, status } = spawnSync("npm", ["run", "--silent", script], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(status, stderr).toBe(0);
  return stdout;
}
