import { expect, test } from "vitest";
import { admit } from "../../src/twin/admit.ts";

test("events of a numbering enter contiguous and once, and a gap is asked for again", () => {
  check(`
    through  batch    gone   -> admission
    0        1-4      0      -> append
    4        5-5      0      -> append
    4        1-4      0      -> known
    4        2-3      0      -> known
    4        3-6      0      -> append, 2 known
    4        1-9      0      -> append, 4 known
    4        6-9      0      -> resend
    0        2-2      0      -> resend
  `);
});

test("what the gateway no longer has becomes a hole, and the numbering goes on behind it", () => {
  check(`
    through  batch    gone   -> admission
    4        8-9      7      -> append, hole 5-7
    4        8-9      20     -> append, hole 5-7
    4        8-9      6      -> resend
    0        100-100  99     -> append, hole 1-99
    4        5-9      7      -> append
    4        3-4      4      -> known
  `);
});

/** One line per offer: what is held through, what is offered, what the gateway says is gone. */
function check(table: string): void {
  const [, ...lines] = table.trim().split("\n");
  const told = lines.map((line) => {
    const [, through = "", first = "", last = "", gone = ""] =
      /(\d+)\s+(\d+)-(\d+)\s+(\d+)/.exec(line) ?? [];
    const offer = { firstSeq: +first, lastSeq: +last, goneThrough: +gone };
    return `${line.split("->")[0]}-> ${text(admit(+through, offer))}`;
  });
  expect(told).toEqual(lines);
}

function text(admission: ReturnType<typeof admit>): string {
  if (admission.kind !== "append") return admission.kind;
  const { known, hole } = admission;
  return [
    "append",
    ...(known > 0 ? [`${known} known`] : []),
    ...(hole === undefined ? [] : [`hole ${hole.firstSeq}-${hole.lastSeq}`]),
  ].join(", ");
}
