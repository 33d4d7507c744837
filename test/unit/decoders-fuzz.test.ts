/**
 * Whatever a device sends, a decoder answers with readings or a reason: nothing is thrown, no number is
 * made up that JSON or a float cannot hold, and no name reaches a prototype.
 */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type {
  DecoderName,
  DecoderSetting,
  Meaning,
} from "../../src/devices/decoders/convention.ts";
import { compileLine } from "../../src/devices/lines/line-format.ts";
import { listenRtu, listenTcp } from "../../src/devices/modbus/reply.ts";
import { createConventions } from "../../src/gateway/conventions.ts";

const TOPICS: Readonly<Record<DecoderName, readonly string[]>> = {
  tasmota: ["tele/a/SENSOR", "tele/a/STATE", "tele/a/LWT"],
  zigbee2mqtt: ["zigbee2mqtt/a", "zigbee2mqtt/a/availability", "zigbee2mqtt/bridge/state"],
  shelly: ["a/events/rpc", "a/status/switch:0", "a/online"],
  esphome: ["a/sensor/b/state", "a/binary_sensor/b/state", "a/status"],
  homeassistant: ["homeassistant/sensor/a/config", "homeassistant/device/a/config", "a/state"],
  senml: ["senml/a"],
  sparkplug: ["NBIRTH/e", "DBIRTH/e/d", "NDATA/e", "DDATA/e/d", "NDEATH/e"].map(
    (end) => `spBv1.0/g/${end}`,
  ),
  chirpstack: ["up", "status"].map(
    (event) => `application/a/device/0101010101010101/event/${event}`,
  ),
  ttn: ["v3/a@t/devices/d/up"],
};
const names = Object.keys(TOPICS) as DecoderName[];
const RUNS = { numRuns: 400 };

describe.each(names)("%s", (decoder) => {
  const settings: readonly DecoderSetting[] = [
    {
      decoder,
      utcOffset: "+03:00",
      readings: [{ name: "x", property: "x", unit: "1", absentIsZero: true }],
    },
  ];
  const words = wordsOf(decoder);

  test("any JSON, with the convention's own words in any place", () => {
    const key = fc.oneof(
      fc.constantFrom(...words, "__proto__", "constructor", "length"),
      fc.string({ maxLength: 8 }),
    );
    const leaf = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom(...words),
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        "ON",
        "nan",
        "2024-01-01T00:00:00Z",
        "1970-01-01T00:00:00",
        "{{ value_json.a }}",
        "°C",
      ),
    );
    const { document } = fc.letrec((tie) => ({
      document: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie("document"), { maxLength: 4 }),
        fc.dictionary(key, tie("document"), { maxKeys: 8 }),
      ),
    }));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...TOPICS[decoder]), document), { maxLength: 6 }),
        (messages) => {
          const { read } = createConventions(settings);
          for (const [topic, value] of messages) {
            const text = JSON.stringify(value) ?? "";
            check(read({ topic, bytes: Buffer.from(text), text, atMs: 1e12 }));
          }
        },
      ),
      RUNS,
    );
  });

  test("payloads of the documents, damaged", () => {
    const payloads = payloadsOf(decoder);
    if (payloads.length === 0) return;
    fc.assert(
      fc.property(
        fc.constantFrom(...payloads),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 32, max: 126 })), { maxLength: 6 }),
        fc.nat(),
        ([topic, payload], changes, end) => {
          const bytes = Buffer.from(payload);
          for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          const cut = bytes.subarray(0, end % 3 === 0 ? end % (bytes.length + 1) : bytes.length);
          check(
            createConventions(settings).read({
              topic,
              bytes: cut,
              text: cut.toString(),
              atMs: 1e12,
            }),
          );
        },
      ),
      RUNS,
    );
  });

  test("any bytes", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TOPICS[decoder]),
        fc.uint8Array({ maxLength: 200 }),
        (topic, bytes) => {
          check(createConventions(settings).read({ topic, bytes, text: undefined, atMs: 1e12 }));
        },
      ),
      RUNS,
    );
  });
});

test("a Modbus master hears any bytes and takes none for a reply that has not the CRC of one", () => {
  const request = Uint8Array.from([1, 4, 0, 1, 0, 2, 0x20, 0x0b]);
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (chunks) => {
      for (const ear of [listenRtu(request, false), listenTcp(request, 7)])
        for (const chunk of chunks) {
          const reply = ear.push(chunk);
          if (reply !== undefined) expect([reply[0], (reply[1] ?? 0) & 0x7f]).toEqual([1, 4]);
          expect(ear.instead()).toBeTypeOf("string");
        }
    }),
    RUNS,
  );
});

test("a line of any characters is readings, nothing, or a reason", () => {
  const read = compileLine({
    format: { kind: "pairs", separator: ";", equals: "=" },
    checksum: "none",
    decimal: ".",
    readings: [{ field: "T", property: "t", unit: "Cel", scale: 0.1, offset: -40 }],
  });
  const line = fc.oneof(
    fc.string(),
    fc.string().map((text) => `T=${text}`),
    fc.double().map((value) => `T=${value}`),
  );
  fc.assert(
    fc.property(line, (text) => {
      const told = read(text);
      if (told.kind === "readings")
        for (const { value } of told.readings) expect(Number.isFinite(value)).toBe(true);
    }),
    RUNS,
  );
});

function check(meaning: Meaning): void {
  if (!meaning.ok) {
    expect(meaning.why).toBeTypeOf("string");
    return;
  }
  for (const { device, readings, sourceTimeMs } of meaning.reports) {
    expect(device).not.toBe("");
    expect(readings.length).toBeGreaterThan(0);
    for (const { property, value, unit } of readings) {
      expect(property).not.toBe("");
      expect(Number.isFinite(value)).toBe(true);
      expect(unit).toBeTypeOf("string");
    }
    if (sourceTimeMs !== undefined) {
      expect(Number.isSafeInteger(sourceTimeMs)).toBe(true);
      expect(sourceTimeMs).toBeGreaterThanOrEqual(0);
    }
  }
}

/** Keys and texts of the convention's own payloads. */
function wordsOf(decoder: DecoderName): readonly string[] {
  const found = payloadsOf(decoder).flatMap(([, payload]) =>
    [...payload.matchAll(/"([^"\\]{1,40})"/g)].map(([, word = ""]) => word),
  );
  return [...new Set(["temperature", ...found])];
}

function payloadsOf(decoder: DecoderName): readonly (readonly [topic: string, payload: string])[] {
  const folder = new URL("../vectors/mqtt/", import.meta.url);
  if (!readdirSync(folder).includes(`${decoder}.txt`)) return [];
  const lines = readFileSync(new URL(`${decoder}.txt`, folder), "utf8").split("\n");
  return lines.flatMap((line, at) =>
    line.startsWith("> ") ? [[line.slice(2), lines[at + 1] ?? ""] as const] : [],
  );
}
