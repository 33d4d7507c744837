/** Rule 0: what holds follows from what happened and when, and not from when it was heard of. */
import { describe, expect, test } from "vitest";
import { tell } from "../../support/story.ts";

const IN_FOLDER = "FOLDER1 < SHELF1 < RACK1 < ROOM1 < SITE1";

test("of two scans of one gateway at one moment the one with the higher number is the later", () => {
  const { path } = tell(`
    09:00 gw-a#2 storing: add parent=FOLDER1 things=page1
    09:00 gw-a#1 storing: add parent=FOLDER2 things=page1
  `);
  expect(path("page1")).toBe(IN_FOLDER);
});

test("of two things that one scan means the second is the later", () => {
  const { path } = tell(`
    09:00 gw-a#1.1 storing: add parent=FOLDER1 things=page1
    09:00 gw-a#1.0 storing: add parent=FOLDER2 things=page1
  `);
  expect(path("page1")).toBe(IN_FOLDER);
});

test("of two gateways at one moment their names decide, whoever is heard first", () => {
  const { path } = tell(`
    09:00 gw-b#1 storing: add parent=FOLDER1 things=page1
    09:00 gw-a#7 storing: add parent=FOLDER2 things=page1
  `);
  expect(path("page1")).toBe(IN_FOLDER);
});

test("the first that comes in after a start changes what followed it, when it comes late", () => {
  const { path, more } = tell(`
    09:00 gw-a#1 storing: add parent=FOLDER1 things=page1
    09:20 gw-a#2 inspecting: observe things=page1 place=DESK1
  `);
  expect(path("page1")).toBe("DESK1 < ROOM1 < SITE1");
  more(`
    restart
    09:10 gw-b#1 storing: add parent=DESK1 things=FOLDER1
  `);
  expect(path("page1")).toBe("FOLDER1 < DESK1 < ROOM1 < SITE1");
});

/** Few assertions follow and each is looked at; or many, and they are found by what is in the thing. */
describe.each([64, 0])(
  "with a sweep of at most %i, a late move of a box that held a folder",
  (sweepMax) => {
    const away = `
    08:10 gw-a#1 storing: add parent=BOX1 things=FOLDER1
    LATER
    08:20 gw-c#1 storing: add parent=ROOM2 things=BOX1
  `;
    const moved = (later: string) => tell(away.replace("LATER", later), { sweepMax });

    test("tells that the folder was elsewhere when a page was put into it here", () => {
      const { path } = moved("10:00 gw-a#2 storing: add parent=FOLDER1 things=page5");
      expect(path("page5")).toBe("FOLDER1 < ROOM1 < SITE1");
    });

    test("tells that the folder was elsewhere when it was emptied here", () => {
      const { path } = moved("10:00 gw-a#2 storing: delete parent=FOLDER1");
      expect(path("FOLDER1")).toBe("ROOM1 < SITE1");
    });

    test("tells that the folder was elsewhere when another page was taken out of it here", () => {
      const { path } = moved("10:00 gw-a#2 storing: delete parent=FOLDER1 things=page5");
      expect(path("FOLDER1")).toBe("ROOM1 < SITE1");
    });

    test("tells that the folder was elsewhere when it was closed here", () => {
      const { path } = moved("10:00 gw-a#2 storing: close thing=FOLDER1");
      expect(path("FOLDER1")).toBe("ROOM1 < SITE1");
    });

    test("tells of a page two levels down that it was elsewhere when it was seen here", () => {
      const { path } = moved(`
      08:11 gw-a#2 storing: add parent=FOLDER1 things=page1
      10:00 gw-a#3 inspecting: observe things=page1
    `);
      expect(path("page1")).toBe("ROOM1 < SITE1");
    });

    test("tells where a page was when it was stated to be in the folder", () => {
      const { open } = moved(`
      08:30 -#1 : place thing=page1 parent=FOLDER1
      08:40 gw-a#2 inspecting: observe things=page1
    `);
      expect(open()).toContain("location_conflict page1");
    });
  },
);

