/** Rules 3 to 8: one parent, missing containers, sites, conflicts, and what comes and goes. */
import { describe, expect, test } from "vitest";
import { tell } from "../../support/story.ts";

const IN_FOLDER1 = "FOLDER1 < SHELF1 < RACK1 < ROOM1 < SITE1";
const IN_ROOM2 = "ROOM2 < SITE2";

describe("one parent (rule 3)", () => {
  test("a page that turns up in another folder left the first without a scan", () => {
    const { path, found } = tell(`
      09:00 gw-a#1 storing: add parent=FOLDER2 things=page1
      09:10 gw-a#2 storing: add parent=FOLDER1 things=page1
    `);
    expect(path("page1")).toBe(IN_FOLDER1);
    expect(found()).toEqual(["unrecorded_move page1"]);
  });

  test("a page that is put away from a desk leaves no move unrecorded", () => {
    expect(tell("09:00 gw-a#1 storing: add parent=FOLDER1 things=page1").found()).toEqual([]);
  });

  test("a page that is seen on a shelf left the desk without a scan", () => {
    const { found } = tell("09:00 gw-a#1 inspecting: observe things=page1 place=SHELF1");
    expect(found()).toEqual(["unrecorded_move page1"]);
  });

  test("a page that is taken out of its folder leaves no move unrecorded", () => {
    const { path, found } = tell(`
      09:00 gw-a#1 storing: add parent=FOLDER1 things=page1
      09:10 gw-a#2 unpacking: delete parent=FOLDER1 things=page1
    `);
    expect(path("page1")).toBe("DESK1 < ROOM1 < SITE1");
    expect(found()).toEqual([]);
  });

  test("of two things of one scan the one that fits goes in, and the other is refused", () => {
    const { path, open } = tell("09:00 gw-a#1 storing: add parent=FOLDER1 things=BOX1,page1");
    expect(path("page1")).toBe(IN_FOLDER1);
    expect(path("BOX1")).toBe("ROOM1 < SITE1");
    expect(open()).toEqual(["hierarchy_violation BOX1"]);
  });

  test("a page seen on the shelf that its folder stands on stays in the folder", () => {
    const { path, found } = tell(`
      09:00 gw-a#1 storing: add parent=FOLDER1 things=page1
      09:10 gw-a#2 inspecting: observe things=page1 place=SHELF1
    `);
    expect(path("page1")).toBe(IN_FOLDER1);
    expect(found()).toEqual([]);
  });

  test("a page stored on the shelf that its folder stands on is taken out, said either way", () => {
    for (const stored of ["add parent=SHELF1 things=page1", "observe things=page1 place=SHELF1"]) {
      const { path, open } = tell(`
        09:00 gw-a#1 storing: add parent=FOLDER1 things=page1
        09:10 gw-a#2 storing: ${stored}
      `);
      expect(path("page1")).toBe("SHELF1 < RACK1 < ROOM1 < SITE1");
      expect(open()).toEqual(["missed_container_scan page1"]);
    }
  });
});

describe("a page without a container (rule 4)", () => {
  const stored = "09:00 gw-a#1 storing: add parent=SHELF1 things=page1";

  test("is told once while it is stored from shelf to shelf, and closed by a folder", () => {
    const { open, found, more } = tell(`
      ${stored}
      09:10 gw-a#2 storing: add parent=SHELF2 things=page1
      09:20 gw-a#3 storing: add parent=SHELF2 things=page1
    `);
    expect(open()).toEqual(["missed_container_scan page1"]);
    expect(found().filter((one) => one.startsWith("missed"))).toHaveLength(1);
    more("09:30 gw-a#4 storing: add parent=FOLDER1 things=page1");
    expect(open("09:29")).toEqual(["missed_container_scan page1"]);
    expect(open()).toEqual([]);
  });

  test("is nothing to tell of a page that is only seen there, nor of one on a desk", () => {
    const { found } = tell(`
      09:00 gw-a#1 inspecting: observe things=page1 place=SHELF1
      09:00 gw-a#2 inspecting: add parent=SHELF1 things=page2
      09:00 gw-a#3 storing: add parent=DESK1 things=page3
      09:00 gw-a#4 storing: add parent=SHELF2 things=FOLDER1
    `);
    expect(found().filter((one) => one.startsWith("missed"))).toEqual([]);
  });
});

describe("the gateway's site (rule 6)", () => {
  test("is where a container is that was scanned there, with what is in it", () => {
    const { path, open } = tell(`
      09:00 gw-a#1 storing: add parent=FOLDER1 things=page1
      09:30 gw-c#1 storing: add parent=FOLDER1 things=page2
    `);
    expect(path("page1")).toBe(`FOLDER1 < ${IN_ROOM2}`);
    expect(open()).toEqual(["location_conflict FOLDER1"]);
  });

  test("moves no shelf", () => {
    const { path } = tell("09:00 gw-c#1 inspecting: observe things=SHELF1");
    expect(path("SHELF1")).toBe("RACK1 < ROOM1 < SITE1");
  });

  test("is where a thing is whose place is nowhere known", () => {
    expect(tell("09:00 gw-a#1 inspecting: observe things=page5").path("page5")).toBe(
      "ROOM1 < SITE1",
    );
  });

  test("is where an envelope is that a carrier was thought to have", () => {
    const { path } = tell(`
      09:00 gw-a#1 storing: ship thing=ENV1 carrier=carrier:DHL
      11:00 gw-c#1 inspecting: observe things=ENV1
    `);
    expect(path("ENV1")).toBe(IN_ROOM2);
  });
});

