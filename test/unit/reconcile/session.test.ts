/**
 * Rules 1b, 2, 10, 15 and 18 at one scanner: what a run of scans means. A line is a scan, with the
 * second at which it was made, and behind the arrow what it asserts.
 */
import { describe, expect, test } from "vitest";
import type { Act } from "../../../src/reconcile/assertion.ts";
import {
  DEFAULT_POLICIES,
  type Kind,
  type Policies,
  rulesOf,
} from "../../../src/reconcile/policies.ts";
import {
  IDLE,
  type Read,
  type Scan,
  type ScannerSetting,
  understand,
  WAITING_MAX,
} from "../../../src/reconcile/session.ts";

const KINDS: Readonly<Record<string, Kind>> = {
  p: "page",
  E: "envelope",
  F: "folder",
  B: "box",
  S: "shelf",
  D: "desk",
  R: "rack",
  A: "person",
};
const NAMES = [
  "",
  "p1",
  "p2",
  "p3",
  "E1",
  "F1",
  "F2",
  "B1",
  "B2",
  "S1",
  "S2",
  "D1",
  "R1",
  "A1",
  "A2",
];
const SETTING: ScannerSetting = { step: "storing", order: "item-first", operator: "", place: 0 };

type Options = { readonly set?: Partial<ScannerSetting>; readonly policies?: Partial<Policies> };

function scans(table: string, { set = {}, policies = {} }: Options = {}): void {
  const rules = rulesOf({ ...DEFAULT_POLICIES, ...policies });
  let session = IDLE;
  const lines = table
    .trim()
    .split("\n")
    .map((line) => line.trim());
  const told = lines.map((line, i) => {
    const [said = ""] = line.split("->");
    const scan = scanOf(said, i + 1);
    const meaning = understand(session, scan, { ...SETTING, ...set }, rules);
    session = meaning.next;
    const undo = meaning.undo === undefined ? [] : [`undo ${meaning.undo.seq}`];
    const by = meaning.operator !== "" && meaning.acts.length > 0 ? [`by ${meaning.operator}`] : [];
    return `${said}-> ${[...meaning.acts.map(textOf), ...undo, ...by].join(", ")}`.trim();
  });
  expect(told).toEqual(lines);
}

function scanOf(line: string, seq: number): Scan {
  const [second = "0", code = "", ...words] = line.trim().split(/\s+/);
  const word = (name: string) =>
    words.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  return {
    timeMs: 1_000_000 + Number(second) * 1000,
    epoch: "e",
    seq,
    code,
    read: readOf(code),
    step: word("step"),
    operator: word("by"),
    marker: word("marker"),
    confirmedEmpty: words.includes("empty"),
    documentMode: words.includes("whole"),
  };
}

function readOf(code: string): Read {
  const [command = "", value = ""] = code.slice(1).split(":");
  if (code.startsWith("!")) return { kind: "command", command, value };
  if (code === "?")
    return { kind: "nothing", finding: "misread", subject: code, reason: "smeared" };
  return {
    kind: "thing",
    thing: NAMES.indexOf(code),
    what: KINDS[code[0] ?? ""] ?? "other",
    key: code,
  };
}

function textOf(act: Act): string {
  const { kind, ...fields } = act;
  const numbers = (value: unknown): string =>
    Array.isArray(value)
      ? `[${value.map((one) => NAMES[one]).join(" ")}]`
      : (NAMES[Number(value)] ?? "");
  const words = Object.entries(fields).flatMap(([name, value]) => {
    if (["parent", "things", "thing", "place", "scope"].includes(name)) return [numbers(value)];
    if (name === "startMs") return [`from ${(Number(value) - 1_000_000) / 1000}`];
    if (name === "closes") return [`closes ${value}`];
    return value === true ? [name] : [];
  });
  return [kind === "note" ? "misread" : kind, ...words].join(" ");
}

