import { describe, expect, test } from "vitest";
import { createReporting, type ReportingRule } from "../../../src/devices/reporting/reporting.ts";

const MINUTE = 60_000;

describe("by exception", () => {
  test("what stays within the deadband of the last one kept is dropped, however slowly it creeps", () => {
    const values = report(
      [{ device: "*", deadband: 0.5 }],
      [20, 20.2, 20.4, 20.5, 20.6, 20.9, 21.0, 20.6, 20.5],
    );
    expect(values).toEqual([20, 20.5, 21, 20.5]);
  });

  test("a decimal step that binary fractions make smaller is a step all the same", () => {
    expect(report([{ device: "*", deadband: 0.1 }], [0.1, 0.2, 0.3, 0.4])).toEqual([
      0.1, 0.2, 0.3, 0.4,
    ]);
  });

  test("one is kept each heartbeat, though nothing changes", () => {
    const still = Array.from({ length: 31 }, () => 20);
    expect(report([{ device: "*", deadband: 0.5, heartbeatS: 600 }], still)).toHaveLength(4);
    expect(report([{ device: "*", deadband: 0.5 }], still)).toHaveLength(3);
  });

  test("what was not kept after all counts as never seen", () => {
    const reporting = createReporting([{ device: "*", deadband: 0.5 }]);
    expect(reporting.report("a", [reading(20)], 0).keep).toHaveLength(1);
    expect(reporting.report("a", [reading(20)], 1).keep).toHaveLength(0);
    reporting.forget("a");
    expect(reporting.report("a", [reading(20)], 2).keep).toHaveLength(1);
  });

  test("the first rule that fits a device and a property is used, and nobody else is touched", () => {
    const reporting = createReporting([
      { device: "clim-*", property: "temperature", deadband: 1 },
      { device: "clim-*", deadband: 10 },
    ]);
    const tell = (device: string, temperature: number, humidity: number, nowMs: number) =>
      reporting
        .report(
          device,
          [reading(temperature), { property: "relative_humidity", value: humidity, unit: "%" }],
          nowMs,
        )
        .keep.map(({ property }) => property);
    tell("clim-1", 20, 40, 0);
    expect(tell("clim-1", 21, 45, 1)).toEqual(["temperature"]);
    expect(tell("clim-1", 21.5, 50, 2)).toEqual(["relative_humidity"]);
    tell("door-1", 20, 40, 0);
    expect(tell("door-1", 20, 40, 1)).toHaveLength(2);
    // The dot of a name is a dot.
    expect(createReporting([{ device: "a.b", deadband: 1 }]).silentMs("axb")).toBeUndefined();
  });
});

describe("stuck", () => {
  const rules: readonly ReportingRule[] = [{ device: "*", stuckAfterS: 600 }];

  test("a value that never moves is told once, and again only after it has moved", () => {
    const reporting = createReporting(rules);
    const told: string[] = [];
    const moved: number[] = [];
    const values = [...new Array(15).fill(20), 20.1, ...new Array(15).fill(20.1)];
    values.forEach((value, minute) => {
      const { stuck, moves } = reporting.report("a", [reading(value)], minute * MINUTE);
      told.push(...stuck);
      if (moves) moved.push(minute);
    });
    expect(told).toEqual([
      "temperature has said 20 Cel for 600 s",
      "temperature has said 20.1 Cel for 600 s",
    ]);
    // At first, too: what was known of it before is forgotten.
    expect(moved).toEqual([0, 15]);
  });

  test("a device moves again when all of it does", () => {
    const reporting = createReporting(rules);
    const both = (a: number, b: number, minute: number) =>
      reporting.report(
        "a",
        [reading(a), { property: "pressure", value: b, unit: "hPa" }],
        minute * MINUTE,
      );
    for (let minute = 0; minute <= 12; minute++) both(20, 1000, minute);
    expect(both(21, 1000, 13).moves).toBe(false);
    expect(both(21, 1001, 14).moves).toBe(true);
  });

  test("what was not kept after all is still stuck until it moves", () => {
    const reporting = createReporting(rules);
    for (let minute = 0; minute <= 12; minute++)
      reporting.report("a", [reading(20)], minute * MINUTE);
    reporting.forget("a");
    expect(reporting.report("a", [reading(20)], 13 * MINUTE)).toMatchObject({
      stuck: [],
      moves: false,
    });
    expect(reporting.report("a", [reading(21)], 14 * MINUTE).moves).toBe(true);
  });

  test("a device that makes up names without end moves again, too", () => {
    const reporting = createReporting(rules);
    for (let minute = 0; minute <= 12; minute++)
      reporting.report("a", [reading(20)], minute * MINUTE);
    const moved = Array.from({ length: 300 }, (_, at) => {
      const told = { property: `made_up_${at}`, value: at, unit: "1" };
      return reporting.report("a", [told], 13 * MINUTE).moves;
    });
    moved.push(reporting.report("a", [reading(21)], 14 * MINUTE).moves);
    expect(moved).toContain(true);
  });

  test("a device that others drove out while it was stuck is not stuck for ever", () => {
    const reporting = createReporting(rules);
    for (let minute = 0; minute <= 12; minute++)
      reporting.report("a", [reading(20)], minute * MINUTE);
    for (let at = 0; at < 16_384; at++)
      reporting.report(`made-up-${at}`, [reading(at)], 13 * MINUTE);
    expect(reporting.report("a", [reading(21)], 14 * MINUTE).moves).toBe(true);
  });

  test("two reports are no evidence", () => {
    const reporting = createReporting(rules);
    reporting.report("a", [reading(20)], 0);
    expect(reporting.report("a", [reading(20)], 60 * MINUTE).stuck).toEqual([]);
  });
});

/** Values of one device, a minute apart: those that are kept. */
function report(rules: readonly ReportingRule[], values: readonly number[]): readonly number[] {
  const reporting = createReporting(rules);
  return values.flatMap((value, minute) =>
    reporting.report("a", [reading(value)], minute * MINUTE).keep.map((kept) => kept.value),
  );
}

function reading(value: number) {
  return { property: "temperature", value, unit: "Cel" };
}
