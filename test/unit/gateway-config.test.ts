import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import {
  type ConfigFlags,
  type GatewayConfig,
  problemText,
  readGatewayConfig,
  withoutSecrets,
} from "../../src/gateway/config.ts";
import { gatewaySchema } from "../../src/gateway/config-schema.ts";

test("a short configuration is completed with the defaults", () => {
  const read = readGatewayConfig(`
version: 1
gateway: gw-dc1
scanners:
  - { id: desk, path: /dev/ttyACM0 }
`);

  expect(read).toEqual({
    ok: true,
    config: {
      version: 1,
      gateway: "gw-dc1",
      data: ".racktrace/gateway",
      log: "info",
      http: { host: "127.0.0.1", port: 8781 },
      twin: { url: "mqtt://127.0.0.1:1884" },
      outbox: { bytesMax: 2147483648, telemetryBytesMax: 1073741824, keepSentScans: 100000 },
      mqtt: {
        ...{ host: "127.0.0.1", port: 1883, names: [] },
        ...{ mappings: [], decoders: [], sources: [] },
      },
      scanners: [
        {
          id: "desk",
          path: "/dev/ttyACM0",
          profile: "generic",
          baudRate: 9600,
          dataBits: 8,
          parity: "none",
          stopBits: 1,
          flowControl: "none",
          framing: { kind: "delimiter", delimiter: "any" },
          settleMs: 0,
          frameBytesMax: 512,
          aim: true,
          codeId: "none",
          separator: "",
        },
      ],
      modbus: [],
      lines: [],
      sensors: [],
    },
  });
});

test("flags alone are a configuration, and a flag replaces what the file says", () => {
  const flags = { gateway: "gw-2", http: { host: "127.0.0.2", port: 0 } };

  expect(configOf(undefined, flags)).toMatchObject({ gateway: "gw-2", http: { port: 0 } });
  expect(configOf("version: 1\ngateway: gw-1\nlog: warn\n", flags)).toMatchObject({
    gateway: "gw-2",
    log: "warn",
  });
  expect(
    configOf("version: 1\ngateway: a\nmqtt: { mappings: [] }\n", { mqtt: at(1) }),
  ).toMatchObject({ mqtt: { host: "h", port: 1, mappings: [] } });
});

