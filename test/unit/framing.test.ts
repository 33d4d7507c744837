import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aimOf } from "../../src/devices/framing/aim.ts";
import type { Cut } from "../../src/devices/framing/cut.ts";
import { createDeframer, type Framing } from "../../src/devices/framing/deframer.ts";

const FRAME_BYTES_MAX = 16;
const CR: Framing = { kind: "delimiter", delimiter: "cr" };
const LF: Framing = { kind: "delimiter", delimiter: "lf" };
const CRLF: Framing = { kind: "delimiter", delimiter: "crlf" };
const ANY: Framing = { kind: "delimiter", delimiter: "any" };
const TAB: Framing = { kind: "delimiter", delimiter: "tab" };
const ETX: Framing = { kind: "delimiter", delimiter: "etx" };
const STX_ETX: Framing = { kind: "stx-etx" };
const GAP: Framing = { kind: "gap" };

type Scanner = readonly [
  name: string,
  framing: Framing,
  encode: (scan: string) => string,
  reserved: readonly string[],
];

/** How a scanner sends, written from the manuals and not from src; `—` is silence. */
const SCANNERS: readonly Scanner[] = [
  ["CR", CR, (scan) => `${scan}\r`, ["\r"]],
  ["LF", LF, (scan) => `${scan}\n`, ["\n"]],
  ["CR LF", CRLF, (scan) => `${scan}\r\n`, ["\r\n"]],
  ["any, sent CR", ANY, (scan) => `${scan}\r`, ["\r", "\n"]],
  ["any, sent CR LF", ANY, (scan) => `${scan}\r\n`, ["\r", "\n"]],
  ["any, sent LF", ANY, (scan) => `${scan}\n`, ["\r", "\n"]],
  ["TAB", TAB, (scan) => `${scan}\t`, ["\t"]],
  ["ETX", ETX, (scan) => `${scan}\x03`, ["\x03"]],
  ["STX ETX", STX_ETX, (scan) => `\x02${scan}\x03`, ["\x02", "\x03"]],
  ["STX ETX CR LF", STX_ETX, (scan) => `\x02${scan}\x03\r\n`, ["\x02", "\x03"]],
  ["silence", GAP, (scan) => `${scan}—`, []],
];

describe.each(SCANNERS)("ended by %s", (_name, framing, encode, reserved) => {
  const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const stream = (max: number) => fc.array(byte, { maxLength: max }).map((all) => all.join(""));
  const scan = fc
    .oneof({ weight: 9, arbitrary: stream(FRAME_BYTES_MAX) }, { weight: 1, arbitrary: stream(60) })
    .map((text) => reserved.reduce((kept, word) => kept.replaceAll(word, "!"), text));
  const scans = fc.array(scan, { maxLength: 12 });
  const cutsAt = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 40 });

  test("each scan comes out once and in order, however the chunks fall", () => {
    fc.assert(
      fc.property(scans, cutsAt, (sent, sizes) => {
        const cuts = feed(framing, sent.map(encode).join(""), sizes);

        expect(framesOf(cuts)).toEqual(
          sent.filter((text) => text.length > 0 && text.length <= FRAME_BYTES_MAX),
        );
        const oversize = sent.filter((text) => text.length > FRAME_BYTES_MAX);
        expect(noiseOf(cuts)).toBe(oversize.join("").length);
      }),
      { numRuns: 300 },
    );
  });

  test("whatever arrives, no byte is counted twice and a frame has at most its limit", () => {
    fc.assert(
      fc.property(stream(400), cutsAt, (garbage, sizes) => {
        const cuts = feed(framing, garbage, sizes);

        const counted = framesOf(cuts).join("").length + noiseOf(cuts);
        expect(counted).toBeLessThanOrEqual(garbage.length);
        expect(framesOf(cuts).every((frame) => frame.length <= FRAME_BYTES_MAX)).toBe(true);
        expect(framesOf(cuts)).toEqual(framesOf(feed(framing, garbage, [garbage.length + 1])));
      }),
      { numRuns: 300 },
    );
  });

  test("a scan cut short by a pulled plug is counted and never handed out", () => {
    const deframer = createDeframer(framing, FRAME_BYTES_MAX);
    const start = framing.kind === "stx-etx" ? "\x02" : "";

    expect(deframer.push(bytes(`${start}HALF`))).toEqual([]);
    expect(deframer.close()).toEqual([{ kind: "noise", bytes: 4, why: "cut-short" }]);
    expect(deframer.close()).toEqual([]);
  });

  test("a megabyte without an end is counted as it comes, and the scan behind it is read", () => {
    const deframer = createDeframer(framing, FRAME_BYTES_MAX);
    const start = framing.kind === "stx-etx" ? "\x02" : "";
    deframer.push(bytes(start));
    let dropped = 0;
    for (let chunk = 0; chunk < 256; chunk++) dropped += noiseOf(deframer.push(bytes(NOISE)));

    expect(dropped).toBe(1024 * 1024);
    const end = framing.kind === "gap" ? "—" : encode("");
    expect(framesOf(feedTo(deframer, `${end}${encode("NEXT")}`, [99]))).toEqual(["NEXT"]);
  });
});

