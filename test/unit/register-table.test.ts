/** Tables as somebody sends them who wants the twin to work, or who saved the wrong sheet. */
import { describe, expect, test } from "vitest";
import { readTable } from "../../src/twin/register-table.ts";
import { workOf } from "../support/work.ts";

const KNOWN = { knows: () => true, unitsOf: () => [], classNews: () => undefined, nowMs: 0 };

describe("names of columns are looked at before any row is made of them", () => {
  test.each([
    ["one name so many thousand times", "name,".repeat(20_000)],
    ["so many thousand names that are none", Array.from({ length: 20_001 }, (_, n) => n).join()],
  ])("%s", (_what, header) => {
    const { problems, workMs } = problemsOf(header, 1_000);
    expect(problems).toEqual([
      { line: 1, column: "", what: "20001 columns; the list has 2: id, name" },
    ]);
    expect(workMs).toBeLessThan(1_000);
  });

  test("the same in a line that is broken in two", () => {
    const { problems, workMs } = problemsOf(`"na\nme",${"name,".repeat(20_000)}id`, 1_000);
    const [first, second] = problems;
    expect(first).toEqual({ line: 1, column: "name", what: "is there more than once" });
    expect(second).toEqual({ line: 1, column: "na\nme", what: "is none of id, name" });
    expect(workMs).toBeLessThan(1_000);
  });

  test("a name that is none, beside mistakes in the rows", () => {
    const { problems } = problemsOf("floor,id", 2);
    expect(problems).toEqual([
      { line: 1, column: "floor", what: "is none of id, name" },
      { line: 2, column: "id", what: "is missing" },
      { line: 3, column: "id", what: "is missing" },
    ]);
  });
});

/** Rows of one cell each. */
function problemsOf(header: string, rows: number) {
  const { result, workMs } = workOf(() =>
    readTable("persons", `${header}\n${"x\n".repeat(rows)}`, KNOWN),
  );
  return { problems: result.kind === "bad" ? result.problems : [], workMs };
}
