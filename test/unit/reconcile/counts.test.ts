/** Rules 10 and 11: what a count says about presence and absence, and what is found again. */
import { describe, expect, test } from "vitest";
import { tell } from "../../support/story.ts";

const count = (scope: string, things: string, more = "") =>
  `10:00 gw-a#50 stock_taking: count scope=${scope} things=${things} startMs=09:50 confirmedEmpty=${more || "false"}`;
const PUT = `
  08:10 gw-a#1 storing: add parent=FOLDER1 things=page1,page2
  08:11 gw-a#2 storing: add parent=ENV1 things=page3
  08:12 gw-a#3 packing: close thing=ENV1
  08:13 gw-a#4 storing: add parent=SHELF1 things=ENV1
`;
const counted = (things: string, between = "", scope = "SHELF1") =>
  tell(`${PUT}${between}\n${count(scope, things)}`);

describe("what was not seen in a count (rule 10)", () => {
  test("of containers is missing, but what is in the others is not", () => {
    const { open, path } = counted("FOLDER1");
    expect(open()).toEqual(["missing_item ENV1"]);
    expect(path("page1")).toMatch(/^FOLDER1 < SHELF1/);
    expect(path("page3")).toBe("ENV1");
  });

  test("of pages is missing, page by page; a folder is there when a page of it is", () => {
    expect(counted("page1,ENV1").open()).toEqual(["missing_item page2"]);
    expect(counted("ENV1,page3").open()).toEqual([
      "missing_item FOLDER1",
      "missing_item page1",
      "missing_item page2",
    ]);
  });

  test("of pages is not missing in a sealed envelope that was seen, and is in one that was not", () => {
    expect(counted("page1,page2,FOLDER1").open()).toEqual([
      "missing_item ENV1",
      "missing_item page3",
    ]);
    expect(counted("page1,page2,ENV1").open()).toEqual([]);
  });

  test("of pages is missing in an open envelope that was seen", () => {
    const opened = "08:20 gw-a#5 unpacking: open thing=ENV1";
    expect(counted("page1,page2,ENV1", opened).open()).toEqual(["missing_item page3"]);
  });

  test("is a loose page only where pages were counted, or where somebody said that nothing is there", () => {
    const loose = "08:20 gw-a#5 inspecting: observe things=page4 place=SHELF1";
    expect(counted("FOLDER1,ENV1", loose).open()).toEqual([]);
    expect(counted("page1,page2,ENV1", loose).open()).toEqual(["missing_item page4"]);
    const empty = tell(`${PUT}${loose}\n${count("SHELF1", "", "true")}`);
    expect(empty.open()).toEqual([
      "missing_item ENV1",
      "missing_item FOLDER1",
      "missing_item page4",
    ]);
  });

  test("is nothing of what stands elsewhere", () => {
    const { path, open } = counted("FOLDER2", "", "SHELF2");
    expect(open()).toEqual([]);
    expect(path("FOLDER1")).toMatch(/^SHELF1/);
  });

  test("is nobody: people are not counted, seen or not", () => {
    const anna = "08:20 gw-a#5 storing: add parent=ROOM1 things=ANNA";
    const { open, path } = counted("page1,page2,page4,ENV1,ANNA", anna, "ROOM1");
    expect(open()).toEqual([
      "missing_item BOX1",
      "missing_item BOX2",
      "missing_item ENV2",
      "missing_item FOLDER2",
    ]);
    expect(path("ANNA")).toBe("ROOM1 < SITE1");
    const unseen = counted("page1,page2,page4,ENV1", anna, "ROOM1");
    expect(unseen.open()).not.toContain("missing_item ANNA");
    const here = counted("page1,page2,ENV1,ANNA");
    expect(here.path("ANNA")).toBe("SITE1");
    expect(here.open()).toEqual([]);
  });
});

describe("what moved while the count ran (rule 10)", () => {
  test("is neither missing nor unexpected, from the first moment of the count on", () => {
    const moved = `
      09:50 gw-b#1 storing: add parent=SHELF1 things=BOX1
      09:55 gw-b#2 storing: add parent=SHELF2 things=ENV1
    `;
    const { open, found, path } = counted("FOLDER1,ENV1", moved);
    expect(open()).toEqual([]);
    expect(found().filter((one) => one.startsWith("unexpected"))).toEqual([]);
    expect(path("ENV1")).toMatch(/^SHELF2/);
    expect(path("BOX1")).toMatch(/^SHELF1/);
  });

  test("is also what is in a container that moved", () => {
    const moved = "09:55 gw-b#2 storing: add parent=SHELF2 things=FOLDER1";
    const { open, path } = counted("page1,ENV1", moved);
    expect(open()).toEqual([]);
    expect(path("page1")).toMatch(/^FOLDER1 < SHELF2/);
    const back = counted(
      "page4,ENV1",
      `
      09:52 gw-b#2 storing: add parent=SHELF2 things=FOLDER1
      09:55 gw-b#3 storing: add parent=SHELF1 things=FOLDER1
    `,
    );
    expect(back.open()).toEqual(["unexpected_item page4"]);
  });
});

