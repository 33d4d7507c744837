/** Rules 15, 16, 19 and 20: envelopes, carriers, structure and the end of life. */
import { describe, expect, test } from "vitest";
import { tell } from "../../support/story.ts";

const AT_DESK = "DESK1 < ROOM1 < SITE1";

describe("an envelope (rule 15)", () => {
  const packed = "09:00 gw-a#1 packing: add parent=ENV1 things=page1,page2";

  test("is closed and opened, and its contents stay", () => {
    const { where, path, more } = tell(`${packed}\n09:10 gw-a#2 packing: close thing=ENV1`);
    expect(where("ENV1").disposition).toBe("container_closed");
    more("09:20 gw-a#3 unpacking: open thing=ENV1");
    expect(where("ENV1").disposition).toBe("container_open");
    expect(path("page1")).toBe(`ENV1 < ${AT_DESK}`);
  });

  test("that is taken up for unpacking is opened only if it was sealed", () => {
    const { where, more } = tell(
      `${packed}\n09:10 gw-a#2 unpacking: open thing=ENV1 ifSealed=true`,
    );
    expect(where("ENV1").disposition).toBe("in_progress");
    more("09:11 gw-a#3 packing: close thing=ENV1");
    more("09:12 gw-a#4 unpacking: open thing=ENV1 ifSealed=true");
    expect(where("ENV1").disposition).toBe("container_open");
  });

  test("that is opened on the way has a broken seal and is still on its way", () => {
    const { open, more, found } = tell(`
      09:00 gw-a#1 departing: ship thing=ENV1 carrier=carrier:DHL
      09:10 gw-a#2 inspecting: open thing=ENV1
    `);
    expect(open("09:30")).toEqual(["seal_broken ENV1"]);
    expect(open("11:00")).toEqual(["seal_broken ENV1", "transit_overdue ENV1"]);
    more("12:00 gw-a#3 receiving: receive thing=ENV1");
    expect(open()).toEqual(["seal_broken ENV1"]);
    more("12:10 gw-a#4 unpacking: open thing=ENV1");
    expect(found().filter((one) => one.startsWith("seal_broken"))).toHaveLength(1);
  });

  test("that is emptied at once leaves its pages where the gateway unpacks, inferred", () => {
    const { where, path } = tell(`${packed}\n09:10 gw-a#2 unpacking: delete parent=ENV1`);
    expect(path("page1")).toBe(AT_DESK);
    expect(where("page1").certainty).toBe("inferred");
  });

  test("gives out what nobody packed: unexpected, and moved all the same", () => {
    const { open, path } = tell("09:10 gw-a#2 unpacking: delete parent=FOLDER1 things=page1");
    expect(open()).toEqual(["unexpected_item page1"]);
    expect(path("page1")).toBe(AT_DESK);
  });

  test("that is discarded takes nothing with it: what was not taken out is missing", () => {
    const { open, where } = tell(`
      ${packed}
      09:10 gw-a#2 unpacking: delete parent=ENV1 things=page1
      09:20 gw-a#3 destroying: destroy things=ENV1
    `);
    expect(open()).toEqual(["missing_item page2"]);
    expect(where("page2").lastKnown?.[0]?.key).toBe("00/095212340000000013");
    expect(where("ENV1")).toMatchObject({ state: "destroyed", disposition: "disposed" });
    expect(where("page1").disposition).not.toBe("disposed");
  });

  test("is thrown away, and a page is destroyed", () => {
    const { where } = tell("09:20 gw-a#3 destroying: destroy things=page1");
    expect(where("page1")).toMatchObject({ state: "destroyed", disposition: "destroyed" });
  });
});

