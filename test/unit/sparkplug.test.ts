/**
 * Sparkplug B against Eclipse Tahu's own encoder, which knows nothing of us: births, aliases, gaps,
 * rebirths, late last wills and what a sequence number means.
 */
import { get } from "sparkplug-payload";
import type { UPayload as Tahu } from "sparkplug-payload/lib/sparkplugbpayload.js";
import { describe, expect, test } from "vitest";
import type { Meaning } from "../../src/devices/decoders/convention.ts";
import { createReporting } from "../../src/devices/reporting/reporting.ts";
import { createConventions } from "../../src/gateway/conventions.ts";
import { createIntake } from "../../src/gateway/intake.ts";
import type { Sensors } from "../../src/gateway/sensors.ts";
import { createPretendedClock, rest } from "../support/pretended-clock.ts";
import { createPretendedOutbox } from "../support/pretended-outbox.ts";

const tahu = get("spBv1.0");
if (tahu === undefined || tahu === null) throw new Error("the encoder speaks another version");
const encoder = tahu;
const T0 = 1_700_000_000_000;

describe("what is born", () => {
  test("a birth gives names and units to the aliases that follow, under the device they belong to", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    host.hears("DBIRTH/edge1/freezer", {
      seq: 1,
      metrics: [
        { name: "Temperature", alias: 7, type: "Float", value: -18.5, ...celsius },
        { name: "Door open", alias: 8, type: "Boolean", value: false },
      ],
    });

    expect(
      host.hears("DDATA/edge1/freezer", { seq: 2, metrics: [aliased(7, "Float", -18.25)] }),
    ).toEqual(["plant/edge1/freezer temperature -18.25 Cel"]);
    expect(
      host.hears("DDATA/edge1/freezer", { seq: 3, metrics: [aliased(8, "Boolean", true)] }),
    ).toEqual(["plant/edge1/freezer door_open 1 1"]);
  });

  test("a metric is in the unit that its birth says, whatever its name usually means", () => {
    const host = createHost();
    const metrics = [
      { name: "temperature", alias: 1, type: "Float" as const, value: 72, ...fahrenheit },
      { name: "humidity", alias: 2, type: "Float" as const, value: 40 },
      { name: "contact", alias: 3, type: "Boolean" as const, value: true },
    ];
    expect(host.hears("NBIRTH/edge1", { seq: 0, metrics })).toEqual([
      "+ plant/edge1",
      "plant/edge1 temperature 72 [degF]",
      "plant/edge1 relative_humidity 40 %",
      "plant/edge1 door_open 0 1",
    ]);
  });

  test("a birth's own values are readings, and both it and its devices are there", () => {
    const host = createHost();
    expect(host.hears("NBIRTH/edge1", birth())).toEqual([
      "+ plant/edge1",
      "plant/edge1 supply 23.9 V",
    ]);
    expect(host.hears("DBIRTH/edge1/freezer", freezer(1))).toEqual([
      "+ plant/edge1/freezer",
      "plant/edge1/freezer temperature -18.5 Cel",
    ]);
  });

  test.each([
    ["Int8", -5],
    ["Int16", -300],
    ["Int32", -70_000],
    ["Int64", -5_000_000_000],
    ["UInt8", 250],
    ["UInt16", 65_000],
    ["UInt32", 4_000_000_000],
    ["UInt64", 5_000_000_000],
    ["Float", 21.4],
    ["Double", 21.400000000001],
  ] as const)("a value of the type %s comes out as it went in", (type, value) => {
    const host = createHost();
    host.hears("NBIRTH/edge1", {
      seq: 0,
      metrics: [{ name: "T", alias: 1, type, value, ...celsius }],
    });
    expect(host.hears("NDATA/edge1", { seq: 1, metrics: [aliased(1, type, value)] })).toEqual([
      `plant/edge1 t ${value} Cel`,
    ]);
  });

  test("texts, dates and values that are null measure nothing", () => {
    const host = createHost();
    const metrics = [
      { name: "Label", type: "String" as const, value: "hall" },
      { name: "When", type: "DateTime" as const, value: T0 },
      { name: "T", type: "Float" as const, value: null, isNull: true, ...celsius },
    ];
    expect(host.hears("NBIRTH/edge1", { seq: 0, metrics })).toEqual(["+ plant/edge1"]);
  });

  test("a metric without a unit is told as unread, and the others are readings", () => {
    const host = createHost();
    const metrics = [
      { name: "Wobble", type: "Float" as const, value: 1 },
      { name: "T", type: "Float" as const, value: 4, ...celsius },
    ];
    expect(host.hears("NBIRTH/edge1", { seq: 0, metrics })).toEqual([
      "+ plant/edge1",
      "plant/edge1 t 4 Cel",
      '? no unit is known for "Wobble"; name it under readings',
    ]);
  });

  test("values from the store of an edge node that was cut off keep their own time", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    const metrics = [
      { ...aliased(1, "Float", 23), timestamp: T0 - 60_000, isHistorical: true },
      { ...aliased(1, "Float", 24), timestamp: T0 },
    ];
    const meaning = host.reads("NDATA/edge1", { seq: 1, metrics });
    const told =
      meaning.ok && meaning.reports.map(({ sourceTimeMs, past }) => [sourceTimeMs, past]);
    expect(told).toEqual([
      [T0 - 60_000, true],
      [T0, undefined],
    ]);
  });

  test("a stored value and one of now are two reports, also of one moment", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    const metrics = [
      { ...aliased(1, "Float", 23), timestamp: T0, isHistorical: true },
      { ...aliased(1, "Float", 24), timestamp: T0 },
    ];
    const meaning = host.reads("NDATA/edge1", { seq: 1, metrics });
    const reports = meaning.ok ? meaning.reports : [];
    expect(reports.map(({ readings, past }) => [readings[0]?.value, past])).toEqual([
      [23, true],
      [24, undefined],
    ]);
    expect(new Set(reports.map(({ id }) => id)).size).toBe(2);
  });

  test("a stored value without a time of its own is not given that of its message", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    const metrics = [{ ...aliased(1, "Float", 23), isHistorical: true }];
    expect(host.hears("NDATA/edge1", { seq: 1, metrics })).toEqual([
      '? "Supply" is of the past and does not say of when',
    ]);
  });

  test("stored values are kept each, and pass neither for the last one nor for a sign of life", async () => {
    const outbox = createPretendedOutbox();
    const clock = createPretendedClock();
    const reporting = createReporting([{ device: "*", deadband: 5 }]);
    const noticed: number[] = [];
    let events = 0;
    let heard = 0;
    const intake = createIntake(
      {
        outbox: {
          ...outbox,
          put: (lane, more) => {
            events += more.length;
            return outbox.put(lane, more);
          },
        },
        clock,
        sensors: { heard: () => (heard += 1), news: () => undefined } as unknown as Sensors,
        noticed: (_device, readings) => noticed.push(...readings.map(({ value }) => value)),
        sift: {
          keep: (device, readings) => [
            ...reporting.report(device, readings, clock.monotonicMs()).keep,
          ],
          failed: () => undefined,
        },
      },
      { mappings: [], decoders: [{ decoder: "sparkplug" }] },
    );
    const session = intake.open({ clientId: "edge1", resumes: true }, () => undefined);
    const says = async (type: string, payload: object) => {
      const bytes = encoder.encodePayload({ timestamp: T0, ...payload } as Tahu);
      const topic = `spBv1.0/plant/${type}/edge1`;
      const sent = {
        topic,
        payload: bytes,
        qos: 0,
        dup: false,
        retain: false,
        packetId: 0,
      } as const;
      session.take(sent, 1);
      await rest();
      return events;
    };
    const stored = (value: number, agoMs: number) => {
      return { ...aliased(1, "Float", value), timestamp: T0 - agoMs, isHistorical: true };
    };

    expect(await says("NBIRTH", birth())).toBe(1);
    // Within the deadband, and kept all the same: three moments.
    expect(
      await says("NDATA", { seq: 1, metrics: [stored(24, 9), stored(24, 8), stored(99, 7)] }),
    ).toBe(4);
    // Compared with 23.9 of the birth, and not with 99.
    expect(await says("NDATA", { seq: 2, metrics: [aliased(1, "Float", 25)] })).toBe(4);
    expect(noticed).toEqual([23.9, 25]);
    expect(heard).toBe(2);
  });
});

