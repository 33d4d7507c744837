import { describe, expect, test } from "vitest";
import { compileMappings, type Mapping } from "../../src/devices/mqtt-mapping/mapping.ts";
import { readSourceTime, type TimeUnit } from "../../src/devices/mqtt-mapping/source-time.ts";
import { matchTopic, topicProblem } from "../../src/devices/mqtt-mapping/topic.ts";
import { workOf } from "../support/work.ts";

describe("topics", () => {
  test("a filter matches as MQTT 3.1.1 section 4.7 says, and hands over what its wildcards stand for", () => {
    check(
      `
      dc1/+/climate   dc1/s1/climate     s1
      dc1/+/climate   dc1//climate       (empty)
      dc1/+/climate   dc1/s1/door        no
      dc1/+/climate   dc1/s1/climate/x   no
      dc1/+           dc1                no
      +/+             a/b                a b
      +/+             /b                 (empty) b
      dc1/#           dc1/a/b            a/b
      dc1/#           dc1                (empty)
      dc1/+/#         dc1/a/b/c          a b/c
      #               a/b                a/b
      a/b             a/b                -
      a/b             A/b                no
      a/b             a/b/               no
      `,
      (filter, topic) => {
        const found = matchTopic(filter, topic);
        if (found === undefined) return "no";
        return found.length === 0 ? "-" : found.map((level) => level || "(empty)").join(" ");
      },
    );
  });

  test.each([
    ["", "empty"],
    ["$SYS/broker/load", "belong to the broker"],
    ["$anything", "belong to the broker"],
    ["a/+/b", "wildcards"],
    ["a/#", "wildcards"],
    ["a\u0000b", "control"],
    ["a\u0085b", "control"],
    ["a\ufffdb", "UTF-8"],
    ["a/".repeat(40), "levels"],
    ["a".repeat(1025), "characters"],
  ])("nobody publishes to %j", (topic, why) => {
    expect(topicProblem(topic)).toContain(why);
  });

  test("ordinary names, also beyond ASCII, are fine", () => {
    for (const topic of ["a", "/", "dc1/s1/climate", "архив/полка 1", "a$b", "data/🌡"])
      expect(topicProblem(topic)).toBeUndefined();
  });
});

describe("device names", () => {
  test("the first mapping that matches names the device", () => {
    const { find } = compileMappings([
      { ...climate, topic: "dc1/hall/+", device: "hall" },
      { ...climate, topic: "dc1/+/+", device: "{2}-of-{1}" },
    ]);

    expect(find("dc1/hall/climate")).toMatchObject({ ok: true, source: { device: "hall" } });
    expect(find("dc1/s7/climate")).toMatchObject({ ok: true, source: { device: "climate-of-s7" } });
  });

  test("a topic without a mapping, or whose wildcard gives no name, says so", () => {
    const { find } = compileMappings([climate]);

    expect(find("dc2/s1/climate")).toEqual({ ok: false, why: "no mapping matches the topic" });
    expect(find("dc1//climate")).toMatchObject({ ok: false, why: /device name/ });
    expect(find(`dc1/${"x".repeat(129)}/climate`)).toMatchObject({ ok: false, why: /device name/ });
  });
});

describe("JSON payloads", () => {
  test("readings, the device's own time and the payload's own id come out", () => {
    const payload = '{"id":"m-1","ts":1700000000123,"temperature":21.4,"humidity":44}';

    expect(decode(climate, payload)).toEqual({
      ok: true,
      readings: [
        { property: "temperature", value: 21.4, unit: "Cel" },
        { property: "relative_humidity", value: 44, unit: "%" },
      ],
      sourceTimeMs: 1_700_000_000_123,
      id: '"m-1',
    });
  });

  test("what is absent or null is left out; zero is a value", () => {
    expect(decode(climate, '{"temperature":0,"humidity":null}')).toEqual({
      ok: true,
      readings: [{ property: "temperature", value: 0, unit: "Cel" }],
      sourceTimeMs: undefined,
      id: undefined,
    });
  });

  test.each([
    ["{", "not JSON"],
    ["", "not JSON"],
    ["{}", "no reading at /temperature, /humidity"],
    ["[1,2]", "no reading"],
    ["21.4", "no reading"],
    ['{"temperature":"21.4"}', "/temperature is not a number"],
    ['{"temperature":1e999}', "/temperature is not a number"],
    ['{"temperature":21,"humidity":{}}', "/humidity is not a number"],
    ['{"temperature":21,"ts":"soon"}', "/ts is not a number"],
    ['{"temperature":21,"ts":-1}', "/ts is not an instant"],
    ['{"temperature":21,"ts":1e300}', "/ts is not an instant"],
    ['{"temperature":21,"id":{}}', "/id is neither"],
    ['{"temperature":21,"id":1.5}', "/id is neither"],
    [`{"temperature":21,"id":"${"x".repeat(257)}"}`, "/id is neither"],
  ])("%s is not understood, and the reason is said", (payload, why) => {
    expect(decode(climate, payload)).toMatchObject({
      ok: false,
      why: expect.stringContaining(why),
    });
  });

  test("a pointer finds own values only, through lists and escaped names", () => {
    check(
      `
      /a/b         {"a":{"b":5}}                5
      /a/1         {"a":[1,7]}                  7
      /a/01        {"a":[1,7]}                  -
      /a/length    {"a":[1,7]}                  -
      /a~1b        {"a/b":3}                    3
      /m~0n        {"m~n":4}                    4
      /~01         {"~1":6}                     6
      /__proto__/x {"a":1}                      -
      /toString    {"a":1}                      -
      /x/y         {"x":null}                   -
      /a/b         {"a":"text"}                 -
      `,
      (pointer, payload) => {
        const mapping: Mapping = { ...climate, readings: [{ pointer, property: "p", unit: "1" }] };
        const decoded = decode(mapping, payload);
        return decoded.ok ? String(decoded.readings[0]?.value) : "-";
      },
    );
  });

  test("a thousand levels of nesting are read, not feared", () => {
    const deep = `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`;
    expect(decode(climate, deep)).toMatchObject({ ok: false });
  });

  test('the ids 7 and "7" are two ids', () => {
    const number = decode(climate, '{"temperature":1,"id":7}');
    const text = decode(climate, '{"temperature":1,"id":"7"}');
    expect(number.ok && text.ok && number.id !== text.id).toBe(true);
  });
});