describe("the same symbol again (rule 1b)", () => {
  test("within the window of a second is one read, each time from the last; after it, another", () => {
    scans(`
      0    p1 ->
      2    F1 -> add F1 [p1]
      3    F1 ->
      4    F1 ->
      5.1  p2 ->
      5.2  F1 -> add F1 [p2]
    `);
    scans(
      "0 p1 step=destroying -> destroy [p1]\n1 p1 step=destroying ->\n1.5 p1 step=destroying ->\n2.6 p1 step=destroying -> destroy [p1]",
    );
  });

  test("is a bounce though another symbol came in between", () => {
    scans(
      "0 p1 step=departing -> ship p1\n0.4 p2 step=departing -> ship p2\n0.8 p1 step=departing ->",
    );
  });

  test("is another read when it is marked otherwise", () => {
    scans("0 E1 step=packing marker=open -> open E1\n0.5 E1 step=packing marker=close -> close E1");
  });
});

describe("item-first (rule 2)", () => {
  test("pending things go into the first higher one, and that into the next", () => {
    scans(`
      0  p1 ->
      2  p2 ->
      4  F1 -> add F1 [p1 p2]
      6  B1 -> add B1 [F1]
      8  S1 -> add S1 [B1]
      10 R1 -> add R1 [S1]
      12 p3 ->
      14 S1 -> add S1 [p3]
    `);
  });

  test("a box goes into a box, and a folder beside a folder", () => {
    scans("0 B1 ->\n2 B2 -> add B2 [B1]");
    scans("0 F1 ->\n2 F2 ->\n4 S1 -> add S1 [F1 F2]");
  });

  test("a container after something higher that has received nothing is asserted as scanned", () => {
    scans("0 S1 ->\n2 F1 -> add F1 [S1]");
  });

  test("a container after something higher that has received something begins a new chain, a page always", () => {
    scans("0 p1 ->\n2 S1 -> add S1 [p1]\n4 F1 ->\n6 S2 -> add S2 [F1]");
    scans("0 F1 ->\n2 p1 ->\n4 F2 -> add F2 [p1]");
  });

  test("one of the same rank as what has received something begins a new chain", () => {
    scans("0 p1 ->\n2 F1 -> add F1 [p1]\n4 F2 ->\n6 S1 -> add S1 [F2]");
  });

  test("what waits and is scanned again waits on", () => {
    scans("0 p1 ->\n2 p2 ->\n4 p1 ->\n6 F1 -> add F1 [p1 p2]");
  });

  test("a chain holds for as long as the time-out, and ends after it", () => {
    scans("0 p1 ->\n60 F1 -> add F1 [p1]");
    scans("0 p1 ->\n60.1 F1 ->");
  });

  test("a chain ends with another step, and with another person", () => {
    scans("0 p1 step=storing ->\n2 F1 step=packing ->");
    scans("0 p1 by=anna ->\n2 F1 by=boris ->\n4 S1 by=boris -> add S1 [F1], by boris");
  });

  test("the whole document goes when any of its scans says so, or the scanner is set so", () => {
    scans("0 p1 whole ->\n2 F1 -> add F1 [p1] document\n4 S1 -> add S1 [F1]");
    scans(
      "0 !mode:document ->\n2 p1 ->\n4 F1 -> add F1 [p1] document\n6 !mode:page ->\n8 p2 ->\n10 F1 -> add F1 [p2]",
    );
  });
});

describe("container-first (rule 2)", () => {
  const set = { order: "container-first" } as const;

  test("things go into the last container that can take them, by rank", () => {
    scans(
      `
      0  S1 ->
      2  F1 -> add S1 [F1]
      4  p1 -> add F1 [p1]
      6  p2 -> add F1 [p2]
      8  F2 -> add S1 [F2]
      10 p3 -> add F2 [p3]
      12 S2 ->
      14 F1 -> add S2 [F1]
    `,
      { set },
    );
  });

  test("a container that is open already is taken up again", () => {
    scans(
      "0 S1 ->\n2 F1 -> add S1 [F1]\n4 p1 -> add F1 [p1]\n6 F1 -> add S1 [F1]\n8 p2 -> add F1 [p2]",
      { set },
    );
    scans("0 B1 ->\n2 B2 -> add B1 [B2]\n4 B1 ->\n6 p1 -> add B1 [p1]", { set });
  });

  test("the container that is said to be emptied is the last one, though pages came after it", () => {
    scans("0 F1 ->\n2 p1 -> add F1 [p1]\n4 !emptied -> delete F1", { set });
  });

  test("is what the scanner is set to, by its setting or a command, and never guessed", () => {
    scans(
      "0 !order:container-first ->\n2 F1 ->\n4 p1 -> add F1 [p1]\n6 !order:item-first ->\n8 F1 ->\n10 S1 -> add S1 [F1]",
    );
    scans("0 F1 ->\n2 p1 ->\n4 S1 -> add S1 [p1]");
  });
});