describe("what was not expected (rule 10)", () => {
  test("moves to the place that was counted at once, and is told", () => {
    const { open, path } = counted("FOLDER1,ENV1,FOLDER2");
    expect(open()).toEqual(["unexpected_item FOLDER2"]);
    expect(path("FOLDER2")).toBe("SHELF1 < RACK1 < ROOM1 < SITE1");
  });

  test("is not the place itself", () => {
    expect(counted("FOLDER1,ENV1,SHELF1").open()).toEqual([]);
    expect(counted("SHELF1").open()).toEqual(["count_inconclusive SHELF1"]);
  });

  test("is told of what was destroyed, which stays so", () => {
    const gone = "08:20 gw-a#5 destroying: destroy things=FOLDER2";
    const { open, where } = counted("FOLDER1,ENV1,FOLDER2", gone);
    expect(open()).toEqual(["event_after_end_of_life FOLDER2"]);
    expect(where("FOLDER2").state).toBe("destroyed");
  });
});

describe("counts of one place (rule 10)", () => {
  test("that overlap are one, concluded when the last of them ends", () => {
    const { open } = tell(`
      ${PUT}
      10:00 gw-a#50 stock_taking: count scope=SHELF1 things=FOLDER1 startMs=09:50 confirmedEmpty=false
      10:05 gw-b#50 stock_taking: count scope=SHELF1 things=ENV1 startMs=09:55 confirmedEmpty=false
    `);
    expect(open()).toEqual([]);
    const unseen = tell(`
      ${PUT}
      09:00 gw-b#1 storing: add parent=SHELF1 things=FOLDER2
      10:00 gw-a#50 stock_taking: count scope=SHELF1 things=FOLDER1 startMs=09:50 confirmedEmpty=false
      10:05 gw-b#50 stock_taking: count scope=SHELF1 things=ENV1 startMs=09:55 confirmedEmpty=false
    `);
    expect(unseen.open("10:04")).toEqual([]);
    expect(unseen.open("10:05")).toEqual(["missing_item FOLDER2"]);
    const far = tell(`
      ${PUT}
      10:00 gw-a#50 stock_taking: count scope=SHELF1 things=FOLDER1 startMs=09:50 confirmedEmpty=false
      10:05 gw-b#50 stock_taking: count scope=SHELF1 things=ENV1 startMs=10:01 confirmedEmpty=false
    `);
    expect(far.open("10:01")).toEqual(["missing_item ENV1"]);
    expect(far.open()).toEqual(["missing_item FOLDER1", "unexpected_item ENV1"]);
  });

  test("that overlap with one that comes late are concluded again", () => {
    const { open } = tell(`
      ${PUT}
      10:05 gw-b#50 stock_taking: count scope=SHELF1 things=ENV1 startMs=09:55 confirmedEmpty=false
      10:00 gw-a#50 stock_taking: count scope=SHELF1 things=FOLDER1 startMs=09:50 confirmedEmpty=false
    `);
    expect(open()).toEqual([]);
  });

  test("wait for one that has begun and not ended", () => {
    const { open, more } = tell(`
      ${PUT}
      09:45 gw-b#40 stock_taking: count scope=SHELF1 things= startMs=09:45 confirmedEmpty=false begun=true
      ${count("SHELF1", "FOLDER1")}
    `);
    expect(open()).toEqual([]);
    more(
      "10:10 gw-b#41 stock_taking: count scope=SHELF1 things= startMs=09:45 confirmedEmpty=false begun=true closes=40",
    );
    expect(open()).toEqual(["missing_item ENV1"]);
  });

  test("without a scan and without a word conclude nothing, until one does", () => {
    const { open, more } = counted("");
    expect(open()).toEqual(["count_inconclusive SHELF1"]);
    more(
      "11:00 gw-a#60 stock_taking: count scope=SHELF1 things=FOLDER1,ENV1 startMs=10:50 confirmedEmpty=false",
    );
    expect(open()).toEqual([]);
    expect(open("10:30")).toEqual(["count_inconclusive SHELF1"]);
  });
});

describe("what was missing (rule 11)", () => {
  const lost = () => counted("FOLDER1");

  test("is found by any later scan, and was nowhere known in between", () => {
    const { open, path, where, more } = lost();
    expect(where("ENV1")).toMatchObject({ state: "unknown", certainty: "unknown" });
    expect(where("ENV1").lastKnown?.map(({ name }) => name)[0]).toBe("SHELF1");
    more("10:30 gw-b#1 storing: add parent=DESK1 things=ENV1");
    expect(open()).toEqual([]);
    expect(open("10:15")).toEqual(["missing_item ENV1"]);
    expect(path("ENV1", "10:15")).toBe("");
    expect(path("ENV1")).toBe("DESK1 < ROOM1 < SITE1");
    expect(where("ENV1").lastKnown).toBeNull();
  });

  test("is unexpected in a later count of the same place, which finds it", () => {
    const { open, path, more } = lost();
    more(
      "11:00 gw-a#60 stock_taking: count scope=SHELF1 things=FOLDER1,ENV1 startMs=10:50 confirmedEmpty=false",
    );
    expect(open()).toEqual(["unexpected_item ENV1"]);
    expect(path("ENV1")).toMatch(/^SHELF1/);
  });

  test("is missing no more when it turns out to have left before", () => {
    const { open, path, more } = lost();
    more("09:00 gw-b#1 storing: add parent=DESK1 things=ENV1");
    expect(open()).toEqual([]);
    expect(path("ENV1")).toBe("DESK1 < ROOM1 < SITE1");
  });
});
