/** What the command makes of forms that the files beside it do not show, and of files with faults. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Item, unlike } from "../../src/cli/conformance/compare.ts";
import { type Case, readCases, unread } from "../../src/cli/conformance/format.ts";
import { runCase } from "../../src/cli/conformance.ts";

const file = readCases(new URL("reconcile-cases.json", import.meta.url).pathname);
const first = file.cases[0] as Case;
const expected = first.expect[0] as Case["expect"][number];

function judge(one: Case) {
  return runCase(file, one, "scans");
}

test("a field that nobody knows is named and not counted as passed", () => {
  const [result] = judge({ ...first, expect: [{ ...expected, colour: "red", toString: 1 }] });
  expect(result).toMatchObject({ differences: [], notEvaluated: ["colour", "toString"] });
});

test("what a case says and nobody reads is named, but for its policies", () => {
  const events = first.events.map((scan) => ({ ...scan, marker: "whistle", weight: 3 }));
  const strange = { ...first, events, custodyGapHours: 4, weather: "fine" } as Case;
  expect(new Set(unread(strange, (name) => name === "custodyGapHours"))).toEqual(
    new Set(["case field weather", "scan field weight", "marker whistle"]),
  );
});

test("a core value of a wrong shape is a difference; another of a shape not known is not evaluated", () => {
  const [result] = judge({ ...first, expect: [{ ...expected, contents: 7, order: "late" }] });
  expect(result?.differences.map(({ field }) => field)).toEqual(["contents"]);
  expect(result?.notEvaluated).toEqual([expect.stringContaining("order")]);
});

test("a thing that the file does not know is called as its scan notes it", () => {
  const [scan, ...rest] = first.events;
  const strange = { ...scan, barcode: "]d22539521234000013X00007P01", entity: "guest" };
  const { openDiscrepancies: _, path: __, contents: ___, ...others } = expected;
  const one = {
    ...first,
    events: [strange, ...rest],
    expect: [
      {
        ...others,
        path: { guest: ["F1", "S1", "R1", "ARCH", "MSK"] },
        openDiscrepancies: [{ kind: "unknown_identifier", subject: "guest" }],
        certainty: { guest: "observed" },
        who: { guest: "op-anna" },
      },
    ],
  };
  expect(judge(one as unknown as Case)).toMatchObject([{ differences: [] }]);
});

test("a case without its times says so", () => {
  const events = [{ ...first.events[0], time: "soon" }, ...first.events.slice(1)];
  expect(() => judge({ ...first, events } as Case)).toThrow("events[0].time is no time");
});

test("a file whose cases are none is refused with every reason", () => {
  const folder = mkdtempSync(join(tmpdir(), "racktrace-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "cases.json");
  const cases = [3, { a: 1 }, { id: "Z", events: {} }];
  writeFileSync(path, JSON.stringify({ format: "reconcile-cases/1", cases }));
  expect(() => readCases(path)).toThrow(/cases\[0\] is no case.*cases\[1\] has no id.*Z\.events/);
});

test("setups of many forms mean the same", () => {
  const gated = file.cases.find(({ id }) => id === "RC-110") as Case;
  const proof = { id: "v", type: "VOID", target: "a1", from_scans: [], reason: "did_not_occur" };
  const void_ = { ...proof, time: "2026-03-03T09:00:00Z", recordTime: "2026-03-03T09:00:01Z" };
  const time = "2026-03-02T16:00:00Z";
  const later = { at: "2026-03-03T10:00:00Z", asKnownAt: "2026-03-03T10:00:00Z" };
  for (const executed of [
    { audit_release: time },
    { audit_release: { time, by: "op-eva" } },
    [{ gate: "audit_release", process: "release", time }],
  ]) {
    const one = {
      ...gated,
      executed,
      assertions: [...gated.assertions, void_],
      expect: [{ ...later, reviewExecuted: ["audit_release"] }],
    };
    expect(judge(one as Case)).toMatchObject([{ differences: [], notEvaluated: [] }]);
  }
});

describe("a list is expected", () => {
  const items: readonly Item[] = [
    { names: ["p1"], time: "2026-03-02T10:00:00.000Z" },
    { names: ["p2"], time: "2026-03-02T11:00:00.000Z" },
  ];
  test.each([
    [["p2", "p1"]],
    [2],
    [true],
    [{ p1: true, p2: 1, p3: false }],
    [[{ time: "2026-03-02T10:00:00Z" }, "p2"]],
    [{ p1: "2026-03-02T10:00:00Z" }],
  ])("as %j, and is so", (as) => expect(unlike(as, items)).toBeUndefined());
  test.each([[["p1"]], [["p1", "p3"]], [3], [false], [{ p1: false }], [null], [{ p3: true }]])(
    "as %j, and is not",
    (as) => expect(unlike(as, items)).toBeDefined(),
  );
});
