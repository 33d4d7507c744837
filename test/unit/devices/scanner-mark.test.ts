/** What a scanner's profile undoes, so that the twin reads one form; and what it leaves alone. */
import { expect, test } from "vitest";
import { type Marking, mark } from "../../../src/devices/scanners/mark.ts";

const AS_IS: Marking = { aim: true, codeId: "none", separator: "", unmarked: undefined };

test("a scan in the form the twin reads is left as it is", () => {
  const frame = bytes("]C1253952");
  expect(mark(frame, AS_IS)).toEqual({ raw: frame, aim: "]C1", sent: undefined });
  const plain = bytes("253952");
  expect(mark(plain, AS_IS)).toEqual({ raw: plain, aim: "", sent: undefined });
});

test.each([
  ["{GS}", "]C110ABC{GS}21X", "]C110ABC\x1d21X"],
  ["|", "]d210ABC|21X|", "]d210ABC\x1d21X\x1d"],
  ["]", "]C110ABC]21X", "]C110ABC\x1d21X"],
])("a word that stands for GS becomes GS: %s", (separator, sent, raw) => {
  const marked = mark(bytes(sent), { ...AS_IS, separator });
  expect(text(marked.raw)).toBe(raw);
  expect(marked.aim).toBe(raw.slice(0, 3));
  expect(marked.sent).toEqual(bytes(sent));
});

test.each([
  ["K253952", "]C1253952"],
  ["Dhello", "]C0hello"],
  ["P0G253952", "]d2253952"],
  ["P0Q253952", "]Q3253952"],
  ["K]C1253952", "]C1253952"],
  ["?253952", "?253952"],
])("a code identifier gives way to its AIM identifier: %s", (sent, raw) => {
  expect(text(mark(bytes(sent), { ...AS_IS, codeId: "symbol" }).raw)).toBe(raw);
});

test("what carries no mark is taken for what the profile says", () => {
  expect(text(mark(bytes("253952"), { ...AS_IS, unmarked: "gs1" }).raw)).toBe("]C1253952");
  expect(text(mark(bytes("hello"), { ...AS_IS, unmarked: "plain" }).raw)).toBe("]X0hello");
  expect(text(mark(bytes("]Q3253"), { ...AS_IS, unmarked: "plain" }).raw)).toBe("]Q3253");
});

test("the bar code type of SSI is a mark, and an AIM identifier that is there comes first", () => {
  const marked = mark(bytes("253952"), AS_IS, 0x0f);
  expect(text(marked.raw)).toBe("]C1253952");
  expect(marked.sent).toEqual(Uint8Array.of(0x0f, ...bytes("253952")));
  expect(text(mark(bytes("]d2253"), AS_IS, 0x1b).raw)).toBe("]d2253");
});

function bytes(of: string): Uint8Array {
  return Uint8Array.from(of, (character) => character.charCodeAt(0));
}

function text(of: Uint8Array): string {
  return Buffer.from(of).toString("latin1");
}
