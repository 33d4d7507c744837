/** What strangers cause is told, and however much it is, it fills neither a journal nor the memory. */
import { expect, test } from "vitest";
import { createSeldom } from "../../src/kernel/seldom.ts";
import { shown } from "../../src/kernel/shown.ts";
import { createPretendedClock } from "../support/pretended-clock.ts";

const OF = { why: "refused", address: "10.0.0.1", name: "" };

test("the same again is one line at once, and one for the rest after ten seconds", async () => {
  const { lines, seldom, clock } = open();
  for (let n = 0; n < 5; n++) seldom.tell(OF, { detail: n });
  expect(lines).toEqual(["refused 10.0.0.1 0"]);
  await clock.advance(10_000);
  expect(lines.slice(1)).toEqual(["refused 10.0.0.1 and 4 more"]);
  seldom.tell(OF, { detail: "again" });
  expect(lines.slice(2)).toEqual(["refused 10.0.0.1 again"]);
  await clock.advance(10_000);
  expect(lines).toHaveLength(3);
});

test("who has a name is told by it, and whoever has any number of names is told as his address", async () => {
  const { lines, seldom, clock } = open();
  const name = (n: number, address = "10.0.0.1") =>
    seldom.tell({ ...OF, address, name: `n${n}` }, { detail: `n${n}` });
  for (let n = 0; n < 10_000; n++) name(n);
  expect(lines).toHaveLength(17);
  name(0, "10.0.0.2");
  name(0, "10.0.0.2");
  expect(lines.slice(17)).toEqual(["refused 10.0.0.2 n0"]);
  await clock.advance(10_000);
  expect(lines.slice(18)).toEqual([
    "refused 10.0.0.1 and 9983 more",
    "refused 10.0.0.2 n0 and 1 more",
  ]);
  name(99);
  expect(lines.at(-1)).toBe("refused 10.0.0.1 n99");
});

test("more addresses than can be told apart are told as any, and it is over when they are", async () => {
  const { lines, seldom, clock } = open();
  for (let n = 0; n < 10_000; n++)
    seldom.tell({ ...OF, address: `10.0.${n >> 8}.${n & 255}`, name: `n${n}` }, { detail: n });
  expect(lines).toHaveLength(257);
  expect(lines.at(-1)).toBe("refused any 256");
  await clock.advance(10_000);
  expect(lines.slice(257)).toEqual(["refused any and 9743 more"]);
  seldom.tell(OF, { detail: "again" });
  expect(lines.at(-1)).toBe("refused 10.0.0.1 again");
});

test("what a stranger calls himself is shown without what a terminal obeys, and not at length", () => {
  expect(shown("gw-a, Größe 2")).toBe("gw-a, Größe 2");
  expect(shown("a\u001b[2J\u0085\u202eb\u2028\n")).toBe("a\ufffd[2J\ufffd\ufffdb\ufffd\ufffd");
  expect(shown("x".repeat(60_000))).toBe(`${"x".repeat(80)}…`);
  // Cut through the middle of a character.
  expect(shown("😀😀", 3)).toBe("😀\ufffd…");
});

function open() {
  const lines: string[] = [];
  const clock = createPretendedClock();
  const seldom = createSeldom(({ why, address }, details) => {
    const { detail, more } = details as { detail?: unknown; more?: number };
    const rest = more === undefined ? "" : `and ${more} more`;
    lines.push(
      [why, address, detail, rest].filter((word) => word !== "" && word !== undefined).join(" "),
    );
  }, clock.after);
  return { lines, seldom, clock };
}