describe("what cannot both be true (rule 7)", () => {
  const here = (time: string) => `${time} gw-a#1 inspecting: observe things=page1 place=DESK1`;
  const there = (time: string) => `${time} gw-c#1 inspecting: observe things=page1 place=ROOM2`;

  test("a way that takes exactly as long as it must is possible, and one a second shorter is not", () => {
    expect(tell(`${here("09:00:00")}\n${there("10:00:00")}`).open()).toEqual([]);
    expect(tell(`${here("09:00:01")}\n${there("10:00:00")}`).open()).toEqual([
      "location_conflict page1",
    ]);
  });

  test("the later of two is shown and in doubt, and the way back is as long", () => {
    const { path, where, open } = tell(`${there("09:30")}\n${here("10:00")}`);
    expect(path("page1")).toBe("DESK1 < ROOM1 < SITE1");
    expect(where("page1").certainty).toBe("conflicted");
    expect(open()).toContain("location_conflict page1");
  });

  test("a third sighting is in doubt for as long as the other site was seen too lately", () => {
    const { where } = tell(`
      ${there("09:10")}
      09:40 gw-a#1 inspecting: observe things=page1 place=DESK1
      10:09:59 gw-a#2 inspecting: observe things=page1 place=DESK1
      10:10 gw-a#3 inspecting: observe things=page1 place=DESK1
    `);
    expect(where("page1", "10:09:59").certainty).toBe("conflicted");
    expect(where("page1", "10:10").certainty).toBe("observed");
  });

  test("a page put once more into the folder it is in, at the other site, is in conflict too", () => {
    const { open } = tell(`
      09:00 gw-a#1 storing: add parent=FOLDER1 things=page1
      09:30 gw-c#1 storing: add parent=FOLDER1 things=page1
    `);
    expect(open()).toEqual(["location_conflict FOLDER1", "location_conflict page1"]);
  });

  const within = (time: string, gateway = "gw-b") =>
    tell(`
      09:00:00 gw-a#1 storing: add parent=FOLDER1 things=page1
      ${time} ${gateway}#2 storing: add parent=FOLDER2 things=page1
    `).open();

  test("the order of two gateways is told to be unsure within the clocks' uncertainty only", () => {
    expect(within("09:00:01")).toEqual(["ambiguous_order page1"]);
    expect(within("09:00:02")).toEqual([]);
    expect(within("09:00:01", "gw-a")).toEqual([]);
  });

  test("a page outside a container that a carrier has is a conflict; outside one at hand it is none", () => {
    const sent = (last: string) =>
      tell(`
        09:00 gw-a#1 storing: add parent=ENV1 things=page1
        09:10 gw-a#2 storing: close thing=ENV1
        ${last}
        09:30 gw-a#4 inspecting: observe things=page1 place=DESK1
      `);
    const away = sent("09:20 gw-a#3 departing: ship thing=ENV1 carrier=carrier:DHL");
    expect(away.open()).toContain("containment_conflict page1");
    expect(away.path("page1")).toBe("DESK1 < ROOM1 < SITE1");
    const atHand = sent("09:20 gw-a#3 storing: add parent=SHELF1 things=ENV1");
    expect(atHand.open()).toEqual([]);
    expect(atHand.found()).toEqual(["unrecorded_move page1"]);
  });

  test("an envelope that was with a carrier and is here is no conflict of what it is in", () => {
    const { open } = tell(`
      09:00 gw-a#1 departing: ship thing=ENV1 carrier=carrier:DHL
      10:30 gw-a#2 storing: add parent=SHELF1 things=ENV1
    `);
    expect(open()).toEqual([]);
  });
});

describe("here and there by turns (rule 8)", () => {
  const turns = (...minutes: readonly number[]) =>
    tell(
      minutes
        .map((minute, i) => {
          const time = `${9 + Math.floor(minute / 60)}:${String(minute % 60).padStart(2, "0")}`;
          return `${time} gw-a#${i + 1} inspecting: observe things=page1 place=SHELF${(i % 2) + 1}`;
        })
        .join("\n"),
    );

  test("a second return raises the suspicion of a copy, a first one does not; the last place is shown", () => {
    expect(turns(0, 10, 20).open()).toEqual([]);
    const { open, path } = turns(0, 10, 20, 30);
    expect(open()).toEqual(["duplicate_identifier page1"]);
    expect(path("page1")).toBe("SHELF2 < RACK1 < ROOM1 < SITE1");
  });

  test("returns that are further apart than the window are moves", () => {
    expect(turns(0, 30, 60, 90).open()).toEqual([]);
  });
});