test("a lone CR is part of a scan that ends with CR LF", () => {
  expect(framesOf(feed(CRLF, "A\rB\r\nC\r\r\n", [1]))).toEqual(["A\rB", "C\r"]);
});

test("a start inside a scan means that the end of the first was lost", () => {
  expect(feed(STX_ETX, "\x02LOST\x02KEPT\x03", [3])).toEqual([
    { kind: "noise", bytes: 4, why: "cut-short" },
    { kind: "frame", frame: bytes("KEPT") },
  ]);
});

test("what stands between two scans is noise and takes no scan along", () => {
  expect(feed(STX_ETX, "xx\x02A\x03junk\x02B\x03", [100])).toEqual([
    { kind: "noise", bytes: 2, why: "outside" },
    { kind: "frame", frame: bytes("A") },
    { kind: "noise", bytes: 4, why: "outside" },
    { kind: "frame", frame: bytes("B") },
  ]);
});

test("silence ends a scan only where silence is the framing", () => {
  for (const framing of [CR, LF, CRLF, ANY, STX_ETX]) {
    const deframer = createDeframer(framing, FRAME_BYTES_MAX);
    deframer.push(bytes("\x02AB"));
    expect(deframer.quiet()).toEqual([]);
  }
});

test.each([
  ["]C1010952", "]C1"],
  ["]d2", "]d2"],
  ["]X0]C1", "]X0"],
  ["]1C01", ""],
  ["]C", ""],
  ["0109521", ""],
  ["", ""],
])("the AIM identifier of %j is %j", (frame, aim) => {
  expect(aimOf(bytes(frame))).toBe(aim);
});

const NOISE = "n".repeat(4096);

function feed(framing: Framing, stream: string, sizes: readonly number[]): Cut[] {
  const deframer = createDeframer(framing, FRAME_BYTES_MAX);
  return [...feedTo(deframer, stream, sizes), ...deframer.close()];
}

/** Pushes the stream in chunks of the given sizes, over and over; `—` is silence. */
function feedTo(
  deframer: ReturnType<typeof createDeframer>,
  stream: string,
  sizes: readonly number[],
): Cut[] {
  const cuts: Cut[] = [];
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    for (const part of stream.slice(at, at + size).split(/(—)/))
      cuts.push(...(part === "—" ? deframer.quiet() : deframer.push(bytes(part))));
    at += size;
  }
  return cuts;
}

function framesOf(cuts: readonly Cut[]): string[] {
  return cuts.flatMap((cut) => (cut.kind === "frame" ? [String.fromCharCode(...cut.frame)] : []));
}

function noiseOf(cuts: readonly Cut[]): number {
  return cuts.reduce((sum, cut) => sum + (cut.kind === "noise" ? cut.bytes : 0), 0);
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

test("scans of one length are cut by counting, and a silence begins a new count", () => {
  const deframer = createDeframer({ kind: "length", bytes: 4 }, FRAME_BYTES_MAX);
  const push = (text: string) => framesOf(deframer.push(Buffer.from(text)));
  expect(push("ABCDEF")).toEqual(["ABCD"]);
  expect(push("GHI")).toEqual(["EFGH"]);
  expect(deframer.quiet()).toEqual([{ kind: "noise", bytes: 1, why: "cut-short" }]);
  expect(push("JKLM")).toEqual(["JKLM"]);
  expect(deframer.close()).toEqual([]);
});
