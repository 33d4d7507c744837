/**
 * Devices' payloads from public documents and what they mean: test/vectors/mqtt, one file for each
 * convention. A file's blocks share the memory, as messages do in a gateway.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type {
  DecoderName,
  DecoderSetting,
  Meaning,
  Memory,
} from "../../src/devices/decoders/convention.ts";
import { compileDecoders } from "../../src/devices/decoders/decoders.ts";
import { ucumOfSenml, ucumOfWritten } from "../../src/devices/decoders/units.ts";
import { createConventions } from "../../src/gateway/conventions.ts";
import { workOf } from "../support/work.ts";

const folder = new URL("../vectors/mqtt/", import.meta.url);
const NOW_MS = Date.UTC(2024, 5, 3, 8);

describe.each(readdirSync(folder).filter((name) => name.endsWith(".txt")))("%s", (file) => {
  const blocks = readBlocks(readFileSync(new URL(file, folder), "utf8"));
  const tell = createTeller();

  test("has payloads enough to be worth reading", () => {
    expect(blocks.length).toBeGreaterThan(5);
  });

  test.each(blocks)("line $line: $topic", ({ setting, topic, payload, expected }) => {
    const told = tell(setting, topic, payload);
    expect(told).toHaveLength(expected.length);
    for (const [at, line] of expected.entries())
      if (/^[?!]/.test(line)) {
        expect(told[at]?.slice(0, 2)).toBe(line.slice(0, 2));
        expect(told[at]).toContain(line.slice(2));
      } else expect(told[at]).toBe(line);
  });
});

describe("units", () => {
  test("a letter means what its vocabulary says", () => {
    expect(ucumOfWritten("C")).toBe("Cel");
    expect(ucumOfSenml("C")).toEqual({ unit: "C", factor: 1 });
  });

  test("what nobody listed has no code, and neither have names of objects' own parts", () => {
    for (const text of ["furlong", "constructor", "__proto__"]) {
      expect(ucumOfWritten(text)).toBeUndefined();
      expect(ucumOfSenml(text)).toBeUndefined();
    }
  });
});

describe("names as long as a message may be", () => {
  const long = "x".repeat(100_000);
  const thousands = Object.fromEntries(Array.from({ length: 3_000 }, (_, n) => [`k${n}`, 1]));
  const shared = {
    components: {} as Record<string, unknown>,
    state_topic: "s/1",
    unit_of_measurement: long,
  };
  for (const name of Object.keys(thousands)) shared.components[name] = { platform: "sensor" };

  test.each<[DecoderName, string, unknown]>([
    ["zigbee2mqtt", "zigbee2mqtt/a", { [long]: thousands }],
    ["tasmota", "tele/a/SENSOR", { [long]: thousands }],
    ["tasmota", "tele/a/SENSOR", { a: { [long]: Array(3_000).fill(1) } }],
    [
      "ttn",
      "v3/a@t/devices/d/up",
      { uplink_message: { decoded_payload: { a: 1, [long]: thousands } } },
    ],
    ["homeassistant", "homeassistant/device/a/config", shared],
    ["senml", "senml/a", [{ bn: ":".repeat(60_000), n: "a", v: 1, u: "Cel" }]],
    [
      "homeassistant",
      "homeassistant/sensor/a/config",
      { state_topic: "s/1", value_template: `{{ value ${"|float    ".repeat(12)}}x` },
    ],
  ])("%s is read in no time, and gives its reasons shortly", (decoder, topic, document) => {
    const text = JSON.stringify(document);
    const { read } = createConventions([{ decoder }]);
    const { result: told, workMs } = workOf(() =>
      read({ topic, bytes: Buffer.from(text), text, atMs: NOW_MS }),
    );
    const reasons = told.ok ? told.unread : [told.why];

    expect(reasons.length).toBeGreaterThan(0);
    expect(Math.max(...reasons.map((reason) => reason.length))).toBeLessThan(1_000);
    // Seconds to hours before.
    expect(workMs).toBeLessThan(2_000);
  });

  test("a long value that is nearly a number is told in no time", () => {
    const { read } = createConventions([{ decoder: "homeassistant" }]);
    const tell = (topic: string, text: string) =>
      read({ topic, bytes: Buffer.from(text), text, atMs: NOW_MS });
    const config = JSON.stringify({ stat_t: "s/1", unit_of_meas: "V" });
    tell("homeassistant/sensor/hall/config", config);

    const { workMs } = workOf(() => expect(tell("s/1", `${"1".repeat(65_536)}x`).ok).toBe(false));
    expect(workMs).toBeLessThan(2_000);
  });

  test("a device of very many components is described in no time, and again", () => {
    const { read } = createConventions([{ decoder: "homeassistant" }]);
    const components = Object.fromEntries(
      Array.from({ length: 40_000 }, (_, at) => [
        `c${at}`,
        { p: "sensor", stat_t: `s/${at}`, unit_of_meas: "V" },
      ]),
    );
    const text = JSON.stringify({ cmps: components });
    const message = { topic: "homeassistant/device/a/config", bytes: Buffer.from(text), text };

    const { workMs } = workOf(() => {
      for (const atMs of [NOW_MS, NOW_MS + 1]) expect(read({ ...message, atMs }).ok).toBe(true);
    });
    expect(workMs).toBeLessThan(4_000);
  });

  test("a class of values is no pattern, and a value with such a name is not kept", () => {
    const { read } = createConventions([{ decoder: "homeassistant" }]);
    const describe = (deviceClass: string) => {
      const text = JSON.stringify({ stat_t: "s/1", unit_of_meas: "V", dev_cla: deviceClass });
      return read({
        topic: "homeassistant/sensor/hall_volt/config",
        bytes: Buffer.from(text),
        text,
        atMs: 0,
      });
    };
    expect(describe("volt")).toMatchObject({ ok: true, unread: [] });
    expect(describe("x".repeat(100_000))).toMatchObject({ ok: true });
    const value = { topic: "s/1", bytes: Buffer.from("5"), text: "5", atMs: 0 };
    expect(read(value)).toMatchObject({ reports: [{ readings: [{ property: "hall_volt" }] }] });
  });

  test("a topic has as many values as a message of it may tell, whoever describes them", () => {
    const { read } = createConventions([{ decoder: "homeassistant" }]);
    const describe = (node: string, count: number) => {
      const part = { platform: "sensor", state_topic: "s/1", unit_of_measurement: "V" };
      const names = Array.from({ length: count }, (_, n) => [`${node}${n}`, part]);
      const text = JSON.stringify({ device: { ids: "d" }, components: Object.fromEntries(names) });
      const topic = `homeassistant/device/${node}/config`;
      return read({ topic, bytes: Buffer.from(text), text, atMs: 0 });
    };
    expect(describe("a", 1_000)).toMatchObject({ unread: [] });
    expect(describe("b", 25)).toMatchObject({
      unread: ['more than 1024 values are described under "s/1"'],
    });
    const told = read({ topic: "s/1", bytes: Buffer.from("5"), text: "5", atMs: 0 });
    expect(told.ok && told.reports[0]?.readings).toHaveLength(1_000);
  });

  test("a name from a topic or a birth is a name like any other", () => {
    const { read } = createConventions([{ decoder: "esphome" }]);
    const topic = `a/binary_sensor/${"n".repeat(300)}/state`;
    const told = read({ topic, bytes: Buffer.from("ON"), text: "ON", atMs: 0 });
    expect(told).toMatchObject({
      ok: true,
      reports: [],
      unread: [expect.stringContaining("longer")],
    });
  });
});

type Block = {
  readonly line: number;
  readonly setting: string;
  readonly topic: string;
  readonly payload: string;
  readonly expected: readonly string[];
};

function readBlocks(text: string): Block[] {
  const blocks: (Block & { expected: string[] })[] = [];
  let setting = "";
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.startsWith("@ ")) setting = `${at} ${line.slice(2)}`;
    else if (line.startsWith("> ")) {
      at += 1;
      const payload = lines[at] ?? "";
      blocks.push({ line: at, setting, topic: line.slice(2), payload, expected: [] });
    } else if (/^([=+<?!-] |\.$)/.test(line)) {
      const words = line === "." ? [] : [line];
      blocks.at(-1)?.expected.push(...words);
    }
  }
  return blocks;
}

/** Tells each message to the conventions of its setting; a new setting begins with no memory. */
function createTeller() {
  let current = "";
  let memory = new Map<string, Memory>();
  let decoders = compileDecoders([]);
  const recall = (key: string) => memory.get(key);

  return (setting: string, topic: string, payload: string): string[] => {
    if (setting !== current) {
      current = setting;
      memory = new Map();
      const { also, ...own } = JSON.parse(setting.slice(setting.indexOf("{"))) as DecoderSetting & {
        also?: DecoderSetting["decoder"];
      };
      decoders = compileDecoders([own, ...(also === undefined ? [] : [{ decoder: also }])]);
    }
    const bytes = payload.startsWith("hex:")
      ? Buffer.from(payload.slice(4), "hex")
      : Buffer.from(payload === "(empty)" ? "" : payload);
    const decode = decoders.find(topic, recall);
    expect(decode, "nobody owns the topic").toBeDefined();
    const text = payload.startsWith("hex:") ? undefined : bytes.toString();
    const meaning = decode?.({ topic, bytes, text, atMs: NOW_MS }, recall) as Meaning;
    for (const [key, value] of meaning.remember)
      if (value === undefined) memory.delete(key);
      else memory.set(key, value);
    return asLines(meaning);
  };
}

function asLines(meaning: Meaning): string[] {
  const asks = meaning.ask.map(({ topic }) => `< ${topic}`);
  if (!meaning.ok) return [`! ${meaning.why}`, ...asks];
  return [
    ...meaning.news.map(({ device, state }) => `${state === "open" ? "+" : "-"} ${device}`),
    ...meaning.reports.flatMap(({ device, readings, sourceTimeMs }) =>
      readings.map(({ property, value, unit }) => {
        const time = sourceTimeMs === undefined ? "-" : new Date(sourceTimeMs).toISOString();
        return `= ${device} | ${property} | ${value} | ${unit} | ${time}`;
      }),
    ),
    ...meaning.unread.map((why) => `? ${why}`),
    ...asks,
  ];
}