describe("a carrier (rule 16)", () => {
  const shipped = `
    08:50 -#1 : label thing=ENV1 carrier=carrier:DHL tracking=AB1
    09:00 gw-a#1 departing: ship thing=ENV1
  `;
  const says = (time: string, rest: string) =>
    `${time} -#9 : checkpoint thing=ENV1 place=HUB1 ${rest}`;

  test("has what its label says, under that number, and the label is used up", () => {
    const { where, path, more } = tell(shipped);
    expect(path("ENV1")).toBe("carrier:DHL");
    expect(where("ENV1")).toMatchObject({ tracking: "AB1", state: "in_transit" });
    more("10:00 gw-a#2 receiving: receive thing=ENV1");
    expect(where("ENV1").tracking).toBeNull();
    more("11:00 gw-a#3 departing: ship thing=ENV1");
    expect(where("ENV1").tracking).toBeNull();
    expect(path("ENV1")).toBe("carrier:unknown");
  });

  test("tells where an envelope is that it has, and of no other", () => {
    const { where, more } = tell(`${shipped}\n${says("09:10", "status=transit matches=true")}`);
    expect(where("ENV1").checkpoint).toBe("HUB1");
    more("10:00 gw-a#2 receiving: receive thing=ENV1");
    expect(where("ENV1").checkpoint).toBeNull();
    more("10:10 -#10 : checkpoint thing=ENV1 place=HUB2 status=transit matches=true");
    expect(where("ENV1").checkpoint).toBeNull();
    more("11:00 gw-a#3 departing: ship thing=ENV1 carrier=carrier:DHL");
    expect(where("ENV1").checkpoint).toBeNull();
    more(
      "11:10 -#11 : checkpoint thing=ENV1 place=HUB3 status=transit matches=true carrier=carrier:UPS",
    );
    expect(where("ENV1").checkpoint).toBeNull();
  });

  test("whose answer is about another shipment is told so and says nothing", () => {
    const { where, open } = tell(`${shipped}\n${says("09:10", "status=delivered matches=false")}`);
    expect(open("09:30")).toEqual(["carrier_mismatch ENV1"]);
    expect(where("ENV1").checkpoint).toBeNull();
    expect(open("20:00")).toEqual(["carrier_mismatch ENV1", "transit_overdue ENV1"]);
  });

  test("that says delivered twice has delivered once, and delivered is not received", () => {
    const { open, path, more } = tell(`
      ${shipped}
      ${says("09:10", "status=delivered matches=true")}
      10:10 -#10 : checkpoint thing=ENV1 place=HUB1 status=delivered matches=true
    `);
    expect(path("ENV1")).toBe("carrier:DHL");
    const overdue = (at: string) => open(at).filter((one) => one.startsWith("delivered"));
    expect(overdue("33:09")).toEqual([]);
    expect(overdue("33:10")).toEqual(["delivered_not_received ENV1"]);
    expect(overdue("35:00")).toHaveLength(1);
    more("36:00 gw-a#2 receiving: receive thing=ENV1");
    expect(overdue("36:00")).toEqual([]);
  });

  test("delivers a second trip anew", () => {
    const { open } = tell(`
      ${shipped}
      ${says("09:10", "status=delivered matches=true")}
      10:00 gw-a#2 receiving: receive thing=ENV1
      11:00 gw-a#3 departing: ship thing=ENV1 carrier=carrier:DHL
      11:10 -#10 : checkpoint thing=ENV1 place=HUB1 status=delivered matches=true
    `);
    expect(open("36:00")).toContain("delivered_not_received ENV1");
  });
});

describe("structure (rule 19)", () => {
  const refused = (line: string) => {
    const story = tell(`09:00 gw-a#1 storing: add parent=BOX1 things=BOX2\n${line}`);
    return story;
  };

  test("a box does not go into what is in it, nor into itself", () => {
    const { open, path } = refused("09:10 gw-a#2 storing: add parent=BOX2 things=BOX1");
    expect(open()).toEqual(["containment_cycle BOX1"]);
    expect(path("BOX1")).toBe("ROOM1 < SITE1");
    expect(refused("09:10 gw-a#2 storing: add parent=BOX1 things=BOX1").open()).toEqual([
      "containment_cycle BOX1",
    ]);
  });

  test("nothing comes to be inside itself by receiving, emptying, moving along or being put up", () => {
    for (const act of [
      "receive thing=BOX1 place=BOX2",
      "receive thing=BOX1 place=BOX1",
      "delete parent=BOX1 place=BOX2",
      "add parent=BOX2 things=page1 along=BOX1",
      "place thing=BOX1 parent=BOX1",
      "place thing=BOX1 parent=BOX2",
    ])
      for (const name of ["BOX1", "BOX2"])
        expect(refused(`09:10 gw-a#2 storing: ${act}`).path(name)).toMatch(/ROOM1 < SITE1$/);
  });

  test("what does not go into that is told before that it would be inside itself", () => {
    const { open } = refused(`
      09:05 gw-a#2 storing: add parent=BOX1 things=FOLDER1
      09:10 gw-a#3 storing: add parent=FOLDER1 things=BOX1
    `);
    expect(open()).toEqual(["hierarchy_violation BOX1"]);
  });

  test("what was destroyed is told before that it does not go there", () => {
    const { open } = refused(`
      09:05 gw-a#2 destroying: destroy things=BOX2
      09:10 gw-a#3 storing: add parent=FOLDER1 things=BOX2
    `);
    expect(open()).toEqual(["event_after_end_of_life BOX2"]);
  });

  test("a refusal is kept with its evidence and changes nothing, not even the last sighting", () => {
    const { where, twin } = refused("09:10 gw-a#2 storing: add parent=FOLDER1 things=BOX1");
    expect(where("BOX1").lastSeen).toBe("2026-03-02T09:00:00.000Z");
    const [one] = twin.answers.discrepancies(Date.parse("2026-03-02T10:00:00Z")).open;
    expect(one).toMatchObject({
      kind: "hierarchy_violation",
      evidence: [{ gateway: "gw-a", seq: 2 }],
    });
  });

  test("what is only guessed of a key refuses nothing that may be so", () => {
    const { open, path } = refused(
      "09:10 gw-a#2 storing: add parent=414/9521234000303 things=FOLDER1",
    );
    expect(open()).toEqual(["unknown_identifier 414/9521234000303"]);
    expect(path("FOLDER1")).toBe("414/9521234000303");
  });

  test("a key that nobody registered is told so even when its scan is refused", () => {
    const { open } = refused("09:10 gw-a#2 storing: add parent=page1 things=page5");
    expect(open()).toEqual(["hierarchy_violation page5", "unknown_identifier page5"]);
  });
});