describe("steps (rule 2)", () => {
  test("inspecting: a place holds for what is seen after it", () => {
    scans(
      "0 S1 ->\n2 p1 -> observe [p1] S1\n4 F1 -> observe [F1] S1\n6 S2 ->\n8 p2 -> observe [p2] S2",
      {
        set: { step: "inspecting" },
      },
    );
    scans("0 p1 -> observe [p1] D1", { set: { step: "inspecting", place: NAMES.indexOf("D1") } });
  });

  test("receiving, departing and destroying act on each thing", () => {
    scans(
      "0 E1 step=receiving -> receive E1\n2 D1 step=receiving ->\n4 E1 step=receiving -> receive E1 D1",
    );
    scans(
      "0 E1 step=departing -> ship E1\n2 S1 step=departing ->\n4 p1 step=destroying -> destroy [p1]\n6 S1 step=destroying ->",
    );
  });

  test("a scan's own word is heard before a command, and that before the setting", () => {
    scans(
      "0 p1 -> ship p1\n2 !step:destroying ->\n4 p1 -> destroy [p1]\n6 p2 step=receiving -> receive p2",
      {
        set: { step: "departing" },
      },
    );
  });

  test("a badge says who works until it is handed back; in a chain a person is where things go", () => {
    scans(
      "0 A1 ->\n2 p1 ->\n4 F1 -> add F1 [p1], by A1\n6 !leave ->\n8 p2 ->\n10 F1 -> add F1 [p2]",
    );
    scans("0 p1 ->\n2 A1 -> add A1 [p1]");
    scans("0 A1 step=dispensing ->\n2 p1 step=dispensing ->\n4 A2 step=dispensing -> add A2 [p1]");
  });
});

describe("unpacking (rule 15)", () => {
  const set = { step: "unpacking" } as const;

  test("the container is opened if it is sealed, and each thing after it is taken out", () => {
    scans(
      "0 E1 -> open E1 ifSealed\n2 p1 -> delete E1 [p1]\n4 p2 -> delete E1 [p2]\n6 D1 -> observe [p1 p2] D1",
      { set },
    );
    scans("0 B1 -> open B1 ifSealed\n2 F1 -> delete B1 [F1]", { set });
  });

  test("to a place that was named before, or stated as empty at once", () => {
    scans(
      "0 D1 ->\n2 E1 -> open E1 ifSealed\n4 p1 -> delete E1 [p1] D1\n6 !emptied -> delete E1 D1",
      { set },
    );
    scans("0 E1 marker=empty-all -> delete E1", { set });
  });
});

describe("a count (rule 10)", () => {
  const set = { step: "stock_taking" } as const;

  test("is from marker to marker, however long that takes", () => {
    scans(
      "0 S1 marker=count-start -> count S1 [] from 0 begun\n2 F1 ->\n600 p1 ->\n900 S1 marker=count-end -> count S1 [F1 p1] from 0 closes 1",
      { set },
    );
    scans(
      "0 !count:start ->\n2 S1 -> count S1 [] from 2 begun\n4 !count:empty -> count S1 [] from 2 confirmedEmpty closes 2",
      { set },
    );
    scans(
      "0 S1 marker=count-start -> count S1 [] from 0 begun\n2 S1 marker=count-end empty -> count S1 [] from 0 confirmedEmpty closes 1",
      { set },
    );
  });

  test("that is begun anew gives up the one before, and so does the end of another place", () => {
    scans(
      "0 S1 marker=count-start -> count S1 [] from 0 begun\n2 F1 ->\n4 S2 marker=count-start -> count S1 [] from 0 begun closes 1, count S2 [] from 4 begun\n6 F2 ->\n8 S2 marker=count-end -> count S2 [F2] from 4 closes 3",
      { set },
    );
    scans(
      "0 S1 marker=count-start -> count S1 [] from 0 begun\n2 F1 ->\n4 S2 marker=count-end -> count S1 [] from 0 begun closes 1, count S2 [] from 4",
      { set },
    );
  });
});