describe("what is beyond all bounds", () => {
  test("an edge node that makes up devices without end is forgotten, and its neighbour is not", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    host.hears("NBIRTH/endless", { seq: 0, metrics: [] });
    const told = Array.from({ length: 64 }, (_, at) => {
      const metrics = Array.from({ length: 2_000 }, (_, n) => {
        return { name: `${n} ${"x".repeat(80)}`, type: "Float", value: n };
      });
      const [first] = host.hears(`DBIRTH/endless/d${at}`, { seq: at + 1, metrics });
      return first;
    });

    expect(told.at(-1)).toContain("a rebirth was asked for");
    expect(host.hears("NDATA/edge1", { seq: 1, metrics: [aliased(1, "Float", 24)] })).toEqual([
      "plant/edge1 supply 24 V",
    ]);
  });
});

describe("what was lost", () => {
  test("data without a birth waits, and a rebirth is asked for once in ten seconds", () => {
    const host = createHost();
    expect(host.hears("NDATA/edge1", { seq: 5, metrics: [aliased(1, "Float", 1)] })).toEqual([
      "! no birth of the edge node was heard; a rebirth was asked for",
      "< spBv1.0/plant/NCMD/edge1 Node Control/Rebirth=true",
    ]);
    host.passes(9_000);
    expect(host.hears("NDATA/edge1", { seq: 6, metrics: [aliased(1, "Float", 1)] })).toHaveLength(
      1,
    );
    host.passes(2_000);
    expect(host.hears("NDATA/edge1", { seq: 7, metrics: [aliased(1, "Float", 1)] })).toHaveLength(
      2,
    );
  });

  test("after a gap nothing is read under the old aliases until the node is born again", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    expect(host.hears("NDATA/edge1", { seq: 2, metrics: [aliased(1, "Float", 1)] })[0]).toBe(
      "! seq 2 after 0: something was lost; a rebirth was asked for",
    );
    expect(host.hears("NDATA/edge1", { seq: 3, metrics: [aliased(1, "Float", 1)] })[0]).toContain(
      "!",
    );
    host.hears("NBIRTH/edge1", birth());
    expect(host.hears("NDATA/edge1", { seq: 1, metrics: [aliased(1, "Float", 22)] })).toEqual([
      "plant/edge1 supply 22 V",
    ]);
  });

  test("numbers come round after 255", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", { ...birth(), seq: 255 });
    expect(host.hears("NDATA/edge1", { seq: 0, metrics: [aliased(1, "Float", 22)] })).toHaveLength(
      1,
    );
  });

  test("the same message sent again is the same report by its id", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    const data = { seq: 1, metrics: [aliased(1, "Float", 22)] };
    const ids = [host.reads("NDATA/edge1", data), host.reads("NDATA/edge1", data)].map(
      (meaning) => meaning.ok && meaning.reports[0]?.id,
    );
    expect(ids[0]).toBeTruthy();
    expect(ids[0]).toBe(ids[1]);
  });

  test("a device and an alias that were never born ask for a rebirth", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    expect(host.hears("DDATA/edge1/ghost", { seq: 1, metrics: [] })[0]).toContain(
      "no birth of the device",
    );
    const other = createHost();
    other.hears("NBIRTH/edge1", birth());
    expect(other.hears("NDATA/edge1", { seq: 1, metrics: [aliased(99, "Float", 1)] })[0]).toContain(
      "alias 99",
    );
  });
});

