/**
 * Devices' payloads from public documents and what they mean: test/vectors/mqtt, one file for each
 * convention. A file's blocks share the memory, as messages do in a gateway.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { DecoderSetting, Meaning, Memory } from "../../src/devices/decoders/convention.ts";
import { compileDecoders } from "../../src/devices/decoders/decoders.ts";
import { ucumOfSenml, ucumOfWritten } from "../../src/devices/decoders/units.ts";

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