test("every problem is told at once, with its line and what to do", () => {
  const problems = problemsOf(`version: 2
gateway: GW one
http: { prot: 8781 }
twin: { url: "http://x" }
mqtt:
  port: "1883"
  mappings:
    - topic: dc1/+/climate
      device: "{1}"
      payload: jsn
      readings: [{ property: t, unit: Cel }]
scanners:
  - id: a
    path: /dev/a
    framing: { kind: delimeter }
  - id: b
    framing: { kind: delimiter, delimiter: crfl }
  - { id: c, path: /dev/c, framing: {} }
`);

  expect(problems).toEqual([
    "f:1: version: must be 1, is 2",
    expect.stringMatching(/^f:2: gateway: "GW one" does not fit; .*lower-case letters/),
    'f:3: http.prot: unknown key "prot"; did you mean "port"?',
    expect.stringMatching(/^f:4: twin\.url: "http:\/\/x" does not fit; .*mqtt:\/\//),
    'f:6: mqtt.port: must be an integer, is "1883"',
    'f:10: mqtt.mappings[0].payload: must be one of json, number, is "jsn"; did you mean json?',
    'f:15: scanners[0].framing.kind: must be one of delimiter, stx-etx, length, gap, is "delimeter"; did you mean delimiter?',
    expect.stringMatching(/^f:16: scanners\[1\]: "path" is missing: Device path/),
    'f:17: scanners[1].framing.delimiter: must be one of cr, lf, crlf, any, tab, etx, is "crfl"; did you mean crlf?',
    'f:18: scanners[2].framing: "kind" is missing',
  ]);
});

test("rules between keys are told beside the schema's", () => {
  const problems = problemsOf(`version: 1
gateway: gw
lgo: info
outbox: { bytesMax: 1048576, telemetryBytesMax: 2097152 }
mqtt:
  mappings:
    - topic: a/#/b+
      device: "{3}"
      payload: json
      readings:
        - { property: t, unit: Cel }
    - topic: a/+
      device: "{1}"
      payload: number
      id: /id
      readings:
        - { property: t, unit: W, pointer: /p }
scanners:
  - { id: a, path: /dev/a }
  - { id: a, path: /dev/b }
  - { id: c, path: /dev/a }
`);

  expect(problems).toEqual([
    'f:3: lgo: unknown key "lgo"; did you mean "log"?',
    "f:4: outbox.telemetryBytesMax: 2097152 is more than bytesMax, 1048576; scans need room of their own",
    "f:7: mqtt.mappings[0].topic: # stands alone, as the last level",
    "f:7: mqtt.mappings[0].topic: + stands for a whole level",
    "f:8: mqtt.mappings[0].device: {3} names no wildcard: the topic has 1",
    'f:11: mqtt.mappings[0].readings[0]: "pointer" is missing: where the value is',
    "f:15: mqtt.mappings[1].id: a plain number carries no id",
    "f:17: mqtt.mappings[1].readings[0].pointer: a plain number has no parts",
    "f:20: scanners[1].id: two scanners are called a; a name belongs to one",
    "f:21: scanners[2].path: /dev/a belongs to a already; two readers would split its scans",
  ]);
});

test.each([
  ["", "f: must be an object, is null"],
  ["just words", 'f:1: must be an object, is "just words"'],
  ["a: [\nb: 2", /^f:2: Flow sequence/],
  ["version: 1\nversion: 1\ngateway: g\n", "f:2: Map keys must be unique"],
  ["mqtt: text\nscanners: 7\nversion: 1\ngateway: g\n", 'f:1: mqtt: must be an object, is "text"'],
  [`version: 1\ngateway: g\n#${"x".repeat(1024 * 1024)}`, /characters; 1048576 are allowed/],
  [
    "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n",
    /alias/,
  ],
  ["version: 1\ngateway: g\nscanners: &own [*own]\n", "f: an alias stands within what it names"],
])("text that is no configuration is told as such: %j", (text, told) => {
  expect(problemsOf(text)[0]).toEqual(told instanceof RegExp ? expect.stringMatching(told) : told);
});

test("the schema is one: draft-07 with the one keyword that tells framings apart", () => {
  const ajv = new Ajv({ discriminator: true, strictTypes: false, strictRequired: false });

  expect(ajv.validateSchema(gatewaySchema), ajv.errorsText()).toBe(true);
});

test("the published schema is the one that is checked against", () => {
  const file = new URL("../../deploy/gateway.schema.json", import.meta.url);

  expect(
    JSON.parse(readFileSync(file, "utf8")),
    "run: npm run -s racktrace -- gateway --schema > deploy/gateway.schema.json; npm run fix",
  ).toEqual(gatewaySchema);
});

function configOf(text: string | undefined, flags: ConfigFlags) {
  const read = readGatewayConfig(text, flags);
  expect(read.ok, JSON.stringify(read)).toBe(true);
  return read.ok ? read.config : undefined;
}

function problemsOf(text: string): string[] {
  const read = readGatewayConfig(text);
  return read.ok ? [] : read.problems.map((problem) => problemText("f", problem));
}

function at(port: number) {
  return { host: "h", port };
}

test("one device under two names is told with its line, beside every other problem", () => {
  const links = new Map([
    ["/dev/serial/by-id/scanner", "/dev/ttyACM0"],
    ["/dev/serial/by-path/socket-1", "/dev/ttyACM0"],
  ]);
  const text = `version: 1
gateway: gw
log: loud
scanners:
  - { id: desk, path: /dev/serial/by-id/scanner }
lines:
  - id: climate
    path: /dev/serial/by-path/socket-1
    format: { kind: pairs }
    readings: [{ field: T, property: temperature, unit: Cel }]
`;

  const read = readGatewayConfig(text, {}, (path) => links.get(path) ?? path);

  const told = read.ok ? [] : read.problems.map((problem) => problemText("file", problem));
  expect(told).toEqual([
    expect.stringContaining("file:3: log: must be one of"),
    "file:8: lines[0].path: /dev/serial/by-path/socket-1 is /dev/ttyACM0, which desk reads already as /dev/serial/by-id/scanner; two readers would split what it sends",
  ]);
});

test("a slip in one scanner hides nothing that is wrong with the others", () => {
  const problems = problemsOf(`version: 1
gateway: gw
scanners:
  - { id: a, path: /dev/x, profile: zebra-ssi, enquireMs: 500 }
  - { id: b, path: /dev/y, baudrate: 9600 }
  - { id: a, path: /dev/z, profile: datalogic-display, beep: 7 }
`);
  expect(problems).toEqual([
    "f:4: scanners[0].enquireMs: zebra-ssi is not invited to send; leave enquireMs out",
    'f:5: scanners[1].baudrate: unknown key "baudrate"; did you mean "baudRate"?',
    "f:6: scanners[2].id: two scanners are called a; a name belongs to one",
    "f:6: scanners[2].beep: datalogic-display sounds its tone by its answer; leave beep out",
  ]);
});

test("a password in a wrong place is not told back", () => {
  const [problem] = problemsOf(`version: 1
gateway: gw
mqtt: { sources: [{ id: hall, url: "mqtts://user:geheim@broker.example", topics: ["#"] }] }
`);
  expect(problem).toContain('mqtt.sources[0].url: "mqtts://***@broker.example" does not fit');
});

test("what is shown of a configuration opens no doors", () => {
  const read = configOf(
    "version: 1\ngateway: gw\ntwin: { url: 'mqtts://gw:sec@ret@twin.example:8883' }\n",
    {},
  );

  expect(withoutSecrets(read as GatewayConfig).twin.url).toBe("mqtts://***@twin.example:8883");
});