describe("what is gone", () => {
  test("an edge node takes its devices with it", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth(1));
    host.hears("DBIRTH/edge1/freezer", freezer(1));
    expect(host.hears("NDEATH/edge1", death(1))).toEqual([
      "- plant/edge1",
      "- plant/edge1/freezer",
    ]);
    expect(host.hears("DDATA/edge1/freezer", { seq: 2, metrics: [] })[0]).toContain("no birth");
  });

  test("a last will of an older session, delivered late, changes nothing", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth(2));
    expect(host.hears("NDEATH/edge1", death(1))).toEqual([]);
    expect(host.hears("NDATA/edge1", { seq: 1, metrics: [aliased(1, "Float", 22)] })).toHaveLength(
      1,
    );
  });

  test("a device's death leaves its edge node there", () => {
    const host = createHost();
    host.hears("NBIRTH/edge1", birth());
    host.hears("DBIRTH/edge1/freezer", freezer(1));
    expect(host.hears("DDEATH/edge1/freezer", { seq: 2, metrics: [] })).toEqual([
      "- plant/edge1/freezer",
    ]);
    expect(host.hears("NDATA/edge1", { seq: 3, metrics: [aliased(1, "Float", 22)] })).toHaveLength(
      1,
    );
  });
});

test("bytes that are no payload say so, however they are cut", () => {
  const host = createHost();
  const whole = encoder.encodePayload({ timestamp: T0, ...birth() } as Tahu);
  for (let length = 1; length < whole.length; length++) {
    const told = host.bytes("NBIRTH/edge1", whole.subarray(0, length));
    expect(told.length).toBeGreaterThan(0);
  }
  expect(host.bytes("NBIRTH/edge1", Uint8Array.of(0xff, 0xff, 0xff))[0]).toMatch(/^! /);
  expect(host.bytes("NBIRTH/edge1", Uint8Array.of(0x12, 0xff, 0xff, 0xff, 0xff, 0x0f))[0]).toMatch(
    /^! /,
  );
});