describe("plain numbers", () => {
  const door: Mapping = {
    topic: "dc1/+/door",
    device: "{1}",
    payload: "number",
    readings: [{ property: "door_open", unit: "1" }],
  };

  test("a number is a reading", () => {
    for (const [payload, value] of [
      ["1", 1],
      [" 0\n", 0],
      ["-1.5e3", -1500],
      ["+.5", 0.5],
    ] as const)
      expect(decode(door, payload)).toMatchObject({ ok: true, readings: [{ value }] });
  });

  test.each(["", " ", "on", "0x10", "1,5", "NaN", "Infinity", "1e999", "1 2", "true"])(
    "%j is not a number",
    (payload) => {
      expect(decode(door, payload)).toEqual({ ok: false, why: "the payload is not a number" });
    },
  );

  test("a long payload that is nearly a number is refused in no time", () => {
    const { workMs } = workOf(() =>
      expect(decode(door, `${"1".repeat(65_536)}x`)).toMatchObject({ ok: false }),
    );
    // Eleven seconds before.
    expect(workMs).toBeLessThan(2_000);
  });
});

describe("the device's own time", () => {
  test("it is read in the configured unit, and refused where it names no instant", () => {
    check(
      `
      ms       1700000000123                1700000000123
      ms       0                            0
      ms       1.6                          2
      s        1700000000.5                 1700000000500
      s        "1700000000"                 is not a number
      iso8601  "2026-03-01T10:00:00Z"       1772359200000
      iso8601  "2026-03-01T10:00:00.25Z"    1772359200250
      iso8601  "2026-03-01T10:00:00,25Z"    1772359200250
      iso8601  "2026-03-01T13:00:00+03:00"  1772359200000
      iso8601  "2026-03-01T13:00:00+0300"   1772359200000
      iso8601  "2026-03-01t10:00z"          1772359200000
      iso8601  "2026-03-01T10:00:00"        is not an ISO 8601 time with a zone
      iso8601  "2026-03-01"                 is not an ISO 8601 time with a zone
      iso8601  "2026-13-01T10:00:00Z"       is not an instant since 1970
      iso8601  "1969-12-31T23:59:59Z"       is not an instant since 1970
      iso8601  1700000000                   is not an ISO 8601 time with a zone
      `,
      (unit, value) => {
        const read = readSourceTime(JSON.parse(value), unit as TimeUnit);
        return read.ok ? String(read.ms) : read.why;
      },
    );
  });
});

const climate: Mapping = {
  topic: "dc1/+/climate",
  device: "{1}",
  payload: "json",
  time: { pointer: "/ts", unit: "ms" },
  id: "/id",
  readings: [
    { pointer: "/temperature", property: "temperature", unit: "Cel" },
    { pointer: "/humidity", property: "relative_humidity", unit: "%" },
  ],
};

function decode(mapping: Mapping, payload: string) {
  const found = compileMappings([{ ...mapping, topic: "t", device: "d" }]).find("t");
  if (!found.ok) throw new Error(found.why);
  return found.source.decode(payload);
}

/** Each line: two inputs without blanks, then what comes out. */
function check(table: string, told: (first: string, second: string) => string): void {
  const lines = table.trim().split("\n");
  const expected = lines.map((line) => line.trim().replaceAll(/\s+/g, " "));
  const actual = expected.map((line) => {
    const [first = "", second = ""] = line.split(" ");
    return `${first} ${second} ${told(first, second)}`;
  });
  expect(actual).toEqual(expected);
}