describe("undo (rule 18)", () => {
  test("voids the event before, then the one before that, and drops what waits", () => {
    scans(`
      0  p1 ->
      2  F1 -> add F1 [p1]
      4  p2 ->
      6  F2 -> add F2 [p2]
      8  p3 ->
      10 !undo -> undo 4
      12 !undo -> undo 2
      14 !undo ->
      16 S1 ->
    `);
  });

  test("voids nothing of another person, nor what is older than the window", () => {
    scans(
      "0 p1 step=departing by=anna -> ship p1, by anna\n2 !undo by=boris ->\n4 !undo by=anna -> undo 1",
    );
    const policies = { undoWindowSeconds: 30 };
    scans("0 p1 step=departing -> ship p1\n30 !undo -> undo 1", { policies });
    scans("0 p1 step=departing -> ship p1\n30.1 !undo ->", { policies });
  });

  test("takes the last scan out of a count", () => {
    scans(
      "0 S1 marker=count-start -> count S1 [] from 0 begun\n2 F1 ->\n4 F2 ->\n6 !undo ->\n8 S1 marker=count-end -> count S1 [F1] from 0 closes 1",
      { set: { step: "stock_taking" } },
    );
  });

  test("takes back what was counted last, and not what was done before the count", () => {
    scans(
      "0 p1 step=departing -> ship p1\n2 S1 step=stock_taking marker=count-start -> count S1 [] from 2 begun\n4 F1 step=stock_taking ->\n6 !undo ->\n8 S1 step=stock_taking marker=count-end -> count S1 [] from 2 closes 2",
    );
  });

  test("each item in container-first order is an event of its own, and an open container that is undone is not open", () => {
    const set = { order: "container-first" } as const;
    scans(
      "0 S1 ->\n2 F1 -> add S1 [F1]\n4 p1 -> add F1 [p1]\n6 p2 -> add F1 [p2]\n8 !undo -> undo 4\n10 !undo -> undo 3\n12 !undo -> undo 2\n14 p3 -> add S1 [p3]",
      { set },
    );
  });
});

test("a misread is told, and what waited waits on (rule 14)", () => {
  scans("0 p1 ->\n2 ? -> misread\n4 F1 -> add F1 [p1]");
});

describe("things that nobody takes anywhere", () => {
  const rules = rulesOf(DEFAULT_POLICIES);
  const page = (n: number, step: string): Scan => ({
    ...scanOf("0 p1", n),
    timeMs: n * 100,
    code: `p${n}`,
    read: { kind: "thing", thing: n, what: "page", key: `p${n}` },
    step,
  });

  test.each(["storing", "unpacking"])(
    "while %s, so many of them and no place to go: it is told, and what comes then is filed as ever",
    (step) => {
      let session = IDLE;
      if (step === "unpacking")
        session = understand(session, { ...scanOf("0 E1", 0), step }, SETTING, rules).next;
      const told: Act[] = [];
      for (let n = 100; n <= 100 + WAITING_MAX; n++) {
        const meaning = understand(session, page(n, step), SETTING, rules);
        session = meaning.next;
        told.push(...meaning.acts.filter(({ kind }) => kind === "note"));
      }
      expect(told).toMatchObject([
        { finding: "missed_container_scan", subject: `p${100 + WAITING_MAX}` },
      ]);
      const shelf = { ...scanOf("0 S1", 20_000), timeMs: session.lastMs + 100, step };
      const [act] = understand(session, shelf, SETTING, rules).acts;
      expect(act).toMatchObject({ things: [100 + WAITING_MAX] });
    },
  );
});
