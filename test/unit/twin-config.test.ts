import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readMasterData, readTwinConfig } from "../../src/cli/twin-config.ts";
import type { Fault } from "../../src/kernel/fault.ts";
import { twinSchema } from "../../src/twin/config-schema.ts";
import { masterDataSchema } from "../../src/twin/master-data.ts";
import { temporaryFolder } from "../support/folder.ts";

test("flags alone are a whole configuration, with the usual addresses", () => {
  expect(readTwinConfig(undefined, { data: "d" })).toEqual({
    version: 1,
    data: "d",
    log: "info",
    http: { host: "127.0.0.1", port: 8780, sessions: { idleMinutes: 60, hours: 12 } },
    broker: { host: "127.0.0.1", port: 1884, names: [], certificateDays: 365 },
    labels: { extensionDigit: 0, formats: [], printers: [] },
    policies: {},
  });
});

test("a flag wins over the file", () => {
  const path = file("version: 1\ndata: from-file\nhttp: { port: 1 }\n");

  const config = readTwinConfig(path, { data: "from-flag" });

  expect(config).toMatchObject({ data: "from-flag", http: { host: "127.0.0.1", port: 1 } });
});

test("every problem of a configuration is told at once, with its line and what to do", () => {
  const problems = problemsOf(
    "version: 2\nhttp:\n  port: many\nbrokr: {}\npolicies:\n  sesionTimeoutSeconds: 5\n",
    (path) => readTwinConfig(path, {}),
  );

  expect(problems).toEqual([
    ":1: version: must be 1, is 2",
    ':3: http.port: must be an integer, is "many"',
    ':4: brokr: unknown key "brokr"; did you mean "broker"?',
    ':6: policies.sesionTimeoutSeconds: unknown key "sesionTimeoutSeconds"; did you mean "sessionTimeoutSeconds"?',
  ]);
});

test("text that is no YAML and a file that is not there are said to be just that", () => {
  expect(() => readTwinConfig(file("version: [1\n"), {})).toThrow(/CONFIG_INVALID.*\n.*:\d/);
  expect(() => readTwinConfig("/nowhere/twin.yaml", {})).toThrow("CONFIG_UNREADABLE");
});

test("master data becomes one statement for each record, named by its subject", () => {
  const statements = readMasterData(
    file(`version: 1
places:
  - { id: "(414)9521234000105", kind: site, name: Moscow DC }
gateways:
  - { id: gw-1, site: "(414)9521234000105" }
scanners:
  - { gateway: gw-1, id: scn-1, step: storing }
documents:
  - { pages: ["(253)9521234000013N00001P01"], id: N00001 }
`),
  );

  expect(statements).toEqual([
    {
      kind: "place",
      subject: "(414)9521234000105",
      json: '{"id":"(414)9521234000105","kind":"site","name":"Moscow DC"}',
    },
    { kind: "gateway", subject: "gw-1", json: '{"id":"gw-1","site":"(414)9521234000105"}' },
    {
      kind: "scanner",
      subject: "gw-1/scn-1",
      json: '{"gateway":"gw-1","id":"scn-1","step":"storing"}',
    },
    {
      kind: "document",
      subject: "N00001",
      json: '{"id":"N00001","pages":["(253)9521234000013N00001P01"]}',
    },
  ]);
});

test("the same master data in YAML and JSON, in whatever order of fields, says the same", () => {
  const yaml = file('version: 1\npersons:\n  - { name: Anna, id: "(8018)952123400000000772" }\n');
  const json = file('{"version":1,"persons":[{"id":"(8018)952123400000000772","name":"Anna"}]}');

  expect(readMasterData(yaml)).toEqual(readMasterData(json));
});

test("an id that cannot be, one that is there twice and a wrong kind are told with their lines", () => {
  const problems = problemsOf(
    `version: 1
places:
  - { id: "(414)9521234000106", kind: site }
  - { id: "R1", kind: rack }
  - { id: "(414)9521234000105", kind: site }
  - { id: "(414)9521234000105", kind: site }
`,
    readMasterData,
  );

  expect(problems).toEqual([
    expect.stringMatching(/^:3: places\[0\]\.id: \(414\)9521234000106: .*check digit/),
    expect.stringMatching(/^:4: places\[1\]\.id: R1: names no place/),
    ":6: places[3].id: (414)9521234000105 is there twice",
  ]);
  expect(problemsOf("version: 1\nplaces:\n  - { id: x, kind: planet }\n", readMasterData)).toEqual([
    ':3: places[0].kind: must be one of site, room, rack, shelf, desk, is "planet"',
  ]);
});

test("the samples are taken without a word", () => {
  const sample = (name: string) => new URL(`../../deploy/${name}`, import.meta.url).pathname;

  expect(readTwinConfig(sample("twin.sample.yaml"), {})).toMatchObject({ version: 1 });
  expect(readMasterData(sample("master-data.sample.yaml")).length).toBeGreaterThan(10);
});

test("the published schemas are the ones in use", () => {
  const published = (name: string) =>
    JSON.parse(readFileSync(new URL(`../../deploy/${name}`, import.meta.url), "utf8"));

  const advice =
    "run: npm run -s racktrace -- twin --schema > deploy/twin.schema.json; npm run fix";
  expect(published("twin.schema.json"), advice).toEqual(asJson(twinSchema));
  expect(
    published("master-data.schema.json"),
    advice.replaceAll("schema", "master-data-schema"),
  ).toEqual(asJson(masterDataSchema));
});

test.each([
  ["a type that is no GRAI", "folders: { type: '(253)9521234000013' }", "no GRAI without serial"],
  ["a type with a serial", "folders: { type: '(8003)09521234005001F1' }", "no GRAI without serial"],
  [
    "labels that reach over their sheet",
    "formats: [{ id: a, page: { width: 100, height: 50 }, label: { width: 60, height: 50 }, columns: 2 }]",
    "reach to 120.0 mm of a sheet that is 100 mm wide",
  ],
  [
    "a printer named twice",
    "printers: [{ id: p, host: a, label: { width: 50, height: 25 } }, { id: p, host: b, label: { width: 50, height: 25 } }]",
    "p is there twice",
  ],
])("%s is no configuration of labels", (_what, labels, says) => {
  expect(() => readTwinConfig(file(`version: 1\nlabels:\n  ${labels}\n`), {})).toThrow(says);
});

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function file(text: string): string {
  const path = join(temporaryFolder(), "file.yaml");
  writeFileSync(path, text);
  return path;
}

/** The lines of the message, without the file's name. */
function problemsOf(text: string, readFile: (path: string) => unknown): readonly string[] {
  const path = file(text);
  try {
    readFile(path);
  } catch (error) {
    const { detail } = error as Fault;
    return detail
      .trim()
      .split("\n")
      .map((line) => line.replace(path, ""));
  }
  return [];
}