test("a page that is stated late to have been in a folder was emptied out with the others", () => {
  const { path } = tell(`
    09:00 gw-b#1 storing: add parent=FOLDER1 things=page1
    09:20 gw-b#2 storing: delete parent=FOLDER1
    09:10 -#3 : place thing=page2 parent=FOLDER1
  `);
  expect(path("page2")).toBe("ROOM1 < SITE1");
});

test("a page that is stated late to have been in a folder is missing since that was destroyed", () => {
  const { open } = tell(`
    09:20 gw-a#2 destroying: destroy things=FOLDER1
    09:10 -#1 : place thing=page2 parent=FOLDER1
  `);
  expect(open()).toEqual(["missing_item page2"]);
});

test("a page that is told late to have lain with the others went along with its document", () => {
  const { path } = tell(`
    08:10 gw-a#1 storing: add parent=FOLDER2 things=page3
    09:00 gw-a#3 storing: add parent=FOLDER1 things=page1 document=true
    08:20 gw-a#2 storing: add parent=DESK1 things=page3
  `);
  expect(path("page2")).toBe(IN_FOLDER);
  expect(path("page3")).toBe(IN_FOLDER);
});

test("a folder that is told late to have stood there before the count began was looked for in it", () => {
  const { open } = tell(`
    09:08 gw-a#2 storing: add parent=SHELF2 things=FOLDER1
    09:10 gw-a#3 stock_taking: count scope=SHELF2 things=FOLDER2 startMs=09:05 confirmedEmpty=false
    09:03 gw-b#1 storing: add parent=SHELF2 things=FOLDER1
  `);
  expect(open()).toEqual(["missing_item FOLDER1"]);
});

test("a box that is stated late to have been in another was not put into what is in it", () => {
  const third = "8003/095212340060083";
  const seen = (act: string) =>
    tell(`
      08:10 gw-a#1 storing: add parent=${third} things=BOX1
      10:00 gw-a#2 inspecting: ${act}
      09:00 -#3 : place thing=${third} parent=BOX2
    `);
  for (const act of ["observe things=BOX2 place=BOX1", "receive thing=BOX2 place=BOX1"]) {
    const { open, path } = seen(act);
    expect(open()).toContain("containment_cycle BOX2");
    expect(path("BOX2")).toBe("ROOM1 < SITE1");
  }
});

test("a sighting that is told late is the last one, also of what was moved along since", () => {
  const { where } = tell(`
    09:10 gw-b#1 storing: delete parent=ENV1
    09:00 gw-b#2 storing: add parent=ENV1 things=page1
    08:50 gw-b#3 storing: add parent=ENV1 things=page1
  `);
  expect(where("page1")).toMatchObject({
    since: "2026-03-02T09:10:00.000Z",
    lastSeen: "2026-03-02T09:00:00.000Z",
  });
});

test("a later sighting elsewhere that is told late counts for as long as the way takes", () => {
  const { open, more, where } = tell(`
    09:05 gw-c#1 inspecting: observe things=page1 place=ROOM2
    09:20 gw-a#1 inspecting: observe things=page1 place=ROOM1
    10:06 gw-a#2 inspecting: observe things=page1 place=ROOM1
  `);
  expect(where("page1").certainty).toBe("observed");
  more("09:10 gw-c#2 inspecting: observe things=page1 place=ROOM2");
  expect(open()).toContain("location_conflict page1");
  expect(where("page1").certainty).toBe("conflicted");
});

test("a place in between that is told late makes two returns of what had been one move", () => {
  const { open, more } = tell(`
    09:05 gw-a#1 inspecting: observe things=page1 place=SHELF1
    09:20 gw-a#2 inspecting: observe things=page1 place=DESK1
    09:30 gw-a#3 inspecting: observe things=page1 place=SHELF2
    09:40 gw-a#4 inspecting: observe things=page1 place=DESK1
  `);
  expect(open()).toEqual([]);
  more("09:10 gw-a#5 inspecting: observe things=page1 place=SHELF2");
  expect(open()).toEqual(["duplicate_identifier page1"]);
});