test("an unknown key that is refused twice (rules 14 and 19) is told as unknown once", () => {
  const { open } = tell(`
    09:00 gw-a#1 storing: add parent=SITE1 things=page5
    09:10 gw-a#2 storing: add parent=SITE1 things=page5
  `);
  expect(open()).toEqual([
    "hierarchy_violation page5",
    "hierarchy_violation page5",
    "unknown_identifier page5",
  ]);
});

describe("the end of life (rule 20)", () => {
  const destroyed = (line: string) =>
    tell(`
      08:30 gw-a#1 packing: add parent=ENV1 things=page2
      08:40 gw-a#2 unpacking: delete parent=ENV1 things=page2
      09:00 gw-a#3 destroying: destroy things=ENV1,page1
      ${line}
    `);

  test("is not undone by what moves along with a thing that is there", () => {
    const { path, where } = destroyed(
      "09:10 gw-a#4 storing: add parent=FOLDER1 things=page3 along=page1,page4",
    );
    expect(where("page1").state).toBe("destroyed");
    expect(path("page1")).toBe("");
    expect(path("page4")).toContain("FOLDER1");
  });

  for (const [act, subject] of [
    ["add parent=DESK1 things=ENV1", "ENV1"],
    ["add parent=ENV1 things=page2", "ENV1"],
    ["observe things=ENV1", "ENV1"],
    ["observe things=page1 place=SHELF1", "page1"],
    ["delete parent=ENV1", "ENV1"],
    ["delete parent=ENV1 things=page2", "ENV1"],
    ["delete parent=FOLDER1 things=page1", "page1"],
    ["open thing=ENV1", "ENV1"],
    ["close thing=ENV1", "ENV1"],
    ["ship thing=ENV1 carrier=carrier:DHL", "ENV1"],
    ["receive thing=ENV1", "ENV1"],
    ["destroy things=ENV1", "ENV1"],
    [
      "count scope=DESK1 things=page1,page2,page3,page4 startMs=09:05 confirmedEmpty=false",
      "page1",
    ],
  ] as const)
    test(`is not undone by a scan: ${act}`, () => {
      const { open, where, path } = destroyed(`09:10 gw-a#4 inspecting: ${act}`);
      expect(open().filter((one) => one.startsWith("event_after"))).toEqual([
        `event_after_end_of_life ${subject}`,
      ]);
      expect(where(subject).state).toBe("destroyed");
      expect(path("page2")).toBe(AT_DESK);
    });

  test("is undone by a void", () => {
    const { where, path, more } = destroyed("");
    more("void of: 09:00 gw-a#3 destroying: destroy things=ENV1,page1");
    expect(where("page1").state).toBe("placed");
    expect(path("ENV1")).toBe(AT_DESK);
  });

  test("comes to no page of a document that is carried along", () => {
    const { where, open } = destroyed(
      "09:10 gw-a#4 storing: add parent=FOLDER1 things=page3 document=true",
    );
    expect(where("page1").state).toBe("destroyed");
    expect(where("page4").certainty).toBe("inferred");
    expect(open()).toEqual([]);
  });
});