test("commands and hosts' states are nobody's readings", () => {
  const host = createHost();
  expect(host.hears("NCMD/edge1", { metrics: [] })).toEqual([]);
  expect(host.hears("DCMD/edge1/freezer", { metrics: [] })).toEqual([]);
});

const celsius = { properties: { engUnit: { type: "String" as const, value: "°C" } } };
const fahrenheit = { properties: { engUnit: { type: "String" as const, value: "°F" } } };
const volts = { properties: { engUnit: { type: "String" as const, value: "V" } } };

function birth(session = 0) {
  return {
    seq: 0,
    metrics: [
      { name: "bdSeq", type: "UInt64" as const, value: session },
      { name: "Node Control/Rebirth", type: "Boolean" as const, value: false },
      { name: "Supply", alias: 1, type: "Float" as const, value: 23.9, ...volts },
    ],
  };
}

function death(session: number) {
  return { metrics: [{ name: "bdSeq", type: "UInt64" as const, value: session }] };
}

function freezer(seq: number) {
  return {
    seq,
    metrics: [{ name: "Temperature", alias: 7, type: "Float" as const, value: -18.5, ...celsius }],
  };
}

function aliased(
  alias: number,
  type: "Float" | "Double" | "Boolean" | `${"U" | ""}Int${8 | 16 | 32 | 64}`,
  value: number | boolean,
) {
  return { alias, type, value };
}

function createHost() {
  const conventions = createConventions([{ decoder: "sparkplug" }]);
  let atMs = T0;
  const read = (path: string, bytes: Uint8Array): Meaning => {
    const [type, ...rest] = path.split("/");
    const topic = ["spBv1.0", "plant", type, ...rest].join("/");
    return conventions.read({ topic, bytes, text: undefined, atMs });
  };
  // The encoder wants names of metrics in its types; data by alias has none.
  const encode = (payload: object) => encoder.encodePayload({ timestamp: T0, ...payload } as Tahu);
  return {
    passes(ms: number) {
      atMs += ms;
    },
    reads: (path: string, payload: object) => read(path, encode(payload)),
    hears: (path: string, payload: object) => asLines(read(path, encode(payload))),
    bytes: (path: string, bytes: Uint8Array) => asLines(read(path, bytes)),
  };
}

function asLines(meaning: Meaning): string[] {
  const asks = meaning.ask.map(({ topic, bytes }) => {
    const [metric] = encoder.decodePayload(bytes).metrics ?? [];
    return `< ${topic} ${metric?.name}=${metric?.value}`;
  });
  if (!meaning.ok) return [`! ${meaning.why}`, ...asks];
  return [
    ...meaning.news.map(({ device, state }) => `${state === "open" ? "+" : "-"} ${device}`),
    ...meaning.reports.flatMap(({ device, readings }) =>
      readings.map(({ property, value, unit }) => `${device} ${property} ${value} ${unit}`),
    ),
    ...meaning.unread.map((why) => `? ${why}`),
    ...asks,
  ];
}
